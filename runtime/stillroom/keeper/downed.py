"""Somebody found lying on the floor: until when he is believed to lie there."""

from collections import deque

from stillroom.clock import NS_PER_S
from stillroom.events import RoomState
from stillroom.keeper.occupancy import Evidence

STOOD_UP = 1.45
"""Times as high as he lay: he stands, though no look is sure how he is held."""
LAY_SHARE = 0.05
"""Of the difference, each fifth of a second in which he is still: who has crawled nearer looks larger."""
RISES, RISES_S = 0.5, 4.0
"""Of his height, how far up what moves reaches while he gets up, and in what time. Who crawls away does so slowly."""
WHOLE = 0.25
"""Of the picture, from the upper to the lower end of what moves: he moves, and not an arm or a leg of him."""


class Downed:
    """Make when he was found to lie, or when nothing can be seen any more, and feed all that is seen."""

    def __init__(self, lay: bool = False) -> None:
        """lay: somebody lay on the floor when last anything was known: he still does if he shows up as he was."""
        self._lay = lay
        self._high = 0.0
        self._tops: deque[tuple[int, float]] = deque()
        """Of what moved lately where somebody moved whole: when, and its upper end."""
        self._rose = False

    def note(self, frame_ns: int, evidence: Evidence) -> None:
        """Each fifth of a second, whatever is seen."""
        while self._tops and frame_ns - self._tops[0][0] > RISES_S * NS_PER_S:
            self._tops.popleft()
        moves = evidence.moves
        if moves is not None and moves.y1 - moves.y0 >= WHOLE:
            self._tops.append((frame_ns, moves.y0))
            self._lay = False

    def lies(self, evidence: Evidence, state: RoomState) -> bool:
        """Somebody is found there, or was before and is not up since. state: the room's until now."""
        up = self._is_up(evidence)
        lay = state == "on-floor" or (state == "unknown" and self._lay)
        return evidence.place == "floor" or (lay and not up)

    def _is_up(self, evidence: Evidence) -> bool:
        """He is seen upright, sitting or in bed, or much higher against the known room than he lay; where the room is
        not known, he got up by what moved and is not seen to lie any more.
        """
        if evidence.place in ("bed", "bed-edge", "chair") or evidence.posture in ("upright", "sitting"):
            return True
        high = evidence.high or 0.0
        lies = evidence.place == "floor" or evidence.posture == "lying"
        self._rose = not lies and (self._rose or self._rises(evidence))
        if lies:
            if self._high == 0.0 or not evidence.moving:
                self._high += LAY_SHARE * (high - self._high) if self._high else high
            return False
        if evidence.high is None:
            return self._rose
        return self._high > 0.0 and high > STOOD_UP * self._high

    def _rises(self, evidence: Evidence) -> bool:
        """The upper end of what moves has gone up by half of the height of the only one who is there."""
        box = evidence.box
        if box is None or evidence.people != 1 or not self._tops:
            return False
        return max(top for _, top in self._tops) - self._tops[-1][1] >= RISES * (box.y1 - box.y0)
