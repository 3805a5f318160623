"""How somebody gets from one place to another: each act becomes a few steps of a second or two."""

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

from stillroom_tools.lab.scenario_stance import (
    BATHROOM,
    BERTH_M,
    BESIDE_BED,
    CHAIR,
    IN_BED,
    OUTSIDE,
    Place,
    Spot,
    Stance,
    Step,
    along,
    length_m,
    parked,
)
from stillroom_tools.lab.scene import BED_X_M, BED_Z_M, in_bathroom

MIDDLE: Spot = (1.2, 2.75)
BY_THE_DOOR: Spot = (1.2, 3.7)
BEHIND_BED: Spot = (-0.45, 3.03)
"""On that floor the bed hides who lies from a lens that hangs at 2.2 m, but for a few centimetres."""
_ON_FLOOR: Spot = (1.0, 2.6)
_CORNER: Spot = (0.85, 3.2)
_ATTENDING: Spot = (-0.4, 2.98)
_BEFORE_CHAIR: Spot = (-0.9, 3.14)
_BESIDE_BED_ON_WHEELS: Spot = (1.2, 2.25)
_DOORWAY: tuple[Spot, ...] = ((1.15, 4.75), (1.15, 4.1))
_BATHROOM_DOOR: tuple[Spot, ...] = ((0.2, 4.75), (0.2, 4.1))
CRAWL_M_PER_S = 0.25
"""Of an adult in need (0.2 to 0.4, assumed)."""
WHEEL_M_PER_S = 0.7
"""Most, in a room (assumed; 1 m/s and more in corridors)."""
CARRY_M_PER_S = 0.6
"""Of two people with a third between them (assumed)."""
_OVER_EDGE_M = 0.5
"""By which somebody lies farther from the camera when he begins to fall over the bed's far edge."""
_TRANSFER_S = 3.0
"""Between wheelchair and bed (assumed; with help it takes minutes)."""

_MIDDLES: tuple[Spot, ...] = (MIDDLE, (1.5, 3.05), (1.35, 2.2), (1.7, 2.6), (-0.2, 3.25))
"""Where each person stands who only came in."""
_Move = tuple[Stance, float, tuple[Spot, ...]]
_Moves = Generator[_Move, None, Stance]
"""Movements one after another; at the end, the stance that they lead to."""


@dataclass(frozen=True)
class Ways:
    """How one person goes about; `number` 0 is the resident, others keep to spots of their own."""

    walk_m_per_s: float
    number: int = 0
    wheels: bool = False

    @property
    def _middle(self) -> Spot:
        return _MIDDLES[self.number]

    @property
    def _beside_bed(self) -> Spot:
        return _BESIDE_BED_ON_WHEELS if self.wheels else BESIDE_BED

    def first(self, begins: str) -> Stance:
        """Where he is at first: `outside`, `room`, `bed`, `chair` or `bathroom`."""
        first = Stance(berth_m=BERTH_M if self.number else 0.0, wheels=self.wheels)
        if begins == "bed":
            beside = replace(first, place="standing", spot=self._beside_bed, heading=math.pi / 2)
            return replace(beside.to("bed", self._beside_bed, math.pi / 2), was_in_bed=True)
        if begins == "chair":
            before = replace(first, place="standing", spot=_BEFORE_CHAIR, heading=math.pi)
            return before.to("chair", CHAIR, math.pi)
        if begins == "room":
            return first.to("standing", self._middle, math.pi)
        return first.to("bathroom", BATHROOM, math.pi / 2) if begins == "bathroom" else first

    def plan(self, verb: str, now: Stance, at_s: float, where: str | None = None) -> Iterator[Step]:
        """The steps that make `verb` happen from stance `now` at `at_s`. None where it is so already."""
        for after, duration_s, path in self._moves(verb, now, where):
            if path:
                duration_s = length_m(path) / self._m_per_s(now, after)
            yield Step(at_s, at_s + duration_s, now, after, path)
            now, at_s = after, at_s + duration_s

    def _m_per_s(self, now: Stance, after: Stance) -> float:
        if now.place == "carried":
            return CARRY_M_PER_S
        if after.place == "crawling":
            return min(self.walk_m_per_s, CRAWL_M_PER_S)
        return min(self.walk_m_per_s, WHEEL_M_PER_S) if self.wheels else self.walk_m_per_s

    def _moves(self, verb: str, now: Stance, where: str | None) -> Iterator[_Move]:
        if verb == "enter" and now.place == "outside":
            yield from self._walk(now, self._middle)
        elif verb == "leave" and now.place != "outside":
            yield from self._walk((yield from self._to_standing(now)), OUTSIDE)
        elif verb == "get-up" and now.place not in ("outside", "bathroom"):
            yield from self._to_standing(now)
        elif verb == "to-bathroom" and now.place != "bathroom":
            yield from self._walk((yield from self._to_standing(now)), BATHROOM)
        elif verb == "come-back" and (now.place == "bathroom" or in_bathroom(*now.spot)):
            yield from self._walk(now, self._middle)
        elif verb == "fall" and now.place not in ("fallen", "bathroom"):
            yield from self._to_fallen(now, where)
        elif verb == "sit-floor" and now.place != "floor":
            yield from self._to_floor(now, where)
        elif verb == "crawl" and now.place != "crawling":
            yield from self._to_crawling(now, where)
        else:
            yield from self._to_rest(verb, now)

    def _to_rest(self, verb: str, now: Stance) -> Iterator[_Move]:
        """Acts of the bed and the chair."""
        if verb == "sit-up":
            yield from self._to_bed_end(now)
        elif verb == "lie-down" and now.place != "bed":
            yield from self._to_bed(now)
        elif verb == "sit-in-bed" and now.place != "bed-upright":
            lying = yield from self._to_bed(now)
            yield replace(lying, place="bed-upright", on_side=False, head_covered=False), 1.6, ()
        elif verb == "carried-out" and now.place not in ("outside", "bathroom"):
            yield from self._carried_out(now)
        elif verb == "turn":
            lying = yield from self._to_bed(now)
            yield replace(lying, on_side=not lying.on_side), 1.4, ()
        elif verb == "cover-head" and not now.head_covered:
            lying = yield from self._to_bed(now)
            yield replace(lying, head_covered=True), 1.2, ()
        elif verb == "uncover-head" and now.head_covered:
            yield replace(now, head_covered=False), 1.0, ()
        elif verb == "sit-chair" and now.place != "chair":
            up = yield from self._walk((yield from self._to_standing(now)), _BEFORE_CHAIR)
            yield up.to("chair", CHAIR, math.pi), 1.3, ()
        elif verb == "attend" and now.place != "attending":
            up = yield from self._walk((yield from self._to_standing(now)), _ATTENDING)
            yield up.to("attending", _ATTENDING, math.pi), 0.9, ()

    def _walk(self, now: Stance, to: Spot) -> _Moves:
        """A walk through the doors and around the bed where it has to."""
        path = _way(now, to)
        spot, heading = along(path, length_m(path))
        place: Place = {OUTSIDE: "outside", BATHROOM: "bathroom"}.get(to, "standing")  # type: ignore[assignment]
        after = replace(now, place=place, spot=spot, heading=heading)
        after = replace(after, was_in_bed=now.was_in_bed and place != "outside", parked=None)
        yield after, 0.0, path
        return after

    def _to_standing(self, now: Stance) -> _Moves:
        if now.place in ("outside", "bathroom"):
            now = yield from self._walk(now, self._middle)
        if now.place == "floor":
            now = now.to("standing", now.spot, now.heading)
            yield now, 2.0, ()
        if now.place in ("fallen", "crawling"):
            now = now.to("kneeling", now.spot, now.heading)
            yield now, 1.1, ()
        if now.place == "kneeling":
            now = now.to("standing", now.spot, now.heading)
            yield now, 0.9, ()
        if now.place in ("bed", "bed-upright", "bed-end"):
            now = yield from self._to_bed_end(now)
            now = now.to("standing", self._beside_bed, math.pi / 2)
            yield now, self._transfer_s(0.8), ()
            now = yield from self._walk(now, self._middle)
        if now.place in ("chair", "attending"):
            now = now.to("standing", _BEFORE_CHAIR if now.place == "chair" else now.spot, math.pi)
            yield now, 1.2, ()
            now = yield from self._walk(now, self._middle)
        return now

    def _carried_out(self, now: Stance) -> _Moves:
        """Lifted from where he is; a wheelchair stays behind."""
        spot = _BESIDE_BED_ON_WHEELS if now.place in IN_BED else now.spot
        lifted = replace(now.to("carried", spot, 0.0), parked=parked(now) if self.wheels else None)
        yield lifted, 3.0, ()
        path = _way(lifted, OUTSIDE)
        spot, heading = along(path, length_m(path))
        after = replace(lifted, place="outside", spot=spot, heading=heading, was_in_bed=False)
        yield after, 0.0, path
        return after

    def _rolled_out(self, now: Stance) -> _Moves:
        """Over the bed's far edge, and down."""
        edge = replace(now, on_side=True, head_covered=False, berth_m=_OVER_EDGE_M)
        yield edge, 0.9, ()
        fallen = replace(now.to("fallen", (BED_X_M[1] - 1.02, BEHIND_BED[1]), -math.pi / 2))
        yield fallen, 0.45, ()
        return fallen

    def _to_fallen(self, now: Stance, where: str | None) -> _Moves:
        if where == "behind-bed" and now.place == "bed":
            return (yield from self._rolled_out(now))
        if where == "bed-edge":
            edge = yield from self._to_bed_end(now)
            fallen = edge.to("fallen", (1.05, edge.spot[1]), 0.2)
            yield fallen, 1.2, ()
            return fallen
        up = now if now.place in ("kneeling", "floor", "crawling") else (yield from self._to_standing(now))
        if where == "behind-bed" and up.spot != BEHIND_BED:
            up = yield from self._walk((yield from self._to_standing(up)), BEHIND_BED)
        x, z = up.spot
        if _behind_bed(up.spot):
            fallen = up.to("fallen", (min(max(x, -0.5), -0.4), BEHIND_BED[1]), math.pi / 2)
        else:
            spot = min(max(x, 1.05), 1.2 if z > BY_THE_DOOR[1] + 0.3 else 1.5), z
            fallen = up.to("fallen", spot, 1.04 * math.pi if z > 2.5 else 0.2)
        yield fallen, 0.8, ()
        return fallen

    def _to_floor(self, now: Stance, where: str | None) -> _Moves:
        """Slowly, and on purpose."""
        up = yield from self._to_standing(now)
        to = BEHIND_BED if where == "behind-bed" else _ON_FLOOR
        if up.spot != to:
            up = yield from self._walk(up, to)
        down = up.to("floor", to, math.pi / 2 if where == "behind-bed" else 1.2 * math.pi)
        yield down, 2.4, ()
        return down

    def _to_crawling(self, now: Stance, where: str | None) -> _Moves:
        down = now if now.place in ("fallen", "floor", "kneeling") else (yield from self._to_standing(now))
        down = down.to("crawling", down.spot, down.heading)
        yield down, 1.8, ()
        far = BY_THE_DOOR if math.dist(down.spot, BY_THE_DOOR) > math.dist(down.spot, MIDDLE) else MIDDLE
        path = _way(down, BEHIND_BED if where == "behind-bed" else far)
        spot, heading = along(path, length_m(path))
        after = replace(down, spot=spot, heading=heading)
        yield after, 0.0, path
        return after

    def _to_bed_end(self, now: Stance) -> _Moves:
        if now.place == "bed-end":
            return now
        if now.place == "bed":
            now = replace(now, place="bed-upright", on_side=False, head_covered=False)
            yield now, 0.8, ()
        elif now.place != "bed-upright":
            now = yield from self._walk((yield from self._to_standing(now)), self._beside_bed)
        now = now.to("bed-end", self._beside_bed, math.pi / 2)
        yield now, self._transfer_s(0.9) if now.parked else 0.9, ()
        return now

    def _to_bed(self, now: Stance) -> _Moves:
        if now.place == "bed":
            return now
        if now.place != "bed-upright":
            now = yield from self._to_bed_end(now)
            now = replace(now, place="bed-upright", was_in_bed=True)
            yield now, 0.9, ()
        now = replace(now, place="bed", was_in_bed=True)
        yield now, 0.9, ()
        return now

    def _transfer_s(self, on_foot_s: float) -> float:
        return _TRANSFER_S if self.wheels else on_foot_s


def _way(now: Stance, to: Spot) -> tuple[Spot, ...]:
    """Spots from where one is to another, through the doors and around the bed's corner."""
    path = [now.spot]
    if now.place == "outside":
        path += _DOORWAY
    elif now.place == "bathroom" or in_bathroom(*now.spot):
        path += [spot for spot in _BATHROOM_DOOR if spot[1] < now.spot[1]]
    door = {OUTSIDE: _DOORWAY, BATHROOM: _BATHROOM_DOOR}.get(to, ())
    target = door[-1] if door else to
    if _behind_bed(path[-1]) != _behind_bed(target) and min(path[-1][1], target[1]) < _CORNER[1]:
        path.append(_CORNER)
    path += [spot for spot in reversed(door) if spot[1] > now.spot[1] or path[-1][1] < spot[1]]
    return (*path, to)


def _behind_bed(spot: Spot) -> bool:
    return spot[0] < BED_X_M[1] and spot[1] > BED_Z_M[1]
