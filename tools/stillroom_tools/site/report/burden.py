"""What alerts ask of staff: how many in a room's night and day, how soon somebody took them on, which came back.

Counts and medians alone: of nobody, and where rooms are summed of no room. A night or a day counts by the share of it
in which the room was sensed: a room that was dark asks nothing, and would make every rate look better.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from statistics import median
from typing import Literal, NamedTuple

from msgspec import Struct

from stillroom.clock import MS_PER_S
from stillroom.config_technical import TECHNICAL
from stillroom.events import ConditionChanged, Summary
from stillroom_tools.site.gateway.alert_forms import PRIORITIES, UNIT_SILENT
from stillroom_tools.site.gateway.reader import open_reader
from stillroom_tools.site.gateway.rooms import NO_ROOM
from stillroom_tools.site.layout import Site
from stillroom_tools.site.report import kept
from stillroom_tools.site.report.days import Span
from stillroom_tools.site.report.episodes import Episode, episodes
from stillroom_tools.site.report.gaps import stretches
from stillroom_tools.site.report.kept import Told
from stillroom_tools.site.report.period import Period

Level = Literal["high", "medium", "low", "technical"]
LEVELS: tuple[Level, ...] = (*PRIORITIES, "technical")
"""The last: of the unit itself, at whatever level the facility wants to be told of it."""


class Kind(Struct, frozen=True):
    """Of one kind and level: all that began in the days of a period, and apart from these those of its nights.

    Medians are None where nobody acted. taken_on: somebody acknowledged, paused or attended it; attended: somebody said
    that he was in the room.
    """

    kind: str
    level: Level
    conditions: int
    conditions_night: int
    alerts: int
    alerts_night: int
    taken_on: int
    taken_on_median_s: float | None
    attended: int
    attended_median_s: float | None
    re_raised: int
    escalated: int
    open: int


class Burden(Struct, frozen=True):
    """Of one room, or (None) of all. room_nights, room_days: sensed shares of nights and days, summed."""

    room: str | None
    nights: int
    """Of the calendar, begun in the period; the last may end after it."""
    room_nights: float
    room_days: float
    kinds: tuple[Kind, ...]
    erased: bool = False
    """Some of this time was, on somebody's wish: what began then is not counted."""


class When(NamedTuple):
    """Whether something began in a day, and in a night, of a period: its last night may end after its last day."""

    day: bool
    night: bool


@dataclass
class Tally:
    """What began, of one room or of several, in one period or in several."""

    room_nights: float = 0.0
    room_days: float = 0.0
    conditions: list[tuple[str, Level, int, When]] = field(default_factory=list)
    """Kind, level, UTC in ms."""
    alerts: list[tuple[Episode, When]] = field(default_factory=list)
    erased: bool = False

    def add(self, other: "Tally") -> None:
        self.room_nights += other.room_nights
        self.room_days += other.room_days
        self.conditions += other.conditions
        self.alerts += other.alerts
        self.erased |= other.erased

    def burden(self, room: str | None, nights: int) -> Burden:
        """nights: of the calendar, in all periods."""
        found = {(kind, level) for kind, level, *_ in self.conditions}
        found |= {(episode.kind, level_of(episode)) for episode, _ in self.alerts}
        order = sorted(found, key=lambda each: (LEVELS.index(each[1]), each[0]))
        kinds = tuple(self._kind(kind, level) for kind, level in order)
        return Burden(room, nights, round(self.room_nights, 3), round(self.room_days, 3), kinds, self.erased)

    def _kind(self, kind: str, level: Level) -> Kind:
        begun = [when for of, at, _, when in self.conditions if (of, at) == (kind, level)]
        raised = [(each, when) for each, when in self.alerts if (each.kind, level_of(each)) == (kind, level)]
        alerts = [each for each, when in raised if when.day]
        taken = [each.taken_on.at_ms - each.raised_ms for each in alerts if each.taken_on]
        attended = [each.attended.at_ms - each.raised_ms for each in alerts if each.attended]
        return Kind(
            kind,
            level,
            sum(when.day for when in begun),
            sum(when.night for when in begun),
            len(alerts),
            sum(when.night for _, when in raised),
            len(taken),
            _median_s(taken),
            len(attended),
            _median_s(attended),
            sum(each.again for each in alerts),
            sum(each.escalated_ms is not None for each in alerts),
            sum(each.cleared_ms is None for each in alerts),
        )


def level_of(episode: Episode) -> Level:
    return "technical" if episode.technical or episode.kind == UNIT_SILENT else episode.priority


def tallies(site: Site, period: Period, now_ms: int, room: str | None = None) -> dict[str, Tally]:
    """Of each room of which anything is kept, or of one.

    Raises ConfigError (no such room), SetupError, StorageError.
    """
    with open_reader(site) as reader:
        rooms = [name for name in reader.rooms() if name != NO_ROOM and room in (None, name)]
        if room is not None and not rooms:
            raise kept.no_such_room(reader, room)
        changes = episodes(reader.alert_history(0, max(now_ms, period.whole.until_ms)))
        forgotten = reader.forgotten(Summary.retention)
        found = {name: Tally() for name in rooms}
        for name, part in product(rooms, period.months()):
            told, erased = kept.entries(reader, name, part.whole), kept.erased(reader, name)
            found[name].add(tally_of(told, _of_room(changes, name), part, now_ms, forgotten, erased))
    return found


def summed(found: Iterable[Tally]) -> Tally:
    """Of all rooms together."""
    whole = Tally()
    for each in found:
        whole.add(each)
    return whole


def tally_of(
    told: Sequence[Told],
    alerts: Iterable[Episode],
    period: Period,
    now_ms: int,
    forgotten: dict[str, int] | None = None,
    erased: Sequence[Span] = (),
) -> Tally:
    """told: a room's entries, in order of time; forgotten: as `Reader.forgotten` gives it, of summaries."""
    whole = period.whole
    tally = Tally(erased=any(e.from_ms < whole.until_ms and whole.from_ms < e.until_ms for e in erased))
    lit = [
        [
            Span(each.from_ms, each.until_ms)
            for each in stretches(
                [one for one in told if one.unit == unit],
                whole,
                now_ms,
                (forgotten or {}).get(unit, 0),
                erased,
            )
            if each.what == "sensed"
        ]
        for unit in sorted({one.unit for one in told})
    ]
    tally.room_nights = sum(_share(lit, night) for night in period.nights)
    tally.room_days = sum(_share(lit, day) for day in period.days)
    for kind, level, at_ms in begun(told, whole):
        tally.conditions.append((kind, level, at_ms, _when(period, at_ms)))
    for each in alerts:
        when = _when(period, each.raised_ms)
        if when.day or when.night:
            tally.alerts.append((each, when))
    return tally


def _when(period: Period, at_ms: int) -> When:
    span = period.span
    return When(span.from_ms <= at_ms < span.until_ms, period.at_night(at_ms))


def begun(told: Sequence[Told], span: Span) -> Iterator[tuple[str, Level, int]]:
    """Kind, level and time of each condition that began; one that only goes on at another level did not begin."""
    ended: dict[tuple[str, str], int] = {}
    for one in told:
        event = one.event
        if isinstance(event, ConditionChanged):
            goes_on = ended.get((one.unit, event.kind)) == one.at_ms
            if event.active and not goes_on and span.from_ms <= one.at_ms < span.until_ms:
                yield event.kind, "technical" if event.kind in TECHNICAL else event.level, one.at_ms
            if not event.active:
                ended[one.unit, event.kind] = one.at_ms


def _share(lit: Sequence[Sequence[Span]], of: Span) -> float:
    """Of a night or a day: the part that one unit of the room sensed, of the unit that sensed most of it."""
    return max(
        (sum(each.within(of).length_ms for each in spans) / of.length_ms for spans in lit), default=0.0
    )


def _of_room(alerts: Iterable[Episode], room: str) -> list[Episode]:
    return [each for each in alerts if each.room == room]


def _median_s(lasted_ms: Sequence[int]) -> float | None:
    return round(median(lasted_ms) / MS_PER_S, 1) if lasted_ms else None
