"""What the eye has seen signed: notes that the keeper hands over, verified here before the camera opens, and before a
frame is sealed to anybody.

The keeper names frames and recordings; to whom they are sealed, at which level and for how long the papers say, and
those are judged by the one module that the keeper judges by (`permits.py`), against the authority that `unit.toml` pins
and the machine's own clock. A keeper that was taken over has no key that signs them.

An eye has no file to write: what it knows of the past is of its own life. In that no older roster or policy follows a
newer one, and no frame of a look is sealed twice. The next eye knows neither.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from stillroom.clock import MS_PER_S, Clock
from stillroom.config import UnitConfig
from stillroom.document_forms import Timed, to_ms
from stillroom.documents import Authorisation, Roster, ViewPolicy
from stillroom.errors import TrustError
from stillroom.link import Note, NoteKind, RecordAsked, ViewAsked
from stillroom.note_reading import NoteError
from stillroom.orders import ViewRequest
from stillroom.permits import (
    FRESH_MS,
    Refusal,
    against_release,
    authority_of,
    check_time,
    judge_look,
    look_ends_ms,
    open_paper,
    open_roster,
)
from stillroom.release_papers import Release
from stillroom.release_rules import release_id
from stillroom.view_forms import FRAMES_PER_S, ViewLevel
from stillroom.view_seal import view_id

AGAIN_MS = MS_PER_S
"""What was refused is judged once more after so long: a clock may have been behind."""
LATE_MS = 10 * MS_PER_S
"""A camera stays open so long beyond its time by the machine's clock: the keeper, by its gateway's, closes it."""
MOST_A_SECOND = 2 * FRAMES_PER_S
"""Frames of a look are numbered at each lease, and a few leases come between."""


@dataclass(frozen=True, slots=True)
class Against:
    """Why something is not done: the code of a refusal, and in words."""

    why: str
    text: str


@dataclass(frozen=True, slots=True)
class Sensed:
    """A camera that may be open: the authority has signed for it, and an approver where the roster names any."""

    scopes: tuple[str, ...]
    until_ms: int


@dataclass(frozen=True, slots=True)
class Look:
    """A look that a viewer has signed for, and whatever else it takes."""

    view: bytes
    session: bytes
    """To which its frames are sealed."""
    level: ViewLevel
    block: int
    frames: int
    """Their numbers are lower."""
    until_ms: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """A release that two have signed, and whatever else it takes."""

    id: bytes
    paper: Release
    until_ms: int


T = TypeVar("T", Sensed, Look, Recorded)
P = TypeVar("P", Authorisation, ViewPolicy, ViewRequest, Release)
_NOTHING = Against("missing", "no signed papers were shown")


class Papers:
    """`take` and `again` in the thread that hears leases; what the loop over frames asks costs it a comparison."""

    def __init__(self, unit: UnitConfig, clock: Clock) -> None:
        """Raises TrustError: `unit.toml` names no authority."""
        self._unit, self._clock, self._authority = unit.unit, clock, authority_of(unit)
        self._notes: dict[NoteKind, bytes] = {}
        self._roster: Roster | None = None
        self._policy_version = 0
        self._sensed: Sensed | Against = _NOTHING
        self._look: Look | Against = _NOTHING
        self._recorded: Recorded | Against = _NOTHING
        self._judged_ms = 0
        self._sealed: dict[bytes, tuple[int, int]] = {}

    def take(self, note: Note) -> None:
        """Keep it, and judge what there is."""
        self._notes[note.kind] = note.text
        self._judge()

    def again(self) -> None:
        """With each lease: what was refused and can be asked for is judged once more, a second later."""
        kinds: tuple[tuple[NoteKind, object], ...] = (
            ("authorisation", self._sensed), ("view-request", self._look), ("release", self._recorded)
        )  # fmt: skip
        refused = any(kind in self._notes and isinstance(found, Against) for kind, found in kinds)
        if refused and abs(self._clock.utc_ms() - self._judged_ms) >= AGAIN_MS:
            self._judge()

    def sensed(self) -> Sensed | Against:
        """Whether the camera may be open now."""
        found = self._sensed
        if isinstance(found, Against) or self._clock.utc_ms() < found.until_ms:
            return found
        return Against("expired", "the authorisation is over")

    def look(self, asked: ViewAsked) -> Look | Against:
        """Whether this frame may be sealed now, and to whom."""
        found = self._look
        if isinstance(found, Against):
            return found
        if asked.view != found.view or asked.number >= found.frames:
            return Against("session", "asked for a frame that the signed request is not for")
        return found if self._clock.utc_ms() < found.until_ms else Against("time", "the look is over")

    def recorded(self, asked: RecordAsked) -> Recorded | Against:
        """Whether this recording may go on now, and to whom it is sealed."""
        found = self._recorded
        if isinstance(found, Against):
            return found
        if asked.release != found.id:
            return Against("release", "asked for a recording that the signed release is not for")
        return found if self._clock.utc_ms() < found.until_ms else Against("over", "the release is over")

    def last_sealed(self, look: Look) -> int:
        """The highest number of this look that was sealed; -1: none."""
        return self._sealed.get(look.view, (-1, 0))[0]

    def sealed(self, look: Look, number: int) -> None:
        """It is spent, as long as its request could be believed."""
        if look.view not in self._sealed:
            now_ms = self._clock.utc_ms()
            self._sealed = {view: kept for view, kept in self._sealed.items() if kept[1] > now_ms}
        self._sealed[look.view] = number, look.until_ms

    def _judge(self) -> None:
        self._judged_ms = self._clock.utc_ms()
        self._sensed = self._tried("authorisation", self._judge_camera)
        self._look = self._tried("view-request", self._judge_look)
        self._recorded = self._tried("release", self._judge_release)

    def _tried(self, kind: NoteKind, judge: Callable[[int], T]) -> T | Against:
        if kind not in self._notes:
            return _NOTHING
        try:
            return judge(self._judged_ms)
        except Refusal as refusal:
            return Against(str(refusal), f"the papers shown do not allow it: {refusal}")
        except NoteError as error:
            return Against(error.reason, str(error))
        except TrustError as error:
            return Against("roster", str(error))

    def _judge_camera(self, _: int) -> Sensed:
        """Its end alone goes by the machine's clock: one that is behind, where nobody tells the time but the gateway,
        must not keep a room dark. From when it is in force is the keeper's word.
        """
        paper = self._open("authorisation", Authorisation, self._open_roster())[0]
        return Sensed(paper.scopes, min(to_ms(paper.until), to_ms(paper.review_by)) + LATE_MS)

    def _judge_look(self, utc_ms: int) -> Look:
        roster = self._open_roster()
        check_time(roster, utc_ms)
        allowed, policy = self._open_authorisation(roster, utc_ms), self._open_policy(roster)
        request, _ = self._open("view-request", ViewRequest, roster)
        policy, _ = judge_look(request, allowed, policy, utc_ms)
        until_ms = min(look_ends_ms(request, policy), _until_ms(roster, allowed, policy))
        if not to_ms(request.at) - FRESH_MS <= utc_ms < until_ms:
            raise Refusal("time")
        frames = request.seconds * MOST_A_SECOND
        return Look(view_id(request.session), request.session, request.level, request.block, frames, until_ms)

    def _judge_release(self, utc_ms: int) -> Recorded:
        roster = self._open_roster()
        check_time(roster, utc_ms)
        allowed = self._open_authorisation(roster, utc_ms)
        paper, _ = self._open("release", Release, roster)
        if utc_ms < to_ms(paper.start):
            raise Refusal("time")
        why = against_release(paper, allowed, roster, utc_ms, utc_ms)
        if why:
            raise Refusal(why)
        return Recorded(release_id(paper), paper, _until_ms(roster, allowed, paper))

    def _open_roster(self) -> Roster:
        """Of this life none older than one before, and with other approvers only if one of those has signed."""
        before = self._roster
        roster = open_roster(
            self._note("roster"), self._authority, before.approver_signers if before is not None else ()
        )
        if before is not None and roster.version < before.version:
            raise Refusal("version")
        self._roster = roster
        return roster

    def _open_authorisation(self, roster: Roster, utc_ms: int) -> Authorisation:
        paper, _ = self._open("authorisation", Authorisation, roster)
        if not paper.covers(utc_ms) or paper.overdue(utc_ms):
            raise Refusal("expired")
        return paper

    def _open_policy(self, roster: Roster) -> ViewPolicy:
        policy, _ = self._open("view-policy", ViewPolicy, roster)
        if policy.version < self._policy_version:
            raise Refusal("version")
        self._policy_version = policy.version
        return policy

    def _open(self, kind: NoteKind, schema: type[P], roster: Roster) -> tuple[P, str]:
        return open_paper(self._note(kind), schema, roster, self._authority, self._unit)

    def _note(self, kind: NoteKind) -> bytes:
        if kind not in self._notes:
            raise Refusal("missing")
        return self._notes[kind]


def _until_ms(roster: Roster, allowed: Authorisation, paper: Timed) -> int:
    """When the first of these ends."""
    return min(to_ms(end) for end in (roster.until, allowed.until, allowed.review_by, paper.until))
