"""A time of a room that was erased: nothing of it can be read, nothing of it comes back, and all else is as it was."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgres import Postgres
from sqlalchemy import select, text
from stored import Sender
from tests.parties import NOON

from stillroom.document_forms import to_ms
from stillroom.errors import StorageError
from stillroom.events import (
    Audited,
    ConditionChanged,
    Entry,
    Event,
    GateChanged,
    Lost,
    Receipt,
    StateChanged,
    Summary,
)
from stillroom_tools.site.gateway import erasing, tables
from stillroom_tools.site.gateway.alert_forms import Act
from stillroom_tools.site.gateway.arrived import Arrived
from stillroom_tools.site.gateway.erased import Erased, decode
from stillroom_tools.site.gateway.erasing import AlertsStand, Eraser, would_go
from stillroom_tools.site.gateway.erasures import Wish
from stillroom_tools.site.gateway.place import Place, in_folder
from stillroom_tools.site.gateway.reader import Reader
from stillroom_tools.site.gateway.sealed import DAY_MS, day_of, is_sealed, unseal
from stillroom_tools.site.gateway.settings import FILE
from stillroom_tools.site.gateway.store import Store
from stillroom_tools.site.report.days import Span
from stillroom_tools.site.report.kept import erased

T = to_ms(NOON)
MIDNIGHT = T - T % DAY_MS
CANARY = "canary-of-the-night"
START = Audited(1, T, b'{"what":"start","site":"demo","unit":"u-1"}', bytes(16), bytes(32), bytes(64))
LOOK = Audited(2, T, b'{"what":"view-granted","by":"nurse-a"}', bytes(16), bytes(range(32)), bytes(64))
EVENTS: tuple[Event, ...] = (
    StateChanged("in-bed", "occupied", CANARY),
    Summary(T, T + 60_000, "in-bed", 0.1, 1.0, 14.5, 0.9, None, 0.0),
    ConditionChanged("left-bed", "low", True, CANARY),
    ConditionChanged("left-bed", "low", False, CANARY),
    GateChanged("open", "a-1"),
    Receipt(7, "withdrawal", None, "done"),
    Lost(((1, 1),), "outbox-full"),
    START,
    LOOK,
)


@pytest.fixture
def store(where: Place) -> Iterator[Store]:
    opened = Store(where)
    yield opened
    opened.close()


def told(first: int = 2, at_ms: int = T) -> list[Entry]:
    """One of each kind."""
    return [Entry(first + i, at_ms, at_ms + 5, event) for i, event in enumerate(EVENTS)]


def arrive(sender: Sender, given: list[Entry], room: str = "room-1", opened_ms: int = T) -> list[Arrived]:
    parts = [given[at : at + 4] for at in range(0, len(given), 4)]
    return [Arrived(sender.arrive(*part, room=room).opened, opened_ms) for part in parts]


def wish(
    room: str = "room-1", from_ms: int = MIDNIGHT, until_ms: int = MIDNIGHT + DAY_MS, audit: bool = True
) -> Wish:
    return Wish("e-0123456789abcdef", room, from_ms, until_ms, audit)


def erase(store: Store, asked: Wish) -> Counter[str]:
    """Once all of it is past."""
    eraser = Eraser(store, asked, asked.until_ms)
    for _ in eraser.steps():
        pass
    return eraser.gone


def fetch(store: Store):
    return lambda query: store.database.run(query).all()


def kinds(where: Place, room: str = "room-1", from_ms: int = 0) -> list[str]:
    with Reader(where) as reader:
        return [msgspec.json.decode(kept.event)["type"] for kept in reader.entries(room, from_ms, 2**53)]


def test_all_of_a_room_and_day_goes_and_its_key_and_nothing_else(store: Store, where: Place) -> None:
    sender = Sender(store)
    store.commit(arrive(sender, told()))
    store.commit(arrive(sender, told(20), "room-2"))
    store.commit(arrive(sender, told(40, T + DAY_MS), opened_ms=T + DAY_MS))
    expected = would_go(fetch(store), wish())
    gone = erase(store, wish())
    assert gone == expected, "a dry run says the same"
    assert gone["state"] == gone["summary"] == gone["looks"] == gone["keys"] == 1 and gone["kept whole"] == 2
    assert kinds(where, from_ms=MIDNIGHT)[:3] == ["lost", "audit", "erased"], "proofs stay"
    assert len(kinds(where, "room-2")) == len(EVENTS) == len(kinds(where, from_ms=MIDNIGHT + DAY_MS))
    assert {
        row.day for row in fetch(store)(select(tables.room_keys).where(tables.room_keys.c.room == "room-1"))
    } == {day_of(T + DAY_MS)}
    with Reader(where) as reader:
        assert [line.at_ms for line in reader.alert_history(0, 2**53) if line.room == "room-1"] == [
            T + DAY_MS
        ] * 2


def test_links_keep_their_proof_in_the_clear(store: Store) -> None:
    store.commit(arrive(Sender(store), told()))
    erase(store, wish())
    events = [event for _, event in store.chain_of("u-1")]
    assert [type(event) for event in events] == [Lost, Audited, Erased] and events[1] == START
    assert (events[2].head, events[2].signature, events[2].at_ms) == (LOOK.head, LOOK.signature, LOOK.at_ms)
    assert not any(map(is_sealed, store.database.run(select(tables.entries.c.event)).scalars()))


def test_who_looked_can_be_left_and_is_sealed_anew(store: Store, where: Place) -> None:
    store.commit(arrive(Sender(store), told()))
    before = store.database.run(select(tables.room_keys.c.key)).scalar()
    assert erase(store, wish(audit=False))["looks"] == 0
    assert kinds(where) == ["gate", "receipt", "lost", "audit", "audit"]
    assert [type(event) for _, event in store.chain_of("u-1")] == [Lost, Audited, Audited]
    assert store.database.run(select(tables.room_keys.c.key)).scalar() != before


def test_part_of_a_day_goes_and_the_rest_is_under_another_key(store: Store, where: Place) -> None:
    sender = Sender(store)
    store.commit(arrive(sender, [Entry(n, MIDNIGHT + n, T, EVENTS[n % 2]) for n in range(1, 9)]))
    (old,) = store.database.run(select(tables.room_keys.c.key)).scalars()
    copies = [row.event for row in fetch(store)(select(tables.entries))]
    erase(store, wish(from_ms=MIDNIGHT + 3, until_ms=MIDNIGHT + 6))
    with Reader(where) as reader:
        assert [kept.number for kept in reader.entries("room-1", 0, 2**53)] == [1, 2, 6, 7, 8]
    (new,) = store.database.run(select(tables.room_keys.c.key)).scalars()
    assert new != old and unseal(old, copies[0])
    for copy in copies:  # as a backup of the rows has them
        with pytest.raises(StorageError, match="not sealed under its key"):
            unseal(new, copy)


def test_an_old_copy_of_the_rows_says_nothing_without_its_key(store: Store) -> None:
    store.commit(arrive(Sender(store), told()))
    copies = [row.event for row in fetch(store)(select(tables.entries))]
    assert not any(CANARY.encode() in copy for copy in copies)
    erase(store, wish())
    of_room = select(tables.room_keys.c.key).where(tables.room_keys.c.room == "room-1")
    for copy in copies:
        with pytest.raises(StorageError, match="under a key that is not in the database"):
            unseal(store.database.run(of_room).scalar(), copy)


def canaries(store: Store) -> list[bytes]:
    """What must not be found afterwards: the words, the day's key, and each row as it was sealed."""
    keys = store.database.run(select(tables.room_keys.c.key)).scalars().all()
    rows = [row for row in store.database.run(select(tables.entries.c.event)).scalars() if is_sealed(row)]
    lines = store.database.run(select(tables.alert_changes.c.line)).scalars().all()
    return [*keys, *rows, *lines]


def test_nothing_is_in_the_files_their_log_or_free_pages(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.commit(arrive(Sender(store), told()))
    store.database.shrink()
    store.commit(arrive(Sender(store, 2), [Entry(n, T + n, T, EVENTS[n % 2]) for n in range(50, 90)]))
    planted = canaries(store)

    def found() -> list[bytes]:
        data = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        return [what for what in (CANARY.encode(), *planted) if what in data]

    assert found() == planted, "the search can find them; the words are in none"
    erase(store, wish())
    assert found() == []
    assert int(store.database.run(text("PRAGMA freelist_count")).scalar_one()) >= 0
    store.close()
    assert found() == []


def test_a_reader_in_the_middle_of_a_question_is_waited_for(tmp_path: Path) -> None:
    """Its snapshot needs the log: the erasure is not done before it has let go."""
    store = Store(tmp_path)
    store.commit(arrive(Sender(store), told()))
    planted = canaries(store)
    other = sqlite3.connect(f"file:{tmp_path / FILE}?mode=ro", uri=True, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM entries").fetchone()
    steps = Eraser(store, wish(), T).steps()
    assert [next(steps) for _ in range(6)] == [None] * 6, "it goes on asking"
    other.close()
    assert len(list(steps)) == 0
    data = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not [what for what in planted if what in data]
    store.close()


def _contents(folder: Path) -> Iterator[bytes]:
    """Of all files there; a running server takes some of its own away meanwhile."""
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):
            yield path.read_bytes()


def test_no_key_is_left_in_a_servers_tables(postgres: Postgres, tmp_path: Path) -> None:
    """Its log (pg_wal) holds them until it is used again: SECURITY.md says so."""
    from stillroom_tools.site.gateway.place import find

    store = Store(find(tmp_path, postgres.new_database()))
    store.commit(arrive(Sender(store), told()))
    keys = store.database.run(select(tables.room_keys.c.key)).scalars().all()

    def found(folder: str) -> bool:
        postgres.execute("CHECKPOINT")
        held = list(_contents(postgres.folder / "data" / folder))
        assert not any(CANARY.encode() in data for data in held)
        return any(key in data for key in keys for data in held)

    assert found("base"), "the search can find them"
    erase(store, wish())
    assert not found("base")
    assert found("pg_wal"), "which is not reached"
    store.close()


def test_what_comes_again_or_late_is_not_kept_and_no_alert(where: Place) -> None:
    store = Store(where)
    sender = Sender(store)
    given = told()
    store.commit(arrive(sender, given))
    erase(store, wish())
    left, cursor = store.count(), store.cursor("u-1")
    late = [Entry(30 + i, T + 9, T + 9, event) for i, event in enumerate(EVENTS[:3])]
    for _ in range(2):  # the second time after a restart
        counts = store.commit(arrive(sender, given))
        assert counts == {"erased": 6, "duplicate": 3} and (store.count(), store.cursor("u-1")) == (
            left,
            cursor,
        )
        assert store.commit(arrive(sender, given, "room-2"))["erased"] == 6, (
            "also where the unit has moved since"
        )
        assert store.commit(arrive(sender, late)) == {"erased": 3}, "and what had never come"
        assert store.alerts.all() == [] and store.count() == left
        cursor = store.cursor("u-1")
        assert cursor.has(32), "the unit may forget it"
        store.close()
        store = Store(where)
        again = Sender(store, under=sender.under)
        again._sequence, sender = sender._sequence, again
    other = [Entry(60, T, T, EVENTS[0])]
    assert store.commit(arrive(sender, other, "room-2")) == {"new": 1}, "another room's is none of it"
    assert store.commit(arrive(sender, [Entry(61, T + DAY_MS, T, EVENTS[0])])) == {"new": 1}, (
        "nor another day's"
    )
    store.close()


def test_an_end_that_comes_late_ends_an_alert_of_before(store: Store) -> None:
    """Else it would stand for good: nobody will say again that it is over."""
    sender = Sender(store)
    began = ConditionChanged("left-bed", "low", True, "before")
    store.commit(arrive(sender, [Entry(2, MIDNIGHT - 9, T, began)], opened_ms=MIDNIGHT - 5))
    asked = wish(from_ms=MIDNIGHT + 1000)
    store.alerts.reload()
    with pytest.raises(AlertsStand):
        erase(store, asked)
    store.erasures.begun(asked, "")
    store.commit(arrive(sender, [Entry(3, T, T, EVENTS[3])]))
    assert store.alerts.all() == []


def test_it_is_refused_while_somebody_must_answer_for_an_alert(store: Store) -> None:
    high = ConditionChanged("on-floor", "high", True, CANARY)
    store.commit(arrive(Sender(store), [Entry(2, T, T, high)]))
    before = store.count()
    with pytest.raises(AlertsStand, match="1 of its alerts stand \\(on-floor of unit u-1\\)") as caught:
        erase(store, wish())
    assert "\n" not in str(caught.value) and store.count() == before
    assert store.database.run(select(tables.erasures)).all() == []
    assert erase(store, wish("room-2")) == {}, "another room's keeps nothing"
    store.commit(arrive(Sender(store, 2), [Entry(3, T, T, ConditionChanged("on-floor", "high", False, ""))]))
    store.alerts.act(Act("attend", "u-1", "ann", T + 10), T + 10)
    assert erase(store, wish())["alerts"] == 1
    row = store.database.run(select(tables.alerts)).one()
    assert (row.room, row.at_ms) == ("", 0), (
        "that such an alert was, by its newest number, and not when or where"
    )
    late = Entry(2, T + DAY_MS, T, high)
    store.alerts.heard("u-1", "room-1", late, T + DAY_MS)
    assert [alert.state for alert in store.alerts.all()] == ["latched"], (
        "so that what comes late is known as over"
    )


def test_what_was_to_come_when_it_was_erased_is_open_again(where: Place) -> None:
    """An older version carried such orders out: entries of that room went unkept, and its alerts unraised."""
    store = Store(where)
    sender, asked = Sender(store), wish(until_ms=T + 9 * DAY_MS)
    store.commit(arrive(sender, told()))
    for _ in Eraser(store, asked, T + DAY_MS).steps():
        pass
    store.close()
    store = Store(where)
    sender = Sender(store, 2)
    assert store.erasures.cut == [(asked, T + DAY_MS)]
    assert store.erasures.past(asked) == wish(until_ms=T + DAY_MS) and store.erasures.past(wish()) == wish()
    late, new = told(40, T + DAY_MS - 1), told(60, T + DAY_MS)
    counts = [store.commit(arrive(sender, one, opened_ms=T + DAY_MS)) for one in (late, new)]
    assert [one["erased"] for one in counts] == [6, 0], "what was past stays closed"
    with Reader(where) as reader:
        assert erased(reader, "room-1") == [Span(MIDNIGHT, T + DAY_MS)], (
            "nor do reports hatch what came since"
        )
    store.close()


def test_a_kill_between_two_days_is_gone_on_with_and_counted_on(where: Place) -> None:
    store = Store(where)
    for day in range(3):
        store.commit(
            arrive(Sender(store, day + 1), told(2 + 20 * day, T + day * DAY_MS), opened_ms=T + day * DAY_MS)
        )
    asked = wish(until_ms=MIDNIGHT + 3 * DAY_MS)
    expected = would_go(fetch(store), asked)
    steps = Eraser(store, asked, T).steps()
    next(steps), next(steps)
    store.close()
    store = Store(where)
    gone = erase(store, asked)
    assert gone == expected and gone["alerts"]
    store.close()


def test_a_command_that_waits_is_still_told(store: Store) -> None:
    """It may be the halt or the pause that keeps a camera closed."""
    sender = Sender(store)
    store.commands.queue("u-1", "roster", b"was told", T)
    number = store.commands.to_tell("u-1", T)
    assert number is not None
    store.commit(arrive(sender, [Entry(1, T, T, Receipt(number.number, "roster", None, "done"))]))
    store.commands.queue("u-1", "pause", b"of the person", T)
    assert erase(store, wish())["commands"] == 1
    (left,) = store.database.run(select(tables.commands.c.note)).scalars()
    waits = store.commands.to_tell("u-1", T)
    assert left == b"of the person" and waits and waits.note == left


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_is_left_is_what_was_not_asked_for(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    where = in_folder(tmp_path_factory.mktemp("store"))
    store = Store(where)
    store.database.run(text("PRAGMA synchronous=OFF"))
    hour = DAY_MS // 24
    at = st.integers(0, 71).map(lambda n: MIDNIGHT + n * hour)
    given = [
        (
            Entry(number, data.draw(at), T, EVENTS[data.draw(st.sampled_from((0, 1, 4)))]),
            data.draw(st.integers(1, 2)),
        )
        for number in range(1, data.draw(st.integers(2, 12)))
    ]
    sender = Sender(store)
    for entry, room in given:
        store.commit(arrive(sender, [entry], f"room-{room}"))
    low, high = sorted((data.draw(at), data.draw(at)))
    asked = wish(from_ms=low, until_ms=high + hour, audit=data.draw(st.booleans()))
    erase(store, asked)
    stays = [e.number for e, room in given if room != 1 or not asked.covers(e.at_ms, e.event.retention)]
    for _ in range(2):
        with Reader(where) as reader:
            rooms = [reader.entries(f"room-{room}", 0, 2**53) for room in (1, 2)]
            assert sorted(kept.number for found in rooms for kept in found) == stays
            assert all(decode(kept.event) for found in rooms for kept in found)
        for entry, room in given:
            store.commit(arrive(sender, [entry], f"room-{room}"))
    store.close()


def test_every_column_of_content_is_sealed(store: Store) -> None:
    """Of a new table with words in it somebody has to think here."""
    store.commit(arrive(Sender(store), told()))
    for table, column in (*erasing._CONTENTS, (tables.alerts, "alert")):
        rows = store.database.run(select(table.c[column])).scalars().all()
        assert rows and all(map(is_sealed, rows)), table.name
    blobs = {(t.name, c.name) for t in tables.metadata.sorted_tables for c in t.c if str(c.type) == "BLOB"}
    assert blobs == {
        ("entries", "event"), ("latest", "event"), ("alerts", "alert"), ("alert_changes", "line"),
        ("room_keys", "key"), ("units", "ranges"), ("units", "seen"), ("commands", "note"),
    }  # fmt: skip
