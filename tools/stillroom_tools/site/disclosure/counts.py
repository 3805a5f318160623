"""From records to counts, from counts to the CSV that is let out, and back: attacks read what everybody can read."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import get_args

import numpy as np

from stillroom.clock import MS_PER_S
from stillroom.keeper.conditions import KINDS
from stillroom_tools.site.disclosure.records import Key, Record, Weeks, what_of
from stillroom_tools.site.disclosure.settings import Purpose
from stillroom_tools.site.disclosure.suppress import Protected, told
from stillroom_tools.site.disclosure.table import Bounds, Grid, with_margins
from stillroom_tools.site.gateway.alert_forms import Priority

ALL = "all"
"""In a column of a margin."""
LEFT_OUT = "c"
"""In place of a number: `confidential`, as statistical offices write it."""


@dataclass(frozen=True)
class Counted:
    """Rooms by time (rows) and what was told (columns), each once in a cell; `grid` has the margins."""

    rows: list[Key]
    columns: list[Key]
    grid: Grid
    rooms: int


def count(records: Sequence[Record], rooms: int, purpose: Purpose, weeks: Weeks) -> Counted:
    """Every value that there can be has its place, so that no place tells that something was."""
    rows, columns = weeks.all_when(purpose.when), all_what(purpose)
    place = {key: n for n, key in enumerate(rows)}, {key: n for n, key in enumerate(columns)}
    cells = np.zeros((len(rows), len(columns)), dtype=np.int64)
    seen = {
        (place[0][weeks.when(r.at_ms, purpose.when)], place[1][what_of(r, purpose)], r.room) for r in records
    }
    for i, j, _ in seen:
        cells[i, j] += 1
    return Counted(rows, columns, with_margins(cells), rooms)


def all_what(purpose: Purpose) -> list[Key]:
    values = {"condition": sorted(kind.code for kind in KINDS), "level": list(get_args(Priority))}
    return list(product(*(values[name] for name in purpose.what)))


def to_csv(counted: Counted, made: Protected, purpose: Purpose) -> bytes:
    """A line for each number, margins too, in order."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*purpose.when, *purpose.what, "rooms"])
    rows = [*counted.rows, (ALL,) * len(purpose.when)]
    columns = [*counted.columns, (ALL,) * len(purpose.what)]
    for (i, when), (j, what) in product(enumerate(rows), enumerate(columns)):
        shown = int(made.shown[i, j])
        writer.writerow([*when, *what, LEFT_OUT if shown < 0 else shown])
    return out.getvalue().encode()


def naive(
    records: Sequence[Record], weeks: Weeks, purpose: Purpose
) -> tuple["Released", Counted, Callable[[int], Key]]:
    """What must not be let out: the same by the hour, exact and whole. The attacks are tried on it first."""

    def hour(at_ms: int) -> Key:
        return (f"{datetime.fromtimestamp(at_ms / MS_PER_S, weeks.zone):%Y-%m-%d %H}",)

    rows, columns = sorted({hour(record.at_ms) for record in records}), all_what(purpose)
    seen = {(hour(record.at_ms), what_of(record, purpose), record.room) for record in records}
    cells = np.zeros((len(rows), len(columns)), dtype=np.int64)
    for when, what, _ in seen:
        cells[rows.index(when), columns.index(what)] += 1
    grid = with_margins(cells)
    counted = Counted(rows, columns, grid, len({record.room for record in records}))
    return Released(("hour",), purpose.what, rows, columns, Bounds(grid, grid)), counted, hour


@dataclass(frozen=True)
class Released:
    """What whoever has the file knows: by time and by what was told, bounds of each number."""

    when: tuple[str, ...]
    what: tuple[str, ...]
    rows: list[Key]
    columns: list[Key]
    bounds: Bounds


def from_csv(data: bytes, purpose: Purpose, rooms: int) -> Released:
    """A file of `to_csv`. rooms: how many there are; the rules are no secret."""
    lines = list(csv.reader(io.StringIO(data.decode())))
    width = len(purpose.when)
    keyed = [((tuple(line[:width])), tuple(line[width:-1]), line[-1]) for line in lines[1:]]
    rows, columns = list(dict.fromkeys(k[0] for k in keyed)), list(dict.fromkeys(k[1] for k in keyed))
    shown = np.array([-1 if number == LEFT_OUT else int(number) for *_, number in keyed], dtype=np.int64)
    bounds = told(shown.reshape(len(rows), len(columns)), rooms)
    return Released(purpose.when, purpose.what, rows[:-1], columns[:-1], bounds)
