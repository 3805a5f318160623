"""What is remembered of the grids: cells at two paces, in rings of fixed size.

Fast (8-16 Hz, whole frames added up): sums of Y, U, V, some nine seconds, for the pulse. Slow (5 Hz, aligned to fifths
of a second of frame time): mean luma, three quarters of a minute, for breathing. So much of full cells at 30 Hz would
be 39 MB at 640x480; these are 4 MB and 2.2 MB. Time is frame time.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stillroom.eye import passes

if TYPE_CHECKING:
    from stillroom.eye.distil import Grid

Real = NDArray[np.float32]

FAST_HZ = 15.0
FAST_SPAN_S = 9.5
FAST_PLACES = round(FAST_SPAN_S * FAST_HZ * 1.1)
"""At most a tenth faster than FAST_HZ: frames are added up until they are no faster than that."""
SLOW_NS = 200_000_000
SLOW_SPAN_S = 46.0
MAX_ADDED = 4
"""Frames in one fast row: 4 x 64 x 255 = 65,280 still fits 16 bits."""
LUMA_PIXELS = 64
CHROMA_SAMPLES = 16
_JITTER_NS = 1_000_000


class Ring:
    """Rows over time in a fixed number of places; the oldest gives way."""

    def __init__(self, places: int, width: int, dtype: Any) -> None:
        self._rows = np.zeros((places, width), dtype)
        self._times_s = np.zeros(places)
        self._next = 0
        self.count = 0
        self.width = width

    def push(self, time_s: float, row: NDArray[Any]) -> None:
        self._rows[self._next] = row
        self._times_s[self._next] = time_s
        self._next = (self._next + 1) % len(self._times_s)
        self.count = min(self.count + 1, len(self._times_s))

    def clear(self) -> None:
        self.count = 0

    def span_s(self) -> float:
        """Time from the oldest row to the newest."""
        order = self._order()
        return float(self._times_s[order[-1]] - self._times_s[order[0]]) if self.count > 1 else 0.0

    def sums(self, count: int, newer: int, *, before: int = 0, after: int = 0) -> NDArray[np.float64]:
        """(3, width): values, squares, squared steps of the last rows but for so many that are newer, of uint16.

        before, after: 1 where the step to the first row counts, or that from the last one.
        """
        places = len(self._times_s)
        at = self._next - newer - count
        steps = count - 1 + before + after
        return passes.row_sums(self._rows, at % places, count, (at - before) % places, steps)

    def window(
        self, span_s: float, columns: NDArray[np.intp] | slice | int
    ) -> tuple[NDArray[np.float64], Real]:
        """Times (n,) and rows (n, m) of the last `span_s`, in order, of some columns, as float32."""
        order = self._order()
        times = self._times_s[order]
        order = order[np.searchsorted(times, times[-1] - span_s - 1e-6) :] if self.count else order
        if isinstance(columns, np.ndarray):
            return self._times_s[order], self._taken(len(order), columns).astype(np.float32)
        return self._times_s[order], self._rows[order, columns].astype(np.float32)

    def _taken(self, count: int, columns: NDArray[np.intp]) -> NDArray[Any]:
        """Some columns of the last rows: of the two pieces in which they lie, at half of what rows one by one cost."""
        begin = self._next - count
        if begin >= 0:
            return self._rows[begin : self._next].take(columns, axis=1)
        pieces = self._rows[begin:], self._rows[: self._next]
        return np.concatenate([piece.take(columns, axis=1) for piece in pieces])

    def since(self, time_s: float, columns: NDArray[np.intp]) -> tuple[NDArray[np.float64], Real]:
        """Times (n,) and rows (n, m) of some columns later than `time_s`, in order, as float32."""
        order = self._order()
        order = order[self._times_s[order] > time_s + 1e-6]
        return self._times_s[order], self._rows[order[:, None], columns].astype(np.float32)

    def newest_time_s(self) -> float:
        """Time of the newest row; 0 where there is none."""
        return float(self._times_s[self._next - 1]) if self.count else 0.0

    def _order(self) -> NDArray[np.intp]:
        return (np.arange(self.count) + self._next - self.count) % len(self._times_s)


@dataclass(slots=True)
class Fifth:
    """A fifth of a second: means over its frames. luma, u, v, moved: (cells,) float32, counts of 0 to 255."""

    time_s: float
    luma: Real
    u: Real
    v: Real
    moved: Real
    frames: int


class Pace:
    """Frames a second and dropped frames, from the frames' own times."""

    def __init__(self) -> None:
        self._last_ns: int | None = None
        self._typical_ns = 0.0
        self.dropped = 0

    def feed(self, frame_ns: int) -> float | None:
        """Seconds since the frame before; None for the first. Negative or zero: time did not go on."""
        if self._last_ns is None:
            self._last_ns = frame_ns
            return None
        step_ns = frame_ns - self._last_ns
        self._last_ns = frame_ns
        if step_ns > 0:
            self._learn(step_ns)
        return step_ns / 1e9

    def _learn(self, step_ns: int) -> None:
        if self._typical_ns == 0.0:
            self._typical_ns = float(step_ns)
        if step_ns < 0.6 * self._typical_ns:
            self._typical_ns = float(step_ns)
        missed = round(step_ns / self._typical_ns) - 1
        if missed > 0:
            self.dropped += missed
        weight = 0.05 if missed <= 0 else 0.01
        self._typical_ns += weight * (min(step_ns, 4 * self._typical_ns) - self._typical_ns)

    @property
    def frames_per_s(self) -> float:
        return 1e9 / self._typical_ns if self._typical_ns else 0.0


def frames_in_row(frames_per_s: float) -> int:
    """How many frames make one fast row."""
    return min(MAX_ADDED, max(1, math.ceil(frames_per_s / FAST_HZ - 0.1)))


class Traces:
    """Adds up grids: `fast`, the ring of Y, U, V; `stir`, at the same times, how much all cells changed from frame to
    frame and the luma of all, as sums of one frame; and fifths of a second. All cells are flat: index is
    row * cols + col.
    """

    def __init__(self, rows: int, cols: int) -> None:
        self.cells = rows * cols
        self.pace = Pace()
        self.fast = Ring(FAST_PLACES, 3 * self.cells, np.uint16)
        self.stir = Ring(FAST_PLACES, 2, np.float32)
        self._sum = np.zeros((4, self.cells), np.uint16)
        self._added = 0
        self._add_to = 1
        self._time_ns = 0
        self._slow = np.zeros((4, self.cells), np.float32)
        self._slow_time_ns = 0
        self._slow_frames = 0
        self._slow_bin: int | None = None

    @property
    def fast_hz(self) -> float:
        """Rows a second in the fast ring, to a tenth: window lengths, and so their matrices, stay few."""
        return round(self.pace.frames_per_s / self._add_to, 1)

    def restart(self) -> None:
        """Forget what is held: time jumped, or the light changed."""
        self.fast.clear()
        self.stir.clear()
        self._added = self._slow_frames = 0
        self._slow_bin = None
        self._sum[:] = 0
        self._slow[:] = 0

    def feed(self, grid: "Grid", frame_ns: int) -> Fifth | None:
        """Take a grid; a finished fifth of a second comes back when this frame begins the next one."""
        fifth = None
        slow_bin = (frame_ns + _JITTER_NS) // SLOW_NS
        if slow_bin != self._slow_bin:
            fifth = self._finish_slow()
            self._slow_bin = slow_bin
        self._add(grid, frame_ns)
        if self._added >= self._add_to:
            self._finish_fast()
        return fifth

    def _add(self, grid: "Grid", frame_ns: int) -> None:
        total = self._sum
        for row, cells in zip(total, (grid.y, grid.u, grid.v, grid.moved), strict=True):
            np.add(row, cells.reshape(-1), out=row)
        self._time_ns += frame_ns
        self._added += 1

    def _finish_fast(self) -> None:
        """Close a fast row, always in the unit of four frames' sums, and pass its frames on to the slow one."""
        count = self._added
        self._slow += self._sum
        self._slow_time_ns += self._time_ns
        self._slow_frames += count
        time_s = self._time_ns / count / 1e9
        self.stir.push(time_s, self._sum[[3, 0]].sum(axis=1, dtype=np.uint32) / np.float32(count))
        colours = self._sum[:3]
        factor = MAX_ADDED // count if MAX_ADDED % count == 0 else MAX_ADDED / count
        np.multiply(colours, factor, out=colours, casting="unsafe")
        self.fast.push(time_s, colours.reshape(-1))
        self._sum[:] = 0
        self._added = 0
        self._time_ns = 0
        self._add_to = frames_in_row(self.pace.frames_per_s)

    def _finish_slow(self) -> Fifth | None:
        if self._added:
            self._finish_fast()
        count = self._slow_frames
        if not count:
            return None
        mean = self._slow / np.array(
            [[LUMA_PIXELS], [CHROMA_SAMPLES], [CHROMA_SAMPLES], [LUMA_PIXELS]], np.float32
        )
        mean /= count
        fifth = Fifth(self._slow_time_ns / count / 1e9, mean[0], mean[1], mean[2], mean[3], count)
        self._slow[:] = 0
        self._slow_time_ns = self._slow_frames = 0
        return fifth
