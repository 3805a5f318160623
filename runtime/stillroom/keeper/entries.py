"""The rows of the outbox: in the order in which they go, in the order in which they give way, and the ranges between.

Nothing here commits, and nothing here knows why.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from stillroom.events import Audited, ConditionChanged, Entry, Event, Lost, Summary, Telemetry
from stillroom.keeper.card import Row, row_digest

LATE_AFTER_MS = 60_000
MAX_LOST_RANGES = 32
MAX_LINKS = 100_000
"""Of the audit chain, kept on the unit; 30 MB. What is older was delivered long ago."""

ALERT, LOST, CHANGE, AUDIT, ROUTINE = range(5)
"""In the order in which they go."""
GIVES_WAY = (ROUTINE, CHANGE, AUDIT, ALERT)
"""When there is no room; what tells of losses never does. A link of the audit chain is kept beside, and goes later."""

Range = tuple[int, int]


def priority(event: Event) -> int:
    """Alerts first, then what was lost, changes, audit, summaries and telemetry."""
    if isinstance(event, ConditionChanged) and event.level in {"high", "medium"}:
        return ALERT
    if isinstance(event, Lost):
        return LOST
    if isinstance(event, Summary | Telemetry):
        return ROUTINE
    return AUDIT if isinstance(event, Audited) else CHANGE


class Entries:
    """The table of entries in one database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._encode = msgspec.msgpack.Encoder().encode
        self._decoder = msgspec.msgpack.Decoder(Event)
        self.recount()

    def recount(self) -> None:
        """Count the rows again: after a rollback."""
        self.count = int(self._database.execute("SELECT count(*) FROM entries").fetchone()[0])

    def put(self, number: int, at_ms: int, accepted_ms: int, event: Event) -> None:
        """One entry; a link of the audit chain goes into its own table as well."""
        row = (priority(event), number, at_ms, accepted_ms, self._encode(event))
        self._database.execute("INSERT INTO entries VALUES(?,?,?,?,?,?)", (*row, row_digest(*row)))
        self.count += 1
        if isinstance(event, Audited):
            link = (event.index, event.at_ms, event.salt, event.body, event.head, event.signature)
            self._database.execute("INSERT OR REPLACE INTO audit VALUES(?,?,?,?,?,?)", link)
            self._database.execute("DELETE FROM audit WHERE position <= ?", (event.index - MAX_LINKS,))

    def renumber(self, above: int, to: int) -> int:
        """Give those above `above` the numbers from `to + 1` on, in their order; the last number given."""
        rows = self._database.execute(
            "SELECT * FROM entries WHERE number > ? ORDER BY number", (above,)
        ).fetchall()
        for of, number, at_ms, accepted_ms, event, _ in rows:
            to += 1
            self._database.execute("DELETE FROM entries WHERE priority = ? AND number = ?", (of, number))
            row = (of, to, at_ms, accepted_ms, event)
            self._database.execute("INSERT INTO entries VALUES(?,?,?,?,?,?)", (*row, row_digest(*row)))
        return to

    def delete(self, first: int, last: int) -> int:
        """Every number from `first` to `last`; how many there were."""
        # IN, not BETWEEN: five looks into the index instead of a walk through all that waits.
        done = self._database.execute(
            "DELETE FROM entries WHERE priority IN (0, 1, 2, 3, 4) AND number BETWEEN ? AND ?", (first, last)
        )
        self.count -= done.rowcount
        return done.rowcount

    def in_order(self, limit: int) -> Iterator[Row]:
        """The first `limit` rows as they are to go: alerts newest first, all else oldest first."""
        for of in range(ALERT, ROUTINE + 1):
            way = "DESC" if of == ALERT else "ASC"
            rows = self._database.execute(
                f"SELECT * FROM entries WHERE priority = ? ORDER BY number {way} LIMIT ?", (of, limit)
            ).fetchall()
            yield from rows
            limit -= len(rows)
            if limit <= 0:
                return

    def least(self, limit: int, among: Sequence[int] = GIVES_WAY) -> list[int]:
        """Numbers of up to `limit` entries that would give way first; never what tells of others lost."""
        found: list[int] = []
        for of in among:
            if len(found) < limit:
                rows = self._database.execute(
                    "SELECT number FROM entries WHERE priority = ? ORDER BY number LIMIT ?",
                    (of, limit - len(found)),
                )
                found += [number for (number,) in rows]
        return found

    def count_of(self, of: int) -> int:
        return int(
            self._database.execute("SELECT count(*) FROM entries WHERE priority = ?", (of,)).fetchone()[0]
        )

    def take_back_lost(self, reason: str) -> list[Range]:
        """Remove what tells of losses for this reason; the ranges told, and those entries' own numbers."""
        rows = self._database.execute("SELECT * FROM entries WHERE priority = ?", (LOST,)).fetchall()
        ranges: list[Range] = []
        for row in rows:
            entry = self.entry(row, 0)
            if entry and isinstance(entry.event, Lost) and entry.event.reason == reason:
                ranges += [*entry.event.ranges, (entry.number, entry.number)]
                self.delete(entry.number, entry.number)
        return ranges

    def links_of(self, numbers: Iterable[int]) -> list[int]:
        """The indices of those of these entries that are links of the audit chain."""
        select = "SELECT * FROM entries WHERE priority = ? AND number = ?"
        rows = (self._database.execute(select, (AUDIT, number)).fetchone() for number in numbers)
        entries = [self.entry(row, 0) for row in rows if row]
        return [entry.event.index for entry in entries if entry and isinstance(entry.event, Audited)]

    def indices(self) -> list[int]:
        """Of all links that wait."""
        rows = self._database.execute("SELECT number FROM entries WHERE priority = ?", (AUDIT,)).fetchall()
        return self.links_of(number for (number,) in rows)

    def links_from(self, index: int, limit: int) -> list[Audited]:
        """Up to `limit` links of the chain, as they are kept beside the entries, from this one on."""
        rows = self._database.execute(
            "SELECT * FROM audit WHERE position >= ? ORDER BY position LIMIT ?", (index, limit)
        )
        return [
            Audited(at, at_ms, body, salt, head, signature) for at, at_ms, salt, body, head, signature in rows
        ]

    def numbers(self) -> list[int]:
        """All that wait."""
        return [number for (number,) in self._database.execute("SELECT number FROM entries ORDER BY number")]

    def entry(self, row: Row, utc_ms: int) -> Entry | None:
        """What a row says; None where it is not what was written."""
        of, number, at_ms, accepted_ms, event, written = row
        if row_digest(of, number, at_ms, accepted_ms, event) != written:
            return None
        late = utc_ms - accepted_ms > LATE_AFTER_MS
        return Entry(number, at_ms, accepted_ms, self._decoder.decode(event), late)


def runs(ranges: Iterable[Range]) -> list[Range]:
    """Ranges in any order, touching and overlapping ones made one."""
    joined: list[Range] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def gaps(present: Iterable[int], first: int, last: int) -> list[Range]:
    """From `first` to `last`, all that is not among `present` (sorted)."""
    missing: list[Range] = []
    for number in present:
        if number > last:
            break
        if number > first:
            missing.append((first, number - 1))
        first = max(first, number + 1)
    return [*missing, (first, last)] if first <= last else missing


def told(ranges: Sequence[Range], reason: str) -> list[Lost]:
    """As many entries as it takes to tell of all these ranges."""
    return [
        Lost(tuple(ranges[at : at + MAX_LOST_RANGES]), reason)
        for at in range(0, len(ranges), MAX_LOST_RANGES)
    ]
