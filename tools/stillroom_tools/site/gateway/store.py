"""The gateway's memory: every entry once, what was seen of each unit, and what was announced. SQLite, WAL, FULL.

A batch of records is one transaction: entries, cursor and replay state come to the disk together or not at all,
so a kill or a power cut at any place leaves a state from which each entry is still reported once. A cursor is told
to a unit only from here, that is after the commit.

`announced` is the one mark that cannot be exact: it follows what was printed. A kill in the moment between the print
and the mark prints those lines again at the next start (unit and number tell them apart); it never loses one. The
mark is not flushed, which keeps that moment at 0.03 ms (measured); after a power cut more lines may come again.
"""

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from stillroom.errors import StorageError
from stillroom.events import Entry, Event, Lost, Receipt
from stillroom.files import lock_folder
from stillroom.receiver import Opened
from stillroom.replay import Seen
from stillroom_tools.site.gateway import database
from stillroom_tools.site.gateway.alert_book import AlertBook
from stillroom_tools.site.gateway.alert_forms import AlertsConfig
from stillroom_tools.site.gateway.commands import Commands
from stillroom_tools.site.gateway.cursor import MAX_RANGES, Cursor, Range
from stillroom_tools.site.gateway.rooms import NO_ROOM

FILE = "gateway.db"
_EVENTS: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_COLUMNS = "id, unit, room, number, at_ms, accepted_ms, sealed_ms, opened_ms, late, event"


@dataclass(frozen=True)
class Arrived:
    """An opened record and when it was opened (UTC of this machine)."""

    opened: Opened
    opened_ms: int


class Kept(msgspec.Struct, frozen=True):
    """One entry as the gateway reports it; `event` is JSON."""

    unit: str
    room: str
    number: int
    at_ms: int
    accepted_ms: int
    sealed_ms: int
    opened_ms: int
    late: bool
    event: msgspec.Raw


@dataclass
class _Unit:
    room: str
    cursor: Cursor
    seen: Seen
    sender: bytes
    """Key id of the unit that the cursor is of."""


class Store:
    """One database, one gateway. Use: `open` records (which calls `load` and `save`), then `commit` the batch."""

    def __init__(self, folder: Path, alerts: AlertsConfig | None = None) -> None:
        """Raises StorageError: another gateway, not a database of ours, a newer version, a disk that refuses."""
        self._path = folder / FILE
        self._lock = lock_folder(folder, "gateway.lock", "gateway")
        self._database = database.open_database(self._path)
        self.commands = Commands(self._database, self.transaction)
        """What units are to be told to do, and what became of it."""
        self.alerts = AlertBook(self._database, self.transaction, alerts or AlertsConfig())
        self._units = self._load_units()
        self._staged: dict[str, Seen] = {}

    def load(self, unit: str) -> Seen | None:
        """What was seen of a unit, this batch included (receiver.ReplayStore)."""
        known = self._units.get(unit)
        return self._staged.get(unit, known.seen if known else None)

    def save(self, unit: str, seen: Seen) -> None:
        """Keep it with the next commit."""
        self._staged[unit] = seen

    def next_boot(self) -> int:
        """A number higher than ever before, on the disk when this returns: records downwards are counted under it.

        It begins at the time in seconds: a gateway whose database was lost is not taken for a copy of its past.
        """
        with self.transaction():
            boot = max(self._meta("boot") + 1, int(time.time()))
            self._set_meta("boot", boot)
        return boot

    def cursor(self, unit: str) -> Cursor:
        """What of this unit is on the disk."""
        known = self._units.get(unit)
        return known.cursor if known else Cursor()

    def heard(self, unit: str) -> bytes:
        """Boot id of the newest boot that a record on the disk is of; empty before the first."""
        known = self._units.get(unit)
        return known.seen.boot_id if known else b""

    def commit(self, batch: Sequence[Arrived]) -> Counter[str]:
        """Put a batch on the disk. Counts: `new`, `rewritten` (another entry has the number: both are kept), and why
        an entry was not kept: `duplicate`, `scattered`.

        Raises StorageError; then nothing of the batch is kept, and the process must end: units will send again.
        """
        counts: Counter[str] = Counter()
        changed: dict[str, _Unit] = {}
        with self.transaction():
            for arrived in batch:
                unit = arrived.opened.unit
                before = changed.get(unit) or self._units.get(unit)
                changed[unit] = self._keep(arrived, before, counts)
            for unit, state in changed.items():
                self._write_unit(unit, state)
        self._units.update(changed)
        self._staged.clear()
        return counts

    def unannounced(self, limit: int) -> list[tuple[int, Kept]]:
        """The oldest entries that were not marked as printed: (place, entry)."""
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM entries WHERE id > ? ORDER BY id LIMIT ?",
            (self._meta("announced"), limit),
        )
        return [(row[0], _kept(row)) for row in rows]

    def unannounced_alerts(self, limit: int) -> list[tuple[int, bytes]]:
        """The oldest changes of alerts that were not marked as printed: (place, line of JSON)."""
        return self.alerts.untold(self._meta("announced alerts"), limit)

    def mark_announced(
        self, place: int, what: Literal["announced", "announced alerts"] = "announced"
    ) -> None:
        """Everything up to this place was printed. Survives the end of this process, not always a power cut."""
        self._database.execute("PRAGMA synchronous=NORMAL")
        try:
            with self.transaction():
                self._set_meta(what, place)
        finally:
            self._database.execute("PRAGMA synchronous=FULL")

    def chain_of(self, unit: str) -> Iterator[Event]:
        """The audit links and the losses of a unit that are kept, by their numbers."""
        rows = self._database.execute(
            "SELECT event FROM entries WHERE unit = ? AND kind IN ('audit', 'lost') ORDER BY number, variant",
            (unit,),
        )
        return (_EVENTS.decode(event) for (event,) in rows)

    def count(self) -> int:
        """How many entries are kept."""
        return int(self._database.execute("SELECT count(*) FROM entries").fetchone()[0])

    def close(self) -> None:
        """Let go of the file. What was staged and not committed is dropped."""
        self._database.close()
        os.close(self._lock)

    def _keep(self, arrived: Arrived, before: _Unit | None, counts: Counter[str]) -> _Unit:
        body, unit = arrived.opened.body, arrived.opened.unit
        room = body.snapshot.room
        if room == NO_ROOM and before:
            room = before.room
        sender = arrived.opened.sender
        # Another key is another unit, whose numbers begin at 1.
        cursor = before.cursor if before and before.sender in (sender, b"") else Cursor()
        self.alerts.booted(unit, arrived.opened.boot, body.snapshot.faults, arrived.opened_ms)
        for entry in body.entries:
            grown = _grown(cursor, entry)
            if len(grown.ranges) > MAX_RANGES:
                counts["scattered"] += 1
                continue
            outcome = self._insert(arrived, room, entry)
            counts[outcome] += 1
            # A card put back gives its numbers once more: its word about a command counts all the same.
            if outcome != "duplicate" and isinstance(entry.event, Receipt):
                self.commands.answer(unit, entry.event)
            if outcome != "duplicate":
                self.alerts.heard(unit, room, entry, arrived.opened_ms)
            cursor = grown
        return _Unit(room, cursor, self._staged[unit], sender)

    def _insert(self, arrived: Arrived, room: str, entry: Entry) -> str:
        event = msgspec.json.encode(entry.event)
        values = (
            arrived.opened.unit,
            entry.number,
            room,
            entry.at_ms,
            entry.accepted_ms,
            arrived.opened.body.sealed_ms,
            arrived.opened_ms,
            entry.late,
            str(type(entry.event).__struct_config__.tag),
            entry.event.retention,
            event,
        )
        kept = self._database.execute(
            "SELECT at_ms, accepted_ms, event FROM entries WHERE unit = ? AND number = ?",
            (arrived.opened.unit, entry.number),
        ).fetchall()
        if (entry.at_ms, entry.accepted_ms, event) in kept:
            return "duplicate"
        marks = ",".join("?" * (len(values) + 1))
        columns = "unit, number, room, at_ms, accepted_ms, sealed_ms, opened_ms, late, kind, retention, event, variant"
        self._database.execute(f"INSERT INTO entries({columns}) VALUES({marks})", (*values, len(kept)))
        return "rewritten" if kept else "new"

    def _write_unit(self, unit: str, state: _Unit) -> None:
        ranges = msgspec.msgpack.encode(state.cursor.ranges)
        self._database.execute(
            "INSERT OR REPLACE INTO units VALUES(?,?,?,?,?)",
            (unit, state.room, state.cursor.contiguous, ranges, state.seen.to_bytes()),
        )

    def _load_units(self) -> dict[str, _Unit]:
        units = {}
        for unit, room, contiguous, ranges, seen in self._database.execute("SELECT * FROM units"):
            try:
                cursor = Cursor(contiguous, msgspec.msgpack.decode(ranges, type=tuple[Range, ...]))
            except (msgspec.MsgspecError, ValueError):
                raise StorageError(
                    f"{self._path}: the cursor of unit '{unit}' is damaged: restore it"
                ) from None
            known = Seen.from_bytes(seen)
            units[unit] = _Unit(room, cursor, known, known.sender)
        return units

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it on the disk, or nothing. Raises StorageError."""
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield
            self._database.execute("COMMIT")
        except BaseException as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise StorageError(
                    f"{self._path}: cannot be written: {error}; nothing that units sent is lost, they "
                    "send it again: free space or mend the disk, then start the gateway again"
                ) from None
            raise

    def _meta(self, key: str) -> int:
        row = self._database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return int(row[0]) if row else 0

    def _set_meta(self, key: str, value: int) -> None:
        self._database.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (key, value))


def _grown(cursor: Cursor, entry: Entry) -> Cursor:
    """With this entry, and with what it says is lost: nobody waits for that any more. Only earlier numbers count."""
    cursor = cursor.add(entry.number)
    if isinstance(entry.event, Lost):
        for first, last in entry.event.ranges:
            if 1 <= first <= last < entry.number:
                cursor = cursor.add(first, last)
    return cursor


def _kept(row: tuple[Any, ...]) -> Kept:
    _, unit, room, number, at_ms, accepted_ms, sealed_ms, opened_ms, late, event = row
    raw = msgspec.Raw(event)
    return Kept(unit, room, number, at_ms, accepted_ms, sealed_ms, opened_ms, bool(late), raw)
