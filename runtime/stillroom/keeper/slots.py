"""What goes into each slot: a snapshot from memory, then whatever durable entries fit. One record a slot, always.

An entry that was put into a slot is not put into another until `RESEND_S` has passed without the gateway's
word, or until the broker was lost: then it goes again. The receiver knows it by its number.
"""

from collections.abc import Callable

import msgspec

from stillroom.clock import NS_PER_S
from stillroom.events import Body, Entry, Snapshot
from stillroom.keeper.outbox import Outbox

RESEND_SLOTS = 4
LEAST_RESEND_S = 6.0
SLOTS_REMEMBERED = 64
_MAX_ENTRIES = 24


class Slots:
    """Composes bodies that fit `capacity_bytes`, and remembers what is on its way."""

    def __init__(self, outbox: Outbox, period_s: float) -> None:
        self._outbox = outbox
        self._resend_ns = round(max(RESEND_SLOTS * period_s, LEAST_RESEND_S) * NS_PER_S)
        self._on_the_way: dict[int, int] = {}
        self._slots: dict[int, tuple[int, ...]] = {}

    def compose(
        self, slot: int, mono_ns: int, utc_ms: int, snapshot: Snapshot, fits: Callable[[Body], bool]
    ) -> Body:
        """The body of this slot. `fits` tells whether a body has room in one record."""
        self._forget(mono_ns)
        chosen: list[Entry] = []
        for entry in self._outbox.take(utc_ms, _MAX_ENTRIES, self._on_the_way):
            if fits(Body(utc_ms, snapshot, (*chosen, entry))):
                chosen.append(entry)
        for entry in chosen:
            self._on_the_way[entry.number] = mono_ns + self._resend_ns
        self._slots[slot] = tuple(e.number for e in chosen)
        return Body(utc_ms, snapshot, tuple(chosen))

    def entries_of(self, slot: int) -> tuple[int, ...]:
        """The numbers that this slot carried, once: for a site without a gateway, where PUBACK settles."""
        return self._slots.pop(slot, ())

    def lost_broker(self) -> None:
        """Nothing is on its way any more: all that is not settled goes again."""
        self._on_the_way.clear()
        self._slots.clear()

    def _forget(self, mono_ns: int) -> None:
        self._on_the_way = {n: until for n, until in self._on_the_way.items() if until > mono_ns}
        while len(self._slots) >= SLOTS_REMEMBERED:
            del self._slots[next(iter(self._slots))]


def fits(capacity_bytes: int) -> Callable[[Body], bool]:
    """A test whether a body's encoding fits."""
    encode = msgspec.msgpack.Encoder().encode
    return lambda body: len(encode(body)) <= capacity_bytes
