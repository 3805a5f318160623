"""What the kernel must answer to orders, in NumPy and in plain words; frames and cells to try it on."""

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.distil import Grid, Mask, distil
from stillroom.eye.frame import Frame
from stillroom.eye.reference import NAMES, distilled

Affine = tuple[float, float, float, float, float, float]
Ints = NDArray[np.int64]
ONE = 65_536
SEED = 7


def make_frame(
    width: int, height: int, *, layout: str = "i420", padding: int = 0, fill: int | None = None
) -> Frame:
    """A random (or flat) frame whose rows are `padding` bytes further apart than they must be."""
    random = np.random.default_rng([SEED, width, height, padding])

    def plane(rows: int, cols: int) -> NDArray[np.uint8]:
        whole = random.integers(0, 256, (rows, cols + padding), dtype=np.uint8)
        if fill is not None:
            whole[:, :cols] = fill
        return whole[:, :cols]

    y = plane(height, width)
    if layout == "i420":
        return Frame(y, plane(height // 2, width // 2), plane(height // 2, width // 2), 0)
    woven = plane(height // 2, width)
    u, v = (woven[:, 0::2], woven[:, 1::2]) if layout == "nv12" else (woven[:, 1::2], woven[:, 0::2])
    return Frame(y, u, v, 0)


def random_cells(frame: Frame, high: int, dtype: type[np.generic]) -> NDArray[np.generic]:
    shape = (frame.height // 8, frame.width // 8)
    return np.random.default_rng(SEED).integers(0, high, shape, dtype=dtype)


def assert_exact(frame: Frame, previous: NDArray[np.uint16] | None = None, mask: Mask | None = None) -> None:
    grid = Grid(frame.width, frame.height)
    for name in NAMES:
        getattr(grid, name)[...] = 99
    distil(frame, previous, mask, grid)
    for name, expected in distilled(frame, previous, None if mask is None else mask.cells).items():
        got = getattr(grid, name)
        assert got.dtype == expected.dtype, name
        np.testing.assert_array_equal(got, expected, err_msg=name)


def planes(frame: Frame) -> list[tuple[Ints, int]]:
    """Samples, and how many luma pixels one is wide."""
    return [(plane.astype(np.int64), scale) for plane, scale in ((frame.y, 1), (frame.u, 2), (frame.v, 2))]


def shares(start: int, step: int, count: int, scale: int, size: int) -> Ints:
    """(count, size): how much of each sample, in 1/256, each pixel of the destination covers."""
    edges = np.clip((start + step * np.arange(count + 1)) // (256 * scale), 0, size * 256)
    low, high = edges[:-1, None], edges[1:, None]
    at = np.arange(size) * 256
    return np.clip(np.minimum(high, at + 256) - np.maximum(low, at), 0, None)


def touched(start: int, step: int, count: int, size_px: int, cells: int) -> NDArray[np.bool_]:
    """(count, cells): which cells each pixel of the destination touches; the last cell goes on to the edge."""
    edges = start + step * np.arange(count + 1)
    low, high = np.maximum(edges[:-1, None], 0), np.minimum(edges[1:, None], size_px * ONE)
    first = np.arange(cells) * 8 * ONE
    last = np.append(first[1:], size_px * ONE)
    return (low < last) & (high > first) & (low < high)


def rgb(y: Ints, u: Ints, v: Ints) -> Ints:
    y, u, v = y * ONE + ONE // 2, u - 128, v - 128
    return np.clip(
        np.stack([y + 91881 * v, y - 22554 * u - 46802 * v, y + 116130 * u], axis=-1) >> 16, 0, 255
    )


def upright(frame: Frame, affine: list[int], shape: tuple[int, ...], cells: Ints) -> tuple[Ints, Ints]:
    a, _, c, _, e, f = affine
    height, width = shape[:2]
    values = []
    for plane, scale in planes(frame):
        down = shares(f, e, height, scale, plane.shape[0])
        across = shares(c, a, width, scale, plane.shape[1])
        total = np.outer(down.sum(axis=1), across.sum(axis=1))
        sums = down @ plane @ across.T
        missing = 0 if scale == 1 else 128
        values.append(np.where(total > 0, (sums + total // 2) // np.maximum(total, 1), missing))
    rows = touched(f, e, height, frame.height, cells.shape[0]).astype(np.int64)
    cols = touched(c, a, width, frame.width, cells.shape[1]).astype(np.int64)
    inside = np.outer(rows.any(axis=1), cols.any(axis=1))
    kept = inside & (rows @ cells @ cols.T == 0)
    return kept, (values[0] if len(shape) == 2 else rgb(values[0], values[1], values[2]))


def bilinear(plane: Ints, scale: int, x: Ints, y: Ints, cells: Ints) -> tuple[NDArray[np.bool_], Ints]:
    x, y = (x >> (scale - 1)) - ONE // 2, (y >> (scale - 1)) - ONE // 2
    xs = [np.clip((x >> 16) + k, 0, plane.shape[1] - 1) for k in (0, 1)]
    ys = [np.clip((y >> 16) + k, 0, plane.shape[0] - 1) for k in (0, 1)]
    right, down = x >> 8 & 255, y >> 8 & 255
    value = np.zeros_like(x)
    masked = np.zeros(x.shape, dtype=bool)
    for j, row_share in enumerate((256 - down, down)):
        for i, col_share in enumerate((256 - right, right)):
            value += row_share * col_share * plane[ys[j], xs[i]]
            cell = (
                np.minimum(ys[j] * scale // 8, cells.shape[0] - 1),
                np.minimum(xs[i] * scale // 8, cells.shape[1] - 1),
            )
            masked |= cells[cell] != 0
    return masked, (value + ONE // 2) >> 16


def rotated(frame: Frame, affine: list[int], shape: tuple[int, ...], cells: Ints) -> tuple[Ints, Ints]:
    a, b, c, d, e, f = affine
    j, i = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.int64)
    x = c + ((a * (2 * i + 1) + b * (2 * j + 1)) >> 1)
    y = f + ((d * (2 * i + 1) + e * (2 * j + 1)) >> 1)
    kept = (x >= 0) & (y >= 0) & (x < frame.width * ONE) & (y < frame.height * ONE)
    values = []
    for plane, scale in planes(frame)[: 1 if len(shape) == 2 else 3]:
        masked, value = bilinear(plane, scale, x, y, cells)
        kept &= ~masked
        values.append(value)
    return kept, (values[0] if len(shape) == 2 else rgb(values[0], values[1], values[2]))


def served(frame: Frame, affine: Affine, shape: tuple[int, ...], mask: Mask | None) -> NDArray[np.uint8]:
    cells = np.zeros((frame.height // 8, frame.width // 8)) if mask is None else mask.cells
    ints = [round(value * ONE) for value in affine]
    flat = ints[1] == ints[3] == 0 and ints[0] > 0 and ints[4] > 0
    kept, value = (upright if flat else rotated)(frame, ints, shape, cells.astype(np.int64))
    return (value * (kept if len(shape) == 2 else kept[..., None])).astype(np.uint8)
