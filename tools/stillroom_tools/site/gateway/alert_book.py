"""The alerts of all units, in the gateway's database: each on the disk before anybody is told.

What units say goes in within the transaction that keeps their entries: a kill leaves both or neither. Each change is
kept as a line, too: who did what stays, and `--json` prints each once, over all runs of this gateway.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Select, insert, select

from stillroom.config_technical import TECHNICAL
from stillroom.errors import StorageError
from stillroom.events import ConditionChanged, Entry
from stillroom_tools.site.gateway import tables
from stillroom_tools.site.gateway.alert_forms import (
    PRIORITIES,
    UNIT_SILENT,
    Act,
    Alert,
    AlertsConfig,
    Begun,
    Ended,
    Input,
    Priority,
    State,
    TimePassed,
    UnitAnew,
    UnitBack,
    UnitGone,
    UnitSilent,
    What,
)
from stillroom_tools.site.gateway.alerts import concerns, step
from stillroom_tools.site.gateway.database import Database
from stillroom_tools.site.gateway.sealed import unseal, with_key

Key = tuple[str, str]


class AlertLine(msgspec.Struct, frozen=True):
    """One line of `--json`: what an alert has become."""

    notice: Literal["alert"]
    at_ms: int
    unit: str
    what: State
    count: int
    """How often it has been raised since it was cleared."""
    text: str
    room: str
    kind: str
    priority: Priority
    technical: bool
    """Of the unit itself, not of a person."""
    present: bool
    """The condition stands, as far as the unit has said."""
    owner: str
    """Who answers for it while it is silent; empty while it sounds, and once it is cleared."""
    last: str
    first_ms: int
    number: int
    """Of the unit's newest entry on it; with unit, a key into what the gateway has kept."""
    why: str
    act: What | None = None
    """What somebody did, where that is what made it so; None where it was the unit, or time."""
    by: str = ""
    """Who did it, and when, as he said; 0 where nobody did anything."""
    act_ms: int = 0


class AlertBook:
    """Feed it; `all` is what stands; `news` what has changed since it was taken last."""

    def __init__(self, database: Database, config: AlertsConfig) -> None:
        """Raises StorageError for a row that cannot be read."""
        self._database, self._config = database, config
        self.reload()

    def reload(self) -> None:
        """What is on the disk now. Raises StorageError."""
        self._alerts: dict[Key, Alert] = {}
        self._boots = {row.unit: row.boot for row in self._database.run(select(tables.alert_boots))}
        self._news: list[AlertLine] = []
        for row in self._database.run(with_key(select(tables.alerts), tables.alerts)):
            self._alerts[row.unit, row.kind] = decode(row.unit, row.kind, unseal(row[-1], row.alert))

    def all(self) -> list[Alert]:
        """What stands, the most urgent first."""
        return sorted(filter(lambda alert: alert.active, self._alerts.values()), key=urgency)

    def news(self) -> list[AlertLine]:
        """The changes since the last call; all of them are on the disk."""
        taken, self._news = self._news, []
        return taken

    def booted(self, unit: str, boot: int, faults: Collection[str], now_ms: int) -> None:
        """A record of this boot was opened, whose snapshot names `faults`; within the transaction that keeps it."""
        if boot > self._boots.get(unit, 0):
            if unit in self._boots:
                self._feed_all(UnitAnew(unit, frozenset(faults)), unit, now_ms)
            self._boots[unit] = boot
            self._database.put(tables.alert_boots, [{"unit": unit, "boot": boot}])

    def heard(self, unit: str, room: str, entry: Entry, now_ms: int) -> None:
        """One of a unit's entries; within the transaction that keeps it."""
        event = entry.event
        if not isinstance(event, ConditionChanged):
            return
        if not event.active:
            self._feed((unit, event.kind), Ended(unit, event.kind, entry.number), now_ms)
            return
        technical = event.level == "technical" or event.kind in TECHNICAL
        priority = self._config.technical if event.level == "technical" else event.level
        begun = Begun(unit, room, event.kind, priority, entry.number, event.why, technical)
        self._feed((unit, event.kind), begun, now_ms)

    def silent(self, unit: str, room: str, now_ms: int) -> None:
        """No record for three slots. On the disk when it returns, as in what follows. Raises StorageError."""
        with self._database.transaction():
            self._feed((unit, UNIT_SILENT), UnitSilent(unit, room), now_ms)

    def back(self, unit: str, now_ms: int) -> None:
        """A record again."""
        if self._stands(unit, UNIT_SILENT):
            with self._database.transaction():
                self._feed((unit, UNIT_SILENT), UnitBack(unit), now_ms)

    def enrolled(self, units: Collection[str], now_ms: int) -> None:
        """These units and no others: nobody will say of another one that a condition is over."""
        with self._database.transaction():
            for unit in {unit for unit, _ in self._alerts} - set(units):
                self._feed_all(UnitGone(unit), unit, now_ms)

    def act(self, act: Act, now_ms: int) -> int:
        """Somebody did something; how many alerts it was about."""
        about = sum(concerns(alert, act, now_ms) for alert in self._alerts.values())
        with self._database.transaction():
            self._feed_all(act, act.unit, now_ms)
        return about

    def pass_time(self, now_ms: int) -> None:
        """Once a second or so."""
        due = [key for key, a in self._alerts.items() if step(a, TimePassed(), now_ms, self._config) != a]
        if due:
            with self._database.transaction():
                for key in due:
                    self._feed(key, TimePassed(), now_ms)

    def untold(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """The oldest changes beyond this place: (place, line of JSON)."""
        changes = tables.alert_changes.c
        later = with_key(select(changes.id, changes.line), tables.alert_changes).where(changes.id > after)
        rows = self._database.run(later.order_by(changes.id).limit(limit))
        return [(place, unseal(key, line)) for place, line, key in rows]

    def forget(self, before_ms: int) -> int:
        """Take the words and names out of what was cleared and not raised since; of how many. Raises StorageError.

        What each has become stays, by the number of its newest entry: an older one that comes late raises nothing.
        """
        old = {
            key: msgspec.structs.replace(alert, why="", last="")
            for key, alert in self._alerts.items()
            if not alert.active and alert.raised_ms < before_ms and (alert.why or alert.last)
        }
        with self._database.transaction():
            self._write(old)
        self._alerts.update(old)
        return len(old)

    def of_room(self, room: str, from_ms: int, until_ms: int) -> list[Alert]:
        """Those of a room that were raised before the end of that time, and not cleared before it began."""
        return [
            alert
            for alert in self._alerts.values()
            if alert.room == room and within(alert, from_ms, until_ms)
        ]

    def erase(self, alerts: Collection[Alert]) -> None:
        """Leave of these, which are over, what `forget` leaves, and neither room nor time. Within a transaction."""
        left = {
            (a.unit, a.kind): Alert(a.unit, "", a.kind, "low", "cleared", False, a.number) for a in alerts
        }
        self._write(left)
        self._alerts.update(left)

    def write_again(self, room: str | None = None) -> None:
        """Those of a room, or all, under the keys of now. Within a transaction."""
        self._write({key: alert for key, alert in self._alerts.items() if room in (None, alert.room)})

    def _stands(self, unit: str, kind: str) -> bool:
        alert = self._alerts.get((unit, kind))
        return alert is not None and alert.present

    def _feed_all(self, given: Input, unit: str, now_ms: int) -> None:
        for key in [key for key in self._alerts if key[0] == unit]:
            self._feed(key, given, now_ms)

    def _feed(self, key: Key, given: Input, now_ms: int) -> None:
        before = self._alerts.get(key)
        after = step(before, given, now_ms, self._config)
        if after is None or after == before:
            return
        self._alerts[key] = after
        self._write({key: after})
        if after.active or (before and before.active):
            self._news.append(said := line(after, now_ms, _done(before, given, after, now_ms)))
            text = self._database.keys.seal(after.room, now_ms, msgspec.json.encode(said))
            change = {"unit": key[0], "line": text, "at_ms": now_ms, "room": after.room}
            self._database.run(insert(tables.alert_changes), change)

    def _write(self, alerts: Mapping[Key, Alert]) -> None:
        seal = self._database.keys.seal
        rows = [
            {
                "unit": unit,
                "kind": kind,
                "alert": seal(alert.room, alert.raised_ms, msgspec.msgpack.encode(alert)),
                "room": alert.room,
                "at_ms": alert.raised_ms,
            }
            for (unit, kind), alert in alerts.items()
        ]
        self._database.put(tables.alerts, rows)


def within(alert: Alert, from_ms: int, until_ms: int) -> bool:
    """Raised before the end of that time, and not cleared before it began."""
    return alert.first_ms < until_ms and max(alert.raised_ms, alert.set_ms) >= from_ms


def kept_of(fetch: Callable[[Select[Any]], Sequence[Any]], room: str) -> list[Alert]:
    """What each alert of a room has become, also of those that are over."""
    rows = fetch(with_key(select(tables.alerts), tables.alerts).where(tables.alerts.c.room == room))
    return [decode(row.unit, row.kind, unseal(row.key, row.alert)) for row in rows]


def decode(unit: str, kind: str, row: bytes) -> Alert:
    """Raises StorageError."""
    try:
        return msgspec.msgpack.decode(row, type=Alert)
    except msgspec.MsgspecError:
        raise StorageError(f"the alert '{kind}' of unit '{unit}' is damaged: restore it") from None


def urgency(alert: Alert) -> tuple[int, bool, int, str, str]:
    """Sorts the most urgent first: by priority, what sounds, what stands longest."""
    return PRIORITIES.index(alert.priority), not alert.sounding, alert.first_ms, alert.unit, alert.kind


def words(alert: Alert) -> str:
    """`acknowledged by nurse-a, attended`, `re-raised, was nurse-a's`."""
    of = f" by {alert.owner}" if alert.owner else f", was {alert.last}'s" if alert.last else ""
    return f"{alert.state}{of}{', attended' if alert.attended else ''}{'' if alert.present else ', over'}"


def _done(before: Alert | None, given: Input, after: Alert, now_ms: int) -> Act | None:
    """What somebody did, where that is what changed it: not time alone, which may pass in the same step."""
    if not isinstance(given, Act) or before is None or after.sounding:
        return None
    return given if concerns(before, given, now_ms) else None


def line(alert: Alert, now_ms: int, act: Act | None = None) -> AlertLine:
    """What is said of an alert that has just become this. act: what somebody did that made it so."""
    what = alert.state if not alert.active else words(alert)
    by = f" by {alert.last}" if not alert.active and alert.last else ""
    text = f"{alert.priority} alert {alert.kind} of unit {alert.unit} (room {alert.room}): {what}{by}"
    return AlertLine(
        "alert",
        now_ms,
        alert.unit,
        alert.state,
        alert.count,
        text,
        alert.room,
        alert.kind,
        alert.priority,
        alert.technical,
        alert.present,
        alert.owner,
        alert.last,
        alert.first_ms,
        alert.number,
        alert.why,
        act.what if act else None,
        act.by if act else "",
        min(act.at_ms, now_ms) if act else 0,
    )
