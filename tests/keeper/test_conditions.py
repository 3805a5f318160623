"""Each condition of a person: what raises it, what clears it, what must not. Never a vital sign alone."""

from dataclasses import replace as with_changes
from datetime import datetime

import msgspec
import pytest
from tests.rig import SOMEWHERE, Rig

from stillroom.clock import NS_PER_S
from stillroom.config import UnitConfig, Zones
from stillroom.config_conditions import ConditionsConfig, LongRow, Row
from stillroom.events import ConditionChanged, RoomState
from stillroom.keeper.conditions import KINDS, NEEDS, Conditions, needing
from stillroom.keeper.room import Room
from stillroom.keeper.states import ALL
from stillroom.observation import Box, Observation, Reading

AFTER_S = {"not-back": 60.0, "bathroom-long": 60.0, "no-movement": 60.0}
STEP_S = 0.2


class Watch:
    """States, five observations a second, from a time of day on; keeps what was told."""

    def __init__(self, at: str = "12:00", standing=None, zone: str = "UTC", **rows) -> None:
        self.told: list[ConditionChanged] = []
        self.conditions = Conditions(
            ConditionsConfig(time_zone=zone, **({"bathroom_long": (), "on_floor": ()} | rows)),
            lambda at_ms, event: self.told.append(event),
            standing or {},
        )
        self.now = 0
        self.began_ms = round(datetime.fromisoformat(f"2026-11-25T{at}:00+00:00").timestamp() * 1000)

    def feed(self, state: RoomState, seconds: float = 1.0, motion: float = 0.02, by_breath=False) -> "Watch":
        for _ in range(round(seconds / STEP_S)):
            at_ms = self.began_ms + self.now * 200
            self.conditions.feed(self.now * NS_PER_S // 5, at_ms, state, motion, by_breath)
            self.now += 1
        return self

    @property
    def changes(self) -> list[tuple[str, bool]]:
        return [(event.kind, event.active) for event in self.told]


def asked(code: str, level="high", **more):
    row = (LongRow if code in AFTER_S else Row)(level, AFTER_S.get(code, 2.0), **more)
    return {code.replace("-", "_"): (row,)}


RAISES = [
    ("left-bed", ["in-bed"], "out-of-bed"),
    ("left-bed", ["bed-edge"], "occupied"),
    ("left-bed", ["in-bed"], "on-floor"),
    ("left-bed", ["in-bed", "unknown"], "occupied"),
    ("left-bed", ["in-bed"], "empty"),
    ("about-to-leave", ["in-bed"], "bed-edge"),
    ("not-back", ["in-bed"], "out-of-bed"),
    ("not-back", ["in-bed", "out-of-bed"], "bathroom"),
    ("not-back", ["in-bed", "out-of-bed"], "empty"),
    ("bathroom-long", ["occupied"], "bathroom"),
    ("on-floor", ["occupied"], "on-floor"),
    ("on-floor", [], "on-floor"),
    ("several-people", ["in-bed"], "several-people"),
    ("left-room", ["occupied"], "empty"),
    ("left-room", ["bathroom"], "empty"),
    ("entered", ["empty"], "occupied"),
    ("entered", ["empty"], "several-people"),
]
DOES_NOT = [
    ("left-bed", [], "out-of-bed"),
    ("left-bed", ["in-bed"], "several-people"),
    ("left-bed", ["in-bed"], "unknown"),
    ("left-bed", ["in-bed", "unknown"], "empty"),
    ("about-to-leave", ["in-bed"], "out-of-bed"),
    ("not-back", ["occupied"], "empty"),
    ("not-back", ["in-bed"], "unknown"),
    ("bathroom-long", ["occupied"], "empty"),
    ("on-floor", ["occupied"], "out-of-bed"),
    ("several-people", ["in-bed"], "occupied"),
    ("left-room", ["occupied"], "unknown"),
    ("left-room", ["occupied", "unknown"], "empty"),
    ("left-room", [], "empty"),
    ("entered", ["unknown"], "occupied"),
    ("entered", ["bathroom"], "occupied"),
]
CLEARS = [
    ("left-bed", ["in-bed", "out-of-bed"], "in-bed"),
    ("left-bed", ["in-bed", "out-of-bed"], "bed-edge"),
    ("about-to-leave", ["bed-edge"], "in-bed"),
    ("about-to-leave", ["bed-edge"], "out-of-bed"),
    ("not-back", ["in-bed", "empty"], "in-bed"),
    ("bathroom-long", ["bathroom"], "occupied"),
    ("on-floor", ["on-floor"], "occupied"),
    ("on-floor", ["on-floor"], "in-bed"),
    ("on-floor", ["on-floor"], "empty"),
    ("several-people", ["several-people"], "in-bed"),
    ("left-room", ["occupied", "empty"], "occupied"),
    ("entered", ["empty", "occupied"], "empty"),
]
GOES_ON = [
    ("left-bed", ["in-bed", "out-of-bed"], ["unknown", "several-people", "bathroom", "empty", "occupied"]),
    ("about-to-leave", ["bed-edge"], ["unknown"]),
    ("not-back", ["in-bed", "out-of-bed"], ["unknown", "empty", "several-people"]),
    ("bathroom-long", ["bathroom"], ["unknown"]),
    ("on-floor", ["on-floor"], ["several-people", "unknown", "empty"]),
    ("several-people", ["several-people"], ["unknown", "empty"]),
    ("left-room", ["occupied", "empty"], ["unknown", "empty"]),
    ("entered", ["empty", "occupied"], ["unknown", "empty"]),
]


@pytest.mark.parametrize(("code", "before", "state"), RAISES)
def test_what_raises_it_after_its_time_and_not_sooner(code, before, state):
    watch = Watch(**asked(code))
    for each in before:
        watch.feed(each)
    # One of the states before may count already: what is left of the time is the last one's.
    counted = sum(each in next(k for k in KINDS if k.code == code).during for each in before)
    after_s = AFTER_S.get(code, 2.0) - counted
    assert watch.feed(state, after_s).changes == []
    assert watch.feed(state, 0.4).changes == [(code, True)]
    assert watch.feed(state, 600).changes == [(code, True)], "once"
    assert any(letter.isdigit() for letter in watch.told[0].why) and watch.told[0].level == "high"


@pytest.mark.parametrize(("code", "before", "state"), DOES_NOT)
def test_what_must_not_raise_it(code, before, state):
    watch = Watch(**asked(code))
    for each in before:
        watch.feed(each)
    assert watch.feed(state, 600).changes == []


@pytest.mark.parametrize(("code", "before", "state"), CLEARS)
def test_what_clears_it(code, before, state):
    watch = Watch(**asked(code))
    for each in before:
        watch.feed(each, 62)
    assert watch.changes == [(code, True)]
    assert watch.feed(state).changes == [(code, True), (code, False)]


@pytest.mark.parametrize(("code", "before", "then"), GOES_ON)
def test_what_must_not_clear_it(code, before, then):
    watch = Watch(**asked(code))
    for each in before:
        watch.feed(each, 62)
    for each in then:
        watch.feed(each, 600)
    assert watch.changes == [(code, True)]


@pytest.mark.parametrize("state", sorted(set(ALL) - {"unknown", "empty", "bathroom"}))
def test_no_movement_is_of_movement_alone(state):
    watch = Watch(**asked("no-movement"))
    assert watch.feed(state, 50).feed(state, 59, motion=0.0).changes == []
    assert watch.feed(state, 2, motion=0.0).changes == [("no-movement", True)]
    assert watch.feed(state, 0.2).changes == [("no-movement", True), ("no-movement", False)]


def test_movement_restarts_the_time_of_no_movement_and_nobody_there_has_none():
    watch = Watch(**asked("no-movement"))
    for _ in range(20):
        watch.feed("in-bed", 50, motion=0.0).feed("in-bed", 0.2)
    for state in ("empty", "bathroom", "unknown"):
        watch.feed(state, 600, motion=0.0)
    assert watch.changes == []
    watch.feed("in-bed", 61, motion=0.0).feed("unknown", 600, motion=0.0)
    assert watch.changes == [("no-movement", True)]
    assert watch.feed("empty").feed("in-bed").changes[1:] == [("no-movement", False)]


def test_a_level_by_time_of_day_and_none_where_no_row_covers():
    night = Row("high", 2.0, start="21:00", until="07:00")
    rows = {"left_bed": (night, Row("low", 10.0, start="07:00", until="08:00"))}
    late = Watch("23:59", **rows).feed("in-bed", 58).feed("out-of-bed", 4)
    assert [(e.level, e.active) for e in late.told] == [("high", True)]
    assert Watch("12:00", **rows).feed("in-bed").feed("out-of-bed", 600).told == []
    early = Watch("07:30", **rows).feed("in-bed").feed("out-of-bed", 15)
    assert [(e.level, e.active) for e in early.told] == [("low", True)]


def test_the_day_ends_what_is_asked_for_at_night_alone_and_the_next_night_does_not_begin_it_again():
    watch = Watch("06:59", left_bed=(Row("high", 2.0, start="21:00", until="07:00"),))
    watch.feed("in-bed").feed("out-of-bed", 70)
    assert watch.changes == [("left-bed", True), ("left-bed", False)]
    assert watch.told[1].why == "not asked for at 07:00"
    watch.began_ms += 14 * 3_600_000
    assert len(watch.feed("out-of-bed", 600).told) == 2


def test_what_stands_changes_its_level_with_the_time_of_day():
    rows = (Row("high", 0.0, start="21:00", until="07:00"), Row("medium"))
    watch = Watch("06:59", on_floor=rows).feed("on-floor", 70)
    assert [(e.level, e.active) for e in watch.told] == [("high", True), ("high", False), ("medium", True)]


def test_who_left_by_day_is_not_back_when_the_night_begins_but_has_not_left_his_bed_then():
    night = {"start": "21:00", "until": "07:00"}
    rows = {"left_bed": (Row("high", 2.0, **night),), "not_back": (LongRow("high", 60.0, **night),)}
    watch = Watch("20:58", **rows).feed("in-bed").feed("out-of-bed", 180)
    assert watch.changes == [("not-back", True)]


def test_the_time_zone_is_that_of_the_rows():
    rows = {"left_bed": (Row("high", 2.0, start="21:00", until="07:00"),)}
    assert Watch("12:00", zone="Pacific/Auckland", **rows).feed("in-bed").feed("occupied", 4).changes
    assert not Watch("12:00", **rows).feed("in-bed").feed("occupied", 4).changes


def test_a_camera_that_was_closed_begins_nothing_anew_and_ends_nothing():
    watch = Watch(**asked("on-floor"), several_people=(Row("low", 5.0),)).feed("on-floor", 4)
    watch.feed("several-people", 4)
    watch.conditions.lose_sight()
    watch.feed("unknown", 2).feed("several-people", 4)
    assert watch.changes == [("on-floor", True)]
    assert watch.feed("several-people", 2).changes[1:] == [("several-people", True)]


def test_what_stood_before_a_restart_stands_until_it_is_seen_to_end():
    watch = Watch(standing={"on-floor": "high"}, **asked("on-floor"))
    assert watch.feed("unknown", 60).feed("on-floor", 60).feed("unknown").feed("empty", 60).changes == []
    assert watch.feed("occupied").changes == [("on-floor", False)]
    gone = Watch(standing={"on-floor": "high"})
    assert gone.feed("unknown").changes == [("on-floor", False)], "nobody asks for it any more"


def test_who_lay_on_the_floor_before_a_restart_and_has_not_moved_was_not_helped_up():
    """A first look after it often cannot say how somebody is held, and the room is then `occupied`."""
    watch = Watch(standing={"on-floor": "high"}, **asked("on-floor"))
    watch.feed("unknown", 30, motion=0.0).feed("occupied", 60, motion=0.0)
    assert watch.changes == []
    assert watch.feed("on-floor", 60, motion=0.0).feed("occupied", motion=0.05).changes == [
        ("on-floor", False)
    ]
    watch.feed("on-floor", 5).feed("occupied", 5, motion=0.0)
    assert watch.changes[1:] == [("on-floor", True), ("on-floor", False)], "what began since ends as ever"


def test_what_only_breathes_begins_and_ends_nothing():
    watch = Watch(**asked("entered"), **asked("about-to-leave"), **asked("on-floor"), **asked("no-movement"))
    watch.feed("empty", 600)
    for state in ("in-bed", "bed-edge", "occupied"):
        watch.feed(state, 600, motion=0.0, by_breath=True)
    assert watch.changes == []
    watch.feed("on-floor", 3)
    stood = watch.changes
    assert watch.feed("in-bed", 600, motion=0.0, by_breath=True).changes == stood


ALWAYS = ConditionsConfig(
    **{
        kind.key: ((LongRow if kind.code in AFTER_S else Row)("high", AFTER_S.get(kind.code, 0.0)),)
        for kind in KINDS
    }
)
BED = ((0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7))
IN_BED, OFF = Box(0.35, 0.35, 0.65, 0.65), Box(0.75, 0.3, 0.95, 0.95)


def told_of(observations: list[Observation]) -> list[ConditionChanged]:
    told: list = []
    config = UnitConfig("a", "b", zones=Zones(bed=BED), conditions=ALWAYS)
    room = Room(config, lambda at_ms, event: told.append(event), 0)
    for seen in observations:
        room.observe(seen, seen.frame_ns, seen.frame_ns // 1_000_000)
    return [event for event in told if isinstance(event, ConditionChanged)]


def a_day(breathing: Reading, pulse: Reading, rhythm: bool) -> list[Observation]:
    """In bed, up, still for minutes, back in bed; `rhythm`: the eye finds breathing in the bed."""
    script = [(IN_BED, 20), (None, 100), (OFF, 20), (None, 100), (IN_BED, 20), (None, 100)]
    found: list[Observation] = []
    for box, seconds in script:
        for _ in range(seconds * 5):
            at_ns = (len(found) + 1) * NS_PER_S // 5
            found.append(
                Observation(
                    frame_ns=at_ns, captured_mono_ns=at_ns, luma_mean=90.0, clipped=0.0, dark=False,
                    light_changed=False, background="none", motion=0.02 if box else 0.0, motion_box=box, blobs=(),
                    breathing_box=IN_BED if rhythm and box is None else None, breathing=breathing, pulse=pulse,
                    frames_per_s=30.0, frames_dropped=0,
                )
            )  # fmt: skip
    return found


@pytest.mark.parametrize(
    ("breathing", "pulse"),
    [
        (Reading(4.0, 1.0, None), Reading(30.0, 1.0, None)),
        (Reading(60.0, 1.0, None), Reading(220.0, 1.0, None)),
        (Reading(withheld="low-signal"), Reading(withheld="no-person")),
        (Reading(15.0, 0.9, None), Reading(withheld="low-signal")),
    ],
)
def test_no_rate_and_no_missing_rate_makes_or_moves_a_condition(breathing, pulse):
    usual = told_of(a_day(Reading(15.0, 0.9, None), Reading(60.0, 0.9, None), False))
    assert {event.kind for event in usual} >= {"left-bed", "not-back", "no-movement"}
    assert told_of(a_day(breathing, pulse, False)) == usual


def test_a_rhythm_alone_in_an_empty_room_is_no_condition():
    still = [
        msgspec.structs.replace(seen, motion=0.0, motion_box=None)
        for seen in a_day(Reading(), Reading(), True)
    ]
    empty = [msgspec.structs.replace(seen, breathing_box=None) for seen in still]
    later = [
        msgspec.structs.replace(seen, frame_ns=seen.frame_ns + empty[-1].frame_ns, breathing_box=IN_BED)
        for seen in still
    ]
    assert told_of(empty + later) == []


def test_every_condition_has_its_rows_and_its_zone_where_it_needs_one():
    keys = set(ConditionsConfig.__struct_fields__) - {"time_zone"}
    assert {kind.key for kind in KINDS} == keys
    for kind in KINDS:
        assert not kind.during & kind.ends and "unknown" not in kind.during | kind.ends


def test_what_is_asked_for_and_cannot_come_about_is_named_with_what_it_needs():
    everything = Zones(**{name: BED for name in Zones.__struct_fields__ if name != "private"})
    assert needing(ALWAYS, everything, True) == {}
    assert needing(ALWAYS, Zones(), True) == {
        "left-bed": "zones.bed", "about-to-leave": "zones.bed_edge", "not-back": "zones.bed",
        "bathroom-long": "zones.bathroom_door", "on-floor": "zones.floor",
    }  # fmt: skip
    blind = needing(ALWAYS, everything, False)
    assert blind == {"on-floor": "detector.models", "several-people": "detector.models"}
    assert needing(ConditionsConfig(bathroom_long=(), on_floor=()), Zones(), False) == {}
    assert set(NEEDS) < {kind.code for kind in KINDS}


def test_a_kind_cannot_begin_and_end_in_the_same_state():
    broken = with_changes(KINDS[1], ends=KINDS[1].during)
    assert broken.during & broken.ends, "what the test above would find"


def test_over_a_restart_of_the_keeper_a_condition_is_told_once(tmp_path):
    rig = Rig(tmp_path)
    path = rig.folder / "unit.toml"
    rig.unit.close()
    text = path.read_text().replace("no_movement = []", "no_movement = [{ level = 'high', after_s = 30.0 }]")
    assert "after_s = 30.0" in text
    path.write_text(text)
    rig.start()
    rig.authorise()
    rig.see(SOMEWHERE)
    rig.see(SOMEWHERE, 40, motion=0.001)
    rig.unit.close()
    rig.start()
    rig.see(SOMEWHERE, 10, motion=0.0)
    began = [e.event for e in rig.entries() if getattr(e.event, "kind", "") == "no-movement"]
    assert [event.active for event in began] == [True]
    rig.see(SOMEWHERE, 2)
    ended = [e.event for e in rig.entries() if getattr(e.event, "kind", "") == "no-movement"]
    assert [event.active for event in ended][-1:] == [False]
