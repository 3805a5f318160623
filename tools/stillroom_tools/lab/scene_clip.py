"""What hides somebody: the wall around a door that one sees him through, and the bed in front of him.

Everything else that a room of this simulator has stands behind whoever is near it, or is not drawn over (assumed).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillroom_tools.lab.scene import BED_Z_M, Floats
from stillroom_tools.lab.scene_figure import Through
from stillroom_tools.lab.scene_paint import Capsule, Window
from stillroom_tools.lab.scene_room import Backdrop


@dataclass(frozen=True, slots=True)
class _Cut:
    """A mask kept only where it is not empty."""

    left: int
    top: int
    mask: NDArray[np.bool_]

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> "_Cut":
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not rows.size:
            return cls(0, 0, np.zeros((0, 0), np.bool_))
        part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return cls(int(columns[0]), int(rows[0]), part.copy())

    def within(self, window: Window) -> Floats:
        """The mask over a window: 1 where it is set."""
        found = np.zeros((window.y1 - window.y0, window.x1 - window.x0), np.float32)
        x0, y0 = max(self.left, window.x0), max(self.top, window.y0)
        x1 = min(self.left + self.mask.shape[1], window.x1)
        y1 = min(self.top + self.mask.shape[0], window.y1)
        if x0 < x1 and y0 < y1:
            seen = self.mask[y0 - self.top : y1 - self.top, x0 - self.left : x1 - self.left]
            found[y0 - window.y0 : y1 - window.y0, x0 - window.x0 : x1 - window.x0] = seen
        return found


class Clips:
    """The masks of one room."""

    def __init__(self, room: Backdrop) -> None:
        self._doors = {"door": _Cut.of(room.doorway), "bathroom-door": _Cut.of(room.bathroom)}
        self._bed = _Cut.of(room.bed)

    def through(self, through: Through, window: Window) -> Floats | None:
        """1 where one sees through that door; None: in the room, everywhere."""
        return None if through == "room" else self._doors[through].within(window)

    def over_bed(self, window: Window) -> Floats:
        """1 where the bed does not hide what is behind it."""
        return np.asarray(np.float32(1.0) - self._bed.within(window))


_OVER_M = 0.1
"""By which somebody behind the bed may have a limb over its edge, and be hidden still."""


def hidden_by_bed(capsule: Capsule) -> bool:
    """Whether the bed hides this part of somebody who is behind it, wherever the bed shows."""
    return capsule.z_m > BED_Z_M[1] - _OVER_M
