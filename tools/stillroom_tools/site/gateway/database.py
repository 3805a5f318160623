"""The one connection by which a gateway writes: whose database it is, transactions, durability, and errors in words.

SQLite: WAL, flushed at every commit (FULL), freed pages overwritten. PostgreSQL: each commit on the server's disk; a
server that does not flush is refused. Either way a second gateway is.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, Table, event, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from stillroom.clock import MS_PER_S
from stillroom.files import lock_folder
from stillroom_tools.site.gateway import migrations
from stillroom_tools.site.gateway.connecting import (
    BUSY_S,
    StoreAway,
    check_durable,
    durable_file,
    durable_server,
    lock_server,
    make_engine,
    told,
)
from stillroom_tools.site.gateway.place import Place
from stillroom_tools.site.gateway.sealed import Keys
from stillroom_tools.site.gateway.tables import meta

Row = Mapping[str, Any]


class Database:
    """Open at once; `transaction`, and `run` inside it or, to read, outside. Not for two threads."""

    def __init__(self, place: Place, site: str = "") -> None:
        """site: whose it must be, where it says. Raises StorageError, SetupError (no driver)."""
        self._place, self._site = place, site
        self._lock = -1
        self._compiled: dict[tuple[str, ...], Any] = {}
        self.keys = Keys(self)
        """Of the contents of its rows."""
        if place.file is not None:
            self._lock = lock_folder(place.file.parent, f"{place.file.stem}.lock", "gateway")
        try:
            self._engine = make_engine(place, poolclass=StaticPool)
            event.listen(self._engine, "connect", durable_file if place.file else durable_server)
            self._connection = self._connect()
        except BaseException:
            self._let_go()
            raise

    @property
    def is_sqlite(self) -> bool:
        return self._place.file is not None

    @property
    def words(self) -> str:
        """Its name in messages."""
        return self._place.words

    def run(self, statement: Executable, rows: Sequence[Row] | Row | None = None) -> CursorResult[Any]:
        """Raises StorageError."""
        with self._told():
            return self._connection.execute(statement, rows)

    def add(self, table: Table, rows: Sequence[Row]) -> None:
        """New rows, all of the same columns, of plain values. Raises StorageError, as `put` does."""
        self._write(table, rows, insert)

    def put(self, table: Table, rows: Sequence[Row]) -> None:
        """The same, in place of what has their primary keys. All rows name all columns."""
        self._write(table, rows, self._upsert)

    def _upsert(self, table: Table) -> Executable:
        new = (sqlite.insert if self.is_sqlite else postgresql.insert)(table)
        keys = [column.name for column in table.primary_key]
        others = {column.name: new.excluded[column.name] for column in table.c if column.name not in keys}
        return new.on_conflict_do_update(index_elements=keys, set_=others)

    def _write(self, table: Table, rows: Sequence[Row], make: Callable[[Table], Any]) -> None:
        """By the driver, with the statement compiled once: through Core each row costs twice what SQLite takes."""
        if not rows:
            return
        name = make.__name__, table.name, *rows[0]
        compiled = self._compiled.get(name)
        if compiled is None:
            compiled = self._compiled[name] = make(table).compile(
                dialect=self._engine.dialect, column_keys=list(rows[0])
            )
        places = compiled.positiontup
        values = (
            [tuple(map(row.__getitem__, places)) for row in rows] if places else [dict(row) for row in rows]
        )
        with self._told():
            self._connection.exec_driver_sql(str(compiled), values)

    @contextmanager
    def transaction(self, *, flushed: bool = True) -> Iterator[None]:
        """All of it on the disk, or nothing. Raises StorageError.

        flushed: False lets a power cut take it, and what was done so before it, but nothing that was flushed.
        """
        with self._told(), self._flushing(flushed):
            self._connection.exec_driver_sql("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")
            try:
                if not (flushed or self.is_sqlite):
                    self._connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
                yield
                self._connection.exec_driver_sql("COMMIT")
            except BaseException:
                self.keys.forget()
                with suppress(SQLAlchemyError):
                    self._connection.exec_driver_sql("ROLLBACK")
                raise

    def number(self, key: str) -> int:
        """What `set_number` has kept; 0 where it never did."""
        return self.run(select(meta.c.value).where(meta.c.key == key)).scalar() or 0

    def set_number(self, key: str, value: int) -> None:
        """Within a transaction."""
        self.put(meta, [{"key": key, "value": value}])

    def shrink(self) -> bool:
        """After much was deleted: what the log still holds of it is cut off (SQLite). False: somebody reads now."""
        if not self.is_sqlite:
            return True
        self.run(text("PRAGMA busy_timeout=0"))  # who reads just now is not waited for
        busy = self.run(text("PRAGMA wal_checkpoint(TRUNCATE)")).scalar_one()
        self.run(text(f"PRAGMA busy_timeout={BUSY_S * MS_PER_S}"))
        return not busy

    def forget_pages(self, table: Table) -> bool:
        """No page of a small table holds what was deleted from it. False: somebody reads just now.

        SQLite has overwritten it already, but for its log; PostgreSQL writes the table anew.
        """
        if self.is_sqlite:
            return self.shrink()
        try:
            self.run(text("SET lock_timeout = '2s'"))
            self.run(text(f"VACUUM FULL {table.name}"))
        except StoreAway:
            return False
        finally:
            self.run(text("SET lock_timeout = 0"))
        return True

    def reopen(self) -> None:
        """A new connection in place of one that failed. Raises StoreAway as long as it is of no use."""
        with suppress(SQLAlchemyError):
            self._connection.close()
        self._engine.dispose()
        self.keys.forget()
        self._connection = self._connect()

    def close(self) -> None:
        """Let go of it."""
        with suppress(SQLAlchemyError):
            self._connection.close()
        self._let_go()

    def _connect(self) -> Connection:
        with self._told("cannot be opened"):
            if self._place.file is not None:
                _make_private(self._place.file)
            connection = self._engine.connect()
            try:
                check_durable(connection, self._place)
                if not self.is_sqlite:
                    lock_server(connection, self.words)
                migrations.bring_up(connection, self.words, self._site)
            except BaseException:
                with suppress(SQLAlchemyError):
                    connection.close()
                raise
        return connection

    def _let_go(self) -> None:
        if hasattr(self, "_engine"):
            self._engine.dispose()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @contextmanager
    def _flushing(self, flushed: bool) -> Iterator[None]:
        if flushed or not self.is_sqlite:
            yield
            return
        self._connection.exec_driver_sql("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            self._connection.exec_driver_sql("PRAGMA synchronous=FULL")

    @contextmanager
    def _told(self, what: str = "cannot be used") -> Iterator[None]:
        with told(self.words, what):
            yield


def _make_private(path: Any) -> None:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
