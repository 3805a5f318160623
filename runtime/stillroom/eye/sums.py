"""Running sums of cells over the last rows of a ring: what chooses cells, without reading the whole ring again."""

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.traces import Ring

MOST_BEHIND = 10
"""Rows are taken in and let go of together, when somebody asks or so many have come: one at a time costs three times
as much. A ring must hold so many more than are summed, and one.
"""


class Sums:
    """Running sums over the last rows of a ring: values, squares, squared steps.

    All are whole numbers below 2^53, so float64 holds them exactly and nothing creeps in.
    """

    def __init__(self, ring: Ring, rows: int) -> None:
        self._ring, self._rows = ring, rows
        self._sums = np.zeros((3, ring.width))
        self._count = self._behind = 0

    def restart(self) -> None:
        self._sums[:] = 0
        self._count = self._behind = 0

    def note(self) -> None:
        """A row was pushed into the ring: it counts, and the oldest may not count any longer."""
        self._behind += 1
        if self._behind == MOST_BEHIND:
            self._catch_up()

    def _catch_up(self) -> None:
        come, self._behind = self._behind, 0
        if come:
            rows = self._ring.rows(come + bool(self._count), 0)
            self._add(rows[-come:], np.diff(rows, axis=0), 1.0)
            self._count += come
        if (gone := self._count - self._rows) > 0:
            rows = self._ring.rows(gone + 1, self._rows - 1)
            self._add(rows[:-1], np.diff(rows, axis=0), -1.0)
            self._count = self._rows

    def _add(self, rows: NDArray[np.float64], steps: NDArray[np.float64], sign: float) -> None:
        self._sums[0] += sign * rows.sum(axis=0)
        self._sums[1] += sign * np.einsum("ij,ij->j", rows, rows)
        self._sums[2] += sign * np.einsum("ij,ij->j", steps, steps)

    def stir(self) -> float:
        """Mean squared step, all cells together."""
        self._catch_up()
        return float(self._sums[2].sum()) / max(1, self._count - 1)

    def figures(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Variance and mean squared step of each cell."""
        self._catch_up()
        count = max(2, self._count)
        mean = self._sums[0] / count
        variance = self._sums[1] / count - mean * mean
        return variance, self._sums[2] / (count - 1)
