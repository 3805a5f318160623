"""Zones, evidence and the room's state: what moves it, and what must not."""

import pytest

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig, Zones
from stillroom.keeper.occupancy import Evidence, judge
from stillroom.keeper.state import RoomStateMachine
from stillroom.keeper.zones import contains, rests, share_inside
from stillroom.observation import Blob, Box, Observation, Person, Reading

BED = ((0.5, 0.5), (0.9, 0.5), (0.9, 0.9), (0.5, 0.9))
ZONES = Zones(bed=BED, door=((0.0, 0.1), (0.1, 0.1), (0.1, 0.8), (0.0, 0.8)))
ON_BED, BESIDE = Box(0.55, 0.55, 0.85, 0.85), Box(0.2, 0.3, 0.3, 0.8)


def seen(**changes) -> Observation:
    values = {
        "frame_ns": 0, "captured_mono_ns": 0, "luma_mean": 100.0, "clipped": 0.0, "dark": False,
        "light_changed": False, "background": "learned", "motion": 0.0, "motion_box": None, "blobs": (),
        "breathing_box": None, "breathing": Reading(), "pulse": Reading(), "frames_per_s": 30.0, "frames_dropped": 0,
    }  # fmt: skip
    return Observation(**(values | changes))


def blob(box: Box, moving: float = 0.0, area: float = 0.05) -> Blob:
    return Blob(box, area, moving)


def run(machine: RoomStateMachine, evidence: Evidence, seconds: float, start_s: float = 0.0) -> float:
    """Five observations a second; returns the time after."""
    steps = round(seconds * 5)
    for step in range(steps):
        machine.feed(round((start_s + step / 5) * NS_PER_S), evidence)
    return start_s + steps / 5


def test_points_on_either_side_of_the_outline():
    assert contains(BED, 0.7, 0.7) and not contains(BED, 0.4, 0.7) and not contains(BED, 0.7, 0.95)


def test_shares_of_boxes():
    assert share_inside(ON_BED, BED) == 1.0
    assert share_inside(BESIDE, BED) == 0.0
    assert share_inside(Box(0.3, 0.5, 0.7, 0.9), BED) == pytest.approx(0.5, abs=0.01)
    assert share_inside(ON_BED, None) == 0.0
    assert rests(ON_BED, None, ZONES) == "bed" and rests(BESIDE, None, ZONES) is None


@pytest.mark.parametrize(
    ("observation", "place"),
    [
        (seen(), "nowhere"),
        (seen(dark=True, blobs=(blob(ON_BED),)), "unseen"),
        (seen(light_changed=True), "unseen"),
        (seen(blobs=(blob(ON_BED),)), "bed"),
        (seen(blobs=(blob(BESIDE),)), "off-bed"),
        (seen(blobs=(blob(BESIDE, area=0.001),)), "nowhere"),
        (seen(background="none", blobs=(blob(BESIDE),)), "nowhere"),
        (seen(background="none", motion=0.02, motion_box=BESIDE), "off-bed"),
        (seen(background="none", motion=0.001, motion_box=BESIDE), "nowhere"),
        (seen(background="none", motion=0.5, motion_box=BESIDE), "off-bed"),
        (seen(background="none", motion=0.51, motion_box=BESIDE), "nowhere"),
        (seen(breathing_box=ON_BED), "bed"),
        (seen(blobs=(blob(ON_BED, 0.0, 0.06), blob(BESIDE, 0.5, 0.05))), "off-bed"),
    ],
)
def test_what_one_observation_says(observation, place):
    assert judge(observation, ZONES).place == place


def test_a_sleeper_stays_where_he_was_seen_when_the_whole_picture_differs_from_the_known_room():
    sleeper = {"people": 1, "people_certainty": 0.9, "persons": (Person(ON_BED, "lying", 0.9),), "model": "m"}
    chair, edges = blob(Box(0.1, 0.1, 0.75, 0.85), area=0.2), blob(Box(0.0, 0.05, 1.0, 1.0), area=0.43)
    assert judge(seen(blobs=(chair,), **sleeper), ZONES).place == "off-bed", (
        "what differs is newer than a look"
    )
    for out_of_focus in ({"blobs": (edges,)}, {"blobs": (chair,), "health": "blurred"}):
        said = judge(seen(**sleeper, **out_of_focus), ZONES)
        assert said.place == "bed" and not said.background_known


def test_without_a_bed_zone_somebody_is_just_there():
    assert judge(seen(blobs=(blob(BESIDE),)), Zones()).place == "somewhere"


def evidence(place, moving=False, known=True, door=False) -> Evidence:
    return Evidence(place, moving, "door" if door else None, known, "numbers")


MOVES, QUIET = evidence("off-bed", True, known=False), evidence("nowhere", known=False)


def test_a_night_in_order():
    machine = RoomStateMachine(RoomConfig())
    now = run(machine, evidence("off-bed", True), 2)
    assert machine.state == "occupied"
    now = run(machine, evidence("bed", True), 5, now)
    assert machine.state == "in-bed"
    now = run(machine, evidence("off-bed", True), 3, now)
    assert machine.state == "out-of-bed"
    run(machine, evidence("nowhere"), 8, now)
    assert machine.state == "empty"


def test_dwell_is_exact():
    machine = RoomStateMachine(RoomConfig(enter_dwell_s=0.6))
    assert machine.feed(0, evidence("somewhere")) is None
    assert machine.feed(round(0.6e9) - 1, evidence("somewhere")) is None
    change = machine.feed(round(0.6e9), evidence("somewhere"))
    assert change is not None and (change.state, change.before, change.why) == (
        "occupied",
        "unknown",
        "numbers, for 0.6 s",
    )


def test_flicker_between_two_states_changes_nothing():
    machine = RoomStateMachine(RoomConfig())
    now = run(machine, evidence("bed"), 5)
    for _ in range(100):
        now = run(machine, evidence("off-bed"), 0.4, now)
        now = run(machine, evidence("bed"), 0.4, now)
        assert machine.state == "in-bed"


def test_a_still_sleeper_seen_against_a_known_room_stays_all_night():
    machine = RoomStateMachine(RoomConfig())
    now = run(machine, evidence("bed"), 5)
    run(machine, evidence("bed"), 8 * 3600, now)
    assert machine.state == "in-bed"


def test_a_room_in_which_nothing_ever_stirred_is_empty_only_after_its_time():
    machine = RoomStateMachine(RoomConfig(still_empty_s=45, leave_dwell_s=5))
    now = run(machine, QUIET, 44)
    assert machine.state == "unknown"
    run(machine, QUIET, 8, now)
    assert machine.state == "empty"


def test_who_lay_down_and_lies_still_is_in_bed_and_stays_there():
    machine = RoomStateMachine(RoomConfig())
    now = run(machine, evidence("bed", True, known=False), 1)
    assert machine.state == "unknown"
    now = run(machine, QUIET, 3, now)
    assert machine.state == "in-bed"
    run(machine, QUIET, 8 * 3600, now)
    assert machine.state == "in-bed"


def test_whose_last_movement_was_at_the_door_has_left():
    machine = RoomStateMachine(RoomConfig(leave_dwell_s=5))
    now = run(machine, MOVES, 5)
    now = run(machine, evidence("off-bed", True, known=False, door=True), 1, now)
    now = run(machine, QUIET, 4, now)
    assert machine.state == "occupied"
    run(machine, QUIET, 3, now)
    assert machine.state == "empty"


BREATH = Evidence("off-bed", False, None, False, "a rhythm of breathing", by_breath=True)


@pytest.mark.parametrize(("seconds", "state"), [(10, "empty"), (30, "out-of-bed")])
def test_a_rhythm_soon_after_who_moved_at_the_door_is_his_who_left_and_not_one_that_lasts(seconds, state):
    machine = RoomStateMachine(RoomConfig(leave_dwell_s=5.0, unseen_unknown_s=600.0))
    at_s = run(machine, evidence("bed", moving=True, known=False), 10)
    at_s = run(machine, MOVES, 10, at_s)
    at_s = run(machine, evidence("off-bed", moving=True, known=False, door=True), 2, at_s)
    at_s = run(machine, BREATH, seconds, at_s)
    assert machine.state == "out-of-bed"
    run(machine, evidence("nowhere", known=False), 20, at_s)
    assert machine.state == state


def test_who_lies_still_off_the_bed_is_never_shown_as_gone():
    machine = RoomStateMachine(RoomConfig(unseen_unknown_s=600))
    now = run(machine, MOVES, 5)
    now = run(machine, QUIET, 590, now)
    assert machine.state == "occupied"
    run(machine, QUIET, 3600, now)
    assert machine.state == "unknown"


def test_out_of_bed_is_said_only_of_who_was_in_bed():
    machine = RoomStateMachine(RoomConfig())
    now = run(machine, MOVES, 5)
    assert machine.state == "occupied"
    now = run(machine, evidence("bed", True, known=False), 5, now)
    now = run(machine, MOVES, 5, now)
    assert machine.state == "out-of-bed"
    now = run(machine, evidence("nowhere"), 8, now)
    run(machine, MOVES, 5, now)
    assert machine.state == "occupied"


def test_dark_is_unknown_and_never_empty():
    machine = RoomStateMachine(RoomConfig())
    now = run(machine, evidence("nowhere"), 10)
    assert machine.state == "empty"
    run(machine, evidence("unseen"), 2, now)
    assert machine.state == "unknown"


def test_a_step_of_the_light_changes_nothing_and_light_that_goes_on_changing_is_unknown():
    machine, steps = RoomStateMachine(RoomConfig(still_empty_s=40.0)), judge(seen(light_changed=True), ZONES)
    now = 0.0
    for _ in range(5):
        now = run(machine, evidence("nowhere", known=False), 10.0, now)
        now = run(machine, steps, 1.0, now)
    assert machine.state == "empty", "an exposure that steps is nothing that stirs"
    now = run(machine, evidence("bed"), 10.0, now)
    now = run(machine, steps, 3.0, now)
    assert machine.state == "in-bed"
    run(machine, steps, 3.0, now)
    assert machine.state == "unknown"


def test_losing_the_camera_is_unknown_at_once_and_said_once():
    machine = RoomStateMachine(RoomConfig())
    run(machine, evidence("bed"), 5)
    change = machine.lose_sight(10**10, "closed")
    assert change is not None and (change.state, change.before) == ("unknown", "in-bed")
    assert machine.lose_sight(10**10, "closed") is None
