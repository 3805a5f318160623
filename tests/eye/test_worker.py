"""The thread with the models: weights that come later, the latest order wins, nothing left in a picture."""

import time
from pathlib import Path

import numpy as np
import pytest
from tests.patience import WITHIN_S

from stillroom.eye import worker as module
from stillroom.eye.detect import Detector, Square
from stillroom.eye.weights import FACE
from stillroom.eye.worker import Inline, Job, Nobody, Result, Worker

SQUARE = Square(320, 240, 640)


@pytest.fixture
def quick(monkeypatch) -> None:
    monkeypatch.setattr(module, "LOOK_FOR_WEIGHTS_S", 0.02)


def until(condition) -> None:
    end = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def copy(models: Path, place: Path) -> None:
    place.mkdir(exist_ok=True)
    for path in sorted(models.iterdir()):
        (place / path.name).write_bytes(path.read_bytes())


def job(worker, kind="people", decided_ns=0) -> Job:
    picture = worker.borrow(kind)
    assert picture is not None and not picture.any()
    picture[...] = 120
    return Job(kind, SQUARE, picture, decided_ns)


def results(worker, count: int) -> list[Result]:
    found: list[Result] = []
    until(
        lambda: len(found) >= count or bool((r := worker.take()) and found.append(r)) or len(found) >= count
    )
    return found


def test_without_weights_nobody_looks_and_weights_that_come_later_are_found(models, tmp_path, quick):
    worker = Worker(tmp_path / "models")
    assert worker.name == "none" and worker.borrow("people") is None
    copy(models, tmp_path / "models")
    until(lambda: worker.name == "blazepose")
    worker.submit(job(worker))
    (result,) = results(worker, 1)
    assert result.kind == "people" and result.bodies == () and result.square == SQUARE
    worker.close()
    worker.close()
    assert worker.name == "none"


def test_weights_that_are_not_ours_are_said_and_not_used(models, tmp_path, quick, capfd):
    copy(models, tmp_path / "models")
    (tmp_path / "models" / FACE.file).write_bytes(b"TFL3 something else")
    worker = Worker(tmp_path / "models")
    worker._thread.join(WITHIN_S)
    assert worker.name == "none"
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("eye: ")]
    assert len(said) == 1 and FACE.file in said[0]


def test_of_two_waiting_orders_the_later_is_looked_at_and_the_other_wiped(models):
    worker = Worker(models)
    until(lambda: worker.name == "blazepose")
    with worker._wake:  # the thread cannot take one before both are there
        first = job(worker, decided_ns=1)
        worker.submit(first)
        second = job(worker, decided_ns=2)
        worker.submit(second)
        assert not first.picture.any()
    assert [r.decided_ns for r in results(worker, 1)] == [2]
    until(lambda: not second.picture.any())
    worker.submit(job(worker, "landmarks", 3))
    assert results(worker, 1)[0].held.present < 0.5
    worker.close()


def test_a_waiting_order_is_taken_back_for_a_newer_one(models):
    worker = Worker(models)
    until(lambda: worker.name == "blazepose")
    with worker._wake:
        worker.submit(job(worker, decided_ns=1))
        busy = worker.borrow("face")
        newer = worker.borrow("people")
        assert newer is not None and busy is not None
        worker.give_up(newer)
        worker.give_up(busy)
    worker.submit(job(worker, decided_ns=5))
    assert results(worker, 1)[0].decided_ns == 5
    worker.close()


def test_at_the_end_what_was_ordered_is_wiped_and_nothing_is_in_the_input(models, monkeypatch):
    kept = []
    monkeypatch.setattr(module, "Detector", lambda place: kept.append(Detector(place)) or kept[0])
    worker = Worker(models)
    until(lambda: worker.name == "blazepose")
    ordered = job(worker)
    worker.submit(ordered)
    worker.close()
    assert not ordered.picture.any()
    for net in (kept[0]._people, kept[0]._face):
        assert not net._view().any()


def test_inline_gives_the_same_answer_twice_and_wipes(models):
    inline = Inline(Detector(models))
    random = np.random.default_rng(1)
    picture = random.integers(0, 255, (224, 224, 3), np.uint8)
    answers = []
    for _ in range(3):
        each = job(inline)
        each.picture[...] = picture
        inline.submit(each)
        assert not each.picture.any()
        answers.append(inline.take())
    assert answers[0] == answers[1] == answers[2] and inline.take() is None


def test_nobody_lends_nothing():
    assert Nobody().borrow("people") is None and Nobody().take() is None
