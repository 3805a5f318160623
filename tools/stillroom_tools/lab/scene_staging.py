"""One room as one lens sees it: everybody and everything at one time, ready for the canvas."""

import math

from msgspec.structs import replace

from stillroom.observation import Box
from stillroom_tools.lab.scenario import Scenario
from stillroom_tools.lab.scenario_actor import Being
from stillroom_tools.lab.scenario_life import Moment
from stillroom_tools.lab.scenario_unrest import Restless
from stillroom_tools.lab.scenario_verbs import RESIDENT
from stillroom_tools.lab.scene import Pinhole, Points
from stillroom_tools.lab.scene_beside import Beside
from stillroom_tools.lab.scene_body import PELVIS
from stillroom_tools.lab.scene_cast import Cast, behind_bed, through
from stillroom_tools.lab.scene_figure import Figure
from stillroom_tools.lab.scene_paint import window_of
from stillroom_tools.lab.scene_person import Vital
from stillroom_tools.lab.scene_sight import Sight
from stillroom_tools.lab.scene_vitals import beat, breath, rhythm, with_unrest


class Vitals:
    """The resident's breath and pulse."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        breathing, pulse, unrest = scenario.breathing, scenario.pulse, scenario.unrest
        ramp = unrest.ramp_from_s, unrest.ramp_for_s
        self.breathing = with_unrest(
            rhythm(breathing.breaths_per_min, breathing.variability, 90.0, seed, 2),
            (unrest.breathing_ramp, *ramp),
            (unrest.hold_every_s, unrest.hold_s),
        )
        self.pulse = with_unrest(
            rhythm(pulse.pulse_bpm, pulse.variability, 40.0, seed, 3),
            (unrest.pulse_ramp, *ramp),
            (0.0, 0.0),
        )
        self._restless = Restless(unrest, seed)

    def at(self, at_s: float) -> Vital:
        """As they show at a time; who talks breathes unevenly."""
        turns = self.breathing.turns(at_s)
        turns += 0.12 * self._restless.talks(at_s) * math.sin(0.61 * math.tau * turns)
        return Vital(breath(turns), beat(self.pulse.turns(at_s)))


class Staging:
    """What is to be drawn. Make a new one when the camera is turned."""

    def __init__(self, scenario: Scenario, camera: Pinhole, seed: int, vitals: Vitals) -> None:
        self._vitals, self._sight = vitals, Sight(camera)
        self._size = camera.width_px, camera.height_px
        self._cast, self._beside = Cast(scenario, camera, seed), Beside(scenario, camera, seed)
        self._kept: tuple[Being, Figure] | None = None
        self._alone_in: Moment | None = None
        """In this moment there is nobody else, and nothing moves behind him."""

    def figure(self, now: Moment, at_s: float) -> Figure | None:
        """The resident, the others, and whatever moves behind, if anything is there."""
        figure = self._resident(now.resident, at_s)
        if now is self._alone_in:
            return figure
        behind = self._beside.capsules(at_s, now.dropped_s)
        others = self._cast.layers(now, at_s)
        if not (behind or others):
            self._alone_in = None if self._beside.any else now
            return figure
        if figure is None:
            figure = Figure(lambda breath, beat: [], 0.0, 0.0, [], "room", b"")
        keys = [layer.still for layer in others]
        still = not behind and figure.still is not None and None not in keys
        own_m = 0.0 if now.resident.pose is None else float(now.resident.pose[PELVIS, 2])
        far, near = ([x for x in others if (x.z_m > own_m) == farther] for farther in (True, False))
        key = (figure.still, *keys) if still else None
        return replace(figure, still=key, behind=behind, far=far, near=near)

    def box(self, now: Being, at_s: float) -> Box | None:
        """Around what shows of the resident; None while nothing does, or he is beyond the door."""
        figure = self._resident(now, at_s)
        if figure is None or now.state == "empty":
            return None
        capsules = figure.capsules(figure.breath, 0.0)
        if figure.through != "room" or figure.behind_bed:
            return self._sight.of(capsules, figure.through, behind_bed=figure.behind_bed)[0]
        window = window_of(capsules, *self._size)
        if window.empty:
            return None
        x, y = self._size
        return Box(window.x0 / x, window.y0 / y, window.x1 / x, window.y1 / y)

    def _resident(self, now: Being, at_s: float) -> Figure | None:
        if now.pose is None:
            return None
        vital = self._vitals.at(at_s)
        if self._kept is None or self._kept[0] is not now:
            self._kept = now, self._held(now, now.pose)
        return self._kept[1].breathing(vital)

    def _held(self, now: Being, pose: Points) -> Figure:
        """As he is, with no breath in him: the same as long as he is."""
        person = self._cast.people[RESIDENT]
        return Figure(
            capsules=lambda breath, beat: person.capsules(pose, Vital(breath, beat), now.blanket),
            breath=0.0,
            beat=0.0,
            shadows=self._cast.shadows(RESIDENT, now),
            through=through(now),
            still=(pose.tobytes(), now.blanket) if now.still else None,
            behind_bed=behind_bed(now),
        )
