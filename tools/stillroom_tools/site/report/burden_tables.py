"""The burden of a period in a terminal: as many tables side by side as its columns have room for, and no number cut."""

import sys
from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from stillroom_tools.site.report.burden import LEVELS, Burden
from stillroom_tools.site.report.burden_words import COLUMNS, NOTE, UNKNOWN, Report, head, rate, row
from stillroom_tools.site.report.simulated import sentences

WIDTH = 170
"""Of what is no terminal."""
MOST_WORD = 12
"""A longer one may be broken."""
Cells = Sequence[Sequence[str]]


def show(report: Report) -> None:
    """On standard output."""
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH)
    _say(console, *head(report))
    if report.all.kinds:
        _print(console, _kinds(report.all), 2, (3, 3, 4, 3))
        _say(console, NOTE)
    if len(report.rooms) > 1:
        _say(console, "Alerts a room-night")
        _print(console, _rooms(report.rooms), 1, (1 + len(LEVELS), 2))
    _say(console, UNKNOWN, *(sentences(report.simulated) if report.simulated else ()))


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(line, highlight=False, markup=False)


def _kinds(burden: Burden) -> Cells:
    """Groups: conditions, alerts, who came, what became of them."""
    return [COLUMNS, *(row(kind, burden) for kind in burden.kinds)]


def _rooms(rooms: Sequence[Burden]) -> Cells:
    """Alerts a night of each room, by level; and how many sounded again."""
    cells: list[list[str]] = [["room", "room-nights", *LEVELS, "re-raised", "escalated"]]
    for room in rooms:
        found = [sum(k.alerts_night for k in room.kinds if k.level == level) for level in LEVELS]
        more = (sum(k.re_raised for k in room.kinds), sum(k.escalated for k in room.kinds))
        rates = (rate(count, room.room_nights) for count in found)
        cells.append([room.room or "", f"{room.room_nights:.1f}", *rates, *map(str, more)])
    return cells


def _print(console: Console, cells: Cells, names: int, groups: Sequence[int]) -> None:
    """One table, or as many as it takes. groups: of how many columns, behind the names, each belongs together."""
    for table in _tables(console, cells, names, groups):
        # One that is too wide with its words folded leaves it to the terminal to break lines.
        Console(file=sys.stdout, width=max(console.width, _size(console, table).minimum)).print(table)


def _tables(console: Console, cells: Cells, names: int, groups: Sequence[int]) -> Iterator[Table]:
    shown, at = list(range(names)), names
    for size in groups:
        group = list(range(at, at + size))
        wider = _table(cells, [*shown, *group], names)
        if len(shown) > names and _size(console, wider).maximum > console.width:
            yield _table(cells, shown, names)
            shown = shown[:names]
        shown, at = [*shown, *group], at + size
    yield _table(cells, shown, names)


def _size(console: Console, table: Table) -> Measurement:
    """The columns that it needs, at least and where nothing is folded."""
    return console.measure(table, options=console.options.update(width=WIDTH))


def _table(cells: Cells, columns: Sequence[int], names: int) -> Table:
    """The first row names the columns. The first `names` are words: these alone may be folded."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number in columns:
        title, longest = cells[0][number], max(len(line[number]) for line in cells)
        if number < names:
            word = max(len(word) for line in cells for word in line[number].split() or [""])
            table.add_column(title, overflow="fold", min_width=min(word, MOST_WORD))
        else:
            table.add_column(title, justify="right", no_wrap=True, min_width=longest)
    for line in cells[1:]:
        table.add_row(*(line[number] for number in columns))
    return table
