"""The gateway's tables, once for every database that SQLAlchemy Core speaks. Steps from older versions: `migrations`.

Times are UTC in ms. `retention` is the class in `stillroom.events`, and of a row that has outlived its class and stays
without words (`retention.py`), `for-good`.

What says something of somebody (`event`, `alert`, `line`) is sealed under the key of its room and day (`sealed.py`).
In the clear stay rows that are kept for good, and those of an older database until their turn comes (`sealing.py`).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

VERSION = 6
"""Of what stands below."""

_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

version = Table(
    "version",
    metadata,
    Column("version", Integer, nullable=False),
    Column("site", Text, nullable=False),
)
"""One row. The site whose records are here; empty until a gateway has named it."""

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", _NUMBER, nullable=False),
    sqlite_with_rowid=False,
)
"""Single numbers: the highest boot, what was printed, when retention ran."""

room_keys = Table(
    "room_keys",
    metadata,
    Column("room", Text, primary_key=True),
    Column("day", _NUMBER, primary_key=True),
    Column("key", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""A random key for each room and day (UTC, days since 1970) of which anything is kept; without it nothing of it is."""

erasures = Table(
    "erasures",
    metadata,
    Column("id", Text, primary_key=True),
    Column("unit", Text, primary_key=True),
    Column("room", Text, nullable=False),
    Column("from_ms", _NUMBER, nullable=False),
    Column("until_ms", _NUMBER, nullable=False),
    Column("at_ms", _NUMBER, nullable=False),
    Column("audit", Boolean, nullable=False),
    Column("gone", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""What was erased on somebody's wish, and must not come back. unit: each that had told of the room then; '': any.

audit: the record of who looked went too. gone: how many of what, JSON, where `unit` is ''.
"""

units = Table(
    "units",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("room", Text, nullable=False),
    Column("contiguous", _NUMBER, nullable=False),
    Column("ranges", LargeBinary, nullable=False),
    Column("seen", LargeBinary, nullable=False),
    Column("heard_ms", _NUMBER, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)
"""contiguous, ranges: the cursor (msgpack). seen: what guards against replays. heard_ms: of the newest record."""

entries = Table(
    "entries",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("unit", Text, nullable=False),
    Column("number", _NUMBER, nullable=False),
    Column("room", Text, nullable=False),
    Column("at_ms", _NUMBER, nullable=False),
    Column("accepted_ms", _NUMBER, nullable=False),
    Column("sealed_ms", _NUMBER, nullable=False),
    Column("opened_ms", _NUMBER, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("kind", Text, nullable=False),
    Column("retention", Text, nullable=False),
    Column("event", LargeBinary, nullable=False),
    Column("variant", Integer, nullable=False),
    UniqueConstraint("unit", "number", "variant"),
    sqlite_autoincrement=True,
)
"""Every entry once; `event` is JSON, sealed. variant: more than one content under a number, where a key was copied."""

CHAINED = entries.c.kind.in_([literal_column("'audit'"), literal_column("'lost'")])
"""Audit links and losses. Written out: with parameters in their place SQLite does not know the index for it."""

Index(
    "chains",
    entries.c.unit,
    entries.c.number,
    entries.c.variant,
    sqlite_where=CHAINED,
    postgresql_where=CHAINED,
)
Index("entries_room", entries.c.room, entries.c.at_ms)
Index("entries_age", entries.c.retention, entries.c.opened_ms)

latest = Table(
    "latest",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("room", Text, nullable=False),
    Column("number", _NUMBER, nullable=False),
    Column("at_ms", _NUMBER, nullable=False),
    Column("event", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""Each unit's newest `state` and `gate`: what it says of a room until the next one."""

forgotten = Table(
    "forgotten",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("retention", Text, primary_key=True),
    Column("number", _NUMBER, nullable=False),
    Column("accepted_ms", _NUMBER, nullable=False),
    sqlite_with_rowid=False,
)
"""The highest number and acceptance that retention has deleted: what lies below and comes again is none that is new."""

commands = Table(
    "commands",
    metadata,
    Column("place", _NUMBER, primary_key=True, autoincrement=True),
    Column("unit", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("queued_ms", _NUMBER, nullable=False),
    Column("number", _NUMBER, nullable=False),
    Column("outcome", Text),
    sqlite_autoincrement=True,
)
"""Each note once for a unit: `commands` sees to it, for PostgreSQL indexes nothing as long as a roster."""

Index("commands_unit", commands.c.unit)

alerts = Table(
    "alerts",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("alert", LargeBinary, nullable=False),
    Column("room", Text, nullable=False, server_default=""),
    Column("at_ms", _NUMBER, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)
"""What each has become (`alert_forms.Alert`, msgpack); at_ms: raised last. Room and time name its key."""

alert_boots = Table(
    "alert_boots",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("boot", _NUMBER, nullable=False),
    sqlite_with_rowid=False,
)

alert_changes = Table(
    "alert_changes",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("unit", Text, nullable=False),
    Column("line", LargeBinary, nullable=False),
    Column("at_ms", _NUMBER, nullable=False, server_default="0"),
    Column("room", Text, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)
"""The history: a line of JSON (`alert_book.AlertLine`) for each change."""

Index("alert_changes_at", alert_changes.c.at_ms)
