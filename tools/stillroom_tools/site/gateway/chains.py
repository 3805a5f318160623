"""Whether the audit links that the gateway holds lead to the head that each unit tells with every record.

Links come as entries, in any order and late, so that a link which is not there yet says nothing while entries wait at
the unit. Once none wait, the gateway must hold them all. Links that the unit itself says it has lost are not held
against anybody: those alone, by the numbers that they would have. A thousand summaries that were lost excuse no link.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise

from stillroom.chain import FIRST_HEAD, STORAGE_DAMAGED, head_of
from stillroom.events import Audited, Lost, Snapshot
from stillroom.receiver import Opened
from stillroom_tools.site.audit_file import link_of
from stillroom_tools.site.gateway.erased import Chained, Told, leaf

_DAMAGED = STORAGE_DAMAGED.encode()
MAX_NUMBER = 2**53 + 1
"""Beyond every number of an entry."""
STRETCH = 500
"""Links followed without asking whether it is enough: about ten milliseconds."""
Numbered = tuple[int, Told]


@dataclass
class _Chain:
    """Followed from its first link up to `index`; `ahead`: links beyond it that came before those between."""

    index: int = 0
    head: bytes = FIRST_HEAD
    ahead: dict[int, Chained] = field(default_factory=dict)
    anew: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    """Of those ahead which begin the chain anew: the link, with its head, up to which all was delivered."""
    wrong: tuple[int, bytes] | None = None
    """What was told about last: once is enough for each head."""

    def take(self, event: Told) -> None:
        if isinstance(event, Chained) and event.index > self.index:
            self.ahead.setdefault(event.index, event)
            after = _begins_after(event)
            if after is not None:
                self.anew.setdefault(event.index, after)
            while (link := self._next()) is not None:
                self._go_on_from(link.index, link.head)

    def leads_to(self, told: Snapshot, kept: Callable[[], Iterable[Numbered]]) -> bool:
        """Whether it does; also where it may yet, since entries wait. kept: read where links are missing."""
        if self.index < told.links and self.index + 1 not in self.ahead:
            if told.waiting:
                return True
            self._pass_over_lost(told, kept)
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

    def _pass_over_lost(self, told: Snapshot, kept: Callable[[], Iterable[Numbered]]) -> None:
        """Links were among what the unit has lost: on from the head told. What came before a damage must be here."""
        if any(after > self.index for after, _ in self.anew.values()):
            return
        newest = self.ahead.get(told.links)
        if (newest is None or newest.head == told.head) and not owed(kept(), self.index, told.links):
            self._go_on_from(told.links, told.head)

    def _go_on_from(self, index: int, head: bytes) -> None:
        self.index, self.head = index, head
        self.ahead = {at: link for at, link in self.ahead.items() if at > index}
        self.anew = {at: after for at, after in self.anew.items() if at > index}


def owed(kept: Iterable[Numbered], after: int, links: int) -> bool:
    """Whether any link beyond `after` up to `links` is missing that the unit does not say it has lost.

    An entry's number rises with its link's index, but for links that had to give way and went once more: they have
    a number higher than that of a link behind them. Between two that stand in their places each other link, missing or
    gone once more, must have been one of the numbers lost between.
    """
    numbers, lost = dict[int, int](), list[tuple[int, int]]()
    for number, event in kept:
        if isinstance(event, Lost):
            lost += event.ranges
        elif isinstance(event, Chained) and event.index <= links:
            numbers.setdefault(event.index, number)
    places = [(links + 1, MAX_NUMBER)]
    for index in sorted(numbers, reverse=True):
        if numbers[index] < places[-1][1]:
            places.append((index, numbers[index]))
    places.append((0, 0))
    for (index, number), (before, number_before) in pairwise(places):
        between = range(max(before, after) + 1, index)
        missing = any(each not in numbers for each in between)
        if missing and _lost_between(lost, number_before, number) < len(between):
            return True
    return False


def _lost_between(lost: Iterable[tuple[int, int]], low: int, high: int) -> int:
    """How many numbers, of ranges that may overlap, lie between two."""
    count, until = 0, low
    for first, last in sorted(lost):
        start, end = max(first, until + 1), min(last, high - 1)
        if start <= end:
            count, until = count + end - start + 1, end
    return count


class Chains:
    """`load` a unit before its records are committed, then show each record to `leads_astray`, in their order."""

    def __init__(self, kept: Callable[[str], Iterable[Numbered]]) -> None:
        """`kept`: the links and losses of a unit that are on the disk, with their numbers, in the order of these."""
        self._kept = kept
        self._chains: dict[str, _Chain] = {}
        self._loading: dict[str, Iterator[Numbered]] = {}

    def load(self, units: Iterable[str], enough: Callable[[], bool] = lambda: False) -> None:
        """Follow those not followed yet, one stretch at least, until it is `enough` for now: years take seconds.

        The rest has its turn with its units' next records, and each unit is judged once all of it was followed.
        """
        for unit in sorted(set(units)):
            if unit not in self._chains:
                self._chains[unit], self._loading[unit] = _Chain(), iter(self._kept(unit))
            while unit in self._loading:
                self._follow(unit)
                if enough():
                    return

    def _follow(self, unit: str) -> None:
        stretch = list(islice(self._loading[unit], STRETCH))
        for _, event in stretch:
            self._chains[unit].take(event)
        if len(stretch) < STRETCH:
            del self._loading[unit]

    def leads_astray(self, opened: Opened) -> bool:
        """The unit tells a head that the links here do not lead to; once for each such head."""
        chain, told = self._chains.get(opened.unit), opened.body.snapshot
        if chain is None:
            return False  # its links are on the disk, where they will be followed
        for entry in opened.body.entries:
            chain.take(entry.event)
        at = (told.links, told.head)
        if opened.unit in self._loading or opened.late or told.head == FIRST_HEAD or chain.wrong == at:
            return False
        if chain.leads_to(told, lambda: self._kept(opened.unit)):
            return False
        chain.wrong = at
        return True


def _begins_after(link: Chained) -> tuple[int, bytes] | None:
    """The words of a link that says so are never erased."""
    return link_of(link).begins_after if isinstance(link, Audited) and _DAMAGED in link.body else None


def _follows(before: bytes, link: Chained) -> bool:
    return head_of(before, link.index, link.at_ms, leaf(link)) == link.head
