"""What retention has deleted, as far as that must be known: it may come again, and must not count as new.

Contents cannot be compared any more. A number that the cursor covers, not above the highest deleted of its class, and
accepted no later than any of those, is what was here. Whoever accepts anew under old numbers (a card that was put back)
does it later, and is kept. So is a number that the cursor does not cover: it was never here.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from stillroom.events import Entry
from stillroom_tools.site.gateway.database import Database
from stillroom_tools.site.gateway.tables import forgotten


class Forgotten:
    """`has` entries; within the transaction that deletes, `note`; after its commit, `noted`."""

    def __init__(self, database: Database) -> None:
        """Raises StorageError."""
        self._database = database
        self._highest = {
            (r.unit, r.retention): (r.number, r.accepted_ms) for r in database.run(select(forgotten))
        }
        self._staged: dict[tuple[str, str], tuple[int, int]] = {}

    def has(self, unit: str, entry: Entry) -> bool:
        """Of an entry whose number the cursor covers: it was here."""
        number, accepted_ms = self._highest.get((unit, entry.event.retention), (0, -1))
        return bool(entry.number <= number and entry.accepted_ms <= accepted_ms)

    def note(self, retention: str, deleted: Iterable[Any]) -> None:
        """Rows with `unit`, `number`, `accepted_ms`. Raises StorageError."""
        self._staged = {}
        for row in deleted:
            key = row.unit, retention
            number, accepted_ms = self._staged.get(key) or self._highest.get(key, (0, -1))
            self._staged[key] = max(number, row.number), max(accepted_ms, row.accepted_ms)
        rows = [
            {"unit": unit, "retention": retention, "number": number, "accepted_ms": accepted_ms}
            for (unit, _), (number, accepted_ms) in self._staged.items()
        ]
        self._database.put(forgotten, rows)

    def noted(self) -> None:
        """It is on the disk."""
        self._highest.update(self._staged)
        self._staged = {}
