"""Breathing from the slow cells: 0.1-0.7 Hz, over 18 to 30 seconds (45 for slower breath), of whatever moves
with it.

A cell takes part when successive values of it resemble each other more than noise would (von Neumann's ratio, 1941:
mean squared step over twice the variance is 1 for white noise, near 0 for anything slow). Of those the ones with the
largest steps are read: their absolute power times frequency is summed (which whitens drift; cells are not normalised
one by one). What speaks for the peak is weighed in `evidence.py`; here windows are put together. The more of them agree
one after another, the more a reading is worth; one that fails ends the row. No rate is more likely than another
beforehand.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.evidence import LOW_HZ, RATE_HZ, Evidence, weigh, whole_band
from stillroom.eye.quality import quality
from stillroom.eye.spectrum import Complex, resample
from stillroom.eye.sums import Sums
from stillroom.eye.traces import SLOW_NS, SLOW_SPAN_S, Ring
from stillroom.observation import Reading

if TYPE_CHECKING:
    from stillroom.eye.traces import Fifth

SHORTEST_S, LONGEST_S = 18.0, 30.0
SLOWEST_S = 45.0
"""Where the longest window shows something slower than it can tell: three cycles of 4 a minute."""
SLOW_BELOW_HZ, SLOW_LOW_HZ = 0.15, 0.04
_LONG, _SHORT = 0, 1
MAX_CELLS = 256
MIN_CELLS = 6
MAX_RATIO = 0.6
"""Von Neumann's ratio: 0.6 is a signal as strong as the noise, in the middle of the band."""
UNITS = 256.0
"""Luma is kept in 1/256 of a count."""
MIN_STEP = (0.03 * UNITS) ** 2
EVEN_LIGHT = 0.45
"""Spread of the relative swing over cells all over the picture, over its mean: a lamp moves all cells alike."""
LINED_UP = 0.9
USUAL_SHARE, USUAL_WITHIN = 0.8, 0.75
"""The light swings where so many cells swing within such a share of their median: not all alike, since a lamp that is
near lights one wall more than another. What they have in common must have its peak there, which a step of the exposure
has not.
"""
LIGHT_GRID = 14
STIRRED = 2.5
"""Mean squared steps of the long window against those of the short one: somebody moved before it."""
BURST = 100.0
"""One half of the window so many times stronger than the other: something moved in it."""
LEAST_WORTH = 0.1
"""A window worth less than this fails."""
MOST_READS = 6
DOUBT = 0.3
"""What is thought of any reading before the first window, and counts like one."""
FAILED = 0.05
"""A window that failed counts as this one before those that follow: five good ones make up for it. One that is still
too short for its rhythm has not failed.
"""
SPREAD_PER_MIN, SPREAD_WIDTH = 3.0, 0.3
"""Of the latest three windows, from the lowest to the highest: where a reading is worth half, and how sharply."""


class Breathing:
    """Make for a number of cells, feed fifths of a second, read every two seconds."""

    def __init__(self, cells: int, columns: int) -> None:
        self._shape = cells // columns, columns
        down, across = (np.linspace(0, size - 1, min(size, LIGHT_GRID)).astype(int) for size in self._shape)
        self._spread = len(down), len(across)
        self._grid: NDArray[np.intp] = (down[:, None] * columns + across).reshape(-1)
        """Cells all over the picture, in so many rows and columns."""
        self._ring = Ring(round(SLOW_SPAN_S * 1e9 / SLOW_NS), cells, np.uint16)
        self._sums = Sums(self._ring, *(round(each_s * RATE_HZ) for each_s in (LONGEST_S, SHORTEST_S)))
        self._row: list[tuple[float, float | None]] = []
        """What each window in the row is worth, and its frequency in Hz; None: one that failed."""
        self.evidence: Evidence | None = None

    def restart(self) -> None:
        self._ring.clear()
        self._sums.restart()
        self._row.clear()
        self.evidence = None

    def feed(self, fifth: "Fifth") -> None:
        """Keep the luma of a fifth."""
        luma = fifth.luma * np.float32(UNITS)
        self._ring.push(fifth.time_s, np.rint(luma, out=luma))
        self._sums.note()

    def read(self, allowed: NDArray[np.bool_] | None = None) -> Reading:
        """The rate, or why not. allowed: (cells,) which may be read; None: all. Call every two seconds."""
        self.evidence = None
        span_s = self._ring.span_s()
        if span_s < SHORTEST_S - 0.5 / RATE_HZ:
            self._row.clear()
            return Reading(withheld="warming-up", window_s=round(span_s, 1))
        span_s, evidence = self._look_back(allowed, span_s)
        self.evidence = evidence
        if evidence is not None and evidence.balance > BURST:
            self._row.clear()
            return Reading(withheld="motion", window_s=round(span_s, 1))
        worth = 0.0 if evidence is None else evidence.worth
        if evidence is None or worth < LEAST_WORTH or self._is_light(evidence.peak.hz, span_s):
            self._row[:] = [] if self._waits(evidence) else [(FAILED, None)]
            return Reading(withheld="low-signal", window_s=round(span_s, 1))
        self._row = [*self._row[1 - MOST_READS :], (worth, evidence.peak.hz)]
        return self._judge(evidence)

    def _waits(self, evidence: Evidence | None) -> bool:
        """Whether the window is only too short as yet for its rhythm."""
        if evidence is None or evidence.possible:
            return False
        slow = evidence.peak.hz < SLOW_BELOW_HZ and self._ring.span_s() < SLOWEST_S
        return slow or evidence.window_s < LONGEST_S

    def _judge(self, evidence: Evidence) -> Reading:
        window_s = round(evidence.window_s, 1)
        recent = 60.0 * np.array([hz for _, hz in self._row[-3:] if hz is not None])
        own = own_estimate([worth for worth, _ in self._row], float(np.ptp(recent)))
        worth = quality("breathing", own)
        if worth is None:
            return Reading(withheld="low-signal", window_s=window_s)
        return Reading(round(float(np.median(recent)), 2), worth, None, "cells", window_s)

    def _is_light(self, hz: float, span_s: float) -> bool:
        """Whether the light swings: most of the picture by the same share in one phase, whatever swings more (a screen
        and its glow); or all of it alike in phase along rows or columns (flicker that aliases into the band, with or
        without the bands of a rolling shutter).
        """
        times, values = self._ring.window(span_s, self._grid)
        level = np.maximum(values.mean(axis=0), UNITS)
        samples = len(times) // 10 * 10
        even = resample(times, values / level - 1.0, RATE_HZ, samples)
        low_hz = SLOW_LOW_HZ if span_s > LONGEST_S else LOW_HZ
        band = whole_band(samples, low_hz)
        swing = band.at(hz, even).reshape(self._spread)
        size = np.abs(swing)
        if _with_the_usual(swing.reshape(-1)) >= USUAL_SHARE:
            light = np.abs(band(np.median(even, axis=1, keepdims=True))[:, 0]) ** 2 * band.hz
            return abs(float(band.hz[np.argmax(light)]) - hz) <= 2.0 / span_s
        alike = float(size.std()) <= EVEN_LIGHT * float(size.mean())
        lines = max(float(np.abs(swing.sum(axis=axis)).sum()) for axis in (0, 1))
        return alike and lines >= LINED_UP * float(size.sum())

    def _calm_s(self, span_s: float) -> float:
        """How far back to look: not into a stretch in which much more happened than since."""
        calm = self._sums.stir(_LONG) < STIRRED * self._sums.stir(_SHORT)
        return min(span_s, LONGEST_S) if calm else SHORTEST_S

    def _look_back(self, allowed: NDArray[np.bool_] | None, held_s: float) -> tuple[float, Evidence | None]:
        """The span that was read, and what it shows: of slow breath a longer one, as soon as so much is held."""
        span_s = self._calm_s(held_s)
        evidence = self._weigh(allowed, span_s, LOW_HZ)
        slow = evidence is not None and not evidence.possible and evidence.peak.hz < SLOW_BELOW_HZ
        if not slow or span_s < LONGEST_S or held_s < SLOWEST_S:
            return span_s, evidence
        return SLOWEST_S, self._weigh(allowed, SLOWEST_S, SLOW_LOW_HZ)

    def _weigh(self, allowed: NDArray[np.bool_] | None, span_s: float, low_hz: float) -> Evidence | None:
        cells = choose(self._sums.figures(_LONG if span_s > SHORTEST_S else _SHORT), allowed)
        if len(cells) < MIN_CELLS:
            return None
        times, rows = self._ring.window(span_s, cells)
        rows -= rows.mean(axis=0)
        samples = int((span_s + 0.5 / RATE_HZ) * RATE_HZ) // 10 * 10
        return weigh(resample(times, rows, RATE_HZ, samples), cells, self._shape, low_hz)


def choose(
    figures: tuple[NDArray[np.float64], NDArray[np.float64]], allowed: NDArray[np.bool_] | None
) -> NDArray[np.intp]:
    """Cells whose change is more than noise, those with the largest steps where there are too many.

    figures: variance and mean squared step of each cell.
    """
    variance, step = figures
    fit = (step > MIN_STEP) & (step < 2 * MAX_RATIO * variance)
    if allowed is not None:
        fit &= allowed
    cells = np.flatnonzero(fit)
    if len(cells) > MAX_CELLS:
        cells = cells[np.argpartition(-step[cells], MAX_CELLS)[:MAX_CELLS]]
        cells.sort()
    return cells


def _with_the_usual(swing: Complex) -> float:
    """Share of cells that swing about as their median does. swing: (m,)."""
    usual = complex(np.median(swing.real), np.median(swing.imag))
    return float((np.abs(swing - usual) < USUAL_WITHIN * abs(usual)).mean())


def own_estimate(worths: list[float], spread_per_min: float) -> float:
    """What this method thinks of its reading, 0 to 1: the geometric mean of the row's windows and of the doubt before
    them, less where the latest do not agree. `quality.py` says what it is worth as a probability.
    """
    mean = math.exp((math.log(DOUBT) + sum(map(math.log, worths))) / (1 + len(worths)))
    return mean / (1.0 + math.exp((spread_per_min - SPREAD_PER_MIN) / SPREAD_WIDTH))
