"""What the cells say of a place: motion, breathing, the learned empty room; and what restless cells may not say."""

import numpy as np
import pytest

from stillroom.eye.agreement import Agreement, Cells
from stillroom.observation import Box

ROWS, COLS = 30, 40
PLACE = Box(0.25, 0.2, 0.5, 0.8)
ELSEWHERE = Box(0.6, 0.2, 0.9, 0.8)


def where(box: Box, share: float = 1.0) -> np.ndarray:
    """Flags of the first rows of a box, so many that `share` of it is set."""
    flags = np.zeros((ROWS, COLS), bool)
    y0, y1 = round(box.y0 * ROWS), round(box.y1 * ROWS)
    flags[y0 : y0 + round((y1 - y0) * share), round(box.x0 * COLS) : round(box.x1 * COLS)] = True
    return flags.reshape(-1)


NOTHING = np.zeros(ROWS * COLS, bool)


def cells(at_s, moving=NOTHING, figure=None, learned=False, breathing=None, empty=None) -> Cells:
    return Cells(at_s, round(at_s * 1e9), moving, figure, learned, breathing, empty)


def after(*seen: Cells) -> Agreement:
    agreement = Agreement((ROWS, COLS))
    for each in seen:
        agreement.feed(each)
    return agreement


def test_before_anything_was_seen_nothing_agrees():
    assert Agreement((ROWS, COLS)).of(PLACE) is None


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (cells(1.0), None),
        (cells(1.0, moving=where(PLACE, 0.3)), "motion"),
        (cells(1.0, moving=where(ELSEWHERE)), None),
        (cells(1.0, breathing=Box(0.3, 0.4, 0.4, 0.5)), "breathing"),
        (cells(1.0, breathing=Box(0.6, 0.4, 0.7, 0.5)), None),
        (cells(1.0, figure=where(PLACE, 0.5), learned=True), "background"),
        (cells(1.0, figure=where(PLACE, 0.5), learned=False), None),
        (cells(1.0, figure=where(ELSEWHERE), learned=True), None),
        (cells(1.0, moving=where(PLACE), figure=where(PLACE), learned=True), "motion"),
        (cells(1.0, moving=where(PLACE), figure=NOTHING, learned=True), None),
        (cells(1.0, moving=where(PLACE), figure=NOTHING, learned=False), "motion"),
    ],
)
def test_why_a_place_agrees(now, reason):
    assert after(now).of(PLACE) == reason


def test_motion_counts_for_two_seconds():
    moved = cells(10.0, moving=where(PLACE))
    assert after(moved, cells(11.8)).of(PLACE) == "motion"
    assert after(moved, cells(12.2)).of(PLACE) is None


def test_a_screen_becomes_restless_and_agrees_no_more_but_whoever_breathes_there_does():
    agreement = Agreement((ROWS, COLS))
    for fifth in range(200):  # forty seconds of pictures that change every other fifth
        shows = where(PLACE) if fifth % 2 else NOTHING
        agreement.feed(cells(fifth / 5, moving=shows, figure=where(PLACE), learned=True))
    assert agreement.restless.sum() == where(PLACE).sum()
    assert agreement.of(PLACE) is None
    assert not agreement.vacant(PLACE), "what moves all the time is not a vacant place"
    agreement.feed(cells(40.2, breathing=Box(0.3, 0.4, 0.4, 0.5)))
    assert agreement.of(PLACE) == "breathing"


def test_somebody_who_fidgets_now_and_then_is_not_restless():
    agreement = Agreement((ROWS, COLS))
    for fifth in range(3000):
        agreement.feed(cells(fifth / 5, moving=where(PLACE) if fifth % 40 < 4 else NOTHING))
    assert not agreement.restless.any()


def test_vacant_is_still_and_like_the_room():
    assert after(cells(1.0)).vacant(PLACE)
    assert not after(cells(1.0, moving=where(PLACE, 0.3))).vacant(PLACE)
    assert not after(cells(1.0, figure=where(PLACE, 0.5))).vacant(PLACE)
    light = after(cells(1.0, moving=where(PLACE), figure=NOTHING))
    assert not light.vacant(PLACE) and light.like_the_room(PLACE)
    assert not after(cells(1.0)).like_the_room(PLACE), "without a model of the room nothing is like it"


def test_whoever_comes_leaves_a_trail_or_stands_at_the_edge_or_came_by_the_door():
    small = Box(0.3, 0.4, 0.4, 0.6)
    in_place = [cells(fifth / 5, moving=where(small)) for fifth in range(10)]
    assert not after(*in_place).came(small)
    from_afar = [cells(fifth / 5, moving=where(ELSEWHERE)) for fifth in range(10)]
    assert after(*from_afar, cells(2.2, moving=where(small))).came(small)
    assert not after(*from_afar, cells(20.0, moving=where(small))).came(small), "that was too long ago"
    assert after(*in_place).came(Box(0.3, 0.4, 0.5, 1.0))
    door = Box(0.45, 0.4, 0.5, 0.6)
    by_the_door = Agreement((ROWS, COLS), where(door))
    for seen in (cells(0.2, moving=where(door)), *in_place[2:]):
        by_the_door.feed(seen)
    assert by_the_door.came(small)


@pytest.mark.parametrize("box", [Box(0, 0, 0, 0), Box(1, 1, 1, 1), Box(0.5, 0.5, 0.5, 0.5), Box(0, 0, 1, 1)])
def test_boxes_without_size_and_at_the_rim_have_cells(box):
    every_other = np.arange(ROWS * COLS) % 2 == 0
    both = cells(1.0, moving=every_other), cells(1.2, moving=~every_other)
    assert after(*both).of(box) == "motion"


def test_what_moves_everywhere_at_once_is_the_light_and_nobody():
    assert after(cells(1.0, moving=np.ones(ROWS * COLS, bool))).of(Box(0.2, 0.2, 0.4, 0.8)) is None


def test_what_moves_partly_behind_another_is_as_high_as_all_that_moves_in_its_columns():
    agreement = after(cells(1.0, moving=where(PLACE)))
    legs = Box(0.0, 0.5, 1.0, 1.0)
    for others in ([], [legs]):
        found = agreement.moving_at(Box(0.1, 0.1, 0.9, 0.9), others, PLACE)
        assert found is not None and abs(found.y1 - found.y0 - 0.6) < 0.1, others
    assert agreement.moving_at(Box(0.1, 0.1, 0.9, 0.9), [PLACE], PLACE) is None
    assert agreement.moving_at(ELSEWHERE, [], PLACE) is None


def test_what_moved_two_fifths_ago_is_known_and_is_nobody_when_it_was_the_light():
    for lit, found in ((NOTHING, [False, False, True]), (~NOTHING, [False, False, False])):
        seen = cells(1.0, moving=where(PLACE) | lit), cells(1.2), cells(1.4)
        assert [after(*seen).moving_at(PLACE, [], PLACE, ago) is not None for ago in range(3)] == found
