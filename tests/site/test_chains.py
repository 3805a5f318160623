"""The links that the gateway holds, and the head that the unit tells: where they part is an alarm, never before."""

from pathlib import Path

import pytest
from site_facility import Facility

from stillroom.events import Audited
from stillroom.link import Network
from stillroom_tools.site.gateway.settings import FILE


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
    facility.settle()
    facility.change(
        "UPDATE entries SET event = replace(CAST(event AS TEXT), '\"at_ms\":1', '\"at_ms\":2') "
        f"WHERE number = {MIDDLE}"
    )
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
