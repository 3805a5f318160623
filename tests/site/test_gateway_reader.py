"""What others read of the gateway's store while it writes: entries, what was said last, alerts; and never a change."""

from pathlib import Path

import pytest
from sqlalchemy import text
from stored import Sender, entry
from tests.parties import NOON

from stillroom.document_forms import to_ms
from stillroom.errors import StorageError
from stillroom.events import ConditionChanged, Entry, GateChanged, StateChanged
from stillroom_tools.site.gateway.alert_forms import Act
from stillroom_tools.site.gateway.place import Place
from stillroom_tools.site.gateway.reader import Reader
from stillroom_tools.site.gateway.rooms import LastKnown
from stillroom_tools.site.gateway.store import Store

T = to_ms(NOON)


def at(number: int, ms: int, event: object, late: bool = False) -> Entry:
    return Entry(number, T + ms, T + ms, event, late)


def state(name: str) -> StateChanged:
    return StateChanged(name, "unknown", "")


FALL = ConditionChanged("on-floor", "high", True, "91 %")


@pytest.fixture
def store(where: Place):
    opened = Store(where)
    yield opened
    opened.close()


@pytest.fixture
def reader(where: Place, store: Store):
    with Reader(where) as opened:
        yield opened


def test_entries_of_a_room_by_time_and_kind(store: Store, reader: Reader) -> None:
    sender = Sender(store)
    store.commit([sender.arrive(at(1, 50, state("in-bed")), at(2, 10, FALL), at(3, 99, state("empty")))])
    store.commit([sender.arrive(at(4, 60, state("empty")), room="room-2")])
    assert [kept.number for kept in reader.entries("room-1", T, T + 99)] == [2, 1], (
        "by time, the end not included"
    )
    assert [kept.number for kept in reader.entries("room-1", T, T + 100, ["state"])] == [1, 3]
    assert [kept.number for kept in reader.entries("room-2", T, T + 100)] == [4]
    assert reader.entries("room-3", T, T + 100) == []
    (kept,) = reader.entries("room-1", T + 10, T + 11)
    assert (kept.unit, kept.at_ms, kept.late) == ("u-1", T + 10, False) and b"91 %" in bytes(kept.event)


def test_what_was_said_last_of_each_room(store: Store, reader: Reader) -> None:
    sender = Sender(store)
    assert reader.known() == []
    store.commit([sender.arrive()])
    assert reader.known() == [LastKnown("u-1", "room-1", T + 9)], "heard, and nothing said"
    store.commit([sender.arrive(at(2, 20, state("empty")), at(3, 30, GateChanged("paused", None)))])
    store.commit([sender.arrive(at(1, 10, state("in-bed")))])
    known = LastKnown("u-1", "room-1", T + 9, "empty", T + 20, "paused", T + 30)
    assert reader.known() == [known] == store.known(), "what came late is not the newest"
    store.commit(
        [sender.arrive(at(4, 25, state("occupied"))), sender.arrive(at(5, 15, state("on-floor"), late=True))]
    )
    assert reader.known()[0].state == "on-floor", "the unit's own numbers count, whatever its clock did"
    store.commit([sender.arrive(at(2, 90, state("in-bed")))])
    assert reader.known()[0].state == "in-bed", "a card that was put back says under old numbers what is new"
    store.commit([sender.arrive(at(1, 95, state("empty"), late=True))])
    assert reader.known()[0].state == "in-bed", "and not what was delayed"


def test_alerts_that_stand_and_their_history(store: Store, reader: Reader) -> None:
    store.commit([Sender(store).arrive(at(1, 0, FALL))])
    store.alerts.act(Act("attend", "u-1", "ann", T + 100), T + 100)
    store.alerts.silent("u-2", "room-2", T + 200)
    assert [(a.unit, a.kind, a.owner) for a in reader.alerts()] == [
        ("u-1", "on-floor", "ann"),
        ("u-2", "unit-silent", ""),
    ]
    history = reader.alert_history(T, T + 1000)
    assert [(line.unit, line.what) for line in history] == [
        ("u-1", "raised"), ("u-1", "acknowledged"), ("u-2", "raised"),
    ]  # fmt: skip
    assert reader.alert_history(T, T + 1000, "u-2") == history[2:]
    assert reader.alert_history(T + 101, T + 200) == []


def test_nothing_can_be_written_through_it(store: Store, reader: Reader) -> None:
    with pytest.raises(StorageError, match=r"read-?only"), reader._look() as connection:
        connection.execute(text("DELETE FROM entries"))


def test_where_no_gateway_has_run_there_is_nothing_to_read(tmp_path: Path) -> None:
    from stillroom_tools.site.gateway.place import in_folder

    with pytest.raises(StorageError, match="has a gateway ever run here"):
        Reader(in_folder(tmp_path))
    assert list(tmp_path.iterdir()) == [], "and none is made"


def test_it_reads_after_the_gateway_has_gone(store: Store, where: Place) -> None:
    store.commit([Sender(store).arrive(entry(1))])
    store.close()
    with Reader(where) as reader:
        assert len(reader.entries("room-1", T, T + 1)) == 1
