"""A borrowed frame becomes a grid of cells: all that is kept of a picture, and it stays in the eye.

A cell is 8 x 8 pixels. What is wrong with a frame, a mask or a grid is said here, before C touches memory;
C checks sizes, strides and null pointers once more and returns a code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stillroom._native import ffi, lib
from stillroom.errors import CameraError, StillroomError

if TYPE_CHECKING:
    from stillroom.config import Polygon
    from stillroom.eye.frame import Frame

CELL_PX: int = lib.DISTIL_CELL_PX
MIN_PX: int = lib.DISTIL_MIN_PX
MAX_WIDTH_PX: int = lib.DISTIL_MAX_WIDTH_PX
MAX_HEIGHT_PX: int = lib.DISTIL_MAX_HEIGHT_PX
CLIPPED_LUMA = (0, 1, 254, 255)
HISTOGRAM_ROW = 4
"""Which row of each eight the histogram counts."""

_U8 = np.dtype(np.uint8)
_U16 = np.dtype(np.uint16)
_ALIGNMENT = 64


class FrameError(CameraError):
    """A frame that is not what Frame promises: type, rank, size, stride, chroma step."""


class GridError(StillroomError):
    """A grid, mask or previous cells that do not belong to the frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Cells that are never read into anything. cells: (rows, cols) uint8, 1 = masked, read-only.

    The last row and column also stand for the pixels that remain beside the cells.
    """

    cells: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if not isinstance(self.cells, np.ndarray) or self.cells.dtype != _U8 or self.cells.ndim != 2:
            raise GridError("mask: not a rows x cols array of uint8")
        cells = np.array(self.cells != 0, dtype=np.uint8, order="C")
        cells.flags.writeable = False
        object.__setattr__(self, "cells", cells)

    @classmethod
    def from_polygons(cls, width_px: int, height_px: int, polygons: Sequence["Polygon"]) -> "Mask":
        """Every cell that a polygon overlaps or touches; polygons in shares of the picture (0 to 1).

        A polygon that crosses itself masks everything it encloses. Raises FrameError for an impossible size.
        """
        rows, cols = _cells_of(width_px, height_px)
        cells = np.zeros((rows, cols), dtype=bool)
        left, right = _edges(cols, width_px)
        top, bottom = _edges(rows, height_px)
        for polygon in polygons:
            corners = np.asarray(polygon, dtype=np.float64) * (width_px, height_px)
            cells |= _overlaps(corners, (left, right), (top[:, None], bottom[:, None]))
        return cls(cells.astype(np.uint8))


def _edges(count: int, size_px: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last coordinate of each cell, a thousandth of a pixel wider on each side: touching counts."""
    first = np.arange(count, dtype=np.float64) * CELL_PX
    last = first + CELL_PX
    last[-1] = size_px
    return first - 1e-3, last + 1e-3


Span = tuple[NDArray[np.float64], NDArray[np.float64]]


def _overlaps(corners: NDArray[np.float64], across: Span, down: Span) -> NDArray[np.bool_]:
    """Cells that an edge of the polygon passes, and cells whose centre it encloses."""
    (left, right), (top, bottom) = across, down
    x, y = (left + right) / 2, (top + bottom) / 2
    passed = np.zeros((top.shape[0], left.shape[0]), dtype=bool)
    winding = np.zeros(passed.shape, dtype=np.int64)
    crossings = np.zeros(passed.shape, dtype=np.int64)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        passed |= _segment_meets(start, end, across, down)
        upwards = (start[1] <= y) & (y < end[1])
        downwards = (end[1] <= y) & (y < start[1])
        side = (end[0] - start[0]) * (y - start[1]) - (x - start[0]) * (end[1] - start[1])
        winding += (upwards & (side > 0)).astype(np.int64) - (downwards & (side < 0))
        crossings += (upwards & (side > 0)) | (downwards & (side < 0))
    inside: NDArray[np.bool_] = (winding != 0) | (crossings % 2 == 1)
    return passed | inside


def _segment_meets(
    start: NDArray[np.float64], end: NDArray[np.float64], across: Span, down: Span
) -> NDArray[np.bool_]:
    """Cells that a segment meets: the part of it inside both spans is not empty (Liang and Barsky, 1984)."""
    enter: NDArray[np.float64] = np.zeros((down[0].shape[0], across[0].shape[0]))
    leave = np.ones_like(enter)
    for axis, (low, high) in enumerate((across, down)):
        length = float(end[axis] - start[axis])
        if length == 0.0:
            inside = (low <= start[axis]) & (start[axis] <= high)
            leave = np.where(inside, leave, -1.0)
            continue
        at_low, at_high = (low - start[axis]) / length, (high - start[axis]) / length
        enter = np.maximum(enter, np.minimum(at_low, at_high))
        leave = np.minimum(leave, np.maximum(at_low, at_high))
    meets: NDArray[np.bool_] = enter <= leave
    return meets


class Grid:
    """Where `distil` writes; allocated once, written over by each frame.

    y, u, v: (rows, cols) uint16, sums of a cell's luma (64 pixels) and chroma (16 samples each).
    moved: (rows, cols) uint16, |y - previous y|. clipped: (rows, cols) uint8, pixels at 0, 1, 254 or 255.
    histogram: (256,) uint32, luma of one row in eight. Masked cells are 0 everywhere.
    """

    __slots__ = ("_memory", "_native", "clipped", "cols", "histogram", "moved", "rows", "u", "v", "y")

    def __init__(self, width_px: int, height_px: int) -> None:
        self.rows, self.cols = _cells_of(width_px, height_px)
        shape = (self.rows, self.cols)
        layout: list[tuple[tuple[int, ...], np.dtype[Any]]] = [
            ((lib.DISTIL_SCRATCH_BYTES,), _U8),
            ((256,), np.dtype(np.uint32)),
            *[(shape, _U16)] * 4,
            (shape, _U8),
        ]
        scratch, self.histogram, self.y, self.u, self.v, self.moved, self.clipped = _carve(layout)
        self._memory = scratch
        pointers = [_pointer(kind, a) for kind, a in zip(_POINTERS, self._arrays(), strict=True)]
        self._native = ffi.new("distil_grid *", [*pointers, self.rows, self.cols])

    def _arrays(self) -> tuple[NDArray[Any], ...]:
        return self.y, self.u, self.v, self.moved, self.clipped, self.histogram, self._memory


_POINTERS = ("uint16_t *",) * 4 + ("uint8_t *", "uint32_t *", "uint8_t *")


def _carve(layout: list[tuple[tuple[int, ...], np.dtype[Any]]]) -> list[NDArray[Any]]:
    """Zeroed arrays out of one block, each at a multiple of 64 bytes."""
    sizes = [int(np.prod(shape)) * dtype.itemsize for shape, dtype in layout]
    steps = [-(-size // _ALIGNMENT) * _ALIGNMENT for size in sizes]
    block = np.zeros(sum(steps) + _ALIGNMENT, dtype=np.uint8)
    at = -block.ctypes.data % _ALIGNMENT
    arrays = []
    for (shape, dtype), size, step in zip(layout, sizes, steps, strict=True):
        arrays.append(block[at : at + size].view(dtype).reshape(shape))
        at += step
    return arrays


def _pointer(kind: str, array: NDArray[Any]) -> Any:
    return ffi.cast(kind, array.__array_interface__["data"][0])


def _cells_of(width_px: int, height_px: int) -> tuple[int, int]:
    for name, value, limit in (("width", width_px, MAX_WIDTH_PX), ("height", height_px, MAX_HEIGHT_PX)):
        if not MIN_PX <= value <= limit or value % 2:
            raise FrameError(
                f"frame {name} {value} px: even sizes from {MIN_PX} to {limit} only; choose another size"
            )
    return height_px // CELL_PX, width_px // CELL_PX


def distil(frame: "Frame", previous_cells: NDArray[np.uint16] | None, mask: Mask | None, grid: Grid) -> None:
    """One pass over `frame` into `grid`, exact, without keeping any of it. The GIL is free meanwhile.

    previous_cells: (rows, cols) uint16, the y sums before; `grid.y` itself will do. None: nothing has moved.
    Raises FrameError for a frame that is not as Frame says, GridError for what does not fit the frame.
    """
    native = _native_frame(frame)
    if (native.height_px // CELL_PX, native.width_px // CELL_PX) != (grid.rows, grid.cols):
        raise GridError(
            f"grid: made for {grid.rows} x {grid.cols} cells, "
            f"the frame is {native.width_px} x {native.height_px} px"
        )
    before, masked = ffi.NULL, ffi.NULL
    if previous_cells is not None:
        _check_cells("previous_cells", previous_cells, _U16, grid)
        before = _pointer("uint16_t *", previous_cells)
    if mask is not None:
        _check_cells("mask", mask.cells, _U8, grid)
        masked = _pointer("uint8_t *", mask.cells)
    code = lib.distil(native, before, masked, grid._native)
    if code != lib.DISTIL_OK:
        raise FrameError(f"frame refused by the kernel, code {code}: please report this")


def _check_cells(name: str, cells: NDArray[Any], dtype: np.dtype[Any], grid: Grid) -> None:
    if not isinstance(cells, np.ndarray) or cells.dtype != dtype:
        raise GridError(f"{name}: not an array of {dtype}")
    if cells.shape != (grid.rows, grid.cols) or not cells.flags.c_contiguous:
        raise GridError(f"{name}: shape {cells.shape}, must be ({grid.rows}, {grid.cols}) without gaps")


def _native_frame(frame: "Frame") -> Any:
    y, u, v = frame.y, frame.u, frame.v
    for name, plane in (("y", y), ("u", u), ("v", v)):
        if not isinstance(plane, np.ndarray) or plane.dtype != _U8 or plane.ndim != 2:
            raise FrameError(f"frame.{name}: not a rows x columns array of uint8")
    height, width = y.shape
    _cells_of(width, height)
    half = (height // 2, width // 2)
    if u.shape != half or v.shape != half:
        raise FrameError(f"frame.u, frame.v: shapes {u.shape}, {v.shape}, must be {half}")
    step = u.strides[1]
    at_y, at_u, at_v = (plane.__array_interface__["data"][0] for plane in (y, u, v))
    if step not in (1, 2) or v.strides[1] != step or (step == 2 and abs(at_u - at_v) != 1):
        raise FrameError(f"frame chroma step {step}: 1 (I420), or 2 with u and v interleaved (NV12)")
    if y.strides[1] != 1:
        raise FrameError(f"frame.y: columns {y.strides[1]} bytes apart, must be 1")
    for name, plane, least in (("y", y, width), ("u", u, half[1] * step), ("v", v, half[1] * step)):
        if not least <= plane.strides[0] < 2**31:
            raise FrameError(f"frame.{name}: stride {plane.strides[0]} bytes, must be {least} or more")
    return ffi.new(
        "distil_frame *",
        [
            ffi.cast("uint8_t *", at_y),
            ffi.cast("uint8_t *", at_u),
            ffi.cast("uint8_t *", at_v),
            y.strides[0],
            u.strides[0],
            v.strides[0],
            width,
            height,
            step,
        ],
    )
