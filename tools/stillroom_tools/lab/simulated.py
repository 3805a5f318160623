"""A camera without hardware: a room drawn from a scenario, with a person who lives, breathes and has a pulse.

A frame is a function of (scenario, seed, its number) and of the cues so far, of nothing else; at speed "real" frames
that came too late are left out, never changed. Only NumPy, so that the eye stays small.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from stillroom.clock import NS_PER_S
from stillroom.config import CameraConfig
from stillroom.errors import ConfigError
from stillroom.eye.frame import Camera, Frame
from stillroom_tools.lab.scenario import Scenario, load_scenario
from stillroom_tools.lab.scenario_cues import CueFile
from stillroom_tools.lab.scenario_harm import harmed
from stillroom_tools.lab.scenario_life import Life, Moment
from stillroom_tools.lab.scenario_physics import Compression
from stillroom_tools.lab.scene import pinhole
from stillroom_tools.lab.scene_canvas import Canvas, Painted
from stillroom_tools.lab.scene_figure import Figure
from stillroom_tools.lab.scene_light import Gains, RoomLight
from stillroom_tools.lab.scene_output import Layout
from stillroom_tools.lab.scene_random import mixed, unit
from stillroom_tools.lab.scene_sensor import Exposure, exposure
from stillroom_tools.lab.scene_staging import Staging, Vitals
from stillroom_tools.lab.truth import Truth, TruthFile

_CUES_EVERY_S = 0.1


class Scene(msgspec.Struct, frozen=True):
    """The room at one time as the canvas takes it: how it is exposed, who is in it, how the light wavers."""

    now: Moment
    light: Exposure
    figure: Figure | None
    gains: Gains | None


def open_camera(config: CameraConfig, folder: Path) -> Camera:
    """The camera that `unit.toml` asks for. Raises ConfigError: scenario missing or wrong."""
    if not config.source:
        raise ConfigError(
            "key 'camera.source' is empty: name a scenario file, such as config/scenarios/day.toml"
        )
    scenario = load_scenario(folder / config.source)
    cues = CueFile(folder / config.cues) if config.cues else None
    camera = SimulatedCamera(
        scenario,
        width_px=config.width_px,
        height_px=config.height_px,
        frames_per_s=config.frames_per_s,
        seed=config.seed,
        real_time=config.speed == "real",
        cues=cues,
    )
    return camera if scenario.compression is None else encoded(camera, scenario.compression)


def encoded(camera: "SimulatedCamera", compression: Compression) -> Camera:
    """The same camera behind an encoder. What needs PyAV is imported only here."""
    from stillroom_tools.lab.simulated_codec import EncodedCamera

    return EncodedCamera(camera, compression)


class SimulatedCamera:
    """One simulated room. Implements `stillroom.eye.frame.Camera`."""

    kind = "simulated"

    def __init__(
        self,
        scenario: Scenario,
        *,
        width_px: int = 640,
        height_px: int = 480,
        frames_per_s: float = 30.0,
        seed: int = 0,
        real_time: bool = False,
        cues: CueFile | None = None,
        truth: TruthFile | None = None,
        layout: Layout = "i420",
        padding_px: int = 0,
    ) -> None:
        """cues: what may happen beside the scenario. truth: where to write what is so; closed with the camera.

        layout, padding_px: where bytes lie, for tests of what reads them; values stay.
        """
        self.width, self.height, self.frames_per_s = width_px, height_px, frames_per_s
        self._scenario, self._seed = scenario, seed
        self._real_time, self._cues, self._truth = real_time, cues, truth
        self._bytes: tuple[Layout, int] = layout, padding_px
        self._life, self._vitals = Life(scenario, seed), Vitals(scenario, seed)
        self._point(0.0)
        self._light = RoomLight(scenario, height_px, seed)
        self._exposed: tuple[Moment, Exposure] | None = None
        self._closed = False

    def _point(self, turned_deg: float) -> None:
        """Look from the same place, so much further down."""
        scenario, seed = self._scenario, self._seed
        lens = msgspec.structs.replace(scenario.lens, pitch_deg=scenario.lens.pitch_deg + turned_deg)
        camera = pinhole(lens, self.width, self.height)
        self._canvas = Canvas(
            camera, lens, seed, *self._bytes, mono=scenario.light.infrared, furniture=scenario.room
        )
        self._staging = Staging(scenario, camera, seed, self._vitals)
        self._turned_deg = turned_deg
        self._latest: Frame | None = None

    def frames(self) -> Iterator[Frame]:
        """Frames until `close`; each is valid until the next is asked for."""
        index = first = self._first_index()
        began_ns = time.monotonic_ns()
        while not self._closed:
            if self._real_time:
                index = max(index, first + self._wait(index - first, began_ns))
            self._beside(index)
            if self._powered(index) and unit(self._seed, index, 91) >= self._scenario.timing.dropped:
                yield self.frame(index)
            index += 1

    def frame(self, index: int) -> Frame:
        """Frame number `index` (0 is the first), valid until another is asked for."""
        taken_ns, stamp_ns = self._times_ns(index)
        at_s = taken_ns / NS_PER_S
        now = self._life.moment(at_s)
        if now.harms.frozen and self._latest is not None:
            return Frame(self._latest.y, self._latest.u, self._latest.v, stamp_ns)
        scene = self._scene(now, at_s)
        drawn = self._canvas.draw(scene.light, scene.figure, mixed(self._seed, index), stamp_ns, scene.gains)
        self._latest = harmed(drawn, now.harms)
        return self._latest

    def scene(self, at_s: float) -> Scene:
        """What there is to be painted at a time."""
        return self._scene(self._life.moment(at_s), at_s)

    def paint(self, scene: Scene) -> Painted:
        """The picture of a scene before its noise, and before whatever harms the lens; valid until the next."""
        return self._canvas.paint(scene.light, scene.figure, scene.gains)

    def _scene(self, now: Moment, at_s: float) -> Scene:
        if now.harms.turned_deg != self._turned_deg:
            self._point(now.harms.turned_deg)
        if self._exposed is None or self._exposed[0] is not now:
            light = exposure(self._scenario.lens, now.lux_before, now.lux, now.light_since_s, now.covered)
            self._exposed = now, light
        figure, gains = self._staging.figure(now, at_s), self._light.at(at_s, now.lux)
        return Scene(now, self._exposed[1], figure, gains)

    def _powered(self, index: int) -> bool:
        return not self._life.moment(self._times_ns(index)[0] / NS_PER_S).harms.off

    def frame_ns(self, index: int) -> int:
        """When frame `index` is due; the first is due at 0."""
        return round(index * NS_PER_S / self.frames_per_s)

    def _times_ns(self, index: int) -> tuple[int, int]:
        """When frame `index` is taken, and what its stamp says: always in order."""
        timing, due_ns, period_ns = self._scenario.timing, self.frame_ns(index), NS_PER_S / self.frames_per_s
        if not (timing.jitter_ms or timing.stamp_ms):
            return due_ns, due_ns
        early, wrong = (2.0 * unit(self._seed, index, part) - 1.0 for part in (92, 93))
        taken_ns = due_ns + round(early * min(timing.jitter_ms * 1e6, 0.3 * period_ns))
        stamp_ns = taken_ns + round(wrong * min(timing.stamp_ms * 1e6, 0.18 * period_ns))
        return max(taken_ns, 0), max(stamp_ns, 0)

    def truth_at(self, frame_ns: int) -> Truth:
        """What is really so at a frame's time. For tests and evaluation alone."""
        at_s = frame_ns / NS_PER_S
        now = self._life.moment(at_s)
        box = self._staging.box(now.resident, at_s)
        return Truth(
            frame_ns=frame_ns,
            state=now.state,
            place=now.resident.place,
            moving=now.resident.moving,
            covered=now.covered > 0.5,
            lux=now.lux,
            breaths_per_min=self._vitals.breathing.rate_per_min(at_s) if box else None,
            pulse_bpm=self._vitals.pulse.rate_per_min(at_s) if box else None,
            box=box,
        )

    def true_means(self, from_ns: int, to_ns: int) -> tuple[float, float]:
        """Mean breaths and beats a minute over a window of frame time, whether or not anybody is seen."""
        window = from_ns / NS_PER_S, to_ns / NS_PER_S
        return self._vitals.breathing.mean_per_min(*window), self._vitals.pulse.mean_per_min(*window)

    def true_between(
        self, quantity: str, from_s: float, to_s: float, mostly: float = 0.5
    ) -> tuple[float, float] | None:
        """Between which two rates the truth over a window lies: the mean over all of it, and over the part in which
        breath was not held. None where it was held for more than `mostly` of it: then there is no rate to be read.
        """
        rhythm = self._vitals.pulse if quantity == "pulse_bpm" else self._vitals.breathing
        mean = rhythm.mean_per_min(from_s, to_s)
        active = (rhythm.active_s(to_s) - rhythm.active_s(from_s)) / (to_s - from_s)
        return None if active < 1.0 - mostly else (mean, mean / active)

    def close(self) -> None:
        """The next frame asked for is the end."""
        self._closed = True
        if self._truth is not None:
            self._truth.close()

    def _wait(self, frames: int, began_ns: int) -> int:
        """Sleep until the frame is due; says which frame is due (a later one where this one is late)."""
        due_ns = began_ns + self.frame_ns(frames)
        late_ns = time.monotonic_ns() - due_ns
        if late_ns < 0:
            time.sleep(-late_ns / NS_PER_S)
            return frames
        return frames + int(late_ns * self.frames_per_s / NS_PER_S)

    def _first_index(self) -> int:
        """A life that began earlier, as its cue file says, has gone on meanwhile."""
        if self._cues is None:
            return 0
        elapsed_s = self._cues.open(self._life.cue)
        return int(elapsed_s * self.frames_per_s) if self._real_time else 0

    def _beside(self, index: int) -> None:
        """Hear cues, and write down what is so, now and then."""
        frame_ns = self.frame_ns(index)
        if self._cues is not None and index % max(1, round(self.frames_per_s * _CUES_EVERY_S)) == 0:
            self._cues.read(frame_ns / NS_PER_S, self._life.cue)
        if self._truth is not None and index % max(1, round(self.frames_per_s * TruthFile.EVERY_S)) == 0:
            self._truth.note(self.truth_at(frame_ns))
