"""Zones that overlap: which one a body rests in, and which door it reaches. One rule, tried on each pair."""

import pytest

from stillroom.config import Zones
from stillroom.keeper.zones import DOORS, FEET, RESTS, feet, reaches, rests
from stillroom.observation import Box
from stillroom.outline import area, fault


def square(x0: float, y0: float, x1: float, y1: float):
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


ROOM = Zones(
    bed=square(0.3, 0.4, 0.7, 0.7),
    bed_edge=square(0.3, 0.65, 0.7, 0.8),
    chair=square(0.75, 0.5, 0.9, 0.9),
    floor=square(0.0, 0.4, 1.0, 1.0),
    door=square(0.0, 0.1, 0.1, 0.8),
    bathroom_door=square(0.08, 0.1, 0.2, 0.8),
)
ON_EDGE = Box(0.4, 0.4, 0.5, 0.75)
BEFORE_BED = Box(0.6, 0.69, 0.7, 0.8)
"""On the floor before it: his feet are where those of who sits on the edge are, and little of him is over the bed."""
IN_BED = Box(0.35, 0.45, 0.65, 0.6)
SITS_IN_BED = Box(0.4, 0.15, 0.6, 0.95)
"""His legs lie; a box around his hips has them hang down before the bed."""
IN_CHAIR = Box(0.76, 0.5, 0.88, 0.88)
ON_FLOOR = Box(0.1, 0.82, 0.4, 0.98)


@pytest.mark.parametrize(
    ("box", "posture", "zone"),
    [
        (ON_EDGE, "sitting", "bed-edge"),
        (ON_EDGE, None, "bed-edge"),
        (ON_EDGE, "lying", "bed"),
        (ON_EDGE, "upright", "bed"),
        (BEFORE_BED, "sitting", None),
        (IN_BED, "lying", "bed"),
        (IN_BED, "sitting", "bed"),
        (IN_BED, None, "bed"),
        (SITS_IN_BED, "sitting", "bed"),
        (SITS_IN_BED, "unsure", "bed"),
        (SITS_IN_BED, "upright", None),
        (SITS_IN_BED, None, None),
        (IN_CHAIR, "sitting", "chair"),
        (IN_CHAIR, "lying", "chair"),
        (IN_CHAIR, "upright", None),
        (ON_FLOOR, "lying", "floor"),
        (ON_FLOOR, "sitting", None),
        (ON_FLOOR, None, None),
        (Box(0.45, 0.05, 0.55, 0.38), "upright", None),
    ],
)
def test_where_a_body_rests(box, posture, zone):
    assert rests(box, posture, ROOM) == zone


def test_the_order_is_that_of_the_table_and_one_zone_wins_always():
    order = [rule.zone for rule in RESTS]
    assert order == ["bed-edge", "bed", "chair", "bed", "floor"]  # by the box; by the hips after the chair
    everywhere = square(0.0, 0.0, 1.0, 1.0)
    left = [zone.replace("-", "_") for zone in dict.fromkeys(order)]
    while left:
        zones = Zones(**dict.fromkeys(left, everywhere))
        posture = "lying" if left[0] in ("bed", "floor") else "sitting"
        assert rests(IN_BED, posture, zones) == left.pop(0).replace("_", "-")


@pytest.mark.parametrize(("share", "inside"), [(0.51, True), (0.49, False)])
def test_half_of_a_box_in_bed_and_not_less(share, inside):
    box = Box(0.7 - 0.2 * share, 0.45, 0.7 + 0.2 * (1 - share), 0.6)
    found = rests(box, "lying", Zones(bed=ROOM.bed))
    assert (found == "bed") is inside or abs(share - 0.5) < 1 / 8


@pytest.mark.parametrize(("share", "rest"), [(0.45, "floor"), (0.25, None)])
def test_a_third_of_who_lies_is_enough_on_the_floor_and_he_must_lie(share, rest):
    """Seen along the body, a box around it reaches up as far as it does down, onto the wall behind."""
    floor = Zones(floor=((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)))
    box = Box(0.4, 0.5 - 0.4 * (1.0 - share), 0.6, 0.5 + 0.4 * share)
    assert rests(box, "lying", floor) == rest
    assert all(rests(box, posture, floor) is None for posture in ("upright", "sitting", "unsure"))


def test_feet_are_the_lowest_fifth():
    assert feet(Box(0.1, 0.0, 0.2, 1.0)) == Box(0.1, 1.0 - FEET, 0.2, 1.0)


@pytest.mark.parametrize(
    ("box", "door"),
    [
        (Box(0.0, 0.2, 0.1, 0.7), "door"),
        (Box(0.12, 0.2, 0.2, 0.7), "bathroom-door"),
        (Box(0.04, 0.2, 0.16, 0.7), "bathroom-door"),
        (Box(0.02, 0.2, 0.12, 0.7), "door"),
        (Box(0.08, 0.2, 0.1, 0.7), "bathroom-door"),
        (Box(0.3, 0.2, 0.4, 0.7), None),
    ],
)
def test_of_two_doors_the_one_that_is_reached_further_into(box, door):
    assert reaches(box, ROOM) == door
    assert DOORS[0] == "bathroom-door", "of two that are reached equally"


def test_without_polygons_nothing_rests_and_no_door_is_reached():
    assert rests(IN_BED, "lying", Zones()) is None and reaches(IN_BED, Zones()) is None


NO_ZONES = {
    "a bow tie": ("0 0, 1 1, 1 0, 0 1", "side 1 and side 3"),
    "a star": ("0.5 0, 0.8 1, 0 0.4, 1 0.4, 0.2 1", "side 1 and side 3"),
    "two that hang together at a corner": ("0 0, 0.5 0.5, 0 1, 1 1, 0.5 0.5, 1 0", "touches itself"),
    "a corner on another side": ("0 0, 1 0, 1 1, 0.5 0, 0 1", "side 1 and side 3"),
    "there and back": ("0 0, 0.5 0, 0.9 0, 0.5 0, 0.5 0.5", "touches itself"),
    "back over the last side": ("0.2 0.2, 0.8 0.2, 0.8 0.8, 0.5 0.2", "touches itself"),
    "twice around": ("0 0, 1 0, 1 1, 0 1, 0 0, 1 0, 1 1, 0 1", "touches itself"),
    "closed by hand": ("0 0, 1 0, 1 1, 0 1, 0 0", "corner 5 is there twice"),
    "a corner twice": ("0 0, 1 0, 1 0, 1 1, 0 1", "corner 2 is there twice"),
    "a line": ("0 0, 0.5 0.5, 1 1", "less than"),
    "one point": ("0.5 0.5, 0.5 0.5, 0.5 0.5", "less than"),
    "a hair": ("0 0, 1 0, 1 0.0001", "less than"),
}
ZONES = {
    "a triangle": "0 0, 1 1, 1 0",
    "the other way around": "0 0, 1 0, 1 1",
    "with a corner on a straight line": "0 0, 0.5 0, 1 0, 1 1, 0 1",
    "an L": "0 0, 1 0, 1 0.5, 0.5 0.5, 0.5 1, 0 1",
    "a comb": "0 0, 1 0, 1 1, 0.8 1, 0.8 0.2, 0.6 0.2, 0.6 1, 0 1",
    "of thirds": "0.1 0.333, 0.333 0.1, 0.666 0.333, 0.333 0.666",
}


def drawn(text: str) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in (corner.split() for corner in text.split(",")))


@pytest.mark.parametrize("what", NO_ZONES)
def test_outlines_that_are_no_zones_say_why(what):
    text, says = NO_ZONES[what]
    for corners in (drawn(text), drawn(text)[::-1]):
        assert fault(corners), "in either direction"
    assert says in (fault(drawn(text)) or "")


@pytest.mark.parametrize("what", ZONES)
def test_outlines_that_are_zones(what):
    for start in range(len(drawn(ZONES[what]))):
        corners = drawn(ZONES[what])
        assert fault(corners[start:] + corners[:start]) is None


def test_the_area_of_an_outline():
    assert fault(square(0.1, 0.1, 0.2, 0.2)) is None
    assert area(square(0.1, 0.1, 0.3, 0.2)) == pytest.approx(0.02)
