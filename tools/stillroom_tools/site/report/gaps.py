"""Of which stretches of a day something is known, and why nothing is of the others. What is not known is never calm.

A unit that runs sends a summary a minute. Where none covers a time, the unit was off, or what it said is not here.
"""

from bisect import bisect, bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter, itemgetter
from typing import Literal

from msgspec import Struct

from stillroom.events import Audited, ConditionChanged, GateChanged, GateReason, Lost, Summary
from stillroom_tools.site.audit_file import link_of
from stillroom_tools.site.report.days import Span
from stillroom_tools.site.report.kept import LONGEST_SUMMARY_MS, Told

LEAST_SENSED = 0.1
"""Of the observations that a minute should have: with fewer the camera gave no picture. The slowest gives a fifth."""

What = Literal["sensed", "dark", "no-picture", "off", "lost", "unheard", "forgotten", "erased", "to-come"]
UNKNOWN: tuple[What, ...] = ("off", "lost", "unheard", "forgotten", "erased")
"""The unit tells nothing of the time."""
ERASED = "erased on somebody's wish"
_until, _first = attrgetter("until_ms"), itemgetter(0)


class Stretch(Struct, frozen=True):
    """What is known of a stretch of time; `why` of all but `sensed`: a gate's reason, a condition's code, or words."""

    from_ms: int
    until_ms: int
    what: What
    why: str = ""


def starts(told: Sequence[Told]) -> list[int]:
    """When the unit was switched on."""
    links = ((one.at_ms, one.event) for one in told if isinstance(one.event, Audited))
    # A month has thousands of links: those that may be it are read.
    return [at_ms for at_ms, link in links if b"start" in link.body and link_of(link).is_start]


def runs(told: Sequence[Told], span: Span) -> list[Span]:
    """When the unit ran, as far as its entries prove it: in order, apart from one another."""
    found = _joined(sorted(_summed(told), key=lambda each: each.from_ms))
    began = starts(told)
    points = [
        one.at_ms
        for one in told
        if not isinstance(one.event, Summary) and span.from_ms <= one.at_ms < span.until_ms
    ]
    edges = [Span(span.from_ms, span.from_ms), *found, Span(span.until_ms, span.until_ms)]
    for before, after in pairwise(edges):
        found += _proven(before, after, [at for at in points if before.until_ms <= at < after.from_ms], began)
    cut = (each.within(span) for each in _joined(sorted(found, key=lambda each: each.from_ms)))
    return [each for each in cut if each.length_ms]


def _summed(told: Sequence[Told]) -> Iterator[Span]:
    for one in told:
        if isinstance(one.event, Summary) and one.event.from_ms < one.event.until_ms:
            yield Span(one.event.from_ms, one.event.until_ms)


def _proven(before: Span, after: Span, points: Sequence[int], began: Sequence[int]) -> Iterator[Span]:
    """Between two summaries: up to the last word before the power went, and from the start after it."""
    started = [at for at in began if before.until_ms <= at < after.from_ms]
    early = [at for at in points if not started or at < started[0]]
    if early:
        yield Span(before.until_ms if before.length_ms else early[0], early[-1])
    if started:
        late = [at for at in points if at >= started[-1]]
        yield Span(started[-1], after.from_ms if after.length_ms else late[-1])


def _joined(spans: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for each in spans:
        if joined and each.from_ms <= joined[-1].until_ms:
            joined[-1] = Span(joined[-1].from_ms, max(joined[-1].until_ms, each.until_ms))
        else:
            joined.append(each)
    return joined


def stretches(
    told: Sequence[Told], span: Span, now_ms: int, forgotten_ms: int = 0, erased: Sequence[Span] = ()
) -> list[Stretch]:
    """All of a span in order, without a hole. told: a unit's, in order of time; now_ms: what is later is to come.

    forgotten_ms: summaries from before then are kept no longer, which is told from a unit that was off.
    erased: nothing is known of these times, whatever is left of them, nor of later ones by what was told before.
    """
    past = span.within(Span(span.from_ms, max(now_ms, span.from_ms)))
    known, unit = runs(told, past), _sort(told, erased)
    found: list[Stretch] = []
    at_ms = past.from_ms
    for run in [*known, Span(past.until_ms, past.until_ms)]:
        if at_ms < run.from_ms:
            gone_ms = min(max(forgotten_ms, at_ms), run.from_ms)
            found.append(Stretch(at_ms, gone_ms, "forgotten", "what the unit said is kept no longer"))
            found.append(_hole(unit, Span(gone_ms, run.from_ms)))
        found += _known(unit, run)
        at_ms = run.until_ms
    if past.until_ms < span.until_ms:
        found.append(Stretch(past.until_ms, span.until_ms, "to-come", "still to come"))
    return _merged(_without(found, erased))


@dataclass(frozen=True)
class _Unit:
    """What a unit told, by what it is asked for; each in order of time."""

    numbers: list[tuple[int, int]]
    """When, and which."""
    starts: list[int]
    lost: list[tuple[int, int]]
    gates: list[tuple[int, GateReason | Literal["erased"]]]
    cameras: list[tuple[int, str, bool]]
    """When which condition of the camera began (or ended)."""
    summaries: list[Summary]


def _sort(told: Sequence[Told], erased: Sequence[Span]) -> _Unit:
    unit = _Unit([], starts(told), [], [], [], [])
    for one in told:
        event = one.event
        unit.numbers.append((one.at_ms, one.number))
        if isinstance(event, Summary):
            unit.summaries.append(event)
        elif isinstance(event, GateChanged):
            unit.gates.append((one.at_ms, event.gate))
        elif isinstance(event, ConditionChanged) and event.kind.startswith("camera-"):
            unit.cameras.append((one.at_ms, event.kind, event.active))
        elif isinstance(event, Lost):
            unit.lost.extend(event.ranges)
    for span in erased:
        if not any(span.from_ms <= at_ms < span.until_ms for at_ms, _ in unit.gates):
            unit.gates.insert(bisect_left(unit.gates, span.until_ms, key=_first), (span.until_ms, "erased"))
        unit.cameras.extend([(span.from_ms, kind, False) for kind in {kind for _, kind, _ in unit.cameras}])
    unit.cameras.sort(key=_first)
    unit.summaries.sort(key=_until)
    return unit


def _hole(unit: _Unit, hole: Span) -> Stretch:
    before = unit.numbers[: bisect(unit.numbers, hole.from_ms, key=_first)]
    after = unit.numbers[bisect_left(unit.numbers, hole.until_ms, key=_first) :]
    last, first = max((n for _, n in before), default=0), min((n for _, n in after), default=0)
    if lost := _lost_between(unit.lost, last, first):
        said = f"the unit says that {lost} entries of it were lost"
        return Stretch(hole.from_ms, hole.until_ms, "lost", said)
    if not after:
        return Stretch(hole.from_ms, hole.until_ms, "unheard", "nothing was heard of the unit")
    if not before:
        return Stretch(hole.from_ms, hole.until_ms, "unheard", "the unit had not been heard of yet")
    if any(hole.from_ms <= at <= hole.until_ms for at in unit.starts):
        return Stretch(hole.from_ms, hole.until_ms, "off", "the unit was off")
    return Stretch(hole.from_ms, hole.until_ms, "unheard", "nothing of this time has come")


def _lost_between(ranges: Sequence[tuple[int, int]], first: int, last: int) -> int:
    return sum(max(min(until, last) - max(start, first) + 1, 0) for start, until in ranges)


def _known(unit: _Unit, run: Span) -> Iterator[Stretch]:
    """A run, cut where the gate closed or opened, and where its summaries count no pictures."""
    reason = next((gate for at_ms, gate in reversed(unit.gates) if at_ms <= run.from_ms), None)
    changes = [each for each in unit.gates if run.from_ms < each[0] < run.until_ms]
    at_ms = run.from_ms
    for until_ms, gate in [*changes, (run.until_ms, None)]:
        if reason == "erased":
            from_ms, at_ms, reason = at_ms, _pictured(unit, Span(at_ms, until_ms)), "open"
            yield Stretch(from_ms, at_ms, "erased", ERASED)
        if reason == "open":
            yield from _seen(unit, Span(at_ms, until_ms))
        elif at_ms < until_ms:
            yield Stretch(at_ms, until_ms, "dark", reason or "no-authorisation")
        at_ms, reason = until_ms, gate


def _pictured(unit: _Unit, part: Span) -> int:
    """From when on a summary has pictures: the camera's last gate is not here, but then it was open."""
    pictured = (each for each in unit.summaries if each.sensed >= LEAST_SENSED)
    lit = (Span(each.from_ms, each.until_ms).within(part) for each in pictured)
    return next((each.from_ms for each in lit if each.length_ms), part.until_ms)


def _seen(unit: _Unit, open_: Span) -> Iterator[Stretch]:
    """While the camera was allowed: it gave pictures, or not."""
    at_ms = open_.from_ms
    for each in unit.summaries[bisect(unit.summaries, open_.from_ms, key=_until) :]:
        if each.from_ms >= open_.until_ms:
            break
        part = Span(each.from_ms, each.until_ms).within(open_)
        if part.length_ms and _share(each, part) < LEAST_SENSED:
            yield Stretch(at_ms, part.from_ms, "sensed")
            yield Stretch(part.from_ms, part.until_ms, "no-picture", _blind(unit, part))
            at_ms = part.until_ms
    yield Stretch(at_ms, open_.until_ms, "sensed")


def _share(summary: Summary, part: Span) -> float:
    """Of the pictures that this part of a summary should have; one that is too long tells of a clock that was set."""
    length_ms = summary.until_ms - summary.from_ms
    return summary.sensed if length_ms > LONGEST_SUMMARY_MS else summary.sensed * length_ms / part.length_ms


def _blind(unit: _Unit, part: Span) -> str:
    """The camera's own condition that stood then, as far as one was told."""
    stood: dict[str, bool] = {}
    for at_ms, kind, active in unit.cameras:
        if at_ms < part.until_ms:
            stood[kind] = active or at_ms > part.from_ms
    return next((kind for kind, stands in stood.items() if stands), "no picture")


def _without(found: list[Stretch], erased: Sequence[Span]) -> list[Stretch]:
    """The same, without what was erased, whatever is left of that time: that it was is no secret, and no fault."""
    for span in erased:
        cut: list[Stretch] = []
        for each in found:
            part = Span(each.from_ms, each.until_ms).within(span)
            if each.what == "to-come" or not part.length_ms:
                cut.append(each)
                continue
            cut.append(Stretch(each.from_ms, part.from_ms, each.what, each.why))
            cut.append(Stretch(part.from_ms, part.until_ms, "erased", ERASED))
            cut.append(Stretch(part.until_ms, each.until_ms, each.what, each.why))
        found = cut
    return found


def _merged(found: Sequence[Stretch]) -> list[Stretch]:
    """Neighbours that say the same made one; what has no length left out."""
    merged: list[Stretch] = []
    for each in found:
        if each.until_ms <= each.from_ms:
            continue
        last = merged[-1] if merged else None
        if last and (last.until_ms, last.what, last.why) == (each.from_ms, each.what, each.why):
            merged[-1] = Stretch(last.from_ms, each.until_ms, each.what, each.why)
        else:
            merged.append(each)
    return merged
