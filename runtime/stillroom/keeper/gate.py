"""May the camera be open now? A pure function of what is known; every case is a row in its test.

Nothing here remembers: a reason that has gone can not linger, and one that has come can not be missed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from stillroom.documents import Authorisation, to_ms
from stillroom.events import GateReason

CLOCK_TOLERANCE_MS = 5_000
"""A system clock that is stepped back by more than this against the stored floor is not believed."""


@dataclass(frozen=True)
class Situation:
    """All that the gate looks at."""

    utc_ms: int
    utc_floor_ms: int
    """The latest UTC that this unit has ever written down."""
    paused: bool
    camera_refused: bool
    camera_moved: bool = False
    """It looks at something else than before, and nobody has accepted that: private zones would lie elsewhere."""
    halted: bool = False
    """The authority wants no camera open, here or in the whole site, and has not lifted that."""


@dataclass(frozen=True)
class Decision:
    """Open or the reason why not, and the authorisation it rests on."""

    reason: GateReason
    authorisation: Authorisation | None = None

    @property
    def open(self) -> bool:
        return self.reason == "open"


def decide(
    situation: Situation, authorisations: Sequence[Authorisation], withdrawn: frozenset[str]
) -> Decision:
    """The first reason against, else open under the authorisation that lasts longest."""
    if situation.halted:
        return Decision("halted")
    if situation.utc_ms < situation.utc_floor_ms - CLOCK_TOLERANCE_MS:
        return Decision("clock-unsure")
    if situation.paused:
        return Decision("paused")
    if situation.camera_refused:
        return Decision("camera-refused")
    if situation.camera_moved:
        return Decision("camera-moved")
    return _by_authorisation(situation.utc_ms, authorisations, withdrawn)


def _by_authorisation(
    utc_ms: int, authorisations: Sequence[Authorisation], withdrawn: frozenset[str]
) -> Decision:
    standing = [a for a in authorisations if a.id not in withdrawn]
    if not standing:
        return Decision("withdrawn" if authorisations else "no-authorisation")
    current = [a for a in standing if a.covers(utc_ms)]
    reviewed = [a for a in current if not a.overdue(utc_ms)]
    if reviewed:
        return Decision("open", max(reviewed, key=lambda a: (a.until, a.id)))
    if current:
        return Decision("review-overdue")
    return Decision("expired" if any(to_ms(a.until) <= utc_ms for a in standing) else "not-yet-valid")
