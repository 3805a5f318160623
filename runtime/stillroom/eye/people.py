"""Who is believed to be there: what a model saw, where the cells agree, for long enough.

A track is "the same one as a second ago", by place and size, and nothing else. Belief grows with the scores of looks
that found it and shrinks with those that did not. Once believed, somebody stays where he was last seen until that
place is vacant: a model that misses a sleeper under a blanket takes nobody away. What a model fires on although
nothing agrees, always at the same place and size, is a fixture (a picture on the wall) and is not believed later
because somebody passes in front of it.
"""

import math
from collections.abc import Callable, Sequence

from stillroom.eye import fallen
from stillroom.eye.agreement import Agreement
from stillroom.eye.detect import Body, Held, Square
from stillroom.eye.fallen import CLEAR_SCORE, LEAST_PRESENT, SURE_PRESENT
from stillroom.eye.falling import Descent, Falling
from stillroom.eye.fixtures import Fixtures, alike
from stillroom.eye.track import (
    SAME_BOX,
    Track,
    at_edge,
    away_px,
    box_in,
    changed,
    inside,
    is_weak,
    turned,
    within,
    worth,
)
from stillroom.eye.whereabouts import YOUNG_S, Whereabouts
from stillroom.observation import Box, common

MOST = 4
BELIEVED = 0.75
DROPPED = 0.15
SAME = 1.6
"""How far the hips may have gone between two looks, in distances from the hips to the end of the body, and a second:
who walks at 1.4 m/s goes so far, and who lies down from the bed's edge 1.3.
"""
FAST = 3.0
SAME_SIZE, SAT_UP = 2.5, 4.0
"""Between two looks at one body, how many times as large; the second: who lay across the picture, and sits."""
LEAST_SIZE = 0.05
"""Of the picture's shorter side, from the hips to the end of the body."""
JUST_S = 1.5
"""Since the last look or the one before it."""
CLEARLY_PRESENT = 0.95
MOVED_UP = 0.5
"""Of the distance from the hips to the end of the body: who turns over in bed stays within a third of it."""
MISSED = 0.6
MISSES, LYING_MISSES = 2, 6
"""Looks in a row that did not find somebody believed, before he may be gone."""
SURE_SCORE = 0.8
UNCONFIRMED = 0.7
"""What belief cannot exceed while no look scored high and no landmarks were sure: dogs and chairs score 0.5 to 0.7."""


class People:
    """Make for a picture's size, feed looks and fifths; read `believed`."""

    def __init__(self, width_px: int, height_px: int, agreement: Agreement) -> None:
        self._size = width_px, height_px
        self._agreement = agreement
        self._tracks: list[Track] = []
        self._fixtures = Fixtures(agreement)
        self._where = Whereabouts(width_px, height_px, agreement)
        self._looked_s: float | None = None

    @property
    def looked_s(self) -> float | None:
        """Time of the last look of the whole picture or a part of it."""
        return self._looked_s

    @property
    def believed(self) -> list[Track]:
        return [track for track in self._tracks if track.believed]

    def doubted(self, now_s: float) -> float:
        """The greatest belief in somebody who is not yet believed, or in something with which nothing agrees."""
        tracks = [track.belief for track in self._tracks if not track.believed]
        return max([0.0, *tracks, *self._fixtures.suspects(now_s)])

    def restart(self) -> None:
        """Time jumped: nobody is the same one as a second ago."""
        self._tracks.clear()
        self._looked_s = None

    def looked(
        self, bodies: Sequence[Body], square: Square, now_s: float, *, empty: bool, decided_ns: int = 0
    ) -> None:
        """A look at `square` found `bodies`, best first. empty: the keeper believes the room empty.

        decided_ns: the frame on which the look was decided.
        """
        self._looked_s = now_s
        matched: set[int] = set()
        strangers: list[tuple[Body, Box]] = []
        for body, box in sorted(
            self._distinct(bodies), key=lambda found: (is_weak(found[0]), self._away(found))
        ):
            track = self._nearest(body, box, now_s, matched)
            if track is not None and turned(body, track.body):
                track = self._walked_before(track, body, now_s, matched) or track
            if track is None:
                strangers.append((body, box))
            else:
                matched.add(id(track))
                self._again(track, body, box, now_s, decided_ns)
                fallen.found(track, body, decided_ns)
        for body, box in strangers:
            track = None
            if not self._fixtures.suspects_in(body, box):
                track = self._gone_from_where_he_was(body, matched)
                track = track or self._seen_in_part(body, box, now_s, matched) or self._come_out(matched)
            if track is None:
                track = self._new(body, box, now_s, empty)
            else:
                self._again(track, body, box, now_s, decided_ns)
            if track is not None:
                matched.add(id(track))
        self._note_apart(matched)
        self._count_misses(square, matched, now_s, decided_ns)

    def _note_apart(self, matched: set[int]) -> None:
        """Two that are found in one look and do not cover one another are two bodies."""
        clear = [each for each in self._tracks if id(each) in matched and each.body.score >= CLEAR_SCORE]
        for track in clear:
            track.apart |= any(each is not track and not within(each.box, track.box) for each in clear)

    def _come_out(self, matched: set[int]) -> Track | None:
        """Who was behind another: a stranger is he."""
        behind = (each for each in self._tracks if each.behind is not None and id(each) not in matched)
        return next(behind, None)

    def _away(self, found: tuple[Body, Box]) -> float:
        """From whoever is nearest, in sizes: a sleeper is found as himself before somebody who came in is."""
        body, box = found
        near = (
            0.0 if common(box, track.box) >= SAME_BOX else away_px(body, track.body) / track.body.radius_px
            for track in self._tracks
        )
        return min(near, default=0.0)

    def _distinct(self, bodies: Sequence[Body]) -> list[tuple[Body, Box]]:
        """Without what is too small, known fixtures, and second sights of one body."""
        found: list[tuple[Body, Box]] = []
        for body in bodies:
            box = box_in(body, *self._size)
            if body.radius_px < LEAST_SIZE * min(self._size) or self._fixtures.is_only(body, box):
                continue
            same = [k for k, (_, other) in enumerate(found) if common(box, other) >= SAME_BOX]
            if not same:
                found.append((body, box))
            elif body.up_y_px < 0 < found[same[0]][0].up_y_px:  # nobody stands on his head
                found[same[0]] = body, box
        return found

    def _count_misses(self, square: Square, matched: set[int], now_s: float, decided_ns: int) -> None:
        for track in self._tracks:
            if id(track) not in matched and track.behind is None and inside(track.body, square):
                track.misses += 1
                if not self._agreement.like_the_room(track.box):
                    fallen.not_found(track, now_s, decided_ns)
                if track.believed:
                    self._where.follow(track, self._tracks)
                elif not self._where.comes_in(track, now_s):
                    track.belief *= MISSED
        self._tracks = [track for track in self._tracks if track.believed or track.belief >= DROPPED]

    def held(self, held: Held, square: Square, now_s: float, decided_ns: int = 0) -> None:
        """A look at how somebody in `square` holds himself: of the track whose square that is."""
        for track in self._tracks:
            if track.postured is not None and track.postured.square() == square:
                if held.present < SURE_PRESENT:
                    unseen = held.present < LEAST_PRESENT and not track.believed
                    track.belief *= 0.4 if unseen else 1.0
                    fallen.not_found(track, now_s, decided_ns)
                    # Who came down and lies because no look could tell is asked again by the next that finds him.
                    track.asks |= track.down_ns is not None
                else:
                    track.posture, track.confirmed = fallen.shown(track, held, decided_ns), True
                    if held.posture == track.posture == "lying" and turned(track.postured, track.body):
                        box = box_in(track.postured, *self._size)
                        track.body, track.box = track.postured, self._where.lowered(track, box)
                    clear = held.present >= CLEARLY_PRESENT and track.best >= CLEAR_SCORE
                    track.belief = 1 - (1 - track.belief) * (0.3 if clear else 0.5)
                self._judge(track)

    def feed(self, now_s: float) -> None:
        """Each fifth of a second: places that became vacant lose whoever was there."""
        self._where.watch(self._tracks)
        stay = []
        for track in self._tracks:
            if self._agreement.breathes(track.box):
                track.breathed_s = now_s
            if track.posture != "lying":
                track.lay = None
            elif not self._where.has_moved(track):
                track.lay = track.body
            if self._where.stays_behind(track, self._tracks, now_s):
                stay.append(track)
                continue
            if not self._agreement.vacant(
                track.box, self._where.before(track, self._tracks)
            ) or self._where.walked_on(track, self._tracks):
                track.vacant_s = None
            elif track.vacant_s is None:
                track.vacant_s = now_s
            if not self._has_left(track, now_s) or self._where.goes_behind(track, self._tracks, now_s):
                stay.append(track)
        self._tracks = stay

    def sink(self, falling: Falling, frame_ns: int) -> Descent | None:
        """Who is coming down, by what moves around him (of several the most believed); notes who is down."""
        found = None
        for track in sorted(self._tracks, key=lambda each: each.belief):
            if not fallen.lately(track.down_ns, frame_ns) and not self._where.has_moved(track):
                continue  # it is another who moves beside him, or a curtain
            found = fallen.watch(track, falling, frame_ns, self._size, self._stays(track)) or found
        return found

    def _stays(self, track: Track) -> Callable[[Descent], bool]:
        where = self._where
        return lambda descent: where.stands(track, descent, self._tracks) or where.lies_on(track, descent)

    @property
    def undecided(self) -> bool:
        """Of somebody believed it is not known how he is held."""
        return any(track.believed and track.undecided for track in self._tracks)

    def wants_posture(self) -> Body | None:
        """Whose posture may have changed since it was asked for, the most believed first."""
        for track in sorted(self._tracks, key=lambda each: -each.belief):
            again = track.found if track.may_lie or track.asks else None
            if track.may_lie and track.postured is not None and (again is None or track.misses):
                return track.postured  # whether or not he is found again where he lies
            if track.misses == 0 and (again is not None or changed(track.body, track.postured)):
                track.postured, track.found, track.asks = again or track.body, None, False
                return track.postured
        return None

    def _has_left(self, track: Track, now_s: float) -> bool:
        """Not found again where the room looks empty; or the place has been vacant, and is known or was looked at.

        A model that has lost somebody who lay down has not seen him go.
        """
        seen_to_lie = track.posture == "lying" and track.down_ns is None
        needed = LYING_MISSES if seen_to_lie else MISSES
        before = self._where.before(track, self._tracks)
        if track.misses >= needed and self._agreement.like_the_room(track.box, before):
            return at_edge(track.box) or not self._where.walked_on(track, self._tracks)
        if track.vacant_s is None:
            return False
        if self._agreement.knows_room and not before:
            return now_s - track.vacant_s >= 0.4 and track.seen_s < now_s - 0.4
        return track.misses > needed and self._where.may_have_gone(track)

    def _nearest(self, body: Body, box: Box, now_s: float, matched: set[int]) -> Track | None:
        best, least = None, (True, math.inf)
        suspect, stirred = self._fixtures.suspects_in(body, box), self._where.has_stirred(box)
        for track in sorted(self._tracks, key=lambda each: each.behind is not None):
            if id(track) in matched or not self._where.may_be(track, body, box):
                continue
            if suspect and not (alike(body, track.body) or self._is_there(track, body, box)):
                continue
            away = away_px(body, track.body)
            if common(box, track.box) >= SAME_BOX:
                away = 0.0  # hips and head are sometimes mistaken for one another
            size = max(body.radius_px, track.body.radius_px)
            within = SAME * size * max(1.0, min(3.0, now_s - track.seen_s))
            ratio = size / max(1e-6, min(body.radius_px, track.body.radius_px))
            most = SAT_UP if body.score >= SURE_SCORE and self._lay_alone(track) else SAME_SIZE
            same = ratio < most or away == 0.0 or self._seen_whole(track, body, box)
            # Where something has moved, of two who may be found there it is the one who moved, and not who lies still.
            still = stirred and away > 0.0 and not self._where.has_moved(track)
            if away <= within and same and (still, away) < least:
                best, least = track, (still, away)
        return best

    def _seen_whole(self, track: Track, body: Body, box: Box) -> bool:
        """He is there alone, and nobody came to where nothing moved: a part of him, or a cat before him, was taken for
        him.
        """
        larger = len(self._tracks) == 1 and body.radius_px > track.body.radius_px
        return larger and not (self._where.has_moved(track) or self._where.has_stirred(box))

    def _lay_alone(self, track: Track) -> bool:
        """Nobody else is there, and he has moved since he was found lying."""
        return len(self._tracks) == 1 and track.posture == "lying" and self._where.has_moved(track)

    def _is_there(self, track: Track, body: Body, box: Box) -> bool:
        """Who lies, or stirs there, is found in one way and another, also where that was suspected before he was
        believed. Who turns over is still there: nothing moved on from there.
        """
        if track.went and self._where.has_moved(track):
            return False
        there = common(box, track.box) >= SAME_BOX
        if track.posture == "lying":
            return there or (within(box, track.box) and not is_weak(body))  # or it is a corner beside him
        return there and self._agreement.of(box) == "motion"

    def _gone_from_where_he_was(self, body: Body, matched: set[int]) -> Track | None:
        """Somebody not found in this look, not far, whose place does not differ from the empty room: he walked fast."""
        if body.score < CLEAR_SCORE:
            return None
        for track in self._tracks:
            size, less = max(body.radius_px, track.body.radius_px), min(body.radius_px, track.body.radius_px)
            near = away_px(body, track.body) <= FAST * size and size < 2.5 * less
            left = self._agreement.like_the_room(track.box) or not self._agreement.has_room
            if id(track) not in matched and near and left and self._where.has_moved(track):
                return track
        return None

    def _walked_before(self, lying: Track, body: Body, now_s: float, matched: set[int]) -> Track | None:
        """Who walked a moment ago, and is not where he was, has come to stand before who lies: nobody sits up at the
        moment at which another vanishes. Who lay down lies across, whatever the last look at how he is held said.
        """
        walker = self._gone_from_where_he_was(body, matched | {id(lying)})
        if walker is None or not walker.walks or turned(body, walker.body):
            return None
        return walker if now_s - walker.seen_s < JUST_S else None

    def _seen_in_part(self, body: Body, box: Box, now_s: float, matched: set[int]) -> Track | None:
        """Somebody first seen a moment ago, or on his way down, not found in this look, which has a larger body around
        his place. So too who was there alone and moved: who falls towards the camera is three times as large at once.
        """
        for track in self._tracks:
            part = now_s - track.since_s < YOUNG_S or track.down_ns is not None
            part |= len(self._tracks) == 1 and now_s - track.seen_s < JUST_S and self._where.has_moved(track)
            part &= body.radius_px > track.body.radius_px
            if id(track) not in matched and part and body.score >= CLEAR_SCORE and within(track.box, box):
                return track
        return None

    def _new(self, body: Body, box: Box, now_s: float, empty: bool) -> Track | None:
        agreed = self._agreement.of(box)
        if agreed is None:
            self._fixtures.note(body, now_s)
            return None
        if agreed == "motion":
            self._fixtures.seen_again(body)
        if len(self._tracks) >= MOST:
            return None
        if empty and agreed != "breathing" and not self._agreement.came(box):
            return None
        track = Track(body, box, worth(body.score), now_s, now_s, body.score, since_s=now_s, stir_s=now_s)
        self._tracks.append(track)
        self._judge(track)
        return track

    def _again(self, track: Track, body: Body, box: Box, now_s: float, decided_ns: int) -> None:
        agreed = self._agreement.of(box)
        if agreed is not None:
            track.agreed_s = now_s
            track.belief = 1 - (1 - track.belief) * (1 - worth(body.score))
        there = common(box, track.box) >= SAME_BOX
        track.misses, track.found, track.went, track.walks = 0, body, False, not there
        if track.behind is not None:
            track.body, track.box, track.behind = body, box, None
        # Another square may show him better, without his moving; or he fell where no look and no cell noticed.
        # Who lies and is found otherwise sits up: he moves, and is asked when he has come to rest.
        track.asks |= track.undecided or (track.posture != "lying" and turned(body, track.body))
        elsewhere = self._where.is_elsewhere(track, body, box)
        sure = agreed is not None and elsewhere and not is_weak(body)
        unlike = not fallen.is_where(track, body, decided_ns) and not sure
        if there or not unlike:  # who is found beside his place, and not put there, was not seen to be in it
            track.seen_s = now_s
        if unlike:
            track.asks = True
        elif agreed == "motion" or elsewhere:
            if track.posture == "lying" and track.down_ns is None and _got_up(track, body):
                track.posture, track.asks = "unsure", True
            track.body, track.box, track.elsewhere = body, self._where.lowered(track, box), None
        track.best = max(track.best, body.score)
        track.vacant_s = None
        if not track.believed:
            track.postured = None
        self._judge(track)

    def _judge(self, track: Track) -> None:
        sure = (track.confirmed and not self._is_small(track)) or track.best >= SURE_SCORE
        track.belief = min(track.belief, 0.99 if sure else UNCONFIRMED)
        if not track.believed and track.belief >= BELIEVED:
            track.believed = True
            self._fixtures.forget(track.body)

    def _is_small(self, track: Track) -> bool:
        """A cat on the bed, or a knee under the blanket, though landmarks once were sure of a body: less than half as
        large as somebody in whose place it is.
        """
        large = 2.0 * track.body.radius_px
        others = (other for other in self._tracks if other is not track and other.believed)
        return any(other.body.radius_px > large and within(track.box, other.box) for other in others)


def _got_up(track: Track, body: Body) -> bool:
    """Who lay, and is found half a length away and otherwise: what was said of him in bed is not so of him there.

    Than in the last look, or than when he lay still: who sits up is found at a slant on the way, and said to lie.
    """
    before = (each for each in (track.body, track.lay) if each is not None)
    return any(away_px(body, each) > MOVED_UP * each.radius_px and changed(body, each) for each in before)
