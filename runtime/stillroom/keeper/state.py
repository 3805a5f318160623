"""The room's state: evidence that lasts. One rule a state, one dwell a change; each change says why.

Time is the camera's own, so a replay gives the same states. Whoever was seen is believed to stay where he was
last seen: somebody still is not somebody gone. `empty` needs a reason of its own: the known empty room, or the
last movement at the door, or a room in which nothing has stirred since the camera opened. Where none of these
holds and nothing is seen for long, the state becomes `unknown`, never `empty`.
"""

from dataclasses import dataclass

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig
from stillroom.events import RoomState
from stillroom.keeper.occupancy import Evidence


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

    def feed(self, frame_ns: int, evidence: Evidence) -> Change | None:
        """frame_ns: the camera's time, rising."""
        quiet = evidence.place == "nowhere" and not evidence.moving
        if not quiet or self._stirred_ns is None:
            self._stirred_ns = frame_ns
        target, why = (
            self._of_quiet(frame_ns, evidence) if quiet else (self._of_sight(evidence), evidence.why)
        )
        if target is None:
            return None
        if target != self._candidate:
            self._candidate, self._since_ns, self._why = target, frame_ns, why
        if target == self.state or frame_ns - self._since_ns < self._dwell_ns(target):
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

    def _enter(self, state: RoomState, frame_ns: int, why: str) -> Change:
        change = Change(state, self.state, frame_ns, why)
        self.state = state
        self._been_in_bed = state == "in-bed" or (self._been_in_bed and state == "out-of-bed")
        if state == "empty":
            self._seen = None
        return change

    def _of_sight(self, evidence: Evidence) -> RoomState | None:
        """The state that something seen speaks for, or None."""
        if evidence.place == "unseen":
            return "unknown"
        if evidence.place == "nowhere":
            return None
        self._seen = evidence
        if evidence.place == "bed":
            return "in-bed"
        return "out-of-bed" if self._been_in_bed and evidence.place == "off-bed" else "occupied"

    def _of_quiet(self, frame_ns: int, evidence: Evidence) -> tuple[RoomState | None, str]:
        """The state that stillness speaks for, and why."""
        if evidence.background_known:
            return "empty", evidence.why
        last = self._seen
        quiet_s = (frame_ns - self._stirred_ns) / NS_PER_S if self._stirred_ns is not None else 0.0
        if last is None:
            nothing = f"nothing moved or breathed for {quiet_s:.0f} s"
            return ("empty" if quiet_s >= self._config.still_empty_s else None), nothing
        if last.at_door:
            return "empty", "the last movement was at the door"
        if last.place != "bed" and quiet_s >= self._config.unseen_unknown_s:
            return "unknown", f"nobody seen for {quiet_s:.0f} s, and nobody seen leaving"
        return self._candidate, self._why

    def _dwell_ns(self, target: RoomState) -> int:
        config = self._config
        dwell_s = {"in-bed": config.bed_dwell_s, "empty": config.leave_dwell_s}.get(
            target, config.enter_dwell_s
        )
        if self.state == "in-bed" and target == "out-of-bed":
            dwell_s = config.bed_dwell_s / 2
        return round(dwell_s * NS_PER_S)
