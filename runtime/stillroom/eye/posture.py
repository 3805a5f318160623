"""Thirty-three points of a body as one word: upright, sitting, lying, or unsure.

From the picture alone: a camera that looks down foreshortens, so only clear cases are named. Whether somebody who
lies does so in the bed or on the floor is for the zones to say, in the keeper.
"""

import math

import numpy as np
from numpy.typing import NDArray

from stillroom.observation import Posture

Floats = NDArray[np.float32]

SHOULDERS, HIPS, KNEES, ANKLES = (11, 12), (23, 24), (25, 26), (27, 28)
VISIBLE = 0.5
LYING_DEG = 55.0
ERECT_DEG = 35.0
STANDING = {KNEES: 0.62, ANKLES: 1.2}
SITTING = {KNEES: 0.42, ANKLES: 0.95}
"""How far ankles, or knees where no ankle is seen, are below the hips, in lengths of the trunk: a thigh is about 0.8
of a trunk, a leg 1.6, and a camera that looks down shortens legs more than it does the trunk."""


def posture_of(points_px: Floats, visible: Floats) -> Posture:
    """points_px: (33, 2), y downwards; visible: (33,) 0 to 1, both in the order of BlazePose."""
    if min(float(visible[list(pair)].max()) for pair in (SHOULDERS, HIPS)) < VISIBLE:
        return "unsure"
    shoulders, hips = _middle(points_px, visible, SHOULDERS), _middle(points_px, visible, HIPS)
    across, down = (float(value) for value in hips - shoulders)
    trunk = math.hypot(across, down)
    width = float(np.hypot(*(points_px[SHOULDERS[0]] - points_px[SHOULDERS[1]])))
    if trunk < 0.6 * width:
        return "unsure"  # seen along the body
    lean_deg = math.degrees(math.atan2(abs(across), down))
    if lean_deg > LYING_DEG:
        return "lying"
    if lean_deg > ERECT_DEG:
        return "unsure"
    for pair in (ANKLES, KNEES):
        if float(visible[list(pair)].max()) >= VISIBLE:
            below = float(_middle(points_px, visible, pair)[1] - hips[1]) / trunk
            return _by_legs(below, pair)
    return "unsure"


def _by_legs(below: float, pair: tuple[int, int]) -> Posture:
    if below >= STANDING[pair]:
        return "upright"
    return "sitting" if below <= SITTING[pair] else "unsure"


def _middle(points_px: Floats, visible: Floats, pair: tuple[int, int]) -> Floats:
    """Between two points, nearer to the one that is seen better."""
    weight = np.maximum(visible[list(pair)], 0.01)
    middle: Floats = (points_px[list(pair)] * weight[:, None]).sum(axis=0) / weight.sum()
    return middle
