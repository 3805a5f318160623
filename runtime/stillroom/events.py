"""Everything that may leave the unit. One row a field: type, range, unit, what it identifies; one class a thing.

`retention` says how long a facility keeps a thing: "live" (never stored), "routine", "care", "audit".
What is not described here cannot be sent: the keeper encodes these types and nothing else.
"""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from stillroom.observation import (
    NOBODY,
    PERSON,
    Count,
    FramesPerSecond,
    PersonShare,
    Reading,
    Share,
    Withheld,
)

RoomState = Literal[
    "unknown",
    "empty",
    "occupied",
    "in-bed",
    "bed-edge",
    "out-of-bed",
    "on-floor",
    "bathroom",
    "several-people",
]
GateReason = Literal[
    "open",
    "no-authorisation",
    "not-yet-valid",
    "expired",
    "review-overdue",
    "withdrawn",
    "paused",
    "clock-unsure",
    "indicator-fault",
    "camera-refused",
    "camera-moved",
    "halted",
    "safe-mode",
]
UtcMs = Annotated[int, Meta(ge=0, le=2**53, extra={"unit": "ms", "identifies": "none"})]
Code = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9.-]{0,47}\Z", extra={"unit": "", "identifies": "none"})]
Why = Annotated[str, Meta(max_length=120, extra={"unit": "", "identifies": "person"})]
Hash = Annotated[bytes, Meta(min_length=32, max_length=32, extra={"unit": "", "identifies": "none"})]
PerMinute = Annotated[float, Meta(ge=3.0, le=240.0, extra={"unit": "/min", "identifies": "person"})]

ClockSource = Literal["gateway", "grace", "system", "unsure"]
"""Its signed time; the grace after a boot; the system clock, where there is no gateway; none."""


class Snapshot(Struct, frozen=True, forbid_unknown_fields=True):
    """The room now. From memory, in every slot, never stored on the unit."""

    retention: ClassVar[str] = "live"

    room: Code
    state: Annotated[RoomState, PERSON]
    state_since_ms: UtcMs
    gate: Annotated[GateReason, NOBODY]
    breathing: Reading
    pulse: Reading
    motion: PersonShare
    camera: Code
    model: Code
    frames_per_s: FramesPerSecond
    frames_dropped: Count
    faults: tuple[Code, ...]
    accepted: Count
    """Number of the newest durable entry that this unit accepted; 0 where there is none."""
    waiting: Count
    """Durable entries not yet acknowledged."""
    refused: Count
    """Records downwards that this unit refused since it started, for whatever reason."""
    clock: Annotated[ClockSource, NOBODY]
    links: Count
    """Index of the newest link of the audit chain that is on the unit's card; 0 where there is none."""
    head: Hash
    """Its head: what the chain must lead to, whatever becomes of the links on their way."""


class StateChanged(Struct, frozen=True, tag="state", forbid_unknown_fields=True):
    """The room's state changed; `why` gives the numbers."""

    retention: ClassVar[str] = "care"

    state: Annotated[RoomState, PERSON]
    before: Annotated[RoomState, PERSON]
    why: Why
    model: Code = "none"
    """Which model confirmed it; `none`: motion, breathing and the empty room alone."""


class ConditionChanged(Struct, frozen=True, tag="condition", forbid_unknown_fields=True):
    """A condition began or ended. Technical ones have level `technical`."""

    retention: ClassVar[str] = "care"

    kind: Code
    level: Annotated[Literal["high", "medium", "low", "technical"], NOBODY]
    active: Annotated[bool, PERSON]
    why: Why


class GateChanged(Struct, frozen=True, tag="gate", forbid_unknown_fields=True):
    """Sensing was allowed or stopped."""

    retention: ClassVar[str] = "audit"

    gate: Annotated[GateReason, NOBODY]
    authorisation: Code | None


class Audited(Struct, frozen=True, tag="audit", forbid_unknown_fields=True):
    """A link of the unit's signed record of what it did, from which nothing can be taken out unseen."""

    retention: ClassVar[str] = "audit"

    index: Annotated[int, Meta(ge=1, le=2**53, extra={"unit": "1", "identifies": "none"})]
    at_ms: UtcMs
    """When it happened; covered by the head, so that it stays when the words are erased."""
    body: Annotated[bytes, Meta(max_length=240, extra={"unit": "", "identifies": "person"})]
    salt: Annotated[bytes, Meta(min_length=16, max_length=16, extra={"unit": "", "identifies": "none"})]
    head: Hash
    signature: Annotated[bytes, Meta(min_length=64, max_length=64, extra={"unit": "", "identifies": "none"})]


class Summary(Struct, frozen=True, tag="summary", forbid_unknown_fields=True):
    """One stretch of time (a minute, by default) in numbers."""

    retention: ClassVar[str] = "routine"

    from_ms: UtcMs
    until_ms: UtcMs
    state: Annotated[RoomState, PERSON]
    motion: PersonShare
    sensed: Share
    """Share of the stretch in which the camera was sensing."""
    breaths_per_min: PerMinute | None
    breathing_trusted: PersonShare
    pulse_bpm: PerMinute | None
    pulse_trusted: PersonShare
    breathing_withheld: Annotated[Withheld, PERSON] | None = None
    """The commonest reason, where there is no rate; None where there is one, or the camera was closed throughout."""
    pulse_withheld: Annotated[Withheld, PERSON] | None = None


Celsius = Annotated[float, Meta(ge=-40.0, le=150.0, extra={"unit": "C", "identifies": "none"})]
LookMs = Annotated[float, Meta(ge=0.0, le=60_000.0, extra={"unit": "ms", "identifies": "none"})]
Megabytes = Annotated[int, Meta(ge=0, le=2**53, extra={"unit": "MB", "identifies": "none"})]


class Telemetry(Struct, frozen=True, tag="telemetry", forbid_unknown_fields=True):
    """How the unit itself is, each quarter of an hour: nothing of the room, and of nobody in it."""

    retention: ClassVar[str] = "routine"

    from_ms: UtcMs
    until_ms: UtcMs
    celsius: Celsius | None
    """The hottest sensor's hottest moment; None: the board shows none."""
    throttled: Count | None
    """How often, or in how many ways, the board had to slow down since its start; None: it does not tell."""
    frames_per_s: FramesPerSecond | None
    """As the eye said last; None: no camera was open."""
    frames_dropped: Count
    look_ms: LookMs | None
    """The longest that a model took for one look; None: none looked."""
    waiting: Count
    free_mb: Megabytes
    """On the card, in 10^6 bytes."""
    card_worn: Share | None
    """Of its life, as the card tells; None: it does not."""
    software: Code
    software_ms: UtcMs
    """When it was put on the unit."""
    configuration: Count
    """Version of the one from afar that is in force; 0: as installed."""
    configuration_hash: Hash | None
    roster: Count
    """Version of the one in force."""


class Lost(Struct, frozen=True, tag="lost", forbid_unknown_fields=True):
    """Entries that had to be dropped, said by the unit itself."""

    retention: ClassVar[str] = "audit"

    ranges: Annotated[tuple[tuple[Count, Count], ...], Meta(min_length=1, max_length=32)]
    """(first, last) numbers, both included; the gateway counts them as settled."""
    reason: Code


class Receipt(Struct, frozen=True, tag="receipt", forbid_unknown_fields=True):
    """What became of a command that came downwards."""

    retention: ClassVar[str] = "audit"

    command: Count
    """Its number."""
    kind: Code
    """Of the document that it brought; `unknown` where it is none that can be commanded."""
    document: Code | None
    """What it names: an authorisation's, halt's, pause's or request's id, the number of an entry, else None.

    None too where the document was not accepted.
    """
    outcome: Code
    """`done`, or why not."""


Event = StateChanged | ConditionChanged | GateChanged | Audited | Summary | Telemetry | Lost | Receipt


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """A durable event with its gapless number. Numbers start at 1 and never repeat in a unit's life."""

    number: Annotated[int, Meta(ge=1, le=2**53, extra={"unit": "1", "identifies": "none"})]
    at_ms: UtcMs
    """When what it tells of was seen."""
    accepted_ms: UtcMs
    """When the unit had it on its card."""
    event: Event
    late: Annotated[bool, NOBODY] = False


class Body(Struct, frozen=True, forbid_unknown_fields=True):
    """What one record upwards holds, before padding and sealing."""

    sealed_ms: UtcMs
    snapshot: Snapshot
    entries: tuple[Entry, ...]


MAX_PART_BYTES = 1_536
"""Of a document: one record downwards holds that much beside cursor and time, and eight ranges."""
MAX_PARTS = 11
"""As many as the largest document has."""
Part = Annotated[int, Meta(ge=1, le=MAX_PARTS, extra={"unit": "1", "identifies": "none"})]


class Command(Struct, frozen=True, forbid_unknown_fields=True):
    """A signed document for the unit, or one part of it. Said again, part by part, until its receipt came."""

    number: Annotated[int, Meta(ge=1, le=2**53, extra={"unit": "1", "identifies": "none"})]
    """Rises from command to command; one that is not higher than the last one carried out is not carried out."""
    part: Part
    """Which one this is, from 1."""
    parts: Part
    note: Annotated[bytes, Meta(max_length=MAX_PART_BYTES, extra={"unit": "", "identifies": "none"})]

    def __post_init__(self) -> None:
        if self.part > self.parts:
            raise ValueError("a part beyond the last")


class DownBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What one record downwards holds: which entries the gateway has, and its time."""

    utc_ms: UtcMs
    cursor: Count
    """The gateway has every entry up to this number."""
    ranges: Annotated[tuple[tuple[Count, Count], ...], Meta(max_length=32)] = ()
    """And these (first, last), both included, beyond the cursor."""
    command: Command | None = None
    heard: Annotated[bytes, Meta(max_length=16, extra={"unit": "", "identifies": "none"})] = b""
    """Boot id of the newest record that the gateway opened under this unit's key; empty where there is none yet.

    Cursor and ranges are for the unit of that boot alone: where a key was copied, the other's entries are not there.
    """

    def __post_init__(self) -> None:
        if len(self.heard) not in (0, 16):
            raise ValueError("a boot id of 16 bytes, or none")
