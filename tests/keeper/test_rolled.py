"""Who rolled out of bed behind it: what shows that he did, and what must not be taken for it."""

import pytest
from msgspec.structs import replace

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig
from stillroom.keeper.occupancy import Evidence
from stillroom.keeper.state import RoomStateMachine
from stillroom.observation import Box

LAY = Box(0.1, 0.53, 0.65, 0.8)
SHOWS = Box(0.25, 0.53, 0.45, 0.6)
"""Of who lies behind the bed: a shoulder above the mattress."""
SLEEPS = Evidence("bed", False, None, True, "numbers", 1, True, 1, "lying", box=LAY, differs=(LAY,))
ROLLS = replace(SLEEPS, moving=True, moves=Box(0.12, 0.5, 0.6, 0.75), bed_stirs=True)
GONE = replace(SLEEPS, differs=(SHOWS,))


class Bed:
    """Somebody asleep in it; five pieces of evidence a second."""

    def __init__(self) -> None:
        self.machine, self.now = RoomStateMachine(RoomConfig()), 0
        assert self.sees(SLEEPS, 10) == "in-bed"

    def sees(self, evidence: Evidence, seconds: float) -> str:
        for _ in range(round(seconds * 5)):
            self.machine.feed(self.now * NS_PER_S // 5, evidence)
            self.now += 1
        return self.machine.state


@pytest.mark.parametrize("shows", [(SHOWS,), ()], ids=["a shoulder shows", "nothing shows"])
def test_who_moved_in_bed_and_shows_no_more_lies_behind_it(shows):
    bed = Bed()
    bed.sees(ROLLS, 1.4)
    gone = replace(GONE, differs=shows)
    assert [bed.sees(gone, 0.2) for _ in range(15)].count("out-of-bed") == 0, "he is not first said to be up"
    assert bed.sees(gone, 0.2) == bed.sees(gone, 600) == "on-floor"


def test_who_comes_on_his_side_over_the_far_edge_is_higher_on_the_way_than_who_turns_over():
    bed = Bed()
    bed.sees(replace(ROLLS, moves=Box(0.12, 0.43, 0.6, 0.75)), 1.4)
    assert bed.sees(GONE, 5) == "on-floor"
    bed = Bed()
    bed.sees(replace(ROLLS, moves=Box(0.12, 0.33, 0.6, 0.75)), 1.4)
    assert bed.sees(GONE, 5) != "on-floor", "he sat up"


def test_who_stands_up_behind_the_bed_is_not_on_the_floor_any_more():
    bed = Bed()
    bed.sees(ROLLS, 1.4)
    bed.sees(GONE, 10)
    up = Box(0.3, 0.1, 0.45, 0.6)
    rises = replace(
        GONE, place="off-bed", moving=True, moves=up, differs=(up,), box=up, posture="upright", abed=0
    )
    assert bed.sees(rises, 5) == "out-of-bed"


@pytest.mark.parametrize(
    ("moves", "after"),
    [
        pytest.param(ROLLS, replace(SLEEPS, differs=(Box(0.3, 0.53, 0.6, 0.75),)), id="curls up"),
        pytest.param(SLEEPS, GONE, id="the picture changed, and nobody moved"),
        pytest.param(replace(ROLLS, background_known=False), GONE, id="the room was not known"),
        pytest.param(replace(ROLLS, place="unseen", moving=False), GONE, id="the light was switched"),
        pytest.param(replace(ROLLS, people=2), GONE, id="a nurse was there"),
    ],
)
def test_a_sleeper_is_held_where(moves, after):
    bed = Bed()
    bed.sees(moves, 1.4)
    assert bed.sees(after, 60) == "in-bed"


def test_who_gets_up_before_the_bed_has_not_rolled_out_behind_it():
    bed = Bed()
    bed.sees(replace(ROLLS, moves=Box(0.4, 0.3, 0.85, 0.9)), 1.4)
    assert bed.sees(GONE, 20) != "on-floor"
