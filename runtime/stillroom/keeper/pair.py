"""Two, one of whom was in bed: which of them is still there when the other has gone by the door.

While one is in bed and another is not, it is known who is who; and while one of two stays where he was, what is found
elsewhere is the other. So when the sleeper, who was before the door, is not found any more, and the other is where he
was, whoever stays was not in bed. Where both walked, or are too close, nothing is known, and whoever stays may have
been.
"""

from stillroom.keeper.occupancy import Evidence
from stillroom.observation import Box, common

STAYS = 0.4
"""Intersection over union of two boxes between which nobody walked."""


class Pair:
    """Fed with all evidence."""

    def __init__(self) -> None:
        self._sleeper: Box | None = None
        """Where he was last whom one has seen in bed beside another who was not."""
        self._other: Box | None = None
        self._at_door = False
        """The sleeper, up, was before the door, and the other was not."""
        self.sleeper_left = False
        """Whoever is there now was not in bed."""

    def note(self, evidence: Evidence) -> None:
        """Each fifth of a second, whatever is seen."""
        boxes = evidence.boxes
        if len(boxes) > 1:
            self.sleeper_left = False
            self._follow(boxes, evidence.boxes_abed, evidence.boxes_at_door)
        elif len(boxes) == 1:
            self.sleeper_left |= self._at_door and self._other is not None and _stays(self._other, boxes[0])
            self._forget()

    def _follow(self, boxes: tuple[Box, ...], abed: tuple[Box, ...], at_door: tuple[Box, ...]) -> None:
        if len(boxes) > 2:
            self._forget()
        elif len(abed) == 1:
            self._sleeper, self._other = abed[0], boxes[boxes[0] == abed[0]]
        elif self._sleeper is not None and self._other is not None:
            self._go_on(self._sleeper, self._other, boxes)
        self._at_door = not abed and self._sleeper in at_door and self._other not in at_door

    def _go_on(self, sleeper: Box, other: Box, boxes: tuple[Box, ...]) -> None:
        """One of the two is where he was, so the other box is the other."""
        one, two = boxes
        straight = _stays(sleeper, one) or _stays(other, two)
        crossed = _stays(sleeper, two) or _stays(other, one)
        if straight == crossed:
            self._forget()
        else:
            self._sleeper, self._other = (one, two) if straight else (two, one)

    def _forget(self) -> None:
        self._sleeper = self._other = None
        self._at_door = False


def _stays(box: Box, other: Box) -> bool:
    """Both are one body's, as looks place it while it does not walk."""
    return common(box, other) >= STAYS
