"""Everybody and everything that goes about in the room beside the resident, drawn: layers before and behind him."""

from msgspec.structs import replace

from stillroom_tools.lab.scenario import BreathingLife, Looks, PulseLife, Scenario
from stillroom_tools.lab.scenario_actor import Being
from stillroom_tools.lab.scenario_life import Moment
from stillroom_tools.lab.scenario_rover import ThingNow
from stillroom_tools.lab.scenario_stance import IN_BED
from stillroom_tools.lab.scenario_verbs import RESIDENT
from stillroom_tools.lab.scene import BED_TOP_M, BED_X_M, BED_Z_M, ROOM_BACK_M, Pinhole, in_bathroom
from stillroom_tools.lab.scene_body import PELVIS
from stillroom_tools.lab.scene_figure import Layer, Shadow, Through
from stillroom_tools.lab.scene_person import Person, Vital
from stillroom_tools.lab.scene_rovers import layer_of, wheelchair
from stillroom_tools.lab.scene_vitals import Rhythm, beat, breath, rhythm

_NEXT_M = 0.05
"""What of a wheelchair is drawn before and after who sits in it, this much farther and nearer."""


class Cast:
    """The people of one room as one lens sees them; the resident's breath and pulse are the caller's."""

    def __init__(self, scenario: Scenario, camera: Pinhole, seed: int) -> None:
        mono, self._camera = scenario.light.infrared, camera
        self._kept: dict[str, tuple[ThingNow, Layer | None]] = {}
        self._held: dict[str, tuple[Being, Layer]] = {}
        self._kinds = {thing.name: thing.kind for thing in scenario.things}

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

    def layers(self, now: Moment, at_s: float) -> list[Layer]:
        """Whatever can be seen beside the resident, the farthest first."""
        found = [
            layer for thing in self._kinds if (layer := self.thing(thing, now.things[thing])) is not None
        ]
        for name, being in now.beings.items():
            found += self.wheelchair(being)
            if name in self._rhythms and being.pose is not None:
                found.append(self._person(name, being, at_s))
        return sorted(found, key=lambda layer: -layer.z_m)

    def thing(self, name: str, now: ThingNow) -> Layer | None:
        """A pet or a robot; None while it is outside."""
        kept = self._kept.get(name)
        if kept is None or kept[0] is not now:
            kept = self._kept[name] = now, layer_of(self._kinds[name], now, self._camera)
        return kept[1]

    def wheelchair(self, being: Being) -> list[Layer]:
        """The one that is his: what is behind who sits there, and what is before him."""
        if being.wheelchair is None:
            return []
        x, z, heading = being.wheelchair
        key = None if being.moving else being.wheelchair
        seen: Through = "room" if z <= ROOM_BACK_M else "bathroom-door" if in_bathroom(x, z) else "door"
        far, near = wheelchair(x, z, heading, self._camera)
        halves = ((lambda _: far, _NEXT_M), (lambda _: near, -_NEXT_M))
        return [Layer(half, [], z + beyond_m, seen, still=key) for half, beyond_m in halves]

    def _person(self, name: str, being: Being, at_s: float) -> Layer:
        assert being.pose is not None
        pose, person, (breathing, pulse) = being.pose, self.people[name], self._rhythms[name]
        kept = self._held.get(name)
        if kept is None or kept[0] is not being:
            layer = Layer(
                lambda vital: person.capsules(pose, vital, being.blanket),
                self.shadows(name, being),
                float(pose[PELVIS, 2]),
                through(being),
                behind_bed(being),
                (pose.tobytes(), being.blanket) if being.still else None,
                True,
            )
            kept = self._held[name] = being, layer
        return replace(kept[1], vital=Vital(breath(breathing.turns(at_s)), beat(pulse.turns(at_s))))

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
    if being.pose is None or being.in_doorway or being.in_bathroom:
        return False
    if being.place in IN_BED and float(being.pose[PELVIS, 1]) > BED_TOP_M:
        return False
    return float(being.pose[PELVIS, 2]) > BED_Z_M[1] and float(being.pose[:, 0].min()) < BED_X_M[1]
