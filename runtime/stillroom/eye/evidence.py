"""What one window of slow cells says of a breath: its peak, and eight signs that it is one body's.

A chest moves all its cells with one waveform, each in its own measure: in one phase or against it, alike from one part
of the window to the next, each cell by itself. Folds of a curtain wander apart, cells of a screen each show something
else, a second sleeper has a rate of his own. None of this depends on the rate, on how regular it is or on where it is.
The signs are links of one chain: `worth` is their product, so that one that fails cannot be made up for by others.
"""

import math
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.spectrum import Basis, Complex, Peak, Real, basis, complex_of, find_peak, power_of

LOW_HZ, HIGH_HZ, STEP_HZ = 0.1, 0.7, 0.01
RATE_HZ = 5.0
CYCLES = 3.0
MAX_BALANCE = 8.0
MOST_STRONG, LEAST_STRONG, STRONG_SHARE = 36, 12, 0.08
"""Cells by which standing, pattern and strays are judged: of a small picture no more than a body has in it."""
PARTS = 3
OWN_SHARE = 0.6
LEAST_FLOOR = 0.02
"""Of the lobe: noise that is always allowed for, since no chest moves quite as one."""
LINKS: dict[str, tuple[float, float]] = {
    "share": (0.30, 0.06),
    "second": (0.80, -0.08),
    "in_half": (0.30, 0.08),
    "standing": (0.50, 0.07),
    "pattern": (0.60, 0.05),
    "strays": (0.90, -0.10),
    "own": (0.40, 0.08),
    "rival": (0.30, -0.06),
}
"""Where each sign is worth one half, and by how much more (or less, where negative) it is worth 0.73.

Set by hand between simulated people in noise, recordings of two and a simulated room's curtain and television.
"""
HANN_BEND = math.tau**2 / 12.0 - 2.0
"""A line's power through a Hann window of T seconds is about 1 - HANN_BEND (T df)^2 near its top (the window's second
moment): times frequency f, its top lies 1 / (2 HANN_BEND T^2 f) too high, 0.2 a minute at 8 in 30 s.
"""
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Evidence:
    """One window's peak and what speaks for it. cells: which took part; strength: power of each at the peak."""

    peak: Peak
    in_half: float
    """Power at the peak's frequency in the poorer half of the window, over that half's own peak."""
    balance: float
    """Of that power, the stronger half's over the other's."""
    groups_apart_hz: float
    window_s: float
    cells: NDArray[np.intp]
    strength: NDArray[np.float32]
    standing: float
    """Of the strongest cells: 1 where all move in phase or against it, 0 where a wave travels across them."""
    pattern: float
    """How alike the window's thirds are in which cell moves how far."""
    strays: float
    """What of the lobe is no single motion, over what noise explains."""
    own: float
    """Share of the peak's power in cells that hold most of their own power there."""
    rival: float
    """Power of cells that hold most of theirs elsewhere, over that of those that hold it here."""

    @property
    def possible(self) -> bool:
        """Whether a rate can be told at all from such a window."""
        peak = self.peak
        return (
            not peak.at_edge
            and peak.hz >= CYCLES / self.window_s
            and self.balance <= MAX_BALANCE
            and self.groups_apart_hz <= 1.0 / self.window_s
        )

    @property
    def worth(self) -> float:
        """0 to 1: product of what each sign is worth (a logistic curve of it)."""
        if not self.possible:
            return 0.0
        signs = {"share": self.peak.share, "second": self.peak.second}
        away = [
            (middle - signs.get(name, getattr(self, name, 0.0))) / width
            for name, (middle, width) in LINKS.items()
        ]
        return float(np.prod(1.0 / (1.0 + np.exp(np.minimum(away, 50.0)))))


def weigh(
    samples: Real, cells: NDArray[np.intp], shape: tuple[int, int], low_hz: float = LOW_HZ
) -> Evidence | None:
    """The evidence in evenly spaced samples (n, m) of m cells, whose places are `cells` in a picture of `shape`.

    low_hz: where the band begins.
    """
    window_s = len(samples) / RATE_HZ
    whole = whole_band(len(samples), low_hz)
    parts = whole.parts(samples)
    powers = power_of(parts)
    lobe_hz = 2.0 / window_s
    peak = find_peak(whole.hz, powers.sum(axis=1) * whole.hz, lobe_hz)
    if peak is None:
        return None
    peak = replace(peak, hz=peak.hz - 1.0 / (2.0 * HANN_BEND * window_s**2 * peak.hz))
    index = int(np.argmin(np.abs(whole.hz - peak.hz)))
    in_half, balance = _halves(samples, index, low_hz)
    columns = shape[1]
    odd = (cells // columns + cells % columns) % 2 == 1
    strong = np.argsort(-powers[index])[: _strong_of(shape)]
    spectrum = complex_of(parts[:, strong])
    own, rival = _holders(whole.hz, powers * whole.hz[:, None].astype(np.float32), peak.hz, lobe_hz)
    return Evidence(
        peak=peak,
        in_half=in_half,
        balance=balance,
        groups_apart_hz=_apart(whole.hz, powers, odd, lobe_hz),
        window_s=window_s,
        cells=cells,
        strength=powers[index],
        standing=_standing(spectrum[index]),
        pattern=_pattern(samples[:, strong], peak.hz, low_hz),
        strays=_strays(whole.hz, spectrum, peak.hz, lobe_hz),
        own=own,
        rival=rival,
    )


def _strong_of(shape: tuple[int, int]) -> int:
    return min(MOST_STRONG, max(LEAST_STRONG, round(STRONG_SHARE * shape[0] * shape[1])))


def whole_band(samples: int, low_hz: float = LOW_HZ) -> Basis:
    """What takes a whole window of `samples` to its spectrum."""
    return basis(samples, RATE_HZ, low_hz, HIGH_HZ, STEP_HZ, 2)


def _power(spectrum: Complex) -> Real:
    power: Real = spectrum.real**2 + spectrum.imag**2
    return power


def _halves(samples: Real, index: int, low_hz: float) -> tuple[float, float]:
    """`in_half` and `balance` at one of the frequencies."""
    half = len(samples) // 2
    part = basis(half, RATE_HZ, low_hz, HIGH_HZ, STEP_HZ, 1)
    halves = np.stack(
        [power_of(part.parts(s)).sum(axis=1) * part.hz for s in (samples[:half], samples[half:])]
    )
    here = halves[:, index]
    in_half = float((here / np.maximum(halves.max(axis=1), _TINY)).min())
    return in_half, float(here.max() / max(float(here.min()), _TINY))


def _apart(hz: NDArray[np.float64], powers: Real, odd: NDArray[np.bool_], lobe_hz: float) -> float:
    """How far apart two sets of cells see the peak, in Hz."""
    peaks = [find_peak(hz, powers[:, group].sum(axis=1) * hz, lobe_hz) for group in (odd, ~odd)]
    if peaks[0] is None or peaks[1] is None:
        return float("inf")
    return abs(peaks[0].hz - peaks[1].hz)


def _standing(swing: Complex) -> float:
    """swing: (m,) at one frequency. Twice the phase: a cell that darkens while another brightens moves with it."""
    return float(np.abs((swing**2).sum()) / max(float(_power(swing).sum()), _TINY))


def _pattern(samples: Real, hz: float, low_hz: float) -> float:
    """Mean likeness of each two parts of the window, each part in its best phase."""
    count = len(samples) // PARTS
    part = basis(count, RATE_HZ, low_hz, HIGH_HZ, STEP_HZ, 1)
    sides = []
    for begin in range(0, PARTS * count, count):
        swing = part.at(hz, samples[begin : begin + count])
        turned = (swing * np.exp(-0.5j * np.angle((swing**2).sum()))).real
        sides.append(turned / max(float(np.linalg.norm(swing)), _TINY))
    return float(np.mean([abs(a @ b) for a, b in combinations(sides, 2)]))


def _strays(hz: NDArray[np.float64], spectrum: Complex, peak_hz: float, lobe_hz: float) -> float:
    """One motion is one waveform that each cell shows in a measure and with a delay of its own: a lobe of rank one.
    Noise is as high in the lobe as beside it; twice the peak's frequency is left out.
    """
    near = np.abs(hz - peak_hz) <= lobe_hz
    beside = ~near & (np.abs(hz - 2 * peak_hz) > lobe_hz)
    whole = float(_power(spectrum[near]).sum())
    one = float(np.linalg.norm(spectrum[near], 2)) ** 2
    floor = float(_power(spectrum[beside]).sum()) * int(near.sum()) / max(1, int(beside.sum()))
    return (whole - one) / max(floor + LEAST_FLOOR * whole, _TINY)


def _holders(hz: NDArray[np.float64], weighted: Real, peak_hz: float, lobe_hz: float) -> tuple[float, float]:
    """`own` and `rival`. weighted: (k, m) power times frequency.

    Twice the peak's frequency is not elsewhere: a stripe that passes to and fro shows it.
    """
    whole = weighted.sum(axis=0)
    at_peak = weighted[int(np.argmin(np.abs(hz - peak_hz)))]
    here = weighted[np.abs(hz - peak_hz) <= lobe_hz].sum(axis=0) > OWN_SHARE * whole
    top_hz = hz[np.argmax(weighted, axis=0)]
    around = (weighted * (np.abs(hz[:, None] - top_hz) <= lobe_hz)).sum(axis=0)
    elsewhere = np.minimum(np.abs(top_hz - peak_hz), np.abs(top_hz - 2 * peak_hz)) > lobe_hz
    there = elsewhere & (around > OWN_SHARE * whole)
    own = float(at_peak[here].sum()) / max(float(at_peak.sum()), _TINY)
    return own, float(whole[there].sum()) / max(float(whole[here].sum()), _TINY)
