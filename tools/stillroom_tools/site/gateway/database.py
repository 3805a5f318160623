"""The gateway's database file: ours alone, flushed at every commit, its schema numbered."""

import os
import sqlite3
from pathlib import Path

from stillroom.errors import StorageError

SCHEMA_VERSION = 4

_APPLICATION_ID = 0x53544C52
_SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE units(
  unit TEXT PRIMARY KEY, room TEXT NOT NULL, contiguous INTEGER NOT NULL, ranges BLOB NOT NULL, seen BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE entries(
  id INTEGER PRIMARY KEY AUTOINCREMENT, unit TEXT NOT NULL, number INTEGER NOT NULL, room TEXT NOT NULL,
  at_ms INTEGER NOT NULL, accepted_ms INTEGER NOT NULL, sealed_ms INTEGER NOT NULL, opened_ms INTEGER NOT NULL,
  late INTEGER NOT NULL, kind TEXT NOT NULL, retention TEXT NOT NULL, event BLOB NOT NULL,
  variant INTEGER NOT NULL, UNIQUE(unit, number, variant));
"""
_COMMANDS = """
CREATE TABLE commands(
  place INTEGER PRIMARY KEY AUTOINCREMENT, unit TEXT NOT NULL, kind TEXT NOT NULL, note BLOB NOT NULL,
  queued_ms INTEGER NOT NULL, number INTEGER NOT NULL, outcome TEXT, UNIQUE(unit, note));
"""
_ALERTS = """
CREATE TABLE alerts(unit TEXT NOT NULL, kind TEXT NOT NULL, alert BLOB NOT NULL, PRIMARY KEY(unit, kind)) WITHOUT ROWID;
CREATE TABLE alert_boots(unit TEXT PRIMARY KEY, boot INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE alert_changes(id INTEGER PRIMARY KEY AUTOINCREMENT, unit TEXT NOT NULL, line BLOB NOT NULL);
"""
_CHAINS = """
CREATE INDEX chains ON entries(unit, number, variant) WHERE kind IN ('audit', 'lost');
"""
_STEPS = (_SCHEMA, _COMMANDS, _ALERTS, _CHAINS)
"""What each version of the schema added."""


def open_database(path: Path) -> sqlite3.Connection:
    """Open, or make; mode 0600. Raises StorageError."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        database = sqlite3.connect(path, isolation_level=None)
        version = _check_ours(path, database)
        mode = database.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        database.execute("PRAGMA synchronous=FULL")
        if version < SCHEMA_VERSION:
            database.executescript(
                f"BEGIN; {''.join(_STEPS[version:])} PRAGMA application_id={_APPLICATION_ID};"
                f"PRAGMA user_version={SCHEMA_VERSION}; COMMIT;"
            )
    except (sqlite3.Error, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise StorageError(f"{path}: cannot be opened: {reason}: restore it, or move it away") from None
    if mode != "wal":
        raise StorageError(f"{path}: this file system cannot hold a WAL database (mode {mode})")
    return database


def _check_ours(path: Path, database: sqlite3.Connection) -> int:
    """The schema version, 0 for an empty file. Raises StorageError where it is another program's, or newer."""
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    application = int(database.execute("PRAGMA application_id").fetchone()[0])
    empty = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if empty and application == 0 and version == 0:
        return 0
    if application != _APPLICATION_ID:
        raise StorageError(f"{path}: a database of another program: move it away")
    if version > SCHEMA_VERSION:
        raise StorageError(f"{path}: made by a newer version ({version}; this one knows {SCHEMA_VERSION})")
    return version
