"""A scenario: one simulated room and what happens in it, as a TOML file. Unknown keys are refused.

A name without a unit in it is a ratio, a name or a count. Times are seconds of frame time from the first frame.
"""

import math
from pathlib import Path
from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from stillroom.config import Zones, convert, read_toml
from stillroom.config_together import check_zones
from stillroom.errors import ConfigError
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

CameraCue = Literal["cover", "uncover", "knock", "blur", "dazzle", "freeze", "mend"]
"""What happens to the camera."""
Cue = Literal["enter", "lie-down", "turn", "sit-up", "get-up", "fall", "leave", CameraCue]
"""What a live cue may say."""
Verb = Literal[Cue, "light"]
CUES: tuple[str, ...] = get_args(Cue)

Lux = Annotated[float, Meta(ge=0.1, le=2000.0)]
Colour = tuple[
    Annotated[int, Meta(ge=0, le=255)], Annotated[int, Meta(ge=0, le=255)], Annotated[int, Meta(ge=0, le=255)]
]


HEADROOM_M = 1.7
"""From somebody's face in bed to the ceiling."""


class Act(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that happens. A person who is elsewhere first goes where it can happen."""

    at_s: Annotated[float, Meta(ge=0.0, le=86_400.0)]
    do: Verb
    lux: Lux | None = None
    """Of `light` alone: how bright the room is from then on."""
    turn_deg: Annotated[float, Meta(ge=-20.0, le=20.0)] | None = None
    """Of `knock` alone: how far the camera is turned downwards (7 where it is not said)."""


class Lens(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the sensor hangs and what it is."""

    height_m: Annotated[float, Meta(ge=1.6, le=3.0)] = 2.2
    pitch_deg: Annotated[float, Meta(ge=15.0, le=45.0)] = 28.0
    """Downwards from level."""
    view_deg: Annotated[float, Meta(ge=40.0, le=102.0)] = 66.0
    """Horizontal angle of view."""
    distance_scale: Annotated[float, Meta(ge=0.5, le=2.0)] = 1.0
    """1: about 2.8 m from the lens to a sleeper's chest. Of `aim = "room"` alone."""
    aim: Literal["room", "chest", "face"] = "room"
    """What is in the middle of the picture: the room as it hangs, or a part of who lies in bed."""
    distance_m: Annotated[float, Meta(ge=0.6, le=5.0)] = 2.8
    """m from the lens to what it is aimed at; with `aim = "room"` not used, nor is height_m with the others."""
    sensor: Literal["imx219", "imx477", "imx708"] = "imx477"
    binned_px: Annotated[float, Meta(ge=1.0, le=32.0)] = 4.0
    """Sensor pixels of one colour averaged into one value of the picture (assumed: 2x2 binning, then halving)."""
    noise: Annotated[float, Meta(ge=0.0, le=4.0)] = 1.0
    """Times the physical noise; 0 switches it off."""


class Light(Struct, frozen=True, forbid_unknown_fields=True):
    """How bright the room is at first."""

    lux: Lux = 200.0
    infrared: bool = False
    """A monochrome sensor under an infrared lamp as bright as `lux`; things keep their luma (assumed), skin of every
    tone is alike (melanin hardly absorbs beyond 850 nm)."""


class Looks(Struct, frozen=True, forbid_unknown_fields=True):
    """What the person looks like."""

    skin: Literal["light", "medium", "dark", "very-dark"] = "medium"
    shirt_rgb: Colour = (92, 122, 158)
    trousers_rgb: Colour = (70, 74, 88)
    blanket: Literal["hip", "chest", "neck"] = "hip"
    """How far a lying person is covered; on the chest it moves with it, four fifths as far (assumed)."""


class BreathingLife(Struct, frozen=True, forbid_unknown_fields=True):
    """How the person breathes."""

    breaths_per_min: Annotated[float, Meta(ge=4.0, le=45.0)] = 14.5
    variability: Annotated[float, Meta(ge=0.0, le=0.3)] = 0.03
    """Standard deviation of the rate as a share of it; it wanders over tens of seconds."""
    chest_mm: Annotated[float, Meta(ge=0.0, le=20.0)] = 5.0
    """Peak to peak, away from the mattress (rib cage 3-5 mm: De Groote 1997)."""


class PulseLife(Struct, frozen=True, forbid_unknown_fields=True):
    """How the heart beats."""

    pulse_bpm: Annotated[float, Meta(ge=35.0, le=190.0)] = 66.0
    variability: Annotated[float, Meta(ge=0.0, le=0.2)] = 0.02
    strength: Annotated[float, Meta(ge=0.0, le=4.0)] = 1.0
    """Times the colour change measured on skin of this tone; 0: no pulse to be seen."""
    infrared_share: Annotated[float, Meta(ge=0.0, le=0.01)] = 0.0015
    """The same in infrared light, peak to peak over the mean (0.0005 to 0.003, assumed); times `strength`."""


class Movement(Struct, frozen=True, forbid_unknown_fields=True):
    """How the person moves."""

    walk_m_per_s: Annotated[float, Meta(ge=0.3, le=2.0)] = 1.1
    fidgets_per_min: Annotated[float, Meta(ge=0.0, le=20.0)] = 0.7
    """Small movements of a person who otherwise lies, sits or stands still."""


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    """All of a scenario file."""

    title: Annotated[str, Meta(min_length=1, max_length=120)]
    acts: Annotated[tuple[Act, ...], Meta(max_length=1000)] = ()
    repeat_s: Annotated[float, Meta(ge=0.0, le=86_400.0)] = 0.0
    """The acts begin again after so many seconds; 0: they happen once and the room stays as it is."""
    begins: Literal["outside", "bed"] = "outside"
    """Where the person is at first."""
    lens: Lens = Lens()
    light: Light = Light()
    looks: Looks = Looks()
    breathing: BreathingLife = BreathingLife()
    pulse: PulseLife = PulseLife()
    movement: Movement = Movement()
    unrest: Unrest = Unrest()
    timing: Timing = Timing()
    mains: Mains | None = None
    steps: Steps | None = None
    compression: Compression | None = None
    second: Second | None = None
    fan: Fan | None = None
    curtain: Curtain | None = None
    television: Television | None = None
    zones: Zones = Zones()
    """For the unit that looks at this room; the simulator itself does not read them."""


def load_scenario(path: Path) -> Scenario:
    """Read and check a scenario. Raises ConfigError: file, key, value, what is allowed."""
    scenario = convert(path, read_toml(path), Scenario)
    check_zones(path, scenario.zones)
    lens = scenario.lens
    if lens.aim != "room" and lens.distance_m * math.sin(math.radians(lens.pitch_deg)) > HEADROOM_M:
        raise ConfigError(
            f"{path}: key 'lens.distance_m' = {lens.distance_m}: with pitch_deg = {lens.pitch_deg} the lens would be "
            "above the ceiling; make either smaller"
        )
    before_s = 0.0
    for index, act in enumerate(scenario.acts):
        key = f"{path}: key 'acts.{index}"
        if act.at_s < before_s:
            raise ConfigError(
                f"{key}.at_s' = {act.at_s}: acts must be in order of time (before it: {before_s})"
            )
        if scenario.repeat_s and act.at_s >= scenario.repeat_s:
            raise ConfigError(f"{key}.at_s' = {act.at_s}: must be below repeat_s = {scenario.repeat_s}")
        if (act.do == "light") != (act.lux is not None):
            raise ConfigError(f"{key}.lux': needed by 'light', and allowed there alone (here: '{act.do}')")
        if act.turn_deg is not None and act.do != "knock":
            raise ConfigError(f"{key}.turn_deg': allowed with 'knock' alone (here: '{act.do}')")
        before_s = act.at_s
    return scenario
