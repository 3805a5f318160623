"""One word for thirty-three points: figures of a trunk, legs and where they lie."""

import numpy as np
import pytest

from stillroom.eye.posture import ANKLES, HIPS, KNEES, SHOULDERS, head_of, on_legs, posture_of


def body(shoulders, hips, knees, ankles, width=20.0, hidden=()) -> tuple[np.ndarray, np.ndarray]:
    """Middles of the pairs (x, y), y downwards."""
    points, visible = np.zeros((33, 2), np.float32), np.ones(33, np.float32)
    for pair, (x, y) in ((SHOULDERS, shoulders), (HIPS, hips), (KNEES, knees), (ANKLES, ankles)):
        points[pair[0]], points[pair[1]] = (x - width / 2, y), (x + width / 2, y)
        if pair in hidden:
            visible[list(pair)] = 0.1
    return points, visible


@pytest.mark.parametrize(
    ("figure", "posture"),
    [
        (body((100, 50), (100, 100), (100, 140), (100, 180)), "upright"),
        (body((100, 50), (100, 100), (100, 140), (100, 180), hidden=(ANKLES,)), "upright"),
        (body((100, 50), (102, 100), (130, 105), (130, 145)), "sitting"),
        (body((100, 50), (102, 100), (130, 105), (130, 145), hidden=(ANKLES,)), "sitting"),
        (body((100, 50), (100, 100), (100, 140), (100, 180), hidden=(ANKLES, KNEES)), "unsure"),
        (body((50, 100), (100, 105), (140, 105), (180, 100)), "lying"),
        (body((50, 100), (100, 80), (140, 70), (180, 60)), "lying"),
        (body((100, 150), (100, 100), (100, 60), (100, 20)), "lying"),  # head towards the camera
        (body((40, 95), (100, 100), (100, 140), (100, 180)), "unsure"),  # bends down to the floor
        (body((40, 95), (100, 100), (100, 140), (100, 180), hidden=(ANKLES,)), "unsure"),
        (body((60, 60), (100, 100), (140, 140), (150, 180)), "unsure"),
        (body((100, 95), (100, 100), (100, 104), (100, 110)), "unsure"),  # seen along the body
        (body((100, 50), (100, 100), (100, 140), (100, 180), hidden=(HIPS,)), "unsure"),
        (body((100, 50), (100, 100), (100, 140), (100, 180), hidden=(SHOULDERS,)), "unsure"),
    ],
)
def test_clear_cases_are_named_and_others_are_not(figure, posture):
    assert posture_of(*figure) == posture


def test_size_place_and_side_do_not_matter():
    points, visible = body((100, 50), (102, 100), (130, 105), (130, 145))
    for factor, shift, mirror in ((0.3, 0, 1), (5.0, 900, -1), (1.0, -4000, -1)):
        moved = points * np.float32([factor * mirror, factor]) + np.float32(shift)
        assert posture_of(moved.astype(np.float32), visible) == "sitting"


def test_what_is_far_higher_than_wide_does_not_lie_across_the_picture():
    """A wrong guess, mostly: hips and head mistaken for one another."""
    points, visible = body((100, 150), (100, 100), (100, 60), (100, 20))
    visible[:] = 0.1
    for pair in (SHOULDERS, HIPS, KNEES, ANKLES):
        visible[list(pair)] = 1.0
    assert posture_of(points, visible) == "unsure"
    points[list(ANKLES), 0] += np.float32(90.0)
    assert posture_of(points, visible) == "lying"


def test_legs_carry_who_stands_sits_on_a_chair_or_bends_and_nobody_on_the_floor():
    standing = body((100, 50), (100, 100), (100, 140), (100, 180))
    on_a_chair = body((100, 50), (102, 100), (130, 105), (130, 145))
    on_the_floor = body((100, 50), (102, 100), (130, 95), (160, 105))
    lying = body((50, 100), (100, 105), (140, 105), (180, 100))
    assert on_legs(*standing) and on_legs(*on_a_chair)
    assert not on_legs(*on_the_floor) and not on_legs(*lying)


def test_a_head_is_as_high_as_what_is_shown_of_it():
    points, visible = body((100, 50), (100, 100), (100, 140), (100, 180))
    points[:11, 1] = 20.0
    assert head_of(points, visible) == 20.0
    visible[:11] = 0.1
    assert head_of(points, visible) == 50.0
    visible[:] = 0.1
    assert head_of(points, visible) is None
