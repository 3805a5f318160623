"""The reading limit reads every byte: otherwise it would be no limit."""

import numpy as np
import pytest

from stillroom._native import ffi, lib


@pytest.mark.parametrize("size", [1, 7, 8, 127, 128, 129, 255, 4096, 460_800])
def test_equals_numpy(size: int) -> None:
    data = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8)
    padded = np.append(data, np.zeros(-size % 8, np.uint8)).view(np.uint64)
    assert lib.stream_read(ffi.from_buffer("uint8_t *", data), size) == np.bitwise_xor.reduce(padded)


def test_each_byte_matters() -> None:
    data = np.zeros(300, np.uint8)
    pointer = ffi.from_buffer("uint8_t *", data)
    for place in range(300):
        data[place] = 1
        assert lib.stream_read(pointer, 300) == 1 << 8 * (place % 8)
        data[place] = 0


def test_nothing_to_read_is_nothing() -> None:
    assert lib.stream_read(ffi.NULL, 100) == 0
    assert lib.stream_read(ffi.new("uint8_t[1]"), -1) == 0
