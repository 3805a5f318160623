"""Somebody around whom all movement came down: he lies, unless a look since then shows him on his legs.

Models often do not find who lies on the floor, cut off by the picture's edge or seen along the body, and nearly always
find who stands or sits. So after movement that came down at once (`falling.py`), being found no more means lying; and
what was said of somebody who lies is not taken back by a look that cannot tell how he is held.
"""

from collections.abc import Callable

from stillroom.clock import NS_PER_S
from stillroom.eye.detect import Body, Held
from stillroom.eye.falling import Descent, Falling
from stillroom.eye.track import Track
from stillroom.observation import Box, Posture

LEAST_PRESENT, SURE_PRESENT = 0.4, 0.8
ACROSS = 1.5
"""Of an axis, how much further across the picture than up or down."""
CLEAR_SCORE = 0.7
LATELY_S = 3.0
"""A movement, or a place at the edge, is still of weight."""
SANK = 0.33
"""Of his height: who came down so far may lie by one look; else the next one must say so too."""
SAT_S, SAT = 0.7, 0.55
"""So long it takes to sit down on the floor, and so much of his height at most; who falls is faster, or ends lower."""
KNOWN_S = 0.8
"""Since he was first seen: a body seen once and no more may have been none."""
EDGE = 0.06
"""Of the picture's width, at its sides."""
UP, UP_ON_LEGS = 0.35, 0.55
"""Of his height, from above: whose head is above this is not down; the second: whose legs carry him."""


def watch(
    track: Track,
    falling: Falling,
    frame_ns: int,
    size_px: tuple[int, int],
    stays: Callable[[Descent], bool] = lambda _: False,
) -> Descent | None:
    """Each fifth of a second: whether what moves around him has come down. Where it is down, there he is; how he is
    held is for the next look to say. stays: whether he stands, or lies where he lay, all the same.
    """
    box = track.box
    descent = falling.of(box)
    track.still = falling.still(box)
    tall = box.y1 - box.y0 > box.x1 - box.x0
    aside = tall and (box.x0 < EDGE or box.x1 > 1 - EDGE) and not falling.still(box, 1)
    if aside or falling.may_leave(box):  # nobody leaves without moving
        track.aside_ns = frame_ns
    if descent is None:
        return None
    if descent.by >= SANK:
        track.sank_ns = frame_ns
        if track.may_lie:
            track.posture, track.may_lie = "lying", False
    if descent.down and track.believed and not _is_above(descent.box, box) and not stays(descent):
        _put(track, descent.box, size_px)
        track.low = descent.box.y0, frame_ns
        sat = descent.took_s >= SAT_S and descent.by <= SAT
        track.sat = sat and (track.sat or track.down_ns is None)
        if track.down_ns is None:
            track.down_ns, track.postured, track.stood = frame_ns, None, box
            bottom = max(descent.bottom, box.y1 if tall else 0.0)
            track.upright_px = size_px[1] * descent.top, size_px[1] * bottom
    return descent


def _is_above(moves: Box, box: Box) -> bool:
    """Nobody comes down to above where he is: it is a curtain over who lies there."""
    return (moves.y0 + moves.y1) / 2 < box.y0


def _put(track: Track, box: Box, size_px: tuple[int, int]) -> None:
    x, y = (box.x0 + box.x1) / 2 * size_px[0], (box.y0 + box.y1) / 2 * size_px[1]
    track.box, track.body = box, Body(track.body.score, x, y, track.body.radius_px, 0.0)


def is_where(track: Track, body: Body, decided_ns: int) -> bool:
    """Whether he is where a look found this body. Who comes down or leaves is often taken for something else."""
    unsteady = lately(track.sank_ns, decided_ns) or lately(track.aside_ns, decided_ns)
    return body.score >= CLEAR_SCORE or not unsteady


def not_found(track: Track, now_s: float, decided_ns: int) -> None:
    """A look did not find him where he is. He lies, unless he may have gone out of the picture, or had just come; or
    came down as who sits down does: then a look must say so.
    """
    known = now_s - track.since_s >= KNOWN_S and not lately(track.aside_ns, decided_ns) and not track.sat
    if known and _is_down(track, decided_ns):
        track.posture = "lying"


def found(track: Track, body: Body, decided_ns: int) -> None:
    """A look found him; a body that clearly lies across the picture needs no landmarks."""
    across = body.score >= CLEAR_SCORE and abs(body.up_x_px) > ACROSS * abs(body.up_y_px)
    if across and _is_down(track, decided_ns):
        track.posture = "lying"


def shown(track: Track, held: Held, decided_ns: int) -> Posture:
    """How he is held after a look that was sure to see a body."""
    before_ns, track.held_ns = track.held_ns, decided_ns
    if _is_down(track, decided_ns):
        if not _is_up(track, held):
            return "lying"
        track.down_ns = None
        if held.posture == "lying" and track.posture != "lying":
            # Nobody lies with his head up there: it has not said how he is held, and the next look decides.
            track.held_ns, track.asks = before_ns, True
            return track.posture
    if held.posture == "unsure" and track.posture == "lying" and not held.on_legs:
        return "lying"
    known = track.still or lately(track.sank_ns, decided_ns)
    if held.posture == "lying" and track.posture != "lying" and not known:
        track.may_lie = not track.may_lie
        return track.posture if track.may_lie else "lying"
    track.may_lie = False
    # One look in thirty says so of who walks, and he is not asked again while he stays as he is.
    track.asks |= held.posture == "lying" and track.posture != "lying"
    return held.posture


def _is_down(track: Track, decided_ns: int) -> bool:
    return track.down_ns is not None and decided_ns >= track.down_ns


def _is_up(track: Track, held: Held) -> bool:
    top, bottom = track.upright_px
    least = top + (UP_ON_LEGS if held.on_legs else UP) * (bottom - top)
    return held.head_px is not None and held.head_px < least


def lately(then_ns: int | None, now_ns: int) -> bool:
    """It was less than three seconds ago."""
    return then_ns is not None and now_ns - then_ns < LATELY_S * NS_PER_S
