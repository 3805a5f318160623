"""Everybody in the room but the resident, drawn: layers before and behind him."""

from stillroom_tools.lab.scenario import BreathingLife, Looks, PulseLife, Scenario
from stillroom_tools.lab.scenario_actor import Being
from stillroom_tools.lab.scenario_stance import IN_BED
from stillroom_tools.lab.scenario_verbs import RESIDENT
from stillroom_tools.lab.scene import BED_X_M, BED_Z_M, Pinhole
from stillroom_tools.lab.scene_body import PELVIS
from stillroom_tools.lab.scene_figure import Layer, Shadow, Through
from stillroom_tools.lab.scene_person import Person, Vital
from stillroom_tools.lab.scene_vitals import Rhythm, beat, breath, rhythm


class Cast:
    """The people of one room as one lens sees them; the resident's breath and pulse are the caller's."""

    def __init__(self, scenario: Scenario, camera: Pinhole, seed: int) -> None:
        mono = scenario.light.infrared

        def dressed(looks: Looks, breathing: BreathingLife, pulse: PulseLife) -> Person:
            share = pulse.infrared_share * pulse.strength if mono else None
            return Person(looks, camera, breathing.chest_mm, pulse.strength, share)

        self.people = {RESIDENT: dressed(scenario.looks, scenario.breathing, scenario.pulse)}
        self._rhythms: dict[str, tuple[Rhythm, Rhythm]] = {}
        for number, one in enumerate(scenario.people, 1):
            self.people[one.name] = dressed(one.dress, one.breathing, one.pulse)
            self._rhythms[one.name] = (
                rhythm(one.breathing.breaths_per_min, one.breathing.variability, 90.0, seed, 102, number),
                rhythm(one.pulse.pulse_bpm, one.pulse.variability, 40.0, seed, 103, number),
            )

    def layers(self, beings: dict[str, Being], at_s: float) -> list[Layer]:
        """Who can be seen, but the resident, in no order."""
        found = []
        for name, (breathing, pulse) in self._rhythms.items():
            being = beings[name]
            if being.pose is not None:
                vital = Vital(breath(breathing.turns(at_s)), beat(pulse.turns(at_s)))
                capsules = self.people[name].capsules(being.pose, vital, being.blanket)
                shadows, z_m = self.shadows(name, being), float(being.pose[PELVIS, 2])
                found.append(Layer(capsules, shadows, z_m, through(being), behind_bed(being)))
        return found

    def shadows(self, name: str, being: Being) -> list[Shadow]:
        """On the floor that one sees."""
        if being.pose is None or behind_bed(being):
            return []
        return self.people[name].shadows(being.pose)


def through(being: Being) -> Through:
    """Where somebody is seen."""
    return "door" if being.in_doorway else "bathroom-door" if being.in_bathroom else "room"


def behind_bed(being: Being) -> bool:
    """Whether the bed stands before some of him."""
    if being.pose is None or being.in_doorway or being.in_bathroom or being.place in IN_BED:
        return False
    return float(being.pose[PELVIS, 2]) > BED_Z_M[1] and float(being.pose[:, 0].min()) < BED_X_M[1]
