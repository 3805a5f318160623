"""What moves in the room beside the person: things, and somebody else with a breath and a pulse of his own."""

import math

import numpy as np

from stillroom_tools.lab.scenario import Looks, Scenario
from stillroom_tools.lab.scenario_physics import Second
from stillroom_tools.lab.scenario_unrest import sway
from stillroom_tools.lab.scene import Pinhole, Points
from stillroom_tools.lab.scene_body import in_bed, upright
from stillroom_tools.lab.scene_paint import Capsule
from stillroom_tools.lab.scene_person import Person, Vital
from stillroom_tools.lab.scene_things import Things
from stillroom_tools.lab.scene_vitals import beat, breath, rhythm

_VARIABILITY = 0.02
_CHEST_MM = 5.0
_SHIRT_RGB = (150, 96, 88)
_FARTHER_M = 0.42
_PLACES = {"beside-bed": (-0.45, 3.05), "door": (1.15, 3.95)}


class Beside:
    """Drawn behind whoever the scenario is about: everything here is farther from the lens (assumed)."""

    def __init__(self, scenario: Scenario, camera: Pinhole, seed: int) -> None:
        self._things = Things(scenario, camera, seed)
        self._other = None if scenario.second is None else _Other(scenario, scenario.second, camera, seed)
        self.any = self._things.any or self._other is not None

    def capsules(self, at_s: float, dropped_s: float) -> list[Capsule]:
        """Far ones first; none in a room without any. dropped_s: when the curtain came off its rail."""
        found = self._things.capsules(at_s, dropped_s) if self._things.any else []
        return found if self._other is None else [*found, *self._other.capsules(at_s)]


class _Other:
    def __init__(self, scenario: Scenario, second: Second, camera: Pinhole, seed: int) -> None:
        infrared = scenario.pulse.infrared_share if scenario.light.infrared else None
        looks = Looks(skin=second.skin, shirt_rgb=_SHIRT_RGB)
        self._person = Person(looks, camera, _CHEST_MM, 1.0, infrared)
        self._seed, self._second = seed, second
        self._pose = _pose(second)
        self._breathing = rhythm(second.breaths_per_min, _VARIABILITY, 90.0, seed, 95)
        self._pulse = rhythm(second.pulse_bpm, _VARIABILITY, 40.0, seed, 96)

    def capsules(self, at_s: float) -> list[Capsule]:
        vital = Vital(breath(self._breathing.turns(at_s)), beat(self._pulse.turns(at_s)))
        lying = self._second.place == "in-bed"
        return self._person.capsules(self._swayed(at_s), vital, 1.0 if lying else 0.0)

    def _swayed(self, at_s: float) -> Points:
        pose = self._pose.copy()
        if self._second.place != "in-bed" and self._second.sway_mm:
            height = pose[:, 1] / pose[:, 1].max()
            for axis in (0, 2):
                way_m = self._second.sway_mm / 1000.0 * sway(at_s, 0.05, 0.6, self._seed, 97, axis)
                pose[:, axis] += way_m * height
        return pose


def _pose(second: Second) -> Points:
    if second.place == "in-bed":
        lying: Points = in_bed("supine") + np.array([0.0, 0.0, _FARTHER_M])
        return lying
    x, z = _PLACES[second.place]
    return upright("standing", x, z, math.pi)
