"""The simulated room's geometry: where things stand, and a pinhole camera that looks at them.

World: x to the right, y up, z away from the camera's wall; metres; the origin is on the floor below the camera.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillroom.config import Zones
from stillroom_tools.lab.scenario import Furniture, Lens

Floats = NDArray[np.float32]
Points = NDArray[np.float64]

ROOM_LEFT_M, ROOM_RIGHT_M, ROOM_BACK_M = -2.0, 2.0, 4.3
ROOM_HEIGHT_M, ABOVE_LENS_M = 2.5, 0.15
"""Of the ceiling, and how far above a lens that hangs higher: nobody looks into a room through its ceiling."""
BED_X_M = (-1.55, 0.45)
BED_Z_M = (1.75, 2.65)
BED_TOP_M = 0.5
BODY_ON_BED_M = 0.3
DOOR_X_M = (0.7, 1.6)
DOOR_TOP_M = 2.0
BATHROOM_X_M = (-0.15, 0.55)
"""Of its door in the back wall, as high as the other; a wall's one place for a television is then gone."""
CHAIR_X_M, CHAIR_Z_M = (-1.28, -0.58), (3.3, 3.88)
CHAIR_SEAT_M, CHAIR_TOP_M = 0.42, 0.95
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


def ceiling_m(camera: Pinhole) -> float:
    """How high the ceiling is in the room of this camera."""
    return max(ROOM_HEIGHT_M, camera.height_m + ABOVE_LENS_M)


def in_bathroom(x_m: float, z_m: float) -> bool:
    """Whether somebody there is beyond the back wall, on the bathroom's side."""
    return z_m > ROOM_BACK_M and x_m < (BATHROOM_X_M[1] + DOOR_X_M[0]) / 2


def zones_of(lens: Lens, width_px: int = 640, height_px: int = 480, room: Furniture | None = None) -> Zones:
    """The zones of this room as the lens sees it: what a scenario file should say."""
    camera = pinhole(lens, width_px, height_px)
    (left, right), (near, far) = BED_X_M, BED_Z_M
    top = BED_TOP_M + BODY_ON_BED_M
    bed = [(left, BED_TOP_M, near), (right, BED_TOP_M, near), (right, BED_TOP_M, far)]
    bed += [(right, top, far), (left, top, far), (left, top, near)]
    floor = _level(0.0, (right, ROOM_RIGHT_M), (near, ROOM_BACK_M))
    return Zones(
        bed=_outline(camera, bed),
        door=_outline(camera, _wall(DOOR_X_M, ROOM_BACK_M)),
        floor=_outline(camera, floor),
        bed_edge=None if room is None else _outline(camera, _level(0.0, BED_EDGE_X_M, BED_Z_M)),
        bathroom_door=_outline(camera, _wall(BATHROOM_X_M, ROOM_BACK_M)) if room and room.bathroom else None,
        chair=_outline(camera, _CHAIR) if room and room.chair else None,
    )


_Corners = list[tuple[float, float, float]]


def _level(y_m: float, x_m: tuple[float, float], z_m: tuple[float, float]) -> _Corners:
    """A rectangle, level."""
    return [(x_m[0], y_m, z_m[0]), (x_m[1], y_m, z_m[0]), (x_m[1], y_m, z_m[1]), (x_m[0], y_m, z_m[1])]


def _wall(x_m: tuple[float, float], z_m: float) -> _Corners:
    """A door in a wall."""
    (left, right), top = x_m, DOOR_TOP_M
    return [(left, 0.0, z_m), (right, 0.0, z_m), (right, top, z_m), (left, top, z_m)]


BED_EDGE_X_M = (0.25, 1.05)
"""Where the feet of somebody stand who sits on the bed's foot end."""
_CHAIR: _Corners = [(-1.4, 0.3, 3.3), (-0.45, 0.3, 3.3), (-0.45, 1.4, 3.75), (-1.4, 1.4, 3.75)]
"""The body of somebody who sits there, as far as the bed does not hide it."""


def _outline(camera: Pinhole, points_m: list[tuple[float, float, float]]) -> tuple[tuple[float, float], ...]:
    seen = camera.project(np.array(points_m))[:, :2] / (camera.width_px, camera.height_px)
    return tuple((round(float(x), 3), round(float(y), 3)) for x, y in np.clip(seen, 0.0, 1.0))
