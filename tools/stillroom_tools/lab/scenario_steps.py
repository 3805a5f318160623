"""How the person gets from one place to another: each act becomes a few steps of a second or two."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from stillroom_tools.lab.scene import Points
from stillroom_tools.lab.scene_body import in_bed, on_bed_end, upright, walking

Place = Literal["outside", "standing", "bed-end", "bed-upright", "bed", "kneeling", "fallen"]
Spot = tuple[float, float]

OUTSIDE: Spot = (1.9, 4.85)
MIDDLE: Spot = (1.2, 2.75)
BESIDE_BED: Spot = (0.88, 2.2)
_DOORWAY: tuple[Spot, ...] = ((1.15, 4.75), (1.15, 4.1))
_TURN_M = 0.2
_SETTLE_M = 0.4


@dataclass(frozen=True, slots=True)
class Stance:
    """Where and how the person is when nothing goes on."""

    place: Place = "outside"
    spot: Spot = OUTSIDE
    heading: float = -math.pi / 2
    on_side: bool = False
    was_in_bed: bool = False

    def pose(self) -> Points:
        """Its joints, (15, 3) metres."""
        if self.place == "bed-end":
            return on_bed_end()
        if self.place == "bed-upright":
            return in_bed("upright")
        if self.place == "bed":
            return in_bed("side" if self.on_side else "supine")
        shape = "standing" if self.place in ("outside", "standing") else self.place
        return upright(shape, *self.spot, self.heading)

    @property
    def blanket(self) -> float:
        """How far the blanket is pulled up: 0 not, 1 to the hip."""
        return 1.0 if self.place == "bed" else 0.0


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
            stride = min(1.0, walked_m / _SETTLE_M, (_length_m(self.path) - walked_m) / _SETTLE_M)
            return walking(*spot, heading, walked_m, stride)
        eased = share**2 if self.after.place == "fallen" else share * share * (3.0 - 2.0 * share)
        return self.before.pose() * (1.0 - eased) + self.after.pose() * eased

    def blanket(self, at_s: float) -> float:
        """How far the blanket is pulled up at a time within the step."""
        share = self._share(at_s)
        return self.before.blanket * (1.0 - share) + self.after.blanket * share

    def cut(self, at_s: float) -> "Step":
        """The step as far as it got: a walker stops where he is; a change of posture is finished."""
        if not self.path or at_s >= self.end_s:
            return self
        spot, heading, _ = self._walked(self._share(at_s))
        after = replace(self.after, place="standing", spot=spot, heading=heading)
        return replace(self, end_s=at_s, after=after, path=_until(self.path, spot))

    def _walked(self, share: float) -> tuple[Spot, float, float]:
        """Spot, heading and metres walked; a walker first turns from where he faced before."""
        walked_m = share * _length_m(self.path)
        spot, heading = _along(self.path, walked_m)
        turn = (self.before.heading - heading + math.pi) % math.tau - math.pi
        return spot, heading + turn * max(0.0, 1.0 - walked_m / _SETTLE_M), walked_m

    def _share(self, at_s: float) -> float:
        return min(max((at_s - self.start_s) / max(self.end_s - self.start_s, 1e-6), 0.0), 1.0)


def at_first(begins: str) -> Stance:
    """Where a scenario's person is at first: `outside` or `bed`."""
    return Stance("bed", BESIDE_BED, math.pi / 2, was_in_bed=True) if begins == "bed" else Stance()


def plan(verb: str, now: Stance, at_s: float, walk_m_per_s: float) -> Iterator[Step]:
    """The steps that make `verb` happen from stance `now` at `at_s`. None where it is so already."""
    for after, duration_s, path in _moves(verb, now):
        if path:
            duration_s = _length_m(path) / walk_m_per_s
        yield Step(at_s, at_s + duration_s, now, after, path)
        now, at_s = after, at_s + duration_s


_Move = tuple[Stance, float, tuple[Spot, ...]]


def _moves(verb: str, now: Stance) -> Iterator[_Move]:
    if verb == "enter" and now.place == "outside":
        yield _walk(now, MIDDLE)
    elif verb == "leave" and now.place != "outside":
        moves = list(_to_standing(now))
        yield from moves
        yield _walk(moves[-1][0] if moves else now, OUTSIDE)
    elif verb == "get-up" and now.place != "outside":
        yield from _to_standing(now)
    elif verb == "fall" and now.place != "fallen":
        yield from _to_fallen(now)
    elif verb == "sit-up":
        yield from _to_bed_end(now)
    elif verb == "lie-down" and now.place != "bed":
        yield from _to_bed(now)
    elif verb == "turn":
        moves = [] if now.place == "bed" else list(_to_bed(now))
        yield from moves
        lying = moves[-1][0] if moves else now
        yield replace(lying, on_side=not lying.on_side), 1.4, ()


def _walk(now: Stance, to: Spot) -> _Move:
    """A walk that goes through the door where it has to."""
    path = [now.spot]
    if now.place == "outside":
        path += _DOORWAY
    if to == OUTSIDE:
        path += [spot for spot in reversed(_DOORWAY) if spot[1] > now.spot[1]]
    path.append(to)
    spot, heading = _along(tuple(path), _length_m(tuple(path)))
    place: Place = "outside" if to == OUTSIDE else "standing"
    was_in_bed = now.was_in_bed and place != "outside"
    return Stance(place, spot, heading, was_in_bed=was_in_bed), 0.0, tuple(path)


def _to_standing(now: Stance) -> Iterator[_Move]:
    if now.place == "outside":
        now = (walk := _walk(now, MIDDLE))[0]
        yield walk
    if now.place == "fallen":
        now = replace(now, place="kneeling")
        yield now, 1.1, ()
    if now.place == "kneeling":
        yield replace(now, place="standing"), 0.9, ()
    if now.place in ("bed", "bed-upright", "bed-end"):
        moves = list(_to_bed_end(now))
        yield from moves
        now = Stance("standing", BESIDE_BED, math.pi / 2, was_in_bed=now.was_in_bed)
        yield now, 0.8, ()
        yield _walk(now, MIDDLE)


def _to_fallen(now: Stance) -> Iterator[_Move]:
    moves = [] if now.place == "kneeling" else list(_to_standing(now))
    yield from moves
    up = moves[-1][0] if moves else now
    spot = (min(max(up.spot[0], 1.05), 1.2), up.spot[1])
    heading = 1.04 * math.pi if up.spot[1] > 2.5 else 0.2
    yield replace(up, place="fallen", spot=spot, heading=heading), 0.8, ()


def _to_bed_end(now: Stance) -> Iterator[_Move]:
    if now.place == "bed-end":
        return
    if now.place == "bed":
        now = replace(now, place="bed-upright", on_side=False)
        yield now, 0.8, ()
    elif now.place != "bed-upright":
        moves = list(_to_standing(now))
        yield from moves
        up = moves[-1][0] if moves else now
        now = (walk := _walk(up, BESIDE_BED))[0]
        yield walk
    yield Stance("bed-end", BESIDE_BED, math.pi / 2, was_in_bed=now.was_in_bed), 0.9, ()


def _to_bed(now: Stance) -> Iterator[_Move]:
    if now.place != "bed-upright":
        yield from _to_bed_end(now)
        yield Stance("bed-upright", BESIDE_BED, math.pi / 2, was_in_bed=True), 0.9, ()
    yield Stance("bed", BESIDE_BED, math.pi / 2, was_in_bed=True), 0.9, ()


def _length_m(path: tuple[Spot, ...]) -> float:
    return sum(math.dist(a, b) for a, b in itertools.pairwise(path))


def _point(path: tuple[Spot, ...], walked_m: float) -> Spot:
    for a, b in itertools.pairwise(path):
        leg_m = math.dist(a, b)
        if walked_m <= leg_m and leg_m > 0:
            share = max(walked_m, 0.0) / leg_m
            return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
        walked_m -= leg_m
    return path[-1]


def _along(path: tuple[Spot, ...], walked_m: float) -> tuple[Spot, float]:
    """Where one is after `walked_m`, and the heading, turned gently at corners."""
    total_m = _length_m(path)
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
