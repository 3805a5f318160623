"""A person who does nothing but breathe: painted at a few depths of breath, then mixed from the two nearest.

The steps are an eighth of a breath, about 0.1 px: between them the picture is as good as linear. The pulse adds one
difference picture, because colour is linear in it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stillroom_tools.lab.scene import Floats

Paint = Callable[[float, float], Floats]
"""(breath, beat) -> the picture as one flat float32 array."""

_STEPS = 8
_LOWEST = -0.75


class Still:
    """Pictures of one posture. Each level is painted when it is first needed."""

    def __init__(self, paint: Paint) -> None:
        self._paint = paint
        self._levels: dict[int, NDArray[np.int16]] = {}
        self._beat = paint(0.0, 0.5)
        self._beat -= paint(0.0, -0.5)
        self._mixed = np.empty_like(self._beat)
        self._part = np.empty_like(self._beat)

    def mixed(self, breath: float, beat: float) -> Floats:
        """The picture at any moment; valid until the next is asked for."""
        place = (breath - _LOWEST) * _STEPS
        level = int(place)
        share = place - level
        np.multiply(self._level(level), np.float32(1.0 - share), out=self._mixed)
        np.multiply(self._level(level + 1), np.float32(share), out=self._part)
        self._mixed += self._part
        np.multiply(self._beat, np.float32(beat), out=self._part)
        self._mixed += self._part
        self._mixed += np.float32(
            0.5
        )  # levels are whole steps: what drops the fraction next must not flutter
        return self._mixed

    def _level(self, level: int) -> NDArray[np.int16]:
        if level not in self._levels:
            self._levels[level] = self._paint(_LOWEST + level / _STEPS, 0.0).astype(np.int16)
        return self._levels[level]
