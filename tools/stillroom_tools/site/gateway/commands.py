"""The queue of commands: told to a unit, one at a time, until the unit's receipt has come.

The gateway cannot make a command, only carry it: each is a signed document. What closes a camera goes before all
else, and is told again where it may have been forgotten (`restrictions`). A number is given when a command's turn
comes, always higher than any before, also where this database was put back from a copy: it begins at the time. A
document that does not fit into a record goes in parts, one a record, over and over.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, insert, select, update

from stillroom.clock import MS_PER_S
from stillroom.events import MAX_PART_BYTES, Command, Receipt
from stillroom_tools.site.gateway.database import Database
from stillroom_tools.site.gateway.tables import commands

CLOSING = ("halt", "withdrawal", "pause", "release-withdrawal")
"""Kinds that close a camera or end a recording, the first of them first."""
FOR_GOOD = ("halt", "withdrawal", "release-withdrawal")
"""Kinds that stay until they are lifted, or for ever: told again also to a unit that has done them before."""
_c = commands.c
_IN_ORDER = case(*((_c.kind == kind, place) for place, kind in enumerate(CLOSING)), else_=len(CLOSING))


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

    def __init__(self, database: Database) -> None:
        self._database = database
        self.reload()

    def reload(self) -> None:
        """What is on the disk now. Raises StorageError."""
        rows = self._database.run(select(_c.unit).where(_c.outcome.is_(None)).distinct())
        self._may_wait = {unit for (unit,) in rows}
        """All units that something waits for, and perhaps others: a slot of a thousand units asks for none of them."""

    def queue(self, unit: str, kind: str, note: bytes, now_ms: int) -> bool:
        """Tell a unit this, on the disk when it returns. Raises StorageError.

        False where it waits already, or was done and is none of `FOR_GOOD`; what the unit refused is told again.
        """
        return self.queue_all([(unit, kind, note)], now_ms) > 0

    def queue_all(self, papers: Sequence[tuple[str, str, bytes]], now_ms: int) -> int:
        """The same for many (unit, kind, note) at once; of how many it is true. Raises StorageError."""
        with self._database.transaction():
            return sum(self._queue(*paper, now_ms) for paper in papers)

    def _queue(self, unit: str, kind: str, note: bytes, now_ms: int) -> bool:
        """A unit that has done it may have forgotten: its card was put back from a copy."""
        self._may_wait.add(unit)
        known = self._database.run(
            select(_c.place, _c.kind, _c.outcome).where(_c.unit == unit, _c.note == note)
        ).first()
        if known is None:
            row = {"unit": unit, "kind": kind, "note": note, "queued_ms": now_ms, "number": 0}
            self._database.run(insert(commands), row)
            return True
        if known.outcome is None or (known.outcome == "done" and known.kind not in FOR_GOOD):
            return False
        anew = update(commands).where(_c.place == known.place)
        self._database.run(anew.values(outcome=None, number=0))
        return True

    def to_tell(self, unit: str, now_ms: int) -> ToTell | None:
        """What this unit is to be told now; its number is on the disk when it returns. Raises StorageError."""
        if unit not in self._may_wait:
            return None
        waits = select(_c.place, _c.number, _c.note).where(_c.unit == unit, _c.outcome.is_(None))
        row = self._database.run(waits.order_by(_IN_ORDER, _c.place).limit(1)).first()
        if row is None:
            self._may_wait.discard(unit)
            return None
        number: int = row.number
        highest: int = self._database.run(select(func.max(_c.number)).where(_c.unit == unit)).scalar_one()
        if not number or number < highest:
            # Another one was told after it: under its old number the unit would not hear it any more.
            number = max(highest + 1, now_ms // MS_PER_S)
            with self._database.transaction():
                self._database.run(update(commands).where(_c.place == row.place).values(number=number))
        return ToTell(number, row.note)

    def answer(self, unit: str, receipt: Receipt) -> None:
        """The unit's word; within the transaction that keeps its entry."""
        asked = (_c.unit == unit) & (_c.number == receipt.command) & _c.outcome.is_(None)
        self._database.run(update(commands).where(asked).values(outcome=receipt.outcome))

    def waiting(self, unit: str) -> int:
        """How many have no receipt yet."""
        of_unit = (_c.unit == unit) & _c.outcome.is_(None)
        return int(self._database.run(select(func.count()).select_from(commands).where(of_unit)).scalar_one())
