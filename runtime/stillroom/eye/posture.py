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
TALL = 2.0
ON_LEGS = {ANKLES: 0.55, KNEES: 0.3}
STANDING = {KNEES: 0.62, ANKLES: 1.2}
SITTING = {KNEES: 0.42, ANKLES: 0.95}
"""How far ankles, or knees where no ankle is seen, are below the hips, in lengths of the trunk: a thigh is about 0.8
of a trunk, a leg 1.6, and a camera that looks down shortens legs more than it does the trunk. On his legs is also who
sits on a chair, squats or bends down; not who lies, or sits on the floor."""


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
        # Who picks something up has a level trunk too, and a wrong guess may have any.
        upright = on_legs(points_px, visible) or _is_tall(points_px[visible >= VISIBLE])
        return "unsure" if upright else "lying"
    if lean_deg > ERECT_DEG:
        return "unsure"
    for pair in (ANKLES, KNEES):
        if float(visible[list(pair)].max()) >= VISIBLE:
            below = float(_middle(points_px, visible, pair)[1] - hips[1]) / trunk
            return _by_legs(below, pair)
    return "unsure"


def on_legs(points_px: Floats, visible: Floats) -> bool:
    """Whether his ankles, or knees where no ankle is seen, are well below his hips. Shapes as of `posture_of`."""
    shoulders, hips = _middle(points_px, visible, SHOULDERS), _middle(points_px, visible, HIPS)
    trunk = max(1.0, float(np.hypot(*(hips - shoulders))))
    for pair, least in ON_LEGS.items():
        if float(visible[list(pair)].max()) >= VISIBLE:
            return float(_middle(points_px, visible, pair)[1] - hips[1]) / trunk >= least
    return False


def head_of(points_px: Floats, visible: Floats) -> float | None:
    """How high head or shoulders reach, y in pixels; None: neither is shown. Shapes as of `posture_of`."""
    shown = points_px[: SHOULDERS[1] + 1, 1][visible[: SHOULDERS[1] + 1] >= VISIBLE]
    return float(shown.min()) if len(shown) else None


def _is_tall(shown_px: Floats) -> bool:
    """shown_px: (n, 2), n > 1. Much higher than wide, as nobody is whose trunk lies across the picture."""
    across, down = (float(value) for value in shown_px.max(axis=0) - shown_px.min(axis=0))
    return down > TALL * across


def _by_legs(below: float, pair: tuple[int, int]) -> Posture:
    if below >= STANDING[pair]:
        return "upright"
    return "sitting" if below <= SITTING[pair] else "unsure"


def _middle(points_px: Floats, visible: Floats, pair: tuple[int, int]) -> Floats:
    """Between two points, nearer to the one that is seen better."""
    weight = np.maximum(visible[list(pair)], 0.01)
    middle: Floats = (points_px[list(pair)] * weight[:, None]).sum(axis=0) / weight.sum()
    return middle
