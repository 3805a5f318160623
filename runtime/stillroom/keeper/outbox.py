"""What waits on the card until the gateway has it. SQLite in WAL mode, every commit flushed, one owner.

An event is *accepted* when its commit has returned: from then on it has a number and survives a power cut.
Numbers are gapless and never repeat, also where the file was damaged: what was promised lies in `marks`. When the
outbox or the card is nearly full, routine entries go first, the oldest first, and the dropping is itself an entry
(`Lost`). When the card takes nothing, events wait in memory and are tried again.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stillroom.errors import StorageError
from stillroom.events import Entry, Event
from stillroom.keeper import card
from stillroom.keeper.card import ASIDE, FILE, Damaged, Space
from stillroom.keeper.entries import CHANGE, ROUTINE, Entries, Range, gaps, priority, runs, told
from stillroom.keeper.marks import BLOCK, Marks

MAX_WAITING_IN_MEMORY = 5_000
DELETE_AFTER_MS = 30_000
"""What the gateway has may lie so long before its deletion is flushed: a flush a slot would wear out the card."""
THIN_PAGES = 64
"""On a nearly full card the file is kept with so many pages free inside, for what matters more."""
_NO_LINK = bytes(32)


@dataclass(frozen=True)
class _Waiting:
    at_ms: int
    event: Event


class Outbox:
    """One database, one writer. `add` queues, `commit` accepts, `take` reads, `settle` deletes."""

    def __init__(self, folder: Path, max_entries: int, reserve_bytes: int = 0) -> None:
        """`reserve_bytes`: with less than that free on the card, routine entries are thinned. Raises StorageError."""
        self._folder, self._path = folder, folder / FILE
        self._max_entries, self._reserve_bytes = max_entries, reserve_bytes
        self._lock = _lock(folder)
        self._waiting: list[_Waiting] = []
        self.fault: str | None = None
        self.urgent = False
        """Something is queued that should not wait for the slot's commit. Summaries and audit links may."""
        self.forgotten = 0
        """Events that never came to the card: it took nothing for so long that memory had to be freed."""
        self.damage = ""
        """What was wrong with the file since this start, and what became of it; empty where nothing was."""
        self._deleted, self._deleted_since_ms = False, 0
        self.accepted = self.utc_floor_ms = self._settled = 0
        try:
            self._marks = Marks(folder)
            self._open()
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def waiting(self) -> int:
        """Accepted and not yet acknowledged."""
        return self._entries.count

    @property
    def put_aside(self) -> tuple[str, ...]:
        """Names of damaged files that lie beside: somebody should look at them, and then remove them."""
        return tuple(sorted(path.name for path in self._folder.glob(f"{ASIDE}*.db")))

    def space(self) -> Space:
        """What is left of the card. Raises OSError."""
        return card.space(self._folder)

    def next_boot(self) -> int:
        """The boot counter, one higher than ever before; on the card when this returns. Raises StorageError."""
        boot = max(self._meta("boot"), self._marks.state.boot) + 1
        numbers = max(self._marks.state.numbers, self.accepted + BLOCK)
        try:
            self._marks.write(boot=boot, numbers=numbers, utc_floor_ms=self.utc_floor_ms)
        except OSError as error:
            raise StorageError(
                f"{self._folder}: cannot be written: {error.strerror}: mend the card"
            ) from None
        self.remember("boot", boot)
        with suppress(sqlite3.Error):  # a full card: the marks have it
            self._database.commit()
        return boot

    def remember(self, key: str, value: int | bytes, *, lasting: bool = False) -> None:
        """Keep a number or a few bytes over restarts; on the card at the next commit.

        `lasting`, for numbers: at once, and it outlives a damaged database.
        """
        try:
            if lasting and isinstance(value, int) and self._marks.state.kept.get(key) != value:
                self._marks.write(kept={**self._marks.state.kept, key: value})
            self._database.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (key, value))
        except (sqlite3.Error, OSError) as error:
            self._failed(error)

    def recall(self, key: str) -> int:
        """The number kept under this name, or 0."""
        return self._meta(key)

    def recall_bytes(self, key: str) -> bytes | None:
        """The bytes kept under this name, or None."""
        row = self._database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return bytes(row[0]) if row else None

    def recall_names(self, prefix: str) -> frozenset[str]:
        """The names kept that begin with `prefix`, without it."""
        rows = self._database.execute(
            "SELECT key FROM meta WHERE substr(key, 1, ?) = ?", (len(prefix), prefix)
        )
        return frozenset(key[len(prefix) :] for (key,) in rows)

    def add(self, at_ms: int, event: Event) -> None:
        """Queue an event for the next commit. While the card takes nothing, the least important give way."""
        self._waiting.append(_Waiting(at_ms, event))
        self.urgent = self.urgent or priority(event) <= CHANGE
        if len(self._waiting) > MAX_WAITING_IN_MEMORY:
            places = range(len(self._waiting))
            del self._waiting[max(places, key=lambda i: (priority(self._waiting[i].event), -i))]
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
            self._promise(number)
            self._set_meta("accepted", number)
            self._set_meta("utc_floor_ms", max(utc_ms, self.utc_floor_ms))
            self._database.commit()
        except (sqlite3.Error, OSError) as error:
            self._failed(error)
            return 0
        done, self.accepted = number - self.accepted, number
        self.utc_floor_ms = max(utc_ms, self.utc_floor_ms)
        self._waiting.clear()
        self.fault, self.urgent, self._deleted = None, False, False
        return done

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
        """The gateway has these: delete them. Idempotent; a cursor beyond what was accepted settles nothing more."""
        if cursor > self.accepted or any(last > self.accepted for _, last in ranges):
            raise StorageError(f"a cursor of {cursor} is beyond {self.accepted}, the last entry of this unit")
        try:
            gone = sum(self._entries.delete(first, last) for first, last in ((1, cursor), *ranges))
        except sqlite3.Error as error:
            self._failed(error)
            return
        self._settled = max(self._settled, cursor)
        self._deleted = self._deleted or gone > 0

    def last_link(self) -> tuple[int, bytes] | None:
        """Index and head of the newest audit link; None before the first. After damage a chain begins anew."""
        row = self._database.execute(
            "SELECT position, head FROM audit ORDER BY position DESC LIMIT 1"
        ).fetchone()
        begun_anew = self._meta("links_before")
        if begun_anew and (row is None or row[0] <= begun_anew):
            return begun_anew, _NO_LINK
        return (int(row[0]), bytes(row[1])) if row else None

    def close(self) -> None:
        """Write what can still be written and let go of the file."""
        with suppress(sqlite3.Error):
            self._database.commit()
        with suppress(sqlite3.Error):
            self._database.close()
        os.close(self._lock)

    # opening, and opening anew

    def _open(self) -> None:
        card.finish_replacing(self._path)
        try:
            self._use(card.open_database(self._path, expected=not self._marks.absent))
        except Damaged as error:
            if not self._marks.known:
                raise StorageError(
                    f"{self._path}: {error}; nothing beside it tells which numbers were used: move it away and "
                    "give this unit new keys (stillroom make unit)"
                ) from None
            self._begin_anew(str(error))
            return
        if self._marks.known and self._meta("boot") < self._marks.state.boot - 1:
            self._pass_over("outbox-rolled-back")
            self.damage = "older than the unit: an earlier copy was put back"

    def _use(self, database: sqlite3.Connection) -> None:
        self._database, self._entries = database, Entries(database)
        self.accepted = self._meta("accepted")
        self.utc_floor_ms = max(self._meta("utc_floor_ms"), self._marks.state.utc_floor_ms)
        self._settled = self._marks.state.settled

    def _begin_anew(self, found: str) -> None:
        """Save what can be read, put the damaged file aside, go on behind every number that was ever promised."""
        state = self._marks.state
        try:
            self._use(card.open_new(self._path))
            card.save(self._path).into(self._database, state.numbers)
            self._entries.recount()
            self._pass_over("outbox-damaged")
            self._database.close()
            aside = card.put_aside(self._path, state.boot)
            card.finish_replacing(self._path)
            self._use(card.open_database(self._path, expected=True))
        except (OSError, sqlite3.Error, Damaged) as error:
            raise StorageError(
                f"{self._path}: damaged, and no new one can be made: {error}: mend the card"
            ) from None
        kept = f"kept as {aside.name}" if aside.exists() else "nothing is left of it"
        self.damage = f"{found[:40]}; {kept}; {self.waiting} entries here now"

    def _pass_over(self, reason: str) -> None:
        """Go on behind every number promised; those that are neither settled nor here are told as lost."""
        state = self._marks.state
        missing = gaps(self._entries.numbers(), state.settled + 1, state.numbers)
        number = state.numbers
        for event in told(missing, reason):
            number += 1
            self._entries.put(number, self.utc_floor_ms, self.utc_floor_ms, event)
        self._promise(number)
        for key, value in {
            **state.kept,
            "accepted": number,
            "links_before": number,
            "boot": state.boot,
        }.items():
            self._set_meta(key, value)
        self._database.commit()
        self.accepted = number

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
        return self._drop(self._entries.least(quarter, ROUTINE), "card-nearly-full", number, utc_ms)

    def _drop(self, numbers: Sequence[int], reason: str, number: int, utc_ms: int) -> int:
        """Delete these. What told of earlier losses for this reason is told again, in one: ranges stay few."""
        if not numbers:
            return number
        dropped = runs((n, n) for n in numbers)
        for first, last in dropped:
            self._entries.delete(first, last)
        for event in told(runs([*dropped, *self._entries.take_back_lost(reason)]), reason):
            number += 1
            self._entries.put(number, utc_ms, utc_ms, event)
        return number

    def _give_up(self, rotten: Sequence[int], utc_ms: int) -> None:
        """Rows that are not what was written: deleted and told with the next commit."""
        for number in rotten:
            self._entries.delete(number, number)
        if rotten:
            self.damage = f"{len(rotten)} entries are not as they were written"
            for event in told(runs((n, n) for n in rotten), "entry-damaged"):
                self.add(utc_ms, event)

    def _promise(self, number: int) -> None:
        if number > self._marks.state.numbers:
            self._marks.write(numbers=number + BLOCK, settled=self._settled, utc_floor_ms=self.utc_floor_ms)

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

    def _meta(self, key: str) -> int:
        row = self._database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return int(row[0]) if row else 0

    def _set_meta(self, key: str, value: int | bytes) -> None:
        self._database.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (key, value))


def _lock(folder: Path) -> int:
    """A lock that ends with the process. Raises StorageError where another keeper has it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / "keeper.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be used ('paths.state'): {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise StorageError(f"{folder}: another keeper is using it: stop that one first") from None
    return descriptor
