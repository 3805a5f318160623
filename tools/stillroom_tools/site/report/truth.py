"""Missed and false, where somebody knows what happened: a file of runs beside what a room's unit told.

A file of lines of JSON: `{"stillroom": "runs/1"}`, then one for each run of a simulated life: its room, scenario and
seed, when it ran, and the conditions that must begin in it, each within a time. A condition that began in a run and
that nothing there explains is false; one that must begin and did not is missed. Of a time that no run covers nothing is
known, and nothing is counted.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from stillroom.config_conditions import Level
from stillroom.document_forms import Code, Timed, to_ms
from stillroom_tools.site.line_file import read_lines

KIND = "runs/1"
MAX_BYTES = 64 * 1024 * 1024


class Head(Struct, frozen=True, forbid_unknown_fields=True):
    """The first line."""

    stillroom: str


class Expected(Timed, frozen=True, forbid_unknown_fields=True):
    """This kind must begin from `from` (included) until `until` (not)."""

    kind: Code


class Run(Timed, frozen=True, forbid_unknown_fields=True):
    """One seed of one scenario in a room."""

    room: Code
    scenario: Annotated[str, Meta(min_length=1, max_length=120)]
    seed: Annotated[int, Meta(ge=0, le=2**53)]
    expected: tuple[Expected, ...] = ()


class Wrong(Struct, frozen=True):
    """What went wrong in a run: a kind, its level where one was told, and the seed with which it can be seen again."""

    kind: str
    level: str | None
    room: str
    scenario: str
    seed: int
    at_ms: int
    """When a false one began; from when on a missed one was expected."""


class Compared(Struct, frozen=True):
    """Of all runs of the rooms that were looked at; hours: together."""

    runs: int
    hours: float
    expected: int
    missed: tuple[Wrong, ...]
    false: tuple[Wrong, ...]


Began = tuple[str, str, Level | str, int]
"""Room, kind, level, when (UTC in ms)."""


def read_truth(path: Path) -> list[Run]:
    """Raises InputError: absent, too large, not such lines; names the line."""
    return read_lines(path, "a file of runs", KIND, MAX_BYTES, Head, Run)[1]


def compare(runs: Sequence[Run], began: Iterable[Began]) -> Compared:
    """began: the conditions of persons that began in these rooms."""
    told = sorted(began, key=lambda each: each[3])
    missed, false = list[Wrong](), list[Wrong]()
    for run in runs:
        start, until = to_ms(run.start), to_ms(run.until)
        own = [each for each in told if each[0] == run.room and start <= each[3] < until]
        for want in run.expected:
            found = next((each for each in own if each[1] == want.kind and want.covers(each[3])), None)
            if found:
                own.remove(found)
            else:
                missed.append(Wrong(want.kind, None, run.room, run.scenario, run.seed, to_ms(want.start)))
        false += [Wrong(kind, level, run.room, run.scenario, run.seed, at) for _, kind, level, at in own]
    hours = sum((run.until - run.start).total_seconds() / 3600 for run in runs)
    return Compared(
        len(runs), round(hours, 3), sum(len(run.expected) for run in runs), tuple(missed), tuple(false)
    )
