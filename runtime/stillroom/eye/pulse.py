"""Pulse from the colour of skin: 0.7-3.0 Hz by POS (Wang, den Brinker, Stuijk, de Haan, IEEE TBME 64:7, 2017).

Two sets of cells that share no cell (a checkerboard) give two traces. Nine-second segments, one each second, give a
*cross* spectrum, which keeps what both sets show in the same phase and lets noise of cells, sensor and codec average
out. Over up to thirty seconds the rate is what `ridge.py` believes it to have been, given how far each segment's power
stands above its own noise; how sure that is decides. One trace alone is two identical sets: then the cross spectrum is
its power, and persistence along one ridge is all that speaks for it. No rate is more likely than another beforehand.

Where there is one colour only (infrared; a finger over the lens with a red light), its own relative swing is read, less
that of the rest of the picture, which blood in one place does not move.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from stillroom.eye.noise import NoiseFloor
from stillroom.eye.quality import logistic, quality
from stillroom.eye.ridge import Ridge, Track
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
DARKEST = 4.0
LEAST_LIGHT = 6.0
"""Counts from which a colour is there at all."""
FLAT = 1e-5
"""Relative swing of the colour differences below which there are none: a camera without colour."""
MAX_OUTSIDE = 0.5
"""Of one colour alone: most that the rest of the picture may swing, relative to the place that is read."""
MIN_CHROMA = 0.25
"""Least change of colour over change of light at the peak: blood has more than one, a lamp nearly none."""
MAX_BLUE = 1.15
"""Most blue over red. Skin of every tone sends back more red, unless the lamp has none of it; where blue stands out,
the camera's planes are exchanged.
"""
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


def one_colour(colours: Real) -> int | None:
    """(3, n, m) colours -> the only one with light in it, 1 (green, for all) where all are alike, or None."""
    level = colours.mean(axis=(1, 2))
    lit = np.flatnonzero(level >= LEAST_LIGHT)
    if len(lit) == 1:
        return int(lit[0])
    relative = colours / colours.mean(axis=1, keepdims=True)
    apart = relative[[0, 2]] - relative[1]
    return 1 if float(apart.std(axis=1).max()) < FLAT else None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the segments so far say.

    peak: of their mean. chroma: colour's swing over light's at the rate. stir: that of change itself. outside: swing of
    the rest of the picture over that of the place, of one colour alone; None with colours. blue: over red, now.
    """

    track: Track
    peak: Peak
    span_s: float
    chroma: float
    stir: float
    outside: float | None
    blue: float

    @property
    def possible(self) -> bool:
        """Whether it can be blood at all."""
        if self.outside is None:
            blood = self.chroma >= MIN_CHROMA and self.blue <= MAX_BLUE
        else:
            blood = self.outside <= MAX_OUTSIDE
        return LOW_HZ <= self.track.hz <= HIGH_HZ and blood and self.stir <= MAX_STIR

    @property
    def own(self) -> float:
        """The method's own estimate of being within 3 bpm: how sure the ridge is, and of one window how clear it is.

        Weights by logistic regression on odd seeds of simulated people, rounded.
        """
        certainty, peak = self.track.certainty, self.peak
        sure = np.log((certainty + 0.01) / (1.01 - certainty))
        return logistic(
            0.4 + 2.6 * sure + 0.06 * float(np.clip(decibels(peak.share), -12.0, 12.0)) - 0.8 * peak.second
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """Nine seconds: spectra (k, 2) of the two sets; amplitudes (k,) of colour, light, stir, the rest of the picture;
    mean blue over mean red.
    """

    until_s: float
    spectra: Complex
    chroma: Real
    light: Real
    stir: Real
    outside: Real
    one_colour: bool
    blue: float


class Pulse:
    """Make, feed a segment of two mean colours each second, read, restart."""

    def __init__(self) -> None:
        hz = basis_hz()
        self._segments: deque[Segment] = deque(maxlen=round(LONGEST_S - SEGMENT_S) + 1)
        self._noise, self._ridge = NoiseFloor(hz), Ridge(hz, LONGEST_S - SEGMENT_S)
        self.evidence: Evidence | None = None

    def restart(self) -> None:
        self._segments.clear()
        self._noise.restart()
        self._ridge.restart()
        self.evidence = None

    def feed(
        self,
        times_s: NDArray[np.float64],
        colours: Real,
        stir: Real,
        rate_hz: float,
        outside: Real | None = None,
    ) -> None:
        """Colours (3, n, 2) of the two sets and stir (n,) at `times_s`; the last nine seconds are read.

        stir: how much the picture changed from frame to frame, in any unit. outside: (n,) the light of the rest of
        the picture, in any unit; None: there is none.
        """
        samples = round(SEGMENT_S * rate_hz)
        beside = np.ones_like(stir) if outside is None else outside
        flat = np.column_stack([colours.transpose(1, 0, 2).reshape(len(times_s), -1), stir, beside])
        even = resample(times_s, flat, rate_hz, samples)
        segment = _segment(float(times_s[-1]), even, rate_hz)
        if self._segments and self._segments[-1].one_colour != segment.one_colour:
            self.restart()
        self._segments.append(segment)
        while segment.until_s - self._segments[0].until_s > LONGEST_S - SEGMENT_S + 0.5:
            self._segments.popleft()
        spectra, power = segment.spectra, np.abs(segment.spectra)
        floor = self._noise.feed(power[:, 0] * power[:, 1])
        cross = np.real(spectra[:, 0] * spectra[:, 1].conj())
        self._ridge.feed(segment.until_s, (np.maximum(cross, 0.0) / floor).astype(np.float32))

    def read(self) -> Reading:
        """The rate, or `low-signal`, or `warming-up` before the first segment."""
        self.evidence = evidence = self._weigh()
        if evidence is None:
            return Reading(withheld="low-signal" if self._segments else "warming-up")
        window_s = round(evidence.span_s, 1)
        worth = quality("pulse", evidence.own) if evidence.possible else None
        if worth is None:
            return Reading(withheld="low-signal", window_s=window_s)
        method = "pos" if evidence.outside is None else "one-colour"
        return Reading(round(60 * evidence.track.hz, 2), worth, None, method, window_s)

    def _weigh(self) -> Evidence | None:
        track = self._ridge.read()
        if track is None:
            return None
        spectra = np.stack([segment.spectra for segment in self._segments])
        cross = np.real(spectra[..., 0] * spectra[..., 1].conj()).mean(axis=0)
        peak = find_peak(basis_hz(), cross, LOBE_HZ)
        if peak is None:
            return None
        at = int(np.argmin(np.abs(basis_hz() - track.hz)))
        chroma, light, stir, outside = (
            float(np.sqrt(np.mean([getattr(segment, name)[at] ** 2 for segment in self._segments])))
            for name in ("chroma", "light", "stir", "outside")
        )
        last, inside = self._segments[-1], max(light, 1e-9)
        span_s = last.until_s - self._segments[0].until_s + SEGMENT_S
        beside = outside / inside if last.one_colour else None
        return Evidence(track, peak, span_s, chroma / inside, stir, beside, last.blue)


def _segment(until_s: float, even: Real, rate_hz: float) -> Segment:
    """even: (n, 8), columns R, G, B of the two sets in turn, stir and the rest."""
    samples = len(even)
    colours = even[:, :6].reshape(samples, 3, 2).transpose(1, 0, 2)
    own = colours / colours.mean(axis=1, keepdims=True)
    stir, outside = (even[:, column] / max(float(even[:, column].mean()), 1e-9) for column in (6, 7))
    alone = one_colour(colours)
    signals = pos(colours, rate_hz) if alone is None else own[alone] - outside[:, None]
    relative = own.mean(axis=2)
    red, green, blue = relative
    light = relative.mean(axis=0) if alone is None else relative[alone] - outside
    beside = np.stack([green - blue, green + blue - 2 * red, light, stir, outside], axis=1)
    transform = basis(samples, rate_hz, SEEN_LOW_HZ, SEEN_HIGH_HZ, STEP_HZ, 1)
    spectra = transform(np.concatenate([signals, beside], axis=1))
    amplitudes = np.abs(spectra[:, 2:]) * np.float32(4.0 / (samples + 1))
    chroma = np.maximum(amplitudes[:, 0], amplitudes[:, 1])
    swings = amplitudes[:, 2], amplitudes[:, 3], amplitudes[:, 4]
    level = colours.mean(axis=(1, 2))
    return Segment(until_s, spectra[:, :2], chroma, *swings, alone is not None, float(level[2] / level[0]))


def basis_hz() -> NDArray[np.float64]:
    """Frequencies of the pulse band, in Hz."""
    return np.arange(SEEN_LOW_HZ, SEEN_HIGH_HZ + STEP_HZ / 2, STEP_HZ)
