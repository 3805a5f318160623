"""The links that the gateway holds, and the head that the unit tells: where they part is an alarm, never before."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from tests.rig import Rig

from stillroom.clock import SystemClock
from stillroom.events import Audited
from stillroom.link import Network, Up
from stillroom_tools.site.gateway.main import Gateway
from stillroom_tools.site.gateway.settings import FILE
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.subscriber import Message

TOPIC = "stillroom/1/test/u-1/up"


class Facility:
    """A keeper, and the real gateway of its site, record by record without a broker."""

    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder)
        self.rig.unit.from_courier(Network(True, "connected"))
        self.site = open_site(self.rig.site_folder)
        self.database = self.rig.site_folder / "gateway" / FILE
        self.gateway: Gateway | None = None
        self.open()

    def open(self) -> None:
        self.gateway = Gateway(self.site, SystemClock(), announce=False)
        self.gateway._enrol()

    def close(self) -> None:
        assert self.gateway is not None
        self.gateway._store.close()

    def record(self) -> bytes:
        self.rig.beat(2)
        self.rig.unit.slot()
        up = self.rig.courier.last(Up)
        assert isinstance(up, Up)
        return up.record

    def hear(self, *records: bytes) -> None:
        self.gateway.receive([Message(TOPIC, record) for record in records])

    def settle(self) -> None:
        """Until nothing waits: the gateway's cursor, as its signed word brings it."""
        for _ in range(20):
            self.hear(self.record())
            cursor = self.gateway._store.cursor("u-1")
            self.rig.unit._outbox.settle(cursor.contiguous, cursor.ranges)
            if not self.rig.unit._outbox.waiting:
                break
        self.hear(self.record())

    def live(self, times: int = 1) -> None:
        for _ in range(times):
            self.rig.unit.button()
            self.rig.clock.pass_time(timedelta(seconds=2))
            self.rig.unit.button()
            self.rig.beat()

    @property
    def alarms(self) -> dict[str, int]:
        return self.gateway._enrolled.alarms.of("u-1")

    def change(self, sql: str) -> None:
        """An insider with the database, while the gateway is down."""
        self.close()
        with sqlite3.connect(self.database) as database:
            assert database.execute(sql).rowcount > 0
        database.close()
        self.open()


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
