"""Records downwards: one of one size for every enrolled unit in every slot, whether or not there is news.

What a unit hears, and when, must not depend on what any unit said: the pace is fixed, each unit has its own place
in the slot, records are composed early and wait for it, and one that could not be sent is not made up for.
"""

import heapq
import zlib
from collections.abc import Callable, Mapping

import msgspec

from stillroom.clock import NS_PER_MS, NS_PER_S, Clock
from stillroom.documents import Enrolment
from stillroom.epochs import Stream
from stillroom.events import DownBody
from stillroom.keys import SigningKey
from stillroom.metronome import lead_ns
from stillroom.public_keys import RecipientKey
from stillroom.wire import Lane
from stillroom_tools.site.gateway.cursor import RANGES_TOLD, RANGES_WITH_COMMAND
from stillroom_tools.site.gateway.store import Store

_encode = msgspec.msgpack.Encoder().encode


class Downwards:
    """Seals and sends what is due. One stream a unit, under a boot number that was never used before."""

    def __init__(
        self,
        signer: SigningKey,
        store: Store,
        clock: Clock,
        period_s: float,
        publish: Callable[[str, bytes, int], None],
    ) -> None:
        """`publish(unit, record, at_ns)`: let it go at that moment of the monotonic clock."""
        self._signer, self._store, self._clock, self._publish = signer, store, clock, publish
        self._period_ns = round(period_s * NS_PER_S)
        self._lead_ns = lead_ns(self._period_ns)
        self._boot = store.next_boot()
        self._streams: dict[str, tuple[bytes, Stream]] = {}
        self._due: list[tuple[int, str]] = []
        self._turn: dict[str, int] = {}
        self._enrolled: frozenset[str] = frozenset()
        self.carries_commands = True
        """False while the store cannot say which: units hear the time and the cursor all the same."""

    def enrol(self, units: Mapping[str, Enrolment]) -> None:
        """Speak to these units from now on, and to no others."""
        self._enrolled = frozenset(units)
        waiting = {unit for _, unit in self._due}
        for unit, enrolment in units.items():
            self._renew_stream(unit, enrolment.box)
            if unit not in waiting:
                first_ns = self._clock.mono_ns() + self._lead_ns + self._place_ns(unit)
                heapq.heappush(self._due, (first_ns, unit))

    def wait_s(self) -> float:
        """Seconds until the next record is to be composed; a slot where none is."""
        due_ns = self._due[0][0] - self._lead_ns if self._due else self._clock.mono_ns() + self._period_ns
        return max(due_ns - self._clock.mono_ns(), 0) / NS_PER_S

    def send_due(self) -> None:
        """Hand over every record whose place is near; after a stall none for the places missed."""
        now_ns = self._clock.mono_ns()
        while self._due and self._due[0][0] - self._lead_ns <= now_ns:
            place_ns, unit = heapq.heappop(self._due)
            if unit not in self._enrolled:
                continue
            if now_ns <= place_ns:
                self._publish(unit, self._record(unit, place_ns), place_ns)
            missed = max((now_ns - place_ns) // self._period_ns, 0)
            heapq.heappush(self._due, (place_ns + (missed + 1) * self._period_ns, unit))

    def _record(self, unit: str, place_ns: int) -> bytes:
        """Sealed now, with the time at which it will be sent."""
        turn = self._turn[unit] = self._turn.get(unit, -1) + 1
        cursor = self._store.cursor(unit)
        utc_ms = self._clock.utc_ms() + (place_ns - self._clock.mono_ns()) // NS_PER_MS
        to_tell = self._store.commands.to_tell(unit, utc_ms) if self.carries_commands else None
        command = to_tell.part(turn) if to_tell else None
        ranges = cursor.told(turn, RANGES_WITH_COMMAND if command else RANGES_TOLD)
        heard = self._store.heard(unit)
        body = DownBody(utc_ms, cursor.contiguous, ranges, command, heard)
        return self._streams[unit][1].seal(_encode(body))

    def _renew_stream(self, unit: str, box: bytes) -> None:
        """A unit with a new key gets a new stream under a new boot number: no number is used twice."""
        known = self._streams.get(unit)
        if known and known[0] == box:
            return
        boot = self._store.next_boot() if known else self._boot
        self._streams[unit] = box, Stream(Lane.DOWN, self._signer, boot, self._clock, [RecipientKey(box)])

    def _place_ns(self, unit: str) -> int:
        """Where in the slot this unit's record goes: spread, so that a thousand units are no burst."""
        return zlib.crc32(unit.encode()) * self._period_ns >> 32
