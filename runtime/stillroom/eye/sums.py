"""Running sums of cells over the last rows of a ring: what chooses cells, without reading the whole ring again."""

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.traces import Ring

MOST_BEHIND = 10
"""Rows are taken in and let go of together, when somebody asks or so many have come: one at a time costs three times
as much. A ring must hold so many more than are summed, and one.
"""


class Sums:
    """Running sums over the last rows of a ring, over each of some numbers of rows: values, squares, squared steps.

    All are whole numbers below 2^53, so float64 holds them exactly and nothing creeps in.
    """

    def __init__(self, ring: Ring, *lengths: int) -> None:
        self._ring, self._lengths = ring, lengths
        self._sums = np.zeros((len(lengths), 3, ring.width))
        self._counts = [0] * len(lengths)
        self._behind = 0

    def restart(self) -> None:
        self._sums[:] = 0
        self._counts = [0] * len(self._lengths)
        self._behind = 0

    def note(self) -> None:
        """A row was pushed into the ring: it counts, and the oldest may not count any longer."""
        self._behind += 1
        if self._behind == MOST_BEHIND:
            self._catch_up()

    def _catch_up(self) -> None:
        come, self._behind = self._behind, 0
        if not come:
            return
        self._sums += self._ring.sums(come, 0, before=int(self._counts[0] > 0))
        for which, length in enumerate(self._lengths):
            count = self._counts[which] + come
            if (gone := count - length) > 0:
                self._sums[which] -= self._ring.sums(gone, length, after=1)
            self._counts[which] = min(count, length)

    def stir(self, which: int) -> float:
        """Mean squared step, all cells together, over the length of this number."""
        self._catch_up()
        return float(self._sums[which, 2].sum()) / max(1, self._counts[which] - 1)

    def figures(self, which: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Variance and mean squared step of each cell."""
        self._catch_up()
        count = max(2, self._counts[which])
        values, squares, steps = self._sums[which]
        mean = values / count
        variance = squares / count - mean * mean
        return variance, steps / (count - 1)
