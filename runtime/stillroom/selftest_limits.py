"""What a self-test holds a unit to: one schema for `selftest.toml`, every key with its range and default.

`config/selftest.toml` shows each key with its unit; a test holds the two together. No limit was ever tried on hardware:
they are what the rest of the program needs to be right, or a data sheet promises.
"""

import hashlib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from stillroom.config import convert, read_toml
from stillroom.errors import ConfigError
from stillroom.selftest_forms import Limits

MARK = "limits_of"
"""The key by which a file of limits is known for one."""
FILE = "selftest.toml"

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Luma = Annotated[float, Meta(ge=0.0, le=255.0)]
Celsius = Annotated[float, Meta(ge=20.0, le=110.0)]
Ppm = Annotated[float, Meta(ge=1.0, le=100_000.0)]


class CameraLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether it is there."""

    model: Annotated[str, Meta(pattern=r"\A[a-z0-9_.-]{0,32}\Z", description="0 to 32 of a-z 0-9 _ . -")] = ""
    """As the camera names itself; empty: any that has a name."""
    first_frame_s: Annotated[float, Meta(ge=0.1, le=60.0)] = 8.0


class PictureLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """What it shows, of the whole picture; sharpness of the chart's edge."""

    seconds: Annotated[float, Meta(ge=2.0, le=120.0)] = 8.0
    """How long it looks, in the camera's own time; longer for a phantom that breathes."""
    sharpness_least: Annotated[float, Meta(ge=0.01, le=0.5)] = 0.1
    """Cycles a pixel at which half of the contrast is left (MTF50 of a slanted edge, ISO 12233)."""
    luma_least: Luma = 60.0
    luma_most: Luma = 200.0
    clipped_most: Share = 0.05
    gain_most: Annotated[float, Meta(ge=1.0, le=64.0)] = 8.0


class InfraredLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """The unit's own light in the dark; in place of `luma_least` and `gain_most` where the phantom is dark."""

    wanted: bool = True
    """False: this board has none, and the check is left out."""
    luma_least: Luma = 40.0
    gain_most: Annotated[float, Meta(ge=1.0, le=64.0)] = 16.0


class FrameLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """Their pace."""

    rate_off: Annotated[float, Meta(ge=0.001, le=0.5)] = 0.03
    dropped_most: Share = 0.01
    jitter_ms_most: Annotated[float, Meta(ge=0.1, le=50.0)] = 3.0
    """Nineteen in twenty frames are less early or late."""


class ModelLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """The three models."""

    look_ms_most: Annotated[float, Meta(ge=1.0, le=10_000.0)] = 700.0
    """All three, one after another, on one thread; the median of five."""


class ClockLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """The machine's own clock."""

    off_s_most: Annotated[float, Meta(ge=0.001, le=3600.0)] = 5.0


class CardLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the unit keeps what waits."""

    write_mb_per_s_least: Annotated[float, Meta(ge=0.1, le=10_000.0)] = 5.0
    flush_ms_most: Annotated[float, Meta(ge=0.1, le=10_000.0)] = 150.0
    """Of one page and its flush, as each event costs; the ninth of ten."""
    wear_most: Share = 0.2
    """Of its life, as an eMMC tells of itself."""
    overwritten_most: Annotated[float, Meta(ge=0.1, le=10_000.0)] = 20.0
    """Times its size, in the file system's life, where a card does not tell of its wear."""


class BoardLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """Heat. Throttling is never allowed."""

    celsius_most: Celsius = 65.0


class PanelLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """The button."""

    press_within_s: Annotated[float, Meta(ge=1.0, le=120.0)] = 20.0


class SoakLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """Over all hours of `--hours`."""

    rate_off: Annotated[float, Meta(ge=0.001, le=0.5)] = 0.03
    dropped_most: Share = 0.005
    celsius_most: Celsius = 75.0
    drift_ppm_most: Ppm = 200.0
    """Of the frames' pace, from the first tenth of the time to the last."""
    memory_mb_most: Annotated[float, Meta(ge=0.1, le=1000.0)] = 8.0
    """By which the camera's process may grow, from the first tenth on."""


class SelfTestLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """All of `selftest.toml`."""

    limits_of: Annotated[str, Meta(min_length=1, max_length=80)] = "any board"
    camera: CameraLimits = CameraLimits()
    picture: PictureLimits = PictureLimits()
    infrared: InfraredLimits = InfraredLimits()
    frames: FrameLimits = FrameLimits()
    models: ModelLimits = ModelLimits()
    clock: ClockLimits = ClockLimits()
    card: CardLimits = CardLimits()
    board: BoardLimits = BoardLimits()
    panel: PanelLimits = PanelLimits()
    soak: SoakLimits = SoakLimits()


def load_limits(path: Path) -> SelfTestLimits:
    """Read and check limits. Raises ConfigError: file, key, value, what is allowed."""
    raw = read_toml(path)
    if MARK not in raw:
        raise ConfigError(f"{path}: key '{MARK}' is missing: add it, such as {MARK} = \"board 4, camera v3\"")
    limits = convert(path, raw, SelfTestLimits)
    if limits.picture.luma_least >= limits.picture.luma_most:
        low, high = limits.picture.luma_least, limits.picture.luma_most
        raise ConfigError(
            f"{path}: key 'picture.luma_least' = {low:g}: must be less than 'luma_most', {high:g}"
        )
    return limits


def limits_for(unit_folder: Path, given: Path | None) -> SelfTestLimits:
    """Those of a file; without one, those that lie beside `unit.toml`, else the defaults. Raises ConfigError."""
    beside = unit_folder / FILE
    if given is None and not beside.exists():
        return SelfTestLimits()
    return load_limits(given or beside)


def named(limits: SelfTestLimits) -> Limits:
    """As a report names them."""
    return Limits(limits.limits_of, hashlib.sha256(msgspec.json.encode(limits)).hexdigest())


def check_file(path: Path) -> list[str]:
    """What `stillroom check` says of sound limits. Raises ConfigError."""
    limits = load_limits(path)
    return [
        f"{path}: sound",
        f"  limits of a self-test, of {limits.limits_of}",
        f"  sha256 {named(limits).sha256}",
    ]
