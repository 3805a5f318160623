"""How much of a spectrum is noise, by frequency: a power law under the peaks, its level taken from each segment."""

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.spectrum import Real

MEMORY = 15
"""Segments over which the slope is learned; the level is each segment's own, so that a burst drowns in itself."""
ROUNDS = 5
TALL = 0.5
"""Above the line by this (natural logarithm) a point counts less: it may be a peak."""
MEDIAN = 0.693
"""Of exponential noise whose mean is 1."""


class NoiseFloor:
    """Make for frequencies (k,), feed powers (k,), get the floor (k,) under them, restart."""

    def __init__(self, hz: NDArray[np.float64]) -> None:
        self._line = np.stack([np.ones_like(hz), np.log(hz)], axis=1)
        self.restart()

    def restart(self) -> None:
        self._mean: NDArray[np.float64] | None = None
        self._count = 0

    def feed(self, power: Real) -> NDArray[np.float64]:
        """The floor under this segment's power."""
        now = np.maximum(power.astype(np.float64), 1e-30)
        self._count = min(self._count + 1, MEMORY)
        mean = now if self._mean is None else self._mean + (now - self._mean) / self._count
        self._mean = mean
        shape = np.exp(self._fit(np.log(mean)))
        level = float(np.median(now / shape)) / MEDIAN
        floor: NDArray[np.float64] = shape * max(level, 1e-9)
        return floor

    def _fit(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        """A straight line over log frequency, pulled down to what lies under the peaks."""
        weights = np.ones_like(logs)
        line = logs
        for _ in range(ROUNDS):
            weighted = self._line * weights[:, None] ** 2
            line = self._line @ np.linalg.solve(weighted.T @ self._line, weighted.T @ logs)
            weights = 1.0 / np.sqrt(np.maximum(1.0, (logs - line) / TALL))
        return line
