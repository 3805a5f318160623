"""Frames to measure on: more of them than any cache holds, of a room in which somebody breathes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillroom._native import ffi
from stillroom.clock import NS_PER_S
from stillroom.eye.frame import Frame

ROTATE_BYTES = 64 << 20
FRAMES_PER_S = 30
BREATHS_PER_S = 0.25
_SEED = 1
_PAGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Rotation:
    """Frames that lie one after the other in one block of more than 64 MiB. start: where each begins, for C."""

    width_px: int
    height_px: int
    frames: tuple[Frame, ...]
    start: tuple[Any, ...]
    size_bytes: int
    block: NDArray[np.uint8]


def make_rotation(width_px: int, height_px: int) -> Rotation:
    """I420 frames: texture and noise everywhere, a tenth of the picture moving by a fraction of a pixel."""
    luma, size = width_px * height_px, width_px * height_px * 3 // 2
    count = ROTATE_BYTES // size + 2
    random = np.random.default_rng(_SEED)
    block = np.empty(count * size + _PAGE_BYTES, dtype=np.uint8)
    block = block[-block.ctypes.data % _PAGE_BYTES :][: count * size]
    rows, cols = np.mgrid[0:height_px, 0:width_px].astype(np.float32)
    texture = 110 + 40 * np.sin(cols / 9) * np.sin(rows / 7)
    noise = random.normal(0, 1.5, (8, height_px, width_px)).astype(np.float32)
    chest = (slice(height_px // 3, 2 * height_px // 3), slice(width_px // 3, 2 * width_px // 3))
    slope = np.gradient(texture[chest], axis=0)
    frames, start = [], []
    for index in range(count):
        whole = block[index * size : (index + 1) * size]
        picture = texture + noise[index % len(noise)]
        picture[chest] += slope * np.float32(0.4 * np.sin(2 * np.pi * BREATHS_PER_S * index / FRAMES_PER_S))
        whole[:luma] = picture.astype(np.uint8).ravel()
        whole[luma:] = random.integers(118, 138, size - luma, dtype=np.uint8)
        frames.append(_frame(whole, width_px, height_px, index))
        start.append(ffi.from_buffer("uint8_t *", whole))
    return Rotation(width_px, height_px, tuple(frames), tuple(start), size, block)


def _frame(whole: NDArray[np.uint8], width_px: int, height_px: int, index: int) -> Frame:
    luma, quarter = width_px * height_px, width_px * height_px // 4
    half = (height_px // 2, width_px // 2)
    return Frame(
        whole[:luma].reshape(height_px, width_px),
        whole[luma : luma + quarter].reshape(half),
        whole[luma + quarter :].reshape(half),
        index * NS_PER_S // FRAMES_PER_S,
    )
