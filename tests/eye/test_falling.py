"""Movement that comes down, drawn as cells; and what is said of somebody around whom it did."""

import numpy as np
import pytest

from stillroom.eye import fallen
from stillroom.eye.detect import Body, Held
from stillroom.eye.falling import Descent, Falling
from stillroom.eye.track import Track
from stillroom.observation import Box

ROWS, COLS = 60, 80
SIZE_PX = (640, 480)
STANDING = Box(0.4, 0.2, 0.55, 0.9)


def cells(top: float, bottom: float, left: float = 0.42, right: float = 0.53) -> np.ndarray:
    """What moves: a rectangle, in shares of the picture."""
    found = np.zeros((ROWS, COLS), bool)
    found[round(top * ROWS) : round(bottom * ROWS), round(left * COLS) : round(right * COLS)] = True
    return found.reshape(-1)


NOTHING = np.zeros(ROWS * COLS, bool)


def watched(*fifths: np.ndarray) -> Falling:
    falling = Falling((ROWS, COLS))
    for index, moving in enumerate(fifths):
        falling.feed(index / 5, moving)
    return falling


def after(*fifths: np.ndarray, box: Box | None = STANDING) -> Descent | None:
    return watched(*fifths).of(box)


UPRIGHT = [cells(0.2, 0.9)] * 4
FALL = [*UPRIGHT, cells(0.35, 0.9), cells(0.5, 0.95), cells(0.65, 0.95, 0.3, 0.6), cells(0.7, 0.95, 0.3, 0.6)]


def test_who_falls_comes_down_and_is_where_he_moves_now():
    begun = after(*FALL[:6])
    assert begun is not None and not begun.down and 0.3 < begun.by < 0.5
    down = after(*FALL)
    assert down is not None and down.down
    assert (down.top, down.bottom) == pytest.approx((0.3, 0.9), abs=0.1)
    assert down.box.y0 > 0.45 and down.box.x0 < 0.4
    assert after(*FALL, box=None) is not None, "around the whole picture"


def test_a_head_that_nods_before_the_fall_is_not_how_high_he_stood():
    nod = cells(0.16, 0.2, 0.45, 0.5)
    down = after(nod, nod, *FALL[2:])
    assert down is not None and down.down and down.top == pytest.approx(0.3, abs=0.1)


def test_who_drops_in_the_last_fifth_whole_is_down_and_a_foot_of_his_is_not():
    begun = [*UPRIGHT, cells(0.35, 0.9)]
    down = after(*begun, cells(0.65, 0.95, 0.3, 0.6), NOTHING)
    assert down is not None and down.down
    foot = after(*begun, cells(0.8, 0.9, 0.42, 0.48))
    assert foot is None or not foot.down


@pytest.mark.parametrize(
    ("what", "fifths"),
    [
        ("nods, and moves a foot", [*[cells(0.16, 0.2, 0.45, 0.5)] * 4, *[cells(0.85, 0.9, 0.45, 0.5)] * 4]),
        ("stands", UPRIGHT * 2),
        ("is still", [*UPRIGHT, *[NOTHING] * 4]),
        ("sits down", [*UPRIGHT, cells(0.25, 0.9), cells(0.3, 0.9), cells(0.33, 0.9), cells(0.36, 0.9)]),
        ("stops, and moves a foot last", [*UPRIGHT, cells(0.8, 0.9), cells(0.8, 0.9, 0.42, 0.45)]),
        ("gets up", FALL[::-1]),
        ("specks", [cells(0.2, 0.9, 0.42, 0.44), *[cells(0.85, 0.9, 0.42, 0.44)] * 3]),
        ("light", [*UPRIGHT, ~NOTHING, ~NOTHING]),
        ("elsewhere", [cells(0.2, 0.9), *UPRIGHT, *[cells(0.8, 0.95, 0.9, 1.0)] * 3]),
    ],
)
def test_who_does_anything_else_is_not_down(what, fifths):
    found = after(*fifths)
    assert found is None or not found.down, what


def test_who_lies_down_slowly_is_for_the_models_to_say():
    slowly = [cells(0.2 + 0.01 * k, 0.9) for k in range(56)]
    for count in range(10, 56):
        found = after(*UPRIGHT, *slowly[:count])
        assert found is None or not found.down, count


def test_after_a_jump_in_time_nothing_is_remembered():
    falling = watched(*FALL)
    falling.restart()
    falling.feed(100.0, cells(0.7, 0.95))
    assert falling.of(STANDING) is None


def test_movement_at_a_side_is_somebody_who_may_leave_on_that_side():
    falling = watched(*UPRIGHT, cells(0.2, 0.9, 0.9, 1.0))
    assert falling.may_leave(Box(0.7, 0.2, 0.9, 0.9)) and not falling.may_leave(STANDING)
    assert not watched(*FALL).may_leave(Box(0.7, 0.2, 0.9, 0.9))


def fallen_track(aside: bool = False, fifths: list[np.ndarray] | None = None) -> Track:
    """Somebody known for two seconds, around whom movement has just come down at frame time 2 s."""
    track = Track(Body(0.97, 300, 260, 0, -160), STANDING, 0.99, 1.6, 1.6, 0.97, since_s=0.0, believed=True)
    track.posture = "upright"
    falling = (
        watched(*fifths or FALL) if not aside else watched(*FALL[:-1], FALL[-1] | cells(0.2, 0.9, 0.95, 1.0))
    )
    if aside:
        track.box = Box(0.5, 0.2, 0.65, 0.9)
    fallen.watch(track, falling, 2_000_000_000, SIZE_PX)
    return track


STANDS = Held(0.99, "upright", (250.0, 100.0, 350.0, 430.0), on_legs=True, head_px=100.0)
ON_THE_FLOOR = Held(0.99, "sitting", (200.0, 330.0, 400.0, 450.0), on_legs=False, head_px=330.0)


def test_who_is_down_and_not_found_lies():
    track = fallen_track()
    assert track.down_ns is not None and track.box.y0 > 0.45 and track.posture == "upright"
    fallen.not_found(track, 2.2, 1_900_000_000)
    assert track.posture == "upright", "that look was decided before"
    fallen.not_found(track, 2.2, 2_000_000_000)
    assert track.posture == "lying"


SITS = [*[cells(0.2, 0.9)] * 3, *[cells(top, 0.9) for top in (0.36, 0.38, 0.41, 0.44, 0.52, 0.55)]]


def test_who_came_down_slowly_and_by_half_may_have_sat_down_so_a_look_must_say_that_he_lies():
    for fifths, unfound in ((SITS, "upright"), (FALL, "lying")):
        track = fallen_track(fifths=fifths)
        assert track.down_ns is not None and track.sat == (fifths is SITS)
        fallen.not_found(track, 2.2, 2_000_000_000)
        assert track.posture == unfound
        assert fallen.shown(track, Held(0.99, "lying", None, head_px=330.0), 2_200_000_000) == "lying"


def test_who_comes_to_lie_after_all_has_not_sat_down():
    track = fallen_track(fifths=SITS)
    fallen.watch(track, watched(*SITS, *[cells(0.72, 0.95, 0.3, 0.6)] * 2), 2_400_000_000, SIZE_PX)
    assert not track.sat


def test_who_is_down_and_shown_on_his_legs_is_not():
    track = fallen_track()
    assert fallen.shown(track, STANDS, 2_000_000_000) == "upright" and track.down_ns is None
    fallen.not_found(track, 2.4, 2_400_000_000)
    assert track.posture == "upright"


def test_a_look_that_says_who_comes_down_lies_with_his_head_up_is_no_proof_and_the_next_one_decides():
    """He sits down on the floor: what moved around him came down, and one look in many errs on how he is held."""
    errs = Held(0.99, "lying", None, on_legs=True, head_px=150.0)
    for second, said in (("sitting", "sitting"), ("lying", "lying")):
        track = fallen_track()
        track.posture = fallen.shown(track, errs, 2_000_000_000)
        assert track.posture == "upright" and track.undecided and track.asks, "he is asked again"
        assert fallen.shown(track, Held(0.99, second, None, head_px=150.0), 2_400_000_000) == said
    low = Held(0.99, "lying", None, head_px=330.0)
    assert fallen.shown(fallen_track(), low, 2_000_000_000) == "lying", "one is enough with his head low"


def test_who_is_said_to_lie_is_asked_once_more_though_he_stays_as_he_is():
    """Or one look that errs, of who comes in and stands, would hold as long as he stands."""
    track = fallen_track()
    track.down_ns, track.posture, track.still = None, "unsure", True
    track.posture = fallen.shown(track, Held(0.99, "lying", None), 2_000_000_000)
    assert track.posture == "lying" and track.asks
    track.asks = False
    assert fallen.shown(track, Held(0.99, "lying", None), 2_400_000_000) == "lying" and not track.asks
    assert fallen.shown(track, Held(0.99, "unsure", None, on_legs=True), 2_800_000_000) == "unsure"


def test_who_is_down_and_sits_on_the_floor_has_fallen():
    assert fallen.shown(fallen_track(), ON_THE_FLOOR, 2_000_000_000) == "lying"


def test_a_body_across_the_picture_lies_where_it_is_clear():
    track = fallen_track()
    fallen.found(track, Body(0.6, 280, 390, 120, 10), 2_000_000_000)
    assert track.posture == "upright"
    fallen.found(track, Body(0.9, 280, 390, 120, 10), 2_000_000_000)
    assert track.posture == "lying"


def test_who_goes_out_at_a_side_does_not_lie_because_he_is_not_found():
    track = fallen_track(aside=True)
    fallen.not_found(track, 2.2, 2_200_000_000)
    assert track.posture == "upright"


def test_who_lies_at_a_side_and_does_not_move_is_not_about_to_leave():
    """His box stands up to the picture's edge for as long as he lies there."""
    falling, track = watched(*FALL), fallen_track()
    track.box, track.down_ns, track.aside_ns = Box(0.6, 0.24, 0.97, 1.0), 2_000_000_000, None
    for fifth, there in enumerate([cells(0.5, 0.9, 0.7, 0.9), *[cells(0.0, 0.0, 0.0, 0.0)] * 20]):
        falling.feed(2.2 + fifth / 5, there)
        fallen.watch(track, falling, 2_200_000_000 + fifth * 200_000_000, SIZE_PX)
        if fifth == 0:
            fallen.not_found(track, 2.2, 2_200_000_000)
            assert track.posture == "upright", "he moves there: he may be on his way out"
    fallen.not_found(track, 6.2, 6_200_000_000)
    assert track.posture == "lying"


def test_of_somebody_down_looks_are_asked_until_one_says_how_he_is_held():
    """What was known of him, that he sat, was before he fell; landmarks that are not sure say nothing of it."""
    track = fallen_track(aside=True)
    track.posture = "sitting"
    assert track.undecided
    fallen.not_found(track, 2.2, 2_200_000_000)
    assert track.posture == "sitting" and track.undecided, "he may have gone out at the side"
    assert fallen.shown(track, STANDS, 2_400_000_000) == "upright"
    track.posture = "upright"
    assert not track.undecided


def test_who_came_down_a_part_of_the_way_is_looked_at_until_somebody_knows_how_he_is_held():
    """From a bed's edge nobody falls by half of his height; who sat before may not be found where he lies."""
    track = Track(Body(0.97, 300, 260, 0, -160), STANDING, 0.99, 1.6, 1.6, 0.97, since_s=0.0, believed=True)
    track.posture, track.held_ns = "sitting", 1_000_000_000
    assert not track.undecided
    fallen.watch(track, watched(*UPRIGHT, cells(0.35, 0.9), cells(0.47, 0.95)), 2_000_000_000, SIZE_PX)
    assert track.sank_ns is not None and track.down_ns is None and track.undecided
    sits = Held(0.99, "sitting", (250.0, 100.0, 350.0, 430.0), on_legs=True, head_px=100.0)
    track.posture = fallen.shown(track, sits, 2_400_000_000)
    assert track.posture == "sitting" and not track.undecided


def test_one_look_is_enough_where_nothing_has_moved():
    """After a start somebody lies there already; who bends down or walks moves."""
    lies = Held(0.99, "lying", (200.0, 330.0, 400.0, 450.0), head_px=330.0)
    for still, said in ((True, "lying"), (False, "unsure")):
        track = Track(Body(0.97, 300, 260, 0, -160), STANDING, 0.99, 1.6, 1.6, 0.97, believed=True)
        falling = watched(*[cells(0.0, 0.0, 0.0, 0.0)] * 9, cells(0.3, 0.6, 0.4, 0.5) & (not still))
        fallen.watch(track, falling, 2_000_000_000, SIZE_PX)
        assert fallen.shown(track, lies, 2_000_000_000) == said


def test_without_a_fall_two_looks_must_say_that_he_lies():
    track = Track(Body(0.97, 300, 260, 0, -160), STANDING, 0.99, 1.6, 1.6, 0.97, believed=True)
    lies = Held(0.99, "lying", (200.0, 330.0, 400.0, 450.0), head_px=330.0)
    track.posture = fallen.shown(track, lies, 1_000_000_000)
    assert track.posture == "unsure" and track.may_lie
    assert fallen.shown(track, lies, 2_000_000_000) == "lying"
    track.posture = "lying"
    assert fallen.shown(track, Held(0.9, "unsure", None), 3_000_000_000) == "lying", "it says nothing"
    assert fallen.shown(track, STANDS, 4_000_000_000) == "upright"
