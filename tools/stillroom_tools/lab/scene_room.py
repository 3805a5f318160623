"""The empty room, painted once: each pixel's ray meets the nearest of the room's surfaces.

Strip by strip with 2x2 rays a pixel, so that a picture of any size costs little memory.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillroom_tools.lab.scenario import Furniture
from stillroom_tools.lab.scene import (
    BATHROOM_X_M,
    BED_TOP_M,
    BED_X_M,
    BED_Z_M,
    CHAIR_SEAT_M,
    CHAIR_TOP_M,
    CHAIR_X_M,
    CHAIR_Z_M,
    DOOR_TOP_M,
    DOOR_X_M,
    ROOM_BACK_M,
    ROOM_HEIGHT_M,
    ROOM_LEFT_M,
    ROOM_RIGHT_M,
    Floats,
    Pinhole,
)
from stillroom_tools.lab.scene_random import units
from stillroom_tools.lab.scene_sensor import FINE, Counts

_STRIP_PX = 8
RGB_TO_YUV = np.array(  # BT.601, full range, chroma around 0
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The empty room, well exposed. doorway, bathroom: (h, w), where one sees through them; bed: one sees it.

    planes: Y (h, w), then U and V (h/2, w/2), in one flat array, in FINE steps, chroma around 0.
    """

    planes: Counts
    doorway: Mask
    bathroom: Mask
    bed: Mask


def yuv(rgb: tuple[float, float, float]) -> tuple[float, float, float]:
    """A colour in BT.601 full range, chroma around 0."""
    y, u, v = RGB_TO_YUV @ np.array(rgb, np.float32)
    return float(y), float(u), float(v)


def paint_room(camera: Pinhole, seed: int, furniture: Furniture | None = None) -> Backdrop:
    """Paint the room that `camera` sees. The seed moves grain and creases."""
    width, height = camera.width_px, camera.height_px
    phases: Floats = np.array(units(4, seed, 1), np.float32) * np.float32(6.28)
    flat: Counts = np.empty(width * height * 3 // 2, np.int16)
    y = flat[: width * height].reshape(height, width)
    chroma = flat[width * height :].reshape(2, height // 2, width // 2)
    masks = np.zeros((3, height, width), np.bool_)
    for top in range(0, height, _STRIP_PX):
        rows = min(_STRIP_PX, height - top)
        rgb, seen = _strip(camera, top, rows, phases, furniture or Furniture())
        planes = np.einsum("ij,jhw->ihw", RGB_TO_YUV * np.float32(FINE), rgb)
        y[top : top + rows] = np.rint(_halved(planes[0]))
        for index in range(2):
            chroma[index, top // 2 : (top + rows) // 2] = np.rint(_halved(_halved(planes[index + 1])))
        masks[:, top : top + rows] = [mask[::2, ::2] for mask in seen]
    return Backdrop(flat, *masks)


def _halved(plane: Floats) -> Floats:
    return np.asarray(
        (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]) * np.float32(0.25)
    )


class _Canvas:
    """A strip of rays with the nearest surface met so far."""

    def __init__(self, camera: Pinhole, top: int, rows: int) -> None:
        x_px: Floats = np.arange(2 * camera.width_px, dtype=np.float32) * np.float32(0.5) + np.float32(0.25)
        y_px: Floats = np.arange(2 * top, 2 * (top + rows), dtype=np.float32) * np.float32(0.5) + np.float32(
            0.25
        )
        self.ray = camera.rays(x_px, y_px[:, None])
        self.start = (np.float32(camera.x_m), np.float32(camera.height_m), np.float32(camera.z_m))
        shape = (2 * rows, 2 * camera.width_px)
        self.far = np.full(shape, 1e6, np.float32)
        self.rgb = np.zeros((3, *shape), np.float32)

    def meet(self, axis: int, at_m: float) -> tuple[Floats, tuple[Floats, Floats, Floats]]:
        """How far along each ray the plane `axis = at_m` lies, and the world point there."""
        with np.errstate(divide="ignore", invalid="ignore"):
            far = (np.float32(at_m) - self.start[axis]) / self.ray[axis]
        far = np.where((far > 0.05) & np.isfinite(far), far, np.float32(1e6))
        x, y, z = (start + ray * far for start, ray in zip(self.start, self.ray, strict=True))
        return far, (x, y, z)

    def put(self, far: Floats, where: Mask, rgb: tuple[float, float, float], shade: Floats) -> Mask:
        """Paint where this surface is nearer than what is there; says where it was."""
        seen = where & (far < self.far)
        self.far = np.where(seen, far, self.far)
        for channel, value in enumerate(rgb):
            self.rgb[channel] = np.where(seen, np.float32(value) * shade, self.rgb[channel])
        return seen


def _strip(
    camera: Pinhole, top: int, rows: int, phases: Floats, furniture: Furniture
) -> tuple[Floats, tuple[Mask, Mask, Mask]]:
    """Colours, and where doorway, bathroom and bed are seen."""
    canvas = _Canvas(camera, top, rows)
    _floor(canvas, phases)
    door = _walls(canvas, phases)
    nowhere = np.zeros_like(door)
    bathroom = _bathroom(canvas) if furniture.bathroom else nowhere
    _nightstand(canvas)
    if furniture.chair:
        _chair(canvas)
    before = canvas.far.copy()
    _bed(canvas, phases)
    bed = canvas.far < before
    return np.clip(canvas.rgb, 0.0, 255.0), (door & ~bed, bathroom & ~bed, bed)


def _near(value: Floats, at: float, width: float) -> Floats:
    """1 at a place, falling to 0 around it."""
    return np.asarray(np.exp(-(((value - np.float32(at)) / np.float32(width)) ** 2)), np.float32)


def _between(value: Floats, low: float, high: float) -> Mask:
    return (value > low) & (value < high)


def _floor(canvas: _Canvas, phases: Floats) -> None:
    far, (x, _, z) = canvas.meet(1, 0.0)
    plank = np.floor(z / 0.16)
    tone = 1.0 + 0.035 * np.sin(plank * 12.9898 + phases[0]) + 0.02 * np.sin(x * 9.0 + plank * 2.1)
    tone += 0.02 * np.sin(x * 61.0 + plank * 5.0 + 3.0 * np.sin(z * 90.0))
    seam = 1.0 - 0.16 * (np.abs(z / 0.16 - plank - 0.5) > 0.47)
    beside = np.maximum(
        np.maximum(BED_X_M[0] - x, x - BED_X_M[1]), np.maximum(BED_Z_M[0] - z, z - BED_Z_M[1])
    )
    shadow = 1.0 - 0.5 / (1.0 + np.exp(np.minimum(beside - 0.06, 2.0) * 14.0))
    fall = 1.0 - 0.05 * np.abs(x) - 0.03 * np.maximum(z - 2.5, 0.0)
    canvas.put(
        far,
        np.ones_like(far, np.bool_),
        (176.0, 146.0, 112.0),
        (tone * seam * shadow * fall).astype(np.float32),
    )


def _walls(canvas: _Canvas, phases: Floats) -> Mask:
    """Ceiling, walls and what hangs there; says where one sees through the door."""
    far, (_, _, z) = canvas.meet(1, ROOM_HEIGHT_M)
    canvas.put(
        far, np.ones_like(far, np.bool_), (226.0, 225.0, 220.0), np.asarray(0.9 + 0.02 * z, np.float32)
    )
    for at_m, tint in ((ROOM_LEFT_M, 0.9), (ROOM_RIGHT_M, 0.86)):
        far, (_, y, z) = canvas.meet(0, at_m)
        _wall(canvas, far, y, z, tint, phases)
    far, (x, y, _) = canvas.meet(2, ROOM_BACK_M)
    _wall(canvas, far, y, x, 1.0, phases)
    everywhere = np.ones_like(far, np.bool_)
    flat = np.ones_like(far)
    window = _between(x, -1.5, -0.5) & _between(y, 0.95, 1.95)
    pane = window & (np.abs(x + 1.0) > 0.03) & (np.abs(y - 1.4) > 0.025)
    canvas.put(far - 0.002, window, (226.0, 226.0, 220.0), flat)
    canvas.put(far - 0.003, pane, (196.0, 214.0, 226.0), (1.0 + 0.1 * (y - 1.4)).astype(np.float32))
    curtain = (_between(x, -1.85, -1.42) | _between(x, -0.58, -0.2)) & _between(y, 0.8, 2.15)
    canvas.put(
        far - 0.004, curtain, (150.0, 170.0, 152.0), (0.95 + 0.09 * np.sin(x * 62.0)).astype(np.float32)
    )
    frame = _between(x, DOOR_X_M[0] - 0.07, DOOR_X_M[1] + 0.07) & (y < DOOR_TOP_M + 0.07)
    canvas.put(far - 0.005, frame, (222.0, 216.0, 204.0), flat)
    inside = _between(x, *DOOR_X_M) & (y < DOOR_TOP_M) & everywhere
    return canvas.put(far - 0.006, inside, (104.0, 106.0, 108.0), (0.75 + 0.16 * y).astype(np.float32))


def _bathroom(canvas: _Canvas) -> Mask:
    """A door in the back wall; says where one sees through it."""
    far, (x, y, _) = canvas.meet(2, ROOM_BACK_M)
    left, right = BATHROOM_X_M
    frame = _between(x, left - 0.07, right + 0.07) & (y < DOOR_TOP_M + 0.07)
    canvas.put(far - 0.007, frame, (222.0, 216.0, 204.0), np.ones_like(far))
    inside = _between(x, left, right) & (y < DOOR_TOP_M)
    tile = 1.0 - 0.06 * ((np.abs(np.sin(x * 21.0)) < 0.12) | (np.abs(np.sin(y * 21.0)) < 0.12))
    return canvas.put(far - 0.008, inside, (150.0, 164.0, 168.0), tile.astype(np.float32))


def _chair(canvas: _Canvas) -> None:
    """Back, seat, arms and front of an armchair that faces the camera."""
    (left, right), (near, back) = CHAIR_X_M, CHAIR_Z_M
    cloth = (142.0, 112.0, 96.0)
    far, (x, y, _) = canvas.meet(2, back)
    rest = _between(x, left, right) & _between(y, 0.1, CHAIR_TOP_M)
    canvas.put(far, rest, cloth, (0.8 + 0.25 * y).astype(np.float32))
    far, (x, _, z) = canvas.meet(1, CHAIR_SEAT_M)
    canvas.put(far, _between(x, left, right) & _between(z, near, back), cloth, np.full_like(far, 1.08))
    far, (x, _, z) = canvas.meet(1, CHAIR_SEAT_M + 0.2)
    arms = (_between(x, left, left + 0.09) | _between(x, right - 0.09, right)) & _between(z, near, back)
    canvas.put(far, arms, (110.0, 84.0, 62.0), np.ones_like(far))
    far, (x, y, _) = canvas.meet(2, near)
    front = _between(x, left, right) & _between(y, 0.08, CHAIR_SEAT_M)
    front |= (_between(x, left, left + 0.09) | _between(x, right - 0.09, right)) & _between(
        y, 0.08, CHAIR_SEAT_M + 0.2
    )
    canvas.put(far, front, cloth, (0.7 + 0.3 * y).astype(np.float32))


def _wall(canvas: _Canvas, far: Floats, y: Floats, along: Floats, tint: float, phases: Floats) -> None:
    grain = 1.0 + 0.006 * np.sin(along * 47.0 + 5.0 * np.sin(y * 31.0 + phases[1]))
    light = tint * (0.86 + 0.07 * y) * grain * (1.0 - 0.12 * _near(y, 0.0, 0.25))
    wall = y >= 0.0
    canvas.put(far, wall, (214.0, 210.0, 196.0), light.astype(np.float32))
    canvas.put(far - 0.0005, wall & (y < 0.1), (120.0, 108.0, 96.0), light.astype(np.float32))
    canvas.put(far - 0.001, _between(y, 0.82, 0.94), (158.0, 128.0, 96.0), light.astype(np.float32))


def _nightstand(canvas: _Canvas) -> None:
    far, (x, _, z) = canvas.meet(1, 0.6)
    top = _between(x, -1.95, -1.5) & _between(z, 2.85, 3.25)
    canvas.put(far, top, (182.0, 150.0, 112.0), np.ones_like(far))
    lamp = top & (((x + 1.72) ** 2 + (z - 3.05) ** 2) < 0.012)
    canvas.put(far - 0.001, lamp, (236.0, 222.0, 180.0), np.ones_like(far))
    far, (x, y, _) = canvas.meet(2, 2.85)
    drawer = 1.0 - 0.25 * (np.abs(y - 0.33) < 0.01)
    front = _between(x, -1.95, -1.5) & _between(y, 0.0, 0.6)
    canvas.put(far, front, (150.0, 120.0, 88.0), drawer.astype(np.float32))


def _bed(canvas: _Canvas, phases: Floats) -> None:
    (left, right), (near, back) = BED_X_M, BED_Z_M
    far, (x, _, z) = canvas.meet(1, BED_TOP_M)
    top = _between(x, left, right) & _between(z, near, back)
    crease = 1.0 + 0.02 * np.sin(x * 23.0 + 2.0 * np.sin(z * 17.0 + phases[2]) + phases[3])
    edge = 1.0 - 0.12 * np.maximum(_near(z, near, 0.05), _near(z, back, 0.05))
    canvas.put(far, top, (226.0, 228.0, 226.0), (crease * edge).astype(np.float32))
    canvas.put(
        far - 0.001, top & (x > -0.4), (128.0, 158.0, 172.0), (_blanket(x, z) * edge).astype(np.float32)
    )
    pillow = ((x + 1.26) / 0.25) ** 4 + ((z - 2.2) / 0.36) ** 4
    plump = (0.9 + 0.16 * np.exp(-pillow) - 0.05 * (pillow > 0.75)).astype(np.float32)
    canvas.put(far - 0.002, top & (pillow < 1.0), (228.0, 224.0, 214.0), plump)
    far, (x, y, _) = canvas.meet(2, near)
    side = _between(x, left, right) & _between(y, 0.02, BED_TOP_M)
    canvas.put(far, side, (70.0, 66.0, 62.0), np.ones_like(far))
    canvas.put(far - 0.001, side & (y > 0.2), (196.0, 198.0, 200.0), (0.7 + 0.6 * y).astype(np.float32))
    hang = side & (x > -0.4) & (y > 0.26)
    canvas.put(far - 0.002, hang, (112.0, 140.0, 154.0), (0.9 * _blanket(x, y)).astype(np.float32))
    far, (_, y, z) = canvas.meet(0, right)
    foot = _between(z, near, back) & _between(y, 0.02, BED_TOP_M + 0.12)
    canvas.put(far, foot, (150.0, 118.0, 86.0), (0.8 + 0.3 * y).astype(np.float32))
    far, (_, y, z) = canvas.meet(0, left)
    canvas.put(
        far,
        _between(z, near, back) & _between(y, 0.0, 1.0),
        (146.0, 114.0, 82.0),
        (0.75 + 0.25 * y).astype(np.float32),
    )


def _blanket(x: Floats, z: Floats) -> Floats:
    """A plaid: what breathing moves must have something to be seen by."""
    plaid = 0.06 * np.sign(np.sin(x * 34.0)) + 0.06 * np.sign(np.sin(z * 34.0))
    return np.asarray(1.0 + plaid + 0.015 * np.sin(x * 11.0 + z * 7.0), np.float32)
