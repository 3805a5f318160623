"""Rates that wander as people's do, as closed formulas of time: any moment can be had without those before it.

rate(t) = mean * (1 + variability * w(t)) + ramp(t), w a sum of slow sines of unit variance; the phase is its exact
integral. While breath is held, the time that counts for all of it stands still.
"""

import math
from dataclasses import dataclass, replace

from stillroom_tools.lab.scene_random import units

TAU = 2.0 * math.pi


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A rate around `per_min`, with slow waves of (amplitude, radians a second, phase)."""

    per_min: float
    waves: tuple[tuple[float, float, float], ...]
    start: float
    ramp: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Gained each minute, from when, for how many seconds."""
    hold: tuple[float, float] = (0.0, 0.0)
    """Held at the end of every so many seconds, for how long; no holds where the first is 0."""

    def turns(self, at_s: float) -> float:
        """Cycles since time 0, and a seeded part of one."""
        at_s = self.active_s(at_s)
        wander = sum([a / w * (math.cos(p) - math.cos(w * at_s + p)) for a, w, p in self.waves])
        ramped = self._ramped(at_s) if self.ramp[0] else 0.0
        return self.start + self.per_min / 60.0 * (at_s + wander) + ramped

    def rate_per_min(self, at_s: float) -> float:
        """The rate at one moment; while it is held, the one at which it will go on."""
        at_s = self.active_s(at_s)
        gained, from_s, for_s = self.ramp
        more = gained / 60.0 * min(max(at_s - from_s, 0.0), for_s)
        return self.per_min * (1.0 + sum(a * math.sin(w * at_s + p) for a, w, p in self.waves)) + more

    def active_s(self, at_s: float) -> float:
        """Seconds up to a time in which it was not held."""
        every_s, held_s = self.hold
        if not every_s:
            return at_s
        whole, into_s = divmod(at_s, every_s)
        return whole * (every_s - held_s) + min(into_s, every_s - held_s)

    def _ramped(self, at_s: float) -> float:
        """Cycles more (or fewer) by the ramp."""
        gained, from_s, for_s = self.ramp
        into_s = max(at_s - from_s, 0.0)
        rising = min(into_s, for_s)
        return gained / 3600.0 * (0.5 * rising**2 + for_s * (into_s - rising))

    def mean_per_min(self, from_s: float, to_s: float) -> float:
        """The mean rate over a stretch of time: cycles begun and ended, by their number."""
        return 60.0 * (self.turns(to_s) - self.turns(from_s)) / (to_s - from_s)


def rhythm(per_min: float, variability: float, slowest_s: float, *seed: int) -> Rhythm:
    """A rhythm that wanders over periods from `slowest_s / 5` to `slowest_s` seconds."""
    amplitude = variability * math.sqrt(2.0 / 4)
    start, *shares = units(9, *seed)
    waves = tuple(
        (amplitude, TAU / (slowest_s * (0.2 + 0.8 * period)), TAU * phase)
        for period, phase in zip(shares[:4], shares[4:], strict=True)
    )
    return Rhythm(per_min, waves, start)


def with_unrest(rhythm: Rhythm, ramp: tuple[float, float, float], hold: tuple[float, float]) -> Rhythm:
    """The same rhythm with a ramp and with holds (every, for; in seconds)."""
    every_s, held_s = hold
    return replace(rhythm, ramp=ramp, hold=(every_s, min(held_s, 0.9 * every_s)))


def breath(turns: float) -> float:
    """Chest position, -0.5 (breathed out) to about 0.5: in for 40 % of the cycle, out for 60 %."""
    phase = turns % 1.0
    part = phase / 0.4 if phase < 0.4 else 1.0 - (phase - 0.4) / 0.6
    depth = 1.0 + 0.12 * math.sin(turns * 0.77) + 0.06 * math.sin(turns * 0.31 + 1.0)
    return depth * (0.5 - 0.5 * math.cos(math.pi * part)) - 0.5


def beat(turns: float) -> float:
    """How much light the blood takes away, peak to peak about 1: a fast rise, a slower fall with its notch."""
    angle = TAU * turns
    return 0.42 * math.sin(angle) + 0.17 * math.sin(2 * angle + 0.6) + 0.05 * math.sin(3 * angle + 1.2)
