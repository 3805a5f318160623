"""Somebody who slid or fell from the bed's edge onto the floor before it.

Who sits there and gets up comes higher; who lies down is on the bed. So whoever goes from there downwards, off the bed,
and is not up again, is on the floor, however a model says that he is held: seen along the body, who lies looks like one
who sits.
"""

from collections import deque
from typing import NamedTuple

from stillroom.clock import NS_PER_S
from stillroom.events import RoomState
from stillroom.keeper.occupancy import Evidence
from stillroom.observation import Box

REMEMBERED_S = 2.4
LEAST_HIGH = 0.2
"""Of the picture, from the upper to the lower end of what moves: somebody, and not his hand."""
SANK, SANK_WHOLE = 0.25, 0.15
"""Of his height as he sat; who leans forward to get up comes down by less, and is up within a second. The second: where
his feet come down with him, as those of who leans do not.
"""
FEET = 0.1
"""Of it, by which they come down then."""
ROSE = 0.15
"""Of it: who comes higher than he sat gets up."""
STAYS = 0.1
"""Of it, how far the lower end may come up: who lies down takes his feet from the floor."""


class Fallen(NamedTuple):
    """Since when, from where he sat, and to where he came down."""

    frame_ns: int
    sat: Box
    lies: Box


class _Moved(NamedTuple):
    frame_ns: int
    moves: Box
    at_edge: bool
    off_bed: bool


class Slid:
    """Fed with all evidence; answers with who has come down from the bed's edge."""

    def __init__(self) -> None:
        self._moved: deque[_Moved] = deque()

    def note(self, frame_ns: int, evidence: Evidence, state: RoomState) -> Fallen | None:
        """frame_ns: the camera's time, rising. state: the room's until now."""
        if state != "bed-edge" or (evidence.people or 0) > 1:
            self._moved.clear()
            return None
        if evidence.moving and evidence.moves is not None:
            at_edge = evidence.place == "bed-edge"
            off_bed = evidence.place in ("off-bed", "floor") and not evidence.bed_stirs
            self._moved.append(_Moved(frame_ns, evidence.moves, at_edge, off_bed))
        while self._moved and frame_ns - self._moved[0].frame_ns > REMEMBERED_S * NS_PER_S:
            self._moved.popleft()
        return self._fallen()

    def _fallen(self) -> Fallen | None:
        """The last two movements are low, off the bed, and the highest before them was his who sat."""
        if len(self._moved) < 3 or not all(each.off_bed for each in list(self._moved)[-2:]):
            return None
        sat = min(
            (each for each in self._moved if each.at_edge), key=lambda each: each.moves.y0, default=None
        )
        if sat is None or sat.moves.y1 - sat.moves.y0 < LEAST_HIGH:
            return None
        top, high = sat.moves.y0, sat.moves.y1 - sat.moves.y0
        if min(each.moves.y0 for each in self._moved) < top - ROSE * high:
            return None
        last = [each.moves for each in list(self._moved)[-2:]]
        low = all(_is_low(each, sat.moves) for each in last)
        return Fallen(self._moved[-1].frame_ns, sat.moves, last[-1]) if low else None


def _is_low(moves: Box, sat: Box) -> bool:
    high = sat.y1 - sat.y0
    sank, feet = (moves.y0 - sat.y0) / high, (moves.y1 - sat.y1) / high
    return feet >= -STAYS and sank >= (SANK_WHOLE if feet >= FEET else SANK)
