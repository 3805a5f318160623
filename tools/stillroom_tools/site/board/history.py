"""What the gateway has kept, for the room's page: read alone, and never shown as if it were now."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

import msgspec

from stillroom.clock import Clock
from stillroom.document_forms import to_ms
from stillroom.documents import Authorisation
from stillroom.events import StateChanged
from stillroom_tools.site.audit_file import link_of
from stillroom_tools.site.audit_words import words
from stillroom_tools.site.gateway.alert_book import AlertLine
from stillroom_tools.site.gateway.reader import Reader, open_reader
from stillroom_tools.site.layout import Site

T = TypeVar("T")
MOST_LINKS = 100


@dataclass(frozen=True)
class Stay:
    """A state of the room, from one change to the next. Times are UTC in ms."""

    state: str
    from_ms: int
    lasted_ms: int | None
    """None: until now, or nobody knows."""
    why: str
    late: bool


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

    def stays(self, unit: str, room: str, from_ms: int, until_ms: int) -> list[Stay]:
        """The newest first."""
        kept = self.ask(lambda reader: reader.entries(room, from_ms, until_ms, ("state",)))
        told = [(one, msgspec.json.decode(one.event, type=StateChanged)) for one in kept if one.unit == unit]
        ends: list[int | None] = [*(one.at_ms for one, _ in told), None][1:]
        return [
            Stay(said.state, one.at_ms, None if end is None else end - one.at_ms, said.why, one.late)
            for (one, said), end in zip(told, ends, strict=False)
        ][::-1]

    def alerts(self, unit: str, from_ms: int, until_ms: int) -> list[AlertLine]:
        """Each change, the newest first."""
        return self.ask(lambda reader: reader.alert_history(from_ms, until_ms, unit))[::-1]

    def links(self, unit: str) -> list[tuple[int, str]]:
        """The newest links of the unit's own audit chain in words, with their times; none is verified here."""
        found = self.ask(lambda reader: reader.audit(unit))[-MOST_LINKS:]
        return [(one.at_ms, words(link_of(one))) for one in reversed(found)]

    def allowed(self, unit: str) -> list[Allowed]:
        """Its authorisations, the newest first; what does not verify is not among them."""
        now_ms, withdrawn = self._clock.utc_ms(), self._site.withdrawn()
        papers = sorted(self._site.authorisations(unit), key=lambda paper: paper.start, reverse=True)
        return [self._standing(paper, now_ms, paper.id in withdrawn) for paper in papers]

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
