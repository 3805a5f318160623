"""The grid of `stillroom evaluate --suite`: one row a condition. Everything not named in a row is as in `_base`.

Each row is run for several seeds; a seed gives the person's rates (but where the row names one), the noise and all else
that is left to chance. The picture is 320x240 from 1.2 m, which gives a face as many cells as 640x480 from 2.4 m.
"""

from collections.abc import Iterator
from typing import Any, Literal, TypeVar
from zlib import crc32

from msgspec import Struct
from msgspec.structs import replace

from stillroom_tools.lab.scenario import (
    Act,
    BreathingLife,
    Lens,
    Light,
    Looks,
    Movement,
    PulseLife,
    Scenario,
)
from stillroom_tools.lab.scenario_physics import (
    Compression,
    Curtain,
    Fan,
    Mains,
    Second,
    Steps,
    Television,
    Timing,
    Unrest,
)
from stillroom_tools.lab.scene_random import units

LIES_DOWN_S = 3.0
DEFAULT_SEEDS, FULL_SEEDS = 2, 12
TONES: tuple[Literal["light", "medium", "dark", "very-dark"], ...] = ("light", "medium", "dark", "very-dark")
NTSC = 30000 / 1001
S = TypeVar("S", bound=Struct)


class Condition(Struct, frozen=True):
    """One row. family, value: what it is called. own_rates: the scenario's rates stand, whatever the seed."""

    family: str
    value: str
    scenario: Scenario
    somebody: bool = True
    own_rates: bool = False
    width_px: int = 320
    height_px: int = 240
    frames_per_s: float = 30.0
    duration_s: float = 100.0

    @property
    def name(self) -> str:
        return f"{self.family}: {self.value}"

    def seed(self, number: int) -> int:
        """The simulator's seed: another for each condition, so that rates and noise are spread over the grid."""
        return crc32(f"{self.name} {number}".encode())

    def seeded(self, seed: int) -> Scenario:
        """The scenario with this seed's person: 8-30 breaths, 48-120 beats a minute."""
        if self.own_rates:
            return self.scenario
        breaths, beats = units(2, self.seed(seed), 111)
        kept, heart = self.scenario.breathing, self.scenario.pulse
        return _with(
            self.scenario,
            breathing=_with(kept, breaths_per_min=round(8.0 + 22.0 * breaths, 1)),
            pulse=_with(heart, pulse_bpm=round(48.0 + 72.0 * beats, 1)),
        )


def _with(struct: S, **keys: Any) -> S:
    return replace(struct, **keys)


_base = Scenario(
    title="suite",
    acts=(Act(at_s=LIES_DOWN_S, do="lie-down"),),
    lens=Lens(aim="chest", distance_m=1.2),
    light=Light(lux=300.0),
    looks=Looks(skin="medium"),
    movement=Movement(fidgets_per_min=0.0),
)
"""Nobody for three seconds, then somebody who walks in, lies down and stays."""


def _person(family: str, value: object, frames_per_s: float = 30.0, **keys: Any) -> Condition:
    return Condition(family, str(value), _with(_base, **keys), frames_per_s=frames_per_s)


def _rates(family: str, value: object, **keys: Any) -> Condition:
    return Condition(family, str(value), _with(_base, **keys), own_rates=True)


def _nobody(value: object, frames_per_s: float = 30.0, **keys: Any) -> Condition:
    made = _with(_base, acts=(), lens=Lens(), **keys)
    return Condition("nobody", str(value), made, somebody=False, frames_per_s=frames_per_s)


def grid(full: bool) -> tuple[Condition, ...]:
    """All rows; `full`: more values of each, for hours instead of minutes."""
    return (*_optics(full), *_person_rows(full), *_camera_rows(full), *_disturbed(full), *_nobody_rows())


def _optics(full: bool) -> Iterator[Condition]:
    for tone in TONES:
        yield _person("still, by tone", tone, looks=Looks(skin=tone))
    for lux in (10, 30, 100, 1000):
        yield _person("light", f"{lux} lux", light=Light(lux=lux))
    for lux in (10, 30, 100, 1000) if full else (30,):
        for tone in TONES:
            yield _person(
                "tone and light", f"{tone}, {lux} lux", looks=Looks(skin=tone), light=Light(lux=lux)
            )
    for metres in (0.6, 1.0, 2.0, 3.0, 4.0, 5.0) if full else (0.6, 2.0, 4.0):
        lens = Lens(aim="chest", distance_m=metres, pitch_deg=15.0)
        yield _person("distance", f"{metres} m", lens=lens)
    for sensor in ("imx219", "imx477", "imx708"):
        lens = Lens(aim="chest", distance_m=1.2, sensor=sensor)
        yield _person("sensor", f"{sensor}, 30 lux", lens=lens, light=Light(lux=30))
    for share in (0.0005, 0.001, 0.0015, 0.003):
        pulse = PulseLife(infrared_share=share)
        for lux in (30, 300) if full else (300,):
            light = Light(lux=lux, infrared=True)
            label = f"{share * 100:.2f} %" + (f", {lux} lux" if full else "")
            yield _person("infrared", label, light=light, pulse=pulse)
    room = _with(_base, lens=Lens(), light=Light(lux=300))
    yield Condition("whole room", "640x480, 2.8 m", room, width_px=640, height_px=480)


def _person_rows(full: bool) -> Iterator[Condition]:
    for breaths in (6, 8, 10, 15, 20, 25, 30, 36, 40) if full else (6, 10, 20, 30, 38):
        yield _rates("breathing rate", f"{breaths}/min", breathing=BreathingLife(breaths_per_min=breaths))
    for beats in (42, 50, 60, 75, 90, 110, 130, 150, 170, 178) if full else (45, 60, 90, 130, 165):
        yield _rates("pulse rate", f"{beats}/min", pulse=PulseLife(pulse_bpm=beats))
    for share in (0.06, 0.12, 0.2):
        breathing, pulse = BreathingLife(variability=share), PulseLife(variability=share / 2)
        yield _person("variability", f"{share:.0%}", breathing=breathing, pulse=pulse)
    for millimetres in (1, 2, 10):
        yield _person("depth of breath", f"{millimetres} mm", breathing=BreathingLife(chest_mm=millimetres))
    for blanket in ("chest", "neck"):
        yield _person("blanket", f"to the {blanket}", looks=Looks(blanket=blanket))
    turned = (Act(at_s=LIES_DOWN_S, do="lie-down"), Act(at_s=15.0, do="turn"))
    yield _person("posture", "on the side", acts=turned)
    for ramp in (-4, 4, 10) if full else (-4, 6):
        unrest = Unrest(breathing_ramp=ramp, ramp_from_s=40, ramp_for_s=60)
        yield _person("breathing ramp", f"{ramp:+d}/min each minute", unrest=unrest)
    for ramp in (-10, 10, 20):
        unrest = Unrest(pulse_ramp=ramp, ramp_from_s=40, ramp_for_s=60)
        yield _person("pulse ramp", f"{ramp:+d}/min each minute", unrest=unrest)
    for held in (15, 40):
        unrest = Unrest(hold_every_s=60, hold_s=held)
        yield _person("breath-holds", f"{held} s of 60 s", unrest=unrest)
    lifeless = BreathingLife(chest_mm=0.0), PulseLife(strength=0.0)
    yield _person("no signal", "neither breath nor pulse", breathing=lifeless[0], pulse=lifeless[1])


def _camera_rows(full: bool) -> Iterator[Condition]:
    for fps in (5.0, 10.0, 15.0, 25.0, 60.0):
        yield _person("frames a second", f"{fps:g}", frames_per_s=fps)
    for crf in (18, 23, 28, 35):
        yield _person("H.264", f"crf {crf}", compression=Compression(crf=crf))
    if full:
        for tone in TONES:
            yield _person("H.264 and tone", tone, compression=Compression(crf=28), looks=Looks(skin=tone))
    yield _person("timing", "15 ms jitter", timing=Timing(jitter_ms=15.0))
    yield _person("timing", "5 ms wrong stamps", timing=Timing(stamp_ms=5.0))
    for share in (0.05, 0.3):
        yield _person("timing", f"{share:.0%} dropped", timing=Timing(dropped=share))
    for share in (0.02, 0.05, 0.1):
        steps = Steps(every_s=15.0, exposure=share, white_balance=0.7 * share)
        yield _person("exposure steps", f"{share:.0%} each 15 s", steps=steps)
    yield _person("flicker", "60 Hz, 29.97 fps", NTSC, mains=Mains(hz=60, depth=0.05))
    yield _person(
        "flicker", "60 Hz, 29.97 fps, no bands", NTSC, mains=Mains(hz=60, depth=0.05, readout_ms=0.0)
    )
    yield _person("flicker", "50 Hz, 25 fps, 0.2 Hz off", 25.0, mains=Mains(off_hz=0.2, depth=0.05))
    yield _person("flicker", "50 Hz, 30 fps", mains=Mains(depth=0.1))
    yield _person("flicker", "exposure of 10 ms", 25.0, mains=Mains(off_hz=0.2, exposure_ms=10.0))


def _disturbed(full: bool) -> Iterator[Condition]:
    for millimetres in (1, 3, 8, 20):
        yield _person("head sway", f"{millimetres} mm", unrest=Unrest(head_mm=millimetres))
    for millimetres in (10, 40):
        yield _person("bed shoved", f"{millimetres} mm", unrest=Unrest(bed_mm=millimetres))
    for share in (0.3, 1.0):
        yield _person("talking", f"{share:.0%} of the time", unrest=Unrest(talking=share))
    for fits in (1, 4):
        yield _person("coughs", f"{fits} a minute", unrest=Unrest(coughs_per_min=fits))
    for fidgets in (1, 5):
        yield _person("small movements", f"{fidgets} a minute", movement=Movement(fidgets_per_min=fidgets))
    for place in ("beside-bed", "in-bed", "door"):
        wide = Lens(aim="chest", distance_m=1.8)
        yield _person("second person", place, second=Second(place=place), lens=wide)
    room: dict[str, Any] = {"lens": Lens()}
    yield _person("things", "fan", fan=Fan(), **room)
    yield _person("things", "fan that swings", fan=Fan(swing_s=9.0), **room)
    yield _person("things", "curtain", curtain=Curtain(), **room)
    yield _person("things", "television", television=Television(), **room)
    yield _person("things", "television, dim room", television=Television(glow=0.25), **room)
    if full:
        yield _person("things", "all of them", fan=Fan(), curtain=Curtain(), television=Television(), **room)


def _nobody_rows() -> Iterator[Condition]:
    yield _nobody("empty room")
    yield _nobody("empty room, 10 lux", light=Light(lux=10))
    yield _nobody("fan", fan=Fan())
    yield _nobody("fan, 1/3 of the frames' pace", fan=Fan(rev_per_min=601.0))
    yield _nobody("fan that swings", fan=Fan(swing_s=9.0))
    yield _nobody("fan that swings fast", fan=Fan(swing_s=4.0))
    for hz in (0.15, 0.3, 0.6):
        yield _nobody(f"curtain, {hz} Hz", curtain=Curtain(sway_hz=hz))
    yield _nobody("curtain, 1.2 Hz", curtain=Curtain(sway_hz=1.2, sway_mm=15.0))
    for glow in (0.02, 0.06, 0.25):
        yield _nobody(f"television, glow {glow}", television=Television(glow=glow))
    yield _nobody("flicker, 60 Hz at 29.97 fps", NTSC, mains=Mains(hz=60))
    yield _nobody("flicker, 60 Hz at 29.97 fps, no bands", NTSC, mains=Mains(hz=60, readout_ms=0.0))
    yield _nobody("flicker, 50 Hz at 25 fps, 0.3 Hz off", 25.0, mains=Mains(off_hz=0.3))
    yield _nobody("flicker, 50 Hz at 24.75 fps", 24.75, mains=Mains())
    yield _nobody("exposure steps of 5 %", steps=Steps(every_s=4.0, exposure=0.05))
    yield _nobody("H.264, crf 35", compression=Compression(crf=35, key_every_s=1.0))
