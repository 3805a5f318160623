"""The room's state: evidence that lasts. One table of dwells, one rule a state; each change says why.

Time is the camera's own, so a replay gives the same states. A still sleeper keeps `in-bed`: only evidence
of somebody elsewhere, or of an empty room, moves the state on; the lack of evidence alone does so only
after `still_empty_s`.
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

    def __init__(self, config: RoomConfig) -> None:
        self._config = config
        self.state: RoomState = "unknown"
        self._candidate: RoomState | None = None
        self._since_ns = 0
        self._quiet_since_ns: int | None = None

    def feed(self, frame_ns: int, evidence: Evidence) -> Change | None:
        """frame_ns: the camera's time, rising."""
        target = self._target(frame_ns, evidence)
        if target is None or target == self.state:
            self._candidate = None
            return None
        if target != self._candidate:
            self._candidate, self._since_ns = target, frame_ns
        if frame_ns - self._since_ns < self._dwell_ns(target):
            return None
        return self._enter(target, frame_ns, evidence.why)

    def lose_sight(self, frame_ns: int, why: str) -> Change | None:
        """The camera stopped: whatever was known is not known any more."""
        self._candidate = self._quiet_since_ns = None
        return None if self.state == "unknown" else self._enter("unknown", frame_ns, why)

    def _enter(self, state: RoomState, frame_ns: int, why: str) -> Change:
        change = Change(state, self.state, frame_ns, why)
        self.state, self._candidate = state, None
        return change

    def _target(self, frame_ns: int, evidence: Evidence) -> RoomState | None:
        """The state that this evidence speaks for, or None where it speaks for none."""
        if evidence.place == "nowhere" and not evidence.moving:
            return self._target_of_quiet(frame_ns, evidence)
        self._quiet_since_ns = None
        targets: dict[str, RoomState] = {
            "unseen": "unknown",
            "bed": "in-bed",
            "off-bed": "out-of-bed",
            "somewhere": "occupied",
        }
        return targets.get(evidence.place)

    def _target_of_quiet(self, frame_ns: int, evidence: Evidence) -> RoomState | None:
        if evidence.background_known:
            return "empty"
        if self._quiet_since_ns is None:
            self._quiet_since_ns = frame_ns
        quiet_s = (frame_ns - self._quiet_since_ns) / NS_PER_S
        return "empty" if quiet_s >= self._config.still_empty_s else None

    def _dwell_ns(self, target: RoomState) -> int:
        config = self._config
        dwell_s = {
            "in-bed": config.bed_dwell_s,
            "empty": config.leave_dwell_s,
            "unknown": config.enter_dwell_s,
        }.get(target, config.enter_dwell_s)
        if self.state == "in-bed" and target == "out-of-bed":
            dwell_s = config.bed_dwell_s / 2
        return round(dwell_s * NS_PER_S)
