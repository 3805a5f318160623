"""What a unit is told to do from afar, beside what it is allowed: signed by the authority, or by people of the roster.

Who may sign which, and what each does, is in WIRE.md; how a unit carries them out in `keeper/commands.py`.
"""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct, field

from stillroom.config_conditions import End, Level, Time
from stillroom.document_forms import Code, Dated, Timed
from stillroom.public_keys import PlainName, RawKey, can_receive
from stillroom.view_forms import BLOCKS, ViewLevel

MAX_PAUSE = timedelta(hours=8)
"""From afar: as long as a shift. For longer there are halts, which the authority signs."""


class Halt(Dated, frozen=True, forbid_unknown_fields=True):
    """No camera of this unit may be open, whatever else is signed, until this halt is lifted."""

    id: Code
    site: PlainName
    unit: PlainName | None
    """None: of every unit of the site."""


class Lift(Dated, frozen=True, forbid_unknown_fields=True):
    """The end of a halt, for good; of one for the whole site also for this unit alone."""

    halt: Code
    site: PlainName
    unit: PlainName | None


class Pause(Timed, frozen=True, forbid_unknown_fields=True):
    """Somebody of the roster wants this unit's camera closed for a while; it ends by itself."""

    id: Code
    site: PlainName
    unit: PlainName

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.until - self.start > MAX_PAUSE:
            raise ValueError(f"longer than {MAX_PAUSE.seconds // 3600} hours")


class Resume(Dated, frozen=True, forbid_unknown_fields=True):
    """The early end of a pause, by whoever signed it. The pause of the room's own button is not ended by this."""

    pause: Code
    site: PlainName
    unit: PlainName


class Acknowledgement(Dated, frozen=True, forbid_unknown_fields=True):
    """Somebody of the roster has seen one of a unit's entries. It closes nothing; it is kept that he has."""

    entry: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    site: PlainName
    unit: PlainName


class ViewRequest(Dated, frozen=True, forbid_unknown_fields=True):
    """A viewer of the roster asks for a look into the room, and says why."""

    id: Code
    site: PlainName
    unit: PlainName
    level: ViewLevel
    seconds: Annotated[int, Meta(ge=1, le=60)]
    reason: Code
    block: Annotated[int, Meta(ge=1, le=48)]
    """Side of the squares that a picture is averaged over; of a figure 1."""
    session: RawKey
    """X25519, made for this look alone: frames are sealed to it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.block not in BLOCKS or (self.level == "figure" and self.block != 1):
            raise ValueError(f"'block' is one of {', '.join(map(str, BLOCKS))}; of a figure 1")
        if not can_receive(self.session):
            raise ValueError("a session key that nobody can be sealed to")


PerMille = Annotated[int, Meta(ge=0, le=1000)]
Outline = Annotated[tuple[tuple[PerMille, PerMille], ...], Meta(min_length=3, max_length=32)]


class OrderedRow(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `[conditions]` or `[technical]`."""

    level: Level
    after_ms: Annotated[int, Meta(ge=0, le=86_400_000)]
    start: Time = field(name="from")
    until: End


class ConditionRows(Struct, frozen=True, forbid_unknown_fields=True):
    """All rows of one condition; none: never, or, of a technical one, as the site says."""

    condition: Code
    rows: Annotated[tuple[OrderedRow, ...], Meta(max_length=8)]


MAX_ROWS = 48
"""In one document: so that it fits in what a unit reads, with both outlines."""


class RoomConditions(Struct, frozen=True, forbid_unknown_fields=True):
    """Conditions for a room: what its resident needs, so they count only while the unit senses under this room's name.

    One that is not named stays as it is installed.
    """

    room: Code
    time_zone: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_+/-]{1,64}\Z")] | None
    each: Annotated[tuple[ConditionRows, ...], Meta(max_length=MAX_ROWS)]

    def __post_init__(self) -> None:
        if len({one.condition for one in self.each}) != len(self.each):
            raise ValueError("a condition twice")
        if sum(len(one.rows) for one in self.each) > MAX_ROWS:
            raise ValueError(f"more than {MAX_ROWS} rows")


class Configuration(Dated, frozen=True, forbid_unknown_fields=True):
    """What may be changed of a unit from afar, all of it at once; None: as it is in its `unit.toml`.

    Nothing here weakens a promise: camera, private zones, pause, slots, outbox, broker, profile and paths, and what
    decides when a room that shows nothing is empty or unknown, are changed at the unit alone.

    A room has its conditions here, and nowhere else: an authorisation says what may be sensed of whom and is renewed
    every 28 days, unit.toml belongs to whoever mounts the unit. So there is one place to look at for a room, one
    signature, and a room that gets another name goes by the unit's own conditions until somebody has thought of it.
    """

    site: PlainName
    unit: PlainName
    version: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    """A higher one replaces a lower, never the other way."""
    enter_dwell_ms: Annotated[int, Meta(ge=200, le=30_000)] | None
    bed_dwell_ms: Annotated[int, Meta(ge=500, le=120_000)] | None
    leave_dwell_ms: Annotated[int, Meta(ge=1_000, le=600_000)] | None
    summary_s: Annotated[int, Meta(ge=10, le=3_600)] | None
    bed: Outline | None
    """Corners in thousandths of the picture's width and height, from its left upper corner."""
    floor: Outline | None
    conditions: RoomConditions | None
