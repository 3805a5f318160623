"""What goes about in a room and is nobody: a pet, a vacuum robot. Ways by the seed; any moment can be asked for.

A pet walks from place to place and rests in between, also on the bed; a robot goes straight until something is in its
way, turns, and goes on. Both keep to the free floor; neither heeds people (assumed).
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from stillroom_tools.lab.scenario import Thing
from stillroom_tools.lab.scenario_script import KEPT_S
from stillroom_tools.lab.scene import BED_TOP_M, BED_X_M
from stillroom_tools.lab.scene_random import unit, units

Point = tuple[float, float, float]
"""x, y, z; m."""
Way = tuple[Point, ...]

_OUTSIDE: Way = ((1.9, 0.0, 4.85), (1.2, 0.0, 4.75), (1.2, 0.0, 4.0))
_DOCK: Point = (1.78, 0.0, 4.0)
_FLOORS = (
    ((0.75, 1.8), (1.95, 4.0), 0.6),
    ((-0.35, 0.55), (3.0, 4.0), 0.85),
    ((-1.35, -0.45), (2.95, 3.2), 1.0),
)
"""x, z, up to which of 0 to 1: the open floor, that before the back wall, and that which the bed hides."""
_CORNER: Point = (0.85, 0.0, 3.1)
_BELOW_BED: Point = (0.78, 0.0, 2.0)
_ON_BED: Point = (0.2, BED_TOP_M + 0.05, 1.93)
_JUMP_S, _JUMP_UP_M = 0.5, 0.3
_REST_S = (2.0, 20.0)
"""Between two walks of a pet (assumed)."""
_TURN_S = 1.2
"""A robot's, on the spot (assumed)."""
M_PER_S = {"pet": 0.7, "robot": 0.3}


@dataclass(frozen=True, slots=True)
class ThingNow:
    """One thing at one time."""

    at_m: Point
    heading: float
    gone_m: float
    """How far it has come on its way, for its legs."""
    moving: bool
    place: Literal["outside", "floor", "bed"]


@dataclass(frozen=True, slots=True)
class _Leg:
    """From `start_s` to `arrives_s` along `way`; after that it rests until the next begins."""

    start_s: float
    arrives_s: float
    way: Way
    jump: bool = False

    def at(self, at_s: float) -> ThingNow:
        share = min(max((at_s - self.start_s) / max(self.arrives_s - self.start_s, 1e-6), 0.0), 1.0)
        moving = at_s < self.arrives_s
        gone_m = share * _length_m(self.way) if moving else 0.0
        x, y, z = _point(self.way, gone_m) if moving else self.way[-1]
        if self.jump:
            y += _JUMP_UP_M * 4.0 * share * (1.0 - share)
        ahead = _point(self.way, gone_m + 0.1) if moving else self.way[-1]
        behind = _point(self.way, gone_m - 0.1) if moving else self.way[-2]
        heading = math.atan2(ahead[0] - behind[0], ahead[2] - behind[2])
        place: Literal["outside", "floor", "bed"] = "bed" if y > BED_TOP_M and x < BED_X_M[1] else "floor"
        return ThingNow((x, y, z), heading, gone_m, moving, "outside" if (x, y, z) == _OUTSIDE[0] else place)


class Rover:
    """One thing. Not thread-safe."""

    def __init__(self, thing: Thing, seed: int) -> None:
        self._thing, self._seed, self._count = thing, seed, 0
        self._m_per_s = thing.m_per_s or M_PER_S[thing.kind]
        home = (
            _DOCK
            if thing.kind == "robot"
            else _OUTSIDE[0]
            if thing.begins == "outside"
            else self._somewhere()
        )
        self._legs = [_Leg(-math.inf, -math.inf, ((home[0], home[1], home[2] + 0.1), home))]
        self._next_s = math.inf
        """When the next way of its own choice begins."""
        self._quiet: tuple[float, float, ThingNow] | None = None

    def act(self, verb: str, at_s: float) -> None:
        """From now on: enter, leave, roam, rest or to-bed."""
        self._advance(at_s)
        here = self.at(at_s)
        kept = [leg for leg in self._legs if leg.start_s <= at_s]
        if here.moving and not kept[-1].jump:
            kept[-1] = replace(kept[-1], arrives_s=at_s, way=_until(kept[-1].way, here.gone_m))
        while len(kept) > 1 and kept[1].start_s < at_s - KEPT_S:
            kept.pop(0)
        self._legs, self._quiet = kept, None
        start_s = max(at_s, kept[-1].arrives_s)
        for way, jump in self._plan(verb, kept[-1].way[-1]):
            start_s = self._go(way, start_s, jump)
        self._next_s = start_s if verb == "roam" else math.inf

    def at(self, at_s: float) -> ThingNow:
        """How it is; the same object while it rests."""
        if self._quiet is not None and self._quiet[0] <= at_s < self._quiet[1]:
            return self._quiet[2]
        self._advance(at_s)
        index = next(i for i in reversed(range(len(self._legs))) if self._legs[i].start_s <= at_s)
        now = self._legs[index].at(at_s)
        if not now.moving:
            later = self._legs[index + 1].start_s if index + 1 < len(self._legs) else self._next_s
            self._quiet = at_s, later, now
        return now

    def _advance(self, at_s: float) -> None:
        """Roam up to `at_s`."""
        while self._next_s <= at_s:
            here, self._quiet = self._legs[-1].way[-1], None
            start_s = self._go(_route(here, self._somewhere()), self._next_s)
            low, high = (_TURN_S, _TURN_S) if self._thing.kind == "robot" else _REST_S
            self._next_s = start_s + low + (high - low) * unit(self._seed, self._count, 112)
            while len(self._legs) > 1 and self._legs[1].start_s < at_s - KEPT_S:
                self._legs.pop(0)

    def _go(self, way: Way, start_s: float, jump: bool = False) -> float:
        arrives_s = start_s + (_JUMP_S if jump else _length_m(way) / self._m_per_s)
        self._legs.append(_Leg(start_s, arrives_s, way, jump))
        return arrives_s

    def _plan(self, verb: str, here: Point) -> Iterator[tuple[Way, bool]]:
        if here == _OUTSIDE[0]:
            if verb in ("leave", "rest"):
                return
            here = self._somewhere()
            yield (*_OUTSIDE, here), False
        if here[1] > 0.0 and verb in ("leave", "roam"):
            yield (here, _BELOW_BED), True
            here = _BELOW_BED
        if verb == "leave":
            yield (*_route(here, _OUTSIDE[2]), _OUTSIDE[1], _OUTSIDE[0]), False
        elif verb == "to-bed" and here[1] == 0.0:
            yield _route(here, _BELOW_BED), False
            yield (_BELOW_BED, _ON_BED), True
        elif verb == "rest" and self._thing.kind == "robot" and here != _DOCK:
            yield _route(here, _DOCK), False

    def _somewhere(self) -> Point:
        """The next place by the seed; a robot's are at an edge of the floor, where it has to turn."""
        self._count += 1
        which, x, z, side = units(4, self._seed, self._count, 111)
        x_m, z_m, _ = next(floor for floor in _FLOORS if which <= floor[2])
        if self._thing.kind == "robot":
            x, z = (round(x), z) if side < 0.5 else (x, round(z))
        return x_m[0] + x * (x_m[1] - x_m[0]), 0.0, z_m[0] + z * (z_m[1] - z_m[0])


def _route(here: Point, there: Point) -> Way:
    """Along the floor, around the bed's corner where that is in the way."""
    open_floor = _FLOORS[0][0][0]
    around = (here[0] < open_floor) != (there[0] < open_floor) and min(here[2], there[2]) < _CORNER[2]
    return (here, _CORNER, there) if around else (here, there)


def _length_m(way: Way) -> float:
    return sum(math.dist(a, b) for a, b in itertools.pairwise(way))


def _point(way: Way, gone_m: float) -> Point:
    for a, b in itertools.pairwise(way):
        leg_m = math.dist(a, b)
        if gone_m <= leg_m and leg_m > 0.0:
            share = max(gone_m, 0.0) / leg_m
            x, y, z = (p + (q - p) * share for p, q in zip(a, b, strict=True))
            return x, y, z
        gone_m -= leg_m
    return way[-1]


def _until(way: Way, gone_m: float) -> Way:
    """The part of a way that lies behind."""
    kept, left_m = [way[0]], gone_m
    for a, b in itertools.pairwise(way):
        if left_m <= math.dist(a, b):
            break
        kept.append(b)
        left_m -= math.dist(a, b)
    return (*kept, _point(way, gone_m))
