"""What waits on the card until the gateway has it. SQLite in WAL mode, every commit flushed, one owner.

An event is *accepted* when its commit has returned: from then on it has a number and survives a power cut.
Numbers are gapless and never repeat, also where the file was damaged: what was promised lies in `marks`. When the
outbox or the card is nearly full, routine entries go first, the oldest first, and the dropping is itself an entry
(`Lost`). When the card takes nothing, events wait in memory and are tried again.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stillroom.errors import StorageError
from stillroom.events import Entry, Event
from stillroom.keeper import card
from stillroom.keeper.entries import AUDIT, CHANGE, GIVES_WAY, ROUTINE, Range, priority, runs, told
from stillroom.keeper.shelf import DROPPED_FROM, DROPPED_TO, Shelf

MAX_WAITING_IN_MEMORY = 5_000
DELETE_AFTER_MS = 300_000
"""So long may what the gateway has lie before its deletion is flushed by itself; most goes with the next commit."""
THIN_PAGES = 256
"""On a nearly full card the file is kept with so many pages free inside, for what matters more."""


@dataclass(frozen=True)
class _Waiting:
    at_ms: int
    event: Event
    priority: int


class Outbox(Shelf):
    """One database, one writer. `add` queues, `commit` accepts, `take` reads, `settle` deletes."""

    def __init__(self, folder: Path, max_entries: int, reserve_bytes: int = 0) -> None:
        """`reserve_bytes`: with less than that free on the card, routine entries are thinned. Raises StorageError."""
        self._max_entries, self._reserve_bytes = max_entries, reserve_bytes
        super().__init__(folder)
        self._waiting: list[_Waiting] = []
        self.fault: str | None = None
        self.urgent = False
        """Something is queued that should not wait for the slot's commit. Summaries and audit links may."""
        self.forgotten = 0
        """Events that never came to the card: it took nothing for so long that memory had to be freed."""
        self._deleted, self._deleted_since_ms = False, 0

    def add(self, at_ms: int, event: Event) -> None:
        """Queue an event for the next commit. While the card takes nothing, the least important give way."""
        of = priority(event)
        self._waiting.append(_Waiting(at_ms, event, of))
        self.urgent = self.urgent or of <= CHANGE
        if len(self._waiting) > MAX_WAITING_IN_MEMORY:
            order = [waiting.priority for waiting in self._waiting]
            del self._waiting[order.index(next((of for of in GIVES_WAY if of in order), order[0]))]
            self.forgotten += 1

    def commit(self, utc_ms: int) -> int:
        """Accept what was queued; how many. On a full or failing card: 0, `fault` is set, all is kept in memory."""
        if not self._waiting:
            self._flush_deletions(utc_ms)
            return 0
        try:
            number = self._put_all(utc_ms)
            number = self._make_room(number, utc_ms)
            number = self._thin(number, utc_ms)
            number = self._put_links_back(number, utc_ms)
            self._promise(number)
            self._set_meta("accepted", number)
            self._set_meta("utc_floor_ms", self.utc_floor_ms)
            self._database.commit()
        except (sqlite3.Error, OSError) as error:
            self._failed(error)
            return 0
        done, self.accepted = number - self.accepted, number
        linked = any(waiting.priority == AUDIT for waiting in self._waiting)
        self._waiting.clear()
        self.fault, self.urgent, self._deleted = None, False, False
        if linked:
            self._tell_marks()
        return done

    def _tell_marks(self) -> None:
        """After the commit, never before: links that the marks know and the database does not were lost by the card."""
        try:
            self._note_links()
        except (sqlite3.Error, OSError) as error:
            self._failed(error)

    def take(self, utc_ms: int, limit: int, without: Iterable[int] = ()) -> list[Entry]:
        """At most `limit` entries that are not among `without`: alerts first and newest first, the rest in order."""
        skip = set(without)
        found: list[Entry] = []
        rotten: list[int] = []
        try:
            for row in self._entries.in_order(limit + len(skip)):
                if row[1] not in skip and len(found) < limit:
                    entry = self._entries.entry(row, utc_ms)
                    found.append(entry) if entry else rotten.append(row[1])
            self._give_up(rotten, utc_ms)
        except sqlite3.Error as error:
            self._failed(error)
        return found

    def settle(self, cursor: int, ranges: Sequence[Range] = ()) -> None:
        """The gateway has these: delete them. Idempotent. Raises StorageError where it cannot have them."""
        highest = max((cursor, *(last for _, last in ranges)))
        if highest > max(self.accepted, self._marks.state.numbers):
            raise StorageError(
                f"a cursor of {highest} is beyond {self.accepted}, the last entry of this unit"
            )
        try:
            if highest > self.accepted:
                self._take_over(highest)
            gone = sum(self._entries.delete(first, last) for first, last in ((1, cursor), *ranges))
        except sqlite3.Error as error:
            self._failed(error)
            return
        self._settled = max(self._settled, cursor)
        self._deleted = self._deleted or gone > 0
        if gone and self.held_link[0] < self._marks.state.link and not self._entries.count_of(AUDIT):
            self._tell_marks()

    @property
    def settled(self) -> int:
        """The highest cursor that was obeyed."""
        return self._settled

    # inside a transaction

    def _put_all(self, utc_ms: int) -> int:
        number = self.accepted
        for waiting in self._waiting:
            number += 1
            self._entries.put(number, waiting.at_ms, utc_ms, waiting.event)
        return number

    def _make_room(self, number: int, utc_ms: int) -> int:
        """Drop the least important, oldest entries where there are too many, and say so; the last number used."""
        over = self.waiting - self._max_entries
        if over <= 0:
            return number
        return self._drop(
            self._entries.least(over + self._max_entries // 20 + 2), "outbox-full", number, utc_ms
        )

    def _thin(self, number: int, utc_ms: int) -> int:
        """On a nearly full card: a quarter of the routine entries go, until the file has room inside."""
        if not self._reserve_bytes or self.space().free_bytes >= self._reserve_bytes:
            return number
        if self._database.execute("PRAGMA freelist_count").fetchone()[0] >= THIN_PAGES:
            return number
        quarter = (self._entries.count_of(ROUTINE) + 3) // 4
        return self._drop(self._entries.least(quarter, (ROUTINE,)), "card-nearly-full", number, utc_ms)

    def _drop(self, numbers: Sequence[int], reason: str, number: int, utc_ms: int) -> int:
        """Delete these. What told of earlier losses for this reason is told again, in one: ranges stay few."""
        if not numbers:
            return number
        dropped = runs((n, n) for n in numbers)
        links = self._entries.links_of(numbers)
        if links:
            before = self.dropped_links
            first = min(links[0], before[0]) if before else links[0]
            self._set_meta(DROPPED_FROM, first)
            self._set_meta(DROPPED_TO, max(links[-1], before[1] if before else 0))
        for first, last in dropped:
            self._entries.delete(first, last)
        for event in told(runs([*dropped, *self._entries.take_back_lost(reason)]), reason):
            number += 1
            self._entries.put(number, utc_ms, utc_ms, event)
        return number

    def _put_links_back(self, number: int, utc_ms: int) -> int:
        """Links that had to give way go once more where there is room again: a chain with a hole is of no use."""
        dropped, room = self.dropped_links, self._max_entries // 2 - self.waiting
        if not dropped or room <= 0:
            return number
        links = [link for link in self._entries.links_from(dropped[0], room) if link.index <= dropped[1]]
        waiting = set(self._entries.indices())
        for link in links:
            if link.index not in waiting:
                number += 1
                self._entries.put(number, link.at_ms, utc_ms, link)
        done = not links or links[-1].index >= dropped[1]
        self._set_meta(DROPPED_FROM, 0 if done else links[-1].index + 1)
        return number

    def _give_up(self, rotten: Sequence[int], utc_ms: int) -> None:
        """Rows that are not what was written: deleted and told with the next commit."""
        for number in rotten:
            self._entries.delete(number, number)
        if rotten:
            self.damage = f"{len(rotten)} entries are not as they were written"
            for event in told(runs((n, n) for n in rotten), "entry-damaged"):
                self.add(utc_ms, event)

    def _flush_deletions(self, utc_ms: int) -> None:
        if not self._deleted:
            self._deleted_since_ms = utc_ms
        elif abs(utc_ms - self._deleted_since_ms) >= DELETE_AFTER_MS:
            self._deleted = False
            try:
                self._database.commit()
            except sqlite3.Error as error:
                self._failed(error)

    def _failed(self, error: sqlite3.Error | OSError) -> None:
        """Take back what is half done. What rolled back was not accepted, or will be said again by the gateway."""
        with suppress(sqlite3.Error):
            self._database.rollback()
        if isinstance(error, sqlite3.Error) and card.is_damage(error):
            with suppress(sqlite3.Error):
                self._database.close()
            self._begin_anew(str(error))
            return
        with suppress(sqlite3.Error):
            self._entries.recount()
        full = "full" in str(error) or getattr(error, "errno", 0) == 28
        self.fault = "storage-full" if full else "storage-failing"
