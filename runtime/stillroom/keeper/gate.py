"""May the camera be open now? A pure function of what is known; every case is a row in its test.

Nothing here remembers: a reason that has gone can not linger, and one that has come can not be missed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from stillroom.document_forms import to_ms
from stillroom.documents import Authorisation
from stillroom.events import GateReason
from stillroom.keeper.known import Known


@dataclass(frozen=True)
class Situation:
    """All that the gate looks at."""

    time: Known
    paused: bool
    camera_refused: bool
    indicator_dead: bool = False
    """The light that tells the room does not work, and the unit must have one."""
    camera_moved: bool = False
    """It looks at something else than before, and nobody has accepted that: private zones would lie elsewhere."""
    halted: bool = False
    """The authority wants no camera open, here or in the whole site, and has not lifted that."""
    safe_mode: bool = False
    """Keeper or eye failed too often in a row (`starts.py`)."""


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
    if situation.time.source == "unsure":
        return Decision("clock-unsure")
    if situation.paused:
        return Decision("paused")
    if situation.indicator_dead:
        return Decision("indicator-fault")
    if situation.safe_mode:
        return Decision("safe-mode")
    if situation.camera_refused:
        return Decision("camera-refused")
    if situation.camera_moved:
        return Decision("camera-moved")
    return _by_authorisation(situation.time, authorisations, withdrawn)


def _by_authorisation(
    time: Known, authorisations: Sequence[Authorisation], withdrawn: frozenset[str]
) -> Decision:
    """One that has begun for certain, and for certain has not ended: the earlier bound opens, the later one closes."""
    standing = [a for a in authorisations if a.id not in withdrawn]
    if not standing:
        return Decision("withdrawn" if authorisations else "no-authorisation")
    begun = [a for a in standing if to_ms(a.start) <= time.earliest_ms]
    current = [a for a in begun if time.latest_ms < to_ms(a.until)]
    reviewed = [a for a in current if not a.overdue(time.latest_ms)]
    if reviewed:
        return Decision("open", max(reviewed, key=lambda a: (a.until, a.id)))
    if current:
        return Decision("review-overdue")
    if time.source == "grace":
        return Decision("clock-unsure")
    return Decision("expired" if begun else "not-yet-valid")
