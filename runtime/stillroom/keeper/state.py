"""The room's state: evidence that lasts. `states.py` has every change that there is, and how long it takes.

Time is the camera's own, so a replay gives the same states. Whoever was seen is believed to stay where he was
last seen: somebody still is not somebody gone. `empty` needs a reason of its own: the known empty room, or the
last movement at the door, or a room in which nothing has stirred since the camera opened. Where none of these
holds and nothing is seen for long, the state becomes `unknown`, never `empty`.

Where models look, somebody new must be confirmed by them: what only moves in an empty room makes it `unknown` after a
while, not occupied. Whoever has been believed once is not doubted away.
"""

from dataclasses import dataclass

from msgspec.structs import replace

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig
from stillroom.events import RoomState
from stillroom.keeper.doubts import Doubts
from stillroom.keeper.downed import LEAST_HIGH, Downed
from stillroom.keeper.occupancy import Evidence
from stillroom.keeper.pair import Pair
from stillroom.keeper.perch import Perch
from stillroom.keeper.seated import Seated
from stillroom.keeper.states import ARROWS, HELD, Cause
from stillroom.keeper.sunk import Sunk
from stillroom.keeper.visits import Visits

WENT_OUT_S = 3.0
"""From a movement at the picture's edge to stillness: whoever was there has gone out of the picture."""
VISITOR_WENT_S = 6.0
"""From a movement at the door: who is not seen any more since then has left by it."""
BREATH_S = 18.0
"""A rhythm of breathing is of so many seconds at least (`eye/breathing.py`)."""
PERSISTENT_DOUBT_S = 0.6
MAX_WHY = 120


@dataclass(frozen=True)
class Change:
    """The state became `state` at `frame_ns`, after `before`."""

    state: RoomState
    before: RoomState
    frame_ns: int
    why: str


@dataclass(frozen=True)
class _Reason:
    """What speaks for a change, since when, in numbers."""

    cause: Cause
    since_ns: int
    why: str


class RoomStateMachine:
    """Feed it evidence in order of time; it answers with a change or with None."""

    _reason: _Reason | None
    _stirred_ns: int | None
    _still_ns: int | None
    _quiet: bool
    _seen: Evidence | None

    def __init__(self, config: RoomConfig, has_bathroom: bool = False, on_floor: bool = False) -> None:
        """has_bathroom: a door to one was drawn, so somebody may be out of sight. on_floor: of before this start."""
        self.adopt(config, has_bathroom)
        self.state: RoomState = "unknown"
        self._downed = Downed(on_floor)
        self.by_breath = False
        """Since it was entered nothing but a rhythm of breathing has spoken for the state."""
        self._forget()

    def adopt(self, config: RoomConfig, has_bathroom: bool = False) -> None:
        """Other dwells from the next evidence on; the state stays."""
        self._config, self._has_bathroom = config, has_bathroom

    def feed(self, frame_ns: int, evidence: Evidence) -> Change | None:
        """frame_ns: the camera's time, rising."""
        evidence = self._seated.note(evidence, self.state)
        evidence = self._sunk.note(frame_ns, evidence, self.state)
        if self._is_relit(frame_ns, evidence):
            return None
        quiet = evidence.place == "nowhere" and not evidence.moving
        stirs_ns = self._doubts.stirs_ns
        self._note(frame_ns, evidence)
        if not quiet or self._stirred_ns is None:
            self._stirred_ns = frame_ns
        if not (quiet or self._quiet):
            self._still_ns = None  # light flares up in one fifth of a second and no longer: a body takes two
        elif self._still_ns is None:
            self._still_ns = frame_ns
        self._quiet = quiet
        if evidence.doubted:
            cause, why = self._of_doubt(frame_ns, evidence)
        elif quiet:
            cause, why = self._of_quiet(frame_ns, evidence)
        else:
            cause, why = self._of_sight(frame_ns, evidence), evidence.why
        if evidence.place not in ("nowhere", "unseen") and not evidence.by_breath:
            self.by_breath = False
        if cause is None:
            return None
        if self._reason is None or cause != self._reason.cause:
            self._reason = _Reason(cause, self._since_ns(cause, frame_ns, evidence, stirs_ns), why)
        change = self._follow(self._reason, frame_ns, 2 if evidence.people == 0 else 1)
        if change:
            self.by_breath = evidence.by_breath
        return change

    def _since_ns(self, cause: Cause, frame_ns: int, evidence: Evidence, stirs_ns: int | None) -> int:
        """Whoever has just been confirmed, or is still not, has been there since something stirs."""
        if evidence.since_ns is not None:
            return evidence.since_ns
        if cause == "relit" and self._relit_ns is not None:
            return self._relit_ns
        if cause == "still" and self._still_ns is not None:
            return self._still_ns
        if cause == "nobody" and self._doubts.nobody_ns is not None:
            return self._doubts.nobody_ns
        if cause == "doubt" and self._doubts.since_ns is not None:
            return self._doubts.since_ns
        since_doubt = evidence.people or (evidence.doubted and cause != "bed")
        return stirs_ns if since_doubt and stirs_ns is not None else frame_ns

    def _follow(self, reason: _Reason, frame_ns: int, witnesses: int) -> Change | None:
        """The change that the table has for this reason, where it has lasted as long as it must."""
        arrow, lasted_ns = ARROWS[reason.cause], frame_ns - reason.since_ns
        if self.state not in arrow.after or not self._lasts(
            reason.cause, reason.since_ns, frame_ns, witnesses
        ):
            return None
        if reason.cause == "held":
            self._visits.left()
        lasted = f", for {lasted_ns / NS_PER_S:.1f} s"
        return self._enter(arrow.to, frame_ns, reason.why[: MAX_WHY - len(lasted)] + lasted)

    def _lasts(self, cause: Cause, since_ns: int, frame_ns: int, witnesses: int = 1) -> bool:
        """As long as the table asks for."""
        return frame_ns - since_ns >= ARROWS[cause].dwell_ns(self._config, witnesses)

    def lose_sight(self, frame_ns: int, why: str) -> Change | None:
        """The camera stopped: whatever was known is not known any more."""
        known = self.state in ARROWS["closed"].after
        change = self._enter(ARROWS["closed"].to, frame_ns, why) if known else None
        self._forget()
        return change

    def _forget(self) -> None:
        self._reason = None
        self._stirred_ns = None
        self._seen = None
        self._been_in_bed = False
        self._doubts = Doubts()
        self._edge_ns: int | None = None
        self._door_ns: int | None = None
        self._relit_ns: int | None = None
        self._still_ns = None
        self._quiet = False
        self._confirmed = False
        self._seated, self._sunk = Seated(), Sunk()
        self._visits = Visits()
        self._perch, self._pair = Perch(), Pair()

    def _is_relit(self, frame_ns: int, evidence: Evidence) -> bool:
        """The light changes, for no longer than lamps take: that says nothing, and what was so before it goes on."""
        if not evidence.relit:
            self._relit_ns = None
        elif self._relit_ns is None:
            self._relit_ns = frame_ns
        return self._relit_ns is not None and not self._lasts("relit", self._relit_ns, frame_ns)

    def _note(self, frame_ns: int, evidence: Evidence) -> None:
        """What is remembered of every observation."""
        self._doubts.note(frame_ns, evidence, empty=self.state == "empty", confirmed=self._confirmed)
        if evidence.moving and evidence.door == "door":
            self._door_ns = frame_ns
        if evidence.moving and evidence.at_edge:
            self._edge_ns = frame_ns
        self._confirmed |= bool(evidence.people)
        self._downed.note(frame_ns, evidence)
        self._visits.note(frame_ns, evidence)
        self._perch.note(evidence)
        self._pair.note(evidence)

    def _enter(self, state: RoomState, frame_ns: int, why: str) -> Change:
        change = Change(state, self.state, frame_ns, why)
        if state in ("on-floor", "unknown"):
            self._downed = Downed(self.state == "on-floor")
        self.state = state
        self._reason = None
        gone = state in ("unknown", "empty", "occupied")
        self._been_in_bed = state in ("in-bed", "bed-edge") or (self._been_in_bed and not gone)
        self._visits.entered(state)
        if state == "empty":
            self._seen = None
            self._confirmed = False
            self._doubts.settle()
        return change

    def _of_sight(self, frame_ns: int, evidence: Evidence) -> Cause | None:
        """What something seen speaks for, or None."""
        if evidence.place == "unseen":
            return "relit" if self._relit_ns is not None else "blind"
        if evidence.place == "nowhere":
            return None
        if not self._is_of_before(frame_ns, evidence):
            self._seen = evidence
        if (evidence.people or 0) > 1 and (evidence.sure or self.state == "several-people"):
            return "several"  # of two who sit still one is often not found again: they are not fewer for that
        if self._downed.lies(evidence, self.state):
            if self._others_stand(evidence):
                self._reason = None
                return None
            return "floor"
        if self._perch.sits(evidence, self.state) and not self._visits.over_sleeper:
            return "edge-of-bed"
        if evidence.place == "bed":
            return "alone" if self._left_alone(frame_ns) else "bed"
        if self._visits.over_sleeper and not self._visits.helped_up(frame_ns):
            return None
        if self.state == "several-people" and 0 < evidence.abed == evidence.people:
            return None  # what differs beside who is found in bed is another, who is not found
        if evidence.place == "bed-edge":
            return "edge-of-bed"
        been_in_bed = self._been_in_bed and not self._pair.sleeper_left
        return "up" if been_in_bed and evidence.place != "somewhere" else "seen"

    def _others_stand(self, evidence: Evidence) -> bool:
        """Of several, one is found, lying; but what moves is as high as who stands: he is carried, or looked after."""
        moves = evidence.moves if evidence.moving else None
        return self.state == "several-people" and moves is not None and moves.y1 - moves.y0 >= LEAST_HIGH

    def _is_of_before(self, frame_ns: int, evidence: Evidence) -> bool:
        """A rhythm off the bed, told too soon after somebody moved at a door: it may be of whoever has gone."""
        at_door = self._seen is not None and self._seen.door is not None
        lately = self._doubts.moved_within(frame_ns, BREATH_S)
        return evidence.by_breath and evidence.place != "bed" and at_door and lately

    def _left_alone(self, frame_ns: int) -> bool:
        """Of several, whoever was off the bed has just been at the door."""
        went = self._door_ns is not None and frame_ns - self._door_ns <= VISITOR_WENT_S * NS_PER_S
        return self.state == "several-people" and went

    def _of_doubt(self, frame_ns: int, evidence: Evidence) -> tuple[Cause | None, str]:
        """Something is there and the model believes in nobody. A blanket hides people: beds need no model."""
        if self._seen is not None and self._seen.door and evidence.moving and evidence.door:
            # Of two doors side by side, who is not found any more goes out by the one at which he moved last.
            self._seen = replace(self._seen, door=evidence.door)
        since_ns = frame_ns if self._doubts.since_ns is None else self._doubts.since_ns
        doubted_s = (frame_ns - since_ns) / NS_PER_S
        why = f"nobody confirmed, but {evidence.why}"
        if self.state == "unknown":
            if evidence.place == "bed" and not evidence.small:
                return "bed", evidence.why
            if self._doubts.nobody_ns is not None and not self._downed.may_lie:
                return "nobody", f"nobody found by the model, {evidence.why}"
            self._reason = None  # what only passes by the bed has not been on it the while
            return None, evidence.why
        if self.state == "empty":
            if self._doubts.since_ns is None:
                self._reason = None  # what looked like somebody then and looks so now was a thing between
                return None, why
            return "doubt", why
        if doubted_s < PERSISTENT_DOUBT_S:
            return None, why
        if self.state not in HELD:
            return "unseen", why
        self._reason = None
        return None, why

    def _of_quiet(self, frame_ns: int, evidence: Evidence) -> tuple[Cause | None, str]:
        """What stillness speaks for, and why."""
        if evidence.people == 0 and not evidence.sure:
            return None, evidence.why  # a model fires, and nothing agrees yet: not somebody, but not nobody
        last = self._seen
        if last is not None and last.door == "bathroom-door" and not self._visits.over_sleeper:
            return "bathroom", f"the last movement was at the bathroom's door, {evidence.why}"
        went = last is not None and last.door == "door"
        if self._visits.in_bathroom and (went or evidence.background_known):
            return "bathroom", f"nobody has come back from the bathroom, {evidence.why}"
        if evidence.background_known:
            return "known", evidence.why
        if last is None:
            unseen = self._has_bathroom or self._downed.may_lie
            return (None if unseen else "still"), "nothing moved or breathed"
        if last.door == "door":
            return self._by_the_door(evidence)
        if evidence.people == 0 and self._confirmed and self._went_out():
            return "edge", "nobody found by the model, the last movement was at the picture's edge"
        pending = self._reason
        if pending is not None and pending.cause != "unseen" and self.state in ARROWS[pending.cause].after:
            return pending.cause, pending.why
        return (None, "") if self._rests(last) else ("unseen", "nobody seen, and nobody seen leaving")

    def _by_the_door(self, evidence: Evidence) -> tuple[Cause | None, str]:
        """Who went: the one who was there, or a visitor, after whom the sleeper is in bed or nobody knows."""
        if not self._visits.over_sleeper:
            return "door", f"the last movement was at the door, {evidence.why}"
        if self._visits.touched:
            return "visited", f"a visitor was at the bed and left by the door, {evidence.why}"
        if self.state == "in-bed":
            self._seen = None
            self._visits.left()
            return None, ""
        return "held", f"a visitor left by the door and had not been at the bed, {evidence.why}"

    def _rests(self, last: Evidence) -> bool:
        return last.place == "bed" or self.state in HELD

    def _went_out(self) -> bool:
        if self._edge_ns is None or self._stirred_ns is None:
            return False
        return self._stirred_ns - self._edge_ns <= WENT_OUT_S * NS_PER_S
