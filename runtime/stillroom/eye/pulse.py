"""Pulse from the colour of skin: 0.7-3.0 Hz by POS (Wang, den Brinker, Stuijk, de Haan, IEEE TBME 64:7, 2017).

Two sets of cells that share no cell (a checkerboard) give two traces. Nine-second segments, one each second, give a
spectrum of each; the mean over up to thirty seconds of the *cross* spectrum keeps what both sets show in the same phase
and lets noise of cells, sensor and codec average out. The fewer segments there are, the more of the band the peak must
hold; with more of them, early and late ones must agree. No rate is more likely than another beforehand.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from stillroom.eye.spectrum import Complex, Peak, Real, basis, decibels, find_peak, resample
from stillroom.eye.traces import CHROMA_SAMPLES, LUMA_PIXELS, MAX_ADDED
from stillroom.observation import Reading

LOW_HZ, HIGH_HZ = 0.7, 3.0
SEEN_LOW_HZ, SEEN_HIGH_HZ, STEP_HZ = 0.5, 3.3, 0.02
"""Looked at beyond the band: drift and motion show themselves there."""
SEGMENT_S = 9.0
LONGEST_S = 30.0
POS_WINDOW_S = 1.6
LOBE_HZ = 0.2
MAX_SECOND = 0.5
MAX_APART_HZ = 0.1
"""Between two sets of cells, and between early and late segments: six beats a minute."""
MIN_DB = ([1.0, 2.0, 3.0], [2.5, 0.5, -1.5])
"""Least signal over the rest of the band, by how many segments' lengths the readings span."""
DARKEST = 4.0
MIN_CHROMA = 0.25
"""Least change of colour over change of light at the peak: blood has more than one, a lamp nearly none."""
MAX_STIR = 0.15
"""Most that the change from frame to frame may itself swing at the peak's rate: a codec's key frames, a fan."""


def rgb(rows: Real) -> Real:
    """(n, 3, m) sums of Y, U, V as the fast ring holds them -> (3, n, m) R, G, B counts (BT.601, full range)."""
    y = rows[:, 0] / (MAX_ADDED * LUMA_PIXELS)
    u = rows[:, 1] / (MAX_ADDED * CHROMA_SAMPLES) - 128.0
    v = rows[:, 2] / (MAX_ADDED * CHROMA_SAMPLES) - 128.0
    colours = np.stack([y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u])
    return np.maximum(colours, DARKEST)


def pos(colours: Real, rate_hz: float) -> Real:
    """(3, n, m) mean colours -> (n, m) pulse signals: POS with overlap-add, equations 2-5 of the source."""
    length = round(POS_WINDOW_S * rate_hz)
    windows = np.ascontiguousarray(np.moveaxis(sliding_window_view(colours, length, axis=1), -1, 0))
    windows /= windows.mean(axis=0)
    red, green, blue = windows.transpose(1, 0, 2, 3)
    first, second = green - blue, green + blue - 2 * red
    parts = first + first.std(axis=0) / np.maximum(second.std(axis=0), 1e-9) * second
    parts -= parts.mean(axis=0)
    signal: Real = np.zeros(colours.shape[1:], np.float32)
    for offset in range(length):
        signal[offset : offset + parts.shape[1]] += parts[offset]
    return signal


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the segments so far say. `lengths`: how many segments' lengths they span; `apart_hz`: worst disagreement."""

    peak: Peak
    lengths: float
    apart_hz: float
    span_s: float
    chroma: float
    stir: float

    @property
    def decibels(self) -> float:
        return decibels(self.peak.share)

    @property
    def needed(self) -> float:
        return float(np.interp(self.lengths, *MIN_DB))

    @property
    def trusted(self) -> bool:
        peak = self.peak
        return (
            LOW_HZ <= peak.hz <= HIGH_HZ
            and not peak.at_edge
            and self.decibels >= self.needed
            and peak.second <= MAX_SECOND
            and self.apart_hz <= MAX_APART_HZ
            and self.chroma >= MIN_CHROMA
            and self.stir <= MAX_STIR
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """Nine seconds: spectra (k, 2) of the two sets, and amplitudes (k,) of colour, light and stir beside them."""

    until_s: float
    spectra: Complex
    chroma: Real
    light: Real
    stir: Real


class Pulse:
    """Make, feed a segment of two mean colours each second, read, restart."""

    def __init__(self) -> None:
        self._segments: deque[Segment] = deque(maxlen=round(LONGEST_S - SEGMENT_S) + 1)
        self.evidence: Evidence | None = None

    def restart(self) -> None:
        self._segments.clear()
        self.evidence = None

    def feed(self, times_s: NDArray[np.float64], colours: Real, stir: Real, rate_hz: float) -> None:
        """Colours (3, n, 2) of the two sets and stir (n,) at `times_s`; the last nine seconds are read.

        stir: how much the picture changed from frame to frame, in any unit.
        """
        samples = round(SEGMENT_S * rate_hz)
        flat = np.column_stack([colours.transpose(1, 0, 2).reshape(len(times_s), -1), stir])
        even = resample(times_s, flat, rate_hz, samples)
        segment = _segment(float(times_s[-1]), even, rate_hz)
        self._segments.append(segment)
        while segment.until_s - self._segments[0].until_s > LONGEST_S - SEGMENT_S + 0.5:
            self._segments.popleft()

    def read(self) -> Reading:
        """The rate, or `low-signal`, or `warming-up` before the first segment."""
        self.evidence = evidence = self._weigh()
        if evidence is None:
            return Reading(withheld="low-signal" if self._segments else "warming-up")
        window_s = round(evidence.span_s, 1)
        if not evidence.trusted:
            return Reading(withheld="low-signal", window_s=window_s)
        quality = quality_of(evidence)
        return Reading(round(60 * evidence.peak.hz, 2), round(quality, 3), None, "pos", window_s)

    def _weigh(self) -> Evidence | None:
        if not self._segments:
            return None
        times = [segment.until_s for segment in self._segments]
        spectra = np.stack([segment.spectra for segment in self._segments])
        hz = basis_hz()
        cross = np.real(spectra[..., 0] * spectra[..., 1].conj())
        peak = find_peak(hz, cross.mean(axis=0), LOBE_HZ)
        if peak is None:
            return None
        powers = [(np.abs(spectra[..., side]) ** 2).mean(axis=0) for side in (0, 1)]
        span_s = times[-1] - times[0]
        if span_s >= SEGMENT_S:
            third = max(1, len(times) // 3)
            powers += [cross[:third].mean(axis=0), cross[-third:].mean(axis=0)]
        others = [find_peak(hz, power, LOBE_HZ) for power in powers]
        apart = max(abs(other.hz - peak.hz) if other else np.inf for other in others)
        at = int(np.argmin(np.abs(hz - peak.hz)))
        chroma, light, stir = (
            float(np.sqrt(np.mean([getattr(segment, name)[at] ** 2 for segment in self._segments])))
            for name in ("chroma", "light", "stir")
        )
        return Evidence(
            peak, 1.0 + span_s / SEGMENT_S, apart, span_s + SEGMENT_S, chroma / max(light, 1e-9), stir
        )


def _segment(until_s: float, even: Real, rate_hz: float) -> Segment:
    """even: (n, 7), columns R, G, B of the two sets in turn, and stir."""
    samples = len(even)
    colours = even[:, :6].reshape(samples, 3, 2).transpose(1, 0, 2)
    relative = (colours / colours.mean(axis=1, keepdims=True)).mean(axis=2)
    red, green, blue = relative
    stir = even[:, 6] / max(float(even[:, 6].mean()), 1e-9)
    beside = np.stack([green - blue, green + blue - 2 * red, relative.mean(axis=0), stir], axis=1)
    transform = basis(samples, rate_hz, SEEN_LOW_HZ, SEEN_HIGH_HZ, STEP_HZ, 1)
    spectra = transform(np.concatenate([pos(colours, rate_hz), beside], axis=1))
    amplitudes = np.abs(spectra[:, 2:]) * np.float32(4.0 / (samples + 1))
    chroma = np.maximum(amplitudes[:, 0], amplitudes[:, 1])
    return Segment(until_s, spectra[:, :2], chroma, amplitudes[:, 2], amplitudes[:, 3])


def basis_hz() -> NDArray[np.float64]:
    """Frequencies of the pulse band, in Hz."""
    return np.arange(SEEN_LOW_HZ, SEEN_HIGH_HZ + STEP_HZ / 2, STEP_HZ)


def quality_of(evidence: Evidence) -> float:
    """Probability of being within 3 bpm, from signal over the rest and how long it lasted.

    A logistic curve with weights set by hand: an estimate, not yet calibrated.
    """
    score = 0.5 * (evidence.decibels - evidence.needed) + 0.6 * evidence.lengths - 8.0 * evidence.apart_hz
    return float(np.clip(1.0 / (1.0 + np.exp(-score)), 0.5, 0.97))
