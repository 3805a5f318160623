"""What the gateway has kept, for whoever shows it: read-only, beside a gateway that runs or when none does.

Several threads may share a reader. SQLite's file is opened so that nothing can be written; PostgreSQL is asked for
transactions that only read, and a role that may only SELECT is better.
"""

import errno
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection, Engine, Select, create_engine, event, func, select
from sqlalchemy.pool import QueuePool

from stillroom.errors import StorageError
from stillroom_tools.site.gateway import migrations, tables
from stillroom_tools.site.gateway.alert_book import AlertLine, decode, urgency
from stillroom_tools.site.gateway.alert_forms import Alert
from stillroom_tools.site.gateway.arrived import Kept, kept, select_kept
from stillroom_tools.site.gateway.connecting import BUSY_S, make_engine, told
from stillroom_tools.site.gateway.erased import Chained
from stillroom_tools.site.gateway.known import read_known
from stillroom_tools.site.gateway.place import Place, of
from stillroom_tools.site.gateway.rooms import LastKnown
from stillroom_tools.site.gateway.sealed import unseal, with_key
from stillroom_tools.site.layout import Site


class Reader:
    """Open it once, ask as often as needed, close it."""

    def __init__(self, place: Place, site: str = "") -> None:
        """Raises SetupError (no driver), StorageError: no gateway has run here yet, or it is another version's."""
        self._words = place.words
        self._remedy = "has a gateway ever run here?" if place.file else "start the server"
        self._engine = _engine(place)
        with self._look() as connection:
            found = migrations.look(connection, self._words)
        migrations.check(found, self._words, site)
        if found.version < tables.VERSION:
            raise StorageError(f"{self._words}: of version {found.version}: start the gateway here once")

    def entries(self, room: str, from_ms: int, until_ms: int, kinds: Sequence[str] = ()) -> list[Kept]:
        """Those of a room with from_ms <= at_ms < until_ms, by time. kinds: `state`, `summary` ...; all where empty.

        Raises StorageError, as all below.
        """
        entries = tables.entries.c
        query = select_kept().where(entries.room == room, entries.at_ms >= from_ms, entries.at_ms < until_ms)
        if kinds:
            query = query.where(entries.kind.in_(kinds))
        return [kept(row) for row in self.fetch(query.order_by(entries.at_ms, entries.id))]

    def newest(self, unit: str, kind: str, count: int) -> list[Kept]:
        """The last ones of a unit, the newest first."""
        entries = tables.entries.c
        query = select_kept().where(entries.unit == unit, entries.kind == kind)
        return [kept(row) for row in self.fetch(query.order_by(entries.id.desc()).limit(count))]

    def following(
        self, place: int, kinds: Sequence[str], limit: int, from_ms: int = 0, until_ms: int = 2**53
    ) -> list[tuple[int, Kept]]:
        """Of all rooms, by the place at which they came in: the next ones behind `place`, each with its own."""
        entries = tables.entries.c
        query = select_kept().where(
            entries.id > place, entries.kind.in_(kinds), entries.at_ms >= from_ms, entries.at_ms < until_ms
        )
        return [(row.id, kept(row)) for row in self.fetch(query.order_by(entries.id).limit(limit))]

    def number(self, key: str) -> int:
        """What the gateway keeps under a name; 0: nothing."""
        rows = self.fetch(select(tables.meta.c.value).where(tables.meta.c.key == key))
        return int(rows[0].value) if rows else 0

    def rooms(self) -> list[str]:
        """All of which any entry is kept."""
        room = tables.entries.c.room
        return [name for (name,) in self.fetch(select(room).distinct().order_by(room))]

    def units(self, room: str) -> list[str]:
        """All that ever told of a room."""
        entries = tables.entries.c
        query = select(entries.unit).where(entries.room == room).distinct().order_by(entries.unit)
        return [unit for (unit,) in self.fetch(query)]

    def forgotten(self, retention: str) -> dict[str, int]:
        """Of each unit: entries of this class that it accepted up to then (UTC in ms) are kept no longer."""
        gone = tables.forgotten.c
        rows = self.fetch(select(gone.unit, gone.accepted_ms).where(gone.retention == retention))
        return {row.unit: row.accepted_ms for row in rows}

    def known(self) -> list[LastKnown]:
        """What each unit has said last of its room, and when it was heard."""
        with self._look() as connection:
            return read_known(connection.execute)

    def alerts(self) -> list[Alert]:
        """What stands, the most urgent first; as of the gateway's last word, which may be old."""
        rows = self.fetch(with_key(select(tables.alerts), tables.alerts))
        found = [decode(row.unit, row.kind, unseal(row[-1], row.alert)) for row in rows]
        return sorted((alert for alert in found if alert.active), key=urgency)

    def alert_history(self, from_ms: int, until_ms: int, unit: str | None = None) -> list[AlertLine]:
        """Each change with from_ms <= at_ms < until_ms, in order; of one unit, or of all."""
        changes = tables.alert_changes.c
        query = with_key(select(changes.line), tables.alert_changes)
        query = query.where(changes.at_ms >= from_ms, changes.at_ms < until_ms)
        if unit is not None:
            query = query.where(changes.unit == unit)
        rows = self.fetch(query.order_by(changes.id))
        return [msgspec.json.decode(unseal(key, line), type=AlertLine) for line, key in rows]

    def audit(self, unit: str) -> list[Chained]:
        """The links of a unit's audit chain, by the numbers of their entries."""
        entries = tables.entries.c
        query = with_key(select(entries.event), tables.entries)
        query = query.where(entries.unit == unit, tables.CHAINED, entries.kind == "audit")
        rows = self.fetch(query.order_by(entries.number, entries.variant))
        return [msgspec.json.decode(unseal(key, event), type=Chained) for event, key in rows]

    def newest_place(self) -> int:
        """Of all that came in; 0: nothing has."""
        ((place,),) = self.fetch(select(func.max(tables.entries.c.id)))
        return int(place or 0)

    def was_heard(self, unit: str) -> bool:
        """Whether the gateway has taken anything from it."""
        return bool(self.fetch(select(tables.units.c.unit).where(tables.units.c.unit == unit)))

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fetch(self, query: Select[Any]) -> Sequence[Any]:
        """Rows of any question, for whoever has one of his own."""
        with self._look() as connection:
            return connection.execute(query).all()

    @contextmanager
    def _look(self) -> Iterator[Connection]:
        with told(self._words, "cannot be read", self._remedy), self._engine.connect() as connection:
            yield connection


def open_reader(site: Site) -> Reader:
    """Of a site's store. Raises ConfigError, SetupError, StorageError."""
    return Reader(of(site), site.name)


def _may_read(file: Path) -> None:
    """SQLite says of a lack of rights that it cannot open it, and needs a file of its own beside a store in use.

    Raises PermissionError.
    """
    beside = file.with_name(f"{file.name}-shm")
    if not file.exists():
        return
    if not os.access(file, os.R_OK, effective_ids=True):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
    if not beside.exists() and not os.access(file.parent, os.W_OK, effective_ids=True):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(beside))


def _engine(place: Place) -> Engine:
    if place.file is not None:
        _may_read(place.file)
        file = f"file:{quote(str(place.file))}?mode=ro"
        return create_engine(
            "sqlite://",
            creator=lambda: sqlite3.connect(file, uri=True, timeout=BUSY_S, check_same_thread=False),
            poolclass=QueuePool,
        )
    engine = make_engine(place, pool_pre_ping=True)
    event.listen(
        engine, "connect", lambda connection, _: connection.execute("SET default_transaction_read_only = on")
    )
    return engine
