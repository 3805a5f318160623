"""All that an eye may say. One row a field: type, range, unit, and what it can identify.

The keeper decodes with these ranges enforced: an eye that says anything else is cut off.
`identifies`: "none" (says nothing about a person), "person" (health or behaviour of whoever is there).
No field holds a picture, a grid or anything from which one could be drawn.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Withheld = Literal[
    "no-person", "several-people", "motion", "dark", "clipped", "low-signal", "warming-up", "unsupported"
]
"""Why there is no value. `unsupported` also stands for a reading that the authorisation does not allow."""

NOBODY = Meta(extra={"unit": "", "identifies": "none"})
PERSON = Meta(extra={"unit": "", "identifies": "person"})

Share = Annotated[float, Meta(ge=0.0, le=1.0, extra={"unit": "1", "identifies": "none"})]
PersonShare = Annotated[float, Meta(ge=0.0, le=1.0, extra={"unit": "1", "identifies": "person"})]
PerMinute = Annotated[float, Meta(ge=3.0, le=240.0, extra={"unit": "/min", "identifies": "person"})]
Seconds = Annotated[float, Meta(ge=0.0, le=600.0, extra={"unit": "s", "identifies": "none"})]
Nanoseconds = Annotated[int, Meta(ge=0, le=2**63 - 1, extra={"unit": "ns", "identifies": "none"})]
Count = Annotated[int, Meta(ge=0, le=2**53, extra={"unit": "1", "identifies": "none"})]
FramesPerSecond = Annotated[float, Meta(ge=0.0, le=240.0, extra={"unit": "Hz", "identifies": "none"})]
Luma = Annotated[float, Meta(ge=0.0, le=255.0, extra={"unit": "1", "identifies": "none"})]
Method = Annotated[
    str,
    Meta(min_length=1, max_length=16, pattern=r"\A[a-z0-9-]+\Z", extra={"unit": "", "identifies": "none"}),
]

Health = Literal["unsure", "good", "covered", "dark", "blinded", "blurred", "frozen", "moved"]
"""What the camera itself can be. `unsure`: nothing is said; what was said before stands."""

MAX_BLOBS = 4
MAX_PEOPLE = 4
People = Annotated[int, Meta(ge=0, le=MAX_PEOPLE, extra={"unit": "1", "identifies": "person"})]
Posture = Annotated[
    Literal["upright", "sitting", "lying", "unsure"], Meta(extra={"unit": "", "identifies": "person"})
]


class Reading(Struct, frozen=True, forbid_unknown_fields=True):
    """A rate with its quality, or the one reason why there is none (never both)."""

    value: PerMinute | None = None
    quality: PersonShare | None = None
    withheld: Annotated[Withheld, PERSON] | None = "warming-up"
    method: Method = "none"
    window_s: Seconds = 0.0

    def __post_init__(self) -> None:
        trusted = self.value is not None and self.quality is not None and self.withheld is None
        absent = self.value is None and self.quality is None and self.withheld is not None
        if not (trusted or absent):
            raise ValueError("a reading has value and quality, or a reason, never both")


class Box(Struct, frozen=True, forbid_unknown_fields=True):
    """Where in the picture, from its left upper corner; sizes as shares of the picture."""

    x0: PersonShare
    y0: PersonShare
    x1: PersonShare
    y1: PersonShare


def common(box: Box, other: Box) -> float:
    """Intersection over union."""
    wide = min(box.x1, other.x1) - max(box.x0, other.x0)
    high = min(box.y1, other.y1) - max(box.y0, other.y0)
    if wide <= 0 or high <= 0:
        return 0.0
    areas = [(b.x1 - b.x0) * (b.y1 - b.y0) for b in (box, other)]
    return wide * high / max(sum(areas) - wide * high, 1e-9)


class Blob(Struct, frozen=True, forbid_unknown_fields=True):
    """A connected part of the picture that differs from the empty room."""

    box: Box
    area: PersonShare
    moving: PersonShare


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody whom a model saw and the cells agree with: where, how held, how sure. No name, no number."""

    box: Box
    posture: Posture
    certainty: PersonShare


class Observation(Struct, frozen=True, tag="observation", forbid_unknown_fields=True):
    """What the eye saw in a fifth of a second."""

    frame_ns: Nanoseconds
    captured_mono_ns: Nanoseconds
    luma_mean: Luma
    clipped: Share
    dark: Annotated[bool, NOBODY]
    light_changed: Annotated[bool, NOBODY]
    background: Annotated[Literal["none", "learning", "learned"], NOBODY]
    motion: PersonShare
    motion_box: Box | None
    blobs: Annotated[tuple[Blob, ...], Meta(max_length=MAX_BLOBS)]
    breathing_box: Box | None
    breathing: Reading
    pulse: Reading
    frames_per_s: FramesPerSecond
    frames_dropped: Count
    model: Method = "none"
    """Which model confirmed; `none`: motion, breathing and the empty room alone."""
    people: People | None = None
    """How many are believed there; None: no model, or it has not looked lately."""
    people_certainty: PersonShare | None = None
    persons: Annotated[tuple[Person, ...], Meta(max_length=MAX_PEOPLE)] = ()
    look_ms: (
        Annotated[float, Meta(ge=0.0, le=60_000.0, extra={"unit": "ms", "identifies": "none"})] | None
    ) = None
    """How long a model took for its last look; None: none has looked, or nobody measures."""
    health: Annotated[Health, Meta(extra={"unit": "", "identifies": "none"})] = "unsure"
    """Whether the camera still looks at the room that it looked at before."""
