"""The gateway's memory: every entry once, what was seen of each unit, and what was announced.

A batch of records is one transaction: entries, cursor and replay state come to the disk together or not at all,
so a kill or a power cut at any place leaves a state from which each entry is still reported once. A cursor is told
to a unit only from here, that is after the commit.

`announced` is the one mark that cannot be exact: it follows what was printed. A kill in the moment between the print
and the mark prints those lines again at the next start (unit and number tell them apart); it never loses one. The
mark is not flushed, which keeps that moment at 0.1 ms (measured); after a power cut more lines may come again.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy import func, literal, select, tuple_

from stillroom.errors import StorageError
from stillroom.events import ConditionChanged, Entry, Lost, Receipt
from stillroom.replay import Seen
from stillroom_tools.site.gateway import batch as batches
from stillroom_tools.site.gateway import tables
from stillroom_tools.site.gateway.alert_book import AlertBook
from stillroom_tools.site.gateway.alert_forms import AlertsConfig
from stillroom_tools.site.gateway.arrived import Arrived, Kept, kept, select_kept
from stillroom_tools.site.gateway.commands import Commands
from stillroom_tools.site.gateway.cursor import MAX_RANGES, Cursor, Range
from stillroom_tools.site.gateway.database import Database
from stillroom_tools.site.gateway.erased import Told, decode
from stillroom_tools.site.gateway.erasures import Erasures
from stillroom_tools.site.gateway.forgotten import Forgotten
from stillroom_tools.site.gateway.known import Latest, read_known
from stillroom_tools.site.gateway.place import Place, in_folder
from stillroom_tools.site.gateway.proof import proof_alone
from stillroom_tools.site.gateway.rooms import NO_ROOM, LastKnown
from stillroom_tools.site.gateway.sealed import unseal, with_key

LINKS = 500
"""Of an audit chain, read at once."""


@dataclass
class _Unit:
    room: str
    cursor: Cursor
    seen: Seen
    sender: bytes
    """Key id of the unit that the cursor is of."""


class Store:
    """One database, one gateway. Use: `open` records (which calls `load` and `save`), then `commit` the batch."""

    def __init__(self, where: Place | Path, alerts: AlertsConfig | None = None, site: str = "") -> None:
        """where: as site.toml says, or a folder for `FILE`. site: its name, where the database must be its own.

        Raises SetupError (no driver), StorageError: another gateway, not a database of ours, a newer version, a disk
        or a server that refuses.
        """
        self.database = Database(where if isinstance(where, Place) else in_folder(where), site)
        try:
            self.commands = Commands(self.database)
            """What units are to be told to do, and what became of it."""
            self.alerts = AlertBook(self.database, alerts or AlertsConfig())
            self._load()
        except BaseException:
            self.database.close()
            raise

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
        with self.database.transaction():
            boot = max(self.database.number("boot") + 1, int(time.time()))
            self.database.set_number("boot", boot)
        return boot

    def cursor(self, unit: str) -> Cursor:
        """What of this unit is on the disk."""
        known = self._units.get(unit)
        return known.cursor if known else Cursor()

    def heard(self, unit: str) -> bytes:
        """Boot id of the newest boot that a record on the disk is of; empty before the first."""
        known = self._units.get(unit)
        return known.seen.boot_id if known else b""

    def known(self) -> list[LastKnown]:
        """What each unit has said last of its room. Raises StorageError."""
        return read_known(self.database.run)

    def commit(self, batch: Sequence[Arrived]) -> Counter[str]:
        """Put a batch on the disk. Counts: `new`, `rewritten` (another entry has the number: both are kept), and why
        an entry was not kept: `duplicate`, `scattered`, `erased` (its time was, on somebody's wish).

        Raises StorageError; then nothing of the batch is kept, and the store must be opened again: units will send
        again.
        """
        counts: Counter[str] = Counter()
        changed: dict[str, _Unit] = {}
        with self.database.transaction():
            rows = batches.Batch(self.database, batch, self._highest, self.forgotten)
            for arrived in batch:
                unit = arrived.opened.unit
                before = changed.get(unit) or self._units.get(unit)
                changed[unit] = self._keep(arrived, before, rows, counts)
            highest = rows.write()
            self.database.put(tables.latest, [_with(row, rows.sealed) for row in self._latest.changed()])
            now_ms = max((arrived.opened_ms for arrived in batch), default=0)
            self.database.put(tables.units, [_row(unit, state, now_ms) for unit, state in changed.items()])
        self._units.update(changed)
        for unit, number in highest.items():
            self._highest[unit] = max(number, self._highest.get(unit, 0))
        self._staged.clear()
        return counts

    def unannounced(self, limit: int) -> list[tuple[int, Kept]]:
        """The oldest entries that were not marked as printed: (place, entry)."""
        ids = tables.entries.c.id
        after = self.database.number("announced")
        rows = self.database.run(select_kept().where(ids > after).order_by(ids).limit(limit))
        return [(row[0], kept(row)) for row in rows]

    def unannounced_alerts(self, limit: int) -> list[tuple[int, bytes]]:
        """The oldest changes of alerts that were not marked as printed: (place, line of JSON)."""
        return self.alerts.untold(self.database.number("announced alerts"), limit)

    def mark_announced(
        self, place: int, what: Literal["announced", "announced alerts"] = "announced"
    ) -> None:
        """Everything up to this place was printed. Survives the end of this process, not always a power cut."""
        with self.database.transaction(flushed=False):
            self.database.set_number(what, place)

    def chain_of(self, unit: str) -> Iterator[tuple[int, Told]]:
        """The audit links and the losses of a unit that are kept, with their numbers, in the order of these.

        Read in parts, as they are asked for: what is committed meanwhile under higher numbers comes too.
        """
        entries, after = tables.entries.c, (0, -1)
        query = with_key(select(entries.number, entries.variant, entries.event), tables.entries).limit(LINKS)
        query = query.where(entries.unit == unit, tables.CHAINED).order_by(entries.number, entries.variant)
        while rows := self.database.run(
            query.where(tuple_(entries.number, entries.variant) > tuple_(*map(literal, after)))
        ).all():
            yield from ((row.number, decode(unseal(row.key, row.event))) for row in rows)
            after = rows[-1].number, rows[-1].variant

    def count(self) -> int:
        """How many entries are kept."""
        return int(self.database.run(select(func.count()).select_from(tables.entries)).scalar_one())

    def reopen(self) -> None:
        """After a StoreAway: everything as it is on the disk now. Raises StoreAway as long as that cannot be."""
        self.database.reopen()
        self.commands.reload()
        self.alerts.reload()
        self._load()

    def close(self) -> None:
        """Let go of the database. What was staged and not committed is dropped."""
        self.database.close()

    def _load(self) -> None:
        self._staged: dict[str, Seen] = {}
        self._units = self._load_units()
        self._highest = batches.highest_numbers(self.database)
        self._latest = Latest(self.database.run(select(tables.latest)))
        self.forgotten = Forgotten(self.database)
        self.erasures = Erasures(self.database)
        """What must not come back."""

    def _keep(
        self, arrived: Arrived, before: _Unit | None, rows: batches.Batch, counts: Counter[str]
    ) -> _Unit:
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
            event, settled = batches.encode(entry), cursor.has(entry.number)
            if self.erasures.cover(unit if settled else "", room, entry):
                outcome = rows.keep_proof(arrived, room, entry, proof_alone(event))
                self._heed(unit, room, entry, arrived.opened_ms)
            else:
                outcome = rows.keep(arrived, room, entry, event, settled=settled)
                if outcome != "duplicate":
                    self._take(unit, room, entry, event, arrived.opened_ms)
            counts[outcome] += 1
            cursor = grown
        return _Unit(room, cursor, self._staged[unit], sender)

    def _take(self, unit: str, room: str, entry: Entry, event: bytes, opened_ms: int) -> None:
        # A card put back gives its numbers once more: its word about a command counts all the same.
        if isinstance(entry.event, Receipt):
            self.commands.answer(unit, entry.event)
        self.alerts.heard(unit, room, entry, opened_ms)
        self._latest.take(unit, room, entry, event)

    def _heed(self, unit: str, room: str, entry: Entry, opened_ms: int) -> None:
        """Of what was erased: that a command was carried out, and that a condition is over."""
        if isinstance(entry.event, Receipt):
            self.commands.answer(unit, entry.event)
        elif isinstance(entry.event, ConditionChanged) and not entry.event.active:
            self.alerts.heard(unit, room, entry, opened_ms)

    def _load_units(self) -> dict[str, _Unit]:
        units = {}
        for row in self.database.run(select(tables.units)):
            try:
                cursor = Cursor(row.contiguous, msgspec.msgpack.decode(row.ranges, type=tuple[Range, ...]))
            except (msgspec.MsgspecError, ValueError):
                raise StorageError(
                    f"{self.database.words}: the cursor of unit '{row.unit}' is damaged: restore it"
                ) from None
            known = Seen.from_bytes(row.seen)
            units[row.unit] = _Unit(row.room, cursor, known, known.sender)
        return units


def _row(unit: str, state: _Unit, heard_ms: int) -> dict[str, object]:
    return {
        "unit": unit,
        "room": state.room,
        "contiguous": state.cursor.contiguous,
        "ranges": msgspec.msgpack.encode(state.cursor.ranges),
        "seen": state.seen.to_bytes(),
        "heard_ms": heard_ms,
    }


def _with(row: dict[str, Any], sealed: dict[tuple[str, int, bytes], bytes]) -> dict[str, Any]:
    """A row of `latest`: sealed as its entry was, which has the same room, time and words."""
    row["event"] = sealed[row["unit"], row["number"], row["event"]]
    return row


def _grown(cursor: Cursor, entry: Entry) -> Cursor:
    """With this entry, and with what it says is lost: nobody waits for that any more. Only earlier numbers count."""
    cursor = cursor.add(entry.number)
    if isinstance(entry.event, Lost):
        for first, last in entry.event.ranges:
            if 1 <= first <= last < entry.number:
                cursor = cursor.add(first, last)
    return cursor
