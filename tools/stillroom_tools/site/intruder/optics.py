"""Where a face stands before the lens, and what of it falls on which pixel: linear, so that an attacker can
turn it round.

A face of SIDE x SIDE values `f` at place `s` gives a view's pixels as wall + rows[s] f columns[s].T.
"""

import math

import numpy as np

from stillroom.view_forms import HEIGHT_PX, WIDTH_PX
from stillroom_tools.lab.scenario import Lens
from stillroom_tools.make.optics import FACE_M
from stillroom_tools.site.intruder.faces import SIDE, Floats

CAMERA_PX = 480, 640
VIEW_PX = HEIGHT_PX, WIDTH_PX
SQUARE_M = 0.2
"""Across the gallery's squares: a face fills seven tenths of one."""
EYES_M = 1.6
"""Over the floor, of somebody who stands."""
ROAMS_PX = 24.0
"""A face is anywhere so far from the picture's middle, each way: over one of the largest squares."""


def nearest_m(lens: Lens) -> float:
    """How near the face of somebody who stands can be and still be in the picture: at its lower edge."""
    half_down = math.atan(math.tan(math.radians(lens.view_deg / 2)) * HEIGHT_PX / WIDTH_PX)
    return (lens.height_m - EYES_M) / math.sin(math.radians(lens.pitch_deg) + half_down)


def px_per_m(lens: Lens, distance_m: float) -> float:
    """Of a view's pixels."""
    return WIDTH_PX / (2 * math.tan(math.radians(lens.view_deg / 2)) * distance_m)


class Optics:
    """A path of places, each known to the attacker."""

    def __init__(self, lens: Lens, distance_m: float, places: int, seed: int) -> None:
        self.lens, self.distance_m = lens, distance_m
        self.square_px = SQUARE_M * px_per_m(lens, distance_m)
        self.face_px = FACE_M[0] * px_per_m(lens, distance_m)
        middle = np.array(VIEW_PX) / 2
        self.places = middle + np.random.default_rng(seed).uniform(-ROAMS_PX, ROAMS_PX, (places, 2))
        self.camera = [self._weights(axis) for axis in (0, 1)]
        """For each axis (places, camera px, SIDE)."""
        shares = [_areas(CAMERA_PX[axis], VIEW_PX[axis]) for axis in (0, 1)]
        self.rows, self.columns = (
            share @ weights for share, weights in zip(shares, self.camera, strict=True)
        )

    def _weights(self, axis: int) -> Floats:
        """Of the face's values in each of the camera's pixels, by straight lines between them."""
        scale = CAMERA_PX[axis] / VIEW_PX[axis]
        pixels = np.arange(CAMERA_PX[axis]) + 0.5
        at = (pixels - self.places[:, axis, None] * scale) * SIDE / (self.square_px * scale) + SIDE // 2
        return np.asarray(np.maximum(0.0, 1.0 - np.abs(at[:, :, None] - np.arange(SIDE))))

    def squares(self, block: int) -> tuple[Floats, Floats]:
        """`rows` and `columns` of squares in place of pixels."""
        rows, columns = (
            each.reshape(len(each), -1, block, SIDE).mean(axis=2) for each in (self.rows, self.columns)
        )
        return rows, columns


def _areas(pixels: int, into: int) -> Floats:
    """(into, pixels): each of `into` is the mean over as much of the pixels."""
    wide = pixels / into
    start = np.arange(into)[:, None] * wide
    first, last = np.arange(pixels), np.arange(pixels) + 1.0
    return np.asarray(np.maximum(0.0, np.minimum(start + wide, last) - np.maximum(start, first)) / wide)
