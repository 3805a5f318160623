"""Who lay on the floor and gets up is up by how he moves; who sits up, or comes in to help, is not he standing."""

import pytest
from msgspec.structs import replace

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig
from stillroom.keeper.occupancy import Evidence
from stillroom.keeper.state import RoomStateMachine
from stillroom.observation import Box

LAY = Evidence(
    "floor", False, None, False, "1 seen", 1, True, posture="lying", box=Box(0.65, 0.36, 0.92, 0.94)
)
RISES = [0.53, 0.53, 0.5, 0.47, 0.43, 0.4, 0.3, 0.23, 0.17, 0.15]
SITS_UP = [0.53, 0.5, 0.46, 0.42, 0.4, 0.4]


def up(**changes) -> Evidence:
    values = {"moving": False, "people": 1, "posture": "unsure", "box": Box(0.7, 0.13, 0.9, 0.75)} | changes
    return Evidence("off-bed", values.pop("moving"), None, False, "1 seen", sure=True, **values)


def moves(top: float, bottom: float = 0.8, x0: float = 0.7, x1: float = 0.9, people: int = 1) -> Evidence:
    return up(moving=True, moves=Box(x0, top, x1, bottom), people=people)


class Floor:
    """Somebody found lying there in a room that is not known; five pieces of evidence a second."""

    def __init__(self) -> None:
        self.machine, self.now = RoomStateMachine(RoomConfig()), 0
        assert self.sees(*[LAY] * 20) == "on-floor"

    def sees(self, *evidence: Evidence) -> str:
        for each in evidence:
            self.now += 1
            self.machine.feed(self.now * NS_PER_S // 5, each)
        return self.machine.state


@pytest.mark.parametrize("people", [0, 1], ids=["lost on the way up", "found all the way"])
def test_who_rises_from_where_he_lay_is_up_though_no_look_says_how_he_stands(people):
    floor = Floor()
    floor.sees(*[moves(top, people=people) for top in RISES])
    assert floor.sees(*[up()] * 15) == "occupied"


def test_who_rests_on_his_knees_before_he_stands_is_up_in_the_end():
    floor = Floor()
    floor.sees(*[moves(top) for top in RISES[:5]], *[up()] * 15, *[moves(top) for top in RISES[5:]])
    assert floor.sees(*[up()] * 15) == "occupied"


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param([moves(top, 0.9) for top in SITS_UP], id="sits up"),
        pytest.param(
            [moves(0.8, 0.85), moves(0.8, 0.85), moves(0.1, 0.85), moves(0.1, 0.85)], id="is helped"
        ),
        pytest.param([moves(0.8, 0.85), *[moves(top, top + 0.3) for top in RISES]], id="above where he lies"),
        pytest.param([moves(0.55, x0=0.1, x1=0.3), *[moves(t, people=2) for t in RISES]], id="there are two"),
        pytest.param([moves(0.8, 0.85, 0.1, 0.2), moves(0.5), moves(0.3)], id="elsewhere"),
    ],
)
def test_who_does_anything_else_still_lies_there(seen):
    floor = Floor()
    floor.sees(*seen)
    assert floor.sees(*[up()] * 15) == "on-floor"


def test_who_rose_is_up_when_looks_no_longer_say_that_he_lies_where_he_lay():
    floor = Floor()
    assert (
        floor.sees(*[replace(LAY, moving=True, moves=moves(t).moves) for t in RISES], *[LAY] * 5)
        == "on-floor"
    )
    assert floor.sees(*[up()] * 15) == "occupied"
