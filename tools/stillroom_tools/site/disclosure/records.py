"""What is counted: conditions of people that began, by room and time, out of the gateway's store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

import msgspec

from stillroom.clock import MS_PER_S
from stillroom.config_conditions import minutes, zone
from stillroom.config_technical import TECHNICAL
from stillroom.errors import ConfigError
from stillroom.events import ConditionChanged
from stillroom_tools.site.disclosure.settings import Purpose
from stillroom_tools.site.gateway.reader import Reader
from stillroom_tools.site.gateway.rooms import NO_ROOM
from stillroom_tools.site.layout import Site
from stillroom_tools.site.report.days import local_ms

BATCH = 2_000
LONGEST_WEEKS = 53
_WEEK = timedelta(weeks=1)
Key = tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """Of somebody: never let out as it is."""

    room: str
    at_ms: int
    condition: str
    level: str


@dataclass(frozen=True)
class Weeks:
    """Whole ISO weeks of a site, from a Monday to a Monday, and what is night there."""

    first: date
    until: date
    zone: tzinfo
    night_from: int
    night_until: int
    """Minutes of the day."""

    @property
    def from_ms(self) -> int:
        return local_ms(self.first, 0, self.zone)

    @property
    def until_ms(self) -> int:
        return local_ms(self.until, 0, self.zone)

    def when(self, at_ms: int, columns: Sequence[str]) -> Key:
        """Values of columns of time. A night after midnight counts to the day on which it falls."""
        moment = datetime.fromtimestamp(at_ms / MS_PER_S, self.zone)
        found = {
            "week": week_of(moment.date()),
            "shift": "night" if self._at_night(moment.hour * 60 + moment.minute) else "day",
            "days": "weekend" if moment.weekday() >= 5 else "working days",
        }
        return tuple(found[name] for name in columns)

    def all_when(self, columns: Sequence[str]) -> list[Key]:
        """Every value that there can be in these weeks, in order."""
        weeks = [week_of(self.first + _WEEK * n) for n in range((self.until - self.first) // _WEEK)]
        found: list[Key] = [()]
        for name in columns:
            values = {"week": weeks, "shift": ["day", "night"], "days": ["weekend", "working days"]}[name]
            found = [(*key, value) for key in found for value in values]
        return found

    def _at_night(self, minute: int) -> bool:
        if self.night_from < self.night_until:
            return self.night_from <= minute < self.night_until
        return minute >= self.night_from or minute < self.night_until


def week_of(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def weeks_of(site: Site, first: date, until: date, now_ms: int) -> Weeks:
    """Raises ConfigError: not whole weeks, too many, or not over yet."""
    for name, day in (("--from", first), ("--to", until)):
        if day.weekday():
            monday = day - timedelta(days=day.weekday())
            raise ConfigError(
                f"{name} {day}: not a Monday, and whole weeks are let out: {monday} or {monday + _WEEK}"
            )
    if not 0 < (until - first) // _WEEK <= LONGEST_WEEKS:
        raise ConfigError(f"--from {first} --to {until}: 1 to {LONGEST_WEEKS} weeks, --to not included")
    report, here = site.config.report, zone(site.config.time_zone)
    found = Weeks(first, until, here, minutes(report.night_from), minutes(report.night_until))
    if found.until_ms > now_ms:
        raise ConfigError(f"--to {until}: this week is not over yet")
    return found


def read(reader: Reader, weeks: Weeks) -> list[Record]:
    """Each condition of a person that began in these weeks. Raises StorageError."""
    return list(_read(reader, weeks))


def _read(reader: Reader, weeks: Weeks) -> Iterator[Record]:
    place = 0
    while found := reader.following(place, ["condition"], BATCH, weeks.from_ms, weeks.until_ms):
        for _, kept in found:
            event = msgspec.json.decode(kept.event, type=ConditionChanged)
            if (
                event.active
                and event.level != "technical"
                and event.kind not in TECHNICAL
                and kept.room != NO_ROOM
            ):
                yield Record(kept.room, kept.at_ms, event.kind, event.level)
        place = found[-1][0]


def what_of(record: Record, purpose: Purpose) -> Key:
    return tuple(getattr(record, name) for name in purpose.what)
