"""Somebody found lying on the floor: until when he is believed to lie there."""

from stillroom.keeper.occupancy import Evidence

STOOD_UP = 1.45
"""Times as high as he lay: he stands, though no look is sure how he is held."""
LAY_SHARE = 0.05
"""Of the difference, each fifth of a second in which he is still: who has crawled nearer looks larger."""


class Downed:
    """Fed with all that is seen of him, from when he was first found to lie."""

    def __init__(self) -> None:
        self._high = 0.0

    def is_up(self, evidence: Evidence) -> bool:
        """He is seen upright, sitting or in bed, or much higher against the known room than he lay."""
        if evidence.place in ("bed", "bed-edge", "chair") or evidence.posture in ("upright", "sitting"):
            return True
        high = evidence.high or 0.0
        if evidence.place == "floor" or evidence.posture == "lying":
            if self._high == 0.0 or not evidence.moving:
                self._high += LAY_SHARE * (high - self._high) if self._high else high
            return False
        return self._high > 0.0 and high > STOOD_UP * self._high
