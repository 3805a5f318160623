"""From one observation: is somebody there, and where? Pure, and without memory; `state.py` adds the time.

Evidence in falling order of what it proves: somebody whom a model and the cells agree on, something that differs
from the empty room, something that moves, something that breathes. None of it alone proves absence unless the empty
room is known. Where a model has looked and believes in nobody, what differs or moves is `doubted`: a screen, a coat,
a dog, or somebody whom the model does not see.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from stillroom.config import Zones
from stillroom.keeper import zones as where
from stillroom.observation import Blob, Box, Health, Observation, Person, Posture

Place = Literal["bed", "bed-edge", "chair", "off-bed", "floor", "somewhere", "nowhere", "unseen"]

BLIND: frozenset[Health] = frozenset({"covered", "blinded", "frozen", "moved"})
"""Nothing can be said of a room from such a camera; a blurred one still sees that somebody moves."""
LEAST_BLOB_AREA = 0.004
"""A person is larger than this share of the picture; less is a shadow's edge or a curtain's hem."""
MOST_AREA = 0.5
"""A part larger than this share of the picture is the camera or the light: the empty room is not known then."""
MOST_SPANNED = 0.8
"""The same of the box around it: out of focus all edges of a room differ, and hang together."""
LEAST_IN_BED = 0.02
"""Share of the picture that differs from the room where somebody lies: robots and cats are less than half of it."""
LEAST_MOTION = 0.003
"""Share of moving cells below which nobody walks: 15 cells of 4,800."""
MOST_MOTION = 0.5
"""Share of moving cells above which it is the camera or the light that moved: nobody fills half of a room's picture."""
MOST_MOTION_SPREAD = 0.3
"""The same where it reaches from one end of the picture to the other."""
SURE = 0.7
"""Of how many people there are."""
ON_BED = 0.75
"""Of the lower end of what moves: who stands before the bed ends below it."""
EDGE = 0.03
"""Of the picture: what reaches so near to its edge may have gone out of it."""


class Evidence(Struct, frozen=True):
    """What one observation says. `why` holds its numbers."""

    place: Place
    moving: bool
    door: where.Door | None
    """The door that whoever is seen reaches into."""
    background_known: bool
    why: str
    people: int | None = None
    """How many a model and the cells agree on; None: no model, or it has not looked."""
    sure: bool = False
    """Of that number."""
    abed: int = 0
    """Of them, how many rest in the bed."""
    posture: Posture | None = None
    high: float | None = None
    """How high whoever is seen reaches against the known room, as a share of the picture."""
    at_edge: bool = False
    at_side: bool = False
    """What moves is at the picture's left, right or lower edge, by which people come."""
    moves_at: where.Door | None = None
    """The door that what moves reaches into, whoever speaks for the place."""
    by_breath: bool = False
    """Nothing but a rhythm of breathing speaks for the place."""
    bed_stirs: bool = False
    """What moves is on the bed or its edge."""
    edge_stirs: bool = False
    """What moves is on the bed's edge."""
    floor_stirs: bool = False
    """What moves is in the zone floor."""
    ends_on_bed: bool = False
    """The lower end of what moves is over the bed: it stands behind it, or is on it."""
    small: bool = False
    """Nothing that differs from the known room is as large as somebody who lies."""
    box: Box | None = None
    """Around whoever or whatever speaks for the place."""
    boxes: tuple[Box, ...] = ()
    """Around each of the people."""
    boxes_abed: tuple[Box, ...] = ()
    """Of these, who rests in the bed."""
    boxes_at_door: tuple[Box, ...] = ()
    """Of these, who reaches into the room's door."""
    moves: Box | None = None
    """Around all that moves."""
    differs: tuple[Box, ...] = ()
    """From the known room."""
    relit: bool = False
    """The light changes, and nothing can be compared meanwhile."""
    since_ns: int | None = None
    """Since when it has been so; None: since now."""

    @property
    def thing(self) -> bool:
        """A cat or a robot, by its size, and the model believes in nobody; or a part of somebody, behind the bed."""
        return self.people == 0 and self.small and self.place not in ("nowhere", "unseen")

    @property
    def doubted(self) -> bool:
        """Something is there, and the model believes in nobody."""
        return self.people == 0 and (self.moving or self.place not in ("nowhere", "unseen"))


def judge(seen: Observation, zones: Zones) -> Evidence:
    """The evidence of one observation."""
    evidence = _judge(seen, zones)
    if evidence.place != "unseen":
        differs = seen.blobs if evidence.background_known else ()
        evidence = replace(
            evidence,
            differs=tuple([blob.box for blob in differs]),
        )
    box = seen.motion_box if evidence.moving else None
    if box is None:
        return evidence
    rest = where.rests(box, None, zones)
    at_side = box.x0 < EDGE or max(box.x1, box.y1) > 1 - EDGE
    on_floor = where.rests(box, "lying", zones) == "floor"
    door = where.reaches(box, zones)
    return replace(
        evidence,
        ends_on_bed=where.share_inside(where.sole(box), zones.bed) >= ON_BED,
        bed_stirs=rest in ("bed", "bed-edge"),
        edge_stirs=rest == "bed-edge",
        at_side=at_side,
        floor_stirs=on_floor,
        moves_at=door,
        moves=box,
    )


def _judge(seen: Observation, zones: Zones) -> Evidence:
    if seen.health in BLIND:
        return Evidence("unseen", False, None, False, f"the camera is {seen.health}")
    if seen.dark or seen.light_changed:
        reason = f"luma {seen.luma_mean:.0f}" if seen.dark else "light changed"
        return Evidence("unseen", False, None, False, reason, relit=not seen.dark)
    moving = _moves(seen)
    known = (
        seen.background == "learned" and seen.health != "blurred" and not any(map(_is_picture, seen.blobs))
    )
    box, what, by_breath = _best_box(seen, known)
    people, sure = seen.people, (seen.people_certainty or 0.0) >= SURE
    if seen.persons:
        return _of_persons(seen, zones, moving, known, sure)
    if people == 0 and sure and known and not any(b.area >= LEAST_BLOB_AREA for b in seen.blobs):
        light = f"motion {seen.motion:.3f}, but nothing differs and no model finds anybody"
        return Evidence("nowhere", False, None, known, light, people, sure)
    edge = moving and seen.motion_box is not None and _at_edge(seen.motion_box)
    if box is None:
        nothing = f"motion {seen.motion:.3f}, nothing differs or breathes"
        return Evidence("nowhere", moving, None, known, nothing, people, sure, at_edge=edge)
    place, edge = _place(box, None, zones), edge or _at_edge(box)
    door, small = where.reaches(box, zones), known and all(b.area <= LEAST_IN_BED for b in seen.blobs)
    return Evidence(
        place,
        moving,
        door,
        known,
        what,
        people,
        sure,
        0,
        None,
        edge,
        by_breath=by_breath,
        small=small,
        box=box,
    )


def _of_persons(seen: Observation, zones: Zones, moving: bool, known: bool, sure: bool) -> Evidence:
    """Of several, the one who is not in bed; where the room is known, by what differs from it there, which is newer."""
    rests = [_rests(each, zones) for each in seen.persons]
    first = max(
        range(len(rests)), key=lambda number: (rests[number] != "bed", seen.persons[number].certainty)
    )
    person = seen.persons[first]
    box = _newer(person, seen.blobs) if known else person.box
    place = "floor" if rests[first] == "floor" else _place(box, person.posture, zones)
    why = f"{len(seen.persons)} seen by {seen.model}, {person.certainty:.0%} sure, {person.posture}"
    edge = _at_edge(box) or (moving and seen.motion_box is not None and _at_edge(seen.motion_box))
    boxes = tuple([each.box for each in seen.persons])
    abed = tuple([each for each, rest in zip(boxes, rests, strict=True) if rest == "bed"])
    door = where.reaches(box, zones)
    high = box.y1 - box.y0 if known else None
    sure = sure or _two(seen.persons)
    return Evidence(
        *(place, moving, door, known, why, seen.people, sure, len(abed), person.posture, high, edge),
        box=box,
        boxes=boxes,
        boxes_abed=abed,
        boxes_at_door=tuple([each for each in boxes if where.reaches(each, zones) == "door"]),
    )


def _moves(seen: Observation) -> bool:
    """Somebody or something, and not the camera or the light. A lens that blurs moves the edges of a whole room."""
    everywhere = seen.motion_box is not None and where.area(seen.motion_box) > MOST_SPANNED
    return LEAST_MOTION <= seen.motion <= (MOST_MOTION_SPREAD if everywhere else MOST_MOTION)


def _is_picture(blob: Blob) -> bool:
    """Too large for a person: the camera or the light."""
    return blob.area > MOST_AREA or where.area(blob.box) > MOST_SPANNED


def _two(persons: tuple[Person, ...]) -> bool:
    """That there are several is sure where two are, whatever else a model fires on."""
    surest = sorted((person.certainty for person in persons), reverse=True)
    return len(surest) > 1 and surest[0] * surest[1] >= SURE


def _newer(person: Person, blobs: tuple[Blob, ...]) -> Box:
    """The largest blob that covers the middle of the person; his own box where none does."""
    x, y = (person.box.x0 + person.box.x1) / 2, (person.box.y0 + person.box.y1) / 2
    over = [b for b in blobs if b.box.x0 <= x <= b.box.x1 and b.box.y0 <= y <= b.box.y1]
    return max(over, key=lambda b: b.area).box if over else person.box


def _rests(person: Person, zones: Zones) -> where.Rest | None:
    return where.rests(person.box, person.posture, zones)


def _at_edge(box: Box) -> bool:
    return min(box.x0, box.y0) < EDGE or max(box.x1, box.y1) > 1 - EDGE


def _place(box: Box, posture: Posture | None, zones: Zones) -> Place:
    elsewhere: Place = "somewhere" if zones.bed is None else "off-bed"
    return where.rests(box, posture, zones) or elsewhere


def _best_box(seen: Observation, known: bool) -> tuple[Box | None, str, bool]:
    blobs = [b for b in seen.blobs if b.area >= LEAST_BLOB_AREA]
    if blobs and known:
        blob = max(blobs, key=_liveliness)
        return blob.box, f"{blob.area:.1%} of the picture differs, {blob.moving:.0%} of it moves", False
    if _moves(seen) and seen.motion_box is not None:
        return seen.motion_box, f"{seen.motion:.1%} of the picture moves", False
    if seen.breathing_box is not None:
        return seen.breathing_box, "a rhythm of breathing", True
    return None, "", False


def _liveliness(blob: Blob) -> float:
    """Area counts, motion counts more: a moved chair is large and still."""
    return blob.area * (0.25 + blob.moving)
