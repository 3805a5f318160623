"""A borrowed frame becomes a grid of cells: all that is kept of a picture, and it stays in the eye.

What is wrong with a frame, a mask, an order or a grid is said here, before C touches memory; C checks sizes,
strides and null pointers once more and returns a code.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stillroom._native import ffi, lib
from stillroom.eye.cells import CELL_PX, FrameError, GridError, Mask, cells_of
from stillroom.eye.order import Order, OrderError, Served, native_orders
from stillroom.locked import locked_arrays

if TYPE_CHECKING:
    from stillroom.eye.frame import Frame, Plane

__all__ = ["CELL_PX", "FrameError", "Grid", "GridError", "Mask", "Order", "OrderError", "distil"]

CLIPPED_LUMA = (0, 1, 254, 255)
HISTOGRAM_ROW = 4
"""Which row of each eight the histogram counts."""

_U8 = np.dtype(np.uint8)
_U16 = np.dtype(np.uint16)


class Grid:
    """Where `distil` writes; allocated once, in locked memory, written over by each frame. One thread at a time.

    y, u, v: (rows, cols) uint16, sums of a cell's luma (64 pixels) and chroma (16 samples each).
    moved: (rows, cols) uint16, |y - previous y|. clipped: (rows, cols) uint8, pixels at 0, 1, 254 or 255.
    histogram: (256,) uint32, luma of one row in eight. Masked cells are 0 everywhere.
    Raises FrameError for an impossible size, SetupError where so much memory cannot be locked.
    """

    __slots__ = (
        "_frame",
        "_native",
        "_scratch",
        "clipped",
        "cols",
        "histogram",
        "moved",
        "rows",
        "u",
        "v",
        "y",
    )

    def __init__(self, width_px: int, height_px: int) -> None:
        self.rows, self.cols = shape = cells_of(width_px, height_px)
        arrays = locked_arrays(
            [
                ((lib.DISTIL_SCRATCH_BYTES,), np.uint8),
                ((256,), np.uint32),
                *[(shape, np.uint16)] * 4,
                (shape, np.uint8),
            ]
        )
        self._scratch, self.histogram, self.y, self.u, self.v, self.moved, self.clipped = arrays
        self._frame = ffi.new("distil_frame *")
        self._native = ffi.new("distil_grid *")
        for name in ("y", "u", "v", "moved", "clipped", "histogram"):
            setattr(self._native, name, ffi.cast("void *", _pointer(getattr(self, name))))
        self._native.scratch = _pointer(self._scratch)
        self._native.rows, self._native.cols = shape


def distil(
    frame: "Frame",
    previous_cells: NDArray[np.uint16] | None,
    mask: Mask | None,
    grid: Grid,
    orders: Sequence[Order] = (),
) -> tuple[Served, ...]:
    """One pass over `frame` into `grid`, exact, without keeping any of it. The GIL is free meanwhile.

    previous_cells: (rows, cols) uint16, the y sums before; `grid.y` itself will do. None: nothing has moved.
    Returns what became of each order. Raises FrameError for a frame that is not as Frame says, GridError for
    what does not fit it, OrderError for an order outside it; nothing is written then.
    """
    native = _native_frame(frame, grid)
    before = masked = ffi.NULL
    if previous_cells is not None:
        _check_cells("previous_cells", previous_cells, _U16, grid)
        before = ffi.from_buffer("uint16_t *", previous_cells)
    if mask is not None:
        _check_cells("mask", mask.cells, _U8, grid)
        masked = _pointer(mask.cells)
    if not orders:
        _accept(lib.distil(native, before, masked, grid._native, ffi.NULL, 0))
        return ()
    fresh = [order for order in orders if not order.is_stale(frame.frame_ns)]
    wanted = native_orders(fresh, native.width_px, native.height_px)
    _accept(lib.distil(native, before, masked, grid._native, wanted, len(fresh)))
    return _outcomes(orders, fresh, wanted)


def _outcomes(orders: Sequence[Order], fresh: list[Order], wanted: Any) -> tuple[Served, ...]:
    kept = {id(order): place.kept for order, place in zip(fresh, wanted, strict=True)}
    outcomes: list[Served] = []
    for order in orders:
        if id(order) not in kept:
            order.destination[...] = 0
            outcomes.append("stale")
        else:
            outcomes.append("served" if kept[id(order)] else "masked")
    return tuple(outcomes)


def _accept(code: int) -> None:
    if code != lib.DISTIL_OK:
        raise FrameError(f"frame refused by the kernel, code {code}: report this with the camera's settings")


def _pointer(array: NDArray[Any]) -> Any:
    """Where an array begins, for as long as somebody else holds the array. The first way is six times faster."""
    if array.flags.c_contiguous:
        return ffi.from_buffer("uint8_t *", array)
    return ffi.cast("uint8_t *", array.__array_interface__["data"][0])


def _check_cells(name: str, cells: NDArray[Any], dtype: np.dtype[Any], grid: Grid) -> None:
    if not isinstance(cells, np.ndarray) or cells.dtype != dtype:
        raise GridError(f"{name}: not an array of {dtype}")
    if cells.shape != (grid.rows, grid.cols) or not cells.flags.c_contiguous:
        raise GridError(f"{name}: shape {cells.shape}, must be ({grid.rows}, {grid.cols}) without gaps")


def _native_frame(frame: "Frame", grid: Grid) -> Any:
    y, u, v = frame.y, frame.u, frame.v
    for name, plane in (("y", y), ("u", u), ("v", v)):
        if not isinstance(plane, np.ndarray) or plane.dtype != _U8 or plane.ndim != 2:
            raise FrameError(f"frame.{name}: not a rows x columns array of uint8")
    height, width = y.shape
    if cells_of(width, height) != (grid.rows, grid.cols):
        raise GridError(f"grid: made for {grid.rows} x {grid.cols} cells, the frame is {width} x {height} px")
    if u.shape != (height // 2, width // 2) or v.shape != u.shape:
        raise FrameError(
            f"frame.u, frame.v: shapes {u.shape}, {v.shape}, must be {(height // 2, width // 2)}"
        )
    native = grid._frame
    native.y, native.u, native.v = _pointer(y), _pointer(u), _pointer(v)
    step = _chroma_step(u, v, native.u - native.v)
    if y.strides[1] != 1:
        raise FrameError(f"frame.y: columns {y.strides[1]} bytes apart, must be 1")
    native.width_px, native.height_px, native.chroma_step = width, height, step
    native.y_stride_bytes = _stride("y", y, width)
    native.u_stride_bytes = _stride("u", u, width // 2 * step)
    native.v_stride_bytes = _stride("v", v, width // 2 * step)
    return native


def _chroma_step(u: "Plane", v: "Plane", apart_bytes: int) -> int:
    step = u.strides[1]
    woven = step == 2 and abs(apart_bytes) == 1 and u.strides[0] == v.strides[0]
    if v.strides[1] != step or not (step == 1 or woven):
        raise FrameError(f"frame chroma step {step}: 1 (I420), or 2 with u and v interleaved (NV12)")
    return step


def _stride(name: str, plane: "Plane", least: int) -> int:
    stride = plane.strides[0]
    if not least <= stride < 2**31:
        raise FrameError(f"frame.{name}: stride {stride} bytes, must be {least} or more")
    return stride
