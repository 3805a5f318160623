"""What a polygon must be to be a zone: one outline that does not cross itself, around more than nothing.

The even-odd rule, by which zones are asked, leaves holes in an outline that crosses itself.
"""

from collections.abc import Sequence

Point = tuple[float, float]
LEAST_AREA = 1e-4
"""Of the picture: 30 pixels of 640x480, less than a cell of the grid."""


def fault(polygon: Sequence[Point]) -> str | None:
    """What is wrong with the outline, in words that say what is allowed; None for a sound one."""
    for first in range(len(polygon)):
        for second in range(first + 1, len(polygon)):
            if _cross(_side(polygon, first), _side(polygon, second)):
                return f"crosses itself, side {first + 1} and side {second + 1}: list the corners in order around it"
    if area(polygon) < LEAST_AREA:
        return f"holds less than {LEAST_AREA:.2%} of the picture: draw it larger, or remove it"
    return None


def words(polygon: Sequence[Point]) -> str:
    """Its corners as they stand in a configuration, cut where they are many."""
    text = str([list(corner) for corner in polygon])
    return text if len(text) <= 60 else text[:57] + "..."


def area(polygon: Sequence[Point]) -> float:
    """Of an outline that does not cross itself, by the shoelace formula; share of the picture."""
    sides = (_side(polygon, number) for number in range(len(polygon)))
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in sides)) / 2


def _side(polygon: Sequence[Point], number: int) -> tuple[Point, Point]:
    return polygon[number], polygon[(number + 1) % len(polygon)]


def _cross(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """The two sides cut through one another. Sides that only touch enclose nothing twice."""
    (a, b), (c, d) = one, other
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
