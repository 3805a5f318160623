"""What `stillroom simulate` says: what was so beside what was told, line by line, and the figures of many nights."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stillroom_tools.lab.stage_figures import Figure
    from stillroom_tools.lab.stage_jobs import Outcome
    from stillroom_tools.lab.stage_judge import Tally
    from stillroom_tools.lab.stage_run import Told

NOT_KNOWN_S = 10.0
"""Of a run: less is not worth a line."""
SAID = 40
"""Problems printed; of more only how many."""


def show(outcomes: "Sequence[Outcome]", *, live: bool = False) -> None:
    """On standard output. live: the lines have been said already."""
    if len(outcomes) == 1 and not live:
        _show_night(outcomes[0])
    problems = [f"{_named(each)}: {problem}" for each in outcomes for problem in each.tally.problems]
    for problem in problems[:SAID]:
        print(problem)
    if len(problems) > SAID:
        print(f"and {len(problems) - SAID} more")
    if len(outcomes) > 1:
        _show_figures(total(outcomes))
        _show_carriers(outcomes)
    print(verdict(outcomes, len(problems)))


def verdict(outcomes: "Sequence[Outcome]", wrong: int) -> str:
    """The last line. A scenario that expects nothing proves nothing, however it was told."""
    if wrong:
        return f"{wrong} not as expected"
    said = "as expected"
    if not any(each.scenario.expects or each.scenario.never for each in outcomes):
        said = "nothing was expected: whether it was told as it was so is for the lines above to say"
    missed = "; ".join(_high_missed(total(outcomes)))
    return f"{said}; but {missed}" if missed else said


def _high_missed(tally: "Tally") -> Iterator[str]:
    """What a scenario need not expect, and nobody may overlook who reads the last line alone."""
    for how, kinds in (("never told", tally.never_told), ("told too late", tally.told_late)):
        if kinds:
            named = (f"{kind} (high)" + (f" {n} times" if n > 1 else "") for kind, n in sorted(kinds.items()))
            yield f"due and {how}: {', '.join(named)}"


def total(outcomes: "Sequence[Outcome]") -> "Tally":
    """All nights added up."""
    from stillroom_tools.lab.stage_judge import Tally

    tally = Tally()
    for outcome in outcomes:
        tally.add(outcome.tally)
    return tally


def as_json(outcomes: "Sequence[Outcome]", seeds: range) -> dict[str, object]:
    """One night with all of its lines; of many the figures, and of each what was not as expected."""
    from stillroom_tools.lab import stage_figures

    tally = total(outcomes)
    names = sorted({Path(each.job.path).stem for each in outcomes})
    found = stage_figures.as_json(tally, seeds, names)
    found["problems"] = [
        {"scenario": Path(each.job.path).stem, "seed": each.job.seed, "problem": problem}
        for each in outcomes
        for problem in each.tally.problems
    ]
    found["wrong"] = [row for each in outcomes for row in _wrong(each)]
    if len(outcomes) == 1:
        night = outcomes[0].night
        found["truth"], found["believed"] = night.truth, night.believed
        found["told"] = [_plain(told) for told in night.told]
        found["due"] = [_plain(told) for told in night.due]
        found["alerts"] = [[each.at_ms, each.kind, each.priority, each.state] for each in night.alerts]
    return found


def _wrong(outcome: "Outcome") -> Iterator[dict[str, object]]:
    """Of one night each kind of condition that was missed or told without cause: its seed shows it again."""
    tally = outcome.tally
    for kind in sorted({*tally.missed, *tally.false}):
        missed, false = tally.missed.get(kind, 0), tally.false.get(kind, 0)
        if missed or false:
            name, seed = Path(outcome.job.path).stem, outcome.job.seed
            yield {"scenario": name, "seed": seed, "kind": kind, "missed": missed, "false": false}


def line(told: "Told") -> str:
    """One line of what was told."""
    return f"{clock(told.at_s)}  {_what(told):<34}  {told.why}"


def clock(at_s: float) -> str:
    """H:MM:SS.s"""
    whole = round(at_s * 10)
    return f"{whole // 36000}:{whole // 600 % 60:02}:{whole // 10 % 60:02}.{whole % 10}"


def _show_night(outcome: "Outcome") -> None:
    night = outcome.night
    print(f"{night.title}, seed {night.seed}, {clock(night.seconds)}")
    print(f"{'time':<10}  {'so':<28}  {'told':<34}  why")
    rows = [(at_s, 0, f"{state:<28}", "", "") for at_s, state in night.truth]
    rows += [(each.at_s, 1, f"due: {_what(each)}", "", "") for each in night.due]
    rows += [(each.at_s, 2, "", _what(each), each.why) for each in night.told]
    for at_s, _, so, told, why in sorted(rows):
        print(f"{clock(at_s):<10}  {so:<28}  {told:<34}  {why}".rstrip())


def _what(told: "Told") -> str:
    if told.level is None:
        return f"{told.kind.partition(':')[2]} ({told.model})" if told.model else told.kind.partition(":")[2]
    return f"{told.kind} over" if told.ends else f"{told.kind} ({told.level})"


def _show_figures(tally: "Tally") -> None:
    from stillroom_tools.lab.stage_figures import burden, figures

    print(f"{tally.nights} runs, {tally.hours:.1f} h in front of the camera")
    for row in figures(tally):
        met = "" if row.met is None else "met" if row.met else "NOT met"
        print(f"  {row.name:<44} {_value(row):>10} {row.unit:<14} {row.wanted:<9} {met}".rstrip())
    for row in burden(tally):
        print(f"  {row.name:<44} {_value(row):>10} {row.unit}")


def _show_carriers(outcomes: "Sequence[Outcome]") -> None:
    """Where the errors are: changes not told within five seconds, false ones, time in which the state was not known."""
    by_name: dict[str, list[Outcome]] = {}
    for each in outcomes:
        by_name.setdefault(Path(each.job.path).stem, []).append(each)
    print(f"  {'where':<34} {'late':>9} {'false':>7} {'dropped':>8} {'not known':>10}")
    for name, its in sorted(by_name.items()):
        tally = total(its)
        late, lost_s = tally.changes - tally.in_time, sum(tally.true_s.values()) - sum(tally.right_s.values())
        if late or tally.false_changes or tally.dropped or lost_s > NOT_KNOWN_S * len(its):
            of = f"{late} of {tally.changes}"
            print(f"  {name:<34} {of:>9} {tally.false_changes:>7} {tally.dropped:>8} {lost_s:>8.0f} s")


def _value(row: "Figure") -> str:
    return "-" if row.value is None else f"{row.value:.3f}"


def _named(outcome: "Outcome") -> str:
    return f"{Path(outcome.job.path).stem} seed {outcome.job.seed}"


def _plain(told: "Told") -> dict[str, object]:
    return {
        "at_s": round(told.at_s, 1),
        "kind": told.kind,
        "level": told.level,
        "ends": told.ends,
        "why": told.why,
        "model": told.model,
    }
