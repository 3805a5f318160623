"""The one connection by which a gateway writes: whose database it is, transactions, durability, and errors in words.

SQLite: WAL, flushed at every commit (FULL), freed pages overwritten. PostgreSQL: each commit on the server's disk; a
server that does not flush is refused. Either way a second gateway is.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Executable, Table, create_engine, event, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    SQLAlchemyError,
)
from sqlalchemy.pool import StaticPool

from stillroom.errors import SetupError, StorageError
from stillroom.files import lock_folder
from stillroom_tools.site.gateway import migrations
from stillroom_tools.site.gateway.place import Place
from stillroom_tools.site.gateway.tables import meta

BUSY_S = 5
"""How long a commit waits for somebody who holds the file, and a new connection for the server's answer."""
_LOCK = 0x53544C52
"""Key of PostgreSQL's advisory lock: one gateway a database."""

Row = Mapping[str, Any]


class StoreAway(StorageError):
    """It cannot be reached or written now, and that may pass: a full disk, a server that is down."""


class Database:
    """Open at once; `transaction`, and `run` inside it or, to read, outside. Not for two threads."""

    def __init__(self, place: Place, site: str = "") -> None:
        """site: whose it must be, where it says. Raises StorageError, SetupError (no driver)."""
        self._place, self._site = place, site
        self._lock = -1
        if place.file is not None:
            self._lock = lock_folder(place.file.parent, f"{place.file.stem}.lock", "gateway")
        try:
            self._engine = make_engine(place, poolclass=StaticPool)
            event.listen(
                self._engine, "connect", _durable_file if place.file is not None else _durable_server
            )
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

    def put(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert, or replace what has the same primary key. All rows name all columns."""
        if not rows:
            return
        insert = (sqlite.insert if self.is_sqlite else postgresql.insert)(table)
        keys = {column.name for column in table.primary_key}
        new = {name: insert.excluded[name] for name in rows[0] if name not in keys}
        self.run(insert.on_conflict_do_update(index_elements=sorted(keys), set_=new), rows)

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
                with suppress(SQLAlchemyError):
                    self._connection.exec_driver_sql("ROLLBACK")
                raise

    def number(self, key: str) -> int:
        """What `set_number` has kept; 0 where it never did."""
        return self.run(select(meta.c.value).where(meta.c.key == key)).scalar() or 0

    def set_number(self, key: str, value: int) -> None:
        """Within a transaction."""
        self.put(meta, [{"key": key, "value": value}])

    def shrink(self) -> None:
        """After much was deleted: what the log still holds of it is overwritten (SQLite)."""
        if self.is_sqlite:
            self.run(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    def reopen(self) -> None:
        """A new connection in place of one that failed. Raises StoreAway as long as it is of no use."""
        with suppress(SQLAlchemyError):
            self._connection.close()
        self._engine.dispose()
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
                _check_durable(connection, self.words, self.is_sqlite)
                if not self.is_sqlite:
                    _lock_server(connection, self.words)
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


_SENT_AGAIN = (
    "nothing that units sent is lost, they send it again: free space, mend the disk, or start the server"
)


@contextmanager
def told(words: str, what: str, remedy: str = _SENT_AGAIN) -> Iterator[None]:
    """What the database or the system says, as one line: StorageError, StoreAway (with `remedy`)."""
    try:
        yield
    except DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
            raise StoreAway(f"{words}: {what}: {reason}: {remedy}") from None
        raise StorageError(f"{words}: {what}: {reason}: restore it, or move it away") from None
    except PendingRollbackError:  # of a connection that failed before
        raise StoreAway(f"{words}: {what}: not connected: {remedy}") from None
    except OSError as error:
        raise StorageError(f"{words}: {what}: {error.strerror}: restore it, or move it away") from None


def make_engine(place: Place, **options: Any) -> Engine:
    """Raises SetupError."""
    waits = {"timeout": BUSY_S} if place.file is not None else {"connect_timeout": BUSY_S}
    try:
        return create_engine(place.url, isolation_level="AUTOCOMMIT", connect_args=waits, **options)
    except ImportError:
        raise SetupError(
            f"{place.words}: the package psycopg is missing: pip install 'stillroom[postgres]'"
        ) from None


def _durable_file(connection: Any, _record: object) -> None:
    """WAL, flushed at every commit; what is deleted is overwritten."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _durable_server(connection: Any, _record: object) -> None:
    """Flushed at every commit, whatever the server's default is."""
    connection.execute("SET synchronous_commit = on")


def _check_durable(connection: Connection, words: str, is_sqlite: bool) -> None:
    if is_sqlite:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        if mode != "wal":
            raise StorageError(f"{words}: this file system cannot hold a WAL database (mode {mode})")
    elif connection.exec_driver_sql("SHOW fsync").scalar_one() != "on":
        raise StorageError(f"{words}: the server does not flush to its disk (fsync is off): turn it on")


def _lock_server(connection: Connection, words: str) -> None:
    """For as long as this connection lives."""
    if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}):
        raise StoreAway(f"{words}: another gateway is using it: stop that one first")


def _make_private(path: Any) -> None:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
