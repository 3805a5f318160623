"""The entries of one batch: which of them are here already, and the rows of those that are not.

An entry is here where its number and content are, or where the cursor covers its number and retention has deleted it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import func, select, tuple_

from stillroom.events import Entry
from stillroom_tools.site.gateway import tables
from stillroom_tools.site.gateway.arrived import Arrived
from stillroom_tools.site.gateway.database import Database
from stillroom_tools.site.gateway.forgotten import Forgotten
from stillroom_tools.site.gateway.proof import FOR_GOOD, STAY
from stillroom_tools.site.gateway.sealed import unseal, with_key

PAIRS = 1_000
"""Numbers asked for at once; far below what a statement can hold."""


class Batch:
    """Within one transaction: made, asked about each entry in turn, written."""

    def __init__(
        self, database: Database, arrived: Iterable[Arrived], highest: Mapping[str, int], forgotten: Forgotten
    ) -> None:
        """highest: as `highest_numbers` has it."""
        self._database, self._forgotten = database, forgotten
        self._kept: dict[tuple[str, int], list[tuple[int, int, bytes]]] = {}
        self._rows: list[dict[str, Any]] = []
        self.sealed: dict[tuple[str, int, bytes], bytes] = {}
        """Once written: of unit, number and event the event as it was sealed."""
        numbers = {
            (one.opened.unit, entry.number)
            for one in arrived
            for entry in one.opened.body.entries
            if entry.number <= highest.get(one.opened.unit, 0)
        }
        entries = tables.entries.c
        for pairs in _parts(numbers):
            query = select(entries.unit, entries.number, entries.at_ms, entries.accepted_ms, entries.event)
            query = with_key(query, tables.entries)
            for row in database.run(query.where(tuple_(entries.unit, entries.number).in_(pairs))):
                self._kept.setdefault((row[0], row[1]), []).append((row[2], row[3], unseal(row[5], row[4])))

    def keep(self, arrived: Arrived, room: str, entry: Entry, event: bytes, *, settled: bool) -> str:
        """`new`, `rewritten` (other contents have the number: all are kept) or `duplicate`. settled: by the cursor."""
        unit, content = arrived.opened.unit, (entry.at_ms, entry.accepted_ms, event)
        kept = self._kept.setdefault((unit, entry.number), [])
        if content in kept or (settled and self._forgotten.has(unit, entry)):
            return "duplicate"
        self._rows.append(_row(arrived, room, entry, event, len(kept)))
        kept.append(content)
        return "rewritten" if len(kept) > 1 else "new"

    def keep_proof(self, arrived: Arrived, room: str, entry: Entry, proof: bytes) -> str:
        """Of an entry of a time that was erased: `erased`, or as `keep`, where something of it must stay (`proof`)."""
        row = _row(arrived, room, entry, proof, 0)
        if row["kind"] not in STAY:
            return "erased"
        kept = self._kept.setdefault((row["unit"], entry.number), [])
        content = entry.at_ms, entry.accepted_ms, proof
        if content in kept:
            return "duplicate"
        self._rows.append(row | {"retention": FOR_GOOD, "variant": len(kept)})
        kept.append(content)
        return "rewritten" if len(kept) > 1 else "new"

    def write(self) -> dict[str, int]:
        """All that is not a duplicate, sealed; the highest number of each unit among it."""
        rows = [row for row in self._rows if row["retention"] != FOR_GOOD]
        clear = [(row["unit"], row["number"], row["event"]) for row in rows]
        self._database.keys.seal_all(rows, "event")
        self.sealed = {of: row["event"] for of, row in zip(clear, rows, strict=True)}
        self._database.add(tables.entries, self._rows)
        highest: dict[str, int] = {}
        for row in self._rows:
            highest[row["unit"]] = max(row["number"], highest.get(row["unit"], 0))
        return highest


def highest_numbers(database: Database) -> dict[str, int]:
    """Of what is here of each unit, whatever key it was under. A number above it need not be asked for."""
    entries, units = tables.entries.c, tables.units.c
    highest = select(func.max(entries.number)).where(entries.unit == units.unit).scalar_subquery()
    return {unit: number or 0 for unit, number in database.run(select(units.unit, highest))}


def encode(entry: Entry) -> bytes:
    """Its event as it is kept."""
    return msgspec.json.encode(entry.event)


def _row(arrived: Arrived, room: str, entry: Entry, event: bytes, variant: int) -> dict[str, Any]:
    return {
        "unit": arrived.opened.unit,
        "number": entry.number,
        "room": room,
        "at_ms": entry.at_ms,
        "accepted_ms": entry.accepted_ms,
        "sealed_ms": arrived.opened.body.sealed_ms,
        "opened_ms": arrived.opened_ms,
        "late": entry.late,
        "kind": str(type(entry.event).__struct_config__.tag),
        "retention": entry.event.retention,
        "event": event,
        "variant": variant,
    }


def _parts(pairs: Iterable[tuple[str, int]]) -> Iterator[Sequence[tuple[str, int]]]:
    waiting = iter(sorted(pairs))
    while part := list(islice(waiting, PAIRS)):
        yield part
