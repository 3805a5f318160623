"""Passes over the cells of a fifth equal what stands for them in NumPy, to the bit where nothing is summed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.eye import reference_fifth as reference

from stillroom.eye import passes
from stillroom.eye.cells import GridError
from stillroom.eye.traces import Fifth

SHAPES = [(1, 1), (2, 2), (2, 30), (30, 2), (17, 33), (30, 40), (60, 80), (135, 240)]
shapes = st.tuples(st.integers(1, 40), st.integers(1, 40)) | st.sampled_from(SHAPES)
seeds = st.integers(0, 2**32 - 1)


def planes(
    shape: tuple[int, int], seed: int, count: int = 4, least: float = 0.0, most: float = 255.0
) -> passes.Real:
    """(count, cells), a tenth of them flat, as a wall in the dark is."""
    random = np.random.default_rng(seed)
    cells = random.uniform(least, most, (count, shape[0] * shape[1])).astype(np.float32)
    cells[:, : cells.shape[1] // 10] = least
    return cells


@given(shapes, seeds)
def test_moving(shape: tuple[int, int], seed: int) -> None:
    moved, noise = planes(shape, seed, 2, most=6.0)
    flags, after = reference.moving(moved, noise, 3.0, 1.0)
    np.testing.assert_array_equal(passes.moving(moved, noise, 3.0, 1.0), flags)
    np.testing.assert_array_equal(noise, after)


@given(shapes, seeds)
def test_steps(shape: tuple[int, int], seed: int) -> None:
    luma, *before = planes(shape, seed, 3)
    kept = np.array(before)
    wanted = [float(np.abs(luma - each).mean(dtype=np.float64)) for each in before]
    assert passes.steps(luma, kept) == pytest.approx(wanted, rel=1e-5)
    np.testing.assert_array_equal(kept, [luma, before[0]])


@given(shapes, seeds, st.sampled_from([3.0, 30.0, 255.0]))
@settings(max_examples=200)
def test_gain(shape: tuple[int, int], seed: int, most: float) -> None:
    now, before = planes(shape, seed, 2, most=most)
    assert passes.gain(now, before) == reference.gain(now, before)


@pytest.mark.parametrize("cells", [7, 8, 9, 599, 600, 1199, 1200, 1799, 1800, 32400])
def test_gain_of_each_number_of_samples(cells: int) -> None:
    now, before = planes((1, cells), cells, 2, least=5.0)
    assert passes.gain(now, before) == reference.gain(now, before)
    assert passes.gain(np.float32(2.0) * before, before) == (2.0 if cells >= 8 else 1.0)


def test_gain_of_what_is_no_picture_ends() -> None:
    luma = planes((30, 40), 1, 1)[0]
    for wrong in (np.nan, np.inf, -np.inf, -1.0):
        assert passes.gain(np.full_like(luma, wrong), luma) in (1.0, np.inf)
        assert passes.gain(luma, np.full_like(luma, wrong)) in (1.0, 0.0)


@given(shapes, seeds, st.floats(0.25, 4.0, width=32))
def test_differs(shape: tuple[int, int], seed: int, light: float) -> None:
    seen, mean, noise = (
        planes(shape, seed),
        planes(shape, seed + 1, 3),
        planes(shape, seed + 2, 1, most=0.6)[0],
    )
    near = mean * np.float32(light) + planes(shape, seed, 3, -8.0, 8.0)
    for each in (seen[:3], near):
        fifth = Fifth(0.0, *each, seen[3], 2)
        found = passes.differs(fifth, mean, noise, light)
        np.testing.assert_array_equal(found, reference.differs(each, mean, noise, light))


@given(shapes, seeds)
def test_view(shape: tuple[int, int], seed: int) -> None:
    luma = planes(shape, seed, 1)[0]
    parts = (planes(shape, seed + 1) > 60.0).astype(np.float32)
    edges, sums = passes.view(luma, parts, 24.0, shape)
    wanted, summed = reference.view(luma, parts, 24.0, shape)
    np.testing.assert_array_equal(edges, wanted)
    np.testing.assert_allclose(sums, summed, rtol=1e-5)


@given(shapes, seeds, st.integers(1, 8), st.integers(1, 8))
def test_tile_sums(shape: tuple[int, int], seed: int, high: int, wide: int) -> None:
    now, known = planes(shape, seed, 4, -24.0, 24.0).reshape(2, 2, -1)
    down, across = (
        np.unique(np.arange(side) * min(count, side) // side, return_index=True)[1]
        for side, count in zip(shape, (high, wide), strict=True)
    )
    sums = passes.tile_sums(now, known, down.astype(np.int32), across.astype(np.int32), shape)
    np.testing.assert_allclose(
        sums, reference.tile_sums(now, known, down, across, shape), rtol=1e-4, atol=1e-2
    )


@pytest.mark.parametrize("at", range(5))
def test_row_sums_go_on_round_the_end(at: int) -> None:
    ring = np.random.default_rng(at).integers(0, 2**16, (5, 9), dtype=np.uint16)
    rows = np.roll(ring, -at, axis=0).astype(np.float64)
    wanted = [rows[:3].sum(axis=0), (rows[:3] ** 2).sum(axis=0), (np.diff(rows, axis=0) ** 2).sum(axis=0)]
    np.testing.assert_array_equal(passes.row_sums(ring, at, 3, at, 4), wanted)


def test_what_c_must_not_touch_is_refused() -> None:
    luma, noise, *_ = planes((30, 40), 0)
    mean, short = planes((30, 40), 1, 3), np.zeros(1199, np.float32)
    fifth = Fifth(0.0, luma, luma, luma, luma, 2)
    wrong = [short, luma.astype(np.float64), np.zeros(2400, np.float32)[::2]]
    for each in wrong:
        for call in (
            lambda each=each: passes.moving(luma, each, 3.0, 1.0),
            lambda each=each: passes.steps(luma, each),
            lambda each=each: passes.gain(luma, each),
            lambda each=each: passes.differs(replace(fifth, v=each), mean, noise, 1.0),
            lambda each=each: passes.differs(fifth, each, noise, 1.0),
            lambda each=each: passes.view(luma, each, 24.0, (30, 40)),
        ):
            with pytest.raises((GridError, ValueError)):
                call()
    with pytest.raises(GridError, match="1 to 32400"):
        passes.gain(np.zeros(0, np.float32), np.zeros(0, np.float32))
    with pytest.raises(GridError, match="1 to 32400"):
        passes.gain(np.zeros(32401, np.float32), np.zeros(32401, np.float32))


def test_tiles_that_do_not_rise_or_lie_outside_are_refused() -> None:
    edges = planes((30, 40), 0, 2)
    good = np.array([0, 10], np.int32)
    for begins in ([], [1], [0, 0], [0, 30], [0, -1], list(range(65))):
        with pytest.raises(GridError):
            passes.tile_sums(edges, edges, np.array(begins, np.int32), good, (30, 40))
    with pytest.raises(GridError):
        passes.tile_sums(edges, edges, good.astype(np.int64), good, (30, 40))


def test_rows_outside_a_ring_are_refused() -> None:
    ring = np.zeros((5, 7), np.uint16)
    for places in (
        (-1, 1, 0, 1),
        (5, 1, 0, 1),
        (0, 6, 0, 1),
        (0, 1, 5, 1),
        (0, 1, 0, 5),
        (0, -1, 0, 1),
        (0, 1, 0, -1),
    ):
        with pytest.raises(GridError):
            passes.row_sums(ring, *places)
    with pytest.raises(GridError, match="uint16"):
        passes.row_sums(ring.astype(np.int16), 0, 1, 0, 1)
