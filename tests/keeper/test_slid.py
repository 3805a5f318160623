"""Who goes down from the bed's edge has fallen; who gets up, leans forward or lies down from there has not."""

import pytest
from msgspec.structs import replace

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig
from stillroom.keeper.occupancy import Evidence
from stillroom.keeper.state import RoomStateMachine
from stillroom.observation import Box

SAT = Box(0.55, 0.36, 0.75, 0.88)
LIES = Box(0.65, 0.54, 0.9, 0.98)
SITS = Evidence("bed-edge", False, None, True, "1 seen", 1, True, posture="sitting", box=SAT, differs=(SAT,))
BEGINS = replace(SITS, moving=True, moves=SAT, bed_stirs=True)


def at(box: Box, place: str = "off-bed", **changes) -> Evidence:
    found = replace(SITS, place=place, moving=True, moves=box, box=box, differs=(box,))
    return replace(found, **changes)


SINKS = [BEGINS, at(Box(0.57, 0.4, 0.78, 0.9), "bed-edge"), at(Box(0.6, 0.47, 0.8, 0.95)), at(LIES), at(LIES)]
FOUND = replace(SITS, place="off-bed", box=LIES, differs=(LIES,))
"""Though he lies: seen along the body he looks like one who sits."""


class Edge:
    """Somebody who sits there; five pieces of evidence a second."""

    def __init__(self, **changes) -> None:
        self.machine, self.now, self.changes = RoomStateMachine(RoomConfig()), 0, changes
        assert self.sees(*[SITS] * 15) == "bed-edge"

    def sees(self, *evidence: Evidence) -> str:
        for each in evidence:
            self.now += 1
            self.machine.feed(self.now * NS_PER_S // 5, replace(each, **self.changes))
        return self.machine.state


@pytest.mark.parametrize(
    "changes", [{}, {"background_known": False, "differs": ()}], ids=["known", "not known"]
)
def test_who_slid_down_is_on_the_floor_within_two_seconds_until_he_is_up(changes):
    edge = Edge(**changes)
    edge.sees(*SINKS)
    assert edge.sees(*[FOUND] * 10) == "on-floor"
    assert edge.sees(*[FOUND] * 600) == "on-floor"
    rises = [at(Box(0.65, top, 0.85, 0.8), posture="unsure") for top in (0.54, 0.4, 0.3, 0.2, 0.2)]
    edge.sees(*rises)
    stands = replace(rises[-1], moving=False, moves=None)
    assert edge.sees(*[stands] * 15) == "out-of-bed"


def test_who_lies_at_the_pictures_edge_or_before_the_door_gets_up_himself():
    edge = Edge()
    edge.sees(*SINKS, *[FOUND] * 10)
    rises = [at(Box(0.65, top, 0.85, 0.98), at_side=True, moves_at="door") for top in (0.54, 0.4, 0.3, 0.2)]
    edge.sees(*[replace(each, posture="unsure") for each in rises])
    up = at(Box(0.65, 0.2, 0.85, 0.9), posture="upright")
    assert edge.sees(*[replace(up, moving=False, moves=None)] * 20) == "out-of-bed"


def test_from_high_up_he_comes_down_by_less_and_his_feet_with_him():
    edge = Edge()
    lies = at(Box(0.65, 0.46, 0.9, 0.97))
    edge.sees(BEGINS, at(Box(0.57, 0.4, 0.78, 0.92), "bed-edge"), lies, lies)
    assert edge.sees(*[replace(lies, moving=False, moves=None)] * 10) == "on-floor"
    edge, bends = Edge(), at(Box(0.6, 0.46, 0.8, 0.88))
    edge.sees(BEGINS, bends, bends)
    assert edge.sees(*[SITS] * 15) == "bed-edge", "his feet stayed"


UP = Box(0.6, 0.17, 0.8, 0.8)
LOW = Box(0.56, 0.5, 0.8, 0.9)
IN_BED = Box(0.1, 0.53, 0.6, 0.8)


@pytest.mark.parametrize(
    ("moves", "after"),
    [
        pytest.param([BEGINS, at(UP), at(UP)], at(UP, posture="upright"), id="gets up"),
        pytest.param([BEGINS, at(UP), at(LIES), at(LIES)], at(LIES), id="was up, and sat down on the floor"),
        pytest.param([BEGINS, at(LOW, "bed-edge"), at(LOW, "bed-edge")], SITS, id="leans forward"),
        pytest.param(
            [BEGINS, *SINKS[1:4], at(UP), at(UP)], at(UP, posture="upright"), id="leans far, and is up"
        ),
        pytest.param([BEGINS, at(IN_BED, "bed"), at(IN_BED, "bed")], at(IN_BED, "bed"), id="lies down"),
        pytest.param([replace(each, people=2) for each in SINKS], FOUND, id="a nurse is with him"),
        pytest.param([BEGINS, at(Box(0.7, 0.9, 0.8, 0.98))], SITS, id="his blanket slides down"),
    ],
)
def test_who_does_anything_else_has_not_fallen(moves, after):
    edge = Edge()
    edge.sees(*moves)
    assert edge.sees(*[replace(after, moving=False, moves=None)] * 60) != "on-floor"
