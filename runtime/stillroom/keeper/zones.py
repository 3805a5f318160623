"""Where in the room a box of the picture lies: shares of a box inside the polygons that an installer drew.

One rule for all zones that overlap: a body rests in the first zone of `RESTS` of which it has the share asked for.
What is asked of a bed, a chair and the floor is a share of the whole box, or of a bed its middle, the hips, unless he
stands; of the bed's edge a share of the feet, its lowest fifth, since who sits there is partly over the bed too: who is
not sits on the floor before it. So the edge wins over the bed for who sits, and never for who lies or stands; bed and
chair win over the floor beneath them. Doors are passed and not rested in: a box reaches one with a smaller share,
wherever it rests; of two doors the one that it reaches further into, and of two that it reaches equally the bathroom's,
behind which somebody's time is watched.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

from stillroom.config import Point, Zones
from stillroom.observation import Box, Posture

_SAMPLES = 8
FEET = 0.2
"""Lowest share of a box that is asked for feet."""
Rest = Literal["bed-edge", "bed", "chair", "floor"]
Door = Literal["bathroom-door", "door"]


@dataclass(frozen=True)
class Rule:
    """A body rests in `zone` with at least `least` of the whole box, or of a part of it, in it."""

    zone: Rest
    of: Literal["box", "feet", "middle"]
    least: float
    postures: frozenset[Posture | None]
    """Only so; None: no model has seen it."""
    over_bed: float = 0.0
    """Of the whole box over the bed, where one was drawn."""


_ANY: frozenset[Posture | None] = frozenset({"upright", "sitting", "lying", "unsure", None})
RESTS = (
    Rule("bed-edge", "feet", 0.4, _ANY - {"upright", "lying"}, over_bed=0.15),
    Rule("bed", "box", 0.5, _ANY),
    Rule("chair", "box", 0.5, _ANY - {"upright"}),
    # Whose legs lie under a blanket is boxed as if they hung down: boxes are symmetric, and their middle is the hips.
    Rule("bed", "middle", 0.75, frozenset({"sitting", "lying", "unsure"})),
    # Of who lies along the camera's sight the far half is much shorter than the near one, and boxes are symmetric.
    Rule("floor", "box", 0.35, frozenset({"lying"})),
)
DOORS: tuple[Door, ...] = ("bathroom-door", "door")
_NAMES: dict[str, str] = {zone: zone.replace("-", "_") for zone in (*DOORS, *(rule.zone for rule in RESTS))}
LEAST_REACH = 0.15
"""Of a box in a door."""


def polygon(zone: str, zones: Zones) -> tuple[Point, ...] | None:
    """The zone's outline; None where none was drawn."""
    found: tuple[Point, ...] | None = getattr(zones, _NAMES[zone])
    return found


class Columns(Protocol):
    """From where to where across the picture."""

    @property
    def x0(self) -> float: ...
    @property
    def x1(self) -> float: ...


def share_columns(one: Columns, other: Columns) -> bool:
    """They share at least half of the narrower one's columns."""
    shared = min(one.x1, other.x1) - max(one.x0, other.x0)
    return shared >= 0.5 * min(one.x1 - one.x0, other.x1 - other.x0)


def area(box: Box) -> float:
    """Share of the picture."""
    return (box.x1 - box.x0) * (box.y1 - box.y0)


def rests(box: Box, posture: Posture | None, zones: Zones) -> Rest | None:
    """The one zone that the body rests in; None: in none of them."""
    for rule in RESTS:
        outline = polygon(rule.zone, zones)
        if outline is None or posture not in rule.postures:
            continue
        if zones.bed is not None and rule.over_bed and share_inside(box, zones.bed) < rule.over_bed:
            continue
        if share_inside(_PARTS[rule.of](box), outline) >= rule.least:
            return rule.zone
    return None


def reaches(box: Box, zones: Zones) -> Door | None:
    """The door that the box reaches into; None: neither."""
    shares = [share_inside(box, polygon(door, zones)) for door in DOORS]
    most = max(shares)
    return DOORS[shares.index(most)] if most >= LEAST_REACH else None


def feet(box: Box) -> Box:
    """The lowest fifth of a box."""
    return Box(box.x0, box.y1 - FEET * (box.y1 - box.y0), box.x1, box.y1)


def sole(box: Box) -> Box:
    """The lower end of a box: a twentieth of it."""
    return Box(box.x0, box.y1 - 0.05 * (box.y1 - box.y0), box.x1, box.y1)


def middle(box: Box) -> Box:
    """The hips of whoever a model found: a fifth of the box in each direction, around its middle."""
    x, y, half = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, FEET / 2
    wide, high = half * (box.x1 - box.x0), half * (box.y1 - box.y0)
    return Box(x - wide, y - high, x + wide, y + high)


_PARTS = {"box": lambda box: box, "feet": feet, "middle": middle}


@lru_cache(maxsize=256)
def share_inside(box: Box, polygon: tuple[Point, ...] | None) -> float:
    """Share of the box that lies inside the polygon, by an even lattice of 64 points; 0 for no polygon.

    By rows, and remembered: whoever lies still has the same box five times a second.
    """
    if polygon is None:
        return 0.0
    inside = 0
    xs = [box.x0 + (box.x1 - box.x0) * (col + 0.5) / _SAMPLES for col in range(_SAMPLES)]
    for row in range(_SAMPLES):
        crossed = _crossed(polygon, box.y0 + (box.y1 - box.y0) * (row + 0.5) / _SAMPLES)
        inside += sum(sum(x < at for at in crossed) & 1 for x in xs) if crossed else 0
    return inside / _SAMPLES**2


def contains(polygon: tuple[Point, ...], x: float, y: float) -> bool:
    """Even-odd rule: how often a ray to the right crosses the outline."""
    return bool(sum(x < at for at in _crossed(polygon, y)) & 1)


def _crossed(polygon: tuple[Point, ...], y: float) -> list[float]:
    """Where the outline crosses the height y."""
    found = []
    x1, y1 = polygon[-1]
    for x2, y2 in polygon:
        if (y1 > y) != (y2 > y):
            found.append(x1 + (y - y1) / (y2 - y1) * (x2 - x1))
        x1, y1 = x2, y2
    return found
