"""Cells that beat together are found among cloth that breathes, in colour and without; noise gives nothing pure."""

import numpy as np
import pytest
from numpy.typing import NDArray

from stillroom.eye.skin import MIN_CELLS, MIN_HEARD, SQUARE, choose
from stillroom.eye.traces import CHROMA_SAMPLES, LUMA_PIXELS, MAX_ADDED, Ring

ROWS, COLS, HZ = 16, 24, 15.0
SKIN = np.zeros((ROWS, COLS), bool)
SKIN[3:8, 4:9] = True
CLOTH = np.zeros((ROWS, COLS), bool)
CLOTH[9:15, 4:20] = True


def ring(colour: bool, beat: float, breath: float, noise: float, seed: int = 0) -> Ring:
    """Nine and a half seconds: skin that swings by `beat` at 1.4 Hz, cloth by `breath` at 0.24 Hz and its harmonics."""
    numbers = np.random.default_rng(seed)
    found = Ring(150, 3 * ROWS * COLS, np.uint16)
    way = numbers.uniform(-1.0, 1.0, (ROWS, COLS)) * CLOTH
    tint = numbers.uniform(-1.0, 1.0, (ROWS, COLS)) * CLOTH
    for index in range(143):
        at_s = index / HZ
        chest = sum(np.sin(2 * np.pi * 0.24 * k * at_s + k) / k**2 for k in (1, 2, 3, 4))
        blood = np.sin(2 * np.pi * 1.4 * at_s) * SKIN
        y = 90.0 + breath * chest * way - 0.6 * beat * blood
        u = -12.0 + 0.3 * breath * chest * tint + 0.15 * beat * blood
        v = 20.0 + 0.3 * breath * chest * tint + 0.35 * beat * blood
        planes = [y, u if colour else 0 * u, v if colour else 0 * v]
        noisy = [
            plane + numbers.normal(0.0, noise, plane.shape) * (colour or k == 0)
            for k, plane in enumerate(planes)
        ]
        sums = [noisy[0] * LUMA_PIXELS, (noisy[1] + 128) * CHROMA_SAMPLES, (noisy[2] + 128) * CHROMA_SAMPLES]
        found.push(
            at_s, np.concatenate([np.rint(MAX_ADDED * each).ravel() for each in sums]).astype(np.uint16)
        )
    return found


def chosen(made: Ring) -> NDArray[np.bool_]:
    skin = choose(made, np.ones(ROWS * COLS, bool), (ROWS, COLS), HZ)
    found = np.zeros(ROWS * COLS, bool)
    if skin is not None:
        found[skin.cells] = True
    return found.reshape(ROWS, COLS)


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_skin_is_found_beside_cloth_that_breathes(colour: bool, seed: int) -> None:
    found = chosen(ring(colour, beat=0.3, breath=6.0, noise=0.06, seed=seed))
    assert (found & SKIN).sum() >= 20
    assert (found & CLOTH).sum() <= 0.25 * found.sum()


@pytest.mark.parametrize("colour", [True, False])
def test_without_a_beat_skin_is_not_what_is_found(colour: bool) -> None:
    found = chosen(ring(colour, beat=0.0, breath=6.0, noise=0.06))
    assert (found & SKIN).sum() <= 0.5 * SKIN.sum()


def test_too_few_cells_and_darkness_give_none() -> None:
    made = ring(True, beat=0.3, breath=0.0, noise=0.05)
    body = np.zeros(ROWS * COLS, bool)
    body[: MIN_CELLS - 1] = True
    assert choose(made, body, (ROWS, COLS), HZ) is None


def test_cells_that_did_not_choose_confirm_the_choice_and_noise_does_not() -> None:
    body = np.ones(ROWS * COLS, bool)
    skin = choose(ring(True, beat=0.3, breath=6.0, noise=0.06), body, (ROWS, COLS), HZ)
    assert skin is not None and skin.confirmed > MIN_HEARD
    beside = np.zeros_like(SKIN)
    beside[2:9, 3:10] = True
    assert set(skin.unseen) <= set(np.flatnonzero(beside))
    squares = {(cell // COLS // SQUARE + cell % COLS // SQUARE) % 2 for cell in skin.unseen.tolist()}
    assert squares == {0}
    empty = [
        choose(ring(True, beat=0.0, breath=0.0, noise=0.3, seed=seed), body, (ROWS, COLS), HZ)
        for seed in range(20)
    ]
    assert sum(found is not None and found.confirmed > 0 for found in empty) <= 1


def test_what_is_wrong_together_within_a_codecs_block_confirms_nothing() -> None:
    """Blocks of 2 x 2 cells that each swing by themselves: neighbours inside a block agree, blocks do not."""
    confirmed = 0
    for seed in range(12):
        numbers = np.random.default_rng(seed)
        found = Ring(150, 3 * ROWS * COLS, np.uint16)
        for index in range(143):
            blocks = numbers.normal(0.0, 0.4, (3, ROWS // 2, COLS // 2)).repeat(2, axis=1).repeat(2, axis=2)
            planes = np.array([90.0, 116.0, 148.0])[:, None, None] + blocks
            sums = planes * np.array([LUMA_PIXELS, CHROMA_SAMPLES, CHROMA_SAMPLES])[:, None, None]
            found.push(index / HZ, np.rint(MAX_ADDED * sums).ravel().astype(np.uint16))
        skin = choose(found, np.ones(ROWS * COLS, bool), (ROWS, COLS), HZ)
        confirmed += skin is not None and skin.confirmed > 0
    assert confirmed <= 1


def test_a_large_body_is_looked_at_in_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stillroom.eye.skin.MAX_CELLS", ROWS * COLS // 4)
    skin = choose(ring(True, beat=0.3, breath=0.0, noise=0.06), np.ones(ROWS * COLS, bool), (ROWS, COLS), HZ)
    assert skin is not None
    found = np.zeros(ROWS * COLS, bool)
    found[skin.cells] = True
    assert (found.reshape(ROWS, COLS) & SKIN).sum() >= 16
    assert found.sum() % 4 == 0
