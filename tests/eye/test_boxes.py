"""Anchors, decoding and blending, against what can be counted by hand."""

import numpy as np
import pytest

from stillroom.eye.boxes import anchors, decode, overlap

CENTRES = anchors(224, ((8, 2), (16, 2), (32, 6)))


def raw_of(*places: tuple[int, float, tuple[float, ...]]) -> tuple[np.ndarray, np.ndarray]:
    raw, logits = np.zeros((len(CENTRES), 12), np.float32), np.full((len(CENTRES), 1), -90.0, np.float32)
    for index, logit, values in places:
        raw[index, : len(values)], logits[index] = values, logit
    return raw, logits


def test_as_many_anchors_as_the_models_have_outputs():
    assert len(CENTRES) == 2254 and len(anchors(192, ((4, 1),))) == 2304
    assert CENTRES[0] == pytest.approx([4 / 224, 4 / 224]) and CENTRES[1] == pytest.approx(CENTRES[0])
    assert CENTRES[2] == pytest.approx([12 / 224, 4 / 224])
    assert CENTRES[-1] == pytest.approx([208 / 224, 208 / 224])


def test_a_box_is_its_anchor_and_what_the_model_adds():
    raw, logits = raw_of((0, 3.0, (22.4, 44.8, 112.0, 56.0, 224.0, 0.0)))
    (found,) = decode(raw, logits, CENTRES, 224, 0.5)
    x, y = 4 / 224 + 0.1, 4 / 224 + 0.2
    assert found.score == pytest.approx(1 / (1 + np.exp(-3)))
    assert found.box == pytest.approx((x - 0.25, y - 0.125, x + 0.25, y + 0.125))
    assert found.points.shape == (4, 2) and found.points[0] == pytest.approx([4 / 224 + 1, 4 / 224])


def test_nothing_above_the_threshold_is_nothing_and_huge_numbers_do_no_harm():
    raw, logits = raw_of()
    assert decode(raw, logits, CENTRES, 224, 0.5) == []
    logits[5] = 1e30
    with np.errstate(all="raise"):
        assert decode(raw, logits, CENTRES, 224, 0.5)[0].score == pytest.approx(1.0)


def test_boxes_that_overlap_become_one_between_them_and_others_stay():
    near = (0, 2.0, (0.0, 0.0, 80.0, 80.0)), (1, 2.0, (8.0, 0.0, 80.0, 80.0))
    far = (2253, 1.0, (0.0, 0.0, 40.0, 40.0))
    both, alone = decode(*raw_of(*near, far), CENTRES, 224, 0.5)
    assert (both.box[0] + both.box[2]) / 2 == pytest.approx(8 / 224)
    assert alone.score == pytest.approx(1 / (1 + np.exp(-1)))


def test_never_more_than_eight_and_best_first():
    places = [(60 * k, 1.0 + k / 100, (0.0, 0.0, 4.0, 4.0)) for k in range(20)]
    found = decode(*raw_of(*places), CENTRES, 224, 0.5)
    assert len(found) == 8 and [f.score for f in found] == sorted((f.score for f in found), reverse=True)


def test_overlap_of_boxes_without_area_is_none():
    box = np.array([0.0, 0.0, 1.0, 1.0], np.float32)
    others = np.array([[0, 0, 1, 1], [0.5, 0, 1.5, 1], [2, 2, 3, 3], [0.5, 0.5, 0.5, 0.5]], np.float32)
    assert overlap(box, others) == pytest.approx([1.0, 1 / 3, 0.0, 0.0])
    point = np.zeros(4, np.float32)
    assert overlap(point, point[None]) == pytest.approx([0.0])
