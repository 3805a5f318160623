"""What must outlive a damaged database: the boot counter, numbers promised to entries, and a few things remembered.

A file of its own beside the outbox: two places of one page each, written one after the other and flushed, so that a
power cut while writing spoils one at most, and a bad page later leaves the other. It is made once and written in
place: a full card does not stop it. Numbers are promised in blocks, which keeps writing rare.
"""

import os
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from stillroom.errors import StorageError
from stillroom.files import flush_folder
from stillroom.hashes import digest

FILE = "outbox.marks"
BLOCK = 4096
"""So many numbers are promised at once; so many, at most, are told as lost though they were never given."""
PLACE_BYTES = 4096
_DOMAIN = b"stillroom/1 marks"
_DIGEST_BYTES = 16

Number = Annotated[int, Meta(ge=0, le=2**53)]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]


class State(Struct, frozen=True, forbid_unknown_fields=True):
    """Only ever grows, but for `kept`."""

    boot: Number = 0
    numbers: Number = 0
    """Every number that an entry ever had is at most this."""
    settled: Number = 0
    """The gateway had everything up to this number, when this was written."""
    utc_floor_ms: Number = 0
    link: Number = 0
    """The newest audit link on the card. One that the database does not have any more was lost with its commit."""
    held: Number = 0
    held_head: Digest = bytes(32)
    """The newest link, and its head, before which the gateway has every one: whoever has the chain has these."""
    kept: Annotated[dict[str, int], Meta(max_length=16)] = {}
    digests: Annotated[dict[str, Digest], Meta(max_length=4)] = {}
    """Of bytes remembered that must be the same after damage, or be missed."""
    written: Number = 0
    """How often; the higher of two places is the newer."""


class Marks:
    """`state` is what is on the card. `damaged`: the file is there and neither place can be believed."""

    def __init__(self, folder: Path) -> None:
        """Raises StorageError where the file cannot be read."""
        self._path = folder / FILE
        try:
            data = self._path.read_bytes() if self._path.exists() else None
        except OSError as error:
            raise StorageError(f"{self._path}: cannot be read: {error.strerror}") from None
        places = [data[at : at + PLACE_BYTES] for at in (0, PLACE_BYTES)] if data is not None else []
        found = [state for place in places if (state := _parse(place)) is not None]
        self.absent = data is None
        self.damaged = data is not None and not found
        self.state = max(found, key=lambda state: state.written, default=State())

    @property
    def known(self) -> bool:
        return not (self.absent or self.damaged)

    def write(self, **changes: object) -> None:
        """Change the state, on the card when this returns. Raises OSError; the state is then as before."""
        state = replace(self.state, **changes, written=self.state.written + 1)
        place = _format(state)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            for at in (0, PLACE_BYTES):
                os.pwrite(descriptor, place, at)
                os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        if self.absent:
            flush_folder(self._path.parent)
        self.state, self.absent, self.damaged = state, False, False


def _format(state: State) -> bytes:
    text = msgspec.json.encode(state)
    place = digest(_DOMAIN, text, _DIGEST_BYTES) + len(text).to_bytes(2, "big") + text
    if len(place) > PLACE_BYTES:
        raise ValueError("more to remember than one page holds")
    return place.ljust(PLACE_BYTES, b"\0")


def _parse(place: bytes) -> State | None:
    """What a place holds; None where it is not exactly what was written."""
    start = _DIGEST_BYTES + 2
    text = place[start : start + int.from_bytes(place[_DIGEST_BYTES:start], "big")]
    if not text or digest(_DOMAIN, text, _DIGEST_BYTES) != place[:_DIGEST_BYTES]:
        return None
    try:
        return msgspec.json.decode(text, type=State)
    except msgspec.MsgspecError:
        return None
