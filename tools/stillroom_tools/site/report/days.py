"""Days and nights as a site's clocks show them: midnight to midnight in its time zone, be it 23, 24 or 25 hours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from stillroom.clock import MS_PER_S
from stillroom.config_conditions import minutes
from stillroom.document_forms import to_ms
from stillroom.errors import ConfigError

HOUR_MS = 3_600 * MS_PER_S
USUAL_MS = 24 * HOUR_MS
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """A stretch of time, UTC in ms; `until_ms` is not included."""

    from_ms: int
    until_ms: int

    @property
    def length_ms(self) -> int:
        return max(self.until_ms - self.from_ms, 0)

    def within(self, other: "Span") -> "Span":
        """The part of it that lies in another; of no length where there is none."""
        start = min(max(self.from_ms, other.from_ms), other.until_ms)
        return Span(start, max(min(self.until_ms, other.until_ms), start))


@dataclass(frozen=True)
class LocalDay:
    """One day somewhere."""

    day: date
    zone: tzinfo
    zone_name: str

    @property
    def span(self) -> Span:
        return Span(local_ms(self.day, 0, self.zone), local_ms(self.day + DAY, 0, self.zone))

    @property
    def changes(self) -> bool:
        """Its clocks are put forward or back."""
        return self.span.length_ms != USUAL_MS

    def clock(self, utc_ms: int) -> str:
        """`14:05`; on a day on which an hour comes twice with the name of its time: `01:30 BST`."""
        moment = datetime.fromtimestamp(utc_ms / MS_PER_S, self.zone)
        return moment.strftime("%H:%M %Z" if self.changes else "%H:%M")

    def hours(self) -> Iterator[tuple[int, str]]:
        """Each full hour that its clocks show, the first midnight first: (UTC in ms, `14`)."""
        span = self.span
        for at_ms in range(span.from_ms, span.until_ms, HOUR_MS // 4):
            moment = datetime.fromtimestamp(at_ms / MS_PER_S, self.zone)
            if moment.minute == 0:
                yield at_ms, f"{moment:%H}"

    @property
    def words(self) -> str:
        """`Sunday 29 March 2026, Europe/London; 23 hours: the clocks were put forward`."""
        hours = self.span.length_ms / HOUR_MS
        way = "forward" if hours < 24 else "back"
        change = f"; {hours:g} hours: the clocks were put {way}" if self.changes else ""
        return f"{self.day:%A %-d %B %Y}, {self.zone_name} time{change}"


def parse_day(text: str, what: str) -> date:
    """Raises ConfigError."""
    try:
        found = datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        found = date.min
    if found.year < 1970 or found.isoformat() != text:
        raise ConfigError(f"{what} '{text}': a day is needed: 2026-11-25")
    return found


def local_ms(day: date, minute: int, zone: tzinfo) -> int:
    """UTC in ms of a minute of a day there: the first of one that comes twice, what follows of one that is left out."""
    moment = datetime(day.year, day.month, day.day, minute // 60 % 24, minute % 60, tzinfo=zone)
    return to_ms((moment + DAY if minute == 24 * 60 else moment).astimezone(UTC))


def night_of(day: date, start: str, until: str, zone: tzinfo) -> Span:
    """The night that begins on this day. start, until: `20:00`, `08:00`; it need not pass midnight."""
    ends = day if minutes(start) < minutes(until) else day + DAY
    return Span(local_ms(day, minutes(start), zone), local_ms(ends, minutes(until), zone))


def days(first: date, last: date) -> Iterator[date]:
    """Both included."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)
