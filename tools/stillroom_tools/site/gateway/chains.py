"""Whether the audit links that the gateway holds lead to the head that each unit tells with every record.

Links come as entries, in any order and late, so that a link which is not there yet says nothing while entries wait at
the unit. Once none wait, the gateway must hold them all. What the unit itself says it has lost is not held against
anybody.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from stillroom.chain import FIRST_HEAD, STORAGE_DAMAGED, head_of
from stillroom.events import Audited, Lost, Snapshot
from stillroom.receiver import Opened
from stillroom_tools.site.audit_file import link_of
from stillroom_tools.site.gateway.erased import Chained, Told, leaf

_DAMAGED = STORAGE_DAMAGED.encode()


@dataclass
class _Chain:
    """Followed from its first link up to `index`; `ahead`: links beyond it that came before those between."""

    index: int = 0
    head: bytes = FIRST_HEAD
    ahead: dict[int, Chained] = field(default_factory=dict)
    anew: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    """Of those ahead which begin the chain anew: the link, with its head, up to which all was delivered."""
    lost: int = 0
    """How many entries the unit says it has lost, of whatever kind."""
    wrong: tuple[int, bytes] | None = None
    """What was told about last: once is enough for each head."""

    def take(self, event: Told) -> None:
        if isinstance(event, Lost):
            self.lost += sum(last - first + 1 for first, last in event.ranges)
        elif isinstance(event, Chained) and event.index > self.index:
            self.ahead.setdefault(event.index, event)
            after = _begins_after(event)
            if after is not None:
                self.anew.setdefault(event.index, after)
            while (link := self._next()) is not None:
                if link.index > self.index + 1:
                    self.lost = 0  # a damage is told as a loss too, and was passed over just now
                self._go_on_from(link.index, link.head)

    def leads_to(self, told: Snapshot) -> bool:
        """Whether it does; also where it may yet, since entries wait."""
        if self.index < told.links and self.index + 1 not in self.ahead:
            if told.waiting:
                return True
            self._pass_over_lost(told)
        return (self.index, self.head) == (told.links, told.head)

    def _next(self) -> Chained | None:
        """What follows: the next link, or one that begins the chain anew where all is here that it says was delivered.

        A next one that does not follow stays ahead, and is in the way.
        """
        link = self.ahead.get(self.index + 1)
        if link is not None:
            return link if _follows(self.head, link) else None
        for index, (after, head) in self.anew.items():
            if after < self.index or (after, head) == (self.index, self.head):
                link = self.ahead[index]
                return link if _follows(FIRST_HEAD, link) else None
        return None

    def _pass_over_lost(self, told: Snapshot) -> None:
        """Links were among what the unit has lost: on from the head told. What came before a damage must be here."""
        if any(after > self.index for after, _ in self.anew.values()):
            return
        newest = self.ahead.get(told.links)
        missing = told.links - self.index - len(self.ahead)
        if missing <= self.lost and (newest is None or newest.head == told.head):
            self._go_on_from(told.links, told.head)

    def _go_on_from(self, index: int, head: bytes) -> None:
        self.index, self.head = index, head
        self.ahead = {at: link for at, link in self.ahead.items() if at > index}
        self.anew = {at: after for at, after in self.anew.items() if at > index}


class Chains:
    """`load` a unit before its records are committed, then show each record to `leads_astray`, in their order."""

    def __init__(self, kept: Callable[[str], Iterable[Told]]) -> None:
        """`kept`: the links and losses of a unit that are on the disk, by their numbers."""
        self._kept = kept
        self._chains: dict[str, _Chain] = {}

    def load(self, units: Iterable[str]) -> None:
        for unit in units:
            if unit not in self._chains:
                chain = self._chains[unit] = _Chain()
                for event in self._kept(unit):
                    chain.take(event)

    def leads_astray(self, opened: Opened) -> bool:
        """The unit tells a head that the links here do not lead to; once for each such head."""
        chain, told = self._chains[opened.unit], opened.body.snapshot
        for entry in opened.body.entries:
            chain.take(entry.event)
        at = (told.links, told.head)
        if opened.late or told.head == FIRST_HEAD or chain.leads_to(told) or chain.wrong == at:
            return False
        chain.wrong = at
        return True


def _begins_after(link: Chained) -> tuple[int, bytes] | None:
    """The words of a link that says so are never erased."""
    return link_of(link).begins_after if isinstance(link, Audited) and _DAMAGED in link.body else None


def _follows(before: bytes, link: Chained) -> bool:
    return head_of(before, link.index, link.at_ms, leaf(link)) == link.head
