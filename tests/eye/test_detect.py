"""The real models on real recordings: what they find, and what they must not find."""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stillroom.errors import InputError
from stillroom.eye.detect import SIDE_PX, Body, Detector, Square
from stillroom.eye.distil import Grid, Order, distil
from stillroom.eye.frame import Frame
from stillroom.eye.weights import FACE
from stillroom_tools.lab.recorded import RecordedCamera


@pytest.fixture(scope="module")
def detector(models) -> Detector:
    return Detector(models)


def every(path: Path, step: int, *, right_half: bool = False) -> Iterator[tuple[int, Frame]]:
    for number, frame in enumerate(RecordedCamera(path).frames(), 1):
        if number % step:
            continue
        if right_half:
            w = frame.width // 2
            frame = Frame(frame.y[:, w:], frame.u[:, w // 2 :], frame.v[:, w // 2 :], frame.frame_ns)
        yield number, frame


def cut(frame: Frame, square: Square, kind: str) -> np.ndarray:
    side = SIDE_PX[kind]
    picture = np.zeros((side, side, 3), np.uint8)
    distil(
        frame,
        None,
        None,
        Grid(frame.width, frame.height),
        [Order(square.affine(side), picture, frame.frame_ns)],
    )
    return picture


def whole(frame: Frame) -> Square:
    return Square(frame.width / 2, frame.height / 2, max(frame.width, frame.height))


def bodies(detector: Detector, frame: Frame, square: Square) -> list[Body]:
    return detector.people(cut(frame, square, "people"), square)


def test_a_square_and_its_pixels_say_the_same():
    for turn in (0.0, 0.7, -1.5, math.pi):
        square = Square(300.0, 200.0, 128.0, turn)
        a, b, c, d, e, f = square.affine(256)
        for i, j in ((0, 0), (256, 0), (128, 128), (17, 230)):
            assert square.place(i / 256, j / 256) == pytest.approx((a * i + b * j + c, d * i + e * j + f))
        assert square.place(0.5, 0.5) == pytest.approx((300.0, 200.0))


def test_the_square_of_a_body_is_turned_so_that_its_head_is_up():
    for up in ((0.0, -50.0), (40.0, -30.0), (-50.0, 1.0), (5.0, 50.0)):
        x, y = Body(0.9, 100.0, 100.0, *up).square().place(0.5, 0.1)
        assert math.atan2(y - 100, x - 100) == pytest.approx(math.atan2(up[1], up[0]), abs=0.11)


def test_people_who_come_one_by_one_are_found_and_an_empty_room_is_not_a_person(detector, real):
    """Six visits; seconds with somebody in full view, and seconds with nobody, counted by eye."""
    there = {
        int(s) for a, b in ((9, 18), (27, 42), (54, 66), (78, 84), (96, 116), (127, 134)) for s in range(a, b)
    }
    nobody = {1, 2, 3, 4, 22, 47, 48, 49, 50, 72, 73, 90, 91, 122, 138}
    found = {}
    for number, frame in every(real("room-people-one-by-one.mp4"), 10):
        if number // 10 in there | nobody:
            found[number // 10] = bodies(detector, frame, whole(frame))
    assert not any(found[s] for s in nobody)
    assert all(found[s] and found[s][0].score > 0.6 for s in there)
    assert all(0.4 < found[s][0].x_px / 768 < 0.8 for s in there)


def test_falls_end_lying_and_nobody_who_walks_is_said_to_lie(detector, real):
    labels = [line.split(",") for line in real("falls/labels.csv").read_text().splitlines()[1:]]
    said = Counter()
    for clip in ("fall-01", "fall-02", "fall-05"):
        known = {int(frame): int(posture) for name, frame, posture in labels if name == clip}
        for number, frame in every(real(f"falls/{clip}.mp4"), 10, right_half=True):
            for body in bodies(detector, frame, whole(frame))[:1]:
                square = body.square()
                held = detector.landmarks(cut(frame, square, "landmarks"), square)
                if held.present > 0.8:
                    said[known.get(number), held.posture] += 1
    assert said[-1, "lying"] == 0
    assert said[1, "lying"] >= 4 and said[1, "upright"] == 0
    assert said[-1, "upright"] >= 8


def test_a_face_is_found_where_it_is(detector, real):
    _, frame = next(every(real("face-53bpm.mp4"), 30))
    face = detector.face(cut(frame, whole(frame), "face"), whole(frame))
    x0, y0, x1, y1 = face.box_px
    assert face.score > 0.8 and x0 < 200 < 300 < x1 and y0 < 250 < 400 < y1


def test_neither_grey_nor_noise_nor_stripes_are_people(detector):
    random = np.random.default_rng(4)
    square = Square(112, 112, 224)
    stripes = np.broadcast_to((np.arange(224) // 9 % 2 * 200)[:, None], (224, 224)).astype(np.uint8)
    for picture in (
        np.full((224, 224), 110, np.uint8),
        random.integers(0, 255, (224, 224), np.uint8),
        stripes,
    ):
        assert detector.people(np.repeat(picture[:, :, None], 3, axis=2), square) == []


def test_a_folder_with_a_broken_model_gives_no_detector(models, tmp_path):
    for path in models.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / FACE.file).write_bytes((models / FACE.file).read_bytes()[:1000])
    with pytest.raises(InputError, match="cut short"):
        Detector(tmp_path)
