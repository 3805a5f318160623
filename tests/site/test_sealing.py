"""A database of before is sealed in turns, and until its turn has come each row is read as it is."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from stored import NOON_MS, Sender, before, entry

from stillroom.errors import StorageError
from stillroom.events import ConditionChanged, Entry
from stillroom_tools.site.gateway import sealing, tables
from stillroom_tools.site.gateway.database import Database
from stillroom_tools.site.gateway.place import Place, in_folder
from stillroom_tools.site.gateway.reader import Reader
from stillroom_tools.site.gateway.sealed import KEY_BYTES, is_sealed, seal, unseal, with_key
from stillroom_tools.site.gateway.settings import FILE
from stillroom_tools.site.gateway.store import Store

COLUMNS = (
    (tables.entries, "event"), (tables.latest, "event"), (tables.alerts, "alert"), (tables.alert_changes, "line"),
)  # fmt: skip


def clear(store: Store) -> list[int]:
    """How many rows of each are in the clear."""
    rows = [store.database.run(select(table.c[column])).scalars().all() for table, column in COLUMNS]
    return [sum(not is_sealed(row) for row in found) for found in rows]


def told(folder: Path) -> object:
    with Reader(in_folder(folder)) as reader:
        rooms = [reader.entries(room, 0, 2**53) for room in reader.rooms()]
        return rooms, reader.alert_history(0, 2**53), reader.alerts(), reader.known()


def words(folder: Path) -> list[bytes]:
    """What the old database says of somebody, as it stands in its files."""
    rows = sqlite3.connect(folder / FILE).execute("SELECT event FROM entries").fetchall()
    return [row[0] if isinstance(row[0], bytes) else row[0].encode() for row in rows]


def test_it_is_sealed_in_bounded_turns_and_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "ROWS", 4)
    old = words(before(tmp_path))
    store = Store(tmp_path)
    assert clear(store) == [10, 1, 2, 3] or all(clear(store))
    said, one, left = told(tmp_path), sealing.Sealing(store), []
    notices = []
    for _ in range(9):
        notices += one.step(NOON_MS)
        left.append(clear(store))
        assert told(tmp_path) == said
    assert left[0][1:3] == [0, 0] and left[-1] == [0, 0, 0, 0]
    assert sorted({counts[0] for counts in left}, reverse=True) == [10, 6, 2, 0], "in turns"
    assert ["sealed" in notice.text for notice in notices] == [True], "said once"
    assert sealing.Sealing(store).step(NOON_MS) == [], "also after a restart"
    data = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not [event for event in old if event in data]
    store.close()
    store = Store(tmp_path)
    assert told(tmp_path) == said
    store.close()


def test_a_turn_that_fails_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(before(tmp_path))
    said, one = told(tmp_path), sealing.Sealing(store)
    one.step(NOON_MS)
    real = Database.set_number

    def failing(self: Database, key: str, value: int) -> None:
        raise StorageError("the disk is gone")

    monkeypatch.setattr(Database, "set_number", failing)
    with pytest.raises(StorageError, match="the disk is gone"):
        one.step(NOON_MS)
    monkeypatch.setattr(Database, "set_number", real)
    assert told(tmp_path) == said and clear(store)[0] == 10
    for _ in range(4):
        one.step(NOON_MS)
    assert told(tmp_path) == said and not any(clear(store))
    store.close()


def test_a_new_database_has_nothing_to_seal(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert sealing.Sealing(store).step(NOON_MS) == []
    assert store.database.run(text("SELECT count(*) FROM meta")).scalar() == 0
    store.close()


def test_what_was_sealed_opens_under_its_key_alone() -> None:
    key, content = bytes(range(KEY_BYTES)), b'{"type":"state"}'
    blob = seal(key, content)
    assert unseal(key, blob) == content and seal(key, content) != blob and unseal(None, content) == content
    for wrong in (blob[:-1], blob[:20], blob[:1], blob[:-1] + bytes([blob[-1] ^ 1])):
        with pytest.raises(StorageError, match="damaged, or not sealed under its key"):
            unseal(key, wrong)
    with pytest.raises(StorageError, match="damaged, or not sealed under its key"):
        unseal(bytes(KEY_BYTES), blob)


def as_version_5(store: Store) -> None:
    """What the gateway before sealing would have left in its place: the same rows in the clear, and no keys."""
    database = store.database
    kept = [
        [
            (row, unseal(row[-1], getattr(row, column)))
            for row in database.run(with_key(select(table), table)).all()
        ]
        for table, column in COLUMNS
    ]
    with database.transaction():
        for (table, column), rows in zip(COLUMNS, kept, strict=True):
            for row, content in rows:
                same = [part == getattr(row, part.name) for part in table.primary_key]
                database.run(update(table).where(*same).values({column: content}))
        for table in (tables.room_keys, tables.erasures):
            database.run(text(f"DROP TABLE {table.name}"))
        for name, column in (("alerts", "room"), ("alerts", "at_ms"), ("alert_changes", "room")):
            database.run(text(f"ALTER TABLE {name} DROP COLUMN {column}"))
        database.run(update(tables.version).values(version=5))
        if database.is_sqlite:
            database.run(text("PRAGMA user_version=5"))
    store.close()


def test_a_database_of_version_5_is_taken_over_on_either_kind_of_store(where: Place) -> None:
    store = Store(where)
    on_floor = ConditionChanged("on-floor", "high", True, "words of before")
    given = [entry(1, "words of before"), Entry(2, NOON_MS, NOON_MS, on_floor)]
    store.commit([Sender(store).arrive(*given)])
    with Reader(where) as reader:
        said = (
            reader.entries("room-1", 0, 2**53),
            reader.alert_history(0, 2**53),
            reader.alerts(),
            reader.known(),
        )
    as_version_5(store)
    store = Store(where)
    assert all(clear(store)), "nothing is sealed yet"
    assert store.database.run(select(tables.alert_changes.c.room)).scalars().all() == ["room-1"]
    for step in range(5):
        with Reader(where) as reader:
            now = (
                reader.entries("room-1", 0, 2**53),
                reader.alert_history(0, 2**53),
                reader.alerts(),
                reader.known(),
            )
        assert now == said, step
        one = sealing.Sealing(store)
        one.step(NOON_MS)
    assert not any(clear(store))
    store.close()
