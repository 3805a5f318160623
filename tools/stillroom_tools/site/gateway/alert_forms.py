"""What an alert is, what can happen to it, and the times that a site sets. What becomes of it is in `alerts.py`."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from stillroom.clock import MS_PER_S

Priority = Literal["high", "medium", "low"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
"""The most urgent first."""
State = Literal[
    "raised",
    "acknowledged",
    "audio-paused",
    "alarm-paused",
    "latched",
    "re-raised",
    "escalated",
    "cleared",
]
SOUNDING = frozenset({"raised", "latched", "re-raised", "escalated"})
SILENT = frozenset({"acknowledged", "audio-paused", "alarm-paused"})
What = Literal["acknowledge", "pause-audio", "pause-alarm", "attend", "look"]

UNIT_SILENT = "unit-silent"
"""Kind of the alert that the gateway itself raises where a unit says nothing."""


class AlertsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[alerts]` of site.toml. Seconds; every silence is bounded."""

    technical: Priority = "low"
    """Priority of conditions of level `technical`, and of a unit's silence."""
    escalate_high_s: Annotated[float, Meta(ge=10, le=600)] = 60.0
    escalate_medium_s: Annotated[float, Meta(ge=10, le=3_600)] = 300.0
    escalate_low_s: Annotated[float, Meta(ge=10, le=86_400)] = 3_600.0
    acknowledged_s: Annotated[float, Meta(ge=10, le=3_600)] = 600.0
    audio_paused_s: Annotated[float, Meta(ge=10, le=600)] = 120.0
    alarm_paused_s: Annotated[float, Meta(ge=10, le=600)] = 120.0
    attended_s: Annotated[float, Meta(ge=10, le=3_600)] = 600.0

    def escalate_ms(self, priority: Priority) -> int:
        """After so long of sounding an alert escalates."""
        seconds = {"high": self.escalate_high_s, "medium": self.escalate_medium_s, "low": self.escalate_low_s}
        return round(seconds[priority] * MS_PER_S)


class Alert(Struct, frozen=True):
    """One kind of alert of one unit. Times are UTC of the gateway, in ms."""

    unit: str
    room: str
    kind: str
    priority: Priority
    state: State
    present: bool
    """The condition stands, as far as the unit has said. False: it is over, or nobody can tell any more."""
    number: int
    """Of the unit's newest entry on this condition; 0 where there is none."""
    technical: bool = False
    """Of the unit itself, as it said last, not of a person."""
    why: str = ""
    """The unit's numbers, of when it began."""
    owner: str = ""
    last: str = ""
    """Who owned it last."""
    attended: bool = False
    count: int = 1
    """How often it has been raised since it was cleared."""
    first_ms: int = 0
    """Raised first."""
    raised_ms: int = 0
    """Raised last."""
    set_ms: int = 0
    until_ms: int = 0
    """From `set_ms` to then it stays as it is by itself; 0: for as long as nobody does anything."""

    @property
    def active(self) -> bool:
        return self.state != "cleared"

    @property
    def sounding(self) -> bool:
        return self.state in SOUNDING

    def over(self, now_ms: int) -> bool:
        """The time of this state is over; a clock that was set back ends it too, lest a silence be longer than told."""
        return bool(self.until_ms) and not self.set_ms <= now_ms < self.until_ms


@dataclass(frozen=True)
class Begun:
    """A unit's entry: a condition began."""

    unit: str
    room: str
    kind: str
    priority: Priority
    number: int
    why: str = ""
    technical: bool = False


@dataclass(frozen=True)
class Ended:
    """A unit's entry: a condition ended."""

    unit: str
    kind: str
    number: int


@dataclass(frozen=True)
class Act:
    """Somebody did something about a unit's alerts (`kind` None: all), at `at_ms`."""

    what: What
    unit: str
    by: str
    at_ms: int
    kind: str | None = None


@dataclass(frozen=True)
class UnitSilent:
    """No record of this unit for three slots."""

    unit: str
    room: str


@dataclass(frozen=True)
class UnitBack:
    """It is heard again."""

    unit: str


@dataclass(frozen=True)
class UnitAnew:
    """A unit started anew, and its first record names the technical conditions that stand.

    It keeps its conditions over a start, and says their end. A card that was damaged forgets them: of a technical
    condition that its unit does not know any more nobody would ever hear the end.
    """

    unit: str
    standing: frozenset[str] = frozenset()


@dataclass(frozen=True)
class UnitGone:
    """A unit that is enrolled no longer: nobody will say any more that a condition of its is over."""

    unit: str


@dataclass(frozen=True)
class TimePassed:
    """Nothing but time; so is a restart of the gateway, however long it was away."""


Input = Begun | Ended | Act | UnitSilent | UnitBack | UnitAnew | UnitGone | TimePassed
