"""Running sums of cells over the last rows of a ring: what chooses cells, without reading the whole ring again."""

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.traces import Ring


class Sums:
    """Running sums over the last rows of a ring: values, squares, squared steps.

    All are whole numbers below 2^53, so float64 holds them exactly and nothing creeps in.
    """

    def __init__(self, rows: int, cells: int) -> None:
        self._rows = rows
        self._sums = np.zeros((3, cells))
        self.count = 0

    def restart(self) -> None:
        self._sums[:] = 0
        self.count = 0

    def feed(self, ring: Ring) -> None:
        """Take the row that was pushed last into `ring`, let go of the one that no longer counts."""
        now = ring.row(1).astype(np.float64)
        self._take(now, ring.row(2) if self.count else None, 1)
        self.count += 1
        if self.count > self._rows:
            leaving = ring.row(self._rows + 1).astype(np.float64)
            self._take(leaving, ring.row(self._rows), -1)
            self.count -= 1

    def _take(self, row: NDArray[np.float64], beside: NDArray[np.uint16] | None, sign: int) -> None:
        add = np.add if sign > 0 else np.subtract
        add(self._sums[0], row, out=self._sums[0])
        add(self._sums[1], row * row, out=self._sums[1])
        if beside is not None:
            step = row - beside
            add(self._sums[2], step * step, out=self._sums[2])

    def stir(self) -> float:
        """Mean squared step, all cells together."""
        return float(self._sums[2].sum()) / max(1, self.count - 1)

    def figures(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Variance and mean squared step of each cell."""
        count = max(2, self.count)
        mean = self._sums[0] / count
        variance = self._sums[1] / count - mean * mean
        return variance, self._sums[2] / (count - 1)
