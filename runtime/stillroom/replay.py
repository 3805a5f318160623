"""Which records of a sender were seen: a window of 128 over the sequence of the newest boot, and older boots.

A pure function from state and record to the next state, so that the caller can keep it in the transaction in
which it keeps what the record held.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from stillroom.errors import StorageError, WireError
from stillroom.public_keys import KEY_ID_BYTES
from stillroom.wire import BOOT_ID_BYTES, MAX_SEQUENCE, Record

WINDOW = 128
MAX_SKIP = 2**26
"""More than a year of slots of half a second: a larger jump is no outage but a broken counter."""
MAX_OLDER = 8
REORDERED = 32
"""How many later records may overtake one that still comes: as many as a sender has unacknowledged."""

Number = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Sequence = Annotated[int, Meta(ge=0, le=MAX_SEQUENCE)]
BootId = Annotated[bytes, Meta(min_length=BOOT_ID_BYTES, max_length=BOOT_ID_BYTES)]
Window = Annotated[bytes, Meta(min_length=WINDOW // 8, max_length=WINDOW // 8)]


class Older(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A boot before the newest, and the highest sequence that was seen of it."""

    boot: Number
    boot_id: BootId
    top: Sequence


class Seen(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """All that is remembered of one sender; 350 bytes at most."""

    boot: Number
    boot_id: BootId
    epoch_index: Number
    top: Sequence
    window: Window
    """Bit i (of a big-endian number) says that sequence top - i was seen."""
    older: Annotated[tuple[Older, ...], Meta(max_length=MAX_OLDER)] = ()
    first: Sequence = 0
    """The lowest sequence of this boot that is to be expected: of a sender that was joined on its way, not those
    that may have overtaken the first one heard."""
    sender: Annotated[bytes, Meta(max_length=KEY_ID_BYTES)] = b""
    """Key id of whom this is about; what was seen of another key of the same name is nothing to him."""

    def is_of(self, sender: bytes) -> bool:
        """Whether it is about this key; what was kept before keys were named is about whoever comes."""
        return self.sender in (sender, b"")

    def to_bytes(self) -> bytes:
        return msgspec.msgpack.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Seen":
        """Raises StorageError for bytes that `to_bytes` did not write."""
        try:
            return msgspec.msgpack.decode(data, type=cls)
        except msgspec.MsgspecError:
            raise StorageError("the state that guards against replays is damaged") from None


def advance(seen: Seen | None, record: Record) -> tuple[Seen, int]:
    """The state after `record`, and how many numbers between it and the one before were skipped.

    Raises WireError: duplicate (seen, inside the window), replay (behind it), cloned (a second boot of one
    number), rolled-back (an earlier boot never heard of), stale (unseen, but of an earlier boot), order, skip.
    """
    if seen is None or not seen.is_of(record.sender):
        expected = min(record.sequence + REORDERED, MAX_SEQUENCE)
        return msgspec.structs.replace(_first(record, ()), first=expected), 0
    if record.boot.number > seen.boot:
        _refuse_jump(record.sequence)
        older = (Older(seen.boot, seen.boot_id, seen.top), *seen.older)[:MAX_OLDER]
        return _first(record, older), record.sequence
    if record.boot.number < seen.boot:
        raise _earlier_boot(seen.older, record)
    if record.boot.id != seen.boot_id:
        raise WireError("cloned", f"two boots with number {seen.boot}: a copied key, or a card put back")
    return _same_boot(seen, record)


def given_up(before: Seen | None, after: Seen) -> int:
    """How many more records are missing for good with this step: `REORDERED` later ones have come, or another boot.

    -1 where one came after all.
    """
    if before is None or not before.is_of(after.sender):
        return 0
    if after.boot != before.boot:
        return _holes(before, 0) + max(after.top - REORDERED + 1, 0)
    ahead = after.top - before.top
    if ahead > 0:
        passed = max(before.top, before.first - 1)
        return _holes(before, REORDERED - ahead) + max(after.top - REORDERED - passed, 0)
    came = (int.from_bytes(before.window, "big") ^ int.from_bytes(after.window, "big")).bit_length() - 1
    return -1 if came >= REORDERED and before.top - came >= before.first else 0


def _holes(seen: Seen, nearest: int) -> int:
    """Of the places from `nearest` to REORDERED below the highest, those that are expected and were not seen."""
    window = int.from_bytes(seen.window, "big")
    last = min(REORDERED, seen.top - seen.first + 1)
    return sum(not window >> place & 1 for place in range(max(nearest, 0), last))


def _first(record: Record, older: tuple[Older, ...]) -> Seen:
    window = (1).to_bytes(WINDOW // 8, "big")
    boot = record.boot
    return Seen(
        boot.number, boot.id, record.epoch_index, record.sequence, window, older, sender=record.sender
    )


def _same_boot(seen: Seen, record: Record) -> tuple[Seen, int]:
    ahead = record.sequence - seen.top
    if (record.epoch_index - seen.epoch_index) * ahead < 0:
        raise WireError("order", "epochs and sequence run against each other")
    window = int.from_bytes(seen.window, "big")
    if ahead > 0:
        _refuse_jump(ahead)
        window = (window << min(ahead, WINDOW) | 1) & (2**WINDOW - 1)
        return _moved(seen, record.epoch_index, record.sequence, window, record.sender), ahead - 1
    if -ahead >= WINDOW:
        raise WireError("replay", f"{-ahead} behind the newest")
    if window >> -ahead & 1:
        raise WireError("duplicate", f"sequence {record.sequence} came before")
    return _moved(seen, seen.epoch_index, seen.top, window | 1 << -ahead, record.sender), 0


def _moved(seen: Seen, epoch_index: int, top: int, window: int, sender: bytes) -> Seen:
    data = window.to_bytes(WINDOW // 8, "big")
    return Seen(seen.boot, seen.boot_id, epoch_index, top, data, seen.older, seen.first, sender)


def _refuse_jump(ahead: int) -> None:
    if ahead > MAX_SKIP:
        raise WireError("skip", f"{ahead} numbers ahead; at most {MAX_SKIP}")


def _earlier_boot(older: tuple[Older, ...], record: Record) -> WireError:
    number = record.boot.number
    for known in older:
        if known.boot != number:
            continue
        if known.boot_id != record.boot.id:
            return WireError("cloned", f"two boots with number {number}: a copied key, or a card put back")
        if record.sequence <= known.top:
            return WireError("replay", f"of boot {number}")
        return WireError("stale", f"unseen, of boot {number}: held back on the way")
    if len(older) == MAX_OLDER and number < older[-1].boot:
        return WireError("replay", f"of boot {number}, long past")
    return WireError("rolled-back", f"boot {number} was never heard of: a copied key, or a card put back")
