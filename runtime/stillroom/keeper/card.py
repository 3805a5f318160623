"""The outbox's database file on the card: opened, checked, put aside when damaged, and read for what can be saved.

Each row of an entry carries a digest: a bit that rotted inside a page changes no structure that SQLite would notice.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stillroom.errors import StorageError
from stillroom.files import flush_folder

FILE = "outbox.db"
_NEW = "outbox.new.db"
ASIDE = "outbox.damaged-"
MAX_ASIDE = 3
"""Damaged files kept beside; the oldest goes first, so that damage cannot fill the card."""
SCHEMA_VERSION = 3
PAGE_BYTES = 1024
"""Of the database. A commit touches two or three: a quiet day writes 24 MB to the card at 4096, half of it at 1024."""

_SCHEMA = f"""
BEGIN;
CREATE TABLE meta(key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE entries(
  priority INTEGER NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, accepted_ms INTEGER NOT NULL,
  event BLOB NOT NULL, digest BLOB NOT NULL, PRIMARY KEY(priority, number)) WITHOUT ROWID;
CREATE TABLE audit(
  position INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, salt BLOB NOT NULL, body BLOB NOT NULL, head BLOB NOT NULL,
  signature BLOB NOT NULL);
PRAGMA user_version={SCHEMA_VERSION};
COMMIT;
"""

Row = tuple[int, int, int, int, bytes, bytes]
"""priority, number, at_ms, accepted_ms, event, digest"""


class Damaged(Exception):
    """The file is not what was written; the message says how that showed."""


@dataclass(frozen=True)
class Saved:
    """What could still be read from a damaged file, and is as it was written."""

    entries: tuple[Row, ...] = ()
    links: tuple[tuple[Any, ...], ...] = ()
    meta: tuple[tuple[str, int | bytes], ...] = ()

    def into(self, database: sqlite3.Connection, numbers: int) -> None:
        """Write it into a new database, but for entries above `numbers`, which never were. Does not commit."""
        entries = [row for row in self.entries if 1 <= row[1] <= numbers]
        database.executemany("INSERT INTO entries VALUES(?,?,?,?,?,?)", entries)
        database.executemany("INSERT OR IGNORE INTO audit VALUES(?,?,?,?,?,?)", self.links)
        database.executemany("INSERT OR REPLACE INTO meta VALUES(?,?)", self.meta)


@dataclass(frozen=True)
class Space:
    """Of the file system that holds the outbox."""

    free_bytes: int
    total_bytes: int


def space(folder: Path) -> Space:
    """What a process without privileges may still write. Raises OSError."""
    found = os.statvfs(folder)
    return Space(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def row_digest(priority: int, number: int, at_ms: int, accepted_ms: int, event: bytes) -> bytes:
    head = b"".join(n.to_bytes(8, "big") for n in (priority, number, at_ms, accepted_ms))
    return hashlib.blake2b(head + event, digest_size=8).digest()


def is_damage(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the file is spoilt, rather than full, busy or unreadable for now."""
    return isinstance(error, sqlite3.DatabaseError) and (
        "malformed" in str(error) or "not a database" in str(error)
    )


def open_database(path: Path, *, expected: bool) -> sqlite3.Connection:
    """Open, or make where none was `expected`. Raises Damaged; StorageError where the card refuses."""
    if expected and not (path.exists() and path.stat().st_size):
        raise Damaged("the file is empty" if path.exists() else "the file is missing")
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        database = sqlite3.connect(path, isolation_level="DEFERRED", cached_statements=32, timeout=0.5)
    except (OSError, sqlite3.Error) as error:
        raise _refused(path, error) from None
    try:
        _set_up(path, database)
        _check(path, database, expected)
        return database
    except sqlite3.Error as error:
        _close(database)
        if is_damage(error):
            raise Damaged(str(error)) from None
        raise _refused(path, error) from None
    except BaseException:
        _close(database)
        raise


def _refused(path: Path, error: Exception) -> StorageError:
    return StorageError(f"{path}: cannot be opened: {error}; free space, or mend the card")


def open_new(path: Path) -> sqlite3.Connection:
    """A database that is to take the place of the one at `path`, see `finish_replacing`. Raises as `open_database`."""
    for old in path.parent.glob(f"{_NEW}*"):
        old.unlink()
    return open_database(path.with_name(_NEW), expected=False)


def finish_replacing(path: Path) -> None:
    """Once the damaged file is out of the way, the new one gets its name; a power cut between is made up for."""
    new = path.with_name(_NEW)
    if new.exists() and not path.exists():
        new.replace(path)
        flush_folder(path.parent)


def put_aside(path: Path, boot: int) -> Path:
    """Move a damaged database, with its log, to a name that says so; the new name. Raises OSError."""
    aside = path.with_name(f"{ASIDE}{boot:08d}.db")
    for tail in ("-wal", "-shm", "-journal", ""):
        source = path.with_name(path.name + tail)
        if source.exists():
            source.replace(aside.with_name(aside.name + tail))
    for old in sorted(path.parent.glob(f"{ASIDE}*.db"))[:-MAX_ASIDE]:
        for file in path.parent.glob(f"{old.name}*"):
            file.unlink(missing_ok=True)
    flush_folder(path.parent)
    return aside


def save(damaged: Path) -> Saved:
    """All that can be read of a damaged file. Never raises for what it finds in there."""
    database: sqlite3.Connection | None = None
    try:
        database = sqlite3.connect(f"file:{damaged}?mode=rw", uri=True, timeout=0.5)
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        entries = {row[1]: row for row in _rows(database, "entries", "priority, number") if _is_sound(row)}
        links = {row[0]: row for row in _rows(database, "audit", "position")}
        meta = {row[0]: row for row in _rows(database, "meta", "key")}
        return Saved(
            tuple(entries.values()),
            tuple(links.values()),
            tuple((key, value) for key, value in meta.values() if isinstance(value, int | bytes)),
        )
    except sqlite3.Error:
        return Saved()
    finally:
        _close(database)


def _set_up(path: Path, database: sqlite3.Connection) -> None:
    database.execute("PRAGMA locking_mode=EXCLUSIVE")
    database.execute(f"PRAGMA page_size={PAGE_BYTES}")
    mode = database.execute("PRAGMA journal_mode=WAL").fetchall()[0][0]
    database.execute("PRAGMA synchronous=FULL")
    database.execute("PRAGMA wal_autocheckpoint=1024")
    database.execute("PRAGMA cache_size=-512")
    database.execute("PRAGMA temp_store=MEMORY")  # a keeper may write nowhere but here
    if mode != "wal":
        raise StorageError(f"{path}: this file system cannot hold a WAL database (mode {mode}); use ext4")


def _check(path: Path, database: sqlite3.Connection, expected: bool) -> None:
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    empty = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if empty:
        if expected:
            raise Damaged("the file is empty")
        database.executescript(_SCHEMA)
        return
    if version != SCHEMA_VERSION:
        raise StorageError(
            f"{path}: of another version ({version}; this one has {SCHEMA_VERSION}): "
            "let the version that made it deliver what waits, then move the file away"
        )
    found = database.execute("PRAGMA quick_check(1)").fetchall()[0][0]
    if found != "ok":
        raise Damaged(" ".join(str(found).split()))


def _rows(database: sqlite3.Connection, table: str, order: str) -> Iterator[tuple[Any, ...]]:
    """From the beginning until what cannot be read, then from the end."""
    for direction in ("ASC", "DESC"):
        by = ", ".join(f"{column.strip()} {direction}" for column in order.split(","))
        try:
            with closing(database.execute(f"SELECT * FROM {table} ORDER BY {by}")) as rows:
                yield from rows
            return
        except (sqlite3.Error, UnicodeDecodeError):
            continue


def _is_sound(row: tuple[Any, ...]) -> bool:
    *written, digest = row
    try:
        return bool(row_digest(*written) == digest)
    except (TypeError, OverflowError, AttributeError):
        return False


def _close(database: sqlite3.Connection | None) -> None:
    if database is not None:
        with suppress(sqlite3.Error):
            database.close()
