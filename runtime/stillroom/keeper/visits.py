"""Who came by the door while somebody lay in bed, and who is in the bathroom: memory that outlives what is seen.

A sleeper under covers shows nothing. When a nurse comes in, what moves off the bed is not the sleeper; when she goes,
the room is not empty. So whoever is first seen at the door while the bed is occupied is a visitor, until nothing has
moved for half a minute or he left. Whether he was at the bed decides what is known after him.
"""

from stillroom.clock import NS_PER_S
from stillroom.events import RoomState
from stillroom.keeper.occupancy import Evidence

VISIT_ENDS_S = 30.0
"""Without any movement: whoever came has gone unseen, or sits still; what moves off the bed later is a resident."""
FROM_BED_S = 3.0
"""Since something moved on the bed: whoever is off it now came from there, whatever door he stands before."""
HELPED_UP_S = 60.0
"""Since the bed was last touched, while somebody is off it: the sleeper was helped up, or the visitor stays on."""


class Visits:
    """Fed with all evidence before the machine decides; told of each state that is entered."""

    def __init__(self) -> None:
        self.in_bathroom = False
        self._in_bed = False
        self._since_bed = True
        self._visit = False
        self._most = 0
        """Who were seen at once, one of them abed; 0: never two."""
        self._touched_ns: int | None = None
        self._moved_ns = 0
        self._bed_moved_ns: int | None = None

    @property
    def over_sleeper(self) -> bool:
        """A visitor is there, and somebody lay in bed when he came."""
        return self._visit

    @property
    def touched(self) -> bool:
        """He was at the bed: who lay there may have been taken out of it."""
        return self._touched_ns is not None

    def note(self, frame_ns: int, evidence: Evidence) -> None:
        """frame_ns: the camera's time, rising."""
        off = evidence.place in ("off-bed", "chair", "bed-edge", "floor")
        if self._still(frame_ns, evidence):
            self._end()
        if self._in_bed and off and self._since_bed and not self._came_from_bed(frame_ns):
            self._visit = self._visit or (evidence.moving and evidence.door == "door")
        if self.in_bathroom and off and self._since_bed and evidence.door == "bathroom-door":
            self.in_bathroom = False
        self._count(evidence)
        if off:
            self._since_bed = False
        elif evidence.place == "bed":
            self._at_bed(frame_ns, evidence)
        if evidence.bed_stirs and not self._visit:
            self._bed_moved_ns = frame_ns

    def _count(self, evidence: Evidence) -> None:
        """Two were seen, one of them abed, and now two off the bed: the sleeper is up. Of three, three."""
        people = evidence.people or 0
        if not self._visit or people < 2 or not evidence.sure:
            return
        if evidence.abed:
            self._most = max(self._most, people)
        elif self._most and people >= self._most:
            self._in_bed = False
            self._end()

    def _came_from_bed(self, frame_ns: int) -> bool:
        moved_ns = self._bed_moved_ns
        return moved_ns is not None and 0 <= frame_ns - moved_ns <= FROM_BED_S * NS_PER_S

    def _at_bed(self, frame_ns: int, evidence: Evidence) -> None:
        if self._visit and evidence.moving:
            self._touched_ns = frame_ns
        elif not self._visit:
            self._since_bed = True

    def helped_up(self, frame_ns: int) -> bool:
        """Long since the visitor was at the bed, and still somebody is off it."""
        return self._touched_ns is not None and frame_ns - self._touched_ns >= HELPED_UP_S * NS_PER_S

    def entered(self, state: RoomState) -> None:
        """The room's state is this from now on."""
        if state in ("in-bed", "bed-edge"):
            self._in_bed = True
        elif state not in ("several-people", "bathroom"):
            self._in_bed = False
        if state == "bathroom":
            self.in_bathroom = True
        elif state in ("unknown", "empty", "in-bed", "on-floor"):
            self.in_bathroom = False
        if state in ("unknown", "empty", "bathroom", "out-of-bed"):
            self._end()

    def _still(self, frame_ns: int, evidence: Evidence) -> bool:
        if evidence.moving:
            self._moved_ns = frame_ns
        return frame_ns - self._moved_ns >= VISIT_ENDS_S * NS_PER_S

    def left(self) -> None:
        """The visitor has gone by the door."""
        self._end()

    def _end(self) -> None:
        self._visit, self._most, self._since_bed, self._touched_ns = False, 0, True, None
