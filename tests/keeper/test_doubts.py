"""What makes an empty room doubtful, and what does not: things are nobody, and who comes in passes a way in."""

import pytest
from msgspec.structs import replace

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig
from stillroom.keeper.occupancy import Evidence
from stillroom.keeper.state import RoomStateMachine
from stillroom.observation import Box

NOBODY = Evidence("nowhere", False, None, True, "nothing", people=0, sure=True)
CAT = Evidence("off-bed", True, None, True, "1.0% differs", people=0, sure=True, small=True)
LARGE = replace(CAT, small=False)
NOBODY_THERE = replace(NOBODY, background_known=False, sure=False)
AT_DOOR = replace(LARGE, door="door")


def run(machine: RoomStateMachine, evidence: Evidence, seconds: float, start_s: float) -> float:
    for step in range(round(seconds * 5)):
        machine.feed(round((start_s + step / 5) * NS_PER_S), evidence)
    return start_s + seconds


def empty_room() -> tuple[RoomStateMachine, float]:
    machine = RoomStateMachine(RoomConfig())
    now = run(machine, NOBODY, 60.0, 0.0)
    assert machine.state == "empty"
    return machine, now


@pytest.mark.parametrize("thing", [CAT, replace(CAT, place="bed"), replace(CAT, door="door")])
def test_what_is_smaller_than_anybody_leaves_an_empty_room_empty(thing):
    machine, now = empty_room()
    run(machine, thing, 120.0, now)
    assert machine.state == "empty"


CAT_AT_DOOR = replace(CAT, door="door")


def looks(machine: RoomStateMachine, pattern: str, now: float) -> float:
    """One fifth of a second for each: L larger than a cat, s not."""
    for each in pattern:
        now = run(machine, LARGE if each == "L" else CAT, 0.2, now)
    return now


@pytest.mark.parametrize("pattern", ["L" + 40 * "s" + "L", 20 * "Lss", 20 * "LLssss"])
def test_a_cat_that_stretches_now_and_then_leaves_an_empty_room_empty(pattern):
    """Between two large looks it was small, for most of the time: no body shrinks so."""
    machine, now = empty_room()
    looks(machine, pattern, run(machine, CAT_AT_DOOR, 2.0, now))
    assert machine.state == "empty"


@pytest.mark.parametrize("pattern", [24 * "Ls", 16 * "LLs", 10 * "LLLss"])
def test_who_looks_as_small_as_a_cat_in_fewer_looks_than_not_may_be_somebody(pattern):
    """A part of him is as light as the wall behind, or he crawls far away."""
    machine, now = empty_room()
    looks(machine, pattern, run(machine, CAT_AT_DOOR, 2.0, now))
    assert machine.state == "unknown"


def test_a_large_thing_that_comes_from_nowhere_and_lies_still_leaves_it_empty():
    machine, now = empty_room()
    now = run(machine, LARGE, 2.0, now)
    run(machine, replace(LARGE, moving=False), 120.0, now)
    assert machine.state == "empty"


@pytest.mark.parametrize("way_in", [AT_DOOR, replace(LARGE, at_side=True)])
def test_what_came_by_a_way_in_may_be_somebody_however_still_he_is(way_in):
    machine, now = empty_room()
    now = run(machine, way_in, 2.0, now)
    run(machine, replace(LARGE, moving=False), 8.0, now)
    assert machine.state == "unknown"


def test_what_goes_on_moving_may_be_somebody_wherever_it_came_from():
    machine, now = empty_room()
    run(machine, LARGE, 10.0, now)
    assert machine.state == "unknown"


def test_without_a_model_a_small_thing_is_somebody_as_before():
    machine, now = empty_room()
    run(machine, replace(CAT, people=None), 2.0, now)
    assert machine.state == "occupied"


def test_after_somebody_was_confirmed_what_is_small_may_be_a_part_of_him():
    """A foot of who fell behind the bed is not a cat."""
    machine, now = empty_room()
    now = run(machine, replace(LARGE, people=1), 5.0, now)
    run(machine, CAT, 60.0, now)
    assert machine.state != "empty"


def test_a_curtain_from_the_beginning_is_nobody_after_twice_the_time_of_stillness():
    curtain = replace(LARGE, place="chair", background_known=False)
    machine = RoomStateMachine(RoomConfig())
    now = run(machine, curtain, 85.0, 0.0)
    assert machine.state == "unknown"
    run(machine, curtain, 7.0, now)
    assert machine.state == "empty"


@pytest.mark.parametrize(
    "somebody",
    [
        replace(LARGE, place="bed"),
        replace(LARGE, bed_stirs=True),
        replace(LARGE, sure=False),
        replace(LARGE, people=None),
        AT_DOOR,
    ],
)
def test_what_may_be_somebody_from_the_beginning_never_ends_in_an_empty_room(somebody):
    machine = RoomStateMachine(RoomConfig())
    run(machine, somebody, 300.0, 0.0)
    assert machine.state != "empty"


def test_of_several_the_last_in_bed_is_alone_soon_after_the_other_was_at_the_door():
    both = Evidence("off-bed", True, "door", True, "two", people=2, sure=True, abed=1)
    abed = Evidence("bed", False, None, True, "one", people=1, sure=True, abed=1)
    machine = RoomStateMachine(RoomConfig())
    now = run(machine, both, 5.0, 0.0)
    assert machine.state == "several-people"
    run(machine, abed, 2.0, now)
    assert machine.state == "in-bed"


def test_of_several_one_who_is_not_found_for_two_seconds_is_still_there():
    both = Evidence("off-bed", True, None, True, "two", people=2, sure=True, abed=1)
    abed = Evidence("bed", False, None, True, "one", people=1, sure=True, abed=1)
    machine = RoomStateMachine(RoomConfig())
    now = run(machine, both, 5.0, 0.0)
    run(machine, abed, 2.0, now)
    assert machine.state == "several-people"


def test_who_lay_on_the_floor_is_up_where_he_is_half_as_high_again_though_no_look_is_sure():
    lies = Evidence("floor", False, None, True, "lies", people=1, sure=True, posture="lying", high=0.3)
    machine = RoomStateMachine(RoomConfig())
    now = run(machine, lies, 3.0, 0.0)
    now = run(machine, replace(lies, place="off-bed", posture="unsure", high=0.35), 10.0, now)
    assert machine.state == "on-floor"
    run(machine, replace(lies, place="off-bed", posture="unsure", high=0.5), 2.0, now)
    assert machine.state == "occupied"


def test_without_a_known_room_nobody_is_up_by_his_height():
    lies = Evidence("floor", False, None, False, "lies", people=1, sure=True, posture="lying")
    machine = RoomStateMachine(RoomConfig())
    now = run(machine, lies, 3.0, 0.0)
    run(machine, replace(lies, place="off-bed", posture="unsure"), 60.0, now)
    assert machine.state == "on-floor"


FELL = Evidence("floor", False, None, False, "lies", people=1, sure=True, posture="lying")
THERE = replace(FELL, place="off-bed", posture="unsure", box=Box(0.7, 0.3, 0.9, 0.8))


def gets_up(machine: RoomStateMachine, now: float, top: float, **changes) -> float:
    """What moves reaches from the floor to `top` within two seconds, and is held as he was for one more."""
    for step in range(10):
        moves = Box(0.7, 0.6 + (top - 0.6) * step / 9, 0.9, 0.9)
        now = run(machine, replace(THERE, moving=True, moves=moves, **changes), 0.2, now)
    return run(machine, replace(THERE, **changes), 1.0, now)


def test_without_a_known_room_who_lay_is_up_where_what_moves_has_risen_and_no_look_says_that_he_lies():
    for top, changes, state in (
        (0.25, {}, "occupied"),
        (0.45, {}, "on-floor"),
        (0.25, {"posture": "lying"}, "on-floor"),
        (0.25, {"people": 2, "sure": False}, "on-floor"),
    ):
        machine = RoomStateMachine(RoomConfig())
        gets_up(machine, run(machine, FELL, 3.0, 0.0), top, **changes)
        assert machine.state == state, (top, changes)


def test_who_lay_on_the_floor_before_a_start_lies_there_until_he_moves_whole():
    """No look is sure how he is held. An arm that moves changes nothing; who walks was helped up meanwhile."""
    arm = replace(THERE, moving=True, moves=Box(0.75, 0.75, 0.9, 0.9))
    walks = replace(THERE, moving=True, moves=Box(0.7, 0.3, 0.8, 0.8))
    for lay, shown, state in ((True, arm, "on-floor"), (True, walks, "occupied"), (False, THERE, "occupied")):
        machine = RoomStateMachine(RoomConfig(), on_floor=lay)
        run(machine, THERE, 3.0, run(machine, shown, 0.4, run(machine, NOBODY_THERE, 8.0, 0.0)))
        assert machine.state == state, (lay, shown)


def test_who_lay_on_the_floor_when_the_camera_was_covered_lies_there_when_it_sees_again():
    machine = RoomStateMachine(RoomConfig())
    now = run(machine, FELL, 3.0, 0.0)
    now = run(machine, replace(NOBODY_THERE, place="unseen"), 30.0, now)
    assert machine.state == "unknown"
    run(machine, THERE, 3.0, now)
    assert machine.state == "on-floor"
