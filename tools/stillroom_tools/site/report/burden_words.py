"""The burden of a period as tables and as JSON."""

import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from msgspec import Struct, field
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from stillroom_tools.site.report.burden import LEVELS, Burden, Kind
from stillroom_tools.site.report.simulated import Simulated, sentences
from stillroom_tools.site.report.words import plain

WIDTH = 170
UNKNOWN = "How many were missed, and how many were false, nobody knows of a real room."


class Report(Struct, frozen=True):
    """All that is told. to: not included; simulated: what `stillroom simulate` counted."""

    site: str
    time_zone: str
    from_: date = field(name="from")
    to: date
    night: tuple[str, str]
    all: Burden
    rooms: tuple[Burden, ...]
    simulated: Simulated | None


def show(report: Report) -> None:
    """On standard output."""
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH)
    for line in head(report):
        console.print(line, highlight=False, markup=False)
    if report.all.kinds:
        console.print(_kinds(report.all))
    if len(report.rooms) > 1:
        console.print(_rooms(report.rooms))
    for line in (UNKNOWN, *(sentences(report.simulated) if report.simulated else ())):
        console.print(line, highlight=False, markup=False)


def head(report: Report) -> Iterator[str]:
    whole = report.all
    until = report.to - timedelta(days=1)
    yield (
        f"Site {report.site}, {report.from_} to {until}, both included, {report.time_zone} time; "
        f"night from {report.night[0]} to {report.night[1]}."
    )
    yield (
        f"{whole.room_nights:.1f} room-nights and {whole.room_days:.1f} room-days were sensed "
        f"(rooms: {len(report.rooms)}, nights: {whole.nights}); what was not sensed counts for nothing."
    )
    if whole.kinds and whole.room_nights < LEAST:
        yield f"That is not yet enough for a rate ({LEAST:g} of a night or day is): '{TOO_LITTLE}' stands in its place."
    yield from left_out(whole)


def left_out(whole: Burden) -> Iterator[str]:
    """Why nothing is counted, or less than there was."""
    if whole.erased:
        yield "Part of this time was erased on somebody's wish: what began then is not counted."
    elif not whole.kinds:
        yield "No condition began and no alert was raised."


LEAST = 0.25
"""Of a night or a day: what minutes held says nothing of a whole one."""
TOO_LITTLE = "not yet"


def rate(count: int, of: float) -> str:
    """How many in each; `TOO_LITTLE` where less than a quarter of one was sensed."""
    return f"{count / of:.2f}" if of >= LEAST else TOO_LITTLE


def seconds(value: float | None) -> str:
    """`48 s`, `12.5 min`"""
    if value is None:
        return "-"
    return f"{value:.0f} s" if value < 100 else f"{value / 60:.1f} min"


def row(kind: Kind, of: Burden) -> tuple[str, ...]:
    """As COLUMNS names them."""
    return (
        plain(kind.kind),
        kind.level,
        str(kind.conditions),
        rate(kind.conditions_night, of.room_nights),
        rate(kind.conditions, of.room_days),
        str(kind.alerts),
        rate(kind.alerts_night, of.room_nights),
        rate(kind.alerts, of.room_days),
        str(kind.taken_on),
        seconds(kind.taken_on_median_s),
        str(kind.attended),
        seconds(kind.attended_median_s),
        str(kind.re_raised),
        str(kind.escalated),
        str(kind.open),
    )


COLUMNS: tuple[str, ...] = (
    "kind",
    "level",
    "conditions",
    "/night",
    "/day",
    "alerts",
    "/night",
    "/day",
    "taken on",
    "after",
    "attended",
    "after",
    "re-raised",
    "escalated",
    "open",
)
NOTE = "taken on: acknowledged, paused or attended; after: the median; open: not cleared yet"


def _kinds(burden: Burden) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, caption=NOTE, caption_justify="left")
    for number, name in enumerate(COLUMNS):
        table.add_column(name, justify="left" if number < 2 else "right", no_wrap=True)
    for kind in burden.kinds:
        table.add_row(*row(kind, burden))
    return table


def _rooms(rooms: Sequence[Burden]) -> Table:
    """Alerts a night of each room, by level."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="Alerts a room-night", title_justify="left")
    for number, name in enumerate(("room", "room-nights", *LEVELS, "re-raised", "escalated")):
        table.add_column(name, justify="left" if number == 0 else "right")
    for room in rooms:
        found = [sum(k.alerts_night for k in room.kinds if k.level == level) for level in LEVELS]
        more = (sum(k.re_raised for k in room.kinds), sum(k.escalated for k in room.kinds))
        rates = (rate(count, room.room_nights) for count in found)
        table.add_row(room.room or "", f"{room.room_nights:.1f}", *rates, *map(str, more))
    return table
