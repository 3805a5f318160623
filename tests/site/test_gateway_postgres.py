"""What is PostgreSQL's alone: a server that goes, that does not flush, that is wrongly named."""

import time
from pathlib import Path

import pytest
from postgres import Postgres
from sqlalchemy import text
from stored import Sender, entry
from tests.patience import WITHIN_S

from stillroom.errors import StorageError
from stillroom_tools.site.gateway.connecting import StoreAway
from stillroom_tools.site.gateway.cursor import Cursor
from stillroom_tools.site.gateway.place import Place, find
from stillroom_tools.site.gateway.store import Store


def test_what_was_committed_survives_the_end_of_the_server(postgres: Postgres, tmp_path: Path) -> None:
    where = find(tmp_path, postgres.new_database())
    store = Store(where)
    sender = Sender(store)
    for number in range(1, 9):
        store.commit([sender.arrive(entry(number))])
    postgres.kill()
    with pytest.raises(StoreAway, match="they send it again"):
        store.commit([sender.arrive(entry(9))])
    with pytest.raises(StoreAway, match="cannot be opened"):
        store.reopen()
    postgres.start()
    store.reopen()
    assert (store.count(), store.cursor("u-1")) == (8, Cursor(8))
    again = Sender(store, boot=2)
    assert store.commit([again.arrive(entry(8), entry(9))]) == {"duplicate": 1, "new": 1}
    store.close()


def test_a_server_that_does_not_flush_is_refused(postgres: Postgres, tmp_path: Path) -> None:
    where = find(tmp_path, postgres.new_database())
    postgres.execute("ALTER SYSTEM SET fsync = off")
    postgres.execute("SELECT pg_reload_conf()")
    try:
        until_refused(where)
    finally:
        postgres.execute("ALTER SYSTEM RESET fsync")
        postgres.execute("SELECT pg_reload_conf()")


def until_refused(where: Place) -> None:
    """The server reads its settings in its own time."""
    give_up = time.monotonic() + WITHIN_S
    while time.monotonic() < give_up:
        try:
            Store(where).close()
        except StorageError as error:
            assert "fsync is off" in str(error)
            return
    pytest.fail("taken")


def test_what_is_asked_for_is_flushed_whatever_the_server_is_set_to(
    postgres: Postgres, tmp_path: Path
) -> None:
    where = find(tmp_path, postgres.new_database())
    postgres.execute(f"ALTER DATABASE {where.url.database} SET synchronous_commit = off")
    store = Store(where)
    shown = text("SHOW synchronous_commit")
    assert store.database.run(shown).scalar() == "on"
    with store.database.transaction(flushed=False):
        assert store.database.run(shown).scalar() == "off"
    assert store.database.run(shown).scalar() == "on"
    store.close()


def test_tables_of_another_program_are_left_alone(postgres: Postgres, tmp_path: Path) -> None:
    where = find(tmp_path, postgres.new_database())
    for statement in ("CREATE TABLE units(a int)", "ALTER TABLE units RENAME TO version"):
        postgres.execute(statement, str(where.url.database))
        with pytest.raises(StorageError, match="a database of another program") as caught:
            Store(where)
        assert "\n" not in str(caught.value)


def test_other_tables_beside_ours_do_no_harm(postgres: Postgres, tmp_path: Path) -> None:
    where = find(tmp_path, postgres.new_database())
    postgres.execute("CREATE TABLE patients(a int)", str(where.url.database))
    for _ in range(2):
        Store(where).close()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
        ({"username": "nobody-here"}, "nobody-here"),
        ({"query": {"host": "/nowhere"}}, "No such file or directory"),
        ({"host": "127.0.0.1", "port": 1, "query": {}, "password": "S3cret"}, "Connection refused"),
    ],
)
def test_a_server_that_cannot_be_reached_is_one_line_without_a_password(
    postgres: Postgres, tmp_path: Path, change: dict[str, object], says: str
) -> None:
    url = find(tmp_path, postgres.new_database()).url.set(**change)
    with pytest.raises(StoreAway) as caught:
        Store(find(tmp_path, url.render_as_string(hide_password=False)))
    said = str(caught.value)
    assert says in said and "\n" not in said and "S3cret" not in said
