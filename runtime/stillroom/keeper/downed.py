"""Somebody found lying on the floor: until when he is believed to lie there.

Models are often unsure how somebody stands who has got up. But who gets up moves as nobody else does: the upper end of
what moves rises from where he lay to his full height, step by step, and the lower end stays where he lay. Who comes in
to help is as high at once, or does not reach down to him; who crawls away comes up whole.
"""

from collections import deque

from stillroom.clock import NS_PER_S
from stillroom.events import RoomState
from stillroom.keeper.occupancy import Evidence
from stillroom.keeper.zones import share_columns
from stillroom.observation import Box

STOOD_UP = 1.45
"""Times as high as he lay: he stands, though no look is sure how he is held."""
LAY_SHARE = 0.05
"""Of the difference, each fifth of a second in which he is still: who has crawled nearer looks larger."""
WHOLE = 0.25
"""Of the picture, from the upper to the lower end of what moves: he moves, and not an arm or a leg of him."""
GETS_UP_S = 10.0
"""From lying to standing, with a rest on the knees."""
ROSE = 0.5
"""Of his height when he stands; who sits up rises by 0.3."""
STAYS = 0.5
"""Of it, how far the lower end may come up: who walks away from there comes up whole."""
STEP = 0.35
"""Of it, from one movement to the next, at most: what is higher all at once is somebody else."""
LEAST_HIGH = 0.35
"""Of the picture, from the upper to the lower end of who stands; an arm or a leg that is lifted is less."""
FOUND_S = 12.0
"""Since he rose: by then a look has found him where he stands."""


class Downed:
    """Make when he was found to lie, or when nothing can be seen any more, and feed all that is seen."""

    def __init__(self, lay: bool = False) -> None:
        """lay: somebody lay on the floor when last anything was known: he still does if he shows up as he was."""
        self.may_lie = lay
        """Nobody has moved whole since: that nothing stirs is no reason to believe that nobody is there."""
        self._high = 0.0
        self._moved: deque[tuple[int, Box]] = deque()
        self._rose: tuple[int, Box] | None = None
        """When, and what moved then, until what moves is low again, or looks must have found him."""

    def note(self, frame_ns: int, evidence: Evidence) -> None:
        """Each fifth of a second, whatever is seen. frame_ns: the camera's time, rising."""
        moves = evidence.moves if evidence.moving else None
        if moves is not None and moves.y1 - moves.y0 >= WHOLE:
            self.may_lie = False
        if moves is not None and (evidence.people or 0) <= 1:
            self._moved.append((frame_ns, moves))
            if self._rose is None:
                self._rose = (frame_ns, moves) if self._rises() else None
            elif moves.y0 > (self._rose[1].y0 + self._rose[1].y1) / 2:
                self._rose = None
        if self._rose is not None and frame_ns - self._rose[0] > FOUND_S * NS_PER_S:
            self._rose = None
        while self._moved and frame_ns - self._moved[0][0] > GETS_UP_S * NS_PER_S:
            self._moved.popleft()

    def lies(self, evidence: Evidence, state: RoomState) -> bool:
        """Somebody is found there, or was before and is not up since. state: the room's until now."""
        up = self._is_up(evidence)
        lay = state == "on-floor" or (state == "unknown" and self.may_lie)
        return evidence.place == "floor" or (lay and not up)

    def _is_up(self, evidence: Evidence) -> bool:
        """He is seen upright, sitting or in bed; or no look says that he lies, and he has risen, or is much higher
        against the known room than he lay.
        """
        if evidence.place in ("bed", "bed-edge", "chair") or evidence.posture in ("upright", "sitting"):
            return True
        high = evidence.high or 0.0
        if evidence.place == "floor" or evidence.posture == "lying":
            if self._high == 0.0 or not evidence.moving:
                self._high += LAY_SHARE * (high - self._high) if self._high else high
            return False
        return self._rose is not None or (self._high > 0.0 and high > STOOD_UP * self._high)

    def _rises(self) -> bool:
        """From the last movement back to where he lay, without a leap."""
        now = self._moved[-1][1]
        high, before = now.y1 - now.y0, now
        if high < LEAST_HIGH:
            return False
        for _, moves in reversed(self._moved):
            if moves.y0 - before.y0 > STEP * high or not share_columns(moves, now):
                return False
            if moves.y0 - now.y0 >= ROSE * high and moves.y1 - now.y1 <= STAYS * high:
                return moves.y0 <= now.y1
            before = moves
        return False
