"""Real faces to look for: scikit-image's `lfw_subset`, a hundred squares of 25 x 25 that lie in its wheel.

Nobody's name is in it, and each face is there once (Labeled Faces in the Wild, Huang and others, 2007). So a
probe is the same
photograph on another day: turned, scaled, shifted, lit otherwise. That is easier for the attacker than another
photograph of
the same person: what he finds here is more than he would find in a room.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillroom.errors import SetupError

SIDE = 25
FACES = 100
WALL = 120.0
"""Luma of what is behind a face: a plain wall, which the attacker knows."""
LIGHT = (0.6, 1.6)
"""Between these a face's light lies, beside that of its photograph."""
SLOPE, TURN_DEG, SCALE, SHIFT_PX = 0.15, 4.0, 0.05, 0.5
"""Standard deviations: light from one side, turn, size, and place in pixels of the square, which the attacker
does not know."""

Floats = NDArray[np.floating[Any]]
_AWAY = np.arange(SIDE) - SIDE // 2
_DOWN, _ACROSS = np.meshgrid(_AWAY, _AWAY, indexing="ij")
_HEAD = np.clip((1 - np.hypot(_ACROSS / 12.2, _DOWN / 13.2)) * 6, 0, 1)
"""1 in the face, 0 beyond it: what stands around somebody in his photograph is not in the room."""


def load_faces() -> Floats:
    """Luma above the wall's, (FACES, SIDE, SIDE). Raises SetupError: scikit-image is not installed."""
    try:
        from skimage import data
    except ImportError:
        raise SetupError(
            "attacks need scikit-image and the faces in it: pip install 'stillroom[intruder]'"
        ) from None
    return np.asarray(data.lfw_subset()[:FACES] * 255.0 - WALL)


def enrolled(faces: Floats) -> Floats:
    """As a gallery has them: as they are, without what is around them."""
    return np.asarray(faces * _HEAD)


class Days:
    """Faces on other days: `of` gives another one each time, the same ones for a seed."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._deck: NDArray[np.intp] = np.zeros(0, np.intp)

    def who(self, faces: int, probes: int) -> NDArray[np.intp]:
        """Whose face each probe is: each as often as any other, so that to name always the same one is to guess."""
        while len(self._deck) < probes:
            self._deck = np.concatenate([self._deck, self._random.permutation(faces)])
        drawn, self._deck = self._deck[:probes], self._deck[probes:]
        return drawn

    def blindly(self, choices: int) -> int:
        """One of so many."""
        return int(self._random.integers(0, choices))

    def of(self, face: Floats) -> Floats:
        """(SIDE, SIDE), of one face that is not `enrolled` yet."""
        turned = self._turned(face + WALL)
        light = math.exp(self._random.uniform(math.log(LIGHT[0]), math.log(LIGHT[1])))
        across, down = self._random.normal(0, SLOPE, 2)
        lit = turned * light * (1 + (across * _ACROSS + down * _DOWN) / (SIDE // 2))
        return np.asarray((np.clip(lit, 0, 255) - WALL) * _HEAD)

    def _turned(self, face: Floats) -> Floats:
        from scipy import ndimage

        angle = math.radians(self._random.normal(0, TURN_DEG))
        scale = math.exp(self._random.normal(0, SCALE))
        cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
        matrix, middle = np.array([[cos, -sin], [sin, cos]]), np.full(2, SIDE // 2)
        offset = middle - matrix @ middle + self._random.normal(0, SHIFT_PX, 2)
        return np.asarray(ndimage.affine_transform(face, matrix, offset, order=3, mode="nearest"))
