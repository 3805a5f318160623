"""What the cells say of a place where a model saw somebody. Models fire on drawings, coats and television.

A cell that moves much of the time over a minute is restless (a screen, a curtain in a draught): its movement and its
difference from the empty room say nothing of people. A place agrees where enough of its other cells moved lately,
differ from the learned empty room, or breathe.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from stillroom.eye.figures import blobs_of, nearly_all, share_of
from stillroom.eye.track import beside, within
from stillroom.observation import Box

Flags = NDArray[np.bool_]
Reason = Literal["motion", "breathing", "background"]

RESTLESS_FIFTHS = 300.0
"""Time constant of what a cell uses to do: one minute."""
RESTLESS_SHARE = 0.2
MOST_RESTLESS = 0.5
"""Of a place: beyond it only breathing counts."""
MOVED_WITHIN_S = 2.0
LEAST_MOVED = 0.08
LEAST_DIFFERENT = 0.2
LEAST_STIRRED = 0.05
MOST_MOVING = 0.8
"""Of the picture: beyond it the light changes, and nobody moves for that; who falls near the camera moves half."""
SETTLES_S = 1.0
"""Of the camera's exposure, after the light has changed."""
LEAST_OWN = 0.2
"""Of a place, what nobody stands before: with less nothing is known of it."""
AROUND, THERE = 2.0, 0.6
"""Of somebody's width, on both sides; of what moves there and around, how much is there if he stirs."""
TRAIL_S = 8.0
FAR = 0.45
"""Of the picture's width or height: no screen is so large, and whoever stands so tall is near."""
EDGE_CELLS = 2
LEAST_FIGURE, MOST_FIGURE = 0.02, 0.25
"""Of the picture: what differs is somebody; beyond it more than one, or the light."""


class Cells(Struct, frozen=True, eq=False):
    """A fifth of a second. moving, figure: (cells,); figure None: no model of the room yet.

    learned: the keeper has confirmed that the room was empty when it was learned. empty: the keeper's word.
    """

    time_s: float
    frame_ns: int
    moving: Flags
    figure: Flags | None
    learned: bool
    breathing: Box | None
    empty: bool | None


class Agreement:
    """Make for (rows, cols) cells, feed each fifth, ask of boxes (shares of the picture)."""

    def __init__(self, shape: tuple[int, int], door: Flags | None = None) -> None:
        """door: (cells,) where people come in, beside the picture's edge; at least one cell."""
        self._shape = shape
        self._door = door
        self._ways_out = np.zeros(shape, np.bool_) if door is None else door.reshape(shape).copy()
        self._ways_out[-EDGE_CELLS:] = self._ways_out[:, :EDGE_CELLS] = self._ways_out[:, -EDGE_CELLS:] = True
        self._moved_s = np.full(shape, -1e9, np.float32)
        self._stirred_s = np.full(shape, -1e9, np.float32)
        self._busy = np.zeros(shape, np.float32)
        self._calm_fifths = 0
        """Since `_busy` was moved on: as long as nothing moves, it fades by itself."""
        self._now: Cells | None = None
        self._stirs_s = -1e9
        """When anything moved last."""
        self.restless: Flags = np.zeros(shape[0] * shape[1], np.bool_)
        """(cells,) True for cells that move much of the time."""
        self.any_restless = False
        self.moving: Flags = self.restless
        """(cells,) True for the others that move now."""
        self._before: list[Flags] = []
        """(cells,) what moved in the two fifths before this one, the later first; none in changing light."""
        self.moves = 0
        """How many cells move now, restless or not. In a still room none does, nearly always."""
        self.light = False
        """So many do, or did a moment ago, that it is the light that moved."""
        self._lit_s = -1e9

    def feed(self, cells: Cells) -> None:
        if self._now is not None:
            self._before = [] if self.light else [self._now.moving, *self._before[:1]]
        self._now, self.moves = cells, int(np.count_nonzero(cells.moving))
        self._calm_fifths += 1
        if self.moves or self.any_restless:
            self.restless = (self._usual(cells.moving) >= RESTLESS_SHARE).reshape(-1)
            self.any_restless = bool(self.restless.any())
        self.moving = cells.moving & ~self.restless if self.any_restless else cells.moving
        if self.moves > MOST_MOVING * cells.moving.size:
            self._lit_s = cells.time_s
        self.light = cells.time_s - self._lit_s < SETTLES_S
        if self.moves:
            self._stirs_s = cells.time_s
        if self.moves and not self.light:
            self._stirred_s[cells.moving.reshape(self._shape)] = cells.time_s
            self._moved_s[self.moving.reshape(self._shape)] = cells.time_s

    def _usual(self, moving: Flags | None = None) -> NDArray[np.float32]:
        """(rows, cols) how much of the time each cell moves, by now. moving: (cells,) what does; None: nothing."""
        self._busy *= np.float32((1 - 1 / RESTLESS_FIFTHS) ** self._calm_fifths)
        self._calm_fifths = 0
        if moving is not None:
            self._busy[moving.reshape(self._shape)] += np.float32(1 / RESTLESS_FIFTHS)
        return self._busy

    @property
    def knows_room(self) -> bool:
        """The empty room was learned while the keeper knew it empty: what does not differ from it is not there."""
        return self._now is not None and self._now.learned

    @property
    def has_room(self) -> bool:
        """There is some model of the room without people."""
        return self._now is not None and self._now.figure is not None

    @property
    def time_s(self) -> float:
        """Of the last fifth."""
        return 0.0 if self._now is None else self._now.time_s

    def of(self, box: Box) -> Reason | None:
        """Why a person in this box may be believed; None: nothing agrees."""
        now = self._now
        if now is None:
            return None
        if self.breathes(box):
            return "breathing"
        where = self._slices(box)
        if share_of(self.restless.reshape(self._shape)[where]) > MOST_RESTLESS:
            return None
        if now.learned and self.like_the_room(box):
            return None  # a shadow or light that moves over the known room
        if share_of(self._moved_lately(where)) >= LEAST_MOVED:
            return "motion"
        return "background" if now.learned and self._different(where) >= LEAST_DIFFERENT else None

    def passes(self, box: Box) -> bool:
        """What moves there comes from beside it and goes on; who stirs where he is moves nowhere else."""
        around = int(np.count_nonzero(self._moved_lately(self._slices(beside(box, AROUND)))))
        return int(np.count_nonzero(self._moved_lately(self._slices(box)))) < THERE * around

    def stirred(self, box: Box, since_s: float, own_s: NDArray[np.float32] | None = None) -> float:
        """Share of the place that has moved since then, restless or not. own_s: as kept by `note`; None: all of it."""
        if self._stirs_s <= since_s:
            return 0.0
        return share_of((self._stirred_s if own_s is None else own_s)[self._slices(box)] > since_s)

    def breathes(self, box: Box) -> bool:
        """Something does in the box, now."""
        breathing = None if self._now is None else self._now.breathing
        return breathing is not None and within(breathing, box)

    @property
    def knows_door(self) -> bool:
        """Where people come in and go out was drawn."""
        return self._door is not None

    def stirs(self, box: Box, others: Sequence[Box]) -> tuple[int, int]:
        """Of what moves now in the box and in no other, not restless: how many cells, and how many in a way out.

        A way out is the door, and the picture's edge but for the upper one.
        """
        where = self._slices(box)
        moves = np.zeros(self._shape, np.bool_)
        moves[where] = self.moving.reshape(self._shape)[where]
        for other in others:
            moves[self._slices(other)] = False
        return int(np.count_nonzero(moves)), int(np.count_nonzero(moves & self._ways_out))

    def stirred_so_far(self) -> NDArray[np.float32]:
        """(rows, cols) when each cell last moved, to go on with by `note`."""
        return self._stirred_s.copy()

    def note(self, stirred_s: NDArray[np.float32], others: Sequence[Box]) -> None:
        """Write the time into what moves now, but for what others move, in their boxes."""
        now = self._now
        if now is None:
            return
        moves = now.moving.reshape(self._shape).copy()
        for other in others:
            moves[self._slices(other)] = False
        stirred_s[moves] = now.time_s

    def left_last_s(self) -> float:
        """When something last moved at a way out: the door, or a side of the picture but the upper one."""
        ways = [
            self._stirred_s[:, :EDGE_CELLS],
            self._stirred_s[:, -EDGE_CELLS:],
            self._stirred_s[-EDGE_CELLS:],
        ]
        if self._door is not None:
            ways.append(self._stirred_s.reshape(-1)[self._door])
        return max(_last_s(way) for way in ways)

    def moved_last_s(self, box: Box) -> float:
        """When something last moved in the box, away from the door."""
        where = self._slices(box)
        inside = self._stirred_s[where]
        return _last_s(inside if self._door is None else inside[~self._door.reshape(self._shape)[where]])

    def vacant(self, box: Box, before: Sequence[Box] = ()) -> bool:
        """Nothing moves there, restless or not, and nothing differs from what is known of the room.

        before: boxes of others in front of it, which explain what moves or differs in them.
        """
        where, own, since_s = self._slices(box), self._own(box, before), self.time_s - 0.5
        stirred = 0.0 if self._stirs_s <= since_s else _share(self._stirred_s[where] > since_s, own)
        return stirred < LEAST_STIRRED and self._differs(where, own) < LEAST_DIFFERENT / 2

    def like_the_room(self, box: Box, before: Sequence[Box] = ()) -> bool:
        """There is a model of the room without people, and the place looks as in it, whatever light moves over it.

        before: as of `vacant`; of a place that they cover nearly whole nothing is known.
        """
        figure = None if self._now is None else self._now.figure
        own = self._own(box, before)
        if figure is None or (own is not None and share_of(own) < LEAST_OWN):
            return False
        return self._differs(self._slices(box), own) < LEAST_DIFFERENT / 2

    def hides(self, box: Box, before: Sequence[Box] = ()) -> bool:
        """Something stands before the known room there. before: as of `vacant`."""
        return self.knows_room and self._differs(self._slices(box), self._own(box, before)) >= LEAST_DIFFERENT

    def differing(self, box: Box, but: Sequence[Box] = ()) -> int:
        """How many cells differ there from what is known of the room. but: boxes of which none is counted."""
        figure = None if self._now is None else self._now.figure
        if figure is None:
            return 0
        differs, own = figure.reshape(self._shape)[self._slices(box)], self._own(box, but)
        return int(np.count_nonzero(differs if own is None else differs & own))

    def _differs(self, where: tuple[slice, slice], own: Flags | None = None) -> float:
        figure = None if self._now is None else self._now.figure
        return 0.0 if figure is None else _share(figure.reshape(self._shape)[where], own)

    def _own(self, box: Box, before: Sequence[Box]) -> Flags | None:
        """Of the place, what no other box covers; None: all of it."""
        if not before:
            return None
        covered = np.zeros(self._shape, np.bool_)
        for other in before:
            covered[self._slices(other)] = True
        own: Flags = ~covered[self._slices(box)]
        return own

    def moving_at(self, box: Box, others: Sequence[Box], of: Box, ago: int = 0) -> Box | None:
        """Around what moves now in the box and in no other; None: next to nothing of a place as large as `of`.

        As high as all that moves in its columns: who goes behind another, or a bed, is cut off by their boxes.
        ago: in fifths of a second, at most two; of what moved then.
        """
        where, now = self._slices(box), self._now
        if now is None or ago > len(self._before):
            return None
        moving = (self._before[ago - 1] if ago else now.moving).reshape(self._shape)[where]
        own = self._own(box, others)
        moves = moving if own is None else moving & own
        if np.count_nonzero(moves) < LEAST_MOVED * self._moved_s[self._slices(of)].size:
            return None
        rows, cols = self._shape
        left, right = nearly_all(np.nonzero(moves)[1])
        down = np.nonzero(moving[:, int(left) : int(right) + 1])[0]
        (y0, y1), (x0, x1) = (
            nearly_all(down + where[0].start),
            (left + where[1].start, right + where[1].start),
        )
        return Box(x0 / cols, y0 / rows, (x1 + 1) / cols, (y1 + 1) / rows)

    def figure_at(self, box: Box) -> Box | None:
        """Around what differs from the known empty room at the middle of the box; None: nothing, or too much."""
        now = self._now
        if now is None or now.figure is None or not now.learned:
            return None
        blobs = blobs_of(now.figure, now.moving, self._shape)
        over = [blob for blob in blobs if within(box, blob.box) and LEAST_FIGURE <= blob.area <= MOST_FIGURE]
        return max(over, key=lambda blob: blob.area).box if over else None

    def came(self, box: Box) -> bool:
        """The box is at the picture's edge, or movement led here from there, from the door, or from far away.

        Screens show people in one place.
        """
        rows, cols = self._shape
        down, across = self._slices(box)
        if min(down.start, across.start) < EDGE_CELLS:
            return True
        if down.stop > rows - EDGE_CELLS or across.stop > cols - EDGE_CELLS:
            return True
        trail = self._moved_s > self.time_s - TRAIL_S
        if self._door is not None and float(trail.reshape(-1)[self._door].mean()) >= LEAST_MOVED:
            return True
        return any(_extent(np.any(trail, axis=axis)) >= FAR for axis in (0, 1))

    def _moved_lately(self, where: tuple[slice, slice]) -> Flags:
        return self._moved_s[where] > self.time_s - MOVED_WITHIN_S

    def _different(self, where: tuple[slice, slice]) -> float:
        figure = None if self._now is None else self._now.figure
        if figure is None:
            return 0.0
        calm = self._usual()[where] < RESTLESS_SHARE
        return share_of(figure.reshape(self._shape)[where] & calm)

    def _slices(self, box: Box) -> tuple[slice, slice]:
        """At least one cell, all of them inside the picture."""
        return _slices(box, self._shape)


def _share(flags: Flags, own: Flags | None) -> float:
    """Of the place, or of the part of it that is nobody else's; 0 where nothing is left."""
    if own is None:
        return share_of(flags)
    return float((flags & own).sum()) / max(1, int(own.sum()))


def _last_s(stirred_s: NDArray[Any]) -> float:
    """The latest time since which enough of some cells have moved to be more than somebody's swaying."""
    count = max(1, round(LEAST_MOVED * stirred_s.size))
    return float(np.sort(stirred_s, axis=None)[-count]) if stirred_s.size else -1e9


def _extent(used: NDArray[Any]) -> float:
    """From the first to the last of some rows or columns, nine in ten of them, as a share of all."""
    places = np.flatnonzero(used)
    if len(places) == 0:
        return 0.0
    low, high = nearly_all(places)
    return (high - low + 1) / len(used)


@lru_cache(maxsize=16)
def _slices(box: Box, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Remembered: whoever lies still has the same box five times a second."""
    return _span(box.y0, box.y1, shape[0]), _span(box.x0, box.x1, shape[1])


def _span(low: float, high: float, count: int) -> slice:
    first = min(count - 1, max(0, int(low * count)))
    return slice(first, max(first + 1, min(count, round(high * count))))
