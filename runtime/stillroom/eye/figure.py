"""A figure drawn over the empty room: from words and places that the keeper gives, from nothing that was seen.

Five shapes of one size for everybody; what tells people apart (face, clothes, skin, build) does not come here.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillroom.link import Drawn

OUTLINE, FILL = 24, 224
_EDGE = 0.035
"""Of the figure's length."""

Luma = NDArray[np.uint8]
Plane = NDArray[np.floating[Any]]
Bone = tuple[float, float, float, float, float]
"""From x, y to x, y with a radius, in lengths of a standing figure; the feet's middle is 0, 0 and y points down."""
_HEAD: Bone = (0.0, -0.91, 0.0, -0.91, 0.085)
_BONES: dict[str, tuple[Bone, ...]] = {
    "upright": (
        _HEAD,
        (0.0, -0.76, 0.0, -0.5, 0.1),
        (-0.14, -0.74, -0.19, -0.45, 0.035),
        (0.14, -0.74, 0.19, -0.45, 0.035),
        (-0.05, -0.48, -0.07, -0.03, 0.05),
        (0.05, -0.48, 0.07, -0.03, 0.05),
    ),
    "sitting": (
        (0.0, -0.66, 0.0, -0.66, 0.085),
        (0.0, -0.52, 0.0, -0.28, 0.1),
        (-0.13, -0.5, -0.17, -0.26, 0.035),
        (0.13, -0.5, 0.17, -0.26, 0.035),
        (-0.06, -0.24, -0.1, -0.03, 0.055),
        (0.06, -0.24, 0.1, -0.03, 0.055),
    ),
    "unsure": (_HEAD, (0.0, -0.7, 0.0, -0.12, 0.13)),
}
_BONES["lying"] = tuple((x0, y0 + 0.5, x1, y1 + 0.5, r) for x0, y0, x1, y1, r in _BONES["upright"])
"""About its own middle: it is turned."""


def draw(picture: Luma, figures: tuple[Drawn, ...]) -> None:
    """Lay figures over a picture, (height, width), far ones first. Figures end at its edges."""
    height, width = picture.shape
    for figure in sorted(figures, key=lambda each: each.y):
        _lay(picture, figure, width / 1000.0, height / 1000.0)


def _lay(picture: Luma, figure: Drawn, x_scale: float, y_scale: float) -> None:
    x, y, length = figure.x * x_scale, figure.y * y_scale, max(8.0, figure.size * y_scale)
    rows, cols = (_around(at, length, most) for at, most in zip((y, x), picture.shape, strict=True))
    picture = picture[rows, cols]
    if not picture.size:
        return
    ys, xs = np.mgrid[rows, cols].astype(np.float32)
    turn = math.radians(figure.turn_deg) if figure.posture == "lying" else 0.0
    across, along = (xs - x) / length, (ys - y) / length
    cos, sin = np.float32(math.cos(turn)), np.float32(math.sin(turn))
    u: Plane = across * cos + along * sin
    v: Plane = along * cos - across * sin
    away = np.min([_away(u, v, bone) for bone in _BONES[figure.posture]], axis=0)
    picture[away < _EDGE] = OUTLINE
    picture[away < 0] = FILL


def _around(at: float, length: float, most: int) -> slice:
    """As far as any figure reaches from its place."""
    return slice(max(0, int(at - 1.1 * length)), max(0, min(most, int(at + 1.1 * length) + 1)))


def _away(u: Plane, v: Plane, bone: Bone) -> Plane:
    """Distance from a capsule's surface, below zero inside."""
    x0, y0, x1, y1, radius = bone
    du, dv = x1 - x0, y1 - y0
    share = np.clip(((u - x0) * du + (v - y0) * dv) / max(du * du + dv * dv, 1e-9), 0.0, 1.0)
    return np.hypot(u - x0 - share * du, v - y0 - share * dv) - np.float32(radius)
