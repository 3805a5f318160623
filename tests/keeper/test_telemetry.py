"""What a unit tells of itself: in ordinary slots, in numbers of nobody; and that its program has become old."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec import inspect
from tests.rig import SOMEWHERE, Rig, observation

from stillroom import software
from stillroom.events import ConditionChanged, Telemetry
from stillroom.keeper.entries import ROUTINE, priority
from stillroom.keeper.telemetry import EVERY_S, FIRST_AFTER_S
from stillroom.link import Up
from stillroom.machine import Found, Machine
from stillroom_tools.fields import leaves


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setattr(Machine, "throttled", lambda _: Found(2.0))
    monkeypatch.setattr(Machine, "wear", lambda *_: Found(0.3))
    return Rig(tmp_path)


def told(rig: Rig) -> list[Telemetry]:
    rig.speak()
    found = [entry.event for entry in rig.unit._outbox.take(rig.clock.utc_ms(), 10_000)]
    return [event for event in found if isinstance(event, Telemetry)]


def test_it_is_of_nobody_and_gives_way_first() -> None:
    rows = list(leaves(inspect.type_info(Telemetry), ""))
    assert {row["identifies"] for _, row in rows} == {"none"} and Telemetry.retention == "routine"
    assert len(rows) == len(Telemetry.__struct_fields__)


def test_it_is_told_a_minute_after_the_start_and_then_each_quarter_of_an_hour(rig: Rig) -> None:
    rig.beat(FIRST_AFTER_S - 2)
    assert told(rig) == []
    rig.beat(4)
    first = told(rig)
    assert len(first) == 1 and priority(first[0]) == ROUTINE
    rig.clock.pass_time(timedelta(seconds=EVERY_S - 10))
    rig.beat()
    assert len(told(rig)) == 1
    rig.clock.pass_time(timedelta(seconds=12))
    rig.beat()
    second = told(rig)[1]
    assert second.from_ms == first[0].until_ms and second.until_ms > second.from_ms


def test_what_it_tells(rig: Rig) -> None:
    rig.authorise()
    rig.beat()
    for dropped, look_ms in ((3, None), (5, 80.0), (9, 40.0)):
        seen = observation(rig.clock, SOMEWHERE, 0.02)
        rig.unit.from_eye(msgspec.structs.replace(seen, frames_dropped=dropped, look_ms=look_ms))
    rig.unit._upkeep.heat.hottest_c = 61.25
    rig.unit._telling.tick()
    rig.clock.pass_time(timedelta(seconds=FIRST_AFTER_S))
    rig.unit._telling.tick()
    (one,) = told(rig)
    assert (one.celsius, one.throttled, one.card_worn) == (61.2, 2, 0.3)
    assert (one.frames_per_s, one.frames_dropped, one.look_ms) == (30.0, 6, 80.0)
    assert one.software == "0.1.0" and one.software_ms > 0 and one.free_mb > 0
    assert (one.configuration, one.configuration_hash, one.roster) == (0, None, 1)


def test_a_unit_that_senses_nothing_tells_it_too(rig: Rig) -> None:
    rig.beat(FIRST_AFTER_S + 2)
    (one,) = told(rig)
    assert one.frames_per_s is None and one.look_ms is None and one.frames_dropped == 0


def test_records_keep_their_size(rig: Rig) -> None:
    rig.beat(FIRST_AFTER_S + 2)
    rig.slot()
    up = rig.courier.last(Up)
    assert isinstance(up, Up) and len(up.record) == 2048


def test_old_software(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A condition, which ends once newer files are there at a start; not by a clock that nobody knows."""
    rig.beat(FIRST_AFTER_S + 2)
    assert not rig.unit._faults.stands("software-old")
    old_s = rig.clock.utc_ms() / 1000 - 181 * 86_400
    monkeypatch.setattr(software, "put_here_s", lambda: old_s)
    rig.unit.close()
    rig.start()
    rig.beat(FIRST_AFTER_S + 2)
    assert "software-old" in rig.slot().snapshot.faults
    said = [e.event for e in rig.entries() if isinstance(e.event, ConditionChanged)]
    assert [(e.kind, e.level, e.active) for e in said if e.kind == "software-old"] == [
        ("software-old", "technical", True)
    ]
    monkeypatch.setattr(software, "put_here_s", lambda: rig.clock.utc_ms() / 1000 - 86_400)
    rig.unit.close()
    rig.start()
    assert rig.unit._faults.stands("software-old"), "until it is seen to be over"
    rig.beat(FIRST_AFTER_S + 2)
    assert not rig.unit._faults.stands("software-old")


def test_a_clock_that_nobody_knows_makes_nothing_old(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "put_here_s", lambda: 1.0)
    rig.unit.close()
    rig.clock.boot()
    monkeypatch.setattr(rig, "hear_time", lambda: None)
    rig.start()
    rig.clock.pass_time(timedelta(minutes=17))
    rig.beat(2)
    assert rig.unit._clock.known().source == "unsure" and not rig.unit._faults.stands("software-old")
