"""The version of a gateway's database, and the steps from the versions before.

A numbered list of our own, not Alembic: few statements, always forward, always whole (both databases change tables
within a transaction), and before the first record is taken. Alembic would bring a second description of each table, an
environment to load it in, and two more packages, for what is a loop here. Versions 1 to 4 were SQLite alone and
numbered by `user_version`; it is still set, so that an older gateway says that this is too new for it.
"""

from contextlib import suppress
from typing import NamedTuple

from sqlalchemy import Connection, insert, inspect, select, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from stillroom.errors import StorageError
from stillroom_tools.site.gateway.tables import VERSION, metadata, version

APPLICATION_ID = 0x53544C52
_COMMANDS = (
    "CREATE TABLE commands(place INTEGER PRIMARY KEY AUTOINCREMENT, unit TEXT NOT NULL, kind TEXT NOT NULL, "
    "note BLOB NOT NULL, queued_ms INTEGER NOT NULL, number INTEGER NOT NULL, outcome TEXT, UNIQUE(unit, note))",
)
_ALERTS = (
    "CREATE TABLE alerts(unit TEXT NOT NULL, kind TEXT NOT NULL, alert BLOB NOT NULL, PRIMARY KEY(unit, kind)) "
    "WITHOUT ROWID",
    "CREATE TABLE alert_boots(unit TEXT PRIMARY KEY, boot INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE alert_changes(id INTEGER PRIMARY KEY AUTOINCREMENT, unit TEXT NOT NULL, line BLOB NOT NULL)",
)
_CHAINS = ("CREATE INDEX chains ON entries(unit, number, variant) WHERE kind IN ('audit', 'lost')",)
_RETENTION = (
    "ALTER TABLE units ADD COLUMN heard_ms INTEGER NOT NULL DEFAULT 0",
    "UPDATE units SET heard_ms = coalesce((SELECT max(opened_ms) FROM entries WHERE entries.unit = units.unit), 0)",
    "CREATE TABLE latest(unit TEXT NOT NULL, kind TEXT NOT NULL, room TEXT NOT NULL, number INTEGER NOT NULL, "
    "at_ms INTEGER NOT NULL, event BLOB NOT NULL, PRIMARY KEY(unit, kind)) WITHOUT ROWID",
    # Columns beside max() are those of the row that has it: SQLite's own rule.
    "INSERT INTO latest SELECT unit, kind, room, max(number), at_ms, event FROM entries "
    "WHERE kind IN ('state', 'gate') GROUP BY unit, kind",
    "CREATE TABLE forgotten(unit TEXT NOT NULL, retention TEXT NOT NULL, number INTEGER NOT NULL, "
    "accepted_ms INTEGER NOT NULL, PRIMARY KEY(unit, retention)) WITHOUT ROWID",
    "ALTER TABLE alert_changes ADD COLUMN at_ms INTEGER NOT NULL DEFAULT 0",
    "UPDATE alert_changes SET at_ms = json_extract(CAST(line AS TEXT), '$.at_ms')",
    "CREATE INDEX alert_changes_at ON alert_changes(at_ms)",
    "CREATE INDEX entries_room ON entries(room, at_ms)",
    "CREATE INDEX entries_age ON entries(retention, opened_ms)",
    # Without its index of whole notes, which PostgreSQL could not have.
    "ALTER TABLE commands RENAME TO commands_before",
    "CREATE TABLE commands(place INTEGER PRIMARY KEY AUTOINCREMENT, unit TEXT NOT NULL, kind TEXT NOT NULL, "
    "note BLOB NOT NULL, queued_ms INTEGER NOT NULL, number INTEGER NOT NULL, outcome TEXT)",
    "INSERT INTO commands SELECT * FROM commands_before",
    "DROP TABLE commands_before",
    "CREATE INDEX commands_unit ON commands(unit)",
    "CREATE TABLE version(version INTEGER NOT NULL, site TEXT NOT NULL)",
    "INSERT INTO version VALUES(4, '')",
)
_KEYS = (
    "CREATE TABLE room_keys(room TEXT NOT NULL, day {int} NOT NULL, key {blob} NOT NULL, "
    "PRIMARY KEY(room, day)){keyed}",
    "CREATE TABLE erasures(id TEXT NOT NULL, unit TEXT NOT NULL, room TEXT NOT NULL, from_ms {int} NOT NULL, "
    "until_ms {int} NOT NULL, at_ms {int} NOT NULL, audit BOOLEAN NOT NULL, gone TEXT NOT NULL, "
    "PRIMARY KEY(id, unit)){keyed}",
    "ALTER TABLE alerts ADD COLUMN room TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE alerts ADD COLUMN at_ms {int} NOT NULL DEFAULT 0",
    "ALTER TABLE alert_changes ADD COLUMN room TEXT NOT NULL DEFAULT ''",
    "UPDATE alert_changes SET room = {room}",
    # Rows up to here are in the clear: millions perhaps, which the gateway seals in turns (`sealing`).
    "INSERT INTO meta SELECT 'clear entries', max(id) FROM entries HAVING max(id) IS NOT NULL",
    "INSERT INTO meta SELECT 'clear alert_changes', max(id) FROM alert_changes HAVING max(id) IS NOT NULL",
    "INSERT INTO meta VALUES('clear latest', 1)",
    "INSERT INTO meta VALUES('clear alerts', 1)",
)
_STEPS = (_COMMANDS, _ALERTS, _CHAINS, _RETENTION, _KEYS)
"""What leads from version 1 to 2, from 2 to 3, and so on. They never change: the next one is added."""
_WORDS = {
    True: {
        "int": "INTEGER",
        "blob": "BLOB",
        "keyed": " WITHOUT ROWID",
        "room": "json_extract(CAST(line AS TEXT), '$.room')",
    },
    False: {
        "int": "BIGINT",
        "blob": "BYTEA",
        "keyed": "",
        "room": "convert_from(line, 'UTF8')::json->>'room'",
    },
}
"""Of SQLite (True) and PostgreSQL, which has been there since version 5."""


class Found(NamedTuple):
    version: int
    """0: nothing is there."""
    site: str


def bring_up(connection: Connection, words: str, site: str) -> None:
    """To `VERSION`, and `site` its owner, at once or not at all. Raises StorageError where it is none of ours."""
    found = look(connection, words)
    check(found, words, site)
    if found == (VERSION, site or found.site):
        return
    is_sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_sqlite else "BEGIN")
    try:
        _step(connection, found.version, is_sqlite)
        connection.execute(update(version).values(version=VERSION, site=site or found.site))
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        with suppress(SQLAlchemyError):
            connection.exec_driver_sql("ROLLBACK")
        raise


def look(connection: Connection, words: str) -> Found:
    """What is there. Raises StorageError for another program's."""
    names = set(inspect(connection).get_table_names())
    numbered = _numbered(connection, words, bool(names)) if connection.dialect.name == "sqlite" else 0
    if version.name in names:
        try:
            rows = connection.execute(select(version.c.version, version.c.site)).all()
        except DBAPIError:
            rows = []
        if len(rows) != 1:
            raise _foreign(words)
        return Found(max(rows[0].version, numbered), rows[0].site)
    if not numbered and names & set(metadata.tables):
        raise _foreign(words)
    return Found(numbered, "")


def check(found: Found, words: str, site: str) -> None:
    """Raises StorageError where it is too new, or another site's."""
    if found.version > VERSION:
        raise StorageError(f"{words}: made by a newer version ({found.version}; this one knows {VERSION})")
    if site and found.site not in ("", site):
        raise StorageError(
            f"{words}: holds what site '{found.site}' has kept, and this is '{site}': give each a database of its own"
        )


def _step(connection: Connection, before: int, is_sqlite: bool) -> None:
    if before == 0:
        metadata.create_all(connection, checkfirst=False)
        connection.execute(insert(version).values(version=VERSION, site=""))
    else:
        for statements in _STEPS[before - 1 :]:
            for statement in statements:
                connection.exec_driver_sql(_worded(statement, is_sqlite))
    if is_sqlite:
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version={VERSION}")


def _worded(statement: str, is_sqlite: bool) -> str:
    for name, word in _WORDS[is_sqlite].items():
        statement = statement.replace(f"{{{name}}}", word)
    return statement


def _numbered(connection: Connection, words: str, any_table: bool) -> int:
    """SQLite's own mark: 0 for an empty file. Raises StorageError where it is another program's."""
    numbered = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    application = int(connection.exec_driver_sql("PRAGMA application_id").scalar_one())
    empty = not any_table and application == 0 and numbered == 0
    if application != APPLICATION_ID and not empty:
        raise _foreign(words)
    return numbered


def _foreign(words: str) -> StorageError:
    return StorageError(f"{words}: a database of another program: move it away, or name another one")
