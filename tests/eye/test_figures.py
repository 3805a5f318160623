"""What moved, what is dark, and where."""

import numpy as np
import pytest

from stillroom.eye.figures import Motion, blobs_of, box_of, is_dark

SHAPE = (30, 40)
CELLS = 1200


def test_noise_is_not_motion_and_a_step_is() -> None:
    random = np.random.default_rng(0)
    motion = Motion(CELLS)
    for _ in range(50):
        assert motion.feed(random.uniform(0.3, 0.6, CELLS).astype(np.float32)).mean() < 0.01
    walker = np.full(CELLS, 0.4, np.float32)
    walker[:60] = 9.0
    assert motion.feed(walker).sum() == 60


def test_in_the_noise_of_dim_light_nothing_moves_but_what_does() -> None:
    random, motion = np.random.default_rng(1), Motion(CELLS)
    noise = [np.abs(random.normal(0, 1.2, (2, CELLS))).mean(axis=0).astype(np.float32) for _ in range(200)]
    said = [float(motion.feed(each).mean()) for each in noise]
    assert np.mean(said[100:]) < 0.001
    walker = noise[0].copy()
    walker[:60] = 9.0
    assert motion.feed(walker)[:60].all()


def test_a_step_of_the_light_is_not_learned_as_noise() -> None:
    motion, still = Motion(CELLS), np.full(CELLS, 0.3, np.float32)
    for _ in range(100):
        motion.feed(still)
    for _ in range(10):
        assert motion.feed(np.full(CELLS, 30.0, np.float32)).all()
    still[:60] = 9.0
    assert motion.feed(still).sum() == 60


def test_a_fan_becomes_noise_in_minutes_not_seconds() -> None:
    motion = Motion(CELLS)
    fan = np.full(CELLS, 0.3, np.float32)
    motion.feed(fan)
    fan[:50] = 8.0
    after = [int(motion.feed(fan).sum()) for _ in range(5 * 300)]
    assert after[25] == 50
    assert after[-1] == 0


def test_changes_that_add_up_are_lasting_and_shuffled_frames_are_not() -> None:
    random = np.random.default_rng(3)
    walk = 100 + np.cumsum(random.normal(0, 1, (150, CELLS)), axis=0)
    for rows, lasting in ((walk, True), (random.permutation(walk), False)):
        motion = Motion(CELLS)
        for luma in rows:
            motion.weigh(luma.astype(np.float32))
        assert motion.lasting is lasting


def test_dark_is_nearly_no_light_anywhere() -> None:
    histogram = np.zeros(256, np.uint32)
    assert is_dark(histogram)
    histogram[5] = 990
    histogram[120] = 10
    assert is_dark(histogram)
    histogram[120] = 200
    assert not is_dark(histogram)


def test_a_box_holds_the_cells_and_none_is_none() -> None:
    cells = np.arange(CELLS).reshape(SHAPE)[10:20, 8:16].ravel()
    box = box_of(cells, SHAPE)
    assert box is not None
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((0.2, 1 / 3, 0.4, 2 / 3), abs=0.03)
    assert box_of(cells[:0], SHAPE) is None


def test_blobs_are_the_largest_parts_with_their_motion() -> None:
    figure, moving = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    for index, size in enumerate((12, 8, 6, 4, 4)):
        figure[1 : 1 + size, 8 * index : 8 * index + 6] = True
    moving[1:7, 0:6] = True
    figure[29, 39] = True
    blobs = blobs_of(figure.ravel(), moving.ravel(), SHAPE)
    assert len(blobs) == 4
    assert [b.area for b in blobs] == sorted((b.area for b in blobs), reverse=True)
    assert blobs[0].moving == pytest.approx(0.5, abs=0.15)
    assert blobs[1].moving == 0
    assert blobs[0].box.x0 == 0
    assert blobs_of(np.zeros(CELLS, bool), moving.ravel(), SHAPE) == ()
