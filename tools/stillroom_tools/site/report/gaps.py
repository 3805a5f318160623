"""Of which stretches of a day something is known, and why nothing is of the others. What is not known is never calm.

A unit that runs sends a summary a minute. Where none covers a time, the unit was off, or what it said is not here.
"""

from bisect import bisect
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from stillroom.events import Audited, ConditionChanged, GateChanged, Lost, Summary
from stillroom_tools.site.audit_file import link_of
from stillroom_tools.site.report.days import Span
from stillroom_tools.site.report.kept import LONGEST_SUMMARY_MS, Told

LEAST_SENSED = 0.1
"""Of the observations that a minute should have: with fewer the camera gave no picture. The slowest gives a fifth."""

What = Literal["sensed", "dark", "no-picture", "off", "lost", "unheard", "forgotten", "to-come"]
UNKNOWN: tuple[What, ...] = ("off", "lost", "unheard", "forgotten")
"""The unit tells nothing of the time."""


class Stretch(Struct, frozen=True):
    """What is known of a stretch of time; `why` of all but `sensed`: a gate's reason, a condition's code, or words."""

    from_ms: int
    until_ms: int
    what: What
    why: str = ""


def starts(told: Sequence[Told]) -> list[int]:
    """When the unit was switched on."""
    return [one.at_ms for one in told if isinstance(one.event, Audited) and link_of(one.event).is_start]


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


def stretches(told: Sequence[Told], span: Span, now_ms: int, forgotten_ms: int = 0) -> list[Stretch]:
    """All of a span in order, without a hole. told: a unit's, in order of time; now_ms: what is later is to come.

    forgotten_ms: summaries from before then are kept no longer, which is told from a unit that was off.
    """
    past = span.within(Span(span.from_ms, max(now_ms, span.from_ms)))
    known = runs(told, past)
    summaries = sorted((one.event for one in told if isinstance(one.event, Summary)), key=_until)
    found: list[Stretch] = []
    at_ms = past.from_ms
    for run in [*known, Span(past.until_ms, past.until_ms)]:
        if at_ms < run.from_ms:
            gone_ms = min(max(forgotten_ms, at_ms), run.from_ms)
            found.append(Stretch(at_ms, gone_ms, "forgotten", "what the unit said is kept no longer"))
            found.append(_hole(told, Span(gone_ms, run.from_ms)))
        found += _known(told, summaries, run)
        at_ms = run.until_ms
    if past.until_ms < span.until_ms:
        found.append(Stretch(past.until_ms, span.until_ms, "to-come", "still to come"))
    return _merged(found)


def _hole(told: Sequence[Told], hole: Span) -> Stretch:
    before = [one.number for one in told if one.at_ms <= hole.from_ms]
    after = [one.number for one in told if one.at_ms >= hole.until_ms]
    lost = _lost_between(told, max(before, default=0), min(after, default=0))
    if lost:
        return Stretch(
            hole.from_ms, hole.until_ms, "lost", f"the unit says that {lost} entries of it were lost"
        )
    if not after:
        return Stretch(hole.from_ms, hole.until_ms, "unheard", "nothing was heard of the unit")
    if not before:
        return Stretch(hole.from_ms, hole.until_ms, "unheard", "the unit had not been heard of yet")
    if any(hole.from_ms <= at <= hole.until_ms for at in starts(told)):
        return Stretch(hole.from_ms, hole.until_ms, "off", "the unit was off")
    return Stretch(hole.from_ms, hole.until_ms, "unheard", "nothing of this time has come")


def _lost_between(told: Sequence[Told], first: int, last: int) -> int:
    ranges = [each for one in told if isinstance(one.event, Lost) for each in one.event.ranges]
    return sum(max(min(until, last) - max(start, first) + 1, 0) for start, until in ranges)


def _known(told: Sequence[Told], summaries: Sequence[Summary], run: Span) -> Iterator[Stretch]:
    """A run, cut where the gate closed or opened, and where its summaries count no pictures."""
    gates = [(one.at_ms, one.event.gate) for one in told if isinstance(one.event, GateChanged)]
    reason = next((gate for at_ms, gate in reversed(gates) if at_ms <= run.from_ms), None)
    at_ms = run.from_ms
    for until_ms, gate in [
        *(each for each in gates if run.from_ms < each[0] < run.until_ms),
        (run.until_ms, None),
    ]:
        if reason == "open":
            yield from _seen(told, summaries, Span(at_ms, until_ms))
        elif at_ms < until_ms:
            yield Stretch(at_ms, until_ms, "dark", reason or "no-authorisation")
        at_ms, reason = until_ms, gate


def _seen(told: Sequence[Told], summaries: Sequence[Summary], open_: Span) -> Iterator[Stretch]:
    """While the camera was allowed: it gave pictures, or not."""
    at_ms = open_.from_ms
    for each in summaries[bisect(summaries, open_.from_ms, key=_until) :]:
        if each.from_ms >= open_.until_ms:
            break
        part = Span(each.from_ms, each.until_ms).within(open_)
        if part.length_ms and _share(each, part) < LEAST_SENSED:
            yield Stretch(at_ms, part.from_ms, "sensed")
            yield Stretch(part.from_ms, part.until_ms, "no-picture", _blind(told, part))
            at_ms = part.until_ms
    yield Stretch(at_ms, open_.until_ms, "sensed")


def _share(summary: Summary, part: Span) -> float:
    """Of the pictures that this part of a summary should have; one that is too long tells of a clock that was set."""
    length_ms = summary.until_ms - summary.from_ms
    return summary.sensed if length_ms > LONGEST_SUMMARY_MS else summary.sensed * length_ms / part.length_ms


def _until(summary: Summary) -> int:
    return summary.until_ms


def _blind(told: Sequence[Told], part: Span) -> str:
    """The camera's own condition that stood then, as far as one was told."""
    stood: dict[str, bool] = {}
    for one in told:
        event = one.event
        if (
            isinstance(event, ConditionChanged)
            and event.kind.startswith("camera-")
            and one.at_ms < part.until_ms
        ):
            stood[event.kind] = event.active or one.at_ms > part.from_ms
    return next((kind for kind, stands in stood.items() if stands), "no picture")


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
