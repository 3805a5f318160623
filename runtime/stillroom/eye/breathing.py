"""Breathing from the slow cells: 0.1-0.7 Hz, over 20 to 30 seconds, of whatever moves with it.

A cell takes part when successive values of it resemble each other more than noise would (von Neumann's ratio, 1941:
mean squared step over twice the variance is 1 for white noise, near 0 for anything slow). Of those the ones with the
largest steps are read: their absolute power times frequency is summed (which whitens drift; cells are not normalised
one by one). The peak must hold most of the band, be inside it, be what each half of the window shows too, what two
sets of cells show, and stay for some seconds. No rate is more likely than another beforehand.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.quality import probability
from stillroom.eye.spectrum import Basis, Complex, Peak, Real, basis, decibels, find_peak, resample
from stillroom.eye.sums import Sums
from stillroom.eye.traces import SLOW_NS, SLOW_SPAN_S, Ring
from stillroom.observation import Reading

if TYPE_CHECKING:
    from stillroom.eye.traces import Fifth

LOW_HZ, HIGH_HZ, STEP_HZ = 0.1, 0.7, 0.01
RATE_HZ = 5.0
SHORTEST_S, LONGEST_S = 18.0, 30.0
CYCLES = 3.0
MAX_CELLS = 256
MIN_CELLS = 6
MAX_RATIO = 0.6
"""Von Neumann's ratio: 0.6 is a signal as strong as the noise, in the middle of the band."""
UNITS = 256.0
"""Luma is kept in 1/256 of a count."""
MIN_STEP = (0.03 * UNITS) ** 2
MIN_SHARE = 0.52
MAX_SECOND = 0.62
MIN_IN_HALF = 0.35
"""Power at the reading's frequency in each half of the window, relative to that half's own peak."""
MAX_BALANCE = 8.0
MIN_STANDING = 0.2
EVEN_LIGHT = 0.45
"""Spread of the relative swing over cells all over the picture, over its mean: a lamp moves all cells alike."""
LINED_UP = 0.9
LIGHT_GRID = 14
STIRRED = 2.5
"""Mean squared steps of the long window against those of the short one: somebody moved before it."""
BURST = 100.0
"""One half of the window so many times stronger than the other: something moved in it."""
STEADY_READS = 2
STEADY_PER_MIN = 1.5


@dataclass(frozen=True, slots=True)
class Evidence:
    """One window's peak and what speaks for it. `cells`: which took part; `strength`: power of each at the peak.

    `standing`: 1 where all cells move in phase or against it, as a chest does; 0 where a wave travels across them.
    """

    peak: Peak
    in_half: float
    balance: float
    groups_apart_hz: float
    window_s: float
    cells: NDArray[np.intp]
    strength: NDArray[np.float32]
    standing: float

    @property
    def trusted(self) -> bool:
        peak = self.peak
        return (
            not peak.at_edge
            and peak.hz >= CYCLES / self.window_s
            and peak.share >= MIN_SHARE
            and peak.second <= MAX_SECOND
            and self.in_half >= MIN_IN_HALF
            and self.balance <= MAX_BALANCE
            and self.groups_apart_hz <= 1.0 / self.window_s
            and self.standing >= MIN_STANDING
        )


class Breathing:
    """Make for a number of cells, feed fifths of a second, read every two seconds."""

    def __init__(self, cells: int, columns: int) -> None:
        self._columns = columns
        self._ring = Ring(round(SLOW_SPAN_S * 1e9 / SLOW_NS), cells, np.uint16)
        self._long = Sums(round(LONGEST_S * RATE_HZ), cells)
        self._short = Sums(round(SHORTEST_S * RATE_HZ), cells)
        self._values_hz: list[float] = []
        self.evidence: Evidence | None = None

    def restart(self) -> None:
        self._ring.clear()
        self._long.restart()
        self._short.restart()
        self._values_hz.clear()
        self.evidence = None

    def feed(self, fifth: "Fifth") -> None:
        """Keep the luma of a fifth."""
        self._ring.push(fifth.time_s, np.rint(fifth.luma * UNITS).astype(np.uint16))
        self._long.feed(self._ring)
        self._short.feed(self._ring)

    def read(self, allowed: NDArray[np.bool_] | None = None) -> Reading:
        """The rate, or why not. allowed: (cells,) which may be read; None: all. Call every two seconds."""
        self.evidence = None
        span_s = self._ring.span_s()
        if span_s < SHORTEST_S - 0.5 / RATE_HZ:
            self._values_hz.clear()
            return Reading(withheld="warming-up", window_s=round(span_s, 1))
        span_s = self._calm_s(span_s)
        evidence = self._weigh(allowed, span_s)
        self.evidence = evidence
        if evidence is None or not evidence.trusted or self._is_light(evidence.peak.hz, span_s):
            self._values_hz.clear()
            uneven = evidence is not None and evidence.balance > BURST
            return Reading(withheld="motion" if uneven else "low-signal", window_s=round(span_s, 1))
        self._values_hz = [*self._values_hz[-9:], evidence.peak.hz]
        return self._judge(evidence)

    def _judge(self, evidence: Evidence) -> Reading:
        window_s = round(evidence.window_s, 1)
        recent = 60.0 * np.array(self._values_hz[-3:])
        if len(recent) < STEADY_READS or float(np.ptp(recent)) > 2 * STEADY_PER_MIN:
            return Reading(withheld="low-signal", window_s=window_s)
        value = float(np.median(recent))
        quality = quality_of(evidence, float(np.ptp(recent)), len(self._values_hz))
        return Reading(round(value, 2), round(quality, 3), None, "cells", window_s)

    def _is_light(self, hz: float, span_s: float) -> bool:
        """Whether what swings is the light: everywhere by the same share, in phase along rows or columns (flicker
        that aliases into the band, with or without the bands of a rolling shutter).
        """
        rows = self._ring.width // self._columns
        down, across = (
            np.linspace(0, size - 1, min(size, LIGHT_GRID)).astype(int) for size in (rows, self._columns)
        )
        cells = (down[:, None] * self._columns + across).reshape(-1)
        times, values = self._ring.window(span_s, cells)
        level = np.maximum(values.mean(axis=0), UNITS)
        samples = len(times) // 10 * 10
        even = resample(times, values / level - 1.0, RATE_HZ, samples)
        swing = _whole(samples).at(hz, even).reshape(len(down), len(across))
        size = np.abs(swing)
        alike = float(size.std()) <= EVEN_LIGHT * float(size.mean())
        lines = max(float(np.abs(swing.sum(axis=axis)).sum()) for axis in (0, 1))
        return alike and lines >= LINED_UP * float(size.sum())

    def _calm_s(self, span_s: float) -> float:
        """How far back to look: not into a stretch in which much more happened than since."""
        steps = [sums.stir() for sums in (self._long, self._short)]
        return min(span_s, LONGEST_S) if steps[0] < STIRRED * steps[1] else SHORTEST_S

    def _weigh(self, allowed: NDArray[np.bool_] | None, span_s: float) -> Evidence | None:
        cells = choose(self._long if span_s > SHORTEST_S else self._short, allowed)
        if len(cells) < MIN_CELLS:
            return None
        times, rows = self._ring.window(span_s, cells)
        rows -= rows.mean(axis=0)
        samples = int((span_s + 0.5 / RATE_HZ) * RATE_HZ) // 10 * 10
        return weigh(resample(times, rows, RATE_HZ, samples), cells, self._columns)


def choose(sums: Sums, allowed: NDArray[np.bool_] | None) -> NDArray[np.intp]:
    """Cells whose change is more than noise, those with the largest steps where there are too many."""
    variance, step = sums.figures()
    fit = (step > MIN_STEP) & (step < 2 * MAX_RATIO * variance)
    if allowed is not None:
        fit &= allowed
    cells = np.flatnonzero(fit)
    if len(cells) > MAX_CELLS:
        cells = cells[np.argpartition(-step[cells], MAX_CELLS)[:MAX_CELLS]]
        cells.sort()
    return cells


def weigh(samples: Real, cells: NDArray[np.intp], columns: int) -> Evidence | None:
    """The evidence in evenly spaced samples (n, m) of m cells, whose places are `cells` in rows of `columns`."""
    count = len(samples)
    window_s, half = count / RATE_HZ, count // 2
    whole = _whole(count)
    part = basis(half, RATE_HZ, LOW_HZ, HIGH_HZ, STEP_HZ, 1)
    spectrum = whole(samples)
    powers = _power(spectrum)
    lobe_hz = 2.0 / window_s
    peak = find_peak(whole.hz, powers.sum(axis=1) * whole.hz, lobe_hz)
    if peak is None:
        return None
    index = int(np.argmin(np.abs(whole.hz - peak.hz)))
    halves = np.stack([_power(part(s)).sum(axis=1) * part.hz for s in (samples[:half], samples[half:])])
    in_half = float((halves[:, index] / np.maximum(halves.max(axis=1), 1e-12)).min())
    balance = float(halves[:, index].max() / max(float(halves[:, index].min()), 1e-12))
    odd = (cells // columns + cells % columns) % 2 == 1
    apart = _apart(whole.hz, powers, odd, lobe_hz)
    at_peak = spectrum[index]
    standing = float(np.abs((at_peak**2).sum()) / max(float(powers[index].sum()), 1e-12))
    return Evidence(peak, in_half, balance, apart, window_s, cells, powers[index], standing)


def _whole(samples: int) -> Basis:
    return basis(samples, RATE_HZ, LOW_HZ, HIGH_HZ, STEP_HZ, 2)


def _power(spectrum: Complex) -> Real:
    power: Real = spectrum.real**2 + spectrum.imag**2
    return power


def _apart(hz: NDArray[np.float64], powers: Real, odd: NDArray[np.bool_], lobe_hz: float) -> float:
    """How far apart two sets of cells see the peak, in Hz."""
    peaks = [find_peak(hz, powers[:, group].sum(axis=1) * hz, lobe_hz) for group in (odd, ~odd)]
    if peaks[0] is None or peaks[1] is None:
        return float("inf")
    return abs(peaks[0].hz - peaks[1].hz)


def quality_of(evidence: Evidence, spread_per_min: float, reads: int) -> float:
    """Probability of being within 1.5 a minute, from the peak's share, the halves and the time it stayed.

    A logistic curve with weights set by hand; what it is worth is in `quality.py`.
    """
    score = 0.3 * decibels(evidence.peak.share) + 2.0 * evidence.in_half - 2.0 * evidence.peak.second
    score += 0.1 * min(reads, 10) - 0.5 * spread_per_min
    return probability("breathing", float(np.clip(1.0 / (1.0 + np.exp(-(score + 0.5))), 0.5, 0.97)))
