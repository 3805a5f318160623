"""The time that somebody's wish is about: days of the site's time zone, none of them to come."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from stillroom.clock import MS_PER_S, Clock
from stillroom.config_conditions import zone
from stillroom.document_forms import from_ms, to_ms
from stillroom.errors import ConfigError
from stillroom_tools.site.gateway.erasures import Wish
from stillroom_tools.site.layout import Site
from stillroom_tools.site.report.days import local_ms, parse_day


@dataclass(frozen=True)
class Asked:
    """`until` is not included, and never later than now."""

    start: datetime
    until: datetime
    zone: tzinfo

    def wish(self, name: str, room: str, audit: bool) -> Wish:
        return Wish(name, room, to_ms(self.start), to_ms(self.until), audit)

    @property
    def words(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC"


def asked_for(site: Site, start: str, until: str, clock: Clock) -> Asked:
    """`--from` and `--to`. Raises ConfigError."""
    here = zone(site.config.time_zone)
    first, last = parse_day(start, "--from"), parse_day(until, "--to")
    if last <= first:
        raise ConfigError(f"--to {until}: must be after --from {start}")
    now_ms = clock.utc_ms()
    today = datetime.fromtimestamp(now_ms / MS_PER_S, here).date()
    if first > today:
        raise ConfigError(f"--from {start}: is still to come")
    if last > today + timedelta(days=1):
        raise ConfigError(
            f"--to {until}: is still to come: {today + timedelta(days=1)} is all of today up to now"
        )
    found = Asked(from_ms(local_ms(first, 0, here)), from_ms(min(local_ms(last, 0, here), now_ms)), here)
    if found.until <= found.start:
        raise ConfigError(f"--from {start}: this day has only just begun")
    return found
