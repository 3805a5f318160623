"""A room's day as data: what was known when, states, readings, conditions, alerts, what nobody could see in time."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise

from msgspec import Struct

from stillroom.document_forms import to_ms
from stillroom.events import ConditionChanged, RoomState, StateChanged, Summary
from stillroom.keeper.states import ALL
from stillroom_tools.site.gateway.reader import open_reader
from stillroom_tools.site.layout import Site
from stillroom_tools.site.report import kept
from stillroom_tools.site.report.days import LocalDay, Span
from stillroom_tools.site.report.episodes import Episode, episodes
from stillroom_tools.site.report.gaps import Stretch, runs, starts, stretches
from stillroom_tools.site.report.kept import Told

LATE_MS = 120_000
"""So long after a unit had it, nobody can be said to have been told in time: two summaries."""
STATES: tuple[RoomState, ...] = ALL


class Held(Struct, frozen=True):
    """The room was in this state; `why` is the unit's, of when it began."""

    from_ms: int
    until_ms: int
    state: RoomState
    why: str = ""


class Stood(Struct, frozen=True):
    """A condition stood. before: it began before the day; over: the unit has said its end."""

    from_ms: int
    until_ms: int
    kind: str
    level: str
    before: bool
    over: bool
    why: str


class Late(Struct, frozen=True):
    """What the unit saw then came to the gateway so late that nobody could see it; all of it had come by `told_ms`."""

    from_ms: int
    until_ms: int
    told_ms: int


class UnitDay(Struct, frozen=True):
    """What one unit told of the room."""

    unit: str
    scopes: tuple[str, ...] | None
    """What the authorisations of the day allowed; None where the archive has none of them."""
    stretches: tuple[Stretch, ...]
    states: tuple[Held, ...]
    conditions: tuple[Stood, ...]
    alerts: tuple[Episode, ...]
    summaries: tuple[Summary, ...]
    late: tuple[Late, ...]

    def lasted_ms(self, what: str) -> int:
        """How long stretches of a kind are, together."""
        return sum(each.until_ms - each.from_ms for each in self.stretches if each.what == what)

    def in_state_ms(self, state: RoomState) -> int:
        return sum(each.until_ms - each.from_ms for each in self.states if each.state == state)


class RoomDay(Struct, frozen=True):
    """All of it. from_ms, until_ms: the day from midnight to midnight; made_ms: what is later is to come."""

    site: str
    room: str
    day: date
    time_zone: str
    from_ms: int
    until_ms: int
    made_ms: int
    units: tuple[UnitDay, ...]


def room_day(site: Site, room: str, local: LocalDay, now_ms: int) -> RoomDay:
    """Raises ConfigError (a room of which nothing was ever kept), StorageError, TrustError (the archive)."""
    span = local.span
    with open_reader(site) as reader:
        units = reader.units(room)
        if not units:
            raise kept.no_such_room(reader, room)
        told = kept.entries(reader, room, span)
        forgotten, erased = reader.forgotten(Summary.retention), kept.erased(reader, room)
        changes = reader.alert_history(0, max(now_ms, span.until_ms))
    alerts = [each for each in episodes(changes) if each.room == room]
    return RoomDay(
        site.name,
        room,
        local.day,
        local.zone_name,
        span.from_ms,
        span.until_ms,
        now_ms,
        tuple(
            unit_day(
                unit,
                [one for one in told if one.unit == unit],
                [each for each in alerts if each.unit == unit],
                span,
                now_ms,
                _scopes(site, unit, room, span),
                forgotten.get(unit, 0),
                erased,
            )
            for unit in units
        ),
    )


def unit_day(
    unit: str,
    told: Sequence[Told],
    alerts: Iterable[Episode],
    span: Span,
    now_ms: int,
    scopes: tuple[str, ...] | None = None,
    forgotten_ms: int = 0,
    erased: Sequence[Span] = (),
) -> UnitDay:
    """told: a unit's entries, in order of time. forgotten_ms, erased: as `stretches` has them."""
    past = span.within(Span(span.from_ms, max(now_ms, span.from_ms)))
    known = stretches(told, span, now_ms, forgotten_ms, erased)
    lit = [Span(each.from_ms, each.until_ms) for each in known if each.what in ("sensed", "no-picture")]
    summaries = [one.event for one in told if isinstance(one.event, Summary)]
    return UnitDay(
        unit,
        scopes,
        tuple(known),
        tuple(_cut(_held(told, past, erased), lit)),
        tuple(conditions(told, past, erased)),
        tuple(each for each in alerts if _meets(each, past)),
        tuple(each for each in summaries if each.from_ms < past.until_ms and each.until_ms > past.from_ms),
        tuple(_late(told, past)),
    )


def _scopes(site: Site, unit: str, room: str, span: Span) -> tuple[str, ...] | None:
    papers = [
        paper
        for paper in site.authorisations(unit)
        if paper.room == room and to_ms(paper.start) < span.until_ms and to_ms(paper.until) > span.from_ms
    ]
    return tuple(sorted({scope for paper in papers for scope in paper.scopes})) if papers else None


def _meets(episode: Episode, span: Span) -> bool:
    until_ms = span.until_ms if episode.cleared_ms is None else episode.cleared_ms
    return episode.raised_ms < span.until_ms and until_ms >= span.from_ms


def _held(told: Sequence[Told], span: Span, erased: Sequence[Span]) -> Iterator[Held]:
    """Within each run of the unit: what a change says there was before it, and each change until the next."""
    began = sorted([*starts(told), *(each.until_ms for each in erased)])
    for run in runs(told, span):
        edges = [run.from_ms, *(at for at in began if run.from_ms < at < run.until_ms), run.until_ms]
        for from_ms, until_ms in pairwise(edges):
            yield from _piece(told, Span(from_ms, until_ms))


def _piece(told: Sequence[Told], piece: Span) -> Iterator[Held]:
    changes = [
        (one.at_ms, one.event)
        for one in told
        if isinstance(one.event, StateChanged) and piece.from_ms <= one.at_ms < piece.until_ms
    ]
    at_ms, state, why = piece.from_ms, changes[0][1].before if changes else _summed(told, piece), ""
    for next_ms, change in changes:
        # A change that is missing in between: nobody knows how long the last state lasted.
        whole = change.before == state
        yield Held(
            at_ms, next_ms, state if whole else "unknown", why if whole else "a change is missing here"
        )
        at_ms, state, why = next_ms, change.state, change.why
    yield Held(at_ms, piece.until_ms, state, why)


def _summed(told: Sequence[Told], piece: Span) -> RoomState:
    """The state in which the first summary of a stretch without any change ended."""
    found = (one.event for one in told if isinstance(one.event, Summary))
    return next(
        (each.state for each in found if piece.from_ms < each.until_ms <= piece.until_ms + 1), "unknown"
    )


def _cut(held: Iterable[Held], lit: Sequence[Span]) -> Iterator[Held]:
    """The parts in which the camera was allowed: of others there is no state at all."""
    for each in held:
        for span in lit:
            part = Span(each.from_ms, each.until_ms).within(span)
            if part.length_ms:
                yield Held(part.from_ms, part.until_ms, each.state, each.why)


def conditions(told: Sequence[Told], span: Span, erased: Sequence[Span] = ()) -> list[Stood]:
    """Those that stood in a span, in the order in which they began; none is known to outlast what was erased."""
    standing: dict[str, tuple[int, ConditionChanged]] = {}
    found: list[Stood] = []

    def end(kind: str, at_ms: int, over: bool) -> None:
        from_ms, begun = standing.pop(kind)
        gone = [each.from_ms for each in erased if from_ms < each.until_ms and each.from_ms < at_ms]
        at_ms, over = (min(gone), False) if gone else (at_ms, over)
        part = Span(from_ms, at_ms).within(span)
        if from_ms < span.until_ms and at_ms >= span.from_ms + bool(gone):
            before = from_ms < span.from_ms
            found.append(Stood(part.from_ms, part.until_ms, kind, begun.level, before, over, begun.why))

    for one in told:
        event = one.event
        if one.at_ms >= span.until_ms:
            break
        if isinstance(event, ConditionChanged):
            if event.kind in standing:
                end(event.kind, one.at_ms, over=True)
            if event.active:
                standing[event.kind] = (one.at_ms, event)
    for kind in list(standing):
        end(kind, span.until_ms, over=False)
    return sorted(found, key=lambda each: (each.from_ms, each.kind))


def _late(told: Sequence[Told], span: Span) -> Iterator[Late]:
    """Runs of summaries that came late."""
    from_ms = until_ms = told_ms = 0
    for one in told:
        if isinstance(one.event, Summary) and one.opened_ms - one.accepted_ms > LATE_MS:
            part = Span(one.event.from_ms, one.event.until_ms).within(span)
            if until_ms and part.from_ms > until_ms:
                yield Late(from_ms, until_ms, told_ms)
                until_ms = 0
            if part.length_ms:
                from_ms, until_ms = (from_ms if until_ms else part.from_ms), part.until_ms
                told_ms = max(told_ms, one.opened_ms)
    if until_ms:
        yield Late(from_ms, until_ms, told_ms)
