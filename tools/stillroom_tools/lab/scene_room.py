"""The empty room, painted once: each pixel's ray meets the nearest of the room's surfaces.

Strip by strip with 2x2 rays a pixel, so that a picture of any size costs little memory.
"""

from dataclasses import dataclass

import numpy as np

from stillroom_tools.lab.scenario import Furniture
from stillroom_tools.lab.scene import (
    BED_X_M,
    BED_Z_M,
    DOOR_TOP_M,
    DOOR_X_M,
    ROOM_BACK_M,
    ROOM_LEFT_M,
    ROOM_RIGHT_M,
    Floats,
    Pinhole,
    ceiling_m,
)
from stillroom_tools.lab.scene_furniture import bathroom, bed, chair, nightstand
from stillroom_tools.lab.scene_random import units
from stillroom_tools.lab.scene_sensor import FINE, Counts
from stillroom_tools.lab.scene_strip import Mask, Strip, between, near

_STRIP_PX = 8
RGB_TO_YUV = np.array(  # BT.601, full range, chroma around 0
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)


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


def _strip(
    camera: Pinhole, top: int, rows: int, phases: Floats, furniture: Furniture
) -> tuple[Floats, tuple[Mask, Mask, Mask]]:
    """Colours, and where doorway, bathroom and bed are seen."""
    canvas = Strip(camera, top, rows)
    _floor(canvas, phases)
    door = _walls(canvas, ceiling_m(camera), phases)
    bath = bathroom(canvas) if furniture.bathroom else np.zeros_like(door)
    nightstand(canvas)
    if furniture.chair:
        chair(canvas)
    before = canvas.far.copy()
    bed(canvas, phases)
    bedding = canvas.far < before
    return np.clip(canvas.rgb, 0.0, 255.0), (door & ~bedding, bath & ~bedding, bedding)


def _floor(canvas: Strip, phases: Floats) -> None:
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


def _walls(canvas: Strip, ceiling: float, phases: Floats) -> Mask:
    """Ceiling, walls and what hangs there; says where one sees through the door."""
    far, (_, _, z) = canvas.meet(1, ceiling)
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
    window = between(x, -1.5, -0.5) & between(y, 0.95, 1.95)
    pane = window & (np.abs(x + 1.0) > 0.03) & (np.abs(y - 1.4) > 0.025)
    canvas.put(far - 0.002, window, (226.0, 226.0, 220.0), flat)
    canvas.put(far - 0.003, pane, (196.0, 214.0, 226.0), (1.0 + 0.1 * (y - 1.4)).astype(np.float32))
    curtain = (between(x, -1.85, -1.42) | between(x, -0.58, -0.2)) & between(y, 0.8, 2.15)
    canvas.put(
        far - 0.004, curtain, (150.0, 170.0, 152.0), (0.95 + 0.09 * np.sin(x * 62.0)).astype(np.float32)
    )
    frame = between(x, DOOR_X_M[0] - 0.07, DOOR_X_M[1] + 0.07) & (y < DOOR_TOP_M + 0.07)
    canvas.put(far - 0.005, frame, (222.0, 216.0, 204.0), flat)
    inside = between(x, *DOOR_X_M) & (y < DOOR_TOP_M) & everywhere
    return canvas.put(far - 0.006, inside, (104.0, 106.0, 108.0), (0.75 + 0.16 * y).astype(np.float32))


def _wall(canvas: Strip, far: Floats, y: Floats, along: Floats, tint: float, phases: Floats) -> None:
    grain = 1.0 + 0.006 * np.sin(along * 47.0 + 5.0 * np.sin(y * 31.0 + phases[1]))
    light = tint * (0.86 + 0.07 * y) * grain * (1.0 - 0.12 * near(y, 0.0, 0.25))
    wall = y >= 0.0
    canvas.put(far, wall, (214.0, 210.0, 196.0), light.astype(np.float32))
    canvas.put(far - 0.0005, wall & (y < 0.1), (120.0, 108.0, 96.0), light.astype(np.float32))
    canvas.put(far - 0.001, between(y, 0.82, 0.94), (158.0, 128.0, 96.0), light.astype(np.float32))
