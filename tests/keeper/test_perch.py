"""Who came to rest on the bed's edge sits there though a look draws him too large; who moves back into bed does not."""

import pytest
from msgspec.structs import replace

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig
from stillroom.keeper.occupancy import Evidence
from stillroom.keeper.state import RoomStateMachine
from stillroom.observation import Box

LIES = Evidence("bed", False, None, False, "1 seen", 1, True, 1, "lying", box=Box(0.1, 0.5, 0.6, 0.8))
TOO_LOW = Box(0.5, 0.37, 0.72, 0.99)
SITS = replace(LIES, posture="sitting", abed=0, box=TOO_LOW)
COMES = replace(SITS, moving=True, moves=Box(0.55, 0.39, 0.75, 0.87), bed_stirs=True, edge_stirs=True)


class Bed:
    """Somebody who lies in bed in a room that is not known; five pieces of evidence a second."""

    def __init__(self) -> None:
        self.machine, self.now = RoomStateMachine(RoomConfig()), 0
        assert self.sees(*[LIES] * 20) == "in-bed"

    def sees(self, *evidence: Evidence) -> str:
        for each in evidence:
            self.now += 1
            self.machine.feed(self.now * NS_PER_S // 5, each)
        return self.machine.state


def test_who_moved_whole_to_the_edge_sits_there_until_he_moves_whole_elsewhere():
    bed = Bed()
    bed.sees(*[COMES] * 3)
    assert bed.sees(*[SITS] * 15) == "bed-edge"
    unsure = replace(SITS, posture="unsure")
    hand = replace(SITS, moving=True, moves=Box(0.6, 0.45, 0.65, 0.5), bed_stirs=True)
    assert bed.sees(*[unsure] * 30, *[hand] * 5, *[SITS] * 30) == "bed-edge"
    back = replace(LIES, moving=True, moves=Box(0.2, 0.45, 0.6, 0.8), bed_stirs=True)
    assert bed.sees(*[back] * 5, *[SITS] * 20) == "in-bed"


@pytest.mark.parametrize(
    ("moves", "after"),
    [
        pytest.param(replace(COMES, people=2), SITS, id="two were there"),
        pytest.param(replace(COMES, box=LIES.box, moves=Box(0.7, 0.39, 0.8, 0.87)), SITS, id="beside him"),
        pytest.param(COMES, LIES, id="he lies"),
        pytest.param(COMES, replace(SITS, posture="unsure"), id="no look says that he sits"),
        pytest.param(replace(COMES, edge_stirs=False), SITS, id="he sits up in bed"),
    ],
)
def test_who_did_not_is_in_bed(moves, after):
    bed = Bed()
    bed.sees(*[moves] * 3)
    assert bed.sees(*[after] * 30) == "in-bed"


@pytest.mark.parametrize(
    ("first", "state"),
    [
        pytest.param({"place": "bed-edge"}, "bed-edge", id="at rest"),
        pytest.param({"place": "bed-edge", "people": 0}, "in-bed", id="by no look"),
        pytest.param({"place": "bed-edge", "posture": "lying"}, "in-bed", id="and lies since"),
    ],
)
def test_who_was_found_on_the_edge_and_has_not_moved_sits_there_though_no_look_says_how(first, state):
    """The next look draws him larger, over the bed, and landmarks are sure of nothing."""
    bed = Bed()
    bed.sees(*[COMES] * 3, replace(SITS, **{"posture": "unsure", **first}))
    after = replace(SITS, posture=first.get("posture", "unsure"))
    assert bed.sees(*[after] * 30) == state


def test_who_was_found_on_the_edge_only_while_he_moved_is_not_known_to_be_there():
    bed, unsure = Bed(), replace(SITS, posture="unsure")
    bed.sees(*[replace(COMES, place="bed-edge", posture="unsure")] * 3)
    assert bed.sees(*[unsure] * 30) == "in-bed"


def test_who_lies_down_small_under_a_wide_lens_has_left_the_edge():
    """All of him moves on into the bed, and that is less of the picture than somebody who sits."""
    bed, small = Bed(), Box(0.26, 0.53, 0.57, 0.71)
    bed.sees(*[COMES] * 3)
    on = replace(SITS, box=small, moving=True, moves=Box(0.28, 0.53, 0.45, 0.67), bed_stirs=True)
    assert bed.sees(*[on] * 3, *[replace(SITS, box=small)] * 30) == "in-bed"


def test_who_is_drawn_wider_than_high_sits_on_no_edge():
    bed = Bed()
    bed.sees(*[COMES] * 3)
    assert bed.sees(*[replace(SITS, box=Box(0.45, 0.5, 0.72, 0.65))] * 30) == "in-bed"


FEET_LOW = replace(SITS, place="off-bed", box=Box(0.49, 0.3, 0.74, 1.0))
ON_EDGE = replace(SITS, place="bed-edge")


@pytest.mark.parametrize(
    ("between", "after", "state"),
    [
        pytest.param([ON_EDGE], FEET_LOW, "bed-edge", id="found on the edge at rest"),
        pytest.param([], FEET_LOW, "out-of-bed", id="by no look"),
        pytest.param(
            [ON_EDGE], replace(FEET_LOW, posture="upright"), "out-of-bed", id="and is seen to stand"
        ),
        pytest.param([ON_EDGE, COMES], FEET_LOW, "out-of-bed", id="and moved whole since"),
    ],
)
def test_who_was_found_on_the_edge_has_not_got_up_because_a_look_draws_his_feet_before_it(
    between, after, state
):
    bed = Bed()
    bed.sees(*[COMES] * 3, *between)
    assert bed.sees(*[after] * 30) == state
