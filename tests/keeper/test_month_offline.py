"""A month without a network, on a simulated clock, with the real parts of both ends: drained within 48 hours."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from parties import DAY, GATEWAY, NOON, UNIT, HandClock, body, enrolment, recipient, roster

from stillroom.document_forms import to_ms
from stillroom.events import Audited, ConditionChanged, Entry, StateChanged, Summary
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.seal import Sealer
from stillroom.keeper.slots import Slots, fits
from stillroom.receiver import Receiver
from stillroom_tools.site.gateway.arrived import Arrived
from stillroom_tools.site.gateway.down import Downwards
from stillroom_tools.site.gateway.store import Store

SLOT = timedelta(seconds=2)
STEPS = 8
MONTH_DAYS = 30
WITHIN = timedelta(hours=48)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder whose flushes cost nothing, where there is one: a month has many."""
    shared = Path("/dev/shm")
    with TemporaryDirectory(dir=shared if shared.is_dir() else tmp_path) as name:
        yield Path(name)


class Apart:
    """A unit that nobody hears, and its gateway."""

    def __init__(self, folder: Path, max_entries: int) -> None:
        for name in ("unit", "gateway"):
            (folder / name).mkdir()
        self.clock = HandClock()
        self.outbox = Outbox(folder / "unit", max_entries)
        self.slots = Slots(self.outbox, SLOT.total_seconds())
        self.sealer = Sealer(
            UNIT, roster(recipient(GATEWAY, (NOON, NOON + 90 * DAY))), self.outbox.next_boot(), self.clock
        )
        self.slot = self.links = 0
        self.store = Store(folder / "gateway")
        self.receiver = Receiver([enrolment(UNIT)], GATEWAY.boxes, self.store)
        self.heard: list[bytes] = []
        self.gateway = Downwards(
            GATEWAY.signing,
            self.store,
            self.clock,
            SLOT.total_seconds(),
            lambda _u, r, _at: self.heard.append(r),
        )
        self.gateway.enrol({"u-1": enrolment(UNIT)})

    def live_alone(self, days: int, changes_a_day: int, alerts_a_day: int) -> None:
        """Summaries each minute, changes and links of the audit chain, alerts: all with the times they would have."""
        for day in range(days):
            for hour in range(24):
                self._hour(day * 24 + hour, changes_a_day // 24, alerts_a_day // 24)
                self.clock.pass_time(timedelta(hours=1))
                self.outbox.commit(self.clock.utc_ms())

    def _hour(self, hour: int, changes: int, alerts: int) -> None:
        now_ms = self.clock.utc_ms()
        for minute in range(60):
            at_ms = now_ms + minute * 60_000
            said = Summary(at_ms - 60_000, at_ms, "in-bed", 0.1, 1.0, 15.5, 0.9, 61.0, 0.5)
            self.outbox.add(at_ms, said)
        for number in range(changes):
            at_ms = now_ms + number * 1000
            self.outbox.add(
                at_ms, StateChanged("in-bed", "occupied", "bed zone 0.62 for 3.1 s, breathing seen there")
            )
            if number % 4 == 0:
                self.links += 1
                self.outbox.add(
                    at_ms, Audited(self.links, at_ms, bytes(120), bytes(16), bytes(32), bytes(64))
                )
        for number in range(alerts):
            self.outbox.add(now_ms, ConditionChanged("left-bed", "high", number % 2 == 0, f"hour {hour}"))

    def exchange(self) -> tuple[Entry, ...]:
        """One slot of both: the gateway's cursor is heard, then a record goes up."""
        for _ in range(STEPS):
            self.clock.pass_time(SLOT / STEPS)
            self.gateway.send_due()
        for record in self.heard:
            down = self.sealer.open_down(record)
            self.outbox.settle(down.cursor, down.ranges)
        self.heard.clear()
        self.slot += 1
        utc_ms = self.clock.utc_ms()
        self.outbox.commit(utc_ms)
        snapshot = msgspec.structs.replace(body().snapshot, waiting=self.outbox.waiting)
        said = self.slots.compose(
            self.slot, self.clock.mono_ns(), utc_ms, snapshot, fits(self.sealer.capacity_bytes)
        )
        opened = self.receiver.open(self.sealer.seal(said))
        self.store.commit([Arrived(opened, utc_ms)])
        return opened.body.entries

    def end(self) -> None:
        self.outbox.close()
        self.store.close()


def drained(apart: Apart) -> tuple[list[Entry], timedelta]:
    """Everything that came, in order, and how long that took on the simulated clock."""
    began_ms = apart.clock.utc_ms()
    got: list[Entry] = []
    while apart.outbox.waiting:
        got += apart.exchange()
        assert apart.clock.utc_ms() - began_ms < 2 * WITHIN.total_seconds() * 1000, (
            "it does not come to an end"
        )
    return got, timedelta(milliseconds=apart.clock.utc_ms() - began_ms)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("days", [3, pytest.param(MONTH_DAYS, marks=pytest.mark.long)])
def test_days_or_a_month_drain_within_two_days_newest_alerts_first_and_all_of_it_late(
    memory: Path, days: int, changes_a_day: int = 96, alerts_a_day: int = 24
):
    apart = Apart(memory, 200_000)
    apart.live_alone(days, changes_a_day, alerts_a_day)
    apart.clock.pass_time(timedelta(minutes=2))
    accepted = apart.outbox.waiting
    assert accepted == apart.outbox.accepted > days * (1440 + changes_a_day)
    got, took = drained(apart)
    apart.end()
    print(f"{accepted} entries of {days} days drained in {took}")
    assert took < WITHIN
    numbers = [entry.number for entry in got]
    assert set(numbers) == set(range(1, accepted + 1))
    assert len(numbers) < 1.5 * accepted, (
        "alerts first leaves ranges, which the gateway can tell in turns only"
    )
    assert all(entry.late for entry in got)
    alerts = [entry.number for entry in got if isinstance(entry.event, ConditionChanged)]
    assert len(set(alerts)) == days * alerts_a_day
    first = list(dict.fromkeys(numbers))[: days * alerts_a_day]
    assert first == sorted(set(alerts), reverse=True), "alerts before all else, the newest first"
    assert min(entry.at_ms for entry in got) < to_ms(NOON) + 60_000


def test_what_happens_while_it_drains_is_not_late_and_does_not_wait_behind_the_month(memory: Path):
    apart = Apart(memory, 200_000)
    apart.live_alone(2, 240, 24)
    for _ in range(20):
        apart.exchange()
    apart.outbox.add(apart.clock.utc_ms(), ConditionChanged("left-bed", "high", True, "now"))
    got = apart.exchange()
    apart.end()
    assert got[0].event == ConditionChanged("left-bed", "high", True, "now") and not got[0].late
    assert apart.clock.utc_ms() - got[0].at_ms <= 2_000


def test_a_month_that_does_not_fit_drains_with_every_number_settled(memory: Path):
    """The oldest summaries give way, each is told, and the gateway's cursor comes to the end."""
    apart = Apart(memory, 10_000)
    apart.live_alone(10, 240, 24)
    assert apart.outbox.waiting <= 10_400 < apart.outbox.accepted
    got, _ = drained(apart)
    cursor = apart.store.cursor("u-1")
    assert (cursor.contiguous, cursor.ranges) == (apart.outbox.accepted, ())
    alerts = [e for e in got if isinstance(e.event, ConditionChanged)]
    assert len({e.number for e in alerts}) == 240, "no alert gave way"
    apart.end()
