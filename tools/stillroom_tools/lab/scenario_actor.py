"""One person's life: what acts make of him, step after step, and his small movements. Any moment can be asked for."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stillroom.events import RoomState
from stillroom.observation import Posture
from stillroom_tools.lab.scenario import Movement
from stillroom_tools.lab.scenario_physics import Unrest
from stillroom_tools.lab.scenario_script import KEPT_S, Turns
from stillroom_tools.lab.scenario_stance import Place, Step, parked
from stillroom_tools.lab.scenario_steps import Ways
from stillroom_tools.lab.scenario_unrest import Restless, waves
from stillroom_tools.lab.scene import ROOM_BACK_M, Points, in_bathroom
from stillroom_tools.lab.scene_body import CHEST, HANDS, HEAD, NECK, NOSE, PELVIS
from stillroom_tools.lab.scene_random import unit, units

_SLOT_S = 10.0
_FIDGET_S = 1.5
_KNEES = [11, 13]
_PALMS = [7, 10]
_SWAY_M = 0.02
_TOUCH_M = 0.03
"""By which the hands of who attends move, standard deviation."""

STATES: dict[Place, RoomState] = {
    "outside": "empty",
    "standing": "occupied",
    "bed-end": "bed-edge",
    "bed-upright": "in-bed",
    "bed": "in-bed",
    "kneeling": "on-floor",
    "fallen": "on-floor",
    "chair": "occupied",
    "floor": "occupied",  # sits there because he wants to
    "crawling": "on-floor",
    "attending": "occupied",
    "carried": "occupied",
    "bathroom": "bathroom",
}


@dataclass(frozen=True, slots=True)
class Being:
    """One person at one time. `pose`: (15, 3) metres, None while nobody can be in the picture; not to be changed."""

    pose: Points | None
    state: RoomState
    """Of a room in which he is alone."""
    place: Place
    posture: Posture
    moving: bool
    still: bool
    """Nothing but breathing and the heart goes on: no step, no small movement, no swaying on the feet."""
    in_doorway: bool
    in_bathroom: bool
    blanket: float
    wheelchair: tuple[float, float, float] | None
    """x, z and heading of the one that is his."""


class Actor:
    """One person. Not thread-safe."""

    def __init__(self, begins: str, ways: Ways, movement: Movement, unrest: Unrest, seed: int) -> None:
        """seed: of small movements; the same seed, the same movements."""
        self._ways, self._movement, self._seed = ways, movement, seed
        self._unrest = unrest if unrest != Unrest() else None
        self._restless = Restless(unrest, seed)
        self._turns = Turns(movement, (seed,))
        self._next_turn_s = self._turns.after(0.0)
        self._first = ways.first(begins)
        self._steps: list[Step] = []
        self._slot: tuple[int, Points, Points] | None = None
        self._quiet: tuple[float, float, Being] | None = None

    def advance(self, at_s: float) -> None:
        """Turn over as often as it was due up to `at_s`, where he lies."""
        while self._next_turn_s <= at_s:
            due_s = self._next_turn_s
            step = self._step(due_s)
            stance = self._first if step is None else step.after
            if stance.place == "bed" and (step is None or step.end_s <= due_s):
                self.act("turn", due_s)
            self._next_turn_s = self._turns.after(due_s)

    def act(self, verb: str, at_s: float, where: str | None = None) -> None:
        """Something begins; a walk that goes on ends where it is, another movement is finished first."""
        kept = [step for step in self._steps if step.start_s <= at_s]
        start_s, stance = at_s, self._first
        if kept:
            kept[-1] = kept[-1].cut(at_s)
            start_s, stance = max(at_s, kept[-1].end_s), kept[-1].after
        kept += self._ways.plan(verb, stance, start_s, where)
        while len(kept) > 1 and kept[1].start_s < at_s - KEPT_S:
            self._first = kept.pop(0).after
        self._steps = kept
        self._quiet = None

    def at(self, at_s: float) -> Being:
        """How he is; the same object as long as nothing changes."""
        if self._quiet is not None and self._quiet[0] <= at_s < self._quiet[1]:
            return self._quiet[2]
        being, step = self._being(at_s), self._step(at_s)
        if being.still or being.pose is None:
            self._quiet = at_s, self._quiet_until(at_s, step), being
        return being

    def same_until(self, at_s: float) -> float:
        """Up to when `at` gives what it gives now; `at_s` itself while he moves."""
        if self._quiet is None or not self._quiet[0] <= at_s < self._quiet[1]:
            return at_s
        return min(self._quiet[1], self._next_turn_s)

    def _being(self, at_s: float) -> Being:
        step = self._step(at_s)
        stance = self._first if step is None else step.after
        going_on = step is not None and at_s < step.end_s
        if going_on and step is not None:
            pose, blanket, place = step.pose(at_s), step.blanket(at_s), step.before.place
            if step.path and place == "bathroom":
                place = "standing"
            stance = step.before if place not in ("outside", "bathroom") else step.after
            wheelchair = step.wheelchair(at_s)
        else:
            pose, blanket, place = stance.pose(), stance.blanket, stance.place
            wheelchair = parked(stance) if stance.wheels else None
        x, z = float(pose[PELVIS, 0]), float(pose[PELVIS, 2])
        bathing, in_doorway = in_bathroom(x, z), z > ROOM_BACK_M and not in_bathroom(x, z)
        if place == "outside" and going_on and not in_doorway:
            place = "standing"
        swaying = place == "standing" and not stance.wheels
        busy = self._fidget(pose, at_s, _SWAY_M if swaying else 0.0)
        busy |= self._restless.shift(pose, at_s)
        busy |= place == "attending" and self._touch(pose, at_s)
        state: RoomState = "empty" if in_doorway else _state(place, stance.was_in_bed)
        hidden = place in ("outside", "bathroom") and not going_on
        return Being(
            pose=None if hidden else pose,
            state="bathroom" if bathing else state,
            place=place,
            posture=stance.posture,
            moving=going_on,
            still=not (going_on or swaying or busy),
            in_doorway=in_doorway,
            in_bathroom=bathing,
            blanket=blanket,
            wheelchair=None if hidden and stance.parked is None else wheelchair,
        )

    def _step(self, at_s: float) -> Step | None:
        return next((step for step in reversed(self._steps) if step.start_s <= at_s), None)

    def _quiet_until(self, at_s: float, step: Step | None) -> float:
        """Up to when nothing changes that is not changing now."""
        if self._unrest is not None:
            return at_s
        begins_s = [each.start_s for each in self._steps if each.start_s > at_s]
        if not self._movement.fidgets_per_min:
            return min(begins_s, default=math.inf)
        slot = int(at_s // _SLOT_S)
        fidget_s = self._fidget_begins_s(slot)
        over = at_s >= fidget_s + _FIDGET_S or not self._fidgets_in(slot)
        return min([*begins_s, (slot + 1) * _SLOT_S if over else fidget_s])

    def _touch(self, pose: Points, at_s: float) -> bool:
        for axis in range(3):
            pose[_PALMS, axis] += _TOUCH_M * waves(at_s, 0.3, 1.5, self._seed, 34 + axis)
        return True

    def _fidget(self, pose: Points, at_s: float, sway_m: float) -> bool:
        """Shift arms, trunk and head to where the last small movement left them, and say whether one goes on.

        Someone standing sways a little as well.
        """
        if not (sway_m or self._movement.fidgets_per_min):
            return False
        slot = int(at_s // _SLOT_S)
        if self._slot is None or self._slot[0] != slot:
            before = self._settled(slot - 1)
            self._slot = slot, before, self._settled(slot) if self._fidgets_in(slot) else before
        _, before, after = self._slot
        share = min(max((at_s - self._fidget_begins_s(slot)) / _FIDGET_S, 0.0), 1.0)
        eased = share * share * (3.0 - 2.0 * share)
        shift = before * (1.0 - eased) + after * eased
        pose[list(HANDS)] += shift[0] * [[0.5], [1.0], [-0.4], [-0.8]]
        pose[[CHEST, NECK]] += shift[1] * 0.25
        pose[[HEAD, NOSE]] += shift[2] * 0.35
        if sway_m:
            pose[:11, 0] += sway_m * math.sin(at_s * 1.7) * math.sin(at_s * 0.41 + self._seed)
            pose[_KNEES, 0] += 0.5 * sway_m * math.sin(at_s * 1.7) * math.sin(at_s * 0.41 + self._seed)
        return 0.0 < share < 1.0 and before is not after

    def _fidget_begins_s(self, slot: int) -> float:
        return slot * _SLOT_S + 1.0 + 6.0 * unit(self._seed, slot, 7)

    def _fidgets_in(self, slot: int) -> bool:
        chance = self._movement.fidgets_per_min * _SLOT_S / 60.0
        return slot >= 0 and _drawn(self._seed, slot) < chance

    def _settled(self, slot: int) -> Points:
        """(3, 3) metres: shifts of hands, trunk and head after the last slot up to this one that had a movement."""
        for back in range(slot, max(slot - 60, -1), -1):
            if self._fidgets_in(back):
                return np.array(units(9, self._seed, back, 5)).reshape(3, 3) * 0.12 - 0.06
        return np.zeros((3, 3))


@lru_cache(maxsize=256)
def _drawn(seed: int, slot: int) -> float:
    """Remembered: of each slot it is asked for the ten minutes that follow."""
    return unit(seed, slot, 3)


def _state(place: Place, was_in_bed: bool) -> RoomState:
    up = place in ("standing", "chair", "floor", "attending", "carried")
    return "out-of-bed" if up and was_in_bed else STATES[place]
