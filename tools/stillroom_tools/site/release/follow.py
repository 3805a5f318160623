"""A recording's file, block by block: what is whole and in its place, and a line for each thing that is not."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from stillroom.errors import InputError, WireError
from stillroom.public_keys import VerifyKey
from stillroom.release_forms import CHUNK, INTERRUPTED, MAGIC, SUITE, VERSION
from stillroom.release_wire import FIRST_LINK, Block, how_it_ended, read_block, verify

_BEGINS = MAGIC + bytes([VERSION, SUITE])
_WINDOW = 1 << 20


@dataclass(frozen=True)
class Expected:
    """Whose blocks they must be: signed with one of the unit's keys, of which there is one at least."""

    keys: Sequence[VerifyKey]
    release: bytes

    def key_of(self, block: Block) -> VerifyKey:
        """The one that the block says it is signed with; where the unit has none such, another, which refuses it."""
        return next((key for key in self.keys if key.id == block.sender_id), self.keys[0])


class Follower:
    """Iterate `chunks`; `findings` then has what is wrong, and `ended` how the recording ended."""

    def __init__(self, path: Path, expected: Expected, tell: Callable[[str], None]) -> None:
        self._path, self._expected, self._tell = path, expected, tell
        self._recording: bytes | None = None
        self._next, self._link = 0, FIRST_LINK
        self.ended = ""
        self.chunks_seen = self.findings = 0

    def chunks(self) -> Iterator[Block]:
        """Those that the unit has signed, in the order in which they lie there. Raises InputError."""
        try:
            with self._path.open("rb") as file:
                for block in self._blocks(file):
                    if self._follows(block):
                        self.chunks_seen += 1
                        yield block
        except OSError as error:
            raise InputError(f"{self._path}: cannot be read: {error.strerror}") from None
        if not self.ended:
            after = f"after chunk {self._next - 1}" if self._next else "at all"
            self._say(f"cut off, or not over yet: nothing follows {after}, and no end was signed")

    def _blocks(self, file: BinaryIO) -> Iterator[Block]:
        while True:
            start = file.tell()
            try:
                block = read_block(file)
            except WireError as error:
                self._say(f"byte {start}: no whole block ({error.reason})")
                if not _skip(file, start + 1):
                    return
                continue
            if block is None:
                return
            try:
                verify(block, self._expected.key_of(block), self._expected.release)
            except WireError as error:
                foreign = {"sender": "another unit's", "release": "of another release"}
                said = foreign.get(error.reason, "altered since the unit signed it")
                self._say(f"byte {start}: block {block.number} is {said}: left out")
                if error.reason == "signature" and not _skip(file, start + 1):  # its length may be false
                    return
                continue
            yield block

    def _follows(self, block: Block) -> bool:
        """Whether it is a chunk to be opened. Says what is between it and the one before."""
        if self._recording not in (None, block.recording):
            self._say(f"block {block.number} is of another recording: left out")
            return False
        self._recording = block.recording
        number = block.number
        if self.ended:
            self._say(f"block {number} stands after the end")
        elif number > self._next:
            self._say(f"{_missing(self._next, number - 1)} missing")
        elif number < self._next:
            self._say(
                f"block {number} stands after block {self._next - 1}, where it does not belong: left out"
            )
            return False
        elif block.before != self._link:
            self._say(
                f"block {number} does not follow the one before it here: one of them is of another card"
            )
        self._next, self._link = number + 1, block.link
        if block.what != CHUNK:
            self._end(block)
            return False
        return True

    def _end(self, block: Block) -> None:
        try:
            self.ended = how_it_ended(block)
        except WireError:
            self.ended = "unknown"
        if self.ended == INTERRUPTED:
            after = f"after chunk {block.number - 1}" if block.number else "at all"
            self._say(
                "interrupted: the unit signed this end at its next start, after it had lost its power or was stopped "
                f"by force, and cannot know what followed {after}: chunks there may be missing"
            )

    def wrong(self, text: str) -> None:
        """Something else that is wrong with it."""
        self._say(text)

    def _say(self, text: str) -> None:
        self.findings += 1
        self._tell(f"{self._path.name}: {text}")


def _missing(first: int, last: int) -> str:
    return f"chunk {first} is" if first == last else f"chunks {first} to {last} are"


def _skip(file: BinaryIO, start: int) -> bool:
    """To the next place where a block may begin; False: there is none."""
    at = start
    while True:
        file.seek(at)
        window = file.read(_WINDOW)
        found = window.find(_BEGINS)
        if found >= 0:
            file.seek(at + found)
            return True
        if len(window) < _WINDOW:
            return False
        at += _WINDOW - len(_BEGINS)
