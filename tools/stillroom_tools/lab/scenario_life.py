"""A life in the room: acts in order of time become steps, light and cover. Any moment can be asked for.

The same scenario, seed and cues give the same moments, in whatever order and at whatever speed they are asked for.
What is older than `KEPT_S` is let go, so that a simulated year takes no more memory than ten minutes.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import msgspec
import numpy as np

from stillroom.events import RoomState
from stillroom_tools.lab.scenario import Act, CameraCue, Cue, Scenario
from stillroom_tools.lab.scenario_harm import Harms
from stillroom_tools.lab.scenario_steps import Place, Step, at_first, plan
from stillroom_tools.lab.scenario_unrest import Restless
from stillroom_tools.lab.scene import ROOM_BACK_M, Points
from stillroom_tools.lab.scene_body import CHEST, HANDS, HEAD, NECK, NOSE, PELVIS
from stillroom_tools.lab.scene_random import unit, units

KEPT_S = 600.0
_SLOT_S = 10.0
_COVER_S = 0.3
_KNEES = [11, 13]
_OF_THE_CAMERA: tuple[str, ...] = get_args(CameraCue)

_STATES: dict[Place, RoomState] = {
    "outside": "empty",
    "standing": "occupied",
    "bed-end": "bed-edge",
    "bed-upright": "in-bed",
    "bed": "in-bed",
    "kneeling": "on-floor",
    "fallen": "on-floor",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """The room at one time. `pose`: (15, 3) metres, None while nobody can be in the picture."""

    pose: Points | None
    state: RoomState
    place: Place
    moving: bool
    still: bool
    """Nothing but breathing and the heart goes on: no step, no small movement, no swaying on the feet."""
    in_doorway: bool
    blanket: float
    lux_before: float
    lux: float
    light_since_s: float
    covered: float
    harms: Harms


class Life:
    """What happens in one room. Not thread-safe."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._scenario = scenario
        self._seed = seed
        self._script = _script(scenario)
        self._next = next(self._script, None)
        self._first = at_first(scenario.begins)
        self._restless = Restless(scenario.unrest, seed)
        self._steps: list[Step] = []
        self._lights: list[tuple[float, float]] = [(-1e9, scenario.light.lux), (-1e9, scenario.light.lux)]
        self._covers: list[tuple[float, bool]] = [(-1e9, False)]
        self._harms: list[tuple[float, Harms]] = [(-1e9, Harms())]
        self._slot: tuple[int, Points, Points] | None = None

    def cue(self, verb: Cue, at_s: float) -> None:
        """Something happens now that the scenario does not say; what it still had to say is dropped."""
        self._advance(at_s)
        if verb not in _OF_THE_CAMERA:
            self._next = None
        self._act(Act(at_s=at_s, do=verb))

    def moment(self, at_s: float) -> Moment:
        """The room at `at_s`, which is not more than KEPT_S before the latest moment asked for."""
        self._advance(at_s)
        step = self._step(at_s)
        stance = self._first if step is None else step.after
        going_on = step is not None and at_s < step.end_s
        if going_on and step is not None:
            pose, blanket, place = step.pose(at_s), step.blanket(at_s), step.before.place
            stance = step.before if place != "outside" else step.after
        else:
            pose, blanket, place = stance.pose(), stance.blanket, stance.place
        in_doorway = float(pose[PELVIS, 2]) > ROOM_BACK_M
        if place == "outside" and going_on and not in_doorway:
            place = "standing"
        swaying = place == "standing"
        fidgeting = self._fidget(pose, at_s, 0.02 if swaying else 0.0)
        fidgeting |= self._restless.shift(pose, at_s)
        lux_before, lux, since_s = self._light(at_s)
        return Moment(
            pose=None if place == "outside" and not going_on else pose,
            state="empty" if in_doorway else _state(place, stance.was_in_bed),
            place=place,
            moving=going_on,
            still=not (going_on or swaying or fidgeting),
            in_doorway=in_doorway,
            blanket=blanket,
            lux_before=lux_before,
            lux=lux,
            light_since_s=since_s,
            covered=self._covered(at_s),
            harms=next(each for since_s, each in reversed(self._harms) if since_s <= at_s),
        )

    def _advance(self, at_s: float) -> None:
        while self._next is not None and self._next.at_s <= at_s:
            self._act(self._next)
            self._next = next(self._script, None)

    def _act(self, act: Act) -> None:
        if act.do == "light" and act.lux is not None:
            self._lights = [*self._lights, (act.at_s, act.lux)][-64:]
        elif act.do in ("cover", "uncover"):
            if (act.do == "cover") != self._covers[-1][1]:
                self._covers = [*self._covers, (act.at_s, act.do == "cover")][-64:]
        elif act.do in _OF_THE_CAMERA:
            self._harms = [*self._harms, (act.at_s, self._harms[-1][1].after(act.do, act.turn_deg))][-64:]
        else:
            self._move(act)

    def _move(self, act: Act) -> None:
        kept = [step for step in self._steps if step.start_s <= act.at_s]
        start_s, stance = act.at_s, self._first
        if kept:
            kept[-1] = kept[-1].cut(act.at_s)
            start_s, stance = max(act.at_s, kept[-1].end_s), kept[-1].after
        kept += plan(act.do, stance, start_s, self._scenario.movement.walk_m_per_s)
        while len(kept) > 1 and kept[1].start_s < act.at_s - KEPT_S:
            self._first = kept.pop(0).after
        self._steps = kept

    def _step(self, at_s: float) -> Step | None:
        return next((step for step in reversed(self._steps) if step.start_s <= at_s), None)

    def _light(self, at_s: float) -> tuple[float, float, float]:
        past = [light for light in self._lights if light[0] <= at_s]
        return past[-2][1], past[-1][1], at_s - past[-1][0]

    def _covered(self, at_s: float) -> float:
        since_s, covered = next(entry for entry in reversed(self._covers) if entry[0] <= at_s)
        share = min((at_s - since_s) / _COVER_S, 1.0)
        return share if covered else 1.0 - share

    def _fidget(self, pose: Points, at_s: float, sway_m: float) -> bool:
        """Shift arms, trunk and head to where the last small movement left them, and say whether one goes on.

        Someone standing sways a little as well.
        """
        if not (sway_m or self._scenario.movement.fidgets_per_min):
            return False
        slot = int(at_s // _SLOT_S)
        if self._slot is None or self._slot[0] != slot:
            before = self._settled(slot - 1)
            self._slot = slot, before, self._settled(slot) if self._fidgets_in(slot) else before
        _, before, after = self._slot
        begins_s = slot * _SLOT_S + 1.0 + 6.0 * unit(self._seed, slot, 7)
        share = min(max((at_s - begins_s) / 1.5, 0.0), 1.0)
        eased = share * share * (3.0 - 2.0 * share)
        shift = before * (1.0 - eased) + after * eased
        pose[list(HANDS)] += shift[0] * [[0.5], [1.0], [-0.4], [-0.8]]
        pose[[CHEST, NECK]] += shift[1] * 0.25
        pose[[HEAD, NOSE]] += shift[2] * 0.35
        if sway_m:
            pose[:11, 0] += sway_m * math.sin(at_s * 1.7) * math.sin(at_s * 0.41 + self._seed)
            pose[_KNEES, 0] += 0.5 * sway_m * math.sin(at_s * 1.7) * math.sin(at_s * 0.41 + self._seed)
        return 0.0 < share < 1.0 and before is not after

    def _fidgets_in(self, slot: int) -> bool:
        chance = self._scenario.movement.fidgets_per_min * _SLOT_S / 60.0
        return slot >= 0 and unit(self._seed, slot, 3) < chance

    def _settled(self, slot: int) -> Points:
        """(3, 3) metres: shifts of hands, trunk and head after the last slot up to this one that had a movement."""
        for back in range(slot, max(slot - 60, -1), -1):
            if self._fidgets_in(back):
                return np.array(units(9, self._seed, back, 5)).reshape(3, 3) * 0.12 - 0.06
        return np.zeros((3, 3))


def _script(scenario: Scenario) -> Iterator[Act]:
    """The acts, again and again where the scenario repeats."""
    for turn in itertools.count() if scenario.repeat_s and scenario.acts else range(1):
        for act in scenario.acts:
            yield msgspec.structs.replace(act, at_s=act.at_s + turn * scenario.repeat_s)


def _state(place: Place, was_in_bed: bool) -> RoomState:
    return "out-of-bed" if place == "standing" and was_in_bed else _STATES[place]
