"""What is timed: each piece of work takes the number of a frame, and does it once."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillroom._native import ffi, lib
from stillroom.eye.distil import HISTOGRAM_ROW, Grid, Order, distil
from stillroom.eye.order import native_orders
from stillroom_tools.lab.bench_frames import Rotation

Work = Callable[[int], object]
_DETECTOR_PX = 224
_FACE_PX = 192


def make_work(rotation: Rotation) -> dict[str, Work]:
    """By name. `kernel_hot_us` is for a frame that was just done; `opencv_us` is missing without OpenCV."""
    work = _reading(rotation) | _kernel(rotation) | _numpy(rotation)
    opencv = _opencv(rotation)
    return work if opencv is None else work | {"opencv_us": opencv}


def _reading(rotation: Rotation) -> dict[str, Work]:
    size, start = rotation.size_bytes, rotation.start
    copy = np.empty(size, dtype=np.uint8)
    return {
        "read_limit_us": lambda i: lib.stream_read(start[i], size),
        "memcpy_us": lambda i: ffi.memmove(copy, start[i], size),
    }


def _kernel(rotation: Rotation) -> dict[str, Work]:
    grid = Grid(rotation.width_px, rotation.height_px)
    before = np.zeros((grid.rows, grid.cols), dtype=np.uint16)
    cells = ffi.from_buffer("uint16_t *", before)
    frames = [_native_frame(rotation, grid, index) for index in range(len(rotation.frames))]
    orders = [_whole(rotation, side) for side in (_DETECTOR_PX, _FACE_PX)]
    wanted = native_orders(orders, rotation.width_px, rotation.height_px)
    null, out = ffi.NULL, grid._native
    return {
        "kernel_cold_us": lambda i: lib.distil(frames[i], cells, null, out, null, 0),
        "kernel_hot_us": lambda i: lib.distil(frames[i], cells, null, out, null, 0),
        "kernel_baseline_us": lambda i: lib.distil_reference(frames[i], cells, null, out, null, 0),
        "kernel_two_orders_us": lambda i: lib.distil(frames[i], cells, null, out, wanted, len(orders)),
        "from_python_us": lambda i: distil(rotation.frames[i], before, None, grid),
    }


def _whole(rotation: Rotation, side_px: int) -> Order:
    """All of the picture as a detector takes it."""
    affine = (rotation.width_px / side_px, 0.0, 0.0, 0.0, rotation.height_px / side_px, 0.0)
    return Order(affine, np.zeros((side_px, side_px, 3), dtype=np.uint8), 0)


def _native_frame(rotation: Rotation, grid: Grid, index: int) -> Any:
    """What `distil` hands to C for this frame, kept."""
    distil(rotation.frames[index], None, None, grid)
    return ffi.new("distil_frame *", grid._frame[0])


def _numpy(rotation: Rotation) -> dict[str, Work]:
    rows, cols = rotation.height_px // 8, rotation.width_px // 8
    before = np.zeros((rows, cols), dtype=np.uint16)

    def planes(index: int) -> list[tuple[NDArray[np.uint8], int]]:
        frame = rotation.frames[index]
        cut = frame.y[: rows * 8, : cols * 8]
        return [(cut, 8), (frame.u[: rows * 4, : cols * 4], 4), (frame.v[: rows * 4, : cols * 4], 4)]

    def plain(index: int) -> object:
        """As one writes it: a sum over two axes of a reshaped picture."""
        sums = [p.reshape(rows, n, cols, n).sum((1, 3), dtype=np.uint16, initial=0) for p, n in planes(index)]
        luma = planes(index)[0][0]
        clipped = (luma + np.uint8(2) < 4).reshape(rows, 8, cols, 8).sum((1, 3), dtype=np.uint8, initial=0)
        return sums, clipped, _moved(sums[0], before), _levels(luma)

    def tuned(index: int) -> object:
        """As one writes it after a day with a profiler: rows first, then strided columns, counts by 64 bits."""
        sums = [_tuned_sums(p, n, rows) for p, n in planes(index)]
        luma = planes(index)[0][0]
        ends = np.ascontiguousarray(luma + np.uint8(2) < 4).view(np.uint64).reshape(rows, 8, cols)
        counts = np.add.reduce(ends, axis=1) * np.uint64(0x0101010101010101)
        clipped = (counts >> np.uint64(56)).astype(np.uint8)
        return sums, clipped, _moved(sums[0], before), _levels(luma)

    return {"numpy_us": plain, "numpy_tuned_us": tuned}


def _tuned_sums(plane: NDArray[np.uint8], size: int, rows: int) -> NDArray[np.uint16]:
    lines = np.add.reduce(plane.reshape(rows, size, -1), axis=1, dtype=np.uint16)
    sums: NDArray[np.uint16] = lines[:, ::size].copy()
    for column in range(1, size):
        sums += lines[:, column::size]
    return sums


def _moved(now: NDArray[np.uint16], before: NDArray[np.uint16]) -> NDArray[np.uint16]:
    return np.where(now > before, now - before, before - now)


def _levels(luma: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.bincount(luma[HISTOGRAM_ROW::8].reshape(-1), minlength=256)


def _opencv(rotation: Rotation) -> Work | None:
    """OpenCV's leanest for the same, on one thread. It rounds cells to 8 bits, which the kernel does not."""
    try:
        import cv2
    except ModuleNotFoundError:
        return None
    cv2.setNumThreads(1)
    size = (rotation.width_px // 8, rotation.height_px // 8)
    before = np.zeros(size[::-1], dtype=np.uint8)

    def lean(index: int) -> object:
        frame = rotation.frames[index]
        y, u, v = (cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in (frame.y, frame.u, frame.v))
        ends = cv2.resize(cv2.inRange(frame.y, 2, 253), size, interpolation=cv2.INTER_AREA)
        levels = cv2.calcHist([frame.y[HISTOGRAM_ROW::8].copy()], [0], None, [256], [0, 256])
        return y, u, v, ends, cv2.absdiff(y, before), levels

    return lean
