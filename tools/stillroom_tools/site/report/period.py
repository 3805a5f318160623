"""Whole days of a site, and the nights that begin in them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta, tzinfo

from stillroom.config_conditions import zone
from stillroom.errors import ConfigError
from stillroom_tools.site.layout import Site
from stillroom_tools.site.report.days import DAY, Span, days, local_ms, night_of

LONGEST_DAYS = 3_700
_MONTH_DAYS = 31
"""Of so much at once the entries of a room are held in memory."""


@dataclass(frozen=True)
class Period:
    """Whole days somewhere, both included, and the nights that begin in them."""

    first: date
    last: date
    zone: tzinfo
    night_from: str
    night_until: str

    @property
    def span(self) -> Span:
        return Span(local_ms(self.first, 0, self.zone), local_ms(self.last + DAY, 0, self.zone))

    @property
    def nights(self) -> list[Span]:
        return [
            night_of(day, self.night_from, self.night_until, self.zone) for day in days(self.first, self.last)
        ]

    @property
    def days(self) -> list[Span]:
        found = days(self.first, self.last)
        return [Span(local_ms(day, 0, self.zone), local_ms(day + DAY, 0, self.zone)) for day in found]

    @property
    def whole(self) -> Span:
        """Days, and what of the last night comes after them."""
        return Span(self.span.from_ms, max(self.span.until_ms, self.nights[-1].until_ms))

    def months(self) -> Iterator["Period"]:
        """The same in parts, whose days and nights are none of another part's."""
        first = self.first
        while first <= self.last:
            last = min(first + timedelta(days=_MONTH_DAYS - 1), self.last)
            yield replace(self, first=first, last=last)
            first = last + DAY

    def at_night(self, at_ms: int) -> bool:
        return any(night.from_ms <= at_ms < night.until_ms for night in self.nights)


def period_of(site: Site, first: date, last: date) -> Period:
    """Raises ConfigError: not one day, or too many."""
    if not 0 <= (last - first).days < LONGEST_DAYS:
        raise ConfigError(f"from {first} to {last}: 1 to {LONGEST_DAYS} days, both included")
    report = site.config.report
    return Period(first, last, zone(site.config.time_zone), report.night_from, report.night_until)
