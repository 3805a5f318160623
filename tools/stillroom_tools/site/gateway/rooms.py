"""What is known of each room now, and how old it is. The only judge of presence, by its own clock.

Silence is never "all clear": a unit that says nothing, or whose records arrive late, has a presence of its own
that whoever shows a room must show first.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import msgspec

from stillroom.clock import NS_PER_S, Clock
from stillroom.document_forms import from_ms
from stillroom.events import GateReason, RoomState, Snapshot, Telemetry
from stillroom_tools.site.gateway.alert_forms import Alert

Presence = Literal["waiting", "live", "late", "silent"]
"""`waiting`: enrolled, no record yet, and not for long. `late`: records come, but what they tell is old."""

Order = tuple[int, int, int]
"""(boot, epoch, sequence): which of two records of a unit is the newer."""

SILENT_AFTER_SLOTS = 3
NO_ROOM = "none"
"""What a unit without an authorisation calls its room."""
LATE_AFTER_MS = 15_000
"""A broker that holds records back, or a unit's clock that is wrong: either way not "now"."""


class LastKnown(msgspec.Struct, frozen=True):
    """What a unit had said last of its room. Never to be shown as "now": `heard_ms` says how old it is."""

    unit: str
    room: str
    """As it was called last; `none` where the unit never had an authorisation."""
    heard_ms: int
    """When its newest record was opened, UTC of the gateway."""
    state: RoomState | None = None
    """None: it never said, or that was too long ago (`[retention] care_days`)."""
    since_ms: int = 0
    """UTC of the unit."""
    gate: GateReason | None = None
    gate_since_ms: int = 0
    telemetry: Telemetry | None = None
    """What it told of itself."""


@dataclass(frozen=True)
class Room:
    """One unit and the room it looks at. Times are of the machine that shows them."""

    unit: str
    presence: Presence
    since_ms: int
    """When this presence began."""
    seen_ms: int | None = None
    """When the newest record was opened; None before the first one."""
    behind_ms: int = 0
    """How old the newest record was when it was opened, by the two clocks."""
    snapshot: Snapshot | None = None
    alarms: tuple[tuple[str, int], ...] = ()
    """What stands against the unit itself (see alarms.py), and how many records each is about."""
    alerts: tuple[Alert, ...] | None = None
    """What stands of its conditions, the most urgent first; None where nobody here knows."""
    known: LastKnown | None = None
    """From before this gateway's start, until the unit is heard."""

    @property
    def name(self) -> str:
        """The room's pseudonym; the unit's id where the unit does not say which room (it has no authorisation)."""
        told = self.snapshot or self.known
        return told.room if told and told.room != NO_ROOM else self.unit

    @property
    def before(self) -> str:
        """What is known from before, in words that say how old it is; empty once the unit is heard."""
        if self.known is None:
            return ""
        state = f"was {self.known.state} since {from_ms(self.known.since_ms):%Y-%m-%d %H:%M} UTC, "
        said = state if self.known.state else ""
        return f"{said}not heard since {from_ms(self.known.heard_ms):%Y-%m-%d %H:%M:%S} UTC"


class Rooms:
    """All enrolled units. Feed with `saw`, judge now and then, read with `all`."""

    def __init__(self, clock: Clock, period_s: float) -> None:
        self._clock = clock
        self._silent_after_ns = int(SILENT_AFTER_SLOTS * period_s * NS_PER_S)
        self._rooms: dict[str, Room] = {}
        self._heard_ns: dict[str, int] = {}
        self._newest: dict[str, Order] = {}

    def enrol(self, units: Iterable[str]) -> None:
        """Expect these units; known ones keep what is known of them."""
        for unit in units:
            if unit not in self._rooms:
                self._rooms[unit] = Room(unit, "waiting", self._clock.utc_ms())
                self._heard_ns[unit] = self._clock.mono_ns()

    def remember(self, known: Iterable[LastKnown]) -> list[Room]:
        """Expected rooms of which something is known from before, and which were not heard since."""
        found = {one.unit: one for one in known if one.heard_ms}
        for unit, room in self._rooms.items():
            if unit in found and room.snapshot is None:
                self._rooms[unit] = replace(room, known=found[unit], seen_ms=found[unit].heard_ms)
        return [room for room in self.all() if room.known]

    def withdraw(self, units: Iterable[str]) -> None:
        """Expect these no longer."""
        for unit in units:
            for table in (self._rooms, self._heard_ns, self._newest):
                table.pop(unit, None)

    def saw(self, unit: str, order: Order, sealed_ms: int, snapshot: Snapshot) -> Room | None:
        """A record was opened. The room as it is now; None where the record is older than one before it."""
        if unit not in self._rooms or order <= self._newest.get(unit, (-1, -1, -1)):
            return None
        self._newest[unit] = order
        self._heard_ns[unit] = self._clock.mono_ns()
        now_ms = self._clock.utc_ms()
        before = self._rooms[unit]
        behind_ms = now_ms - sealed_ms
        presence: Presence = "late" if _is_late(behind_ms, snapshot) else "live"
        since_ms = before.since_ms if presence == before.presence else now_ms
        self._rooms[unit] = replace(
            before,
            presence=presence,
            since_ms=since_ms,
            seen_ms=now_ms,
            behind_ms=behind_ms,
            snapshot=snapshot,
            known=None,
        )
        return self._rooms[unit]

    def alarm(self, unit: str, alarms: Mapping[str, int]) -> Room | None:
        """The alarms that stand now; the room where they are others than before."""
        room = self._rooms.get(unit)
        standing = tuple(sorted(alarms.items()))
        if room is None or room.alarms == standing:
            return None
        self._rooms[unit] = replace(room, alarms=standing)
        return self._rooms[unit]

    def alert(self, alerts: Iterable[Alert] | None) -> list[Room]:
        """The alerts that stand now, of all units; the rooms where they are others than before. None: not known."""
        known = None if alerts is None else tuple(alerts)
        changed = []
        for unit, room in self._rooms.items():
            own = None if known is None else tuple(alert for alert in known if alert.unit == unit)
            if own != room.alerts:
                self._rooms[unit] = replace(room, alerts=own)
                changed.append(self._rooms[unit])
        return changed

    def judge(self) -> list[Room]:
        """Look at the clock; the rooms that have just become silent."""
        now_ns, now_ms = self._clock.mono_ns(), self._clock.utc_ms()
        lost = [
            room
            for unit, room in self._rooms.items()
            if room.presence != "silent" and now_ns - self._heard_ns[unit] > self._silent_after_ns
        ]
        for room in lost:
            self._rooms[room.unit] = replace(room, presence="silent", since_ms=now_ms)
        return [self._rooms[room.unit] for room in lost]

    def all(self) -> list[Room]:
        """Every room, by name, numbers in it as numbers: room-9 stands before room-10."""
        return sorted(self._rooms.values(), key=lambda room: (_counted(room.name), room.unit))

    def units(self) -> set[str]:
        """Who is expected."""
        return set(self._rooms)

    def presence(self, unit: str) -> Presence | None:
        """As judged last; None for a unit that is not expected."""
        room = self._rooms.get(unit)
        return room.presence if room else None


@lru_cache(4_096)
def _counted(name: str) -> tuple[tuple[int, str], ...]:
    """Letters and digits of a name apart, so that they sort as people count."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)


def _is_late(behind_ms: int, snapshot: Snapshot) -> bool:
    """A unit that is not sure of the time can't be judged by it; it says so itself."""
    return snapshot.clock != "unsure" and abs(behind_ms) > LATE_AFTER_MS
