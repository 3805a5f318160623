"""The queue of commands: told to a unit, one at a time, until the unit's receipt has come.

The gateway cannot make a command, only carry it: each is a signed document. What closes a camera goes before all
else, and is told again where it may have been forgotten (`restrictions`). A number is given when a command's turn
comes, always higher than any before, also where this database was put back from a copy: it begins at the time. A
document that does not fit into a record goes in parts, one a record, over and over.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from stillroom.clock import MS_PER_S
from stillroom.events import MAX_PART_BYTES, Command, Receipt

CLOSING = ("halt", "withdrawal", "pause")
"""Kinds that close a camera, the first of them first."""
FOR_GOOD = ("halt", "withdrawal")
"""Kinds that stay until they are lifted, or for ever: told again also to a unit that has done them before."""
_IN_ORDER = ", ".join("kind = ? DESC" for _ in CLOSING)


@dataclass(frozen=True)
class ToTell:
    """A document under its number."""

    number: int
    note: bytes

    def part(self, turn: int) -> Command:
        """What of it is said at this turn: with each another part, in rotation."""
        parts = max(-(-len(self.note) // MAX_PART_BYTES), 1)
        at = turn % parts * MAX_PART_BYTES
        return Command(self.number, turn % parts + 1, parts, self.note[at : at + MAX_PART_BYTES])


class Commands:
    """One table of the gateway's database."""

    def __init__(
        self, database: sqlite3.Connection, transaction: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._database, self._transaction = database, transaction

    def queue(self, unit: str, kind: str, note: bytes, now_ms: int) -> bool:
        """Tell a unit this, on the disk when it returns. Raises StorageError.

        False where it waits already, or was done and is none of `FOR_GOOD`; what the unit refused is told again.
        """
        return self.queue_all([(unit, kind, note)], now_ms) > 0

    def queue_all(self, papers: Sequence[tuple[str, str, bytes]], now_ms: int) -> int:
        """The same for many (unit, kind, note) at once; of how many it is true. Raises StorageError."""
        with self._transaction():
            return sum(self._queue(*paper, now_ms) for paper in papers)

    def _queue(self, unit: str, kind: str, note: bytes, now_ms: int) -> bool:
        """A unit that has done it may have forgotten: its card was put back from a copy."""
        for_good = ", ".join("?" * len(FOR_GOOD))
        done = self._database.execute(
            "INSERT INTO commands(unit, kind, note, queued_ms, number) VALUES(?,?,?,?,0) "
            "ON CONFLICT(unit, note) DO UPDATE SET outcome = NULL, number = 0 "
            f"WHERE outcome != 'done' OR (outcome = 'done' AND kind IN ({for_good}))",
            (unit, kind, note, now_ms, *FOR_GOOD),
        )
        return done.rowcount > 0

    def to_tell(self, unit: str, now_ms: int) -> ToTell | None:
        """What this unit is to be told now; its number is on the disk when it returns. Raises StorageError."""
        row = self._database.execute(
            "SELECT place, number, note FROM commands WHERE unit = ? AND outcome IS NULL "
            f"ORDER BY {_IN_ORDER}, place LIMIT 1",
            (unit, *CLOSING),
        ).fetchone()
        if row is None:
            return None
        place, number, note = row
        highest = self._database.execute(
            "SELECT max(number) FROM commands WHERE unit = ?", (unit,)
        ).fetchone()[0]
        if not number or number < highest:
            # Another one was told after it: under its old number the unit would not hear it any more.
            number = max(highest + 1, now_ms // MS_PER_S)
            with self._transaction():
                self._database.execute("UPDATE commands SET number = ? WHERE place = ?", (number, place))
        return ToTell(number, note)

    def answer(self, unit: str, receipt: Receipt) -> None:
        """The unit's word; within the transaction that keeps its entry."""
        self._database.execute(
            "UPDATE commands SET outcome = ? WHERE unit = ? AND number = ? AND outcome IS NULL",
            (receipt.outcome, unit, receipt.command),
        )

    def waiting(self, unit: str) -> int:
        """How many have no receipt yet."""
        row = self._database.execute(
            "SELECT count(*) FROM commands WHERE unit = ? AND outcome IS NULL", (unit,)
        ).fetchone()
        return int(row[0])
