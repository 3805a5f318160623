"""Where and how somebody is, and the single movement from one such stance to the next."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from stillroom.observation import Posture
from stillroom_tools.lab.scene import Points
from stillroom_tools.lab.scene_body import carried, crawling, in_bed, on_bed_end, rolling, upright, walking

Place = Literal[
    "outside", "standing", "bed-end", "bed-upright", "bed", "kneeling", "fallen",
    "chair", "floor", "crawling", "attending", "carried", "bathroom",
]  # fmt: skip
Spot = tuple[float, float]

OUTSIDE: Spot = (1.9, 4.85)
BATHROOM: Spot = (-0.9, 4.9)
BESIDE_BED: Spot = (0.88, 2.2)
CHAIR: Spot = (-0.93, 3.68)
BERTH_M = 0.42
"""By which somebody beside the resident lies farther from the camera, in a bed 0.9 m wide."""
IN_BED: tuple[Place, ...] = ("bed-end", "bed-upright", "bed")
_TURN_M = 0.2
_SETTLE_M = 0.4

POSTURES: dict[Place, Posture] = {
    "outside": "upright",
    "standing": "upright",
    "bed-end": "sitting",
    "bed-upright": "sitting",
    "bed": "lying",
    "kneeling": "sitting",
    "fallen": "lying",
    "chair": "sitting",
    "floor": "sitting",
    "crawling": "lying",  # the trunk is level, and that is what a posture is told by
    "attending": "upright",
    "carried": "lying",
    "bathroom": "upright",
}


@dataclass(frozen=True, slots=True)
class Stance:
    """Where and how somebody is when nothing goes on."""

    place: Place = "outside"
    spot: Spot = OUTSIDE
    heading: float = -math.pi / 2
    on_side: bool = False
    was_in_bed: bool = False
    head_covered: bool = False
    berth_m: float = 0.0
    wheels: bool = False
    """Goes about in a wheelchair, and is in it wherever others stand."""
    parked: tuple[float, float, float] | None = None
    """Where the wheelchair is left, and its heading; None: he is in it, or has none."""

    def to(self, place: Place, spot: Spot, heading: float) -> "Stance":
        """Another stance of the same person, on the back and uncovered."""
        seated = place in ("standing", "outside", "bathroom")
        left = self.parked if self.parked or not self.wheels else (*self.spot, self.heading)
        return replace(
            self,
            place=place,
            spot=spot,
            heading=heading,
            on_side=False,
            head_covered=False,
            parked=None if seated else left,
        )

    @property
    def posture(self) -> Posture:
        """As a model that saw all of the body would have it."""
        return "sitting" if self.wheels and POSTURES[self.place] == "upright" else POSTURES[self.place]

    def pose(self) -> Points:
        """Its joints, (15, 3) metres."""
        if self.place in IN_BED:
            return self._in_bed()
        if self.place in ("outside", "standing", "bathroom"):
            shape = rolling(*self.spot, self.heading, 0.0, 0.0) if self.wheels else None
            return upright("standing", *self.spot, self.heading) if shape is None else shape
        return upright(self.place, *self.spot, self.heading)

    def _in_bed(self) -> Points:
        if self.place == "bed-end":
            pose = on_bed_end()
        elif self.place == "bed-upright":
            pose = in_bed("upright")
        else:
            pose = in_bed("side" if self.on_side else "supine")
        if self.berth_m:
            pose[:, 2] += self.berth_m
        return pose

    @property
    def blanket(self) -> float:
        """How far the blanket is pulled up: 0 not, 1 to where the person's looks have it, 2 over the head."""
        return (2.0 if self.head_covered else 1.0) if self.place == "bed" else 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """One movement: a walk along `path`, or from one posture to the next."""

    start_s: float
    end_s: float
    before: Stance
    after: Stance
    path: tuple[Spot, ...] = ()

    def pose(self, at_s: float) -> Points:
        """The joints at a time within the step."""
        share = self._share(at_s)
        if self.path:
            spot, heading, walked_m = self._walked(share)
            stride = min(1.0, walked_m / _SETTLE_M, (length_m(self.path) - walked_m) / _SETTLE_M)
            return self._gait(*spot, heading, walked_m, stride)
        eased = share**2 if self.after.place == "fallen" else share * share * (3.0 - 2.0 * share)
        return self.before.pose() * (1.0 - eased) + self.after.pose() * eased

    @property
    def _gait(self) -> Callable[[float, float, float, float, float], Points]:
        if self.before.place == "carried":
            return carried
        if self.after.place == "crawling":
            return crawling
        return rolling if self.after.wheels else walking

    def blanket(self, at_s: float) -> float:
        """How far the blanket is pulled up at a time within the step."""
        share = self._share(at_s)
        return self.before.blanket * (1.0 - share) + self.after.blanket * share

    def wheelchair(self, at_s: float) -> tuple[float, float, float] | None:
        """Where a wheelchair is at a time within the step, and its heading; None: there is none."""
        if not self.after.wheels:
            return None
        share = self._share(at_s)
        if self.path and self._gait is rolling:
            spot, heading, _ = self._walked(share)
            return (*spot, heading)
        (x0, z0, a), (x1, z1, b) = parked(self.before), parked(self.after)
        turn = (b - a + math.pi) % math.tau - math.pi
        return x0 + (x1 - x0) * share, z0 + (z1 - z0) * share, a + turn * share

    def cut(self, at_s: float) -> "Step":
        """The step as far as it got: a walker stops where he is; a change of posture is finished."""
        if not self.path or at_s >= self.end_s:
            return self
        spot, heading, _ = self._walked(self._share(at_s))
        gaits: dict[object, Place] = {crawling: "crawling", carried: "carried"}
        place = gaits.get(self._gait, "standing")
        after = replace(self.after, place=place, spot=spot, heading=heading)
        return replace(self, end_s=at_s, after=after, path=_until(self.path, spot))

    def _walked(self, share: float) -> tuple[Spot, float, float]:
        """Spot, heading and metres walked; a walker first turns from where he faced before."""
        walked_m = share * length_m(self.path)
        spot, heading = along(self.path, walked_m)
        turn = (self.before.heading - heading + math.pi) % math.tau - math.pi
        return spot, heading + turn * max(0.0, 1.0 - walked_m / _SETTLE_M), walked_m

    def _share(self, at_s: float) -> float:
        return min(max((at_s - self.start_s) / max(self.end_s - self.start_s, 1e-6), 0.0), 1.0)


def parked(stance: Stance) -> tuple[float, float, float]:
    """Where the wheelchair of somebody who has one is."""
    return stance.parked or (*stance.spot, stance.heading)


def length_m(path: tuple[Spot, ...]) -> float:
    """Of a way from spot to spot."""
    return sum(math.dist(a, b) for a, b in itertools.pairwise(path))


def _point(path: tuple[Spot, ...], walked_m: float) -> Spot:
    for a, b in itertools.pairwise(path):
        leg_m = math.dist(a, b)
        if walked_m <= leg_m and leg_m > 0:
            share = max(walked_m, 0.0) / leg_m
            return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
        walked_m -= leg_m
    return path[-1]


def along(path: tuple[Spot, ...], walked_m: float) -> tuple[Spot, float]:
    """Where one is after `walked_m`, and the heading, turned gently at corners."""
    total_m = length_m(path)
    behind = _point(path, min(walked_m, total_m - _TURN_M) - _TURN_M)
    ahead = _point(path, min(max(walked_m, _TURN_M) + _TURN_M, total_m))
    return _point(path, walked_m), float(np.arctan2(ahead[0] - behind[0], ahead[1] - behind[1]))


def _until(path: tuple[Spot, ...], spot: Spot) -> tuple[Spot, ...]:
    """The part of a path before `spot`, which lies on it."""
    kept: list[Spot] = []
    for a, b in itertools.pairwise(path):
        kept.append(a)
        if math.isclose(math.dist(a, spot) + math.dist(spot, b), math.dist(a, b), abs_tol=1e-9):
            break
    return (*kept, spot)
