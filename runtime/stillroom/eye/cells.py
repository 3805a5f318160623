"""Cells of 8 x 8 pixels: sizes that are allowed, and the mask of those that are never read into anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stillroom._native import lib
from stillroom.errors import CameraError, StillroomError

if TYPE_CHECKING:
    from stillroom.config import Polygon

CELL_PX: int = lib.DISTIL_CELL_PX
MIN_PX: int = lib.DISTIL_MIN_PX
MAX_WIDTH_PX: int = lib.DISTIL_MAX_WIDTH_PX
MAX_HEIGHT_PX: int = lib.DISTIL_MAX_HEIGHT_PX

_TOUCH_PX = 1e-3


class FrameError(CameraError):
    """A frame that is not what Frame promises: type, rank, size, stride, chroma step."""


class GridError(StillroomError):
    """A grid, mask or previous cells that do not belong to the frame."""


def cells_of(width_px: int, height_px: int) -> tuple[int, int]:
    """Rows and columns of cells. Raises FrameError for a size that is odd, too small or too large."""
    for name, value, limit in (("width", width_px, MAX_WIDTH_PX), ("height", height_px, MAX_HEIGHT_PX)):
        if not MIN_PX <= value <= limit or value % 2:
            raise FrameError(
                f"frame {name} {value} px: even sizes from {MIN_PX} to {limit} only; choose another size"
            )
    return height_px // CELL_PX, width_px // CELL_PX


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Cells that are never read into anything. cells: (rows, cols) uint8, 1 = masked, read-only.

    The last row and column also stand for the pixels that remain beside the cells.
    """

    cells: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if not isinstance(self.cells, np.ndarray) or self.cells.dtype != np.uint8 or self.cells.ndim != 2:
            raise GridError("mask: not a rows x cols array of uint8")
        cells = np.array(self.cells != 0, dtype=np.uint8, order="C")
        cells.flags.writeable = False
        object.__setattr__(self, "cells", cells)

    @classmethod
    def from_polygons(cls, width_px: int, height_px: int, polygons: Sequence["Polygon"]) -> "Mask":
        """Every cell that a polygon overlaps or touches; polygons in shares of the picture (0 to 1).

        A polygon that crosses itself masks everything it encloses. Raises FrameError for an impossible size.
        """
        rows, cols = cells_of(width_px, height_px)
        cells = np.zeros((rows, cols), dtype=bool)
        left, right = _edges(cols, width_px)
        top, bottom = _edges(rows, height_px)
        for polygon in polygons:
            corners = np.asarray(polygon, dtype=np.float64) * (width_px, height_px)
            cells |= _overlaps(corners, (left, right), (top[:, None], bottom[:, None]))
        return cls(cells.astype(np.uint8))


Span = tuple[NDArray[np.float64], NDArray[np.float64]]
"""First and last coordinate of each cell, along one axis."""


def _edges(count: int, size_px: int) -> Span:
    first = np.arange(count, dtype=np.float64) * CELL_PX
    last = first + CELL_PX
    last[-1] = size_px
    return first - _TOUCH_PX, last + _TOUCH_PX


def _overlaps(corners: NDArray[np.float64], across: Span, down: Span) -> NDArray[np.bool_]:
    """Cells that an edge of the polygon passes, and cells whose centre it encloses by either rule."""
    (left, right), (top, bottom) = across, down
    x, y = (left + right) / 2, (top + bottom) / 2
    passed = np.zeros((top.shape[0], left.shape[0]), dtype=bool)
    winding = np.zeros(passed.shape, dtype=np.int64)
    crossings = np.zeros(passed.shape, dtype=np.int64)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        passed |= _segment_meets(start, end, across, down)
        side = (end[0] - start[0]) * (y - start[1]) - (x - start[0]) * (end[1] - start[1])
        upwards = (start[1] <= y) & (y < end[1]) & (side > 0)
        downwards = (end[1] <= y) & (y < start[1]) & (side < 0)
        winding += upwards.astype(np.int64) - downwards
        crossings += upwards | downwards
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
        if abs(length) < _TOUCH_PX / 2:
            inside = (low <= start[axis]) & (start[axis] <= high)
            leave = np.where(inside, leave, -1.0)
            continue
        at_low, at_high = (low - start[axis]) / length, (high - start[axis]) / length
        enter = np.maximum(enter, np.minimum(at_low, at_high))
        leave = np.minimum(leave, np.maximum(at_low, at_high))
    meets: NDArray[np.bool_] = enter <= leave
    return meets
