"""People who do nothing but breathe: painted at a few depths of breath each, then mixed from the two nearest.

The steps are an eighth of a breath, about 0.1 px: between them the picture is as good as linear. The pulse adds one
difference picture each, because colour is linear in it. Of several people each is painted with the others half breathed
in, and what each changes is added up: exact where they do not overlap.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stillroom_tools.lab.scene import Floats
from stillroom_tools.lab.scene_person import Vital

Vitals = tuple[Vital, ...]
"""Breath and beat of each body."""
Paint = Callable[[Vitals], Floats]
"""Vitals -> the picture as one flat float32 array."""

LOWEST, STEPS = -0.75, 8
"""Depth of breath at level 0, and levels from one to the next whole breath."""
REST = 6
"""The level of a breath of 0."""


def levels(breath: float) -> tuple[int, float]:
    """The level below a depth of breath, and the share of the next one in it."""
    place = (breath - LOWEST) * STEPS
    level = int(place)
    return level, place - level


def alone(count: int, body: int, vital: Vital) -> Vitals:
    """One body at a breath and beat, all others at rest."""
    return tuple(vital if index == body else Vital(0.0, 0.0) for index in range(count))


class Still:
    """Pictures of one posture of each. Each level is painted when it is first needed."""

    def __init__(self, paint: Paint, count: int = 1) -> None:
        """count: how many bodies there are."""
        self._paint, self._count = paint, count
        self._levels: dict[tuple[int, int], NDArray[np.int16]] = {}
        self._beats = [self._beat(body) for body in range(count)]
        self._mixed = np.empty_like(self._beats[0])
        self._part = np.empty_like(self._beats[0])

    def mixed(self, vitals: Vitals) -> Floats:
        """The picture at any moment; valid until the next is asked for."""
        for body, vital in enumerate(vitals):
            level, share = levels(vital.breath)
            if body == 0:
                np.multiply(self._level(body, level), np.float32(1.0 - share), out=self._mixed)
            else:
                np.multiply(self._level(body, level), np.float32(1.0 - share), out=self._part)
                self._mixed += self._part
                self._mixed -= self._level(0, REST)
            np.multiply(self._level(body, level + 1), np.float32(share), out=self._part)
            self._mixed += self._part
            np.multiply(self._beats[body], np.float32(vital.beat), out=self._part)
            self._mixed += self._part
        # levels are whole steps: what drops the fraction next must not flutter
        self._mixed += np.float32(0.5)
        return self._mixed

    def _beat(self, body: int) -> Floats:
        high, low = (self._paint(alone(self._count, body, Vital(0.0, beat))) for beat in (0.5, -0.5))
        high -= low
        return high

    def _level(self, body: int, level: int) -> NDArray[np.int16]:
        if (body, level) not in self._levels:
            vitals = alone(self._count, body, Vital(LOWEST + level / STEPS, 0.0))
            self._levels[body, level] = self._paint(vitals).astype(np.int16)
        return self._levels[body, level]
