"""The room's state: evidence that lasts. One rule a state, one dwell a change; each change says why.

Time is the camera's own, so a replay gives the same states. Whoever was seen is believed to stay where he was
last seen: somebody still is not somebody gone. `empty` needs a reason of its own: the known empty room, or the
last movement at the door, or a room in which nothing has stirred since the camera opened. Where none of these
holds and nothing is seen for long, the state becomes `unknown`, never `empty`.

Where models look, somebody new must be confirmed by them: what only moves in an empty room makes it `unknown` after a
while, not occupied. Whoever has been believed once is not doubted away.
"""

from dataclasses import dataclass

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig
from stillroom.events import RoomState
from stillroom.keeper.occupancy import Evidence

DOUBT_S = 8.0
"""Something stirs in an empty room and no model confirms anybody, for so long: unknown."""
CONFIRMED_SHARE = 0.1
"""Of the dwell before `empty`, where a model too finds nobody: two witnesses."""
WENT_OUT_S = 3.0
"""From a movement at the picture's edge to stillness: whoever was there has gone out of the picture."""
PERSISTENT_DOUBT_S = 0.6


@dataclass(frozen=True)
class Change:
    """The state became `state` at `frame_ns`, after `before`."""

    state: RoomState
    before: RoomState
    frame_ns: int
    why: str


class RoomStateMachine:
    """Feed it evidence in order of time; it answers with a change or with None."""

    _candidate: RoomState | None
    _stirred_ns: int | None
    _seen: Evidence | None

    def __init__(self, config: RoomConfig) -> None:
        self._config = config
        self.state: RoomState = "unknown"
        self._forget()

    def adopt(self, config: RoomConfig) -> None:
        """Other dwells from the next evidence on; the state stays."""
        self._config = config

    def feed(self, frame_ns: int, evidence: Evidence) -> Change | None:
        """frame_ns: the camera's time, rising."""
        quiet = evidence.place == "nowhere" and not evidence.moving
        doubted_ns = self._doubt_ns
        self._note(frame_ns, evidence)
        if not quiet or self._stirred_ns is None:
            self._stirred_ns = frame_ns
        if evidence.doubted:
            target, why = self._of_doubt(frame_ns, evidence)
        elif quiet:
            target, why = self._of_quiet(frame_ns, evidence)
        else:
            target, why = self._of_sight(evidence), evidence.why
        if target is None:
            return None
        if target != self._candidate:
            # Whoever has just been confirmed has been there since the doubt began.
            since_ns = doubted_ns if evidence.people and doubted_ns is not None else frame_ns
            self._candidate, self._since_ns, self._why = target, since_ns, why
        if target == self.state or frame_ns - self._since_ns < self._dwell_ns(target, evidence):
            return None
        return self._enter(target, frame_ns, self._why)

    def lose_sight(self, frame_ns: int, why: str) -> Change | None:
        """The camera stopped: whatever was known is not known any more."""
        change = None if self.state == "unknown" else self._enter("unknown", frame_ns, why)
        self._forget()
        return change

    def _forget(self) -> None:
        self._candidate = None
        self._since_ns = 0
        self._why = ""
        self._stirred_ns = None
        self._seen = None
        self._been_in_bed = False
        self._doubt_ns: int | None = None
        self._edge_ns: int | None = None
        self._confirmed = False

    def _note(self, frame_ns: int, evidence: Evidence) -> None:
        """What is remembered of every observation."""
        if not evidence.doubted:
            self._doubt_ns = None
        elif self._doubt_ns is None:
            self._doubt_ns = frame_ns
        if evidence.moving and evidence.at_edge:
            self._edge_ns = frame_ns
        self._confirmed |= bool(evidence.people)

    def _enter(self, state: RoomState, frame_ns: int, why: str) -> Change:
        change = Change(state, self.state, frame_ns, why)
        self.state = state
        still_up = state in ("out-of-bed", "on-floor", "several-people")
        self._been_in_bed = state == "in-bed" or (self._been_in_bed and still_up)
        if state == "empty":
            self._seen = None
            self._confirmed = False
        return change

    def _of_sight(self, evidence: Evidence) -> RoomState | None:
        """The state that something seen speaks for, or None."""
        if evidence.place == "unseen":
            return "unknown"
        if evidence.place == "nowhere":
            return None
        self._seen = evidence
        if (evidence.people or 0) > 1 and evidence.sure:
            return "several-people"
        if evidence.place == "floor" or self._stays_on_floor(evidence):
            return "on-floor"
        if evidence.place == "bed":
            return "in-bed"
        return "out-of-bed" if self._been_in_bed and evidence.place == "off-bed" else "occupied"

    def _stays_on_floor(self, evidence: Evidence) -> bool:
        """Somebody found lying on the floor is up again when he is seen upright, sitting or in bed, not before."""
        up = evidence.place == "bed" or evidence.posture in ("upright", "sitting")
        return self.state == "on-floor" and not up

    def _of_doubt(self, frame_ns: int, evidence: Evidence) -> tuple[RoomState | None, str]:
        """Something is there and the model believes in nobody. A blanket hides people: beds need no model."""
        since_ns = frame_ns if self._doubt_ns is None else self._doubt_ns
        doubted_s = (frame_ns - since_ns) / NS_PER_S
        why = f"nobody confirmed for {doubted_s:.0f} s, but {evidence.why}"
        if self.state == "unknown":
            return ("in-bed" if evidence.place == "bed" else None), evidence.why
        if self.state == "empty":
            return ("unknown" if doubted_s >= DOUBT_S else None), why
        if self.state not in ("in-bed", "on-floor") and doubted_s >= self._config.unseen_unknown_s:
            return "unknown", why
        if doubted_s >= PERSISTENT_DOUBT_S:
            self._candidate = None
        return None, why

    def _of_quiet(self, frame_ns: int, evidence: Evidence) -> tuple[RoomState | None, str]:
        """The state that stillness speaks for, and why."""
        if evidence.people == 0 and not evidence.sure:
            return None, evidence.why  # a model fires, and nothing agrees yet: not somebody, but not nobody
        if evidence.background_known:
            return "empty", evidence.why
        last = self._seen
        quiet_s = (frame_ns - self._stirred_ns) / NS_PER_S if self._stirred_ns is not None else 0.0
        if last is None:
            nothing = f"nothing moved or breathed for {quiet_s:.0f} s"
            return ("empty" if quiet_s >= self._config.still_empty_s else None), nothing
        if last.at_door:
            return "empty", "the last movement was at the door"
        if evidence.people == 0 and self._confirmed and self._went_out():
            return "empty", "nobody found by the model, the last movement was at the picture's edge"
        if last.place != "bed" and quiet_s >= self._config.unseen_unknown_s:
            return "unknown", f"nobody seen for {quiet_s:.0f} s, and nobody seen leaving"
        return self._candidate, self._why

    def _went_out(self) -> bool:
        if self._edge_ns is None or self._stirred_ns is None:
            return False
        return self._stirred_ns - self._edge_ns <= WENT_OUT_S * NS_PER_S

    def _dwell_ns(self, target: RoomState, evidence: Evidence) -> int:
        config = self._config
        dwell_s = {
            "in-bed": config.bed_dwell_s,
            "empty": config.leave_dwell_s * (CONFIRMED_SHARE if evidence.people == 0 else 1.0),
            "on-floor": config.bed_dwell_s / 2,
            "several-people": config.bed_dwell_s,
        }.get(target, config.enter_dwell_s)
        if self.state == "in-bed" and target == "out-of-bed":
            dwell_s = config.bed_dwell_s / 2
        return round(dwell_s * NS_PER_S)
