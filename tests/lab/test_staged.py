"""What C makes of a painted room is what NumPy would, to the bit."""

import numpy as np
import pytest

from stillroom._native import ffi, lib

RANDOM = np.random.default_rng(3)


def plane(*shape: int, least: float = 0.0, most: float = 255.0) -> np.ndarray:
    return RANDOM.uniform(least, most, shape).astype(np.float32)


def at(array: np.ndarray) -> object:
    return ffi.from_buffer("float *", array)


@pytest.mark.parametrize("count", [1, 7, 8, 1199, 1200])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_breath_between_two_depths(count: int, share: float) -> None:
    low, high, rest, cells = (plane(3, count) for _ in range(4))
    wanted = cells + low * np.float32(1.0 - share)
    wanted += high * np.float32(share)
    wanted -= rest
    assert lib.staged_breath(at(low), at(high), at(rest), share, at(cells), count) == lib.FIFTH_OK
    np.testing.assert_array_equal(cells, wanted)


@pytest.mark.parametrize("count", [1, 7, 8, 1199, 1200])
def test_frames_of_a_fifth(count: int) -> None:
    """The first has nothing to have changed from; noise leads out of what a sensor can say on both sides."""
    sums, before, last = np.zeros((4, count), np.float32), np.zeros(count, np.float32), None
    wanted = np.zeros_like(sums)
    for first in (True, False, False):
        noise, sigma, clean = (
            plane(3, count, least=-3.0, most=3.0),
            plane(3, count, most=40.0),
            plane(3, count),
        )
        assert (
            lib.staged_frame(at(noise), at(sigma), at(clean), first, at(before), at(sums), count)
            == lib.FIFTH_OK
        )
        frame = np.clip(noise * sigma + clean, np.float32(0.0), np.float32(255.0))
        wanted[:3] += frame
        wanted[3] += 0.0 if last is None else np.abs(frame[0] - last)
        last = frame[0]
        np.testing.assert_array_equal(before, last)
    np.testing.assert_array_equal(sums, wanted)


@pytest.mark.parametrize("count", [0, -1, 32401])
def test_sizes_that_are_refused(count: int) -> None:
    cells = at(plane(4, 8))
    assert lib.staged_breath(cells, cells, cells, 0.5, cells, count) == lib.FIFTH_SIZE
    assert lib.staged_frame(cells, cells, cells, False, cells, cells, count) == lib.FIFTH_SIZE


def test_no_place_is_refused() -> None:
    cells = at(plane(4, 8))
    assert lib.staged_breath(cells, ffi.NULL, cells, 0.5, cells, 8) == lib.FIFTH_NULL
    assert lib.staged_frame(cells, cells, cells, False, cells, ffi.NULL, 8) == lib.FIFTH_NULL
