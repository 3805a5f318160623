"""Where in the room a box of the picture lies: shares of a box inside the polygons that an installer drew."""

from stillroom.config import Point, Zones
from stillroom.observation import Box

_SAMPLES = 8


def share_inside(box: Box, polygon: tuple[Point, ...] | None) -> float:
    """Share of the box that lies inside the polygon, by an even lattice of 64 points; 0 for no polygon."""
    if polygon is None:
        return 0.0
    inside = 0
    for row in range(_SAMPLES):
        y = box.y0 + (box.y1 - box.y0) * (row + 0.5) / _SAMPLES
        for col in range(_SAMPLES):
            x = box.x0 + (box.x1 - box.x0) * (col + 0.5) / _SAMPLES
            inside += contains(polygon, x, y)
    return inside / _SAMPLES**2


def contains(polygon: tuple[Point, ...], x: float, y: float) -> bool:
    """Even-odd rule: how often a ray to the right crosses the outline."""
    odd = False
    x1, y1 = polygon[-1]
    for x2, y2 in polygon:
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            odd = not odd
        x1, y1 = x2, y2
    return odd


def in_bed(box: Box, zones: Zones) -> bool:
    """More of the box lies on the bed than off it. Somebody standing beside the bed stands mostly off it."""
    return share_inside(box, zones.bed) >= 0.5


def at_door(box: Box, zones: Zones) -> bool:
    """The box reaches into the door."""
    return share_inside(box, zones.door) >= 0.15
