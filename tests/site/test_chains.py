"""The links that the gateway holds, and the head that the unit tells: where they part is an alarm, never before."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from site_facility import TOPIC, Facility
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from stillroom.events import Audited, Lost, Summary
from stillroom.link import Network
from stillroom_tools.site.gateway.chains import Chains, owed
from stillroom_tools.site.gateway.sealed import day_of, seal, unseal
from stillroom_tools.site.gateway.settings import FILE
from stillroom_tools.site.subscriber import Message


@pytest.fixture
def facility(tmp_path: Path) -> Facility:
    one = Facility(tmp_path)
    one.live()
    yield one
    one.close()


LAST = "(SELECT max(number) FROM entries WHERE kind = 'audit')"
MIDDLE = "(SELECT number FROM entries WHERE kind = 'audit' ORDER BY number LIMIT 1 OFFSET 2)"


def test_a_whole_chain_is_no_alarm_however_it_grows_and_the_gateway_restarts(facility):
    facility.settle()
    for _ in range(3):
        facility.live()
        facility.hear(facility.record())
        facility.settle()
        facility.close()
        facility.open()
    facility.hear(facility.record())
    assert facility.alarms == {}


@pytest.mark.parametrize("number", [LAST, MIDDLE], ids=["the last", "one in the middle"])
def test_a_link_taken_out_of_the_database_is_an_alarm(facility, number):
    facility.settle()
    facility.change(f"DELETE FROM entries WHERE number = {number}")
    facility.hear(facility.record())
    assert facility.alarms == {"broken-chain": 1}
    (notice,) = facility.gateway._enrolled.alarms.news()
    assert "heads of its audit chain to which the links here do not lead" in notice.text
    facility.hear(facility.record())
    assert facility.alarms == {"broken-chain": 1}, "once for each head"


def test_a_link_whose_words_were_changed_is_an_alarm(facility):
    """Sealed anew: whoever has the database has its keys."""
    facility.settle()
    facility.close()
    with closing(sqlite3.connect(facility.database)) as database, database:
        found = database.execute(f"SELECT id, room, at_ms, event FROM entries WHERE number = {MIDDLE}")
        place, room, at_ms, event = found.fetchone()
        of_day = "SELECT key FROM room_keys WHERE room = ? AND day = ?"
        (key,) = database.execute(of_day, (room, day_of(at_ms))).fetchone()
        changed = unseal(key, event).replace(b'"at_ms":1', b'"at_ms":2')
        database.execute("UPDATE entries SET event = ? WHERE id = ?", (seal(key, changed), place))
    facility.open()
    facility.hear(facility.record())
    assert facility.alarms == {"broken-chain": 1}


def test_a_database_put_back_from_a_copy_is_an_alarm_once_the_unit_believes_it_was_heard(facility, tmp_path):
    facility.settle()
    facility.close()
    kept = facility.database.read_bytes()
    facility.open()
    facility.live(2)
    facility.settle()
    facility.close()
    facility.database.write_bytes(kept)
    for more in ("-wal", "-shm"):
        facility.database.with_name(FILE + more).unlink(missing_ok=True)
    facility.open()
    facility.hear(facility.record())
    assert facility.alarms.get("broken-chain") == 1


def test_no_alarm_while_entries_wait_or_come_in_another_order(facility):
    """The control: the last link long before the others, records late and lost; each head is judged as it comes."""
    facility.settle()
    facility.live(12)
    waiting = [facility.record() for _ in range(8)]
    facility.hear(waiting[-1])
    assert facility.gateway._chains._chains["u-1"].ahead, "links came ahead of those before them"
    assert facility.alarms == {}
    facility.hear(*reversed(waiting[2:-1]))
    assert facility.alarms.get("broken-chain") is None
    facility.settle()
    assert facility.alarms.get("broken-chain") is None
    assert not facility.gateway._chains._chains["u-1"].ahead


def test_what_the_unit_says_it_has_lost_is_no_alarm_and_what_follows_is_held_to_the_head(facility):
    facility.settle()
    facility.live(2)
    outbox = facility.rig.unit._outbox
    gone = [entry.number for entry in outbox.take(0, 100) if isinstance(entry.event, Audited)][:2]
    number = outbox._drop(gone, "outbox-full", outbox.accepted, facility.rig.clock.utc_ms())
    outbox.accepted = number
    outbox._set_meta("accepted", number)
    facility.live()
    facility.settle()
    assert facility.alarms == {}
    newest = "SELECT number FROM entries WHERE kind = 'audit' ORDER BY number DESC LIMIT 5"
    facility.change(f"DELETE FROM entries WHERE number IN ({newest})")
    facility.hear(facility.record())
    assert facility.alarms == {"broken-chain": 1}, "more are missing than were lost"


def drop(facility: Facility, kind: type, count: int) -> None:
    """The unit has no room for its oldest entries of a kind, and says so."""
    outbox = facility.rig.unit._outbox
    gone = [entry.number for entry in outbox.take(0, 1_000) if isinstance(entry.event, kind)][:count]
    assert len(gone) == count
    number = outbox._drop(gone, "outbox-full", outbox.accepted, facility.rig.clock.utc_ms())
    outbox.accepted = number
    outbox._set_meta("accepted", number)


def test_lost_entries_of_other_kinds_excuse_no_link(facility):
    """A unit was away for long, and lost its summaries; an insider then takes one link out: it is not among them."""
    facility.settle()
    facility.rig.beat(700)
    drop(facility, Summary, 5)
    facility.live(2)
    facility.settle()
    assert facility.alarms == {}
    facility.change(f"DELETE FROM entries WHERE number = {MIDDLE}")
    facility.hear(facility.record())
    assert facility.alarms == {"broken-chain": 1}


def test_links_that_came_again_are_owed_no_more(facility):
    """Two gave way and came once more under new numbers. Taken out then, nobody lost them."""
    facility.settle()
    facility.live(2)
    drop(facility, Audited, 2)
    facility.live()
    facility.settle()
    last_two = "SELECT number FROM entries WHERE kind = 'audit' ORDER BY number DESC LIMIT 2"
    facility.change(f"DELETE FROM entries WHERE number IN ({last_two})")
    facility.hear(facility.record())
    assert facility.alarms == {"broken-chain": 1}


def link(index: int) -> Audited:
    return Audited(index, 0, b"{}", bytes(16), bytes(32), bytes(64))


@pytest.mark.parametrize(
    ("links", "lost", "after", "until", "expected"),
    [
        ({1: 2, 2: 4, 3: 6}, [], 0, 3, False),
        ({1: 2, 3: 6}, [], 0, 3, True),
        ({1: 2, 3: 6}, [(4, 4)], 0, 3, False),
        ({1: 2, 3: 6}, [(7, 99)], 0, 3, True),  # what was lost came after it
        ({2: 6, 3: 8}, [(1, 1)], 0, 3, False),  # the first
        ({1: 2, 2: 4}, [(5, 5)], 0, 3, False),  # the last
        ({1: 2, 2: 4}, [(3, 3)], 0, 3, True),
        ({1: 2, 4: 9}, [(4, 4)], 0, 4, True),  # two are missing and one was lost
        ({1: 2, 4: 9}, [(4, 5), (5, 6)], 0, 4, False),
        ({1: 2, 4: 9}, [(4, 4), (4, 4)], 0, 4, True),  # told twice is lost once
        ({1: 2, 4: 9}, [], 3, 4, False),  # passed over before
        ({1: 2, 2: 90, 4: 9}, [(4, 5)], 0, 4, False),  # one of two came again, the other is owed still
        ({1: 2, 2: 90, 4: 9}, [(4, 4)], 0, 4, True),
        ({1: 2, 2: 90, 4: 92}, [(4, 6)], 0, 4, True),  # all came again but one, which is not owed any more
        ({}, [(1, 9)], 0, 3, False),
        ({}, [], 0, 3, True),
    ],
)
def test_a_link_is_excused_by_the_number_that_it_would_have(links, lost, after, until, expected):
    kept = [(number, link(index)) for index, number in links.items()]
    kept += [(100 + n, Lost((each,), "outbox-full")) for n, each in enumerate(lost)]
    assert owed(sorted(kept, key=lambda row: row[0]), after, until) is expected


def test_a_chain_that_begins_anew_after_damage_is_no_alarm(facility):
    facility.settle()
    facility.rig.unit.close()
    path = facility.rig.folder / "state" / "outbox.db"
    path.write_bytes(bytes(path.stat().st_size))
    facility.rig.start()
    facility.rig.unit.from_courier(Network(True, "connected"))
    facility.live()
    facility.settle()
    facility.live()
    facility.settle()
    assert facility.alarms.get("broken-chain") is None
    facility.change(f"DELETE FROM entries WHERE number = {MIDDLE}")
    facility.hear(facility.record())
    assert facility.alarms.get("broken-chain") == 1, "what was delivered before the damage must be there"


def test_chains_are_followed_in_turns_and_judged_once_all_was_followed(facility, monkeypatch):
    """After a start of a large site: nobody waits for all of them, and none is left out."""
    monkeypatch.setattr("stillroom_tools.site.gateway.chains.STRETCH", 2)
    monkeypatch.setattr("stillroom_tools.site.gateway.store.LINKS", 3)
    facility.settle()
    facility.change(f"DELETE FROM entries WHERE number = {MIDDLE}")
    chains = Chains(facility.gateway._store.chain_of)
    opened = facility.gateway._enrolled.open(Message(TOPIC, facility.record()))
    chains.load(["another", "u-1"], enough=lambda: True)
    assert not chains.leads_astray(opened), "not its turn yet"
    turns = 0
    while not chains.leads_astray(opened):
        chains.load(["another", "u-1"], enough=lambda: True)
        turns += 1
        assert turns < 50
    assert turns >= 3


def test_links_that_come_while_a_chain_is_followed_are_no_alarm(facility, monkeypatch):
    monkeypatch.setattr("stillroom_tools.site.gateway.chains.STRETCH", 2)
    monkeypatch.setattr("stillroom_tools.site.gateway.store.LINKS", 3)
    monkeypatch.setattr("stillroom_tools.site.gateway.main.LONGEST_LOADING_NS", -1)
    facility.settle()
    facility.close()
    facility.open()
    for _ in range(4):
        facility.live()
        facility.hear(facility.record())
    assert facility.gateway._chains._loading, "still at it"
    while facility.gateway._chains._loading:
        facility.settle()
    facility.settle()
    assert facility.alarms == {}
    assert facility.gateway._chains._chains["u-1"].index > 10


def test_the_links_of_a_unit_are_found_by_their_index(facility):
    store, asked = facility.gateway._store, []
    run = store.database.run
    store.database.run = lambda statement, *rest: asked.append(statement) or run(statement, *rest)
    list(store.chain_of("u-1"))
    store.database.run = run
    compiled = asked[0].compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    plan, key = run(text(f"EXPLAIN QUERY PLAN {compiled}")).all()
    assert "INDEX chains (unit=? AND" in plan.detail
    assert "room_keys USING PRIMARY KEY (room=? AND day=?)" in key.detail
