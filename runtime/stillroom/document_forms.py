"""What signed documents have in common: codes, and times to the second, as people read them.

`from` is included, `until` is not.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct, field

from stillroom.clock import MS_PER_S, Clock

MAX_WRAPS = 8
"""To so many recipients a record is sealed at most (`wire.py`)."""

Time = Annotated[datetime, Meta(tz=True)]
Code = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9.-]{0,47}\Z")]


def whole_seconds_utc(*moments: datetime) -> None:
    """Raises ValueError."""
    for moment in moments:
        if moment.utcoffset() != timedelta(0) or moment.microsecond:
            raise ValueError("a time is UTC to the second: 2026-11-22T08:00:00Z")


class Timed(Struct, frozen=True, forbid_unknown_fields=True):
    """In force from `start` to `until`."""

    start: Time = field(name="from")
    until: Time

    def __post_init__(self) -> None:
        whole_seconds_utc(self.start, self.until)
        if self.start >= self.until:
            raise ValueError("'until' must be after 'from'")

    def covers(self, utc_ms: int) -> bool:
        return to_ms(self.start) <= utc_ms < to_ms(self.until)


class Dated(Struct, frozen=True, forbid_unknown_fields=True):
    """Signed at a moment."""

    at: Time

    def __post_init__(self) -> None:
        whole_seconds_utc(self.at)


def to_ms(moment: datetime) -> int:
    """UTC in milliseconds."""
    return round(moment.timestamp() * MS_PER_S)


def from_ms(utc_ms: int) -> datetime:
    """The moment, to the second."""
    return datetime.fromtimestamp(utc_ms // MS_PER_S, UTC)


def now(clock: Clock) -> datetime:
    return from_ms(clock.utc_ms())
