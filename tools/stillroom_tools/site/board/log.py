"""What was done at the board, and by whom: `board/log` of a site, a signed hash chain in lines of JSON.

The arithmetic is that of a unit's audit chain (`stillroom.chain`), signed with the board's key. A line is on the disk
before what it tells of is done: where it cannot be written, nothing is done. Whoever has the board's key can write
another chain in its place, and whoever can write the file can cut off its end: note the head that `people log` prints.
"""

import fcntl
import os
import secrets
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from stillroom.chain import FIRST_HEAD, SALT_BYTES, follow, head_of, leaf_of, proof_of, signed_part
from stillroom.clock import Clock
from stillroom.errors import StorageError, TrustError
from stillroom.events import Audited
from stillroom.keys import KeyRing
from stillroom.public_keys import VerifyKey

FILE = "log"
_LONGEST_LINE = 1_024
_LINK = msgspec.json.Decoder(Audited)


class Deed(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The body of a link: at most 240 bytes of JSON."""

    by: Annotated[str, Meta(max_length=32)]
    """Who was logged in, or `operator` for the command line; empty where nobody was."""
    what: Annotated[str, Meta(max_length=32)]
    about: Annotated[str, Meta(max_length=120)] = ""


class Log:
    """Append with `add`; several processes may."""

    def __init__(self, folder: Path, keys: KeyRing, clock: Clock) -> None:
        self._path, self._keys, self._clock = folder / FILE, keys, clock

    def add(self, by: str, what: str, about: str = "") -> tuple[int, bytes]:
        """One more link, on the disk when this returns its number and head.

        Raises StorageError, TrustError (its end is damaged).
        """
        with self._locked() as descriptor:
            before = self._last(descriptor)
            index, head_before = (before.index + 1, before.head) if before else (1, FIRST_HEAD)
            body = msgspec.json.encode(Deed(by, what, about))
            salt, at_ms = secrets.token_bytes(SALT_BYTES), self._clock.utc_ms()
            head = head_of(head_before, index, at_ms, leaf_of(salt, body))
            signature = self._keys.signing.sign(signed_part(index, head))
            line = msgspec.json.encode(Audited(index, at_ms, body, salt, head, signature)) + b"\n"
            _append(self._path, descriptor, line)
            self._added(index, head)
            return index, head

    def _added(self, index: int, head: bytes) -> None:
        """While nobody else can add: for whoever holds its end (`rights/record.py`)."""

    def newest(self, most: int) -> list[tuple[int, Deed]]:
        """The newest first, each with its time (UTC in ms). Raises TrustError for a line that cannot be read."""
        return [(link.at_ms, deed) for link, deed in reversed(deque(self.read(), most))]

    def read(self) -> Iterator[tuple[Audited, Deed]]:
        """Every link, the oldest first; nothing is verified. Raises TrustError."""
        try:
            with self._path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    yield _read(self._path, number, line)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(f"{self._path}: cannot be read: {error.strerror}") from None

    def verify(self, key: VerifyKey) -> tuple[int, bytes]:
        """How many links there are, and the head of the last. Raises TrustError naming the first that is wrong."""
        head, count = FIRST_HEAD, 0
        for link, _ in self.read():
            try:
                head = follow(head, count + 1, proof_of(link), key)
            except ValueError as error:
                raise TrustError(f"{self._path}: {error}") from None
            count += 1
        return count, head

    def _last(self, descriptor: int) -> Audited | None:
        size = os.fstat(descriptor).st_size
        if size == 0:
            return None
        end = os.pread(descriptor, _LONGEST_LINE, max(size - _LONGEST_LINE, 0))
        if not end.endswith(b"\n"):
            raise TrustError(f"{self._path}: its last line is cut short: move the file away and keep it")
        return _read(self._path, 0, end[:-1].rpartition(b"\n")[2])[0]

    @contextmanager
    def _locked(self) -> Iterator[int]:
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self._path, flags, 0o600)
        except OSError as error:
            raise StorageError(f"{self._path}: cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def _append(path: Path, descriptor: int, line: bytes) -> None:
    """The whole line or, where the disk is full, none of it. Raises StorageError."""
    size = os.fstat(descriptor).st_size
    try:
        if os.write(descriptor, line) != len(line):
            os.ftruncate(descriptor, size)
            raise StorageError(f"{path}: the disk is full: nothing is done that cannot be written down")
        os.fsync(descriptor)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None


def _read(path: Path, number: int, line: bytes) -> tuple[Audited, Deed]:
    try:
        link = _LINK.decode(line)
        return link, msgspec.json.decode(link.body, type=Deed)
    except msgspec.MsgspecError:
        where = f"line {number}" if number else "its last line"
        raise TrustError(f"{path}: {where} cannot be read") from None
