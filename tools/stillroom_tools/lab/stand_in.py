"""A detector that knows what there is to see, and errs as often as the real one was measured to: for nights of cells.

It takes the place of the models behind the eye's own rules (`looking.py`, `people.py`, `agreement.py`), which do not
know it from them; every event names it. Its errors last as those of the real one do: somebody who is missed is missed
in most looks of one size until he moves; whether landmarks are sure of him changes from look to look. Rows of
`ERRORS` and the numbers below them were read from

    python -m stillroom_tools.lab.stand_in_measure --rooms 60

on the simulated people of `SimulatedCamera`; what stands there is rounded against the detector. The same
seed, the same answers.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from stillroom.clock import NS_PER_S
from stillroom.eye.detect import SIDE_PX, Body, Held, Kind, Picture, Square
from stillroom.eye.worker import Job, Result
from stillroom.keeper.zones import contains
from stillroom.observation import Posture
from stillroom_tools.lab import scene_bodies
from stillroom_tools.lab.scenario import Scenario
from stillroom_tools.lab.scene import Pinhole, Points, pinhole
from stillroom_tools.lab.scene_random import mixed, unit

NAME = "stand-in"
SERVED_S = 0.1
"""From the frame on which a look is decided to the one it is cut out of."""


SIZES = (0.05, 0.10, 0.15, 0.20, 0.25)
"""From hips to the farthest joint, of the side of the square: from each on the next of `found`; below it nobody."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Of one way to be there. found: share of looks, by size; held: what landmarks say of it, shares that add up to 1.

    sure: share of landmarks that are certain of a body. stray: share of wide looks that place him beside where he is.
    """

    found: tuple[float, float, float, float, float]
    score: float
    spread: float
    sure: float
    held: tuple[tuple[Posture, float], ...]
    stray: float = 0.0


ERRORS: dict[str, Errors] = {
    "walking": Errors(
        (0.42, 0.77, 0.90, 0.97, 0.95),
        *(0.90, 0.12, 0.90),
        (("unsure", 0.49), ("sitting", 0.28), ("upright", 0.20), ("lying", 0.03)),
    ),
    "standing": Errors(
        (0.55, 0.80, 0.90, 0.97, 0.93),
        0.94,
        0.08,
        0.99,
        (("unsure", 0.60), ("upright", 0.36), ("sitting", 0.04)),
    ),
    "sitting": Errors(
        (0.66, 0.85, 0.97, 0.93, 0.97), 0.90, 0.08, 0.93, (("sitting", 0.75), ("unsure", 0.25))
    ),
    "kneeling": Errors(
        (0.65, 0.85, 0.97, 0.97, 0.97),
        0.95,
        0.06,
        0.99,
        (("unsure", 0.62), ("sitting", 0.25), ("upright", 0.13)),
    ),
    "lying": Errors((0.45, 0.60, 0.72, 0.95, 0.78), 0.85, 0.13, 0.54, (("lying", 1.0),)),
    "covered": Errors(
        (0.05, 0.37, 0.45, 0.35, 0.62), 0.73, 0.13, 0.45, (("lying", 0.98), ("unsure", 0.02)), 0.15
    ),
    "fallen": Errors(
        (0.05, 0.50, 0.80, 0.78, 0.92), 0.79, 0.09, 0.88, (("lying", 0.97), ("unsure", 0.03)), 0.03
    ),
}
COVERED = 0.5
"""More of a lying body under the blanket than this is `covered`."""
LEAST_SHOWN, WELL_SHOWN = 0.3, 0.7
"""Share of a body that nothing hides: below the first nobody is found, from the second on as often as ever."""
FICKLE = 0.1
"""Share of looks whose answer has nothing to do with the one before, of somebody who has not moved."""
MERGED = 0.2
"""Of the square's side: of two whose hips are nearer to one another than that, one is found (NOTES: 100 px of 480)."""
LONG, LONG_SPREAD = 1.1, 0.15
"""A body as it is found, over its true size."""
PLACED = 0.06
"""Standard deviation of the hips, in sizes of the body."""
STRAY_SCORE = 0.6
PET_FOUND, PET_SCORE = 0.3, (0.5, 0.66)
"""NOTES: fires on a dog with 0.66; how often is assumed."""
PET_SURE = 0.3
CORNER_ROOMS, CORNER_SCORE = 0.15, (0.5, 0.53)
"""NOTES: fires on an empty corner with 0.50; in how many rooms is assumed."""
SCREEN_FOUND, SCREEN_SCORE = 0.2, (0.5, 0.63)
"""NOTES: a figure on a screen 0.63; in how many looks is assumed."""
_SCREEN_AT_M = (0.1, 1.3, 4.3)
_NO_FACE = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """One body as the models could see it: middle of the hips, to its end, in px of the frame."""

    x: float
    y: float
    up_x: float
    up_y: float
    errors: Errors
    shown: float
    key: int
    """The same as long as it does not move."""
    on_legs: bool = False
    head_y: float | None = None
    """How high the head reaches, y of the frame."""

    @property
    def size(self) -> float:
        return math.hypot(self.up_x, self.up_y)


class StandIn:
    """Implements `stillroom.eye.worker.Models`. Make for one scenario, seed and size of picture in px."""

    name = NAME

    def __init__(self, scenario: Scenario, size: tuple[int, int], seed: int) -> None:
        self._scenario, self._size, self._seed = scenario, size, seed
        self._bodies = scene_bodies.Bodies(scenario, *size, seed)
        self._camera = pinhole(scenario.lens, *size)
        self._pictures = {kind: np.zeros((side, side, 3), np.uint8) for kind, side in SIDE_PX.items()}
        self._results: list[Result] = []
        self._looks = 0

    def borrow(self, kind: Kind) -> Picture | None:
        return self._pictures[kind]

    def give_up(self, picture: Picture) -> None:
        """Nothing was drawn into it."""

    def take(self) -> Result | None:
        return self._results.pop(0) if self._results else None

    def submit(self, job: Job) -> None:
        """Look at the truth, and err."""
        self._looks += 1
        at_s = job.decided_ns / NS_PER_S + SERVED_S
        now = self._bodies.at(at_s)
        harms = now.moment.harms
        blind = now.moment.covered > 0.5 or harms.blurred or harms.dazzled
        seen = [] if blind else [each for body in now.bodies if (each := self._seen(body, now)) is not None]
        if job.kind == "people":
            bodies = tuple(sorted(self._people(job.square, seen, at_s), key=lambda body: -body.score))
            self._results.append(Result(job.kind, job.square, job.decided_ns, bodies=bodies))
        elif job.kind == "landmarks":
            self._results.append(
                Result(job.kind, job.square, job.decided_ns, held=self._held(job.square, seen))
            )
        else:  # a face is of use for the pulse alone, and there is none in cells
            self._results.append(Result(job.kind, job.square, job.decided_ns, face=_NO_FACE))

    def _people(self, square: Square, seen: list[_Seen], at_s: float) -> list[Body]:
        found: list[Body] = []
        kind_of_look = self._kind_of_look(square)
        for each in seen:
            if not _shows(each, square):
                continue
            drawn = self._drawn(each.key, kind_of_look, 1)
            step = bisect_right(SIZES, each.size / square.side_px)
            often = each.errors.found[step - 1] * _ramp(each.shown, LEAST_SHOWN, WELL_SHOWN) if step else 0.0
            if drawn < often:
                found.append(self._body(each, kind_of_look))
            elif square.side_px > max(self._size) and drawn < often + each.errors.stray:
                found.append(self._stray(each, kind_of_look))
        return self._merged([*found, *self._nobodies(square, at_s)], square)

    def _kind_of_look(self, square: Square) -> int:
        """Squares of about one size show alike."""
        return round(2.0 * math.log2(self._size[0] / square.side_px))

    def _body(self, seen: _Seen, look: int) -> Body:
        score = seen.errors.score + seen.errors.spread * self._normal(seen.key, look, 2)
        long = max(0.7, LONG + LONG_SPREAD * self._normal(seen.key, look, 3))
        x, y = (PLACED * seen.size * self._normal(seen.key, look, part) for part in (4, 5))
        return Body(min(max(score, 0.5), 0.98), seen.x + x, seen.y + y, long * seen.up_x, long * seen.up_y)

    def _stray(self, seen: _Seen, look: int) -> Body:
        """Beside him, along the body."""
        body = self._body(seen, look)
        return Body(STRAY_SCORE, body.x_px + seen.up_x, body.y_px + seen.up_y, body.up_x_px, body.up_y_px)

    def _merged(self, found: list[Body], square: Square) -> list[Body]:
        """Of neighbours the first, who is before the other or as likely as he; nobody beside somebody."""
        kept: list[Body] = []
        for body in found:
            near = MERGED * square.side_px
            if all(math.hypot(body.x_px - other.x_px, body.y_px - other.y_px) > near for other in kept):
                kept.append(body)
        return kept

    def _nobodies(self, square: Square, at_s: float) -> list[Body]:
        """What is nobody, and is fired on: a corner of some rooms, always the same; a screen, now and then."""
        width, height = self._size
        found: list[Body] = []
        if unit(self._seed, 201) < CORNER_ROOMS:
            x, y = (0.1 + 0.8 * unit(self._seed, 202)) * width, (0.2 + 0.3 * unit(self._seed, 203)) * height
            found.append(Body(_between(CORNER_SCORE, unit(self._seed, 204)), x, y, 0.0, -0.2 * height))
        if self._scenario.television is not None and unit(self._seed, self._looks, 205) < SCREEN_FOUND:
            x, y, depth = self._camera.project(np.array([_SCREEN_AT_M]))[0]
            size = 0.28 * self._scenario.television.width_m * self._camera.focal_px / depth
            score = _between(SCREEN_SCORE, unit(self._seed, self._looks, 206))
            found.append(Body(score, float(x), float(y), 0.0, -float(size)))
        return [
            body
            for body in found
            if math.hypot(body.x_px - square.x_px, body.y_px - square.y_px) < square.side_px / 2
        ]

    def _held(self, square: Square, seen: list[_Seen]) -> Held:
        """Of whoever is nearest to the middle of the square."""
        near = min(
            seen, key=lambda each: math.hypot(each.x - square.x_px, each.y - square.y_px), default=None
        )
        if near is None or math.hypot(near.x - square.x_px, near.y - square.y_px) > 0.3 * square.side_px:
            return Held(0.05 + 0.2 * unit(self._seed, self._looks, 207), "unsure", None)
        look = self._kind_of_look(square)
        often = _often_sure(near.errors.sure, unit(self._seed, near.key, look, 6))
        sure = unit(self._seed, near.key, self._looks, 7) < often
        present = 0.97 if sure else 0.75 * unit(self._seed, near.key, self._looks, 8)
        drawn, posture = self._drawn(near.key, look, 9), near.errors.held[-1][0]
        for name, share in near.errors.held:
            if drawn < share:
                posture = name
                break
            drawn -= share
        legs = near.on_legs and posture != "lying"  # landmarks that say both are unsure (`eye/posture.py`)
        return Held(present, posture, None, legs, near.head_y)

    def _seen(self, body: scene_bodies.Body, now: scene_bodies.Now) -> _Seen | None:
        if body.box is None:
            return None
        width, height = self._size
        x, y = (body.box.x0 + body.box.x1) / 2, (body.box.y0 + body.box.y1) / 2
        if any(contains(outline, x, y) for outline in self._scenario.zones.private):
            return None
        if not body.is_person:
            size = 0.5 * max((body.box.x1 - body.box.x0) * width, (body.box.y1 - body.box.y0) * height)
            key = mixed(self._seed, _letters(body.name), int(now.at_s // 5.0))
            found = PET_FOUND if body.role == "pet" else 0.0
            errors = Errors((found,) * 5, sum(PET_SCORE) / 2, 0.05, PET_SURE, (("unsure", 1.0),))
            return _Seen(x * width, y * height, 0.0, -size, errors, body.shown, key)
        pose = now.moment.beings[body.name].pose
        if pose is None:
            return None
        key = mixed(
            self._seed, _letters(body.name), *(round(float(each) / _STEP_M) for each in pose[_MARKS].ravel())
        )
        return _placed(self._camera, pose, _errors_of(body), body.shown, key)

    def _drawn(self, key: int, look: int, part: int) -> float:
        """0 to 1: mostly the same for the same body in the same posture, looked at in the same way."""
        if unit(self._seed, self._looks, part, 208) < FICKLE:
            return unit(self._seed, key, self._looks, part)
        return unit(self._seed, key, look + 64, part)

    def _normal(self, key: int, look: int, part: int) -> float:
        """About normal: a sum of three."""
        return 2.0 * sum(unit(self._seed, key, look + 64, part, each) - 0.5 for each in range(3))


_MARKS = [0, 3, 11, 13]
"""Joints by which a posture is told from another: hips, head, knees."""
_STEP_M = 0.25


def _errors_of(body: scene_bodies.Body) -> Errors:
    if body.place == "fallen":
        return ERRORS["fallen"]
    if body.posture == "lying":
        return ERRORS["covered" if body.covered > COVERED else "lying"]
    if body.posture == "upright":
        return ERRORS["walking" if body.moving else "standing"]
    return ERRORS["kneeling" if body.place in ("kneeling", "crawling") else "sitting"]


def _placed(camera: Pinhole, pose: Points, errors: Errors, shown: float, key: int) -> _Seen:
    """The body's middle, and from there along the trunk as far as its farthest joint."""
    points = camera.project(pose)[:, :2]
    hips = points[0]
    size = float(np.hypot(*(points - hips).T).max())
    trunk = points[3] - hips
    long = max(float(np.hypot(*trunk)), 1e-6)
    up_x, up_y = (float(value) / long * size for value in trunk)
    legs = errors not in (ERRORS["lying"], ERRORS["covered"], ERRORS["fallen"])
    return _Seen(float(hips[0]), float(hips[1]), up_x, up_y, errors, shown, key, legs, float(points[3, 1]))


def _often_sure(mean: float, rank: float) -> float:
    """Of one body in one kind of look: in what share of looks landmarks are sure. rank: evenly 0 to 1 over all.

    As measured: of most bodies always, of the rest in any share; sensor noise decides each look.
    """
    return min(1.0, rank / (2.0 * (1.0 - mean))) if mean > 0.5 else 2.0 * mean * rank


def _shows(seen: _Seen, square: Square) -> bool:
    half = square.side_px / 2
    return abs(seen.x - square.x_px) < half and abs(seen.y - square.y_px) < half


def _ramp(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * share


def _letters(name: str) -> int:
    return int.from_bytes(name.encode()[:7], "big")
