"""Every entry once, through restarts, kills at any place, damage and a full disk."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parties import GATEWAY, NOON, OTHER_UNIT, enrolment, epoch, packed, record
from sqlalchemy import text
from stored import Sender, entry, holding
from tests.patience import WITHIN_S

from stillroom.document_forms import to_ms
from stillroom.errors import StorageError, WireError
from stillroom.events import Entry, Lost
from stillroom.keys import KeyRing
from stillroom.receiver import Receiver
from stillroom_tools.site.gateway.arrived import Arrived
from stillroom_tools.site.gateway.connecting import StoreAway
from stillroom_tools.site.gateway.cursor import MAX_RANGES, Cursor
from stillroom_tools.site.gateway.place import Place
from stillroom_tools.site.gateway.settings import FILE
from stillroom_tools.site.gateway.store import Store


@pytest.fixture
def store(where: Place) -> Iterator[Store]:
    opened = Store(where)
    yield opened
    opened.close()


def numbers(store: Store) -> list[int]:
    return [kept.number for _, kept in store.unannounced(10_000)]


def test_keeps_each_entry_once_and_moves_the_cursor(store: Store) -> None:
    sender = Sender(store)
    assert store.cursor("u-1") == Cursor()
    counts = store.commit([sender.arrive(entry(1), entry(2)), sender.arrive(entry(2), entry(4))])
    assert counts == {"new": 3, "duplicate": 1}
    assert store.cursor("u-1") == Cursor(2, ((4, 4),))
    assert store.commit([sender.arrive(entry(3))]) == {"new": 1}
    assert store.cursor("u-1") == Cursor(4)
    assert numbers(store) == [1, 2, 4, 3]


def test_says_all_of_an_entry(store: Store) -> None:
    store.commit([Sender(store).arrive(msgspec.structs.replace(entry(1, "bed zone 0.62"), late=True))])
    ((_, kept),) = store.unannounced(5)
    assert msgspec.json.decode(msgspec.json.encode(kept)) == {
        "unit": "u-1",
        "room": "room-1",
        "number": 1,
        "at_ms": to_ms(NOON),
        "accepted_ms": to_ms(NOON) + 5,
        "sealed_ms": to_ms(NOON) + 7,
        "opened_ms": to_ms(NOON) + 9,
        "late": True,
        "event": {
            "type": "state",
            "state": "in-bed",
            "before": "occupied",
            "why": "bed zone 0.62",
            "model": "none",
        },
    }


def test_goes_on_after_a_restart_without_taking_a_record_twice(where: Place) -> None:
    store = Store(where)
    sender = Sender(store)
    arrived = sender.arrive(entry(1))
    store.commit([arrived])
    store.mark_announced(store.unannounced(1)[0][0])
    store.close()
    store = Store(where)
    assert (store.count(), store.cursor("u-1"), numbers(store)) == (1, Cursor(1), [])
    again = Sender(store, under=sender.under)
    with pytest.raises(WireError, match="duplicate"):
        again.arrive(entry(1))
    store.close()


def test_what_was_opened_and_not_committed_may_come_again(where: Place) -> None:
    store = Store(where)
    sender = Sender(store)
    sender.arrive(entry(1))
    store.close()
    store = Store(where)
    again = Sender(store, under=sender.under)
    assert store.commit([again.arrive(entry(1))]) == {"new": 1}
    store.close()


def test_a_number_with_another_content_is_counted_and_both_stay(store: Store) -> None:
    """Where a key was copied, two units accept under one number: neither is lost."""
    sender = Sender(store)
    store.commit([sender.arrive(entry(1, "first"))])
    for outcome in ("rewritten", "duplicate"):
        assert store.commit([sender.arrive(entry(1, "second"))]) == {outcome: 1}
    assert store.commit([sender.arrive(entry(1, "first"))]) == {"duplicate": 1}
    kept = [bytes(found.event) for _, found in store.unannounced(9)]
    assert [b"first" in kept[0], b"second" in kept[1], len(kept)] == [True, True, 2]


def test_what_is_heard_of_a_unit_is_of_its_newest_boot(store: Store) -> None:
    assert store.heard("u-1") == b""
    sender = Sender(store)
    store.commit([sender.arrive(entry(1))])
    assert store.heard("u-1") == sender.under.boot.id


def test_a_unit_with_new_keys_counts_from_one(store: Store) -> None:
    before = Sender(store, 7).arrive(*map(entry, range(1, 9)))
    anew = KeyRing("demo", "unit", "u-1", OTHER_UNIT.signing, OTHER_UNIT.boxes)
    data = record(
        packed(holding(entry(1, "of the new one"))), by=anew, under=epoch(boot=1, boot_id=b"n" * 16)
    )
    after = Receiver([enrolment(anew)], GATEWAY.boxes, store).open(data)
    assert store.commit([before, Arrived(after, to_ms(NOON))]) == {"new": 8, "rewritten": 1}
    assert store.cursor("u-1") == Cursor(1) and store.heard("u-1") == b"n" * 16


def test_what_the_unit_says_is_lost_is_waited_for_no_longer(store: Store) -> None:
    lost = Entry(9, 0, 0, Lost(((2, 5), (7, 8)), "outbox-full"))
    store.commit([Sender(store).arrive(entry(1), entry(6), lost)])
    assert store.cursor("u-1") == Cursor(9)


def test_a_lost_entry_that_arrives_all_the_same_is_kept(store: Store) -> None:
    sender = Sender(store)
    store.commit([sender.arrive(Entry(9, 0, 0, Lost(((1, 8),), "outbox-full")))])
    assert store.commit([sender.arrive(entry(3))]) == {"new": 1}


@pytest.mark.parametrize("span", [(1, 2**53), (3, 9), (9, 12), (5, 4), (0, 8)])
def test_no_unit_can_declare_the_future_lost(store: Store, span: tuple[int, int]) -> None:
    store.commit([Sender(store).arrive(Entry(9, 0, 0, Lost((span,), "outbox-full")))])
    assert store.cursor("u-1") == Cursor(0, ((9, 9),))


def test_too_scattered_entries_are_left_to_come_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_RANGES > 1000
    monkeypatch.setattr("stillroom_tools.site.gateway.store.MAX_RANGES", 2)
    counts = store.commit([Sender(store).arrive(*(entry(n) for n in (2, 4, 6, 3)))])
    assert counts == {"new": 3, "scattered": 1}
    assert store.cursor("u-1") == Cursor(0, ((2, 4),))


def test_a_room_is_remembered_while_the_unit_has_no_authorisation(store: Store) -> None:
    sender = Sender(store)
    store.commit([sender.arrive(entry(1), room="room-7"), sender.arrive(entry(2), room="none")])
    assert [kept.room for _, kept in store.unannounced(5)] == ["room-7", "room-7"]


def test_boots_never_repeat(where: Place) -> None:
    boots = []
    for _ in range(3):
        store = Store(where)
        boots += [store.next_boot(), store.next_boot()]
        store.close()
    assert boots == sorted(set(boots)) and len(boots) == 6
    assert boots[0] >= 1_780_000_000, "above all that a lost database may have given out"


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(1, 25)), st.lists(st.integers(1, 6), min_size=24, max_size=24), st.data())
def test_any_order_any_batches_any_repeats(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], sizes: list[int], data: st.DataObject
) -> None:
    """The same entries, in whatever order, batched and repeated as may be: each once, cursor at the end."""
    store = Store(tmp_path_factory.mktemp("store"))
    sender = Sender(store)
    waiting = order + data.draw(st.lists(st.sampled_from(order), max_size=10))
    for size in sizes:
        part, waiting = waiting[:size], waiting[size:]
        store.commit([sender.arrive(entry(n)) for n in part])
    store.commit([sender.arrive(entry(n)) for n in waiting])
    assert sorted(numbers(store)) == sorted(order)
    assert store.cursor("u-1") == Cursor(24)
    store.close()


def test_two_gateways_on_one_database_are_refused(where: Place, store: Store) -> None:
    with pytest.raises(StorageError, match="another gateway"):
        Store(where)
    store.next_boot()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("text", "cannot be opened"),
        ("foreign", "another program"),
        ("newer", "newer version"),
        ("cursor", "cursor of unit 'u-1' is damaged"),
        ("seen", "replays is damaged"),
    ],
)
def test_a_file_that_is_not_ours_or_damaged_is_told(tmp_path: Path, spoil: str, message: str) -> None:
    store = Store(tmp_path)
    store.commit([Sender(store).arrive(entry(1))])
    store.close()
    if spoil == "text":
        (tmp_path / FILE).write_text("not a database, however long the text is " * 100)
    else:
        statement = {
            "foreign": "PRAGMA application_id = 7",
            "newer": "PRAGMA user_version = 99",
            "cursor": "UPDATE units SET ranges = x'00'",
            "seen": "UPDATE units SET seen = x'00'",
        }[spoil]
        database = sqlite3.connect(tmp_path / FILE)
        database.execute(statement)
        database.commit()
        database.close()
    with pytest.raises(StorageError, match=message):
        Store(tmp_path)


def test_a_full_disk_keeps_nothing_of_the_batch_and_says_what_to_do(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sender = Sender(store)
    store.commit([sender.arrive(entry(1))])
    pages = store.database.run(text("PRAGMA page_count")).scalar_one()
    store.database.run(text(f"PRAGMA max_page_count = {pages}"))
    batch = [sender.arrive(*(entry(n + i, "x" * 100) for i in range(4))) for n in range(2, 400, 4)]
    with pytest.raises(StorageError, match="free space"):
        store.commit(batch)
    assert store.cursor("u-1") == Cursor(1)
    store.close()
    again = Store(tmp_path)
    assert (again.count(), again.cursor("u-1")) == (1, Cursor(1))
    again.close()


def test_the_database_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.next_boot()
    for name in (FILE, f"{FILE}-wal", "gateway.lock"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


_WRITER = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2].split(":")
from stored import Sender, entry
from stillroom_tools.site.gateway.place import find
from stillroom_tools.site.gateway.store import Store
store = Store(find(Path("/"), sys.argv[1]))
sender = Sender(store, boot=store.next_boot())
number = store.cursor("u-1").contiguous
while True:
    number += 1
    store.commit([sender.arrive(entry(number))])
    print(number, flush=True)
"""


def test_what_was_committed_survives_kill_9(where: Place) -> None:
    """What the writer said after a commit is there, after each of several kills."""
    paths = f"{Path(__file__).parents[1]}:{Path(__file__).parents[2]}"
    for _ in range(4):
        command = [sys.executable, "-c", _WRITER, str(where.url), paths]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            said = [int(writer.stdout.readline()) for _ in range(15)]
            os.kill(writer.pid, signal.SIGKILL)
        store = opened_after_a_kill(where)
        assert store.cursor("u-1").contiguous >= said[-1]
        assert store.count() == store.cursor("u-1").contiguous
        store.close()


def opened_after_a_kill(where: Place) -> Store:
    """A server takes a moment to notice that whoever held the database has gone."""
    give_up = time.monotonic() + WITHIN_S
    while True:
        try:
            return Store(where)
        except StoreAway:
            assert time.monotonic() < give_up
            time.sleep(0.02)


def test_a_file_is_flushed_at_every_commit_and_what_is_deleted_overwritten(tmp_path: Path) -> None:
    store = Store(tmp_path)
    shown = [store.database.run(text(f"PRAGMA {name}")).scalar() for name in PRAGMAS]
    with store.database.transaction(flushed=False):
        assert store.database.run(text("PRAGMA synchronous")).scalar() == 1
    assert shown == ["wal", 2, 1] and store.database.run(text("PRAGMA synchronous")).scalar() == 2
    store.close()


PRAGMAS = ("journal_mode", "synchronous", "secure_delete")


@pytest.mark.parametrize("at_once", [1, 2, 3, 99])
def test_a_chain_is_read_in_parts_in_the_order_of_its_numbers(
    store: Store, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("stillroom_tools.site.gateway.store.LINKS", at_once)
    sender = Sender(store)

    def lost(number: int, reason: str = "outbox-full") -> Entry:
        return Entry(number, to_ms(NOON), to_ms(NOON), Lost(((1, 1),), reason))

    store.commit([sender.arrive(lost(5), entry(3), lost(2)), sender.arrive(lost(9), lost(5, "of-a-copy"))])
    found = store.chain_of("u-1")
    first = next(found)
    store.commit([sender.arrive(lost(11))])
    told = [first, *found]
    assert [number for number, _ in told] == [2, 5, 5, 9, 11], "what was committed meanwhile too"
    assert [event.reason for _, event in told[1:3]] == ["outbox-full", "of-a-copy"]
    assert list(store.chain_of("u-2")) == []
