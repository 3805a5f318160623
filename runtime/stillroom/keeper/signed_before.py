"""What each person of the roster has signed before: a document of theirs is carried out once, whoever brings it again.

A gateway gives commands their numbers, and could bring an old document under a new one. Of each signer and kind the
newest documents are remembered on the card; one that is among them, or not later than the last one forgotten, came
before. They may come in another order than they were signed in, as far as that reaches.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from stillroom.hashes import digest
from stillroom.keeper.outbox import Outbox

MAX_REMEMBERED = 32
"""Of one signer and kind: as many may overtake each other."""
_BEFORE = "signed "
_ID_BYTES = 8

_Known = tuple[int, Annotated[bytes, Meta(min_length=_ID_BYTES, max_length=_ID_BYTES)]]


class _Before(Struct, frozen=True, array_like=True):
    """`floor_ms`: the time of the newest one forgotten, 0 before there is one."""

    floor_ms: int = 0
    newest: Annotated[tuple[_Known, ...], Meta(max_length=MAX_REMEMBERED)] = ()


class SignedBefore:
    """One window for each signer and kind."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def has(self, kind: str, by: str, at_ms: int, document: Struct) -> bool:
        """Whether this one came before; `at_ms`: when it says that it was signed."""
        before = self._recall(kind, by)
        return at_ms <= before.floor_ms or (at_ms, _id(document)) in before.newest

    def add(self, kind: str, by: str, at_ms: int, document: Struct) -> None:
        """It was carried out: with the commit that keeps what came of it."""
        before = self._recall(kind, by)
        known = sorted({*before.newest, (at_ms, _id(document))})
        gone, kept = known[:-MAX_REMEMBERED], known[-MAX_REMEMBERED:]
        floor_ms = max([before.floor_ms, *(ms for ms, _ in gone)])
        data = msgspec.msgpack.encode(_Before(floor_ms, tuple(kept)))
        self._outbox.remember(f"{_BEFORE}{kind} by {by}", data)

    def _recall(self, kind: str, by: str) -> _Before:
        """Nothing where a bad card has changed it: then an old one is written down once more."""
        kept = self._outbox.recall_bytes(f"{_BEFORE}{kind} by {by}")
        try:
            return msgspec.msgpack.decode(kept, type=_Before) if kept else _Before()
        except msgspec.MsgspecError:
            return _Before()


def _id(document: Struct) -> bytes:
    return digest(b"stillroom/1 signed before", msgspec.msgpack.encode(document), _ID_BYTES)
