"""Movement that goes down: how high the cells that move reach, fifth by fifth, and whether that height has collapsed.

Somebody who walks or stands moves from head to foot. When he falls, the upper end of what moves comes down by half of
his height within a second, and stays down while he comes to rest. That alone proves nothing (whoever stops walking may
move a foot last): it says when to look, and where somebody lies whom no model finds any more.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.figures import nearly_all
from stillroom.observation import Box

Flags = NDArray[np.bool_]

FIFTHS = 10
"""Two seconds are remembered."""
WITHIN_S = 1.3
"""From the last fifth in which the upper end was up to the first in which it is down; sitting down takes longer."""
HIGH, SINKS, NEARLY, LOW = 0.2, 0.2, 0.3, 0.45
"""How far the upper end is below where it was, in heights: still up, coming down, nearly down, down."""
LEAST_ROWS, LEAST_SHARE = 6, 0.18
"""Of the height, in cells, and of the picture's height."""
OF_BODY = 0.45
"""Of somebody who is higher than wide: what moved must have been most of him."""
LEAST_CELLS, FILLED = 4, 0.04
"""What must move, and how much of a square as high as he is: specks are nobody."""
MOST_OF_HIM = 0.2
"""Of the cells of the fifth in which most moved: with fewer it is no more than a part of him."""
MOST_MOVING = 0.3
"""Of the picture: beyond it the light changes, or a codec begins anew."""
REACH = 0.6
"""Beside the body, in heights: who falls over lies beside where he stood."""
SIDE, SIDE_SHARE, NEAR, LATELY_S = 0.05, 0.05, 0.4, 2.0
"""Of the picture's width: its left and right edge; of what moves, how much must be there; who is near; for how long."""
UPPER, LOWER = 0.15, 0.95
"""Of what moves, from above: between them lies the body, without specks."""


@dataclass(frozen=True, slots=True)
class Descent:
    """Who moved up to `top` now moves below it only. In shares of the picture.

    by: how far the upper end came down, in heights. down: to below half of his height, and not in one step, unless as
    much moves as before it and he had begun to sink. box: where it moves now.
    """

    top: float
    bottom: float
    by: float
    down: bool
    box: Box
    took_s: float
    """From the last fifth in which he was up to the first in which he was down, or coming down."""


class Falling:
    """Make for (rows, cols) cells, feed each fifth, ask of boxes (shares of the picture)."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        self._ring = np.zeros((FIFTHS, *shape), np.bool_)
        self._times_s = [-1e9] * FIFTHS
        self._counts = [0] * FIFTHS
        """Of cells that move; -1: of no use."""
        self._sides_s = [-1e9, -1e9]

    def restart(self) -> None:
        """Time jumped."""
        self._times_s = [-1e9] * FIFTHS

    def feed(self, time_s: float, moving: Flags | None) -> None:
        """moving: (cells,) without what moves all the time; None: nothing does."""
        count = 0 if moving is None else int(np.count_nonzero(moving))
        count = count if count <= MOST_MOVING * self._ring[0].size else -1
        if count > 0 or max(self._counts) > 0:  # else there is nothing in the ring to be moved on
            self._ring[:-1] = self._ring[1:]
            self._ring[-1] = moving.reshape(self._shape) if moving is not None and count > 0 else False
        self._counts = [*self._counts[1:], count]
        self._times_s = [*self._times_s[1:], time_s]
        if count < LEAST_CELLS:
            return
        now, wide = self._ring[-1], max(1, round(SIDE * self._shape[1]))
        for side, part in enumerate((now[:, :wide], now[:, -wide:])):
            if np.count_nonzero(part) >= max(LEAST_CELLS, SIDE_SHARE * count):
                self._sides_s[side] = time_s

    def may_leave(self, box: Box) -> bool:
        """Something moved lately at the left or right edge of the picture, and the box is on that side."""
        left_s, right_s = (self._times_s[-1] - then_s for then_s in self._sides_s)
        return (left_s < LATELY_S and box.x0 < NEAR) or (right_s < LATELY_S and box.x1 > 1 - NEAR)

    def still(self, box: Box, fifths: int = FIFTHS) -> bool:
        """Nothing has moved around that body in so many fifths; False before there were so many."""
        counts = self._counts[-fifths:]
        if self._times_s[-fifths] < self._times_s[-1] - 2.0 or min(counts) < 0:
            return False
        if max(counts) < LEAST_CELLS:  # nowhere, so not there either
            return True
        left, right = self._columns(box)
        moved = self._ring[-fifths:, :, left:right].sum(axis=(1, 2))
        return bool((moved < LEAST_CELLS).all())

    def of(self, box: Box | None) -> Descent | None:
        """Whether what moves around a body in this box is coming down; None: around the whole picture."""
        rows = self._shape[0]
        most = sorted(self._counts, reverse=True)
        if most[2] < LEAST_CELLS:  # in fewer than three fifths: mostly so, a quick way out
            return None
        times_s = np.array(self._times_s)
        left, right = self._columns(box)
        part = self._ring[:, :, left:right]
        counts = part.sum(axis=2)
        moved = counts.sum(axis=1)
        known = np.flatnonzero((moved >= LEAST_CELLS) & (times_s > times_s[-1] - 2.0))
        if len(known) < 3 or known[-1] < FIFTHS - 2:
            return None
        tall = 0.0 if box is None or box.y1 - box.y0 < box.x1 - box.x0 else box.y1 - box.y0
        reach = _reach_of(counts, known, max(LEAST_ROWS, LEAST_SHARE * rows, OF_BODY * tall * rows))
        if reach is None:
            return None
        tops, top, height = reach
        fell = (tops - top) / height
        if fell[-1] < SINKS or fell[-1] < fell[:-1].max() - HIGH:
            return None
        up = np.flatnonzero(fell <= HIGH)[-1]
        took_s = float(times_s[known[min(up + 1, len(known) - 1)]] - times_s[known[up]])
        first_low = np.flatnonzero(fell >= LOW)
        whole = counts[known[-1]].sum() >= counts[known[-2]].sum()
        down = bool(fell[-1] >= LOW and fell[-2] >= (SINKS if whole else NEARLY))
        if down:
            took_s = float(times_s[known[first_low[first_low > up][0]]] - times_s[known[up]])
        if took_s > WITHIN_S:
            return None
        box_now = self._where(part[-3:], left)
        return Descent(top / rows, (top + height) / rows, float(fell[-1]), down, box_now, took_s)

    def _columns(self, box: Box | None) -> tuple[int, int]:
        cols = self._shape[1]
        if box is None:
            return 0, cols
        aside = REACH * (box.y1 - box.y0) * self._shape[0] / cols
        left = max(0, int((box.x0 - aside) * cols))
        return left, max(left + 1, min(cols, round((box.x1 + aside) * cols)))

    def _where(self, part: Flags, left: int) -> Box:
        """The box around what moved in the last fifths."""
        rows, cols = self._shape
        down, across = np.nonzero(part.any(axis=0))
        (y0, y1), (x0, x1) = nearly_all(down), nearly_all(across)
        return Box((x0 + left) / cols, y0 / rows, (x1 + left + 1) / cols, (y1 + 1) / rows)


def _reach_of(
    counts: NDArray[np.int64], known: NDArray[np.intp], least: float
) -> tuple[NDArray[np.int64], int, int] | None:
    """Of who moves: how high he reaches in each fifth, the highest of it, and his height, all in cells.

    counts: (fifths, rows). A head that nods, or a hand, moves higher than who falls a moment later: such specks do not
    say how high he is.
    """
    moved = counts[known].sum(axis=1)
    share = counts[known].cumsum(axis=1) / moved[:, None]
    tops, bottoms = (share < UPPER).sum(axis=1), (share < LOWER).sum(axis=1) + 1
    most = moved >= MOST_OF_HIM * moved.max()
    highest = int(np.argmin(np.where(most[:-1], tops[:-1], len(counts[0]))))
    top, height = int(tops[highest]), int(bottoms[: highest + 2].max() - tops[highest])
    filled = min(moved[highest], moved[-1]) >= FILLED * height * height
    return (tops, top, height) if filled and height >= least else None
