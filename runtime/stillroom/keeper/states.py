"""The states of a room and every way from one to another: one table, which the machine obeys and README shows.

A change that has no row here is not made. `stillroom_tools.states` draws README's diagram from it.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig
from stillroom.events import RoomState

ALL: tuple[RoomState, ...] = get_args(RoomState)
SOMEBODY: frozenset[RoomState] = frozenset(ALL) - {"unknown", "empty"}
"""States in which somebody is believed to be there."""
HELD: frozenset[RoomState] = frozenset({"in-bed", "on-floor", "bathroom"})
"""Silence never ends these: who lies still is not gone, and nobody is seen in a bathroom."""
DOUBT_S = 8.0
"""Something stirs in an empty room and no model confirms anybody, for so long: unknown."""
UNSEEN_S = 0.6
"""Of a camera that sees nothing. Its health takes up to 9 s to be told, and unknown is promised in ten."""
RELIT_S = 4.0
"""Of light that goes on changing: a lamp that warms up and an exposure that follows it take two to three."""
CONFIRMED_SHARE = 0.1
"""Of the dwell before `empty` or `bathroom`, where a model too finds nobody: two witnesses."""

MEANINGS: dict[RoomState, str] = {
    "unknown": "not sensing, or nothing can be said; also after every start",
    "empty": "nobody is there",
    "occupied": "somebody is there who has not been in bed in this stay",
    "in-bed": "somebody lies or sits on the bed",
    "bed-edge": "somebody sits on the bed's edge",
    "out-of-bed": "somebody was in bed in this stay, and is not now",
    "on-floor": "somebody lies on the floor",
    "bathroom": "somebody went through the bathroom's door, and has not come back",
    "several-people": "two or more, by a model that is sure",
}
Cause = Literal[
    "closed", "blind", "relit", "doubt", "unseen", "visited", "still", "nobody", "known", "door", "edge",
    "seen", "up", "bed", "held", "alone", "edge-of-bed", "floor", "bathroom", "several",
]  # fmt: skip


@dataclass(frozen=True)
class Arrow:
    """`to` follows one of `after` where `needs` holds for `share` of the setting `dwell` (or for `seconds`)."""

    to: RoomState
    after: frozenset[RoomState]
    needs: str
    dwell: str = ""
    share: float = 1.0
    seconds: float = 0.0

    def dwell_ns(self, config: RoomConfig, witnesses: int = 1) -> int:
        """witnesses: 2 where a model too finds nobody; that counts for leaving alone."""
        dwell_s = getattr(config, self.dwell) * self.share if self.dwell else self.seconds
        leaving = self.to in ("empty", "bathroom") and self.dwell == "leave_dwell_s"
        sure = CONFIRMED_SHARE if leaving and witnesses > 1 else 1.0
        return round(dwell_s * sure * NS_PER_S)


def _but(*states: RoomState) -> frozenset[RoomState]:
    return frozenset(ALL) - set(states)


ARROWS: dict[Cause, Arrow] = {
    "closed": Arrow("unknown", _but("unknown"), "the camera is closed, or silent for two seconds"),
    "blind": Arrow(
        "unknown", _but("unknown"), "the camera is covered, blinded, frozen, moved or dark", seconds=UNSEEN_S
    ),
    "relit": Arrow(
        "unknown", _but("unknown"), "the light goes on changing, and nothing can be compared", seconds=RELIT_S
    ),
    "doubt": Arrow(
        "unknown", frozenset({"empty"}), "something stirs and no model confirms anybody", seconds=DOUBT_S
    ),
    "unseen": Arrow(
        "unknown", SOMEBODY - HELD, "nobody is seen any more, nor was seen leaving", "unseen_unknown_s"
    ),
    "visited": Arrow(
        "unknown",
        SOMEBODY - {"bathroom"},
        "a visitor who was at the bed left by the door, and nobody shows",
        "leave_dwell_s",
    ),
    "still": Arrow(
        "empty", frozenset({"unknown"}), "nothing has stirred since the camera opened", "still_empty_s"
    ),
    "nobody": Arrow(
        "empty",
        frozenset({"unknown"}),
        "what stirs is off the bed and at no door, and a model finds nobody",
        "still_empty_s",
        2.0,
    ),
    "known": Arrow(
        "empty", _but("empty", "bathroom"), "the room looks like the known empty one", "leave_dwell_s"
    ),
    "door": Arrow("empty", _but("empty", "bathroom"), "the last movement was at the door", "leave_dwell_s"),
    "edge": Arrow(
        "empty",
        _but("empty", "bathroom"),
        "a model finds nobody, last moved the picture's edge",
        "leave_dwell_s",
    ),
    "seen": Arrow(
        "occupied", _but("occupied"), "somebody is off the bed, and was not in it", "enter_dwell_s"
    ),
    "up": Arrow(
        "out-of-bed", _but("unknown", "empty", "out-of-bed"), "who was in bed is off it", "bed_dwell_s", 0.8
    ),
    "bed": Arrow("in-bed", _but("in-bed"), "somebody is on the bed", "bed_dwell_s"),
    "held": Arrow(
        "in-bed",
        SOMEBODY - {"in-bed"},
        "a visitor left by the door, and had not touched the bed",
        "leave_dwell_s",
    ),
    "alone": Arrow(
        "in-bed",
        frozenset({"several-people"}),
        "who was off the bed left by the door, and one is on it",
        "bed_dwell_s",
        0.5,
    ),
    "edge-of-bed": Arrow(
        "bed-edge", _but("bed-edge"), "somebody sits there, feet in the zone bed_edge", "bed_dwell_s", 0.5
    ),
    "floor": Arrow(
        "on-floor",
        _but("on-floor"),
        "somebody lies in the zone floor, or fell out of sight",
        "bed_dwell_s",
        0.5,
    ),
    "bathroom": Arrow(
        "bathroom",
        _but("bathroom"),
        "last moved at its door, or whoever is in it has not come back",
        "leave_dwell_s",
    ),
    "several": Arrow(
        "several-people", _but("several-people"), "a model is sure of two or more", "bed_dwell_s"
    ),
}
