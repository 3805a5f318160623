"""The table of qualities: rising, right on what it was fitted on, tried on seeds and families kept back."""

import itertools
import random

import numpy as np
import pytest

from stillroom.eye import quality
from stillroom_tools.lab.suite_cell import Cell, Said, Second
from stillroom_tools.lab.suite_fit import HELD_OUT_FAMILIES, calibration_error, fit, knots_of
from stillroom_tools.lab.suite_grid import grid

NONE = Said(withheld="low-signal")


def given(count: int, truth: float, seed: int = 1) -> list[tuple[float, bool]]:
    """Estimates that promise `own`, and hold it to the power `truth`."""
    numbers = random.Random(seed)
    return [(own, numbers.random() < own**truth) for own in (numbers.uniform(0.5, 1.0) for _ in range(count))]


def cell(family: str, seed: int, words: list[tuple[float, bool]]) -> Cell:
    seconds = [
        Second(float(k), Said(60.0 if near else 75.0, own, None, 60.0, 60.0), NONE)
        for k, (own, near) in enumerate(words)
    ]
    return Cell("", family, "x", seed, True, None, None, None, 0.0, seconds)


def test_the_table_in_use_rises_and_stays_between_none_and_all() -> None:
    for knots in quality.KNOTS.values():
        at, share = np.array(knots).T
        assert (
            (np.diff(at) > 0).all() and (np.diff(share) > 0).all() and share.min() >= 0 and share.max() <= 1
        )
    assert quality.probability("pulse", 0.6) <= quality.probability("pulse", 0.9)


@pytest.mark.parametrize("truth", [0.2, 1.0, 4.0])
def test_a_fit_keeps_its_word_on_what_it_has_not_seen(truth: float) -> None:
    knots = knots_of(given(4000, truth))
    assert all(a < b for pair in itertools.pairwise(knots) for a, b in zip(*pair, strict=True))
    error = calibration_error(given(4000, truth, seed=2), knots)
    assert error is not None and error < 0.03
    identity = calibration_error(given(4000, truth, seed=2), ((0.0, 0.0), (1.0, 1.0)))
    assert identity is not None and (truth == 1.0 or identity > 0.06)


def test_estimates_that_say_nothing_become_one_share() -> None:
    numbers = random.Random(3)
    knots = knots_of([(numbers.random(), k % 4 != 0) for k in range(2000)])
    assert all(abs(share - 0.75) < 0.08 for _, share in knots)
    assert knots_of([]) == ((0.0, 0.0), (1.0, 1.0)) and calibration_error([], knots) is None


def test_what_is_held_out_is_not_fitted_on() -> None:
    right, wrong = given(1500, 0.0), [(0.9, False)] * 500
    cells = [cell("light", 1, right), cell("light", 2, wrong), cell(HELD_OUT_FAMILIES[0], 1, wrong)]
    found = fit(cells, "pulse_bpm")
    assert found.readings == 1500 and found.error_fitted is not None and found.error_fitted < 0.01
    assert found.error_other_seeds is not None and found.error_other_seeds > 0.9
    assert found.error_other_families == found.error_other_seeds


def test_families_held_out_are_in_the_grid() -> None:
    assert set(HELD_OUT_FAMILIES) <= {row.family for row in grid(False)}
