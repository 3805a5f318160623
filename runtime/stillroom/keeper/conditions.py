"""The conditions of a person: from states that last, and from movement. Each is told when it begins and when it ends.

One row a condition: in which states it counts, what ends it. `unknown` begins nothing and ends nothing: a camera that
was covered has not helped anybody up. So does an `empty` that follows `unknown`: nobody was seen leaving.
No condition comes of a vital sign: breathing and pulse do not come here, and a state that rests on nothing but a rhythm
of breathing, which a curtain can have, begins and ends none.

Durations are the camera's time, times of day the unit's; a replay gives the same conditions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stillroom.clock import MS_PER_S, NS_PER_S
from stillroom.config import Zones
from stillroom.config_conditions import ConditionsConfig, Level, Row, minute_of, row_at, zone
from stillroom.events import ConditionChanged, RoomState
from stillroom.keeper.occupancy import LEAST_MOTION
from stillroom.keeper.states import ALL, SOMEBODY

MS_PER_MINUTE = 60 * MS_PER_S
_BED: frozenset[RoomState] = frozenset({"in-bed", "bed-edge"})
_KNOWN: frozenset[RoomState] = frozenset(ALL) - {"unknown"}
_AWAY: frozenset[RoomState] = frozenset({"occupied", "out-of-bed", "on-floor", "bathroom", "empty"})


@dataclass(frozen=True)
class Kind:
    """`code` begins after so long in `during`, and ends in `ends`."""

    code: str
    during: frozenset[RoomState]
    ends: frozenset[RoomState]
    after: frozenset[RoomState] = frozenset()
    """It counts only once the room was in one of these; empty: always."""
    moment: bool = False
    """It is of a moment, so that moment must lie in the time of day asked for; else the time that it lasts counts."""
    still: bool = False
    """It counts only while nothing moves, and movement ends it."""
    moved: bool = False
    """What stood before a start ends only once something has moved: who lies as he lay was not helped up."""

    @property
    def key(self) -> str:
        """In `[conditions]`."""
        return self.code.replace("-", "_")


def _only(code: str, state: RoomState) -> Kind:
    return Kind(code, frozenset({state}), _KNOWN - {state})


KINDS = (
    Kind("left-bed", _AWAY, _BED, after=_BED, moment=True),
    _only("about-to-leave", "bed-edge"),
    Kind("not-back", _AWAY, _BED, after=_BED),
    _only("bathroom-long", "bathroom"),
    Kind("on-floor", frozenset({"on-floor"}), _KNOWN - {"on-floor", "several-people"}, moved=True),
    _only("several-people", "several-people"),
    Kind("no-movement", SOMEBODY - {"bathroom"}, frozenset({"empty", "bathroom"}), still=True),
    Kind("left-room", frozenset({"empty"}), SOMEBODY, after=SOMEBODY, moment=True),
    Kind("entered", SOMEBODY, frozenset({"empty"}), after=frozenset({"empty"}), moment=True),
)

Standing = Mapping[str, Level]
"""Codes of the conditions that stand, with their levels."""


@dataclass
class _Track:
    """One condition now."""

    kind: Kind
    level: Level | None = None
    """None: it does not stand."""
    armed: bool = False
    since_ns: int | None = None
    holds: bool = False
    """It stood before the start, and nothing has moved since."""
    asked: bool = True
    """At the moment when it began to count, its rows covered the time of day."""
    rows: tuple[Row, ...] = field(default=())
    row: Row | None = None
    """The one of them that counts at this time of day."""

    @property
    def goes_on(self) -> bool:
        """It stands, or its time runs."""
        return self.level is not None or (self.row is not None and self.since_ns is not None)


class Conditions:
    """Fed with each observation's state and movement, it tells what began and what ended."""

    def __init__(
        self, config: ConditionsConfig, tell: Callable[[int, ConditionChanged], None], standing: Standing
    ) -> None:
        """standing: what the keeper before this one had told and not ended; it goes on until it is seen to end."""
        self._tell = tell
        self._zone = zone(config.time_zone)
        self._state: RoomState = "unknown"
        self._believed: RoomState = "unknown"
        self._unproved = False
        self._minute: int | None = None
        self._before: tuple[RoomState, RoomState, bool] | None = None
        self._tracks = [
            _Track(
                kind,
                standing.get(kind.code),
                kind.code in standing,
                holds=kind.code in standing and kind.moved,
                rows=getattr(config, kind.key),
            )
            for kind in KINDS
        ]
        self._going_on = self._tracks

    def adopt(self, config: ConditionsConfig) -> None:
        """Other rows from the next observation on; what stands stays, where a row still asks for it."""
        self._zone = zone(config.time_zone)
        self._minute = self._before = None
        for track in self._tracks:
            track.rows = getattr(config, track.kind.key)

    @property
    def standing(self) -> dict[str, Level]:
        """What stands now."""
        return {track.kind.code: track.level for track in self._tracks if track.level is not None}

    def feed(
        self, frame_ns: int, at_ms: int, state: RoomState, motion: float, by_breath: bool = False
    ) -> None:
        """frame_ns: the camera's time, rising; at_ms: UTC of the same; motion: share of cells that move.

        by_breath: nothing but a rhythm of breathing speaks for the state.
        """
        if state != self._state:
            self._unproved = state == "empty" and self._state == "unknown"
            self._state = state
        self._believed = "unknown" if by_breath or self._unproved else state
        if at_ms // MS_PER_MINUTE != self._minute:
            self._minute, self._before = at_ms // MS_PER_MINUTE, None
            for track in self._tracks:
                track.row = row_at(track.rows, minute_of(at_ms, self._zone))
        now = state, self._believed, motion >= LEAST_MOTION
        # As long as nothing changes, time alone changes only what stands or is on its way to begin.
        steps = self._tracks if now != self._before else self._going_on
        for track in steps:
            self._step(track, frame_ns, at_ms, now[2])
        if steps:
            self._going_on = [track for track in self._tracks if track.goes_on]
        self._before = now

    def lose_sight(self) -> None:
        """The camera has stopped, and its time with it: what has not lasted long enough begins anew."""
        self._state = self._believed = "unknown"
        self._before = None
        for track in self._tracks:
            track.since_ns = None

    def _step(self, track: _Track, frame_ns: int, at_ms: int, moving: bool) -> None:
        kind, state, row = track.kind, self._believed, track.row
        # An empty room nobody was seen leaving is still one that somebody can enter.
        if not kind.after or self._state in kind.after:
            track.armed = True
        track.holds &= not moving
        if (state in kind.ends and not track.holds) or (kind.still and moving):
            self._end(track, at_ms, f"it is {state}" if state in kind.ends else "something moves")
            track.since_ns = None
        elif state in kind.during and track.armed:
            self._count(track, frame_ns, at_ms, row)
        elif track.level is None:
            track.since_ns = None
        if track.level is not None and row is None:
            minute = minute_of(at_ms, self._zone)
            at = f" at {minute // 60:02}:{minute % 60:02}" if track.rows else " any more"
            self._end(track, at_ms, f"not asked for{at}")
            track.asked = False
        elif track.level is not None and row is not None and row.level != track.level:
            self._end(track, at_ms, f"from now on at level {row.level}")
            self._begin(track, at_ms, row.level, "it goes on")

    def _count(self, track: _Track, frame_ns: int, at_ms: int, row: Row | None) -> None:
        kind = track.kind
        if track.since_ns is None:
            track.since_ns, track.asked = frame_ns, row is not None
        lasted_s = (frame_ns - track.since_ns) / NS_PER_S
        if track.level is not None or row is None or lasted_s < row.after_s:
            return
        if kind.moment and not track.asked:
            return
        what = "nothing moved" if kind.still else self._believed
        self._begin(track, at_ms, row.level, f"{what} for {lasted_s:.1f} s, asked for from {row.after_s:g} s")

    def _begin(self, track: _Track, at_ms: int, level: Level, why: str) -> None:
        track.level = level
        self._tell(at_ms, ConditionChanged(track.kind.code, level, True, why))

    def _end(self, track: _Track, at_ms: int, why: str) -> None:
        level, track.level = track.level, None
        if self._believed in track.kind.ends:
            track.armed = self._believed in track.kind.after
        if level is not None:
            self._tell(at_ms, ConditionChanged(track.kind.code, level, False, why))


NEEDS = {
    "left-bed": ("zones.bed",),
    "about-to-leave": ("zones.bed_edge",),
    "not-back": ("zones.bed",),
    "bathroom-long": ("zones.bathroom_door",),
    "on-floor": ("zones.floor", "detector.models"),
    "several-people": ("detector.models",),
}
"""Keys of `unit.toml` without which a condition cannot come about."""


def needing(config: ConditionsConfig, zones: Zones, models: bool) -> dict[str, str]:
    """Conditions that are asked for and cannot come about: code to the first key that is missing."""
    there = {f"zones.{name}" for name in zones.__struct_fields__ if getattr(zones, name)}
    there |= {"detector.models"} if models else set()
    missing = {code: [key for key in keys if key not in there] for code, keys in NEEDS.items()}
    return {
        kind.code: missing[kind.code][0]
        for kind in KINDS
        if getattr(config, kind.key) and missing.get(kind.code)
    }
