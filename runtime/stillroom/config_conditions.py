"""Which conditions of a person a unit raises: of each a list of rows by time of day; the first that covers it counts.

An empty list: never. What a resident needs is for those to choose who know him, so little is on by default.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from stillroom.clock import MS_PER_S

Level = Literal["high", "medium", "low"]
Told = Literal["high", "medium", "low", "technical"]
"""As an event has it. `technical`: of the unit itself, and worth what the site says."""
MINUTES = 24 * 60
_TIME = r"\A([01][0-9]|2[0-3]):[0-5][0-9]\Z"
Time = Annotated[str, Meta(pattern=_TIME, description="a time of day from 00:00 to 23:59")]
End = Annotated[
    str,
    Meta(pattern=rf"{_TIME}|\A24:00\Z", description="a time of day from 00:00 to 24:00"),
]
TimeZone = Annotated[
    str, Meta(pattern=r"\A[A-Za-z0-9_+/-]{1,64}\Z", description="a name like Europe/London, or UTC")
]


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """At which level, after how long, and when. `from` after `until` goes over midnight."""

    level: Level
    after_s: Annotated[float, Meta(ge=0.0, le=3600.0)] = 0.0
    start: Time = msgspec.field(default="00:00", name="from")
    until: End = "24:00"

    def covers(self, minute: int) -> bool:
        """minute: of the day, 0 to 1439."""
        start, until = minutes(self.start), minutes(self.until)
        return start <= minute < until if start < until else minute >= start or minute < until


class LongRow(Row, frozen=True, forbid_unknown_fields=True):
    """The same for what is only of interest when it lasts."""

    after_s: Annotated[float, Meta(ge=30.0, le=86_400.0)] = 1800.0


ROWS = Meta(max_length=8, description='a list of at most 8 rows like { level = "high", after_s = 5.0 }')


class ConditionsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Each condition with its rows; at most eight of each."""

    time_zone: TimeZone = "UTC"
    """Of the times of day in the rows."""
    left_bed: Annotated[tuple[Row, ...], ROWS] = ()
    about_to_leave: Annotated[tuple[Row, ...], ROWS] = ()
    """On the bed's edge."""
    not_back: Annotated[tuple[LongRow, ...], ROWS] = ()
    """Out of bed, or of the room, for so long."""
    bathroom_long: Annotated[tuple[LongRow, ...], ROWS] = (LongRow("medium", 1800.0),)
    on_floor: Annotated[tuple[Row, ...], ROWS] = (Row("high"),)
    several_people: Annotated[tuple[Row, ...], ROWS] = ()
    no_movement: Annotated[tuple[LongRow, ...], ROWS] = ()
    """Somebody is there, and nothing moves."""
    left_room: Annotated[tuple[Row, ...], ROWS] = ()
    entered: Annotated[tuple[Row, ...], ROWS] = ()
    """Into the empty room: with a row for the night, entered at night."""


KEYS = tuple(name for name in ConditionsConfig.__struct_fields__ if name != "time_zone")
"""Of the conditions, in `[conditions]`."""


@lru_cache(maxsize=128)
def minutes(time: str) -> int:
    """`HH:MM` as minutes of the day, 0 to 1440."""
    return int(time[:2]) * 60 + int(time[3:])


def row_at(rows: Sequence[Row], minute: int) -> Row | None:
    """The row that counts at this minute of the day."""
    return next((row for row in rows if row.covers(minute)), None)


def zone(name: str) -> tzinfo:
    """Raises KeyError, ValueError, OSError where this machine knows no such time zone."""
    return UTC if name == "UTC" else ZoneInfo(name)


def minute_of(utc_ms: int, where: tzinfo) -> int:
    """The minute of the day there, 0 to 1439."""
    moment = datetime.fromtimestamp(utc_ms / MS_PER_S, where)
    return moment.hour * 60 + moment.minute


def faults(config: ConditionsConfig) -> Iterator[tuple[str, str]]:
    """Key and what is wrong with it: rows that no time reaches, times and thresholds that contradict one another."""
    try:
        zone(config.time_zone)
    except (KeyError, ValueError, OSError):
        yield (
            "time_zone",
            f"= '{config.time_zone}': not a time zone that this machine knows: a name like Europe/London",
        )
    yield from row_faults({name: getattr(config, name) for name in KEYS})
    for minute in range(MINUTES):
        left, back = row_at(config.left_bed, minute), row_at(config.not_back, minute)
        if left and back and back.after_s <= left.after_s:
            at = f"at {minute // 60:02}:{minute % 60:02}"
            yield (
                "not_back",
                f"= {back.after_s:g} s {at}: must be longer than 'left_bed' then, {left.after_s:g} s",
            )
            return


def row_faults(rows_of: Mapping[str, Sequence[Row]]) -> Iterator[tuple[str, str]]:
    """The same of rows alone: those without any time, and those that others cover."""
    for name, rows in rows_of.items():
        for number, row in enumerate(rows):
            if minutes(row.start) == minutes(row.until):
                yield (
                    f"{name}.{number}.until",
                    f"= '{row.until}': the same as 'from'; leave both out for the whole day",
                )
            elif not any(row_at(rows, minute) is row for minute in range(MINUTES)):
                yield (
                    f"{name}.{number}",
                    "is never reached: rows before it cover it: order them, or remove it",
                )
