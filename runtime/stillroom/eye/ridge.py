"""The rate along which power lies, segment after segment: the posterior of a hidden Markov chain over the frequencies.

Between two segments a rate drifts a little (a random walk) or, rarely, is anything (what the past says is not for
ever). A segment speaks for a frequency by log(1 + power over noise): a burst counts for little more than a clear line.
Segments that share samples say much the same, so each counts by its new share alone. All frequencies start alike, and
no rate is more likely than another. Forward-backward as in Rabiner (Proc. IEEE 77:2, 1989), equations 19-27.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.spectrum import Real

DRIFT_STEPS = 0.6
"""Standard deviation of the walk a second, in steps of the frequencies: 0.7 bpm."""
ANYTHING = 0.02
"""Probability a second that what came before says nothing of the rate."""
NEW_SHARE = 0.22
"""Of what a segment says, a second after the one before: under a Hann window nine seconds are those of four or five."""
NEAR_HZ = 0.12
LONGEST_GAP_S = 10
_REACH = 4


@dataclass(frozen=True, slots=True)
class Track:
    """Mean rate over the segments, and the mean probability that the rate was within NEAR_HZ of its likeliest path.

    spread_hz: between the least and the greatest rate of that path.
    """

    hz: float
    certainty: float
    spread_hz: float


@dataclass(frozen=True, slots=True)
class _Step:
    until_s: float
    gap_s: int
    speaks: Real
    forward: Real


class Ridge:
    """Make for evenly spaced frequencies (k,), feed each segment's power over noise, read, restart."""

    def __init__(self, hz: NDArray[np.float64], longest_s: float) -> None:
        self._hz = hz
        self._longest_s = longest_s
        self._drift = _drift(len(hz))
        self._steps: deque[_Step] = deque(maxlen=round(longest_s) + 1)

    def restart(self) -> None:
        self._steps.clear()

    def feed(self, until_s: float, power: Real) -> None:
        """power: (k,) over noise, 0 or more."""
        before = self._steps[-1] if self._steps else None
        if before is None:
            gap_s, weight, forward = 0, 1.0, np.full(len(self._hz), 1.0 / len(self._hz), np.float32)
        else:
            gap_s = min(LONGEST_GAP_S, max(1, round(until_s - before.until_s)))
            weight = min(1.0, NEW_SHARE * gap_s)
            forward = self._spread(before.forward, gap_s)
        speaks = np.exp(np.float32(weight) * np.log1p(power))
        forward = forward * speaks
        self._steps.append(_Step(until_s, gap_s, speaks, forward / forward.sum()))
        while until_s - self._steps[0].until_s > self._longest_s + 0.5:
            self._steps.popleft()

    def read(self) -> Track | None:
        """The path through the segments of the last `longest_s`; None before the first."""
        if not self._steps:
            return None
        beliefs = self._smoothed()
        path = self._hz[beliefs.argmax(axis=1)]
        near = beliefs * (np.abs(self._hz - path[:, None]) <= NEAR_HZ)
        certain = near.sum(axis=1)
        rates = (near * self._hz).sum(axis=1) / certain
        return Track(float(rates.mean()), float(certain.mean()), float(np.ptp(rates)))

    def _smoothed(self) -> Real:
        """(n, k) what each moment's rate may have been, by what came before and after."""
        later = np.ones(len(self._hz), np.float32)
        beliefs = [self._steps[-1].forward]
        for step, before in zip(list(self._steps)[:0:-1], list(self._steps)[-2::-1], strict=True):
            later = self._spread(later * step.speaks, step.gap_s)
            later /= later.sum()
            belief = before.forward * later
            beliefs.append(belief / belief.sum())
        return np.stack(beliefs[::-1])

    def _spread(self, belief: Real, seconds: int) -> Real:
        """The drift is symmetric: the same forwards and backwards in time."""
        for _ in range(seconds):
            total = belief.sum()
            belief = (1 - ANYTHING) * (self._drift @ belief) + np.float32(ANYTHING / len(belief)) * total
        return belief


def _drift(count: int) -> Real:
    """(count, count) symmetric; what would leave at an end stays there."""
    away = np.arange(-_REACH, _REACH + 1)
    weights = np.exp(-0.5 * (away / DRIFT_STEPS) ** 2)
    weights /= weights.sum()
    matrix = np.zeros((count, count))
    for shift, weight in zip(away, weights, strict=True):
        matrix += weight * np.eye(count, k=int(shift))
    matrix += np.diag(1.0 - matrix.sum(axis=1))
    return matrix.astype(np.float32)
