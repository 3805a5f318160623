"""Databases of earlier versions are taken over whole; those of newer ones, of other sites and programs are not."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text
from stored import LATER, NOON_MS, Sender, before, entry

from stillroom.errors import StorageError
from stillroom_tools.site.gateway import migrations
from stillroom_tools.site.gateway.alert_forms import Alert
from stillroom_tools.site.gateway.cursor import Cursor
from stillroom_tools.site.gateway.place import in_folder
from stillroom_tools.site.gateway.reader import Reader
from stillroom_tools.site.gateway.rooms import LastKnown
from stillroom_tools.site.gateway.settings import FILE
from stillroom_tools.site.gateway.store import Store
from stillroom_tools.site.gateway.tables import VERSION


def test_a_database_of_version_4_is_taken_over_without_loss(tmp_path: Path) -> None:
    rows = sqlite3.connect(before(tmp_path) / FILE).execute("SELECT * FROM entries ORDER BY id").fetchall()
    store = Store(tmp_path, site="demo")
    assert sqlite3.connect(tmp_path / FILE).execute("SELECT * FROM entries ORDER BY id").fetchall() == rows
    assert (store.count(), store.cursor("u-1"), store.heard("u-1")) == (
        10, Cursor(2, ((4, 12),)), (1).to_bytes(16, "big"),
    )  # fmt: skip
    assert [kept.number for _, kept in store.unannounced(99)] == [2, 5, 6, 9, 10, 11, 12], "after the mark"
    assert [place for place, _ in store.unannounced_alerts(99)] == [2, 3]
    assert [(a.unit, a.kind, a.state, a.owner) for a in store.alerts.all()] == [
        ("u-1", "on-floor", "acknowledged", "ann"), ("u-2", "unit-silent", "raised", ""),
    ]  # fmt: skip
    assert store.commands.waiting("u-1") == 1
    told = store.commands.to_tell("u-1", NOON_MS)
    assert told and told.note.startswith(b"stillroom/1 roster") and told.number > NOON_MS // 1000
    assert not store.commands.queue("u-1", "roster", told.note, NOON_MS), "it waits already"
    assert store.next_boot() > 1_790_000_001
    assert store.known() == [
        LastKnown("u-1", "room-1", NOON_MS + 9, "in-bed", NOON_MS, "open", NOON_MS),
    ]
    sender = Sender(store, boot=2)
    assert store.commit([sender.arrive(entry(1, "first"), entry(3))]) == {"duplicate": 1, "new": 1}
    assert store.cursor("u-1") == Cursor(12)
    store.close()


def test_its_history_of_alerts_can_be_asked_by_time(tmp_path: Path) -> None:
    Store(before(tmp_path)).close()
    with Reader(in_folder(tmp_path)) as reader:
        assert [line.what for line in reader.alert_history(NOON_MS, NOON_MS + 300)] == [
            "raised",
            "acknowledged",
        ]
        assert [line.unit for line in reader.alert_history(NOON_MS + 300, NOON_MS + 301)] == ["u-2"]
        assert isinstance(reader.alerts()[0], Alert)


@pytest.mark.parametrize("version", sorted(LATER))
def test_each_step_leads_to_the_tables_that_a_new_one_has(tmp_path: Path, version: int) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "old").mkdir()
    Store(before(tmp_path / "old", version)).close()
    Store(tmp_path / "new").close()
    assert described(tmp_path / "old") == described(tmp_path / "new")


def described(folder: Path) -> dict[str, object]:
    """What SQLite itself says of tables and indexes, without their wording."""
    with create_engine(f"sqlite:///{folder / FILE}").connect() as connection:
        found = inspect(connection)
        said: dict[str, object] = {
            name: (
                [
                    (
                        c["name"],
                        str(c["type"]).replace("BOOLEAN", "INTEGER"),
                        c["nullable"] or c["primary_key"] > 0,
                    )
                    for c in found.get_columns(name)
                ],
                found.get_pk_constraint(name)["constrained_columns"],
                sorted((i["name"], tuple(i["column_names"])) for i in found.get_indexes(name)),
                sorted(tuple(u["column_names"]) for u in found.get_unique_constraints(name)),
            )
            for name in found.get_table_names()
        }
        for pragma in ("user_version", "application_id"):
            said[pragma] = connection.execute(text(f"PRAGMA {pragma}")).scalar()
        said["version"] = connection.execute(text("SELECT * FROM version")).all()
    return said


def test_a_step_that_fails_leaves_the_database_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = list(sqlite3.connect(before(tmp_path) / FILE).iterdump())
    broken = (*migrations._STEPS[:-1], (*migrations._KEYS, "INSERT INTO nowhere VALUES(1)"))
    monkeypatch.setattr(migrations, "_STEPS", broken)
    with pytest.raises(StorageError, match="nowhere"):
        Store(tmp_path)
    database = sqlite3.connect(tmp_path / FILE)
    assert list(database.iterdump()) == dump
    assert database.execute("PRAGMA user_version").fetchone() == (4,)


def test_an_older_gateway_is_told_that_it_is_too_old(tmp_path: Path) -> None:
    """It knows `user_version` alone."""
    Store(before(tmp_path)).close()
    assert sqlite3.connect(tmp_path / FILE).execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_a_database_is_of_one_site(tmp_path: Path) -> None:
    Store(before(tmp_path)).close()
    for _ in range(2):
        Store(tmp_path, site="ward-7").close()
    with pytest.raises(
        StorageError, match="holds what site 'ward-7' has kept, and this is 'ward-8'"
    ) as caught:
        Store(tmp_path, site="ward-8")
    assert "\n" not in str(caught.value)
    with pytest.raises(StorageError, match="ward-7"):
        Reader(in_folder(tmp_path), "ward-8")


def test_a_reader_waits_for_the_gateway_to_take_a_database_over(tmp_path: Path) -> None:
    before(tmp_path)
    with pytest.raises(StorageError, match="of version 4: start the gateway here once"):
        Reader(in_folder(tmp_path))
