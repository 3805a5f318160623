"""The body: fifteen joints in the room, its postures, and its steps. Metres, (15, 3) float64."""

import math
from typing import Final

import numpy as np

from stillroom_tools.lab.scene import BED_TOP_M, BED_X_M, BED_Z_M, Points

JOINTS: Final = (
    "pelvis", "chest", "neck", "head", "nose",
    "shoulder_l", "elbow_l", "hand_l", "shoulder_r", "elbow_r", "hand_r",
    "knee_l", "foot_l", "knee_r", "foot_r",
)  # fmt: skip
PELVIS, CHEST, NECK, HEAD, NOSE = range(5)
LEFT_ARM, RIGHT_ARM = slice(5, 8), slice(8, 11)
HANDS = (6, 7, 9, 10)
STRIDE_M = 1.3
CRAWL_STRIDE_M = 0.7
PUSH_M = 1.1
"""Of way for each push at a wheelchair's rims (0.9 to 1.4 m at an easy pace, assumed)."""

_BED_MIDDLE_Z = BED_Z_M[0] + 0.38
_BED_END_X = BED_X_M[1]

# Forward, left, up from the point on the floor below the pelvis, facing forward.
_STANDING = np.array([
    (0.00, 0.00, 0.95), (0.04, 0.00, 1.22), (0.01, 0.00, 1.46), (0.04, 0.00, 1.63), (0.14, 0.00, 1.61),
    (0.00, 0.19, 1.41), (0.01, 0.25, 1.15), (0.08, 0.25, 0.92),
    (0.00, -0.19, 1.41), (0.01, -0.25, 1.15), (0.08, -0.25, 0.92),
    (0.02, 0.10, 0.50), (0.03, 0.11, 0.06), (0.02, -0.10, 0.50), (0.03, -0.11, 0.06),
])  # fmt: skip
_SITTING = np.array([
    (0.00, 0.00, 0.60), (0.04, 0.00, 0.86), (0.03, 0.00, 1.09), (0.07, 0.00, 1.26), (0.17, 0.00, 1.22),
    (0.02, 0.19, 1.05), (0.06, 0.25, 0.80), (0.26, 0.16, 0.68),
    (0.02, -0.19, 1.05), (0.06, -0.25, 0.80), (0.26, -0.16, 0.68),
    (0.40, 0.12, 0.56), (0.42, 0.13, 0.06), (0.40, -0.12, 0.56), (0.42, -0.13, 0.06),
])  # fmt: skip
_KNEELING = np.array([
    (0.00, 0.00, 0.45), (0.12, 0.00, 0.66), (0.22, 0.00, 0.84), (0.32, 0.00, 0.97), (0.40, 0.00, 0.90),
    (0.20, 0.18, 0.80), (0.34, 0.22, 0.55), (0.45, 0.20, 0.35),
    (0.20, -0.18, 0.80), (0.30, -0.24, 0.52), (0.45, -0.20, 0.10),
    (0.30, 0.12, 0.42), (0.30, 0.13, 0.06), (0.05, -0.12, 0.08), (-0.35, -0.13, 0.08),
])  # fmt: skip
_FALLEN = np.array([
    (0.00, 0.00, 0.13), (0.27, 0.02, 0.16), (0.50, 0.02, 0.13), (0.68, 0.05, 0.13), (0.71, 0.14, 0.14),
    (0.46, 0.20, 0.14), (0.66, 0.36, 0.09), (0.84, 0.42, 0.06),
    (0.46, -0.17, 0.16), (0.24, -0.32, 0.10), (0.05, -0.36, 0.07),
    (-0.38, 0.16, 0.13), (-0.78, 0.08, 0.08), (-0.42, -0.12, 0.12), (-0.84, -0.10, 0.08),
])  # fmt: skip
_ON_FLOOR = np.array([
    (0.00, 0.00, 0.13), (0.00, 0.00, 0.40), (0.02, 0.00, 0.63), (0.07, 0.00, 0.80), (0.17, 0.00, 0.77),
    (0.02, 0.19, 0.59), (0.14, 0.26, 0.36), (0.38, 0.18, 0.36),
    (0.02, -0.19, 0.59), (0.14, -0.26, 0.36), (0.38, -0.18, 0.36),
    (0.40, 0.13, 0.42), (0.70, 0.14, 0.06), (0.40, -0.13, 0.42), (0.70, -0.14, 0.06),
])  # fmt: skip
_ON_ALL_FOURS = np.array([
    (0.00, 0.00, 0.46), (0.28, 0.00, 0.50), (0.50, 0.00, 0.52), (0.68, 0.00, 0.57), (0.77, 0.00, 0.50),
    (0.46, 0.19, 0.50), (0.48, 0.20, 0.27), (0.52, 0.20, 0.05),
    (0.46, -0.19, 0.50), (0.48, -0.20, 0.27), (0.52, -0.20, 0.05),
    (0.02, 0.12, 0.08), (-0.42, 0.12, 0.07), (0.02, -0.12, 0.08), (-0.42, -0.12, 0.07),
])  # fmt: skip
_LEANING = np.array([  # over the bed, from beside it
    (-0.04, 0.00, 0.93), (0.14, 0.00, 1.15), (0.31, 0.00, 1.32), (0.44, 0.00, 1.43), (0.52, 0.00, 1.35),
    (0.27, 0.19, 1.27), (0.43, 0.23, 1.03), (0.68, 0.14, 0.88),
    (0.27, -0.19, 1.27), (0.43, -0.23, 1.03), (0.68, -0.14, 0.88),
    (0.02, 0.10, 0.50), (0.03, 0.11, 0.06), (0.02, -0.10, 0.50), (0.03, -0.11, 0.06),
])  # fmt: skip
# Along the bed from the pelvis towards the head, across it towards the camera, up from the mattress.
_SUPINE = np.array([
    (0.00, 0.00, 0.12), (0.26, 0.00, 0.16), (0.50, 0.00, 0.13), (0.70, 0.00, 0.20), (0.71, 0.02, 0.30),
    (0.45, 0.19, 0.12), (0.20, 0.27, 0.11), (-0.02, 0.22, 0.13),
    (0.45, -0.19, 0.12), (0.20, -0.27, 0.10), (-0.02, -0.25, 0.10),
    (-0.42, 0.10, 0.12), (-0.84, 0.11, 0.10), (-0.42, -0.10, 0.12), (-0.84, -0.11, 0.10),
])  # fmt: skip
_ON_SIDE = np.array([  # facing the camera
    (0.00, -0.04, 0.17), (0.26, 0.00, 0.20), (0.50, -0.02, 0.19), (0.71, 0.00, 0.21), (0.72, 0.10, 0.21),
    (0.44, 0.03, 0.31), (0.26, 0.20, 0.20), (0.44, 0.30, 0.12),
    (0.46, 0.06, 0.10), (0.36, 0.26, 0.09), (0.56, 0.30, 0.10),
    (-0.36, 0.20, 0.20), (-0.72, 0.02, 0.18), (-0.34, 0.14, 0.10), (-0.74, -0.04, 0.09),
])  # fmt: skip
_UPRIGHT_IN_BED = np.array([
    (0.00, 0.00, 0.12), (0.06, 0.00, 0.36), (0.05, 0.00, 0.60), (0.02, 0.00, 0.77), (-0.07, 0.02, 0.75),
    (0.05, 0.19, 0.55), (0.02, 0.26, 0.32), (-0.16, 0.20, 0.24),
    (0.05, -0.19, 0.55), (0.02, -0.26, 0.32), (-0.16, -0.20, 0.24),
    (-0.42, 0.10, 0.14), (-0.84, 0.11, 0.10), (-0.42, -0.10, 0.14), (-0.84, -0.11, 0.10),
])  # fmt: skip

_CARRIED = _SUPINE[:, [0, 1, 2]] + [0.0, 0.0, 0.8]
_SEATED = _SITTING - [0.0, 0.0, 0.04]
_UPRIGHT = {
    "standing": _STANDING,
    "kneeling": _KNEELING,
    "fallen": _FALLEN,
    "chair": _SEATED,
    "floor": _ON_FLOOR,
    "crawling": _ON_ALL_FOURS,
    "attending": _LEANING,
    "carried": _CARRIED,
}


def upright(shape: str, x_m: float, z_m: float, heading: float) -> Points:
    """A body that is not in bed (`_UPRIGHT`) at a place on the floor, facing `heading` (0: away, pi/2: right)."""
    return _turned(_UPRIGHT[shape], x_m, z_m, heading)


def on_bed_end() -> Points:
    """Sitting on the foot end of the bed, facing right."""
    return _turned(_SITTING, _BED_END_X - 0.1, _BED_MIDDLE_Z, math.pi / 2)


def in_bed(shape: str) -> Points:
    """`supine`, `side` or `upright` in bed, the head to the left."""
    local = {"supine": _SUPINE, "side": _ON_SIDE, "upright": _UPRIGHT_IN_BED}[shape]
    along, near, up = local.T
    return np.stack([_BED_END_X - 1.02 - along, BED_TOP_M + up, _BED_MIDDLE_Z - near], axis=1)


def walking(x_m: float, z_m: float, heading: float, walked_m: float, stride: float) -> Points:
    """In stride after `walked_m` metres. `stride`: 1 in full, 0 while starting or stopping."""
    local = _STANDING.copy()
    swing = stride * math.sin(2 * math.pi * walked_m / STRIDE_M)
    for knee, foot, elbow, hand, side in ((11, 12, 6, 7, 1.0), (13, 14, 9, 10, -1.0)):
        step = swing * side
        local[knee, 0] += 0.16 * step + 0.05 * stride
        local[foot, 0] += 0.30 * step
        local[foot, 2] += 0.07 * stride * max(0.0, math.cos(2 * math.pi * walked_m / STRIDE_M) * side)
        local[elbow, 0] -= 0.10 * step
        local[hand, 0] -= 0.24 * step
    local[:11, 2] -= 0.02 * swing**2
    return _turned(local, x_m, z_m, heading)


def crawling(x_m: float, z_m: float, heading: float, crawled_m: float, stride: float) -> Points:
    """On all fours after `crawled_m` metres: a hand goes with the other side's knee."""
    local = _ON_ALL_FOURS.copy()
    swing = stride * math.sin(2 * math.pi * crawled_m / CRAWL_STRIDE_M)
    for hand, elbow, knee, foot, side in ((7, 6, 13, 14, 1.0), (10, 9, 11, 12, -1.0)):
        local[[hand, elbow], 0] += np.array([0.14, 0.07]) * swing * side
        local[[knee, foot], 0] += 0.12 * swing * side
    return _turned(local, x_m, z_m, heading)


def carried(x_m: float, z_m: float, heading: float, carried_m: float, stride: float) -> Points:
    """On the back, head first, at the height of hands; with the bearers' steps."""
    local = _CARRIED.copy()
    local[:, 2] += 0.015 * stride * math.cos(4 * math.pi * carried_m / STRIDE_M)
    return _turned(local, x_m, z_m, heading)


def rolling(x_m: float, z_m: float, heading: float, rolled_m: float, stride: float) -> Points:
    """In a wheelchair, the hands at the rims: both push at once."""
    local = _SEATED.copy()
    push = stride * math.sin(2 * math.pi * rolled_m / PUSH_M)
    for hand, elbow, side in ((7, 6, 1.0), (10, 9, -1.0)):
        local[hand] = (0.06 + 0.16 * push, 0.30 * side, 0.66)
        local[elbow] = (-0.08 + 0.08 * push, 0.32 * side, 0.82)
    local[:11, 0] += 0.03 * push
    return _turned(local, x_m, z_m, heading)


def _turned(local: Points, x_m: float, z_m: float, heading: float) -> Points:
    forward, left, up = local.T
    sin, cos = math.sin(heading), math.cos(heading)
    return np.stack([x_m + forward * sin - left * cos, up, z_m + forward * cos + left * sin], axis=1)
