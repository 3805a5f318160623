"""What shows of a body: its box on the picture, and the share of it that nothing hides.

By upright rectangles around capsules, which is as near as a box can be: the bed's far edge is level on the picture, a
door is the rectangle around its opening.
"""

import numpy as np

from stillroom.observation import Box
from stillroom_tools.lab.scene import (
    BATHROOM_X_M,
    BED_TOP_M,
    BED_X_M,
    BED_Z_M,
    DOOR_TOP_M,
    DOOR_X_M,
    ROOM_BACK_M,
    Pinhole,
)
from stillroom_tools.lab.scene_clip import hidden_by_bed
from stillroom_tools.lab.scene_figure import Through
from stillroom_tools.lab.scene_paint import Capsule, sides_of

_Sides = tuple[float, float, float, float]
_MIN_PX = 1.0


class Sight:
    """What one lens sees of this room's bodies."""

    def __init__(self, camera: Pinhole) -> None:
        self._width, self._height = camera.width_px, camera.height_px
        door, bathroom = (
            [(x, y, ROOM_BACK_M) for x in sides for y in (0.0, DOOR_TOP_M)]
            for sides in (DOOR_X_M, BATHROOM_X_M)
        )
        bed = [(x, BED_TOP_M, BED_Z_M[1]) for x in BED_X_M]
        self._openings: dict[Through, _Sides] = {
            "room": (0.0, 0.0, float(self._width), float(self._height)),
            "door": self._around(camera, door),
            "bathroom-door": self._around(camera, bathroom),
        }
        self._bed = self._around(camera, bed)

    def of(self, capsules: list[Capsule], through: Through, *, behind_bed: bool) -> tuple[Box | None, float]:
        """Shares of the picture, and 0 to 1; None where less than a pixel shows."""
        opening, shown, whole, seen = self._openings[through], list[_Sides](), 0.0, 0.0
        for capsule in capsules:
            sides = sides_of(capsule)
            whole += _area(sides)
            part = self._beside_bed(capsule, sides) if behind_bed else sides
            part = _common(part, opening)
            if part[2] - part[0] >= _MIN_PX and part[3] - part[1] >= _MIN_PX:
                shown.append(part)
                seen += _area(part)
        if not shown:
            return None, 0.0
        x, y = self._width, self._height
        left, top = min(each[0] for each in shown), min(each[1] for each in shown)
        right, bottom = max(each[2] for each in shown), max(each[3] for each in shown)
        return Box(left / x, top / y, right / x, bottom / y), min(seen / whole, 1.0)

    def _beside_bed(self, capsule: Capsule, sides: _Sides) -> _Sides:
        left, top, right, bottom = sides
        bed_left, bed_y, bed_right, _ = self._bed
        if not hidden_by_bed(capsule) or not bed_left < (left + right) / 2 < bed_right:
            return sides
        return left, top, right, min(bottom, bed_y)

    def _around(self, camera: Pinhole, corners_m: list[tuple[float, float, float]]) -> _Sides:
        x, y, _ = camera.project(np.array(corners_m)).T
        sides = float(x.min()), float(y.min()), float(x.max()), float(y.max())
        return _common(sides, (0.0, 0.0, float(self._width), float(self._height)))


def _common(a: _Sides, b: _Sides) -> _Sides:
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def _area(sides: _Sides) -> float:
    return (sides[2] - sides[0]) * (sides[3] - sides[1])
