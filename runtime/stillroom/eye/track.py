"""Somebody, perhaps, from look to look; and what two bodies have in common."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.detect import Body, Square
from stillroom.observation import Box, Posture

EDGE = 0.02
SAME_BOX = 0.4
"""Intersection over union of two boxes that are one body."""
FORGET_AGREEMENT_S = 1800.0
"""Without any agreement for so long, certainty falls to a third."""
LEAST_WORTH = 0.1
"""Of a look."""
BREATHED_S = 60.0
"""So long after its last breath a place is one where somebody breathes: who moves before it hides that."""


@dataclass(slots=True)
class Track:
    """Somebody, perhaps. posture_of: the body on which the posture was asked for."""

    body: Body
    box: Box
    belief: float
    seen_s: float
    agreed_s: float
    best: float
    believed: bool = False
    confirmed: bool = False
    misses: int = 0
    posture: Posture = "unsure"
    postured: Body | None = None
    vacant_s: float | None = None
    down_ns: int | None = None
    """Frame time from which on all movement around him was down; None: it is not, or a look showed him on his legs."""
    sat: bool = False
    """He came down by half of his height, and slowly: it may be that he sat down."""
    stood: Box | None = None
    """Where he was until then."""
    upright_px: tuple[float, float] = (0.0, 0.0)
    """From where to where in the frame he reached before: y of head and feet."""
    low: tuple[float, int] | None = None
    """How high he reached when he had come down, y as a share of the picture, and the frame time of it."""
    sank_ns: int | None = None
    """When what moves around him last came down, by a third of his height or more."""
    held_ns: int = -1
    """When the look was decided that last said how he is held."""
    aside_ns: int | None = None
    """When he was last at the picture's left or right edge, where people leave."""
    still: bool = False
    """Nothing has moved around him for two seconds: he does not bend down just now."""
    may_lie: bool = False
    """One look said that he lies, and nothing was seen to come down: the next look decides."""
    lay: Body | None = None
    """As he was when he last lay still."""
    found: Body | None = None
    """As the last look found him, until it was asked how he is held there."""
    asks: bool = False
    """That is to be asked, whether or not he has changed."""
    elsewhere: Box | None = None
    """Where the last look found him, though nothing had moved; the next one decides."""
    since_s: float = math.inf
    """When he was first seen."""
    stirred_s: NDArray[np.float32] | None = None
    """(rows, cols) when each cell last moved, without what others move before him; None: nobody else was there."""
    stir_s: float = -math.inf
    """When something last moved where he is or beside it, and it was not others."""
    breathed_s: float = -math.inf
    """When something last breathed where he is."""
    walks: bool = True
    """The last look found him elsewhere than the one before."""
    went: bool = False
    """It moved on from there since, or in a way out."""
    apart: bool = False
    """One look found him and another at once, both clearly: they are two, whatever later looks make of them."""
    behind: "Track | None" = None
    """Where he went out of sight: who stands there."""
    behind_s: float = -math.inf
    """When he did."""

    @property
    def undecided(self) -> bool:
        """Nobody knows how he is held, or one look says that he lies, or he came down since it was said."""
        sank = self.sank_ns is not None and self.sank_ns > self.held_ns
        fell = (sank or self.down_ns is not None) and self.posture != "lying"
        return self.posture == "unsure" or self.may_lie or fell

    def certainty(self, now_s: float) -> float:
        """The belief, less where nothing has agreed for long, and where the model has not found it again.

        Who breathes there is there, though a blanket hides him from the model.
        """
        alone = max(0.0, now_s - self.agreed_s) / FORGET_AGREEMENT_S
        misses = 0 if now_s - self.breathed_s < BREATHED_S else min(self.misses, 6)
        return max(0.05, self.belief * (1 - min(alone, 1.0) * 2 / 3) * (1 - 0.04 * misses))


def box_in(body: Body, width_px: int, height_px: int) -> Box:
    """Around a body, as shares of a picture of this size."""
    x0, y0, x1, y1 = body.box_px()
    xs = sorted(min(max(x / width_px, 0.0), 1.0) for x in (x0, x1))
    ys = sorted(min(max(y / height_px, 0.0), 1.0) for y in (y0, y1))
    return Box(xs[0], ys[0], xs[1], ys[1])


def away_px(body: Body, other: Body) -> float:
    """Between the middles of their hips."""
    return math.hypot(body.x_px - other.x_px, body.y_px - other.y_px)


def worth(score: float) -> float:
    """How much one look says: little below 0.65, where chairs and corners score too."""
    return min(0.8, max(LEAST_WORTH, 2.0 * (score - 0.55)))


def is_weak(body: Body) -> bool:
    """It says next to nothing: of two bodies in one look, whoever is known to be there is rather the other."""
    return worth(body.score) <= LEAST_WORTH


def at_edge(box: Box) -> bool:
    """It reaches an edge of the picture by which people leave: not the upper one."""
    return box.x0 < EDGE or max(box.x1, box.y1) > 1 - EDGE


def within(inner: Box, box: Box) -> bool:
    """The middle of one lies in the other."""
    x, y = (inner.x0 + inner.x1) / 2, (inner.y0 + inner.y1) / 2
    return box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1


def beside(box: Box, times: float = 1.0) -> Box:
    """The place, and so many times its width on both of its sides: nobody walks further than once in half a second."""
    wide = times * min(box.x1 - box.x0, box.y1 - box.y0)
    return Box(max(0.0, box.x0 - wide), box.y0, min(1.0, box.x1 + wide), box.y1)


def across(body: Body, other: Body) -> bool:
    """One stands where the other lies: their axes are more than half a right angle apart, whichever end is up."""
    turned = math.atan2(body.up_x_px, -body.up_y_px) - math.atan2(other.up_x_px, -other.up_y_px)
    return abs(math.remainder(turned, math.pi)) > math.pi / 4


def lies(body: Body) -> bool:
    """Its axis is nearer to the picture's rows than to its columns."""
    return abs(body.up_x_px) > abs(body.up_y_px)


def changed(body: Body, before: Body | None) -> bool:
    """The axis turned, the body became longer or shorter, or the hips went down or up."""
    if before is None:
        return True
    if before is body:
        return False
    turned = math.atan2(body.up_x_px, -body.up_y_px) - math.atan2(before.up_x_px, -before.up_y_px)
    turned = abs(math.remainder(turned, 2 * math.pi))
    size = max(body.radius_px, before.radius_px)
    longer = abs(body.radius_px - before.radius_px) > 0.2 * size
    sank = abs(body.y_px - before.y_px) > 0.3 * size
    return turned > math.radians(20) or longer or sank


def turned(body: Body, before: Body) -> bool:
    """By more than 60 degrees: what is found lies, or stands, otherwise than what is known."""
    along = body.up_x_px * before.up_x_px + body.up_y_px * before.up_y_px
    return along < 0.5 * body.radius_px * before.radius_px


def inside(body: Body, square: Square) -> bool:
    """Whether a look at the square would have shown that body."""
    half = square.side_px / 2
    return abs(body.x_px - square.x_px) < 0.8 * half and abs(body.y_px - square.y_px) < 0.8 * half
