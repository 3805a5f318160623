"""Somebody who sits on the bed's edge, where a look draws him too large, or without his legs.

What a model finds is drawn alike above the hips and below, so feet are placed a hand's breadth too low, and who sits on
the edge seems to sit on the bed, or with his feet before its edge. What moved last when he came there is himself, from
head to foot. And nobody gets back onto the bed, or up, without moving: whom one look has found on the edge is there in
the next.
"""

from stillroom.events import RoomState
from stillroom.keeper.downed import WHOLE
from stillroom.keeper.occupancy import Evidence
from stillroom.keeper.zones import share_columns
from stillroom.observation import Box

OF_HIM = 0.7
"""Of his own height, where that is less than `WHOLE`: under a wide lens, and lying, he is not as high as that."""


class Perch:
    """Fed with all evidence."""

    def __init__(self) -> None:
        self._came: Box | None = None
        """What moved last, whole, where it came to rest on the edge while no more than one was there."""
        self._found = False
        """A look has found him on the edge since, at rest: the next draws him larger, and he has not moved."""

    def note(self, evidence: Evidence) -> None:
        """Each fifth of a second, whatever is seen."""
        moves = evidence.moves if evidence.moving else None
        if (evidence.people or 0) > 1:
            self._came = None
        elif (
            moves is not None and evidence.edge_stirs and _height(moves) >= min(WHOLE, _all_of(evidence.box))
        ):
            self._came = moves
        elif moves is not None and self._came is not None and _leaves(self._came, moves, evidence.box):
            self._came = None
        rests = moves is None and evidence.people == 1 and evidence.place == "bed-edge"
        self._found = self._came is not None and (rests or (self._found and self._came is not moves))

    def sits(self, evidence: Evidence, state: RoomState) -> bool:
        """He seems to be on the bed, or before it, and is on its edge. state: the room's until now."""
        box, seems = evidence.box, evidence.place == "bed" or (evidence.place == "off-bed" and self._found)
        if not seems or evidence.people != 1 or box is None or self._came is None:
            return False
        if box.x1 - box.x0 > _height(box):
            return False  # drawn wider than high in a picture that is: he lies, or has his legs on the bed
        known = self._found or state == "bed-edge"
        said = evidence.posture == "sitting" or (evidence.posture == "unsure" and known)
        return said and share_columns(box, self._came)  # a look may be from before he came there


def _leaves(came: Box, moves: Box, box: Box | None) -> bool:
    """Whole, and away from where he sat, or into the bed where that lies behind him: no fidgeting of who sits."""
    whole = _all_of(box)
    return _height(moves) >= (whole if share_columns(moves, came) else min(WHOLE, whole))


def _all_of(box: Box | None) -> float:
    return OF_HIM * _height(box) if box is not None else WHOLE


def _height(box: Box) -> float:
    return box.y1 - box.y0
