"""Frames with a face in them: the simulator's sensor and rounding, then the eye's own code down to the squares."""

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.distil import Grid, distil
from stillroom.eye.frame import Frame
from stillroom.eye.order import Order
from stillroom.eye.view import average
from stillroom.view_forms import GREYS
from stillroom_tools.lab.scene_sensor import FINE, Counts, Noise, exposure, noise_tables, to_fine
from stillroom_tools.site.intruder.faces import WALL, Floats
from stillroom_tools.site.intruder.optics import CAMERA_PX, VIEW_PX, Optics

LUX = 200.0
_WALLS = 8
"""Frames of the empty wall, each with noise of its own."""
Luma = NDArray[np.uint8]


class Shots:
    """The camera of one attack. `clear` is a view's picture before its squares."""

    def __init__(self, optics: Optics, seed: int) -> None:
        self._optics = optics
        state = exposure(optics.lens, LUX, LUX, 1e6, 0.0)
        self._sigma, self._noise = noise_tables(optics.lens, state).luma, Noise(seed)
        self._chroma = np.full((CAMERA_PX[0] // 2, CAMERA_PX[1] // 2), 128, np.uint8)
        self._grid = Grid(CAMERA_PX[1], CAMERA_PX[0])
        self._walls = [self._sensed(np.full(CAMERA_PX, WALL), each) for each in range(_WALLS)]
        self._picture = np.zeros(VIEW_PX, np.uint8)
        down, across = (camera / view for camera, view in zip(CAMERA_PX, VIEW_PX, strict=True))
        self._order = Order((across, 0.0, 0.0, 0.0, down, 0.0), self._picture, 0)
        self._taken = _WALLS

    def frame(self, face: Floats, place: int) -> Frame:
        """The camera's, with a face (luma above the wall's) at one of the path's places."""
        self._taken += 1
        down, across = (weights[place] for weights in self._optics.camera)
        rows, columns = (_extent(weights) for weights in (down, across))
        luma = self._walls[self._taken % _WALLS].copy()
        luma[rows, columns] = self._sensed(WALL + down[rows] @ face @ across[columns].T, self._taken)
        return Frame(luma, self._chroma, self._chroma, 0)

    def clear(self, face: Floats, place: int) -> Luma:
        """Good until the next one. As the eye has it: cut out of a borrowed frame by an order."""
        distil(self.frame(face, place), None, None, self._grid, (self._order,))
        return self._picture

    def _sensed(self, counts: Floats, taken: int) -> Luma:
        """With the noise of its electrons, as 8 bits."""
        fine = counts.astype(np.float32)
        to_fine(fine)
        steps: Counts = fine.astype(np.int16).ravel()
        out = np.empty(steps.size, np.uint8)
        self._noise.apply(steps, self._sigma[np.minimum(steps // FINE, 255)], taken, out)
        return out.reshape(counts.shape)


def squares(clear: Luma, block: int, greys: int = GREYS) -> Luma:
    """(rows, columns) of a picture's squares, by the eye's own code."""
    picture = clear.copy()
    average(picture, block, greys)
    return picture[::block, ::block]


def _extent(weights: Floats) -> slice:
    there = np.flatnonzero(weights.any(axis=1))
    return slice(int(there[0]), int(there[-1]) + 1)
