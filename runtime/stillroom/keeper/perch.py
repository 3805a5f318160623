"""Somebody who sits on the bed's edge, where a look draws him too large, or without his legs.

What a model finds is drawn alike above the hips and below, so feet are placed a hand's breadth too low, and who sits on
the edge seems to sit on the bed. What moved last when he came there is himself, from head to foot. And nobody gets back
onto the bed without moving.
"""

from stillroom.events import RoomState
from stillroom.keeper.occupancy import Evidence
from stillroom.keeper.zones import share_columns

WHOLE = 0.25
"""Of the picture, from the upper to the lower end of what moves: he moves, and not an arm or a leg of him."""


class Perch:
    """Fed with all evidence."""

    def __init__(self) -> None:
        self._on_edge = False
        """Where the only one there last moved whole, and came to rest."""

    def note(self, evidence: Evidence) -> None:
        """Each fifth of a second, whatever is seen."""
        box, moves = evidence.box, evidence.moves if evidence.moving else None
        if (evidence.people or 0) > 1:
            self._on_edge = False
        elif moves is not None and moves.y1 - moves.y0 >= WHOLE:
            self._on_edge = evidence.edge_stirs and box is not None and share_columns(box, moves)

    def sits(self, evidence: Evidence, state: RoomState) -> bool:
        """He seems to be on the bed, and is on its edge. state: the room's until now."""
        seems = evidence.place == "bed" and evidence.people == 1 and self._on_edge
        return seems and (
            evidence.posture == "sitting" or (evidence.posture == "unsure" and state == "bed-edge")
        )
