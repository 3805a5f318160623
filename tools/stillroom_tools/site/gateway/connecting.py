"""How a database is reached: an engine, durability, one gateway at a time, and what went wrong in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, PendingRollbackError

from stillroom.errors import SetupError, StorageError
from stillroom_tools.site.gateway.place import Place

BUSY_S = 5
"""How long a commit waits for somebody who holds the file."""
_SERVER_WAITS = {"connect_timeout": 2, "tcp_user_timeout": 5_000}
"""Seconds for a new connection, milliseconds for one that says nothing any more: units are told the time meanwhile."""
_LOCK = 0x53544C52
"""Key of PostgreSQL's advisory lock: one gateway a database."""
_SENT_AGAIN = (
    "nothing that units sent is lost, they send it again: free space, mend the disk, or start the server"
)


class StoreAway(StorageError):
    """It cannot be reached or written now, and that may pass: a full disk, a server that is down."""


class StoreInUse(StoreAway):
    """Another gateway has the server's database; or had it, for a while after its connection broke."""


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
    waits = {"timeout": BUSY_S} if place.file is not None else _SERVER_WAITS
    try:
        return create_engine(place.url, isolation_level="AUTOCOMMIT", connect_args=waits, **options)
    except ImportError:
        raise SetupError(
            f"{place.words}: the package psycopg is missing: pip install 'stillroom[postgres]'"
        ) from None


def durable_file(connection: Any, _record: object) -> None:
    """WAL, flushed at every commit; what is deleted is overwritten."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def durable_server(connection: Any, _record: object) -> None:
    """Flushed at every commit, whatever the server's default is."""
    connection.execute("SET synchronous_commit = on")


def check_durable(connection: Connection, place: Place) -> None:
    """Raises StorageError where a commit could be lost."""
    words = place.words
    if place.file is not None:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        if mode != "wal":
            raise StorageError(f"{words}: this file system cannot hold a WAL database (mode {mode})")
    elif connection.exec_driver_sql("SHOW fsync").scalar_one() != "on":
        raise StorageError(f"{words}: the server does not flush to its disk (fsync is off): turn it on")


def lock_server(connection: Connection, words: str) -> None:
    """For as long as this connection lives. Raises StoreAway: also for a while after one that broke."""
    if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}):
        raise StoreInUse(f"{words}: another gateway is using it: stop that one first")
