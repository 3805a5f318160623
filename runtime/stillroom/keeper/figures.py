"""What a figure view may show: from an observation to words and coarse places, the same for everybody.

A figure in a zone sits or lies at that zone's own place; elsewhere on a lattice of four by three. So what reaches the
eye's drawing has nothing of a person but where he is and how he holds himself: two people in one pose are drawn alike.
"""

from dataclasses import dataclass

from stillroom.config import Point, Zones
from stillroom.events import RoomState
from stillroom.keeper.occupancy import BLIND, SURE
from stillroom.keeper.zones import polygon, rests
from stillroom.link import Drawn
from stillroom.observation import Observation, Person, Posture
from stillroom.view_forms import HEIGHT_PX, WIDTH_PX, Blank, ViewLevel

COLUMNS, ROWS = 4, 3
"""So coarse that two people in one place are mostly in one cell of it, whatever the model makes of their clothes."""
LEAST_SIZE, GROWS = 300, 450
"""Of a standing figure at the picture's upper edge, and how much larger it is at its lower one, in thousandths."""


@dataclass(frozen=True)
class Seen:
    """What there is to be shown now. blank: of a figure; `dark` counts for a picture too."""

    blank: Blank
    figures: tuple[Drawn, ...] = ()

    def blank_at(self, level: ViewLevel) -> Blank:
        return "shown" if level == "picture" and self.blank != "dark" else self.blank


def seen_by(observation: Observation | None, state: RoomState, zones: Zones) -> Seen:
    """Figures of the people that a model and the cells agree on; blank where that is not sure, or there is no model."""
    if observation is None:
        return Seen("starting")
    if observation.dark or observation.health in BLIND:
        return Seen("dark")
    if observation.model == "none":
        return Seen("no-model")
    certain = observation.people is not None and (observation.people_certainty or 0.0) >= SURE
    if state == "unknown" or not certain:
        return Seen("unsure")
    if observation.persons:
        return Seen("shown", tuple(_drawn(person, zones) for person in observation.persons))
    if state == "in-bed" and zones.bed is not None:  # under a blanket a model finds nobody
        return Seen("shown", (_lying(zones.bed),))
    return Seen("shown") if state in ("empty", "bathroom") else Seen("unsure")


def _drawn(person: Person, zones: Zones) -> Drawn:
    place = rests(person.box, person.posture, zones)
    outline = None if place is None else polygon(place, zones)
    if place == "bed" and outline is not None:  # a model says now that he lies there, now that he sits
        return _lying(outline)
    if place in ("bed-edge", "chair") and outline is not None:
        return _sitting(outline)
    if place == "floor" and outline is not None:  # a model finds now the whole of who lies, now a half of him
        x0, y0, x1, y1 = _bounds(outline)
        y = round(500 * (y0 + y1))
        return Drawn("lying", round(500 * (x0 + x1)), y, _size(y), 90)
    box = person.box
    column = min(COLUMNS - 1, int((box.x0 + box.x1) / 2 * COLUMNS))
    if person.posture == "lying":
        row = min(ROWS - 1, int((box.y0 + box.y1) / 2 * ROWS))
        wide = (box.x1 - box.x0) * WIDTH_PX >= (box.y1 - box.y0) * HEIGHT_PX
        y = _middle(row, ROWS)
        return Drawn("lying", _middle(column, COLUMNS), y, _size(y), 90 if wide else 0)
    row = min(ROWS - 1, int(box.y1 * ROWS))
    y = 1000 * (row + 1) // ROWS
    posture: Posture = "sitting" if person.posture == "sitting" else "upright"
    return Drawn(posture, _middle(column, COLUMNS), y, _size(y))


def _middle(place: int, places: int) -> int:
    return 1000 * (2 * place + 1) // (2 * places)


def _size(y: int) -> int:
    """Of somebody who stands there: the nearer, the lower in the picture and the larger."""
    return LEAST_SIZE + GROWS * min(y, 1000) // 1000


def _bounds(outline: tuple[Point, ...]) -> tuple[float, float, float, float]:
    xs, ys = [x for x, _ in outline], [y for _, y in outline]
    return min(xs), min(ys), max(xs), max(ys)


def _lying(outline: tuple[Point, ...]) -> Drawn:
    """Along the longer side of the zone, four fifths of it."""
    x0, y0, x1, y1 = _bounds(outline)
    wide, high = (x1 - x0) * WIDTH_PX / HEIGHT_PX, y1 - y0
    size = round(800 * max(wide, high))
    return Drawn("lying", round(500 * (x0 + x1)), round(500 * (y0 + y1)), size, 90 if wide >= high else 0)


def _sitting(outline: tuple[Point, ...]) -> Drawn:
    x0, _, x1, y1 = _bounds(outline)
    y = round(1000 * y1)
    return Drawn("sitting", round(500 * (x0 + x1)), y, _size(y))
