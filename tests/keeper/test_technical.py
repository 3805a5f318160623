"""The conditions of the unit itself: heat, silence, levels by time of day, and what a restart leaves standing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.commanded import Commanded
from tests.parties import HandClock
from tests.rig import SOMEWHERE, Rig

from stillroom.config import UnitConfig
from stillroom.config_conditions import ConditionsConfig
from stillroom.config_technical import TECHNICAL, TechnicalConfig, TechnicalRow
from stillroom.events import ConditionChanged, DownBody
from stillroom.keeper.faults import OVER_AT_START, Faults
from stillroom.keeper.heat import HeatWatch, hottest
from stillroom.keeper.silence import SilenceWatch
from stillroom.keeper.standing import KeptConditions
from stillroom.link import Down, Network

README = Path(__file__).parents[2] / "README.md"


class Watched:
    """Faults with a clock moved by hand; keeps what was told."""

    def __init__(self, at: str = "12:00", standing=None, zone: str = "UTC", **rows) -> None:
        self.clock = HandClock(datetime.fromisoformat(f"2026-11-25T{at}:00+00:00"))
        self.told: list[ConditionChanged] = []
        self.settings = TechnicalConfig(**rows)
        config = UnitConfig("s", "u", technical=self.settings, conditions=ConditionsConfig(time_zone=zone))
        tell = lambda at_ms, event: self.told.append(event)  # noqa: E731
        self.faults = Faults(tell, self.clock, config, standing or {})

    def wait(self, seconds: float) -> "Watched":
        for _ in range(round(seconds * 2)):
            self.clock.pass_time(timedelta(seconds=0.5))
            self.faults.pass_time()
        return self

    @property
    def changes(self) -> list[tuple[str, str, bool]]:
        return [(event.kind, event.level, event.active) for event in self.told]


def test_each_code_has_its_rows_and_its_meaning_in_the_readme():
    keys = set(TechnicalConfig.__struct_fields__)
    of_codes = {code.replace("-", "_") for code in TECHNICAL}
    assert keys - of_codes == {
        "hot_sensors", "hot_c", "hot_ends_c", "model_missing_s", "courier_silent_s", "gateway_silent_s",
        "software_old_days",
    }  # fmt: skip
    assert of_codes < keys and set(TECHNICAL) > OVER_AT_START
    text = README.read_text()
    assert [code for code in TECHNICAL if f"`{code}`" not in text] == []


def test_a_code_that_is_not_in_the_table_cannot_be_told():
    with pytest.raises(KeyError):
        Watched().faults.say("camera-tired", True, "")


# levels


def test_without_rows_it_is_technical_at_once_and_told_once():
    watched = Watched()
    for _ in range(3):
        watched.faults.say("camera-covered", True, "less light than before")
        watched.wait(600)
    watched.faults.say("camera-covered", False, "")
    watched.faults.say("camera-covered", False, "")
    assert watched.changes == [("camera-covered", "technical", True), ("camera-covered", "technical", False)]
    assert watched.told[0].why == "less light than before"


def test_a_row_makes_it_more_urgent_and_lets_it_wait_and_the_snapshot_names_it_at_once():
    watched = Watched(camera_covered=(TechnicalRow("high", 30.0),))
    watched.faults.say("camera-covered", True, "")
    assert watched.faults.names == ("camera-covered",)
    assert watched.wait(29).changes == []
    assert watched.wait(1).changes == [("camera-covered", "high", True)]
    watched.faults.say("camera-covered", False, "")
    assert watched.changes[1:] == [("camera-covered", "high", False)]


def test_what_is_over_before_its_time_is_never_told():
    watched = Watched(camera_dark=(TechnicalRow("low", 30.0),))
    for _ in range(5):
        watched.faults.say("camera-dark", True, "")
        watched.wait(20)
        watched.faults.say("camera-dark", False, "")
    assert watched.changes == []


def test_where_no_row_covers_the_time_of_day_it_is_technical_and_never_off():
    night = TechnicalRow("high", start="21:00", until="07:00")
    watched = Watched("20:59", camera_covered=(night,))
    watched.faults.say("camera-covered", True, "less light")
    assert watched.changes == [("camera-covered", "technical", True)]
    watched.wait(70)
    assert watched.changes[1:] == [("camera-covered", "technical", False), ("camera-covered", "high", True)]
    assert [event.why for event in watched.told] == [
        "less light", "from now on at level high", "it goes on: less light",
    ]  # fmt: skip
    at_noon = Watched("12:00", zone="Pacific/Auckland", camera_covered=(night,))
    at_noon.faults.say("camera-covered", True, "")
    assert at_noon.changes == [("camera-covered", "high", True)], "it is one in the morning there"


def test_other_rows_from_now_on_change_what_stands():
    watched = Watched()
    watched.faults.say("hot", True, "")
    rows = TechnicalConfig(hot=(TechnicalRow("medium"),))
    watched.faults.adopt(UnitConfig("s", "u", technical=rows))
    watched.wait(1)
    assert watched.changes == [
        ("hot", "technical", True),
        ("hot", "technical", False),
        ("hot", "medium", True),
    ]


# over a restart


def test_what_was_told_before_a_start_stands_at_its_level_until_it_is_over():
    watched = Watched(standing={"hot": "high", "camera-covered": "technical"}, hot=(TechnicalRow("high"),))
    assert watched.faults.names == ("camera-covered", "hot")
    assert watched.wait(60).changes == []
    watched.faults.say("hot", True, "")
    watched.faults.say("hot", False, "")
    assert watched.changes == [("hot", "high", False)]


def test_a_start_ends_what_it_is_the_end_of():
    watched = Watched(standing={"recording-ended": "technical", "roster-refused": "technical"})
    assert watched.faults.names == ()
    assert {active for _, _, active in watched.changes} == {False} and len(watched.changes) == 2


def test_a_code_that_an_earlier_version_knew_is_forgotten(tmp_path: Path):
    rig = Rig(tmp_path)
    rig.unit.close()
    rig.start()
    kept = {"lens-cracked": "technical", "hot": "technical", "on-floor": "high", "camera-covered": "low"}
    rig.unit._outbox.remember("conditions", msgspec.json.encode(kept))
    found = KeptConditions(rig.unit._outbox)
    assert found.of_the_unit == {"hot": "technical", "camera-covered": "low"}
    assert found.of_persons == {"on-floor": "high"}


def test_a_restart_tells_neither_end_nor_beginning_of_what_goes_on(tmp_path: Path):
    rig = Rig(tmp_path)
    rig.unit._faults.say("model-missing", True, "no model")
    rig.unit.close()
    rig.start()
    assert rig.slot().snapshot.faults == ("model-missing",)
    told = [e.event for e in rig.entries() if getattr(e.event, "kind", "") == "model-missing"]
    assert [event.active for event in told] == [True]


# heat


@pytest.fixture
def sensors(tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder as the kernel shows one: names with thousandths of a degree, or with junk."""

    def write(**degrees: object) -> Path:
        for number, (name, value) in enumerate(degrees.items()):
            zone = tmp_path / "thermal" / f"thermal_zone{number}"
            zone.mkdir(parents=True, exist_ok=True)
            (zone / "temp").write_text(f"{value}\n")
            (zone / "type").write_text(f"{name}\n")
        return tmp_path / "thermal"

    return write


def test_hot_begins_at_one_limit_and_ends_below_another(sensors):
    watched = Watched(hot_sensors=str(sensors(cpu=60_000)), hot_c=75.0, hot_ends_c=70.0)
    watch = HeatWatch(watched.faults, watched.settings)

    def at(degrees: int) -> bool:
        sensors(cpu=degrees)
        watched.wait(10)
        watch.look(watched.clock.mono_ns())
        return watched.faults.stands("hot")

    assert [at(c) for c in (74_999, 75_000, 74_000, 70_000, 69_999, 74_999)] == [
        False, True, True, True, False, False,
    ]  # fmt: skip
    assert watched.changes == [("hot", "technical", True), ("hot", "technical", False)], "once"
    assert watched.told[0].why == "75.0 C at cpu; limit 75, over below 70"
    assert watch.hottest_c == 74.999


def test_a_board_that_was_hot_before_a_start_is_hot_down_to_the_lower_limit(sensors):
    folder = str(sensors(cpu=72_000))
    for before, stands in (({"hot": "technical"}, True), ({}, False)):
        watched = Watched(standing=before, hot_sensors=folder)
        HeatWatch(watched.faults, watched.settings).look(watched.clock.mono_ns())
        assert watched.faults.stands("hot") == stands


def test_the_sensors_are_read_every_ten_seconds(sensors):
    watched = Watched(hot_sensors=str(sensors(cpu=60_000)))
    watch = HeatWatch(watched.faults, watched.settings)
    watch.look(watched.clock.mono_ns())
    sensors(cpu=90_000)
    watch.look(watched.clock.mono_ns() + 9 * 10**9)
    assert not watched.faults.stands("hot")
    watch.look(watched.clock.mono_ns() + 10 * 10**9)
    assert watched.faults.stands("hot")


def test_the_hottest_that_makes_sense_counts(sensors):
    folder = sensors(cpu=61_500, gpu=48_000, absent=-273_000, broken="n/a", wild=4_000_000)
    assert hottest(str(folder)) == (61.5, "cpu")
    (folder / "thermal_zone0" / "temp").unlink()
    assert hottest(str(folder)) == (48.0, "gpu")


@pytest.mark.parametrize("folder", ["", "/nowhere", "/dev/null"])
def test_without_a_sensor_nothing_is_said_of_heat_and_nothing_ends(folder):
    assert hottest(folder) is None
    watched = Watched(standing={"hot": "technical"}, hot_sensors=folder)
    watch = HeatWatch(watched.faults, watched.settings)
    watch.look(watched.clock.mono_ns())
    assert watched.faults.stands("hot") and watch.hottest_c is None


def test_the_units_own_keeper_reads_it_and_says_so_in_its_status(tmp_path: Path, sensors):
    rig = Rig(tmp_path)
    rig.unit.close()
    path = rig.folder / "unit.toml"
    text = path.read_text()
    folder = sensors(soc=81_250)
    path.write_text(text.replace('hot_sensors = "/sys/class/thermal"', f'hot_sensors = "{folder}"'))
    assert path.read_text() != text
    rig.start()
    rig.beat()
    assert rig.slot().snapshot.faults == ("hot",)
    status = msgspec.json.decode((rig.folder / "run" / "keeper.json").read_bytes())
    assert status["hottest_c"] == 81.25


# silence


class Listening:
    """A watch over courier and gateway, half a second at a time."""

    def __init__(self) -> None:
        self.watched = Watched(courier_silent_s=60.0, gateway_silent_s=300.0)
        self.watch = SilenceWatch(self.watched.faults, self.watched.settings, self.watched.clock.mono_ns())
        self.there, self.network, self.has_gateway = True, Network(True, "connected"), True

    def wait(self, seconds: float, courier: bool = False, gateway: bool = False) -> tuple[str, ...]:
        for _ in range(round(seconds * 2)):
            self.watched.wait(0.5)
            now_ns = self.watched.clock.mono_ns()
            if courier:
                self.watch.heard_courier(now_ns)
            if gateway:
                self.watch.heard_gateway(now_ns)
            self.watch.look(now_ns, self.there, self.network, self.has_gateway)
        return self.watched.faults.names


def test_both_talk_and_nothing_is_said():
    assert Listening().wait(3600, courier=True, gateway=True) == ()


def test_a_courier_that_is_not_there_is_silent_after_its_time():
    found = Listening()
    found.there, found.network = False, Network(False, "the courier is not running")
    assert found.wait(59, gateway=True) == ()
    assert found.wait(1, gateway=True) == ("courier-silent",)
    assert found.watched.told[0].why == "it is not there, for 60 s"
    found.there = True
    assert found.wait(0.5, courier=True, gateway=True) == ()


def test_a_courier_that_has_a_broker_and_says_nothing_hangs():
    found = Listening()
    assert found.wait(61, gateway=True) == ("courier-silent",)
    assert found.watched.told[0].why == "it says nothing, for 60 s"
    assert found.wait(0.5, courier=True, gateway=True) == ()


def test_without_a_broker_the_courier_is_not_to_blame_and_the_gateway_is_silent():
    found = Listening()
    found.network = Network(False, "refused by 10.0.0.1")
    assert found.wait(299) == ()
    assert found.wait(3600) == ("gateway-silent",)
    assert found.watched.told[0].why == "no answer for 300 s; broker: refused by 10.0.0.1"
    assert found.wait(0.5, gateway=True) == () and len(found.watched.changes) == 2


def test_a_site_without_a_gateway_has_none_to_be_silent():
    found = Listening()
    found.wait(301, courier=True)
    assert found.watched.faults.names == ("gateway-silent",)
    found.has_gateway = False
    assert found.wait(3600, courier=True) == ()


def test_only_an_answer_to_this_boot_is_an_answer(tmp_path: Path):
    told = Commanded(tmp_path)
    told.rig.beat(301)
    assert "gateway-silent" in told.rig.slot().snapshot.faults

    def down(heard: bytes) -> tuple[str, ...]:
        body = DownBody(told.rig.clock.utc_ms(), 0, (), None, heard)
        told.rig.unit.from_courier(Down(told.stream.seal(msgspec.msgpack.encode(body))))
        told.rig.beat()
        return told.rig.slot().snapshot.faults

    assert "gateway-silent" in down(b"") and "gateway-silent" in down(bytes(16))
    assert "gateway-silent" not in down(told.rig.unit._delivery._sealer.boot_id)


def test_the_unit_hears_its_courier(tmp_path: Path):
    rig = Rig(tmp_path)
    rig.courier.occupied = False
    rig.unit.courier_gone()
    rig.beat(61)
    assert "courier-silent" in rig.slot().snapshot.faults
    rig.courier.occupied = True
    rig.beat()
    assert "courier-silent" not in rig.slot().snapshot.faults


def test_a_camera_that_may_not_be_open_is_not_silent(tmp_path: Path):
    rig = Rig(tmp_path)
    rig.authorise()
    rig.see(SOMEWHERE)
    rig.beat(3)
    assert "camera-silent" in rig.slot().snapshot.faults
    rig.unit.button()
    rig.beat()
    assert "camera-silent" not in rig.slot().snapshot.faults
