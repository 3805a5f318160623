"""How long what was received stays: by its class in `stillroom.events`, from when the gateway opened it.

A round begins at the start and each day after it, and takes one bounded transaction a turn, so that records wait for
none of it. Deleted are summaries (`routine`), states and conditions (`care`), gates and receipts (`audit`), the history
of alerts and the words of those that are over (`care`), and commands that were answered (`audit`).

An audit chain is not cut: its links lose words and salt, and what is left of them (`erased.Erased`) verifies as before.
Whole stay links that name the unit or say why others are missing, and `Lost`: nobody is told of in them. What was
deleted and comes again is no news (`forgotten`).
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, or_, select, update

from stillroom_tools.site.gateway import tables
from stillroom_tools.site.gateway.notices import Notice
from stillroom_tools.site.gateway.proof import FOR_GOOD, STAY, proof_alone
from stillroom_tools.site.gateway.sealed import DAY_MS, day_of, unseal, with_key
from stillroom_tools.site.gateway.settings import RetentionConfig
from stillroom_tools.site.gateway.store import Store

ROWS = 500
"""Of one turn: a few hundredths of a second of the gateway's time."""
_ENDINGS = {
    "routine": "summaries were deleted",
    "care": "states and conditions were deleted",
    "audit": "gates and receipts were deleted",
    "words": "links of audit chains lost their words; the chains verify as before",
    "alerts": "changes of alerts were deleted",
    "commands": "commands that were answered were deleted",
    "keys": "keys of days were destroyed of which nothing is left",
}
_e = tables.entries.c


class Retention:
    """`step` about once a second."""

    def __init__(self, store: Store, config: RetentionConfig) -> None:
        self._store, self._config = store, config
        self._round: Iterator[None] | None = None
        self._next_ms = 0
        self._gone: Counter[str] = Counter()

    def step(self, now_ms: int) -> list[Notice]:
        """One transaction where a round is due or under way; what it has deleted, once it is over.

        Raises StorageError: the round begins anew with the next step.
        """
        if self._round is None:
            # A clock that was set back must not put it off for years.
            if self._next_ms - DAY_MS <= now_ms < self._next_ms:
                return []
            self._next_ms = now_ms + DAY_MS
            self._round, self._gone = self._steps(now_ms), Counter()
        try:
            next(self._round)
            return []
        except StopIteration:
            self._round = None
            return [self._notice(what, now_ms) for what in _ENDINGS if self._gone[what]]
        except BaseException:
            self._round, self._next_ms = None, 0
            raise

    def _steps(self, now_ms: int) -> Iterator[None]:
        days = self._config
        routine_ms, care_ms, audit_ms = (
            now_ms - count * DAY_MS for count in (days.routine_days, days.care_days, days.audit_days)
        )
        yield from self._until_none(lambda: self._delete_entries("routine", routine_ms))
        yield from self._until_none(lambda: self._delete_entries("care", care_ms))
        yield from self._until_none(lambda: self._delete_entries("audit", audit_ms))
        changes = tables.alert_changes.c
        yield from self._until_none(lambda: self._delete("alerts", changes.id, changes.at_ms < care_ms))
        commands = tables.commands.c
        answered = commands.outcome.is_not(None) & (commands.queued_ms < audit_ms)
        yield from self._until_none(lambda: self._delete("commands", commands.place, answered))
        self._store.alerts.forget(care_ms)
        self._forget_states({"state": care_ms, "gate": audit_ms, "telemetry": care_ms})
        yield from self._until_none(lambda: self._destroy_keys(day_of(audit_ms)))
        if self._gone.total():
            self._store.database.shrink()

    def _until_none(self, turn: Callable[[], int]) -> Iterator[None]:
        while turn() == ROWS:
            yield

    def _delete(self, what: str, key: ColumnElement[int], old: ColumnElement[bool]) -> int:
        """The oldest rows; how many."""
        database = self._store.database
        with database.transaction():
            keys = [found for (found,) in database.run(select(key).where(old).order_by(key).limit(ROWS))]
            if keys:
                database.run(delete(key.table).where(key.in_(keys)))
        self._gone[what] += len(keys)
        return len(keys)

    def _delete_entries(self, retention: str, before_ms: int) -> int:
        database = self._store.database
        old = (_e.retention == retention) & (_e.opened_ms < before_ms)
        query = select(_e.id, _e.unit, _e.number, _e.accepted_ms, _e.kind, _e.event)
        query = with_key(query, tables.entries)
        with database.transaction():
            rows = database.run(query.where(old).order_by(_e.opened_ms).limit(ROWS)).all()
            self._store.forgotten.note(retention, rows)
            kept = [row for row in rows if row.kind in STAY]
            words = sum(self._erase(row) for row in kept)
            gone = [row.id for row in rows if row.kind not in STAY]
            if gone:
                database.run(delete(tables.entries).where(_e.id.in_(gone)))
        self._store.forgotten.noted()
        self._gone[retention] += len(gone)
        self._gone["words"] += words
        return len(rows)

    def _erase(self, row: Any) -> bool:
        """Of a link what proves it; whole what tells of nobody. Whether words went."""
        event = unseal(row.key, row.event)
        proof = proof_alone(event)
        kept = {"retention": FOR_GOOD, "event": proof}
        self._store.database.run(update(tables.entries).where(_e.id == row.id).values(kept))
        return proof != event

    def _forget_states(self, before_ms: dict[str, int]) -> None:
        """Of units that were not heard for so long."""
        latest, units = tables.latest.c, tables.units.c
        with self._store.database.transaction():
            for kind, at_ms in before_ms.items():
                silent = select(units.unit).where(units.heard_ms < at_ms)
                old = (latest.kind == kind) & latest.unit.in_(silent)
                self._store.database.run(delete(tables.latest).where(old))

    def _destroy_keys(self, before_day: int) -> int:
        """The oldest keys that open nothing any more, of days before all that may have to stay; how many."""
        database, keys = self._store.database, tables.room_keys.c
        used = [
            exists().where(
                table.c.room == keys.room,
                table.c.at_ms >= keys.day * DAY_MS,
                table.c.at_ms < (keys.day + 1) * DAY_MS,
            )
            for table in (tables.latest, tables.alerts, tables.alert_changes)
        ]
        of_day = (
            (_e.room == keys.room) & (_e.at_ms >= keys.day * DAY_MS) & (_e.at_ms < (keys.day + 1) * DAY_MS)
        )
        used.append(exists().where(of_day, _e.retention != FOR_GOOD))
        with database.transaction():
            query = select(keys.room, keys.day).where(keys.day < before_day, ~or_(*used))
            found = database.run(query.order_by(keys.day).limit(ROWS)).all()
            for room, day in found:
                database.keys.destroy(room, day)
        self._gone["keys"] += len(found)
        return len(found)

    def _notice(self, what: str, now_ms: int) -> Notice:
        count = self._gone[what]
        return Notice("retention", now_ms, "", what, count, f"retention: {count} {_ENDINGS[what]}")
