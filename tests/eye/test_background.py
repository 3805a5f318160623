"""The empty room is learned when it may be, and what differs stands out."""

import numpy as np

from stillroom.eye.background import LEARN_FIFTHS, Background, Light
from stillroom.eye.traces import Fifth

CELLS = 600
NOTHING = np.zeros(CELLS, bool)


def fifth(luma: np.ndarray, at_s: float = 0.0) -> Fifth:
    flat = np.full(CELLS, 128.0, np.float32)
    return Fifth(at_s, luma.astype(np.float32), flat, flat, np.zeros(CELLS, np.float32), 6)


def room(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(40, 200, CELLS)


def learned(luma: np.ndarray) -> Background:
    random = np.random.default_rng(9)
    background = Background(CELLS)
    for _ in range(LEARN_FIFTHS + 5):
        background.feed(fifth(luma + random.normal(0, 0.3, CELLS)), NOTHING, empty=True)
    return background


def test_nothing_is_known_at_first() -> None:
    background = Background(CELLS)
    assert background.state == "none"
    assert background.differs(fifth(room())) is None


def test_before_the_keeper_has_spoken_it_is_only_learning_and_not_while_something_moves() -> None:
    background = Background(CELLS)
    for _ in range(40):
        background.feed(fifth(room()), NOTHING, empty=None)
    assert background.state == "learning"
    moving = np.arange(CELLS) < 30
    changed = room()
    changed[:30] += 60
    for _ in range(200):
        background.feed(fifth(changed), moving, empty=None)
    differs = background.differs(fifth(changed))
    assert differs is not None and differs[:30].all() and not differs[30:].any()


def test_an_empty_room_is_learned_and_nobody_stands_out() -> None:
    background = learned(room())
    assert background.state == "learned"
    differs = background.differs(fifth(room()))
    assert differs is not None and not differs.any()


def test_a_person_stands_out_and_is_not_learned_however_long_they_stay() -> None:
    background = learned(room())
    person = room()
    person[100:160] -= 35
    for _ in range(500):
        background.feed(fifth(person), NOTHING, empty=False)
    differs = background.differs(fifth(person))
    assert differs is not None and differs[100:160].all() and differs.sum() == 60


def test_one_gain_for_all_is_no_person() -> None:
    background = learned(room())
    differs = background.differs(fifth(1.15 * room()))
    assert differs is not None and not differs.any()


def test_colour_alone_stands_out() -> None:
    background = learned(room())
    painted = fifth(room())
    painted.v = painted.v + np.where(np.arange(CELLS) < 25, 12, 0).astype(np.float32)
    differs = background.differs(painted)
    assert differs is not None and differs[:25].all() and differs.sum() == 25


def test_what_was_learned_before_the_keepers_word_is_learned_again() -> None:
    background = Background(CELLS)
    person = room()
    person[:60] += 50
    for _ in range(100):
        background.feed(fifth(person), NOTHING, empty=None)
    for _ in range(LEARN_FIFTHS + 1):
        background.feed(fifth(room()), NOTHING, empty=True)
    differs = background.differs(fifth(room()))
    assert background.state == "learned"
    assert differs is not None and not differs.any()


def test_light_is_a_step_of_most_cells_together() -> None:
    light = Light()
    assert not light.feed(room().astype(np.float32))
    assert not light.feed((room() + np.random.default_rng(1).normal(0, 0.5, CELLS)).astype(np.float32))
    assert light.feed((1.3 * room()).astype(np.float32))
    assert light.step > 1.2
    assert not light.feed((1.3 * room()).astype(np.float32))
    person = 1.3 * room()
    person[:200] = 30
    assert not light.feed(person.astype(np.float32))


def test_a_black_picture_is_no_change_of_light() -> None:
    light = Light()
    black = np.zeros(CELLS, np.float32)
    assert not light.feed(black)
    assert not light.feed(black)
