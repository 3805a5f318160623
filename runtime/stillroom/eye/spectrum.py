"""Short-window spectra by one matrix product, and what a peak in one is worth.

Window (Hann), polynomial detrending and DFT are linear: they are folded into one matrix for each window length, so a
spectrum of many traces is one product. Powers are relative; nothing here depends on the unit of a trace.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float32]
Complex = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class Basis:
    """Frequencies in Hz, (k,), and the matrix (2k, n) that takes n samples to their real and imaginary parts."""

    hz: NDArray[np.float64]
    matrix: Real

    def __call__(self, samples: Real) -> Complex:
        """Spectrum (k, m) of m traces (n, m)."""
        return complex_of(self.parts(samples))

    def parts(self, samples: Real) -> Real:
        """The spectrum's real parts, then the imaginary ones: (2k, m). Complex numbers would cost twice the product."""
        parts: Real = self.matrix @ samples
        return parts

    def at(self, hz: float, samples: Real) -> Complex:
        """Spectrum (m,) of m traces (n, m) at the nearest of the frequencies alone."""
        index = int(np.argmin(np.abs(self.hz - hz)))
        real, imaginary = self.matrix[[index, index + len(self.hz)]] @ samples
        values: Complex = real + 1j * imaginary
        return values


def complex_of(parts: Real) -> Complex:
    """(k, m) of (2k, m), as `Basis.parts` has them."""
    count = len(parts) // 2
    spectrum: Complex = parts[:count] + 1j * parts[count:]
    return spectrum


def power_of(parts: Real) -> Real:
    """(k, m) of (2k, m), as `Basis.parts` has them."""
    count = len(parts) // 2
    power: Real = parts[:count] ** 2 + parts[count:] ** 2
    return power


@lru_cache(maxsize=32)
def basis(samples: int, rate_hz: float, low_hz: float, high_hz: float, step_hz: float, degree: int) -> Basis:
    """The matrix for windows of `samples` at `rate_hz`, frequencies from low to high, drift up to `degree` removed."""
    hz = np.arange(low_hz, high_hz + step_hz / 2, step_hz)
    phase = 2 * np.pi * np.outer(hz, np.arange(samples) / rate_hz)
    window = np.hanning(samples + 2)[1:-1]
    rows = np.concatenate([np.cos(phase), -np.sin(phase)]) * window
    ramp = np.linspace(-1.0, 1.0, samples)
    drift, _ = np.linalg.qr(np.stack([ramp**k for k in range(degree + 1)], axis=1))
    rows = rows - (rows @ drift) @ drift.T
    return Basis(hz, np.ascontiguousarray(rows, dtype=np.float32))


def resample(times_s: NDArray[np.float64], rows: Real, rate_hz: float, samples: int) -> Real:
    """Rows (n, m) at uneven times, by straight lines, at `samples` even ones that end with the last time."""
    wanted = times_s[-1] - np.arange(samples - 1, -1, -1) / rate_hz
    last = times_s[-samples:]
    if len(last) == samples and np.abs(last - wanted).max() < 0.02 / rate_hz:
        return rows[-samples:]
    left, share = _between(times_s, wanted)
    between: Real = rows[left] * (1 - share)[:, None] + rows[left + 1] * share[:, None]
    return between


def interpolation(times_s: NDArray[np.float64], rate_hz: float, samples: int) -> Real:
    """(samples, n), the matrix that does to rows what `resample` does: cheaper where it is folded into another one."""
    left, share = _between(times_s, times_s[-1] - np.arange(samples - 1, -1, -1) / rate_hz)
    matrix = np.zeros((samples, len(times_s)), np.float32)
    every = np.arange(samples)
    matrix[every, left], matrix[every, left + 1] = 1 - share, share
    return matrix


def _between(times_s: NDArray[np.float64], wanted: NDArray[np.float64]) -> tuple[NDArray[np.intp], Real]:
    """Which time lies before each wanted one, and how far on to the next it lies (0 to 1)."""
    left = np.clip(np.searchsorted(times_s, wanted), 1, len(times_s) - 1) - 1
    share = (wanted - times_s[left]) / (times_s[left + 1] - times_s[left])
    return left, np.clip(share, 0.0, 1.0).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest point of a band. `share`: its lobe's part of the band's power. `second`: highest point outside
    the lobe, relative to the peak. `at_edge`: no lower point on one side inside the band, so the truth may lie outside.
    """

    hz: float
    power: float
    share: float
    second: float
    at_edge: bool


def find_peak(hz: NDArray[np.float64], power: NDArray[np.floating], lobe_hz: float) -> Peak | None:
    """The peak of a band, to a fraction of a step (parabola through three points). None where there is no power.

    Negative power (a cross spectrum has it where two sides disagree) counts against the share, never for it.
    """
    top = int(np.argmax(power))
    if not power[top] > 0:
        return None
    near = np.abs(hz - hz[top]) <= lobe_hz
    inside = float(np.maximum(power[near], 0).sum())
    outside = float(np.abs(power[~near]).sum())
    second = float(power[~near].max()) / float(power[top]) if not near.all() else 0.0
    at_edge = bool(near[0] and power[top] <= power[0] * 1.5) or bool(
        near[-1] and power[top] <= power[-1] * 1.5
    )
    share = inside / (inside + outside)
    return Peak(_refine(hz, power, top), float(power[top]), share, max(0.0, second), at_edge)


def _refine(hz: NDArray[np.float64], power: NDArray[np.floating], top: int) -> float:
    if not 0 < top < len(hz) - 1:
        return float(hz[top])
    before, here, after = (float(p) for p in power[top - 1 : top + 2])
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(hz[top] + shift * (hz[1] - hz[0]))


def decibels(share: float) -> float:
    """Signal over the rest, in dB, of a share of the power."""
    return 10.0 * float(np.log10((share + 1e-6) / (1.0 - share + 1e-6)))
