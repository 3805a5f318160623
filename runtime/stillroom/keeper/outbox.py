"""What waits on the card until the gateway has it. SQLite in WAL mode, every commit flushed, one owner.

An event is *accepted* when its commit has returned: from then on it has a number and survives a power cut.
Numbers are gapless and never repeat. When the outbox is full, routine entries go first, the oldest first,
and the dropping is itself an entry (`Lost`). When the card is full, events wait in memory and are tried again.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stillroom.errors import StorageError
from stillroom.events import Audited, ConditionChanged, Entry, Event, Lost, Summary

FILE = "outbox.db"
MAX_WAITING_IN_MEMORY = 5_000
LATE_AFTER_MS = 60_000
_MAX_LOST_RANGES = 32

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries(
  number INTEGER PRIMARY KEY, priority INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  accepted_ms INTEGER NOT NULL, event BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS by_priority ON entries(priority, number);
CREATE TABLE IF NOT EXISTS audit(
  position INTEGER PRIMARY KEY, salt BLOB, body BLOB, leaf BLOB, head BLOB NOT NULL, signature BLOB NOT NULL);
"""

ALERT, CHANGE, AUDIT, ROUTINE = range(4)


def priority(event: Event) -> int:
    """Alerts first, then changes, then audit, then summaries. The first to go when full is the last here."""
    if isinstance(event, ConditionChanged) and event.level in {"high", "medium"}:
        return ALERT
    if isinstance(event, Summary):
        return ROUTINE
    return AUDIT if isinstance(event, Audited) else CHANGE


@dataclass(frozen=True)
class _Waiting:
    at_ms: int
    event: Event


class Outbox:
    """One database, one writer. `add` queues, `commit` accepts, `take` reads, `settle` deletes."""

    def __init__(self, folder: Path, max_entries: int) -> None:
        self._max_entries = max_entries
        self._path = folder / FILE
        self._lock = _lock(folder)
        self._waiting: list[_Waiting] = []
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Event)
        self._database = _open(self._path)
        self.accepted = self._meta("accepted")
        self.utc_floor_ms = self._meta("utc_floor_ms")
        self.fault: str | None = None
        self.urgent = False
        """Something is queued that should not wait for the slot's commit. Summaries and audit links may."""

    @property
    def waiting(self) -> int:
        """Accepted and not yet acknowledged."""
        return int(self._database.execute("SELECT count(*) FROM entries").fetchone()[0])

    def next_boot(self) -> int:
        """The boot counter, one higher than ever before; on the card when this returns."""
        boot = self._meta("boot") + 1
        self._set_meta("boot", boot)
        self._database.commit()
        return boot

    def remember(self, key: str, value: int | bytes) -> None:
        """Keep a number or a few bytes over restarts; on the card at the next commit."""
        try:
            self._set_meta(key, value)
        except sqlite3.Error as error:
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
        """Queue an event for the next commit. While the card is full the oldest summaries give way."""
        if len(self._waiting) >= MAX_WAITING_IN_MEMORY:
            index = next((i for i, w in enumerate(self._waiting) if isinstance(w.event, Summary)), None)
            if index is not None:
                del self._waiting[index]
        self._waiting.append(_Waiting(at_ms, event))
        self.urgent = self.urgent or priority(event) <= CHANGE

    def commit(self, utc_ms: int) -> int:
        """Accept what was queued; how many. On a full or failing card: 0, `fault` is set, all is kept in memory."""
        if not self._waiting and not self._database.in_transaction:
            return 0
        number = self.accepted
        try:
            for waiting in self._waiting:
                number += 1
                self._insert(number, waiting, utc_ms)
            number = self._make_room(number, utc_ms)
            self._set_meta("accepted", number)
            self._set_meta("utc_floor_ms", max(utc_ms, self.utc_floor_ms))
            self._database.commit()
        except sqlite3.Error as error:
            self._failed(error)
            return 0
        done, self.accepted = number - self.accepted, number
        self.utc_floor_ms = max(utc_ms, self.utc_floor_ms)
        self._waiting.clear()
        self.fault, self.urgent = None, False
        return done

    def take(self, utc_ms: int, limit: int, without: Iterable[int] = ()) -> list[Entry]:
        """At most `limit` entries that are not among `without`: alerts first and newest first, the rest in order."""
        skip = set(without)
        rows = self._database.execute(
            "SELECT number, at_ms, accepted_ms, event FROM entries "
            "ORDER BY priority, CASE priority WHEN 0 THEN -number ELSE number END LIMIT ?",
            (limit + len(skip),),
        )
        found = [self._entry(row, utc_ms) for row in rows if row[0] not in skip]
        return found[:limit]

    def settle(self, cursor: int, ranges: Sequence[tuple[int, int]] = ()) -> None:
        """The gateway has these: delete them. Idempotent; a cursor beyond what was accepted settles nothing more."""
        if cursor > self.accepted or any(last > self.accepted for _, last in ranges):
            raise StorageError(f"a cursor of {cursor} is beyond {self.accepted}, the last entry of this unit")
        try:
            self._database.execute("DELETE FROM entries WHERE number <= ?", (cursor,))
            self._database.executemany("DELETE FROM entries WHERE number BETWEEN ? AND ?", ranges)
        except sqlite3.Error as error:
            self._failed(error)

    def last_link(self) -> tuple[int, bytes] | None:
        """Index and head of the newest audit link; None before the first."""
        row = self._database.execute(
            "SELECT position, head FROM audit ORDER BY position DESC LIMIT 1"
        ).fetchone()
        return (int(row[0]), bytes(row[1])) if row else None

    def close(self) -> None:
        """Write what can still be written and let go of the file."""
        try:
            self._database.commit()
        except sqlite3.Error:
            self._database.rollback()
        self._database.close()
        os.close(self._lock)

    def _entry(self, row: tuple[int, int, int, bytes], utc_ms: int) -> Entry:
        number, at_ms, accepted_ms, event = row
        late = utc_ms - accepted_ms > LATE_AFTER_MS
        return Entry(number, at_ms, accepted_ms, self._decoder.decode(event), late)

    def _insert(self, number: int, waiting: _Waiting, utc_ms: int) -> None:
        self._database.execute(
            "INSERT INTO entries VALUES(?,?,?,?,?)",
            (number, priority(waiting.event), waiting.at_ms, utc_ms, self._encoder.encode(waiting.event)),
        )
        if isinstance(waiting.event, Audited):
            link = waiting.event
            self._database.execute(
                "INSERT INTO audit VALUES(?,?,?,NULL,?,?)",
                (link.index, link.salt, link.body, link.head, link.signature),
            )

    def _make_room(self, number: int, utc_ms: int) -> int:
        """Drop the least important, oldest entries where there are too many, and say so; the last number used."""
        over = self.waiting - self._max_entries
        if over <= 0:
            return number
        rows = self._database.execute(
            "SELECT number FROM entries ORDER BY priority DESC, number LIMIT ?",
            (over + max(self._max_entries // 20, 1) + 1,),
        ).fetchall()
        dropped = sorted(row[0] for row in rows)
        ranges = _ranges(dropped)[:_MAX_LOST_RANGES]
        self._database.executemany("DELETE FROM entries WHERE number BETWEEN ? AND ?", ranges)
        self._insert(number + 1, _Waiting(utc_ms, Lost(tuple(ranges), "outbox-full")), utc_ms)
        return number + 1

    def _failed(self, error: sqlite3.Error) -> None:
        """Take back what is half done. What rolled back was not accepted, or will be said again by the gateway."""
        self._database.rollback()
        self.fault = "storage-full" if "full" in str(error) else "storage-failing"

    def _meta(self, key: str) -> int:
        row = self._database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return int(row[0]) if row else 0

    def _set_meta(self, key: str, value: int | bytes) -> None:
        self._database.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (key, value))


def _ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Sorted numbers as (first, last) runs."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


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


def _open(path: Path) -> sqlite3.Connection:
    """Open or make the database. Raises StorageError where the file is not one, or the card refuses."""
    try:
        database = sqlite3.connect(path, isolation_level="DEFERRED", cached_statements=32)
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        mode = database.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        database.execute("PRAGMA synchronous=FULL")
        database.execute("PRAGMA wal_autocheckpoint=256")
        database.execute("PRAGMA cache_size=-512")
        database.executescript(_SCHEMA)
    except sqlite3.Error as error:
        raise StorageError(
            f"{path}: cannot be opened: {error}; free space, or move the file away to start anew"
        ) from None
    if mode != "wal":
        raise StorageError(f"{path}: this file system cannot hold a WAL database (mode {mode}); use ext4")
    return database
