"""What crosses between a self-test and the process of it that may open the camera: numbers, and never a picture.

The walls are those of a running unit: that process has no key and no network, and lives by leases as an eye does.
"""

from typing import Annotated

from msgspec import Meta, Struct

from stillroom.link import Fault, Guarded, Number, Text
from stillroom.observation import FramesPerSecond, Share
from stillroom.phantom import Edge

SOCKET = "selftest.sock"

Positive = Annotated[float, Meta(ge=0.0, le=1e12)]


class Job(Struct, frozen=True, forbid_unknown_fields=True):
    """For the camera's process, on its command line."""

    config: str
    parent: int
    opener: str
    """`module:function` of a camera of the lab; empty for the unit's own."""
    seconds: Positive
    """Of the camera's time that are looked at."""
    soak_s: Positive = 0.0
    """So long it goes on after that."""
    edge: Edge | None = None
    rates: bool = False
    """Read breathing and pulse too."""


class Models(Struct, frozen=True, tag="models", forbid_unknown_fields=True):
    """Before the camera: which weights are there, and how long all of them look."""

    sha256: dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=64)]]
    wrong: Text
    """What is wrong with them; empty: nothing."""
    absent: Text
    """Why there are none; empty: they are there."""
    look_ms: Positive | None


class Kernel(Struct, frozen=True, tag="kernel", forbid_unknown_fields=True):
    """Values of the C kernel beside those of its reference: how many were compared, how many differ."""

    compared: Number
    differ: Number


class Look(Struct, frozen=True, tag="look", forbid_unknown_fields=True):
    """Some time of frames, in numbers."""

    model: Annotated[str, Meta(max_length=32)]
    """As the camera names itself; empty: it does not."""
    first_frame_s: Positive
    frames: Number
    expected_hz: FramesPerSecond
    pace_hz: FramesPerSecond
    """From the median of the times between frames."""
    dropped: Share
    jitter_ms: Positive
    luma: Annotated[float, Meta(ge=0.0, le=255.0)]
    clipped: Share
    still: bool
    """Every frame was the same to the last bit."""
    gain: Positive | None
    sharpness: Annotated[float, Meta(ge=0.0, le=2.0)] | None
    sharpness_why: Text
    kernel: Kernel
    """Of frames of the camera."""
    breaths: Annotated[tuple[Positive | None, ...], Meta(max_length=4096)] = ()
    pulse: Annotated[tuple[Positive | None, ...], Meta(max_length=4096)] = ()
    withheld: Annotated[tuple[Text, Text], Meta(description="of breathing and pulse")] = ("", "")


class Soaked(Struct, frozen=True, tag="soaked", forbid_unknown_fields=True):
    """How far a soak is; the last one says how it was."""

    done_s: Positive
    frames: Number
    dropped: Share
    pace_hz: FramesPerSecond
    drift_ppm: Annotated[float, Meta(ge=-1e7, le=1e7)] | None
    grown_mb: Annotated[float, Meta(ge=-1e5, le=1e5)] | None
    last: bool


class Beat(Struct, frozen=True, tag="beat", forbid_unknown_fields=True):
    """Frames come: so many so far. Once a second at least, until the look or a part of the soak is told."""

    frames: Number


class Ready(Struct, frozen=True, tag="ready", forbid_unknown_fields=True):
    """The camera is opened from the first lease on."""


CameraSays = Guarded | Models | Kernel | Ready | Beat | Look | Soaked | Fault
