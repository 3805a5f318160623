"""One schema for `unit.toml`: every key with its type, range and default. Unknown keys are refused.

`config/unit.toml` shows each key with unit and range; a test holds the two together.
"""

import os
import stat
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from stillroom.config_conditions import ConditionsConfig
from stillroom.config_technical import TechnicalConfig
from stillroom.errors import ConfigError

Name = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,31}\Z", description="1 to 32 of a-z 0-9 -")]
Place = Annotated[float, Meta(ge=0.0, le=1.0)]
Point = Annotated[tuple[Place, Place], Meta(description="a corner [x, y], each 0 to 1")]
Polygon = Annotated[
    tuple[Point, ...],
    Meta(min_length=3, max_length=32, description="a list of 3 to 32 corners [x, y], each 0 to 1"),
]


MAX_FILE_BYTES = 256 * 1024
LEAST_PAUSE_S = 60.0
NO_LINE = -1
OWN_CAMERA = "picamera2"
"""The kind that a unit has; every other kind is the lab's."""


class Paths(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the unit keeps things. Relative paths start at the folder of the configuration file."""

    keys: str = "keys"
    """The unit's own secret keys; read by the keeper alone."""
    trust: str = "trust"
    """Signed documents of the site: roster, authorisations, withdrawals."""
    state: str = "state"
    """The keeper's database. Survives a restart."""
    run: str = "run"
    """Sockets and the eye's start signal. Emptied at start; a tmpfs on a unit."""


class CameraConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Which camera, and what is asked of it."""

    kind: Annotated[str, Meta(pattern=r"\A[a-z0-9]{1,16}\Z", description="1 to 16 of a-z 0-9")] = OWN_CAMERA
    """`picamera2`, or one that the tools register: `simulated`, `recorded`."""
    source: str = ""
    """simulated: a scenario file; recorded: a video file; picamera2: empty, or the camera's number."""
    width_px: Annotated[int, Meta(ge=16, le=1920, multiple_of=2)] = 640
    height_px: Annotated[int, Meta(ge=16, le=1080, multiple_of=2)] = 480
    frames_per_s: Annotated[float, Meta(ge=1.0, le=60.0)] = 30.0
    mains_hz: Literal[50, 60] = 50
    """picamera2: of the lamps' power: an exposure holds whole periods of their flicker."""
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0
    """simulated: same seed, same frames."""
    loop: bool = False
    """recorded: start again at the end; time goes on."""
    speed: Literal["real", "max"] = "real"
    """simulated and recorded: in real time, or as fast as the machine can."""
    cues: str = ""
    """simulated: a file of cues that is watched while the camera runs (the demo's keys). Empty: none."""


class DetectorConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The models that confirm what the cells found."""

    models: str = "models"
    """The folder of the weights; where they are not there, the user's cache (`stillroom models`). Empty: none."""


class Zones(Struct, frozen=True, forbid_unknown_fields=True):
    """Polygons as lists of [x, y], each 0 to 1 from the picture's left upper corner."""

    bed: Polygon | None = None
    bed_edge: Polygon | None = None
    """Where the feet of somebody stand who sits on the bed's edge. Needs `bed`."""
    door: Polygon | None = None
    bathroom_door: Polygon | None = None
    chair: Polygon | None = None
    """Who rests there is not on the floor, however he is held."""
    floor: Polygon | None = None
    private: Annotated[
        tuple[Polygon, ...],
        Meta(max_length=8, description="a list of at most 8 outlines, each a list of corners"),
    ] = ()
    """Never read: masked in the first pass over the picture."""

    @property
    def doors(self) -> tuple[Polygon, ...]:
        """Where people come in and go out, as far as they were drawn."""
        return tuple(each for each in (self.door, self.bathroom_door) if each is not None)


class RoomConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """How long something must last before the room's state changes."""

    enter_dwell_s: Annotated[float, Meta(ge=0.2, le=30.0)] = 0.6
    bed_dwell_s: Annotated[float, Meta(ge=0.5, le=120.0)] = 3.0
    leave_dwell_s: Annotated[float, Meta(ge=1.0, le=600.0)] = 5.0
    """A tenth of it where a model too finds nobody."""
    still_empty_s: Annotated[float, Meta(ge=20.0, le=3600.0)] = 45.0
    """Nothing moved or breathed since the camera opened, for so long: empty."""
    unseen_unknown_s: Annotated[float, Meta(ge=60.0, le=86_400.0)] = 600.0
    """Somebody was seen off the bed, nobody was seen leaving, and nothing shows any more, for so long: unknown."""


class PanelConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The light and the button on the unit."""

    kind: Literal["gpio", "file"] = "gpio"
    """`gpio`: pins of a chip; `file`: on a laptop, the light is the file `indicator` in 'paths.run'."""
    chip: str = "/dev/gpiochip0"
    light_line: Annotated[int, Meta(ge=0, le=1023)] = 17
    feedback_line: Annotated[int, Meta(ge=-1, le=1023)] = NO_LINE
    """An input that is high while the light draws current; without one a broken lamp cannot be told."""
    button_line: Annotated[int, Meta(ge=-1, le=1023)] = 27
    """A push button to ground."""
    required: bool = True
    """Without a light that works the camera stays closed; `care` takes nothing else."""


class PauseConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The button in the room."""

    duration_s: Annotated[float, Meta(ge=LEAST_PAUSE_S, le=86_400.0)] = 900.0
    """How long one press stops all sensing; a second press ends it. No policy makes it shorter than a minute."""


class SlotsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The metronome: one record of one size each period, whatever happens."""

    period_s: Annotated[float, Meta(ge=0.5, le=10.0)] = 2.0


class OutboxConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """What waits for the gateway's word that it has it."""

    max_entries: Annotated[int, Meta(ge=100, le=10_000_000)] = 200_000
    reserve_mb: Annotated[float, Meta(ge=1.0, le=10_000.0)] = 64.0
    """With less than that free on the card: a condition, and routine entries are thinned."""
    summary_s: Annotated[float, Meta(ge=10.0, le=3600.0)] = 60.0


class BrokerConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The facility's MQTT broker."""

    host: Annotated[
        str,
        Meta(
            pattern=r"\A[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?\Z",
            description="a host name or an address",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8883
    tls: bool = True
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    username: str = ""
    password_file: str = ""
    keepalive_s: Annotated[int, Meta(ge=5, le=600)] = 15


class UnitConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """All of `unit.toml`."""

    site: Name
    unit: Name
    authority: Annotated[
        str,
        Meta(
            pattern=r"\A([a-z0-9-]{1,32}/[a-z0-9-]{1,32}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44})?\Z",
            description="a verifier key, name+hash+key, as in `authority.pub`",
        ),
    ] = ""
    """Whose word this unit obeys, for good: here, where neither keeper nor eye can write. Empty: of no site yet."""
    profile: Literal["care", "lab"] = "care"
    """`care` refuses a simulated or recorded camera; `lab` says so in every record."""
    paths: Paths = Paths()
    camera: CameraConfig = CameraConfig()
    detector: DetectorConfig = DetectorConfig()
    zones: Zones = Zones()
    room: RoomConfig = RoomConfig()
    conditions: ConditionsConfig = ConditionsConfig()
    technical: TechnicalConfig = TechnicalConfig()
    pause: PauseConfig = PauseConfig()
    panel: PanelConfig = PanelConfig()
    slots: SlotsConfig = SlotsConfig()
    outbox: OutboxConfig = OutboxConfig()
    broker: BrokerConfig = BrokerConfig()
    folder: Path = Path()
    """Set by `load`: the folder of the file; not a key."""

    def path(self, relative: str) -> Path:
        """`relative` from the folder of the configuration file; an absolute path stays as it is."""
        return self.folder / relative


T = TypeVar("T", bound=Struct)


def load(path: Path) -> UnitConfig:
    """Read and check `unit.toml`. Raises ConfigError: file, key, value, what is allowed."""
    raw = read_toml(path)
    if "folder" in raw:
        raise ConfigError(f"{path}: unknown key 'folder': remove it")
    config = convert(path, raw, UnitConfig)
    from stillroom.config_together import check_together

    check_together(path, config)
    return msgspec.structs.replace(config, folder=path.resolve().parent)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises ConfigError where it is missing, unreadable or not TOML."""
    try:
        return tomllib.loads(_read_bounded(path).decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not a text file in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: not valid TOML: nested too deeply") from None


def _read_bounded(path: Path) -> bytes:
    """Opened so that a FIFO or a device cannot hold us up."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ConfigError(f"{path}: not a plain file")
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_FILE_BYTES >> 10} KiB, which no configuration is")
    return data


def convert(path: Path, raw: dict[str, Any], schema: type[T]) -> T:
    """Check raw tables against a schema. Raises ConfigError naming file, key, value and what is allowed."""
    try:
        return msgspec.convert(raw, schema, strict=True)
    except msgspec.ValidationError as error:
        from stillroom.config_words import explain

        raise ConfigError(f"{path}: {explain(str(error), raw, schema)}") from None
