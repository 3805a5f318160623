"""The burden of a period in words, and as JSON."""

from collections.abc import Iterator
from datetime import date, timedelta

from msgspec import Struct, field

from stillroom_tools.site.report.burden import Burden, Kind
from stillroom_tools.site.report.simulated import Simulated
from stillroom_tools.site.report.words import plain

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
