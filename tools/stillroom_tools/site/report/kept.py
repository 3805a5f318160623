"""What the gateway has kept of a room, as the reports want it: read through its reader, beside a gateway that runs."""

from dataclasses import dataclass

from sqlalchemy import case, select

from stillroom.errors import ConfigError
from stillroom_tools.site.gateway.arrived import Kept
from stillroom_tools.site.gateway.erased import Told as Event
from stillroom_tools.site.gateway.erased import decode
from stillroom_tools.site.gateway.reader import Reader
from stillroom_tools.site.gateway.rooms import NO_ROOM
from stillroom_tools.site.gateway.tables import erasures
from stillroom_tools.site.report.days import HOUR_MS, Span

LONGEST_SUMMARY_MS = HOUR_MS
"""A summary is kept by its end: one that began in a day may be found so long after it."""
_STANDING = ("gate", "condition")
_TOLD = (*_STANDING, "state", "summary", "lost", "audit")


@dataclass(frozen=True)
class Told:
    """One entry of a unit: when it was seen, when the unit had it, when the gateway opened it. UTC in ms."""

    unit: str
    number: int
    at_ms: int
    accepted_ms: int
    opened_ms: int
    event: Event


def entries(reader: Reader, room: str, span: Span) -> list[Told]:
    """Of a room, in order of time: those of a span, its summaries that end soon after it, and what stood before it.

    What stood before: each change of gate and conditions since the room has been known. Raises StorageError.
    """
    before = reader.entries(room, 0, span.from_ms, _STANDING)
    inside = reader.entries(room, span.from_ms, span.until_ms + LONGEST_SUMMARY_MS, _TOLD)
    found = [_told(one) for one in (*before, *inside)]
    return sorted(found, key=lambda told: (told.at_ms, told.unit, told.number))


def erased(reader: Reader, room: str) -> list[Span]:
    """What of it was, on somebody's wish. Raises StorageError."""
    gone = erasures.c
    past_ms = case((gone.until_ms > gone.at_ms, gone.at_ms), else_=gone.until_ms)  # as `Erasures` has it
    query = select(gone.from_ms, past_ms).where(gone.room == room, gone.unit == "")
    return [Span(*row) for row in reader.fetch(query.order_by(gone.from_ms))]


def _told(kept: Kept) -> Told:
    return Told(kept.unit, kept.number, kept.at_ms, kept.accepted_ms, kept.opened_ms, decode(kept.event))


def no_such_room(reader: Reader, room: str) -> ConfigError:
    """What to say where nothing was ever kept of a room."""
    known = [name for name in reader.rooms() if name != NO_ROOM]
    if not known:
        return ConfigError(
            f"room '{room}': nothing was ever kept of one that is called so, nor of any other: a unit tells of a room "
            "once it is authorised for one (`site authorise new`) and a gateway hears it"
        )
    named = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return ConfigError(f"room '{room}': nothing was ever kept of one that is called so, but of {named}")
