"""The simulated room's geometry: where things stand, and a pinhole camera that looks at them.

World: x to the right, y up, z away from the camera's wall; metres; the origin is on the floor below the camera.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillroom.config import Zones
from stillroom_tools.lab.scenario import Lens

Floats = NDArray[np.float32]
Points = NDArray[np.float64]

ROOM_LEFT_M, ROOM_RIGHT_M, ROOM_BACK_M = -2.0, 2.0, 4.3
ROOM_HEIGHT_M = 2.5
BED_X_M = (-1.55, 0.45)
BED_Z_M = (1.75, 2.65)
BED_TOP_M = 0.5
BODY_ON_BED_M = 0.3
DOOR_X_M = (0.7, 1.6)
DOOR_TOP_M = 2.0
CHEST_DISTANCE_M = 2.8
CHEST_AT_M = (-0.83, 0.75, 2.13)
FACE_AT_M = (-1.27, 0.78, 2.13)
"""Of somebody who lies in bed on the back."""


@dataclass(frozen=True, slots=True)
class Pinhole:
    """A camera at (x, height, z) that looks along z, pitched down. Pixels from the picture's left upper corner."""

    width_px: int
    height_px: int
    focal_px: float
    height_m: float
    z_m: float
    sin_pitch: float
    cos_pitch: float
    x_m: float = 0.0

    def project(self, points_m: Points) -> Points:
        """(n, 3) metres -> (n, 3): x px, y px, depth m along the optical axis."""
        x, y, z = points_m[:, 0] - self.x_m, points_m[:, 1] - self.height_m, points_m[:, 2] - self.z_m
        depth = np.maximum(z * self.cos_pitch - y * self.sin_pitch, 0.05)
        up = y * self.cos_pitch + z * self.sin_pitch
        scale = self.focal_px / depth
        return np.stack([self.width_px / 2 + x * scale, self.height_px / 2 - up * scale, depth], axis=1)

    def rays(self, x_px: Floats, y_px: Floats) -> tuple[Floats, Floats, Floats]:
        """Directions (x, y, z), not normalised, through the pixels at row vector x_px and column vector y_px."""
        right = (x_px - self.width_px / 2) / self.focal_px
        up = (self.height_px / 2 - y_px) / self.focal_px
        shape = np.broadcast_shapes(right.shape, up.shape)
        y = up * np.float32(self.cos_pitch) - np.float32(self.sin_pitch)
        z = up * np.float32(self.sin_pitch) + np.float32(self.cos_pitch)
        return np.broadcast_to(right, shape), np.broadcast_to(y, shape), np.broadcast_to(z, shape)


def pinhole(lens: Lens, width_px: int, height_px: int) -> Pinhole:
    """The scenario's lens at this picture size; `distance_scale` and `aim` move the camera, not the room."""
    pitch = math.radians(lens.pitch_deg)
    x_m, height_m, z_m = _place(lens, pitch)
    return Pinhole(
        width_px=width_px,
        height_px=height_px,
        focal_px=width_px / 2 / math.tan(math.radians(lens.view_deg) / 2),
        height_m=height_m,
        z_m=z_m,
        sin_pitch=math.sin(pitch),
        cos_pitch=math.cos(pitch),
        x_m=x_m,
    )


def _place(lens: Lens, pitch: float) -> tuple[float, float, float]:
    if lens.aim == "room":
        return 0.0, lens.height_m, (1.0 - lens.distance_scale) * CHEST_DISTANCE_M
    x, y, z = CHEST_AT_M if lens.aim == "chest" else FACE_AT_M
    return x, y + lens.distance_m * math.sin(pitch), z - lens.distance_m * math.cos(pitch)


def zones_of(lens: Lens, width_px: int = 640, height_px: int = 480) -> Zones:
    """The zones of this room as the lens sees it: what a scenario file should say."""
    camera = pinhole(lens, width_px, height_px)
    (left, right), (near, far) = BED_X_M, BED_Z_M
    top = BED_TOP_M + BODY_ON_BED_M
    bed = [(left, BED_TOP_M, near), (right, BED_TOP_M, near), (right, BED_TOP_M, far)]
    bed += [(right, top, far), (left, top, far), (left, top, near)]
    door_left, door_right = DOOR_X_M
    door = [(door_left, 0.0, ROOM_BACK_M), (door_right, 0.0, ROOM_BACK_M)]
    door += [(door_right, DOOR_TOP_M, ROOM_BACK_M), (door_left, DOOR_TOP_M, ROOM_BACK_M)]
    floor = [(right, 0.0, near), (ROOM_RIGHT_M, 0.0, near), (ROOM_RIGHT_M, 0.0, ROOM_BACK_M)]
    floor += [(right, 0.0, ROOM_BACK_M)]
    return Zones(bed=_outline(camera, bed), door=_outline(camera, door), floor=_outline(camera, floor))


def _outline(camera: Pinhole, points_m: list[tuple[float, float, float]]) -> tuple[tuple[float, float], ...]:
    seen = camera.project(np.array(points_m))[:, :2] / (camera.width_px, camera.height_px)
    return tuple((round(float(x), 3), round(float(y), 3)) for x, y in np.clip(seen, 0.0, 1.0))
