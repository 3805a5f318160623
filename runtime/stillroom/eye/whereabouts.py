"""Where somebody may be who was believed to be somewhere: what the cells allow.

Nobody leaves his place, turns over or falls without moving there. So a body that a look finds elsewhere is somebody
else while the place of the one who was known is still; who moves on beside his place is not gone; and who is not found
any more is where the picture differs from the known room. What differs in front of him speaks for whoever is there.
Two whom one look has found apart stay two: who walked to where another stands is there, though one body is found.
"""

from collections.abc import Sequence
from dataclasses import replace

from stillroom.clock import NS_PER_S
from stillroom.eye.agreement import Agreement
from stillroom.eye.detect import Body
from stillroom.eye.falling import Descent
from stillroom.eye.track import SAME_BOX, Track, across, at_edge, away_px, beside, lies, within
from stillroom.observation import Box, common

SURER = 0.15
"""Score of a look that finds somebody elsewhere, above that of the look that placed him."""
BESIDE = 1.2
"""Of the distance from the hips to the end of the body: who has not moved is placed wrongly so far at most."""
LOOK_S = 0.6
"""From the frame of a look to its answer, at most."""
LEFT_SHARE = 0.15
"""Of somebody's place: what must have moved since he was found, if he has left it."""
SWEPT, SWAYED = 2.0, 0.15
"""Of somebody's width, on both sides: so far he walks from one look to the next, and so far he reaches else."""
LATELY_S = 10.0
"""Who leaves his place moves all the way, and is found again within so long; what moved there before was no leaving."""
LEAST_CELLS, GOES_CELLS, OUT_SHARE = 4, 15, 0.25
"""That move: somebody stirs; somebody walks; and of the first, how many are in a way out if he goes by it."""
GOES_ON_S = 1.0
"""From the last movement at his place to the first elsewhere, if it is he."""
RESTS_S = 90.0
"""So long nobody who sits or stands does not stir at all."""
WHOLE = Box(0.0, 0.0, 1.0, 1.0)
ABOVE = 0.25
"""Of somebody's height: less of him above what moves says nothing."""
SMALL = 0.25
"""In area, of who lies: a cat is less than half as long and as wide; who fell and is half hidden by the bed is more."""
AS_HIGH = 0.6
"""What moves beside somebody's place is he where it is about as high."""
GROWS = 2.0
"""In area, at most, from one look to the next of one body."""
BEHIND_S = 30.0
"""Two who stand close are found apart by then."""
YOUNG_S = 3.0
RESTED_S = 0.6
"""Since anything moved: what moved last says whether he went out or stays."""


class Whereabouts:
    """Make for a picture's size, and ask of tracks; `walked_on` and `follow` move them."""

    def __init__(self, width_px: int, height_px: int, agreement: Agreement) -> None:
        self._size = width_px, height_px
        self._agreement = agreement

    def may_be(self, track: Track, body: Body, box: Box) -> bool:
        """Nobody leaves his place without moving there: who comes in is not the sleeper, found for a while no more.

        Nor has anybody come to where nothing moved: who is found there, over one who is not found, was placed wrongly.
        """
        if common(box, track.box) >= SAME_BOX or self.has_moved(track) or self._stood_on(track, box):
            return True
        near = away_px(body, track.body) <= BESIDE * max(body.radius_px, track.body.radius_px)
        return near and not (across(body, track.body) and self._came(track, body, box))

    def _came(self, track: Track, body: Body, box: Box) -> bool:
        """It may be another who moved there. Who comes in stands; who is found lying has lain down since the one who
        is known was last found: what moved there before was himself, lying down, whom a look drew as he sat.
        """
        if lies(body):
            return self._agreement.stirred(box, self._lately_s(track)) >= LEFT_SHARE
        return self.has_stirred(box)

    def _stood_on(self, track: Track, box: Box) -> bool:
        """It was another who stirred below him: he is found where he was before, and nothing has moved there since."""
        if track.down_ns is None or track.low is None or track.stood is None:
            return False
        still = self._agreement.stirred(track.stood, track.low[1] / NS_PER_S) < LEFT_SHARE
        return still and common(box, track.stood) >= SAME_BOX

    def has_stirred(self, box: Box) -> bool:
        """Lately, whoever it was."""
        return self._agreement.stirred(box, self._agreement.time_s - LATELY_S) >= LEFT_SHARE

    def has_moved(self, track: Track) -> bool:
        """His place has, lately and since he was found there, and it was nobody else who moved before it."""
        return self._agreement.stirred(track.box, self._lately_s(track), track.stirred_s) >= LEFT_SHARE

    def _lately_s(self, track: Track) -> float:
        """Since when it is lately, and since he was found."""
        return max(track.seen_s - LOOK_S, self._agreement.time_s - LATELY_S)

    def watch(self, tracks: Sequence[Track]) -> None:
        """Each fifth of a second: of several, who it is that moves before somebody's place; and who goes from his."""
        if not self._agreement.moves or self._agreement.light:
            return
        for track in tracks:
            if track.stirred_s is None and len(tracks) > 1:
                track.stirred_s = self._agreement.stirred_so_far()
            before = [_swept(other) for other in tracks if _is_before(other, track)]
            if track.stirred_s is not None:
                self._agreement.note(track.stirred_s, before)
            self._note_going(track, tracks, before)

    def _note_going(self, track: Track, tracks: Sequence[Track], before: Sequence[Box]) -> None:
        """He goes who moved where he was, and then further on or in a way out."""
        now_s, place = self._agreement.time_s, beside(track.box)
        count, out = self._agreement.stirs(place, before)
        if count >= LEAST_CELLS:
            track.stir_s, track.went = now_s, out >= OUT_SHARE * count and self.has_moved(track)
        elif not track.went and now_s - track.stir_s <= GOES_ON_S and self.has_moved(track):
            older = [_swept(other) for other in tracks if other.since_s < track.seen_s]
            track.went = self._agreement.stirs(WHOLE, [place, *older])[0] >= GOES_CELLS

    def may_have_gone(self, track: Track) -> bool:
        """Nobody goes without moving on, or by a way out: who came to rest, and stirs no more, is there for a while."""
        return track.went or not self._agreement.knows_door or not self._stays(track)

    def _stays(self, track: Track) -> bool:
        vacant_s = 0.0 if track.vacant_s is None else self._agreement.time_s - track.vacant_s
        return track.confirmed and vacant_s < RESTS_S

    def is_elsewhere(self, track: Track, body: Body, box: Box) -> bool:
        """Nobody turns over without moving: a second look in a row must have found him there, or a much surer one."""
        other = common(box, track.box) < SAME_BOX
        twice = track.elsewhere is not None and common(box, track.elsewhere) >= SAME_BOX
        track.elsewhere = box if other else None
        return other and (twice or body.score > track.body.score + SURER)

    def stands(self, track: Track, descent: Descent, tracks: Sequence[Track]) -> bool:
        """Who bends down has not come down: above what moves now, where he was, the known room is still hidden."""
        box = track.box
        if descent.box.y0 <= box.y0 + ABOVE * (box.y1 - box.y0):
            return False
        above = Box(box.x0, box.y0, box.x1, descent.box.y0)
        return self._agreement.hides(above, self.before(track, tracks))

    def lies_on(self, track: Track, descent: Descent) -> bool:
        """Who falls out of bed is as large as he lay, whatever he leaves there. A cat that jumps off it is not, while
        the known room is still hidden where he lies.
        """
        if track.lay is None:
            return False  # he has not lain still yet
        beside = [descent.box]
        small = self._agreement.differing(descent.box) < SMALL * self._agreement.differing(track.box, beside)
        return small and self._agreement.hides(track.box, beside)

    def lowered(self, track: Track, box: Box) -> Box:
        """The box in which somebody who came down is found, without what is above where he did.

        Boxes are symmetric, and of who lies along the camera's sight the far half is much shorter than the near one.
        Who gets up again moves up there.
        """
        if track.down_ns is None or track.low is None or box.y1 - box.y0 <= box.x1 - box.x0:
            return box
        top, low_ns = track.low
        above = Box(box.x0, box.y0, box.x1, top)
        if not box.y0 < top < box.y1 or self._agreement.stirred(above, low_ns / NS_PER_S) >= LEFT_SHARE:
            return box
        return Box(box.x0, top, box.x1, box.y1)

    def before(self, track: Track, tracks: Sequence[Track]) -> list[Box]:
        """Of others found later than he, in front of his place: what is in their boxes speaks for them."""
        others = (other for other in tracks if other is not track and other.seen_s > track.seen_s)
        return [other.box for other in others if common(other.box, track.box) > 0.0]

    def walked_on(self, track: Track, tracks: Sequence[Track]) -> bool:
        """Nobody is gone who moves on beside where he was, as high as he is: he is there from now on.

        His place is known to be vacant half a second after he left it: so long has he walked. Who slows down to sit
        moves little of himself at a time, no more than counts as movement. What moves beside another who walks is
        the other. Who goes behind somebody lying moves above him only.
        """
        if not (track.believed and self.has_moved(track)):
            return False
        others = [
            beside(other.box) if self.has_moved(other) else other.box
            for other in tracks
            if other is not track
        ]
        box = self._moves_on(track.box, others) or self._came_to_rest(track.box, others)
        if box is None or not self._is_as_high(box, track, tracks):
            return False
        self._put(track, box)
        return True

    def _is_as_high(self, box: Box, track: Track, tracks: Sequence[Track]) -> bool:
        """As he is, or as much of him as shows above whoever lies before him there."""
        place = track.box
        before = [other.box for other in tracks if other is not track and _lies_before(other.box, box)]
        shows = min([place.y1, *(other.y0 for other in before)]) - place.y0
        return AS_HIGH * shows <= box.y1 - box.y0 <= (place.y1 - place.y0) / AS_HIGH

    def _came_to_rest(self, place: Box, others: Sequence[Box]) -> Box | None:
        """He has stopped in the half second in which his place became vacant: what moved last still hides the room."""
        boxes = (self._moves_on(place, others, ago) for ago in (1, 2))
        box = next((each for each in boxes if each is not None), None)
        if box is None or not self._agreement.has_room or self._agreement.like_the_room(box):
            return None
        return box

    def _moves_on(self, place: Box, others: Sequence[Box], ago: int = 0) -> Box | None:
        """Around what moves beside his place; what is met at the end of his reach may move beyond it as well."""
        box = self._agreement.moving_at(beside(place, SWEPT), others, place, ago)
        if box is None:
            return None
        wide = min(place.x1 - place.x0, place.y1 - place.y0)
        around = Box(max(0.0, box.x0 - wide), place.y0, min(1.0, box.x1 + wide), place.y1)
        return self._agreement.moving_at(around, others, place, ago)

    def stays_behind(self, track: Track, tracks: Sequence[Track], now_s: float) -> bool:
        """He went behind another, or beside him, and is where the other is: until he is found again, the last movement
        was at a way out, or the other has left.
        """
        other = track.behind
        if other is None:
            return False
        there_s, out_s = self._agreement.moved_last_s(other.box), self._agreement.left_last_s()
        went = out_s >= there_s and now_s - out_s >= RESTED_S and out_s > track.seen_s
        if went or now_s - track.behind_s > BEHIND_S or not any(each is other for each in tracks):
            track.behind, track.apart = None, False
            return False
        track.box, track.body, track.misses, track.vacant_s = other.box, other.body, 0, None
        return True

    def goes_behind(self, track: Track, tracks: Sequence[Track], now_s: float) -> bool:
        """His place is vacant, and since he was found there what moved went to where another stands, close by.

        Who has just come in still moves at the door; later movement there since he was found means that he went out.
        """
        comes = self.comes_in(track, now_s)
        out = self._agreement.left_last_s() > track.seen_s - LOOK_S and now_s - track.since_s >= YOUNG_S
        if not (track.apart and (track.believed or comes)) or at_edge(track.box) or out:
            return False
        near = beside(track.box)
        beside_him = (each for each in tracks if each is not track and each.believed and each.behind is None)
        for other in beside_him:
            moved = self._agreement.stirred(other.box, track.seen_s - LOOK_S) >= LEFT_SHARE
            if moved and common(other.box, near) > 0.0:
                track.behind, track.behind_s, track.believed = other, now_s, True
                return True
        return False

    def comes_in(self, track: Track, now_s: float) -> bool:
        """He was found a moment ago at a way into a known room, beside another: he walks on, and may be lost there."""
        young = track.apart and now_s - track.since_s < YOUNG_S
        return young and self._agreement.knows_room and self._agreement.came(track.box)

    def follow(self, track: Track, tracks: Sequence[Track]) -> None:
        """Who is not found is where the picture differs from the known room, if nobody else is there."""
        if at_edge(track.box):
            return  # he may be leaving
        box = self._agreement.figure_at(track.box)
        others = (other for other in tracks if other is not track and other.believed)
        if box is None or _area(box) > GROWS * _area(track.box):
            return  # nothing, or somebody who passes is one figure with him
        if any(within(other.box, box) or within(box, other.box) for other in others):
            return
        self._put(track, box)

    def _put(self, track: Track, box: Box) -> None:
        track.walks = True
        x, y = (box.x0 + box.x1) / 2 * self._size[0], (box.y0 + box.y1) / 2 * self._size[1]
        track.box, track.body = box, replace(track.body, x_px=x, y_px=y)


def _area(box: Box) -> float:
    return (box.x1 - box.x0) * (box.y1 - box.y0)


def _lies_before(other: Box, box: Box) -> bool:
    """Wider than high in the picture, in all columns of the box, and the box ends in it."""
    wide = other.x1 - other.x0 > other.y1 - other.y0 and other.x0 <= box.x0 and box.x1 <= other.x1
    return wide and box.y0 < other.y0 < box.y1 < other.y1


def _swept(track: Track) -> Box:
    """Where he moves from one look to the next."""
    return beside(track.box, SWEPT if track.walks else SWAYED)


def _is_before(other: Track, track: Track) -> bool:
    """What moves where both are is the other: he was found later, or stands where this one lies."""
    if other is track or other.seen_s < track.seen_s:
        return False
    return other.seen_s > track.seen_s or (track.posture == "lying") >= (other.posture == "lying")
