"""What stands in the room, painted: bed, nightstand, chair, and the bathroom's door."""

import numpy as np

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
    ROOM_BACK_M,
    Floats,
)
from stillroom_tools.lab.scene_strip import Mask, Strip, between, near


def bathroom(canvas: Strip) -> Mask:
    """A door in the back wall; says where one sees through it."""
    far, (x, y, _) = canvas.meet(2, ROOM_BACK_M)
    left, right = BATHROOM_X_M
    frame = between(x, left - 0.07, right + 0.07) & (y < DOOR_TOP_M + 0.07)
    canvas.put(far - 0.007, frame, (222.0, 216.0, 204.0), np.ones_like(far))
    inside = between(x, left, right) & (y < DOOR_TOP_M)
    tile = 1.0 - 0.06 * ((np.abs(np.sin(x * 21.0)) < 0.12) | (np.abs(np.sin(y * 21.0)) < 0.12))
    return canvas.put(far - 0.008, inside, (150.0, 164.0, 168.0), tile.astype(np.float32))


def chair(canvas: Strip) -> None:
    """Back, seat, arms and front of an armchair that faces the camera."""
    (left, right), (near, back) = CHAIR_X_M, CHAIR_Z_M
    cloth = (142.0, 112.0, 96.0)
    far, (x, y, _) = canvas.meet(2, back)
    rest = between(x, left, right) & between(y, 0.1, CHAIR_TOP_M)
    canvas.put(far, rest, cloth, (0.8 + 0.25 * y).astype(np.float32))
    far, (x, _, z) = canvas.meet(1, CHAIR_SEAT_M)
    canvas.put(far, between(x, left, right) & between(z, near, back), cloth, np.full_like(far, 1.08))
    far, (x, _, z) = canvas.meet(1, CHAIR_SEAT_M + 0.2)
    arms = (between(x, left, left + 0.09) | between(x, right - 0.09, right)) & between(z, near, back)
    canvas.put(far, arms, (110.0, 84.0, 62.0), np.ones_like(far))
    far, (x, y, _) = canvas.meet(2, near)
    front = between(x, left, right) & between(y, 0.08, CHAIR_SEAT_M)
    front |= (between(x, left, left + 0.09) | between(x, right - 0.09, right)) & between(
        y, 0.08, CHAIR_SEAT_M + 0.2
    )
    canvas.put(far, front, cloth, (0.7 + 0.3 * y).astype(np.float32))


def nightstand(canvas: Strip) -> None:
    """With a lamp on it, which is off."""
    far, (x, _, z) = canvas.meet(1, 0.6)
    top = between(x, -1.95, -1.5) & between(z, 2.85, 3.25)
    canvas.put(far, top, (182.0, 150.0, 112.0), np.ones_like(far))
    lamp = top & (((x + 1.72) ** 2 + (z - 3.05) ** 2) < 0.012)
    canvas.put(far - 0.001, lamp, (236.0, 222.0, 180.0), np.ones_like(far))
    far, (x, y, _) = canvas.meet(2, 2.85)
    drawer = 1.0 - 0.25 * (np.abs(y - 0.33) < 0.01)
    front = between(x, -1.95, -1.5) & between(y, 0.0, 0.6)
    canvas.put(far, front, (150.0, 120.0, 88.0), drawer.astype(np.float32))


def bed(canvas: Strip, phases: Floats) -> None:
    """Mattress with blanket and pillow, side, foot and head; the phases move creases."""
    (left, right), (front, back) = BED_X_M, BED_Z_M
    far, (x, _, z) = canvas.meet(1, BED_TOP_M)
    top = between(x, left, right) & between(z, front, back)
    crease = 1.0 + 0.02 * np.sin(x * 23.0 + 2.0 * np.sin(z * 17.0 + phases[2]) + phases[3])
    edge = 1.0 - 0.12 * np.maximum(near(z, front, 0.05), near(z, back, 0.05))
    canvas.put(far, top, (226.0, 228.0, 226.0), (crease * edge).astype(np.float32))
    canvas.put(
        far - 0.001, top & (x > -0.4), (128.0, 158.0, 172.0), (_blanket(x, z) * edge).astype(np.float32)
    )
    pillow = ((x + 1.26) / 0.25) ** 4 + ((z - 2.2) / 0.36) ** 4
    plump = (0.9 + 0.16 * np.exp(-pillow) - 0.05 * (pillow > 0.75)).astype(np.float32)
    canvas.put(far - 0.002, top & (pillow < 1.0), (228.0, 224.0, 214.0), plump)
    far, (x, y, _) = canvas.meet(2, front)
    side = between(x, left, right) & between(y, 0.02, BED_TOP_M)
    canvas.put(far, side, (70.0, 66.0, 62.0), np.ones_like(far))
    canvas.put(far - 0.001, side & (y > 0.2), (196.0, 198.0, 200.0), (0.7 + 0.6 * y).astype(np.float32))
    hang = side & (x > -0.4) & (y > 0.26)
    canvas.put(far - 0.002, hang, (112.0, 140.0, 154.0), (0.9 * _blanket(x, y)).astype(np.float32))
    far, (_, y, z) = canvas.meet(0, right)
    foot = between(z, front, back) & between(y, 0.02, BED_TOP_M + 0.12)
    canvas.put(far, foot, (150.0, 118.0, 86.0), (0.8 + 0.3 * y).astype(np.float32))
    far, (_, y, z) = canvas.meet(0, left)
    canvas.put(
        far,
        between(z, front, back) & between(y, 0.0, 1.0),
        (146.0, 114.0, 82.0),
        (0.75 + 0.25 * y).astype(np.float32),
    )


def _blanket(x: Floats, z: Floats) -> Floats:
    """A plaid: what breathing moves must have something to be seen by."""
    plaid = 0.06 * np.sign(np.sin(x * 34.0)) + 0.06 * np.sign(np.sin(z * 34.0))
    return np.asarray(1.0 + plaid + 0.015 * np.sin(x * 11.0 + z * 7.0), np.float32)
