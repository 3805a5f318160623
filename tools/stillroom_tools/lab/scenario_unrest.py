"""What somebody does while "still": a swaying head, a shoved bed, talking, coughs. Functions of time alone."""

import math
from functools import lru_cache

import numpy as np

from stillroom_tools.lab.scenario_physics import Unrest
from stillroom_tools.lab.scene import Points
from stillroom_tools.lab.scene_body import CHEST, HEAD, NECK, NOSE
from stillroom_tools.lab.scene_random import unit, units

_BOUT_S = 8.0
_FIT_SLOT_S = 10.0
_SHOVE_S = 0.4
_JERKS_S = 1.2
_SINES = 24


def waves(at_s: float, low_hz: float, high_hz: float, *seed: int) -> float:
    """A number of variance 1 that wanders with time: five sines of seeded frequency and phase."""
    return sum(size * math.sin(hz * at_s + turn) for size, hz, turn in _even(low_hz, high_hz, seed))


def sway(at_s: float, low_hz: float, high_hz: float, *seed: int) -> float:
    """The same as a body sways: many sines, the slower the larger (1 / f), so that no line stands out."""
    return sum(size * math.sin(hz * at_s + turn) for size, hz, turn in _falling(low_hz, high_hz, seed))


_Waves = tuple[tuple[float, float, float], ...]


@lru_cache(maxsize=256)
def _even(low_hz: float, high_hz: float, seed: tuple[int, ...]) -> _Waves:
    """Amplitude, radians a second, phase of each."""
    parts = zip(units(5, *seed, 1), units(5, *seed, 2), strict=True)
    size = math.sqrt(2.0 / 5.0)
    return tuple(
        (size, math.tau * (low_hz + (high_hz - low_hz) * place), math.tau * turn) for place, turn in parts
    )


@lru_cache(maxsize=256)
def _falling(low_hz: float, high_hz: float, seed: tuple[int, ...]) -> _Waves:
    places, turns = units(_SINES, *seed, 1), units(_SINES, *seed, 2)
    step = (high_hz - low_hz) / _SINES
    hz = [low_hz + step * (index + place) for index, place in enumerate(places)]
    scale = math.sqrt(2.0 / sum(each**-2.0 for each in hz))
    return tuple(
        (scale / each, math.tau * each, math.tau * turn) for each, turn in zip(hz, turns, strict=True)
    )


class Restless:
    """Make for one person; shifts a pose (15, 3) in place."""

    def __init__(self, unrest: Unrest, seed: int) -> None:
        self._unrest, self._seed = unrest, seed

    def shift(self, pose: Points, at_s: float) -> bool:
        """Move the joints to where they are at a time. True where something goes on just now."""
        head = self._swayed(at_s) + self._talked(at_s)
        jerk = self._coughed(at_s)
        moving = bool(head.any()) or jerk != 0.0
        if moving:
            pose[[HEAD, NOSE]] += head + [0.0, 0.0, -0.020 * jerk]
            pose[[CHEST, NECK]] += [0.0, 0.012 * jerk, 0.0]
        return self._shoved(pose, at_s) or moving

    def talks(self, at_s: float) -> float:
        """0 silent to 1 talking."""
        if not self._unrest.talking:
            return 0.0
        slot, into_s = divmod(at_s, _BOUT_S)
        if unit(self._seed, int(slot), 41) >= self._unrest.talking:
            return 0.0
        return min(1.0, 2.0 * into_s, 2.0 * (_BOUT_S - into_s))

    def _swayed(self, at_s: float) -> Points:
        way_m = self._unrest.head_mm / 1000.0
        if not way_m:
            return np.zeros(3)
        return way_m * np.array([sway(at_s, 0.05, 0.8, self._seed, 42 + axis) for axis in range(3)])

    def _talked(self, at_s: float) -> Points:
        loud = self.talks(at_s)
        if not loud:
            return np.zeros(3)
        return 0.002 * loud * np.array([waves(at_s, 1.0, 4.0, self._seed, 45 + axis) for axis in range(3)])

    def _coughed(self, at_s: float) -> float:
        """-1 to 1: three jerks that grow weaker."""
        slot = int(at_s // _FIT_SLOT_S)
        if unit(self._seed, slot, 48) >= self._unrest.coughs_per_min * _FIT_SLOT_S / 60.0:
            return 0.0
        into_s = at_s - slot * _FIT_SLOT_S - 7.0 * unit(self._seed, slot, 49)
        if not 0.0 < into_s < _JERKS_S:
            return 0.0
        return math.exp(-into_s) * math.sin(math.tau * into_s * 3.0 / _JERKS_S)

    def _shoved(self, pose: Points, at_s: float) -> bool:
        way_m = self._unrest.bed_mm / 1000.0
        if not way_m:
            return False
        slot = int(at_s // self._unrest.bed_every_s)
        begins_s = (slot + 0.8 * unit(self._seed, slot, 50)) * self._unrest.bed_every_s
        share = min(max((at_s - begins_s) / _SHOVE_S, 0.0), 1.0)
        eased = share * share * (3.0 - 2.0 * share)
        before, after = self._place(slot - 1), self._place(slot)
        pose[:, [0, 2]] += way_m * (before * (1.0 - eased) + after * eased)
        return 0.0 < share < 1.0

    def _place(self, slot: int) -> Points:
        """Where the bed stands after a shove: (2,) -1 to 1 along and across."""
        return np.array(units(2, self._seed, slot, 51)) * 2.0 - 1.0
