"""Rows of a database that was made before contents were sealed: sealed in turns, beside other work.

Each turn is one bounded transaction, as with retention. Until its turn has come a row is read as it is. What was in the
clear is overwritten (SQLite) or left to the server's vacuum, and stands in every backup from before: that cannot be
mended here.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Table, bindparam, select, update

from stillroom_tools.site.gateway import tables
from stillroom_tools.site.gateway.notices import Notice
from stillroom_tools.site.gateway.proof import FOR_GOOD
from stillroom_tools.site.gateway.sealed import is_sealed
from stillroom_tools.site.gateway.store import Store

ROWS = 500
"""Of one turn."""
_LARGE = ((tables.entries, "event"), (tables.alert_changes, "line"))


class Sealing:
    """`step` about once a second."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waits = True

    def step(self, now_ms: int) -> list[Notice]:
        """One turn; what was done, once all of it is. Raises StorageError: the turn is done again."""
        if not self._waits:
            return []
        database = self._store.database
        if database.number("clear latest"):
            self._seal_states()
            return []
        for table, column in _LARGE:
            if database.number(f"clear {table.name}") > database.number(f"sealed {table.name}"):
                self._seal_some(table, column)
                return []
        self._waits = False
        if not any(database.number(f"sealed {table.name}") for table, _ in _LARGE):
            return []
        with database.transaction():
            for table, _ in _LARGE:
                database.set_number(f"clear {table.name}", 0)
                database.set_number(f"sealed {table.name}", 0)
        database.shrink()
        text = "what an older version had kept in the clear is sealed now; backups from before are not"
        return [Notice("retention", now_ms, "", "sealed", 0, f"store: {text}")]

    def _seal_states(self) -> None:
        database = self._store.database
        with database.transaction():
            rows = database.run(select(tables.latest)).all()
            database.put(
                tables.latest, [row._asdict() | {"event": self._sealed(row, row.event)} for row in rows]
            )
            self._store.alerts.write_again()
            database.set_number("clear latest", 0)
            database.set_number("clear alerts", 0)

    def _seal_some(self, table: Table, column: str) -> None:
        database, mark = self._store.database, f"sealed {table.name}"
        query = select(table).where(table.c.id > database.number(mark)).order_by(table.c.id).limit(ROWS)
        with database.transaction():
            rows = database.run(query).all()
            changed = list(self._changed(rows, column))
            if changed:
                one = (
                    update(table).where(table.c.id == bindparam("row")).values({column: bindparam("sealed")})
                )
                database.run(one, changed)
            last = rows[-1].id if len(rows) == ROWS else database.number(f"clear {table.name}")
            database.set_number(mark, last)

    def _changed(self, rows: Iterable[Any], column: str) -> Iterable[dict[str, object]]:
        for row in rows:
            content = getattr(row, column)
            if not is_sealed(content) and getattr(row, "retention", "") != FOR_GOOD:
                yield {"row": row.id, "sealed": self._sealed(row, content)}

    def _sealed(self, row: Any, content: bytes) -> bytes:
        return content if is_sealed(content) else self._store.database.keys.seal(row.room, row.at_ms, content)
