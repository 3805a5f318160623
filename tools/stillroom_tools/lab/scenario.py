"""A scenario: one simulated room and what happens in it, as a TOML file. Unknown keys are refused.

A name without a unit in it is a ratio, a name or a count. Times are seconds of frame time from the first frame.
"""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from stillroom.config import Zones, convert, read_toml
from stillroom.config_conditions import ConditionsConfig, Time
from stillroom.config_together import check_zones
from stillroom_tools.lab.scenario_check import check
from stillroom_tools.lab.scenario_expect import Expected, Never
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
from stillroom_tools.lab.scenario_verbs import CUES as CUES
from stillroom_tools.lab.scenario_verbs import CameraCue as CameraCue
from stillroom_tools.lab.scenario_verbs import Cue as Cue
from stillroom_tools.lab.scenario_verbs import Verb, Where

Lux = Annotated[float, Meta(ge=0.1, le=2000.0)]
Colour = tuple[
    Annotated[int, Meta(ge=0, le=255)], Annotated[int, Meta(ge=0, le=255)], Annotated[int, Meta(ge=0, le=255)]
]
Name = Annotated[str, Meta(min_length=1, max_length=24, pattern=r"\A[a-z][a-z0-9-]*\Z")]
LASTS_AFTER_S = 30.0


class Act(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that happens. A person who is elsewhere first goes where it can happen."""

    at_s: Annotated[float, Meta(ge=0.0, le=86_400.0)]
    do: Verb
    who: Name | None = None
    """A name of `people` or `things`; the resident where it is not said."""
    jitter_s: Annotated[float, Meta(ge=0.0, le=3600.0)] = 0.0
    """Most by which the seed moves it earlier or later; acts stay in their order."""
    lux: Lux | None = None
    """Of `light` alone: how bright the room is from then on."""
    over_s: Annotated[float, Meta(ge=0.0, le=7200.0)] = 0.0
    """Of `light` alone: how long the change takes; a sunrise is thousands of seconds, a switch 0."""
    where: Where | None = None
    """Of `fall`, `sit-floor` and `crawl`: on which floor; the open one where it is not said. Who lies in bed and falls
    `behind-bed` rolls out of it; `bed-edge` (of `fall` alone): slides from where he sits there."""
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
    turns_per_h: Annotated[float, Meta(ge=0.0, le=60.0)] = 0.0
    """Turns in bed that no act says, by the seed (sleepers 2 to 6 an hour, restless ones 10 to 20, assumed)."""
    wheelchair: bool = False
    """Moves about sitting in a wheelchair, which waits beside the bed meanwhile."""


class Furniture(Struct, frozen=True, forbid_unknown_fields=True):
    """What the room has beside bed and door. Without the table: nothing, and no zone for the bed's edge."""

    bathroom: bool = False
    """A door in the back wall, behind which nobody is seen; no television hangs there then."""
    chair: bool = False
    """An armchair below the window, behind the bed."""


Begins = Literal["outside", "room", "bed", "chair", "bathroom"]


class Somebody(Struct, frozen=True, forbid_unknown_fields=True):
    """One more person. Nothing but `name` need be said."""

    name: Name
    role: Literal["nurse", "visitor", "resident"] = "visitor"
    begins: Begins = "outside"
    looks: Looks | None = None
    """Where it is not said: what such people wear (assumed)."""
    breathing: BreathingLife = BreathingLife(breaths_per_min=16.0)
    pulse: PulseLife = PulseLife(pulse_bpm=76.0)
    movement: Movement = Movement()

    @property
    def dress(self) -> Looks:
        return self.looks or _DRESS[self.role]


_DRESS = {
    "nurse": Looks(shirt_rgb=(108, 160, 166), trousers_rgb=(96, 136, 146)),
    "visitor": Looks(skin="light", shirt_rgb=(150, 96, 88)),
    "resident": Looks(skin="dark", shirt_rgb=(150, 146, 104)),
}


class Thing(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that goes about and is nobody."""

    name: Name
    kind: Literal["pet", "robot"]
    begins: Literal["outside", "room"] = "outside"
    """A pet; a robot always begins at its dock, beside the door."""
    m_per_s: Annotated[float, Meta(ge=0.05, le=3.0)] | None = None
    """m/s; where it is not said 0.7 for a pet (a cat that walks) and 0.3 for a robot (both assumed)."""


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    """All of a scenario file."""

    title: Annotated[str, Meta(min_length=1, max_length=120)]
    acts: Annotated[tuple[Act, ...], Meta(max_length=1000)] = ()
    repeat_s: Annotated[float, Meta(ge=0.0, le=86_400.0)] = 0.0
    """The acts begin again after so many seconds; 0: they happen once and the room stays as it is."""
    begins: Begins = "outside"
    """Where the resident is at first. All keys up to `unrest` are about him."""
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
    room: Furniture | None = None
    people: Annotated[tuple[Somebody, ...], Meta(max_length=4)] = ()
    things: Annotated[tuple[Thing, ...], Meta(max_length=4)] = ()
    zones: Zones = Zones()
    """For the unit that looks at this room; the simulator itself does not read them."""
    conditions: ConditionsConfig = ConditionsConfig()
    """Of that unit, as in its own file."""
    detector: Literal["stand-in", "none"] = "stand-in"
    """none: the unit has no weights."""
    clock: Time = "12:00"
    """Time of day, in the time zone of `conditions`, at which it begins."""
    lasts_s: Annotated[float, Meta(ge=1.0, le=86_400.0)] | None = None
    """How long `stillroom simulate` goes on; half a minute after the last act, or one round, where it is not said."""
    expects: Annotated[tuple[Expected, ...], Meta(max_length=256)] = ()
    """What the unit must tell."""
    never: Annotated[tuple[Never, ...], Meta(max_length=256)] = ()
    """What it must not."""

    @property
    def seconds(self) -> float:
        """How long it goes on."""
        if self.lasts_s is not None:
            return self.lasts_s
        return self.repeat_s or max((act.at_s for act in self.acts), default=0.0) + LASTS_AFTER_S


def load_scenario(path: Path) -> Scenario:
    """Read and check a scenario. Raises ConfigError: file, key, value, what is allowed."""
    scenario = convert(path, read_toml(path), Scenario)
    check_zones(path, scenario.zones)
    check(path, scenario)
    return scenario


def check_file(path: Path) -> list[str]:
    """What `stillroom check` says of a sound scenario. Raises ConfigError."""
    scenario = load_scenario(path)
    drawn = [name for name in scenario.zones.__struct_fields__ if getattr(scenario.zones, name)]
    told = f"{len(scenario.expects)} things expected, {len(scenario.never)} that must not be"
    return [
        f"{path}: sound",
        f"  scenario '{scenario.title}', {scenario.seconds:g} s from {scenario.clock}",
        f"  zones {', '.join(drawn).replace('_', ' ') or 'none'}",
        f"  {len(scenario.acts)} acts; {told}",
    ]
