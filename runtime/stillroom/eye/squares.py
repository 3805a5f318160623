"""Where the detector looks: squares of the frame, some of them wider than it.

Somebody cut off by the frame, above all who lies at its lower edge, is found in a square with a margin, and not in the
frame itself. Turning the square for those who lie gained nothing on recordings of falls.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.agreement import Cells
from stillroom.eye.detect import Square
from stillroom.eye.falling import Descent
from stillroom.eye.figures import nearly_all
from stillroom.observation import Box

LEAST_MOVING = 0.002
WIDE = 1.5
"""Of the frame's longer side: somebody cut off by the frame is found in a square with a margin."""
CLOSE = 2.0
"""Of what moves: padded by half of its size on each side."""
BUT_FOR = 0.02
"""Of what moves, at each end."""
LEAST_CLOSE = 0.4
FALLEN = 3.0
"""Of the height of who comes down."""


class Squares:
    """Make for a picture's size and its (rows, cols) cells, ask for each look."""

    def __init__(self, width_px: int, height_px: int, shape: tuple[int, int]) -> None:
        self._width, self._height, self._shape = width_px, height_px, shape
        self._round = 0

    def next(
        self, cells: Cells, descent: Descent | None, *, moving: bool, known: Sequence[Box] = ()
    ) -> Square:
        """Around who comes down; else the whole picture, in turn with it what moves or differs, or a wide square.

        known: where somebody is believed to be; two who are near one another are found apart from close by only, so
        what moves beside them is looked at by itself.
        """
        self._round += 1
        if descent is not None:
            return self._low(descent)
        longer = float(max(self._width, self._height))
        whole = Square(self._width / 2, self._height / 2, longer)
        if self._round % 2:
            return whole
        close = self._close(cells.moving & ~self._inside(known)) if known else None
        close = close or self._close(cells.moving if cells.figure is None else cells.moving | cells.figure)
        if not (moving and close):
            return Square(whole.x_px, whole.y_px, WIDE * longer)
        return close if close.side_px <= WIDE * longer else whole

    def shows(self, square: Square) -> bool:
        """Some of the frame lies in the square."""
        corners = [square.place(x, y) for x in (0.0, 1.0) for y in (0.0, 1.0)]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        return max(xs) > 1 and min(xs) < self._width - 1 and max(ys) > 1 and min(ys) < self._height - 1

    def _low(self, descent: Descent) -> Square:
        box, longer = descent.box, max(self._width, self._height)
        side = FALLEN * (descent.bottom - descent.top) * self._height
        x, y = (box.x0 + box.x1) / 2 * self._width, (box.y0 + box.y1) / 2 * self._height
        return Square(x, y, min(max(side, LEAST_CLOSE * longer), WIDE * longer))

    def _inside(self, boxes: Sequence[Box]) -> NDArray[np.bool_]:
        """(cells,) in one of the boxes."""
        rows, cols = self._shape
        inside = np.zeros(self._shape, np.bool_)
        for box in boxes:
            inside[
                int(box.y0 * rows) : math.ceil(box.y1 * rows), int(box.x0 * cols) : math.ceil(box.x1 * cols)
            ] = True
        return inside.reshape(-1)

    def _close(self, flags: NDArray[np.bool_]) -> Square | None:
        rows, cols = self._shape
        places = np.flatnonzero(flags)
        if len(places) < LEAST_MOVING * rows * cols:
            return None
        x0, x1 = (x / cols * self._width for x in nearly_all(places % cols, BUT_FOR))
        y0, y1 = (y / rows * self._height for y in nearly_all(places // cols, BUT_FOR))
        side = max(CLOSE * max(x1 - x0, y1 - y0), LEAST_CLOSE * max(self._width, self._height))
        return Square((x0 + x1) / 2, (y0 + y1) / 2, side)
