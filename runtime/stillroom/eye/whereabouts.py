"""Where somebody may be who was believed to be somewhere: what the cells allow.

Nobody leaves his place, turns over or falls without moving there. So a body that a look finds elsewhere is somebody
else while the place of the one who was known is still; who moves on beside his place is not gone; and who is not found
any more is where the picture differs from the known room. What differs in front of him speaks for whoever is there.
"""

from collections.abc import Sequence
from dataclasses import replace

from stillroom.eye.agreement import Agreement
from stillroom.eye.detect import Body
from stillroom.eye.track import Track, across, at_edge, away_px, beside, common, within
from stillroom.observation import Box

SAME_BOX = 0.4
"""Intersection over union of two boxes that are one body."""
SURER = 0.15
"""Score of a look that finds somebody elsewhere, above that of the look that placed him."""
BESIDE = 1.2
"""Of the distance from the hips to the end of the body: who has not moved is placed wrongly so far at most."""
LOOK_S = 0.6
"""From the frame of a look to its answer, at most."""
LEFT_SHARE = 0.15
"""Of somebody's place: what must have moved since he was found, if he has left it."""
AS_HIGH = 0.6
"""What moves beside somebody's place is he where it is about as high."""


class Whereabouts:
    """Make for a picture's size, and ask of tracks; `walked_on` and `follow` move them."""

    def __init__(self, width_px: int, height_px: int, agreement: Agreement) -> None:
        self._size = width_px, height_px
        self._agreement = agreement

    def may_be(self, track: Track, body: Body, box: Box) -> bool:
        """Nobody leaves his place without moving there: who comes in is not the sleeper, found for a while no more."""
        if common(box, track.box) >= SAME_BOX or self.has_moved(track):
            return True
        near = away_px(body, track.body) <= BESIDE * max(body.radius_px, track.body.radius_px)
        return near and not across(body, track.body)

    def has_moved(self, track: Track) -> bool:
        """His place has, since he was found there."""
        return self._agreement.stirred(track.box, track.seen_s - LOOK_S) >= LEFT_SHARE

    def is_elsewhere(self, track: Track, body: Body, box: Box) -> bool:
        """Nobody turns over without moving: a second look in a row must have found him there, or a much surer one."""
        other = common(box, track.box) < SAME_BOX
        twice = track.elsewhere is not None and common(box, track.elsewhere) >= SAME_BOX
        track.elsewhere = box if other else None
        return other and (twice or body.score > track.body.score + SURER)

    def before(self, track: Track, tracks: Sequence[Track]) -> list[Box]:
        """Of others found later than he, in front of his place: what is in their boxes speaks for them."""
        others = (other for other in tracks if other is not track and other.seen_s > track.seen_s)
        return [other.box for other in others if common(other.box, track.box) > 0.0]

    def walked_on(self, track: Track, tracks: Sequence[Track]) -> bool:
        """Nobody is gone who moves on beside where he was, as high as he is: he is there from now on."""
        others = [other.box for other in tracks if other is not track]
        box = self._agreement.moving_at(beside(track.box), others) if track.believed else None
        high = track.box.y1 - track.box.y0
        if box is None or not AS_HIGH * high <= box.y1 - box.y0 <= high / AS_HIGH:
            return False
        self._put(track, box)
        return True

    def follow(self, track: Track, tracks: Sequence[Track]) -> None:
        """Who is not found is where the picture differs from the known room, if nobody else is there."""
        if at_edge(track.box):
            return  # he may be leaving
        box = self._agreement.figure_at(track.box)
        others = (other for other in tracks if other is not track and other.believed)
        if box is None or any(within(other.box, box) or within(box, other.box) for other in others):
            return
        self._put(track, box)

    def _put(self, track: Track, box: Box) -> None:
        x, y = (box.x0 + box.x1) / 2 * self._size[0], (box.y0 + box.y1) / 2 * self._size[1]
        track.box, track.body = box, replace(track.body, x_px=x, y_px=y)
