"""Somebody who rolled out of bed behind it: where he lay the room looks as if he had never been there, and nothing has
moved but him, there.

Against the known room a sleeper differs, under covers too. Who gets up moves beyond where he lay, and who turns over
still lies there; who did neither and shows no more has come down on the side that the camera does not see.
"""

from stillroom.clock import NS_PER_S
from stillroom.events import RoomState
from stillroom.keeper.occupancy import Evidence
from stillroom.keeper.zones import area
from stillroom.observation import Box

LEAST_LYING = 0.05
"""Of the picture, as a box: a sleeper who shows."""
LEFT = 0.25
"""Of that box, at most, where he is gone: a turn, or a knee drawn up, leaves half of it and more."""
AROUND = 0.08
"""Of the picture, beside where he lay and below: who turns over moves so far beyond, who gets up farther."""
OVER = 0.5
"""Of that box's height, above it: who rolls over the far edge comes on his side so high, who sits up higher."""
STILL_S = 1.0
"""Without movement, before it is believed."""


class Rolled:
    """Fed with all evidence; answers where he lay who has gone from there."""

    def __init__(self) -> None:
        self._lay: Box | None = None
        """Around what differed when nothing moved last."""
        self._moved_ns: int | None = None
        """When something has, since then."""

    def note(self, frame_ns: int, evidence: Evidence, state: RoomState) -> tuple[int, Box] | None:
        """When he moved last, and where he lay. frame_ns: the camera's time, rising. state: the room's until now."""
        in_bed = state == "in-bed" and evidence.background_known and (evidence.people or 0) <= 1
        if not in_bed or evidence.place not in ("bed", "nowhere"):
            self._lay = None
            return None
        if evidence.moving:
            self._move(frame_ns, evidence)
            return None
        lay, moved_ns = self._lay, self._moved_ns
        shows = max(evidence.differs, key=area, default=None)
        shown = 0.0 if shows is None else area(shows)
        if lay is not None and moved_ns is not None and shown <= LEFT * area(lay):
            return (moved_ns, lay) if frame_ns - moved_ns >= STILL_S * NS_PER_S else None
        self._lay, self._moved_ns = shows if shown >= LEAST_LYING else None, None
        return None

    def _move(self, frame_ns: int, evidence: Evidence) -> None:
        lay, moves = self._lay, evidence.moves
        if lay is None or moves is None or evidence.door is not None or not _around(lay, moves):
            self._lay = None
        self._moved_ns = frame_ns


def _around(lay: Box, moves: Box) -> bool:
    wide = lay.x0 - AROUND <= moves.x0 and moves.x1 <= lay.x1 + AROUND
    over = max(AROUND, OVER * (lay.y1 - lay.y0))
    return wide and lay.y0 - over <= moves.y0 and moves.y1 <= lay.y1 + AROUND
