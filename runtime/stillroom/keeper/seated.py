"""Somebody who sat down behind the bed, on the floor, and seems to be in it: what shows of him is over the bed.

Who stands behind a bed shows down to its edge, so that he ends on it. When he sits down his upper end comes lower, and
the lower one stays where the bed hides him. Who gets into the bed from there moves lower on it, or lies along it.
"""

from msgspec.structs import replace

from stillroom.events import RoomState
from stillroom.keeper.occupancy import Evidence
from stillroom.keeper.sunk import LEAST_HIGH, LEVEL
from stillroom.observation import Box

UP: frozenset[RoomState] = frozenset({"occupied", "out-of-bed"})
SANK = 0.5
"""Of his height above the bed; who sits down on its far edge sinks by 0.4."""
STAYS = 0.15
"""Of it, how far his lower end may come down: who is on the bed shows farther."""
ASIDE = 0.45
"""Of it, beside him: who lies reaches farther."""


class Seated:
    """Fed with all evidence before anything else is made of it; answers with what is to be believed instead."""

    def __init__(self) -> None:
        self._stood: Box | None = None
        """Where somebody stood behind the bed, while nothing has moved farther from there than who sits down."""
        self._top = 0.0
        """How high what moved last reached."""

    def note(self, evidence: Evidence, state: RoomState) -> Evidence:
        """Each fifth of a second. state: the room's until now."""
        if state not in UP or (evidence.people or 0) > 1 or evidence.place == "unseen":
            self._stood = None
        elif evidence.moving and evidence.moves is not None:
            self._move(evidence.moves, evidence.ends_on_bed and not evidence.bed_stirs)
        stood = self._stood
        if stood is None or evidence.place != "bed" or self._top - stood.y0 < SANK * (stood.y1 - stood.y0):
            return evidence
        why = (
            f"sat down behind the bed, from {1 - stood.y0:.0%} to {1 - self._top:.0%} of the picture's height"
        )
        return replace(evidence, place="off-bed", abed=0, why=f"{why}, {evidence.why}")

    def _move(self, moves: Box, behind: bool) -> None:
        """behind: it ends on the bed, and most of it is not over it."""
        stood, self._top = self._stood, moves.y0
        if stood is not None and moves.y0 > stood.y0 + LEVEL and _is_there(moves, stood):
            return  # he sits down, or stirs
        stands = behind and moves.y1 - moves.y0 >= LEAST_HIGH
        self._stood = moves if stands else None


def _is_there(moves: Box, stood: Box) -> bool:
    high = stood.y1 - stood.y0
    lower, aside = moves.y1 - stood.y1, ASIDE * high
    return lower <= STAYS * high and stood.x0 - aside <= moves.x0 and moves.x1 <= stood.x1 + aside
