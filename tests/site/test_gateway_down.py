"""The pace downwards: one record of one size in every slot for every unit, news or none."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from parties import BOARD, GATEWAY, NOON, OTHER_UNIT, UNIT, HandClock, body, enrolment, recipient, roster

from stillroom.document_forms import to_ms
from stillroom.events import DownBody
from stillroom.keeper.seal import Sealer
from stillroom.keys import BoxKey, KeyRing
from stillroom.receiver import Receiver
from stillroom.wire import RECORD_BYTES, parse
from stillroom_tools.site.gateway.arrived import Arrived
from stillroom_tools.site.gateway.down import Downwards
from stillroom_tools.site.gateway.store import Store

ROSTER = roster(recipient(GATEWAY), recipient(BOARD))
UNITS = {"u-1": enrolment(UNIT), "u-2": enrolment(OTHER_UNIT)}
STEP = timedelta(milliseconds=50)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()


class Wire:
    """What is to be published: (time in ms, unit, record)."""

    def __init__(self, clock: HandClock) -> None:
        self._clock = clock
        self.sent: list[tuple[int, str, bytes]] = []

    def publish(self, unit: str, record: bytes, at_ns: int) -> None:
        wait_ns = at_ns - self._clock.mono_ns()
        assert 0 <= wait_ns <= 250_000_000, "composed early, and its place is not over"
        self.sent.append((self._clock.utc_ms() + wait_ns // 1_000_000, unit, record))

    def times(self, unit: str) -> list[int]:
        return [at for at, to, _ in self.sent if to == unit]


def downwards(store: Store, clock: HandClock, wire: Wire) -> Downwards:
    made = Downwards(GATEWAY.signing, store, clock, 2.0, wire.publish)
    made.enrol(UNITS)
    return made


def pass_time(down: Downwards, clock: HandClock, slots: int) -> None:
    for _ in range(slots * 40):
        clock.pass_time(STEP)
        down.send_due()


def sealer(of: KeyRing, clock: HandClock, boot: int = 1) -> Sealer:
    return Sealer(of, ROSTER, boot, clock)


def test_the_pace_and_size_are_the_same_with_news_and_without(store: Store) -> None:
    clock = HandClock()
    wire = Wire(clock)
    down = downwards(store, clock, wire)
    receiver, unit = Receiver(UNITS.values(), GATEWAY.boxes, store), sealer(UNIT, clock)
    for slot in range(10):
        pass_time(down, clock, 1)
        entries = slot if slot >= 5 else 0
        if entries:
            store.commit([Arrived(receiver.open(unit.seal(body(entries=entries))), clock.utc_ms())])
    for name in UNITS:
        times = wire.times(name)
        assert {later - earlier for earlier, later in pairwise(times)} == {2000}
        assert len(times) == 10
    assert {len(record) for _, _, record in wire.sent} == {RECORD_BYTES}
    assert wire.times("u-1")[0] != wire.times("u-2")[0], "each unit has its own place in the slot"


def test_the_unit_opens_what_it_is_told_and_no_other_unit_does(store: Store) -> None:
    clock = HandClock()
    wire = Wire(clock)
    down = downwards(store, clock, wire)
    unit, other = sealer(UNIT, clock), sealer(OTHER_UNIT, clock)
    receiver = Receiver(UNITS.values(), GATEWAY.boxes, store)
    store.commit([Arrived(receiver.open(unit.seal(body(entries=3))), clock.utc_ms())])
    pass_time(down, clock, 1)
    told = {to: record for _, to, record in wire.sent}
    assert unit.open_down(told["u-1"]).cursor == 3
    assert other.open_down(told["u-2"]).cursor == 0
    with pytest.raises(Exception, match="recipient"):
        unit.open_down(told["u-2"])


def test_a_restart_of_the_gateway_never_repeats_a_number(store: Store) -> None:
    clock = HandClock()
    wire = Wire(clock)
    unit = sealer(UNIT, clock)
    for _ in range(3):
        pass_time(downwards(store, clock, wire), clock, 3)
    records = [record for _, to, record in wire.sent if to == "u-1"]
    assert len(records) == 9
    for record in records:
        unit.open_down(record)
    with pytest.raises(Exception, match="duplicate"):
        unit.open_down(records[-1])
    assert len({(parse(r).boot.number, parse(r).sequence) for r in records}) == 9


def test_a_stall_is_not_made_up_for(store: Store) -> None:
    clock = HandClock()
    wire = Wire(clock)
    down = downwards(store, clock, wire)
    pass_time(down, clock, 2)
    clock.pass_time(timedelta(seconds=60))
    down.send_due()
    assert len(wire.sent) == 4, "nothing at once after the stall"
    pass_time(down, clock, 1)
    assert len(wire.sent) == 6
    times = wire.times("u-1")
    assert (times[-1] - times[0]) % 2000 == 0, "and the pace is the one of before"


def test_units_come_and_go(store: Store) -> None:
    clock = HandClock()
    wire = Wire(clock)
    down = downwards(store, clock, wire)
    down.enrol({"u-2": UNITS["u-2"]})
    pass_time(down, clock, 3)
    assert wire.times("u-1") == []
    down.enrol(UNITS)
    pass_time(down, clock, 3)
    assert (len(wire.times("u-1")), len(wire.times("u-2"))) == (3, 6)


def test_a_unit_with_a_new_key_is_spoken_to_with_that_key(store: Store) -> None:
    clock = HandClock()
    wire = Wire(clock)
    down = downwards(store, clock, wire)
    pass_time(down, clock, 1)
    box = BoxKey(b"n" * 32)
    renewed = KeyRing("demo", "unit", "u-1", UNIT.signing, (box,))
    down.enrol({"u-1": msgspec.structs.replace(UNITS["u-1"], box=box.public.raw)})
    pass_time(down, clock, 1)
    before, after = (record for _, to, record in wire.sent if to == "u-1")
    unit = sealer(renewed, clock)
    assert unit.open_down(after) == DownBody(wire.times("u-1")[1], 0)
    assert parse(after).boot.number > parse(before).boot.number


def test_says_how_long_to_wait(store: Store) -> None:
    clock = HandClock(NOON)
    down = downwards(store, clock, Wire(clock))
    wait_s = down.wait_s()
    assert 0 < wait_s < 2.0
    clock.pass_time(timedelta(seconds=wait_s + 0.001))
    assert down.wait_s() == 0.0
    assert clock.utc_ms() > to_ms(NOON)
