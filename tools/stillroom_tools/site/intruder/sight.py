"""What frames at known places say of a face, gathered so that one frame and 256 are the same thing to an attack.

Told values are rows[s] f columns[s].T and noise, so all of a path's frames come down to one vector and one
matrix of a
face's own size (normal equations; super-resolution with known shifts as in Elad and Feuer, 1997).
"""

from functools import cache

import numpy as np

from stillroom_tools.site.intruder.faces import SIDE, WALL, Floats
from stillroom_tools.site.intruder.levels import Level
from stillroom_tools.site.intruder.optics import Optics
from stillroom_tools.site.intruder.shots import Luma

VALUES = SIDE * SIDE
_SD, _REACH_PX = 50.0, 4.0
"""Of any face, before anything is seen: how far luma lies from the wall's, and over how many pixels it is alike."""


class Sight:
    """One level over some places of a path. Told: (probes, places, rows, columns)."""

    def __init__(self, optics: Optics, level: Level, places: range) -> None:
        self.level, self.places = level, places
        chosen = slice(places.start, places.stop)
        rows, columns = (each[chosen] for each in level.operators(optics))
        self._down, self._across = _reach(rows), _reach(columns)
        self.rows, self.columns = rows[:, self._down], columns[:, self._across]
        self.gram = self._gram() / level.noise

    def _gram(self) -> Floats:
        """(VALUES, VALUES): the sum over places of what each says."""
        total = np.zeros((SIDE, SIDE, SIDE, SIDE))
        for row, column in zip(self.rows, self.columns, strict=True):
            total += np.multiply.outer(row.T @ row, column.T @ column).transpose(0, 2, 1, 3)
        return total.reshape(VALUES, VALUES)

    def read(self, told: Luma) -> Floats:
        """(probes, places, rows, columns) of the part of the picture that a face can touch, above the wall's luma."""
        return self.level.read(told[:, :, self._down, self._across])

    def gather(self, told: Luma) -> Floats:
        """(probes, VALUES): all that the told values say of a face, by the noise that they have."""
        said = self.rows.transpose(0, 2, 1) @ self.read(told) @ self.columns
        return np.asarray(said.sum(axis=1).reshape(len(told), VALUES) / self.level.noise)

    def expected(self, faces: Floats) -> Floats:
        """(faces, places, rows, columns): what would be read of these faces, (faces, SIDE, SIDE), without
        steps and noise."""
        return np.asarray(self.rows @ faces[:, None] @ self.columns.transpose(0, 2, 1))


def wiener(sight: Sight) -> Floats:
    """(VALUES, VALUES) that makes a face of what was gathered: Wiener's filter for this sight, faces being smooth."""
    return np.asarray(np.linalg.inv(_smooth() + sight.gram))


@cache
def _smooth() -> Floats:
    """The inverse of how values of any face vary together, before anything is seen."""
    at = np.stack(np.divmod(np.arange(VALUES), SIDE), axis=1)
    apart = np.hypot(*(at[:, None] - at).transpose(2, 0, 1))
    return np.asarray(np.linalg.inv(_SD**2 * np.exp(-apart / _REACH_PX)))


def richardson_lucy(sight: Sight, told: Luma, turns: int) -> Floats:
    """(probes, VALUES): light that is never below zero, brought nearer to what was told turn by turn (Lucy, 1974)."""
    rows, columns = sight.rows, sight.columns
    back_rows, back_columns = rows.transpose(0, 2, 1), columns.transpose(0, 2, 1)
    ones = np.ones((len(sight.places), rows.shape[1], columns.shape[1]))
    weight = np.maximum((back_rows @ ones @ columns).sum(axis=0), 1e-6)
    wall = WALL - WALL * (rows @ np.ones((SIDE, SIDE)) @ back_columns)
    seen = np.maximum(sight.read(told) + WALL, 0.5)
    light = np.full((len(told), SIDE, SIDE), WALL)
    for _ in range(turns):
        made = rows @ light[:, None] @ back_columns + wall
        light *= (back_rows @ (seen / np.maximum(made, 0.5)) @ columns).sum(axis=1) / weight
    return (light - WALL).reshape(len(told), VALUES)


def _reach(weights: Floats) -> slice:
    there = np.flatnonzero(weights.any(axis=(0, 2)))
    return slice(int(there[0]), int(there[-1]) + 1)
