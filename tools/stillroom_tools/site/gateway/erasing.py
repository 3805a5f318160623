"""Erasing a time of a room: its rows are deleted and the keys of its days destroyed, a day a transaction.

Rows of a day that stay (it lay only in part within that time, or the record of who looked is to stay) are sealed anew
under a new key before the old one goes, so that each key that was ever written down opens nothing any more. Links of
an audit chain keep place and proof, and nothing else: the chain verifies as before. What was asked for is on the disk
before anything goes; after a kill the same wish, asked again, goes on and counts on.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Select, Table, bindparam, delete, func, select, union, update

from stillroom.errors import StillroomError
from stillroom.events import Audited
from stillroom_tools.site.audit_file import link_of
from stillroom_tools.site.gateway import tables
from stillroom_tools.site.gateway.alert_book import kept_of, within
from stillroom_tools.site.gateway.alert_forms import UNIT_SILENT, Alert
from stillroom_tools.site.gateway.erased import decode
from stillroom_tools.site.gateway.erasures import Wish
from stillroom_tools.site.gateway.proof import FOR_GOOD, STAY, proof_alone
from stillroom_tools.site.gateway.sealed import DAY_MS, day_in, day_of, unseal, with_key
from stillroom_tools.site.gateway.store import Store

Fetch = Callable[[Select[Any]], Sequence[Any]]
MOST_AT_ONCE = 500
_e = tables.entries.c
_LOOKS = ("view-granted", "view-refused", "release-started")
_CONTENTS: tuple[tuple[Table, str], ...] = (
    (tables.entries, "event"),
    (tables.alert_changes, "line"),
    (tables.latest, "event"),
)


class AlertsStand(StillroomError):
    """Somebody still has to answer for them."""


class Fate(NamedTuple):
    """What becomes of an entry: `proof` is what stays of it, None where nothing does."""

    row: Any
    counts_as: str
    proof: bytes | None


def standing(alerts: Sequence[Alert], wish: Wish) -> list[Alert]:
    """Those that keep it from being erased: of a person, raised in that time or before, and not closed."""
    return [
        alert
        for alert in alerts
        if alert.active and not alert.technical and alert.kind != UNIT_SILENT
        and alert.room == wish.room and alert.first_ms < wish.until_ms
    ]  # fmt: skip


def refuse_standing(alerts: Sequence[Alert], wish: Wish) -> None:
    """Raises AlertsStand."""
    if found := standing(alerts, wish):
        named = ", ".join(f"{alert.kind} of unit {alert.unit}" for alert in found[:3])
        raise AlertsStand(
            f"room '{wish.room}': {len(found)} of its alerts stand ({named}): nothing of it is erased while somebody "
            "must answer for one: stillroom site alerts attend"
        )


def would_go(fetch: Fetch, wish: Wish) -> Counter[str]:
    """How many of what, with nothing done: as `Eraser` counts it."""
    counts: Counter[str] = Counter()
    over = [alert for alert in kept_of(fetch, wish.room) if not alert.active]
    for day in days_of(fetch, wish):
        counts.update(fate.counts_as for fate in fates(fetch, wish, day))
        counts["alert changes"] += len(fetch(_changes(wish, day)))
        counts["commands"] += len(_answered(fetch, wish, day))
        left = [alert for alert in over if not within(alert, *_part(wish, day))]
        counts["alerts"] += len(over) - len(left)
        over = left  # one of many days goes with the first
        keys = tables.room_keys.c
        counts["keys"] += len(fetch(select(keys.day).where(keys.room == wish.room, keys.day == day)))
    return +counts


def days_of(fetch: Fetch, wish: Wish) -> list[int]:
    """Days of which anything is kept, from the first on."""
    keys, first, last = tables.room_keys.c, day_of(wish.from_ms), day_of(wish.until_ms - 1)
    asked = [select(keys.day).where(keys.room == wish.room, keys.day >= first, keys.day <= last)]
    for table in (tables.entries, tables.alert_changes, tables.latest):
        at_ms = table.c.at_ms
        inside = (table.c.room == wish.room) & (at_ms >= wish.from_ms) & (at_ms < wish.until_ms)
        asked.append(select(day_in(table)).where(inside))
    return sorted({int(day) for (day,) in fetch(union(*asked))})  # type: ignore[arg-type]


def fates(fetch: Fetch, wish: Wish, day: int) -> Iterator[Fate]:
    """Of all entries of a day that are to go."""
    query = with_key(select(_e.id, _e.unit, _e.kind, _e.retention, _e.event), tables.entries)
    low_ms, high_ms = _part(wish, day)
    for row in fetch(query.where(_e.room == wish.room, _e.at_ms >= low_ms, _e.at_ms < high_ms)):
        if row.retention == FOR_GOOD or not wish.covers(low_ms, row.retention):
            continue
        if row.kind not in STAY:
            yield Fate(row, row.kind, None)
            continue
        event = unseal(row.key, row.event)
        proof = proof_alone(event)
        yield Fate(row, "kept whole" if proof == event else _link_kind(event), proof)


class Eraser:
    """Of one wish: `steps`, each a bounded transaction; then `gone` counts what went."""

    def __init__(self, store: Store, wish: Wish, now_ms: int) -> None:
        self._store, self._wish, self._now_ms = store, wish, now_ms
        self.gone: Counter[str] = Counter()

    def steps(self) -> Iterator[None]:
        """Raises AlertsStand, before anything is done; StorageError."""
        refuse_standing(self._store.alerts.all(), self._wish)
        self._begin()
        yield
        for day in days_of(self._fetch, self._wish):
            self._erase_day(day)
            yield
        while not self._store.database.forget_pages(tables.room_keys):
            yield

    def _begin(self) -> None:
        """From here on nothing of it is taken any more."""
        database, wish, table = self._store.database, self._wish, tables.erasures
        before = database.run(select(table.c.gone).where(table.c.id == wish.id, table.c.unit == "")).scalar()
        if before is not None:
            self.gone.update(msgspec.json.decode(before, type=dict[str, int]))
            return
        told = select(_e.unit).where(_e.room == wish.room, _e.at_ms >= wish.from_ms, _e.at_ms < wish.until_ms)
        now_there = select(tables.units.c.unit).where(tables.units.c.room == wish.room)
        units = {"", *(unit for (unit,) in database.run(union(told, now_there)))}
        with database.transaction():
            database.put(table, [self._row(unit) for unit in sorted(units)])
        for unit in units:
            self._store.erasures.begun(wish, unit)

    def _row(self, unit: str) -> dict[str, object]:
        wish = self._wish
        return {
            "id": wish.id,
            "unit": unit,
            "room": wish.room,
            "from_ms": wish.from_ms,
            "until_ms": wish.until_ms,
            "at_ms": self._now_ms,
            "audit": wish.audit,
            "gone": "" if unit else msgspec.json.encode(self.gone).decode(),
        }

    def _erase_day(self, day: int) -> None:
        database, wish = self._store.database, self._wish
        gone: Counter[str] = Counter()
        with database.transaction():
            self._erase_entries(list(fates(self._fetch, wish, day)), gone)
            gone["alert changes"] += self._delete(tables.alert_changes.c.id, self._fetch(_changes(wish, day)))
            gone["commands"] += self._delete(tables.commands.c.place, _answered(self._fetch, wish, day))
            self._erase_states(day)
            over = [a for a in self._store.alerts.of_room(wish.room, *_part(wish, day)) if not a.active]
            self._store.alerts.erase(over)
            gone["alerts"] += len(over)
            gone["keys"] += self._change_key(day)
            self.gone.update(gone)
            database.put(tables.erasures, [self._row("")])

    def _erase_entries(self, found: Sequence[Fate], gone: Counter[str]) -> None:
        gone.update(fate.counts_as for fate in found)
        self._delete(_e.id, [(fate.row.id,) for fate in found if fate.proof is None])
        stays = [{"row": f.row.id, "proof": f.proof} for f in found if f.proof is not None]
        if stays:
            one = update(tables.entries).where(_e.id == bindparam("row"))
            one = one.values(event=bindparam("proof"), retention=FOR_GOOD)
            self._store.database.run(one, stays)

    def _erase_states(self, day: int) -> None:
        latest = tables.latest.c
        low_ms, high_ms = _part(self._wish, day)
        gone = (latest.room == self._wish.room) & (latest.at_ms >= low_ms) & (latest.at_ms < high_ms)
        if not self._wish.audit:
            gone &= latest.kind != "gate"
        self._store.database.run(delete(tables.latest).where(gone))

    def _delete(self, key: Any, rows: Sequence[Any]) -> int:
        for at in range(0, len(rows), MOST_AT_ONCE):
            some = [row[0] for row in rows[at : at + MOST_AT_ONCE]]
            self._store.database.run(delete(key.table).where(key.in_(some)))
        return len(rows)

    def _change_key(self, day: int) -> int:
        """What stays is sealed under another key. Whether there was one before."""
        database, room = self._store.database, self._wish.room
        stays = [(table, column, self._sealed_rows(table, column, day)) for table, column in _CONTENTS]
        opened = [
            (table, [row._asdict() | {column: unseal(row.key, getattr(row, column))} for row in rows], column)
            for table, column, rows in stays
        ]
        had = database.keys.destroy(room, day)
        for table, rows, column in opened:
            for row in rows:
                content = database.keys.seal(room, row["at_ms"], row[column])
                same = [part == row[part.name] for part in table.primary_key]
                database.run(update(table).where(*same).values({column: content}))
        self._store.alerts.write_again(room)
        return had

    def _sealed_rows(self, table: Table, column: str, day: int) -> Sequence[Any]:
        query = with_key(select(*table.primary_key, table.c.at_ms, table.c[column]), table)
        of_day = (table.c.at_ms >= day * DAY_MS) & (table.c.at_ms < (day + 1) * DAY_MS)
        rows = self._fetch(query.where(table.c.room == self._wish.room, of_day))
        return [row for row in rows if getattr(row, column)[:1] == b"\x01"]

    def _fetch(self, query: Select[Any]) -> Sequence[Any]:
        return self._store.database.run(query).all()


def _part(wish: Wish, day: int) -> tuple[int, int]:
    """Of a day what lies in that time."""
    return max(wish.from_ms, day * DAY_MS), min(wish.until_ms, (day + 1) * DAY_MS)


def _changes(wish: Wish, day: int) -> Select[Any]:
    changes, (low_ms, high_ms) = tables.alert_changes.c, _part(wish, day)
    return select(changes.id).where(
        changes.at_ms >= low_ms, changes.at_ms < high_ms, changes.room == wish.room
    )


def _answered(fetch: Fetch, wish: Wish, day: int) -> list[Any]:
    """One that waits is still told: it may be what keeps a camera closed."""
    return [row for row in commands_of(fetch, wish, day) if row.outcome is not None] if wish.audit else []


def commands_of(fetch: Fetch, wish: Wish, day: int) -> list[Any]:
    """Those that were left on that day for a unit that told of this room then; the place of each first."""
    commands, (low_ms, high_ms) = tables.commands.c, _part(wish, day)
    newest = (
        select(_e.room)
        .where(_e.unit == commands.unit, _e.opened_ms <= commands.queued_ms)
        .order_by(_e.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    now_there = select(tables.units.c.room).where(tables.units.c.unit == commands.unit).scalar_subquery()
    query = select(*commands, func.coalesce(newest, now_there).label("room")).where(
        commands.queued_ms >= low_ms, commands.queued_ms < high_ms
    )
    return [row for row in fetch(query) if row.room == wish.room]


def _link_kind(event: bytes) -> str:
    link = decode(event)
    said = link_of(link).said().get("what", "") if isinstance(link, Audited) else ""
    return "looks" if said in _LOOKS else "links"
