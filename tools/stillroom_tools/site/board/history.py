"""What the gateway has kept, for the room's page: read alone, and never shown as if it were now."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from threading import Lock
from typing import TypeVar

from stillroom.clock import MS_PER_S, Clock
from stillroom.config_conditions import zone
from stillroom.document_forms import to_ms
from stillroom.documents import Authorisation
from stillroom_tools.site import units
from stillroom_tools.site.gateway.erased import Chained
from stillroom_tools.site.gateway.reader import Reader, open_reader
from stillroom_tools.site.layout import Site
from stillroom_tools.site.report.day import RoomDay, room_day
from stillroom_tools.site.report.days import LocalDay

T = TypeVar("T")


@dataclass(frozen=True)
class Allowed:
    """An authorisation of a unit, and how it stands now."""

    paper: Authorisation
    how: str
    in_force: bool


class History:
    """Opens the gateway's store when it is first asked; a store that is not there is said, each time anew."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self._site, self._clock = site, clock
        self._reader: Reader | None = None
        self._opening = Lock()

    def close(self) -> None:
        if self._reader:
            self._reader.close()

    def ask(self, question: Callable[[Reader], T]) -> T:
        """Raises StorageError, SetupError."""
        with self._opening:
            if self._reader is None:
                self._reader = open_reader(self._site)
        return question(self._reader)

    def today(self) -> date:
        """In the site's time zone."""
        now_s = self._clock.utc_ms() / MS_PER_S
        return datetime.fromtimestamp(now_s, zone(self._site.config.time_zone)).date()

    def local(self, day: date) -> LocalDay:
        """A day as the site's clocks show it."""
        name = self._site.config.time_zone
        return LocalDay(day, zone(name), name)

    def day(self, room: str, day: date) -> RoomDay:
        """What was kept of a room and a day. Raises ConfigError (nothing ever was), StorageError, TrustError."""
        return room_day(self._site, room, self.local(day), self._clock.utc_ms())

    def chain(self, unit: str) -> list[Chained]:
        """The unit's own audit chain as far as the gateway has it; nothing of it is verified here."""
        return self.ask(lambda reader: reader.audit(unit))

    def units(self) -> list[units.Line]:
        """Each unit's own health, as it told it last."""
        return self.ask(lambda reader: units.lines(self._site, reader))

    def allowed(self, unit: str) -> list[Allowed]:
        """Its authorisations, the newest first; what does not verify is not among them."""
        now_ms, withdrawn = self._clock.utc_ms(), self._site.withdrawn()
        papers = sorted(self._site.authorisations(unit), key=lambda paper: paper.start, reverse=True)
        found = [self._standing(paper, now_ms, paper.id in withdrawn) for paper in papers]
        standing = [one.paper for one in found if one.in_force]
        goes_by = max(standing, key=lambda paper: (paper.until, paper.id), default=None)  # as the gate does
        return [
            replace(one, how="in force, another goes first")
            if one.in_force and one.paper is not goes_by
            else one
            for one in found
        ]

    def halted(self, unit: str) -> list[str]:
        """Ids of the halts that stand for it, those for the whole site among them."""
        return [halt.id for halt in self._site.halts(unit)]

    def _standing(self, paper: Authorisation, now_ms: int, withdrawn: bool) -> Allowed:
        if withdrawn:
            how = "withdrawn"
        elif now_ms < to_ms(paper.start):
            how = "not yet"
        elif now_ms >= to_ms(paper.until):
            how = "ended"
        elif now_ms >= to_ms(paper.review_by):
            how = "review overdue"
        else:
            return Allowed(paper, "in force", True)
        return Allowed(paper, how, False)
