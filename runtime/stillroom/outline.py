"""What a polygon must be to be a zone: one outline that does not cross itself, around more than nothing.

The even-odd rule, by which zones are asked, leaves holes in an outline that crosses itself.
"""

from collections.abc import Sequence

Point = tuple[float, float]
LEAST_AREA = 1e-4
"""Of the picture: 30 pixels of 640x480, less than a cell of the grid."""


def fault(polygon: Sequence[Point]) -> str | None:
    """What is wrong with the outline, in words that say what is allowed; None for a sound one."""
    little = f"holds less than {LEAST_AREA:.2%} of the picture: draw it larger, or remove it"
    if not any(_turn(polygon[n - 2], polygon[n - 1], polygon[n]) for n in range(len(polygon))):
        return little
    for corner in range(len(polygon)):
        if polygon[corner] == polygon[corner - 1]:
            return (
                f"corner {corner or len(polygon)} is there twice: leave it out; an outline closes by itself"
            )
    for first in range(len(polygon)):
        for second in range(first + 1, len(polygon)):
            if _meet(polygon, first, second):
                return (
                    f"crosses or touches itself, side {first + 1} and side {second + 1}: "
                    "list the corners in order around it"
                )
    return little if area(polygon) < LEAST_AREA else None


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


def _meet(polygon: Sequence[Point], first: int, second: int) -> bool:
    """Two sides have a point in common that is not the corner between neighbours; those may not fold back either."""
    (a, b), (c, d) = _side(polygon, first), _side(polygon, second)
    if second == first + 1:
        return _folds_back(a, b, d)
    if (second + 1) % len(polygon) == first:
        return _folds_back(c, d, b)
    cross = _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0
    return cross or any(_on(p, a, b) for p in (c, d)) or any(_on(p, c, d) for p in (a, b))


def _folds_back(before: Point, corner: Point, after: Point) -> bool:
    """The way goes back over itself behind this corner."""
    there, on = (before[0] - corner[0], before[1] - corner[1]), (after[0] - corner[0], after[1] - corner[1])
    return _turn(before, corner, after) == 0 and there[0] * on[0] + there[1] * on[1] > 0


def _on(point: Point, start: Point, end: Point) -> bool:
    """It lies on the side between these."""
    inside = all(min(s, e) <= p <= max(s, e) for p, s, e in zip(point, start, end, strict=True))
    return inside and _turn(start, end, point) == 0


def _turn(a: Point, b: Point, c: Point) -> float:
    """Which way it goes at b; none where it is less than what rounding makes of a straight line."""
    turn = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return 0.0 if abs(turn) < 1e-12 else turn
