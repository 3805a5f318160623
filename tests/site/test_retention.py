"""What goes and what stays: by class and day, in bounded steps, without a broken chain and without anything twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from stored import Sender
from tests.parties import NOON, command

from stillroom.document_forms import to_ms
from stillroom.errors import ConfigError, StorageError
from stillroom.events import (
    Audited,
    ConditionChanged,
    Entry,
    Event,
    GateChanged,
    Lost,
    Receipt,
    Snapshot,
    StateChanged,
    Summary,
)
from stillroom_tools.site.gateway import retention, tables
from stillroom_tools.site.gateway.alert_forms import Act
from stillroom_tools.site.gateway.arrived import Arrived
from stillroom_tools.site.gateway.database import Database
from stillroom_tools.site.gateway.notices import Notice
from stillroom_tools.site.gateway.place import Place, in_folder
from stillroom_tools.site.gateway.reader import Reader
from stillroom_tools.site.gateway.retention import DAY_MS, Retention
from stillroom_tools.site.gateway.settings import FILE, RetentionConfig
from stillroom_tools.site.gateway.store import Store
from stillroom_tools.site.layout import open_site

T = to_ms(NOON)
DAYS = RetentionConfig(routine_days=30, care_days=60, audit_days=90)
START = Audited(1, T, b'{"what":"start","site":"demo","unit":"u-1"}', bytes(16), bytes(32), bytes(64))
LEASE = Audited(2, T, b'{"what":"lease"}', bytes(16), bytes(range(32)), bytes(64))
EVENTS: tuple[Event, ...] = (
    Summary(T, T + 60_000, "in-bed", 0.1, 1.0, 14.5, 0.9, None, 0.0),
    StateChanged("in-bed", "occupied", "bed zone"),
    ConditionChanged("on-floor", "high", True, "a secret reason"),
    GateChanged("open", "a-1"),
    Receipt(7, "withdrawal", None, "done"),
    Lost(((1, 1),), "outbox-full"),
    START,
    LEASE,
)
KINDS = ["summary", "state", "condition", "gate", "receipt", "lost", "audit", "audit"]


@pytest.fixture
def store(where: Place) -> Iterator[Store]:
    opened = Store(where)
    yield opened
    opened.close()


def entries(first: int = 2, at_ms: int = T) -> list[Entry]:
    """One of each kind."""
    return [Entry(first + i, at_ms, at_ms + 5, event) for i, event in enumerate(EVENTS)]


def arrive(sender: Sender, *given: Entry, opened_ms: int = T) -> list[Arrived]:
    """In records of four."""
    parts = [given[at : at + 4] for at in range(0, len(given), 4)] or [()]
    return [Arrived(sender.arrive(*part).opened, opened_ms) for part in parts]


def kinds(store: Store) -> list[str]:
    found = store.database.run(select(tables.entries.c.kind).order_by(tables.entries.c.number))
    return [kind for (kind,) in found]


def run(store: Store, now_ms: int, config: RetentionConfig = DAYS) -> dict[str, int]:
    """A whole round."""
    one = Retention(store, config)
    said: list[Notice] = []
    for _ in range(99):
        said += one.step(now_ms)
        if one._round is None:
            break
    assert all(notice.notice == "retention" and str(notice.count) in notice.text for notice in said)
    return {notice.what: notice.count for notice in said}


def test_each_class_goes_after_its_days_and_not_before(store: Store) -> None:
    store.commit(arrive(Sender(store), *entries()))
    assert run(store, T + 30 * DAY_MS) == {} and kinds(store) == KINDS, "to the very day"
    assert run(store, T + 30 * DAY_MS + 1) == {"routine": 1} and kinds(store) == KINDS[1:]
    assert run(store, T + 60 * DAY_MS + 1) == {"care": 2, "alerts": 1} and kinds(store) == KINDS[3:]
    assert run(store, T + 90 * DAY_MS) == {}
    assert run(store, T + 90 * DAY_MS + 1) == {"audit": 2, "words": 1} and kinds(store) == KINDS[5:]
    assert run(store, T + 9000 * DAY_MS) == {} and kinds(store) == KINDS[5:], "these stay for good"


def test_every_class_of_events_has_days() -> None:
    """A new class without a rule would stay for ever unseen."""
    classes = {event.retention for event in get_args(Event)}
    assert {f"{name}_days" for name in classes} == set(RetentionConfig.__struct_fields__)
    assert Snapshot.retention == "live" and not any(event.retention == "live" for event in get_args(Event))


def test_age_counts_from_when_it_was_opened_whatever_the_unit_believes(store: Store) -> None:
    """A unit with a wrong clock, or a month offline, loses nothing by it."""
    store.commit(arrive(Sender(store), *entries(at_ms=0)))
    assert run(store, T + DAY_MS) == {} and kinds(store) == KINDS


def test_what_was_deleted_and_comes_again_is_no_news(where: Place) -> None:
    store = Store(where)
    sender = Sender(store)
    given = entries()
    store.commit(arrive(sender, *given))
    run(store, T + 9000 * DAY_MS)
    left, before = store.count(), store.cursor("u-1")
    for _ in range(2):  # the second time after a restart
        counts = store.commit(arrive(sender, *given, opened_ms=T + 9000 * DAY_MS))
        assert counts == {"duplicate": len(given)}
        assert (store.count(), store.cursor("u-1")) == (left, before)
        store.close()
        store = Store(where)
        sender = Sender(store, under=sender.under)
        sender._sequence = 9
    store.close()


def test_what_is_new_under_old_numbers_is_kept_after_a_deletion(store: Store) -> None:
    """A card that was put back: the same numbers, accepted later."""
    sender = Sender(store)
    store.commit(arrive(sender, *entries()))
    run(store, T + 9000 * DAY_MS)
    again = entries(at_ms=T + 9000 * DAY_MS)
    counts = store.commit(arrive(sender, *again, opened_ms=T + 9000 * DAY_MS))
    assert counts == {"new": 5, "rewritten": 3}, "three numbers have a link or a loss that stayed"


def test_a_number_that_never_came_is_new_however_late(store: Store) -> None:
    """The newest come first after an outage; when they are deleted, the oldest may still be on their way."""
    sender = Sender(store)
    summary = EVENTS[0]
    store.commit(arrive(sender, Entry(50, T, T, summary)))
    assert run(store, T + 31 * DAY_MS) == {"routine": 1}
    assert store.commit(arrive(sender, Entry(20, T - DAY_MS, T - DAY_MS, summary))) == {"new": 1}


def test_a_class_is_forgotten_by_itself(store: Store) -> None:
    """Numbers of routine are higher than those of care that stay: none of care counts as gone for that."""
    sender = Sender(store)
    store.commit(arrive(sender, Entry(1, T, T, EVENTS[1]), Entry(9, T, T, EVENTS[0])))
    run(store, T + 31 * DAY_MS)
    other = StateChanged("empty", "in-bed", "of a copy")
    assert store.commit(arrive(sender, Entry(1, T, T, other))) == {"rewritten": 1}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_each_entry_is_new_once_whatever_is_deleted_between(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    where = in_folder(tmp_path_factory.mktemp("store"))
    store = Store(where)
    store.database.run(text("PRAGMA synchronous=OFF"))
    sender, now_ms = Sender(store), T
    all_entries = [Entry(n, T + n, T + n, EVENTS[n % 2]) for n in range(1, 13)]
    new: list[int] = []
    for _ in range(data.draw(st.integers(1, 12))):
        now_ms += data.draw(st.integers(0, 25)) * DAY_MS
        some = data.draw(st.lists(st.sampled_from(all_entries), max_size=6))
        for one in some:
            if store.commit(arrive(sender, one, opened_ms=now_ms))["new"]:
                new.append(one.number)
        if data.draw(st.booleans()):
            run(store, now_ms)
        if data.draw(st.booleans()):
            store.close()
            store = Store(where)
            again = Sender(store, under=sender.under)
            again._sequence, sender = sender._sequence, again
    assert len(new) == len(set(new))
    covered = [n for n in range(1, 13) if store.cursor("u-1").has(n)]
    assert sorted(new) == covered, "and none is settled that was never new"
    store.close()


def test_a_round_takes_bounded_steps_and_comes_each_day(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROWS", 5)
    store.commit(arrive(Sender(store), *(Entry(n, T, T, EVENTS[0]) for n in range(1, 13))))
    one, now_ms, left = Retention(store, DAYS), T + 31 * DAY_MS, []
    for _ in range(3):
        said = one.step(now_ms)
        left.append(store.count())
    assert left == [7, 2, 0]
    assert [(notice.what, notice.count) for notice in said] == [("routine", 12)]
    store.commit(arrive(Sender(store, 2), Entry(13, T, T, EVENTS[0])))
    assert one.step(now_ms + DAY_MS - 1) == [] and store.count() == 1
    assert [notice.count for notice in one.step(now_ms + DAY_MS)] == [1]
    assert one.step(now_ms - 400 * DAY_MS) == [], "a clock set back begins a round, which finds nothing"


def test_a_step_that_fails_deletes_nothing_and_is_done_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(store)
    store.commit(arrive(sender, *entries()))
    one = Retention(store, DAYS)
    real = Database.run

    def failing(self: Database, statement: object, *rest: object) -> object:
        if getattr(statement, "is_delete", False):
            raise StorageError("the disk is gone")
        return real(self, statement, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Database, "run", failing)
    with pytest.raises(StorageError, match="the disk is gone"):
        one.step(T + 31 * DAY_MS)
    monkeypatch.undo()
    assert kinds(store) == KINDS
    other = Summary(T, T + 1, "empty", 0.0, 1.0, None, 0.0, None, 0.0)
    assert store.commit(arrive(sender, Entry(2, T, T, other))) == {"rewritten": 1}, "nothing counts as gone"
    assert [notice.count for notice in one.step(T + 31 * DAY_MS)] == [2]


def test_links_lose_their_words_and_nothing_else(store: Store, where: Place) -> None:
    store.commit(arrive(Sender(store), *entries()))
    run(store, T + 91 * DAY_MS)
    with Reader(where) as reader:
        start, lease = reader.audit("u-1")
    assert start == START, "it names the unit, and nobody else"
    assert (lease.index, lease.at_ms, lease.head, lease.signature) == (2, T, LEASE.head, LEASE.signature)
    assert not hasattr(lease, "body") and not hasattr(lease, "salt")


def test_words_of_alerts_that_are_over_go_and_those_that_stand_stay(store: Store, where: Place) -> None:
    sender = Sender(store)
    store.commit(arrive(sender, Entry(1, T, T, EVENTS[2])))
    store.alerts.act(Act("attend", "u-1", "ann", T + 10), T + 10)
    assert run(store, T + 61 * DAY_MS) == {"care": 1, "alerts": 2}
    assert [(alert.why, alert.last) for alert in store.alerts.all()] == [("a secret reason", "ann")], (
        "it stands"
    )
    close(store, sender)
    assert run(store, T + 62 * DAY_MS) == {"care": 1, "alerts": 1}
    (row,) = store.database.run(select(tables.alerts.c.alert)).scalars()
    assert b"secret" not in row and b"ann" not in row
    store.alerts.reload()
    late = Entry(1, T, T, ConditionChanged("on-floor", "high", True, "told late"))
    store.alerts.heard("u-1", "room-1", late, T + 62 * DAY_MS)
    assert [alert.state for alert in store.alerts.all()] == ["latched"], (
        "what came first is known by its number"
    )


def close(store: Store, sender: Sender) -> None:
    """The end of the condition, and somebody who was there."""
    over = ConditionChanged("on-floor", "high", False, "")
    store.commit(arrive(sender, Entry(20, T, T, over)))
    store.alerts.act(Act("attend", "u-1", "ann", T + 20), T + 20)
    assert not store.alerts.all()


def test_a_state_goes_with_the_silence_of_its_unit(store: Store) -> None:
    sender = Sender(store)
    store.commit(arrive(sender, *entries()))
    store.commit(arrive(sender, opened_ms=T + 50 * DAY_MS))
    run(store, T + 100 * DAY_MS)
    assert store.known()[0].state == "in-bed", "it was heard since, and nothing else was said"
    run(store, T + 111 * DAY_MS)
    assert (store.known()[0].state, store.known()[0].gate) == (None, "open")
    run(store, T + 141 * DAY_MS)
    assert store.known()[0].gate is None


def test_answered_commands_go_and_those_that_wait_stay(store: Store) -> None:
    store.commands.queue("u-1", "roster", b"done", T)
    told = store.commands.to_tell("u-1", T)
    assert told is not None
    store.commands.queue("u-1", "roster", b"waits", T)
    store.commit(arrive(Sender(store), Entry(1, T, T, Receipt(told.number, "roster", None, "done"))))
    assert run(store, T + 91 * DAY_MS) == {"audit": 1, "commands": 1, "keys": 1}
    later = store.commands.to_tell("u-1", T + 91 * DAY_MS)
    assert later and later.note == b"waits" and later.number > told.number


def test_what_was_deleted_is_not_in_the_files_any_more(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.commit(arrive(Sender(store), *entries()))
    (row,) = store.database.run(
        select(tables.entries.c.event).where(tables.entries.c.kind == "condition")
    ).scalars()

    def found(what: bytes) -> bool:
        return any(what in path.read_bytes() for path in tmp_path.glob(f"{FILE}*"))

    assert found(row), "the search can find it"
    assert not found(b"a secret reason"), "which is sealed"
    close(store, Sender(store, 2))
    run(store, T + 61 * DAY_MS)
    assert not found(row)
    store.close()


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("audit_days = 100\ncare_days = 101", "'retention.audit_days' = 100: shorter than 'care_days' (101)"),
        ("audit_days = 100\ncare_days = 1\nroutine_days = 101", "shorter than 'routine_days' (101)"),
        ("care_days = 2000", "key 'retention.audit_days' = 1095: shorter than 'care_days' (2000)"),
        (
            "audit_days = 89\ncare_days = 1",
            "key 'retention.audit_days' = 89: allowed is a whole number from 90",
        ),
        ("routine_days = 0", "key 'retention.routine_days' = 0: allowed is a whole number from 1 to 3650"),
        ("live_days = 1", "unknown key 'retention.live_days'"),
    ],
)
def test_contradictions_are_one_line(tmp_path: Path, said: str, says: str) -> None:
    from stillroom_tools.site import commands

    command(commands, "new", tmp_path / "site", "--site", "demo")
    with (tmp_path / "site" / "site.toml").open("a") as file:
        file.write(f"\n[retention]\n{said}\n")
    with pytest.raises(ConfigError) as caught:
        open_site(tmp_path / "site")
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_equal_days_are_no_contradiction() -> None:
    RetentionConfig(routine_days=90, care_days=90, audit_days=90).check("site.toml")
    RetentionConfig().check("site.toml")
