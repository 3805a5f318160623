"""One night against the truth: what the scenario asked for, and counts that many nights can be added up from.

A truth that lasts no longer than the dwell that the table of states asks for is passed through and not due: somebody
who lies down sits on the bed's edge for a second. Nor is a state due for a minute after the unit could begin to see.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig
from stillroom.keeper.states import ARROWS, SOMEBODY, Cause
from stillroom_tools.lab.scenario import Scenario
from stillroom_tools.lab.scenario_expect import STATE, TECHNICAL, Never
from stillroom_tools.lab.stage_run import SETTLES_S, Night, Told, spans

WITHIN_S = 5.0
OUTLASTS_S = 2.0
"""By which a truth must outlast its dwell to be due."""
BEFORE_S, AFTER_S = 3.0, 12.0
"""So much later, or earlier, may something have been so that is told now."""
FOUND_S = 60.0
"""What is told later than this is missed."""
UNKNOWN_S = 10.0
"""In which a camera that sees nothing must be told as such."""
_CAUSES: dict[str, Cause] = {
    "unknown": "blind",
    "empty": "known",
    "occupied": "seen",
    "in-bed": "bed",
    "bed-edge": "edge-of-bed",
    "out-of-bed": "up",
    "on-floor": "floor",
    "bathroom": "bathroom",
    "several-people": "several",
}
_OF_KIND: dict[str, str] = {
    "on-floor": "on-floor",
    "left-bed": "out-of-bed",
    "not-back": "out-of-bed",
    "about-to-leave": "bed-edge",
    "bathroom-long": "bathroom",
    "several-people": "several-people",
    "left-room": "empty",
    "entered": "occupied",
}
Span = tuple[float, float, str]


def dwell_s(state: str) -> float:
    """What the table asks for before this state is entered, with the settings of a new unit."""
    return UNKNOWN_S if state == "unknown" else ARROWS[_CAUSES[state]].dwell_ns(RoomConfig()) / NS_PER_S


@dataclass(slots=True)
class Tally:
    """Counts of one night, or of many. Times in seconds."""

    hours: float = 0.0
    nights: int = 0
    true_s: dict[str, float] = field(default_factory=dict)
    right_s: dict[str, float] = field(default_factory=dict)
    changes: int = 0
    in_time: int = 0
    """Within five seconds of the truth."""
    in_dwell: int = 0
    """Within five seconds after the truth and its dwell."""
    false_changes: int = 0
    dropped: int = 0
    due: dict[str, int] = field(default_factory=dict)
    """Conditions of persons, by kind."""
    missed: dict[str, int] = field(default_factory=dict)
    false: dict[str, int] = field(default_factory=dict)
    late_s: dict[str, list[float]] = field(default_factory=dict)
    """After the truth, its dwell, and what its row asks for."""
    levels: dict[str, int] = field(default_factory=dict)
    """Conditions that began, by level."""
    false_levels: dict[str, int] = field(default_factory=dict)
    missed_levels: dict[str, int] = field(default_factory=dict)
    never_told: dict[str, int] = field(default_factory=dict)
    told_late: dict[str, int] = field(default_factory=dict)
    """High ones that were missed, by kind: told at no time, or too late to count."""
    alerts: dict[str, int] = field(default_factory=dict)
    """Raised, by priority."""
    false_high: int = 0
    problems: list[str] = field(default_factory=list)
    """What the scenario asked for and did not get, and the other way round."""

    def add(self, other: "Tally") -> None:
        """Count another night in."""
        for name in self.__slots__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, dict):
                for key, value in theirs.items():
                    mine[key] = mine[key] + value if key in mine else value
            elif isinstance(mine, list):
                mine.extend(theirs)
            else:
                setattr(self, name, mine + theirs)


def judge(night: Night, scenario: Scenario) -> Tally:
    """All that there is to count of a night."""
    tally = Tally(hours=night.hours, nights=1)
    truth = list(spans(night.truth, night.seconds))
    believed = list(spans(night.believed, night.seconds))
    unsettled = [(start_s, end_s + SETTLES_S) for start_s, end_s in [(0.0, 0.0), *night.blind]]
    _recall(tally, truth, believed, unsettled)
    _changes(tally, truth, believed, night)
    _conditions(tally, night)
    tally.problems = list(problems(night, scenario))
    return tally


def problems(night: Night, scenario: Scenario) -> Iterator[str]:
    """In words, what was expected and is not there, and what must not be and is."""
    for row in scenario.expects:
        if not any(row.holds(each.kind, each.level, each.ends, each.at_s) for each in night.told):
            what = f"{row.kind}{f' at level {row.level}' if row.level else ''}{' over' if row.ends else ''}"
            near = min(
                (each.at_s for each in night.told if (each.kind, each.ends) == (row.kind, row.ends)),
                key=lambda at_s: abs(at_s - row.at_s),
                default=None,
            )
            told = "never told" if near is None else f"told at {near:.1f} s"
            yield f"{what} expected from {row.at_s:g} s within {row.within_s:g} s: {told}"
    for never in scenario.never:
        until_s = night.seconds if never.until_s is None else never.until_s
        for at_s in _against(never, until_s, night):
            yield f"{never.kind} must not be from {never.from_s:g} to {until_s:g} s: told at {at_s:.1f} s"


def _against(never: Never, until_s: float, night: Night) -> Iterator[float]:
    if never.kind.startswith(STATE):
        state = never.kind.removeprefix(STATE)
        for start_s, end_s, what in spans(night.believed, night.seconds):
            if what == state and start_s < until_s and end_s > never.from_s:
                yield max(start_s, never.from_s)
                return
        return
    for each in night.told:
        same = each.kind == never.kind and not each.ends and never.level in (None, each.level)
        if same and never.from_s <= each.at_s < until_s:
            yield each.at_s


def _recall(
    tally: Tally, truth: list[Span], believed: list[Span], unsettled: list[tuple[float, float]]
) -> None:
    for start_s, end_s, state in truth:
        wait_s = dwell_s(state)
        if end_s - start_s < wait_s + OUTLASTS_S:
            continue
        for from_s, until_s, what in believed:
            shared_s = min(until_s, end_s) - max(from_s, start_s + wait_s)
            if shared_s <= 0:
                continue
            if what == "unknown" != state and _within(max(from_s, start_s), unsettled):
                shared_s -= min(shared_s, _left_s(max(from_s, start_s), unsettled))
            tally.true_s[state] = tally.true_s.get(state, 0.0) + shared_s
            tally.right_s[state] = tally.right_s.get(state, 0.0) + (shared_s if what == state else 0.0)


def _changes(tally: Tally, truth: list[Span], believed: list[Span], night: Night) -> None:
    settled = _settled(truth)
    for before, (start_s, _, state) in itertools.pairwise(settled):
        if "unknown" in (before[2], state) or _within(start_s, [(a, b + SETTLES_S) for a, b in night.blind]):
            continue
        tally.changes += 1
        tally.in_time += _held(believed, state, start_s - 1.0, start_s + WITHIN_S)
        tally.in_dwell += _held(believed, state, start_s - 1.0, start_s + dwell_s(state) + WITHIN_S)
    for (_, _, before_state), (start_s, _, state) in itertools.pairwise(believed):
        if not _held(truth, state, start_s - AFTER_S, start_s + BEFORE_S):
            tally.false_changes += 1
        asleep = all(what == "in-bed" for a, b, what in truth if a < start_s + 10.0 and b > start_s - 10.0)
        if asleep and before_state in SOMEBODY and state != "in-bed":
            tally.dropped += 1


def _settled(truth: list[Span]) -> list[Span]:
    """Without what only passes; neighbours that are alike are one."""
    found: list[Span] = []
    for start_s, end_s, state in truth:
        if end_s - start_s < dwell_s(state) + WITHIN_S:
            continue
        if found and found[-1][2] == state:
            found[-1] = found[-1][0], end_s, state
        else:
            found.append((start_s, end_s, state))
    return found


def _held(lane: list[Span], state: str, from_s: float, until_s: float) -> bool:
    return any(what == state and a <= until_s and b > from_s for a, b, what in lane)


def _within(at_s: float, stretches: list[tuple[float, float]]) -> bool:
    return any(a <= at_s < b for a, b in stretches)


def _left_s(at_s: float, stretches: list[tuple[float, float]]) -> float:
    return max(b - at_s for a, b in stretches if a <= at_s < b)


def _conditions(tally: Tally, night: Night) -> None:
    due, told = _stretches(night.due, night.seconds), _stretches(night.told, night.seconds)
    for kind, level, start_s, end_s in due:
        wait_s = dwell_s(_OF_KIND[kind]) if kind in _OF_KIND else 0.0
        if end_s - start_s < wait_s + OUTLASTS_S:
            continue
        tally.due[kind] = tally.due.get(kind, 0) + 1
        latest_s = min(start_s + FOUND_S, max(end_s, start_s + wait_s) + WITHIN_S)
        at_s = min(
            (a for k, _, a, b in told if k == kind and a <= latest_s and b > start_s - BEFORE_S), default=None
        )
        if at_s is None:
            _count(tally.missed, kind)
            _count(tally.missed_levels, level)
            if level == "high":
                late = any(
                    k == kind and a <= end_s + FOUND_S and b > start_s - BEFORE_S for k, _, a, b in told
                )
                _count(tally.told_late if late else tally.never_told, kind)
        else:
            tally.late_s.setdefault(kind, []).append(round(max(0.0, at_s - start_s - wait_s), 2))
    for kind, level, start_s, _ in told:
        _count(tally.levels, level)
        if not _was_due(kind, start_s, due, night):
            _count(tally.false, kind)
            _count(tally.false_levels, level)
    for alert in night.alerts:
        if alert.raised:
            _count(tally.alerts, alert.priority)
            at_s = alert.at_ms / 1000.0
            tally.false_high += alert.priority == "high" and not _was_due(alert.kind, at_s, due, night)


def _was_due(kind: str, at_s: float, due: list[tuple[str, str, float, float]], night: Night) -> bool:
    if kind == "model-missing":
        return True
    if kind in TECHNICAL:
        return any(a - BEFORE_S <= at_s <= b + AFTER_S for a, b in night.blind) or kind == "camera-blurred"
    return any(k == kind and a - BEFORE_S <= at_s <= b + AFTER_S for k, _, a, b in due)


def _stretches(told: list[Told], until_s: float) -> list[tuple[str, str, float, float]]:
    """Kind, level, from when, until when, of conditions."""
    begun: dict[str, Told] = {}
    found: list[tuple[str, str, float, float]] = []
    for each in told:
        if each.level is None:
            continue
        if not each.ends:
            begun[each.kind] = each
        elif (first := begun.pop(each.kind, None)) is not None:
            found.append((first.kind, first.level or "", first.at_s, each.at_s))
    found += [(each.kind, each.level or "", each.at_s, until_s) for each in begun.values()]
    return sorted(found, key=lambda stretch: stretch[2])


def _count(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1
