"""What the kernel must answer, in NumPy and in plain words: the self-test and the tests hold C to it, bit by bit."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.distil import CLIPPED_LUMA, HISTOGRAM_ROW, Grid

if TYPE_CHECKING:
    from stillroom.eye.frame import Frame

NAMES = ("y", "u", "v", "moved", "clipped", "histogram")


def sums(plane: NDArray[np.uint8], size: int, rows: int, cols: int) -> NDArray[np.uint16]:
    """Of squares of so many samples a side."""
    blocks = plane[: rows * size, : cols * size].reshape(rows, size, cols, size)
    found: NDArray[np.uint16] = blocks.sum(axis=(1, 3), dtype=np.uint32).astype(np.uint16)
    return found


def distilled(
    frame: "Frame", previous: NDArray[np.uint16] | None, mask: NDArray[np.uint8] | None
) -> dict[str, NDArray[np.generic]]:
    """All of a `Grid` by its names. mask: (rows, cols), not 0 where nothing may be read."""
    rows, cols = frame.height // 8, frame.width // 8
    keep = np.ones((rows, cols), dtype=bool) if mask is None else mask == 0
    y = sums(frame.y, 8, rows, cols)
    moved = np.abs(y.astype(int) - (y if previous is None else previous)).astype(np.uint16)
    ends = np.isin(frame.y, CLIPPED_LUMA).astype(np.uint8)
    counted = frame.y[HISTOGRAM_ROW : rows * 8 : 8, : cols * 8][np.repeat(keep, 8, axis=1)]
    return {
        "y": y * keep,
        "u": sums(frame.u, 4, rows, cols) * keep,
        "v": sums(frame.v, 4, rows, cols) * keep,
        "moved": moved * keep,
        "clipped": sums(ends, 8, rows, cols).astype(np.uint8) * keep,
        "histogram": np.bincount(counted, minlength=256).astype(np.uint32),
    }


def differing(
    frame: "Frame", previous: NDArray[np.uint16] | None, mask: NDArray[np.uint8] | None, grid: Grid
) -> tuple[int, int]:
    """How many values were compared, and how many of the grid's are others."""
    wanted = distilled(frame, previous, mask)
    differ = sum(int((getattr(grid, name) != wanted[name]).sum()) for name in NAMES)
    return sum(each.size for each in wanted.values()), differ
