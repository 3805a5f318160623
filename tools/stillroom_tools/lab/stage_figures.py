"""The figures of many nights: how often the room was known, what was told in time, what was missed, what was false."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stillroom_tools.lab.stage_judge import Tally

NIGHT_H = 8.0
"""Of a night: what counts by night or room-night is for so many hours in front of the camera."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. value None: nothing of the kind happened. wanted: what it should be, in words."""

    name: str
    value: float | None
    unit: str = ""
    wanted: str = ""
    met: bool | None = None


def figures(tally: Tally) -> list[Figure]:
    """All of them, in the order in which a reader wants them."""
    nights = tally.hours / NIGHT_H
    recalls = [
        tally.right_s[state] / tally.true_s[state] for state in tally.true_s if tally.true_s[state] >= 1.0
    ]
    rows = [
        _least("macro recall over states", _mean(recalls), 0.95),
        _least("transitions within 5 s", _share(tally.in_time, tally.changes), 0.97),
        _least("transitions within 5 s after their dwell", _share(tally.in_dwell, tally.changes), None),
        _most("false transitions", _over(tally.false_changes, nights), 1.0, "a night"),
        _most("still sleeper dropped", float(tally.dropped), 0.0, "times"),
    ]
    for kind, name in (("on-floor", "falls"), ("left-bed", "bed exits")):
        late = sorted(tally.late_s.get(kind, []))
        due = tally.due.get(kind, 0)
        rows += [
            _most(f"{name}: median after truth and dwell", _quantile(late, 0.5), 1.0, "s"),
            _most(f"{name}: p95 after truth and dwell", _quantile(late, 0.95), 5.0, "s"),
            _most(f"{name}: missed", _share(tally.missed.get(kind, 0), due), 0.01),
        ]
    rows.append(_most("false high alerts", _over(tally.false_high, nights), 0.1, "a room-night"))
    return rows


def burden(tally: Tally) -> list[Figure]:
    """What a ward hears of one room in a night of eight hours, and how much of it was false or missed."""
    nights = tally.hours / NIGHT_H
    rows = []
    for level in ("high", "medium", "low", "technical"):
        for name, counts in (
            ("told", tally.levels),
            ("false", tally.false_levels),
            ("missed", tally.missed_levels),
        ):
            rows.append(
                Figure(f"conditions, {level}, {name}", _over(counts.get(level, 0), nights), "a room-night")
            )
    for priority in ("high", "medium", "low"):
        rows.append(
            Figure(f"alerts, {priority}", _over(tally.alerts.get(priority, 0), nights), "a room-night")
        )
    return rows


def as_json(tally: Tally, seeds: Sequence[int], scenarios: Sequence[str]) -> dict[str, object]:
    """All that was counted, with what it was counted on."""
    return {
        "scenarios": list(scenarios),
        "seeds": list(seeds),
        "nights": tally.nights,
        "hours": round(tally.hours, 3),
        "figures": [_plain(row) for row in figures(tally)],
        "burden": [_plain(row) for row in burden(tally)],
        "recall": {
            state: round(tally.right_s[state] / seconds, 4)
            for state, seconds in sorted(tally.true_s.items())
            if seconds >= 1.0
        },
        "hours_by_state": {
            state: round(seconds / 3600, 3) for state, seconds in sorted(tally.true_s.items())
        },
        "conditions": {
            kind: {
                "due": tally.due.get(kind, 0),
                "missed": tally.missed.get(kind, 0),
                "false": tally.false.get(kind, 0),
            }
            for kind in sorted({*tally.due, *tally.false})
        },
        "problems": tally.problems,
    }


def _plain(row: Figure) -> dict[str, object]:
    value = None if row.value is None else round(row.value, 4)
    return {"name": row.name, "value": value, "unit": row.unit, "wanted": row.wanted, "met": row.met}


def _least(name: str, value: float | None, limit: float | None, unit: str = "") -> Figure:
    wanted = "" if limit is None else f">= {limit:g}"
    met = None if limit is None or value is None else value >= limit - 1e-9
    return Figure(name, value, unit, wanted, met)


def _most(name: str, value: float | None, limit: float, unit: str = "") -> Figure:
    return Figure(name, value, unit, f"<= {limit:g}", None if value is None else value <= limit + 1e-9)


def _mean(values: list[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _over(count: float, nights: float) -> float | None:
    return count / nights if nights > 0 else None


def _quantile(ordered: list[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else None
