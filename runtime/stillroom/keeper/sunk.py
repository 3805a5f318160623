"""Somebody who came down out of sight: behind a bed, where no camera shows who lies on the floor.

Whoever stands behind something shows from the head to its edge. When he falls, the upper end of what moves comes down
to that edge within a second while the lower end stays, and nothing of him is as high again: nobody rises, or leaves by
a door, without moving there. Who bends down comes down as far and is up again; who sits down there does so slowly. Who
goes out by a door, and shows a foot last, was there when he was highest.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from stillroom.clock import NS_PER_S
from stillroom.events import RoomState
from stillroom.keeper.occupancy import Evidence
from stillroom.keeper.rolled import AROUND, Rolled
from stillroom.keeper.slid import Slid
from stillroom.keeper.states import SOMEBODY
from stillroom.keeper.zones import Door, share_columns
from stillroom.observation import Box

REMEMBERED_S = 2.4
LATELY_S = 0.5
"""Since it last moved: what came down has just done so."""
LEAST_HIGH = 0.25
"""Of the picture, from the upper to the lower end of what moves: who walks is as high, robots and cats are not."""
LOWEST = 0.95
"""Of the picture: whoever reaches below walks out under the camera, and his head comes down too."""
LEVEL = 0.03
"""Of the picture: heights of one who walks on."""
SANK = 0.55
"""Of his height; who sits down sinks by 0.4."""
STAYS = 0.15
"""Of his height, how far the lower end may go: who falls onto a bed, or gets into it, goes up or down with it."""
FAST_S = 0.9
"""From a fifth of the way down to four fifths: 0.4 s of who falls, 1 s and more of who sits down or kneels."""
ASIDE = 0.45
"""Of his height, beside him: who falls over lies there."""
UP = 0.5
"""Of his height, from above: what reaches above this has not come down, or is up again."""
MAY_STAND: frozenset[RoomState] = SOMEBODY - {"bathroom", "on-floor"}
"""States with somebody who may be on his legs."""
ALONE: frozenset[RoomState] = frozenset({"occupied", "out-of-bed", "bed-edge"})
"""States with one, who is up."""
BENT_S = 4.0
"""Who bends down for something is up again within it."""
LOOKED_S, LEANS_S = 1.0, 1.0
"""By then looks say how he is held since, and not before; who leans forward on the bed's edge, to get up, is up."""
ROLLED_S = 2.5
"""Who rolled out of bed shows no more, and nothing moved: sooner than he would be believed to be up elsewhere."""
GONE_S = 1.0
"""Since it moved at a door, and nobody is elsewhere: whoever came in has gone."""


class _Seen(NamedTuple):
    frame_ns: int
    moves: Box
    his: bool
    """Somebody on his legs is where it moves."""
    alone: bool
    """One is there, up."""
    in_view: bool
    """It moves on floor that the camera sees: who lies there shows."""
    on_bed: bool
    """It moves there, or he is: who lies down in bed comes down like this, and shows."""
    two: bool
    """Two are where it moves: when one of them has gone, what the other moves is lower, and nobody came down."""
    door: Door | None
    """It reaches into it."""


@dataclass(frozen=True, slots=True)
class _Hidden:
    """Between these columns nothing of him is higher than `low` since then."""

    since_ns: int
    x0: float
    x1: float
    low: float
    why: str
    wait_s: float = BENT_S
    """Before it is believed."""
    shows: bool = False
    """He lies in view."""

    def over(self, box: Box) -> bool:
        """It lies in his columns, mostly."""
        return share_columns(box, self)

    def others(self, evidence: Evidence) -> int:
        """How many are seen elsewhere."""
        return sum(not self.over(box) for box in evidence.boxes)


class Sunk:
    """Fed with all evidence before anything else is made of it; answers with what is to be believed instead."""

    def __init__(self) -> None:
        self._seen: deque[_Seen] = deque()
        self._hidden: _Hidden | None = None
        self._rolled, self._slid = Rolled(), Slid()
        self._joined = False
        """Somebody has come in since: what moves may be he."""
        self._shows = False
        """Something of him differs from the known room."""
        self._by_door_ns = self._high_ns = self._two_ns = self._works_ns = 0

    def note(self, frame_ns: int, evidence: Evidence, state: RoomState) -> Evidence:
        """frame_ns: the camera's time, rising. state: the room's until now."""
        if evidence.place == "unseen":
            self._seen.clear()
            return evidence
        if self._hidden is None:
            self._remember(frame_ns, evidence, state)
            out_of_bed = self._rolled_out(frame_ns, evidence, state)
            fallen = self._slid_down(frame_ns, evidence, state) or self._sank(frame_ns) or out_of_bed
            self._hidden, self._joined, self._shows = fallen, False, False
        hidden = self._hidden
        if hidden is None:
            return evidence
        self._note_others(frame_ns, hidden, evidence)
        if self._is_up(hidden, evidence, frame_ns):
            self._seen.clear()
            self._hidden = None
            return evidence
        return self._instead(hidden, evidence, frame_ns)

    def _note_others(self, frame_ns: int, hidden: _Hidden, evidence: Evidence) -> None:
        """Whether somebody has come in since, and has not gone: by the door, and not to where he lies."""
        way_in = evidence.at_side or (evidence.moves_at or evidence.door) is not None
        himself = hidden.shows and not self._joined and evidence.moves and hidden.over(evidence.moves)
        if evidence.moving and way_in and not himself:
            self._joined, self._by_door_ns = True, frame_ns
        if _is_high(hidden, evidence):
            self._high_ns = frame_ns
        if (evidence.people or 0) > 1 and evidence.moving and evidence.moves and hidden.over(evidence.moves):
            # Who bends over another moves his arms in sight; who lies behind him, nothing.
            self._works_ns = frame_ns
        went = frame_ns - self._by_door_ns >= GONE_S * NS_PER_S and self._by_door_ns > self._high_ns
        if went and not evidence.moving and not hidden.others(evidence):
            self._joined = False

    def _instead(self, hidden: _Hidden, evidence: Evidence, frame_ns: int) -> Evidence:
        others = hidden.others(evidence)
        if self._joined and others:
            self._two_ns = frame_ns
            why = f"one who {hidden.why}, and {evidence.why}"
            return replace(evidence, people=others + 1, sure=True, why=why)
        if frame_ns - max(hidden.since_ns, self._works_ns) >= hidden.wait_s * NS_PER_S:
            lies = replace(evidence, place="floor", posture="lying", people=1, sure=True, door=None)
            return replace(lies, why=hidden.why, since_ns=max(hidden.since_ns, self._two_ns))
        unlike = evidence.place in ("bed", "bed-edge", "nowhere") and (evidence.people or 0) <= 1
        return replace(evidence, place="off-bed", abed=0) if unlike else evidence

    def _remember(self, frame_ns: int, evidence: Evidence, state: RoomState) -> None:
        if evidence.moving and evidence.moves is not None:
            on_legs = evidence.people is None or (evidence.people > 0 and evidence.posture != "lying")
            box, may_be = evidence.box, state in MAY_STAND
            his = may_be and on_legs and box is not None and share_columns(box, evidence.moves)
            on_bed = evidence.bed_stirs or evidence.place in ("bed", "bed-edge")
            two = sum(_spans(evidence.moves, each) for each in evidence.boxes) > 1
            alone, in_view = state in ALONE, evidence.floor_stirs
            self._seen.append(
                _Seen(frame_ns, evidence.moves, his, alone, in_view, on_bed, two, evidence.moves_at)
            )
        while self._seen and frame_ns - self._seen[0].frame_ns > REMEMBERED_S * NS_PER_S:
            self._seen.popleft()

    def _sank(self, frame_ns: int) -> _Hidden | None:
        """What moved came down, with its lower end where it was."""
        if len(self._seen) < 3 or frame_ns - self._seen[-1].frame_ns > LATELY_S * NS_PER_S:
            return None
        _, least, *_ = sorted(each.moves.y0 for each in self._seen)  # a speck is as high in one fifth only
        first = next(each for each in reversed(self._seen) if each.moves.y0 <= least + LEVEL)
        last = self._seen[-1].moves
        top, bottom = max(first.moves.y0, least), self._feet(first, least)
        high = bottom - top
        if high < LEAST_HIGH or bottom > LOWEST or not (first.his or self._walked(first)):
            return None
        leaves = first.door is not None and first.door == self._seen[-1].door
        if self._seen[-1].in_view or first.on_bed or first.two or leaves:
            return None
        sank, took_s = last.y0 - top, self._took_s(top, last.y0 - top)
        if sank < SANK * high or abs(last.y1 - bottom) > STAYS * high or took_s > FAST_S:
            return None
        x0, x1 = first.moves.x0 - ASIDE * high, first.moves.x1 + ASIDE * high
        if not x0 <= (last.x0 + last.x1) / 2 <= x1:
            return None
        ends = f"{1 - top:.0%} to {1 - last.y0:.0%} of the picture's height"
        why = f"came down out of sight, from {ends} in {took_s:.1f} s, not up since"
        return _Hidden(frame_ns, x0, x1, top + UP * high, why)

    def _feet(self, first: _Seen, least: float) -> float:
        """How low he reached while he was as high: who comes to rest moves his feet no more before he falls."""
        as_high = (each.moves for each in self._seen if each.moves.y0 <= least + LEVEL)
        return max([first.moves.y1, *(each.y1 for each in as_high if share_columns(each, first.moves))])

    def _rolled_out(self, frame_ns: int, evidence: Evidence, state: RoomState) -> _Hidden | None:
        rolled = self._rolled.note(frame_ns, evidence, state)
        if rolled is None:
            return None
        moved_ns, lay = rolled
        shows = max((box.y1 - box.y0 for box in evidence.differs), default=0.0) / (lay.y1 - lay.y0)
        why = (
            f"lay in bed, moved, and shows no more: {shows:.0%} as high as he was, and nobody went elsewhere"
        )
        self._rolled = Rolled()
        return _Hidden(moved_ns, lay.x0, lay.x1, lay.y0 - AROUND, why, wait_s=ROLLED_S)

    def _slid_down(self, frame_ns: int, evidence: Evidence, state: RoomState) -> _Hidden | None:
        slid = self._slid.note(frame_ns, evidence, state)
        if slid is None:
            return None
        sat, lies = slid.sat, slid.lies
        aside = ASIDE * (sat.y1 - sat.y0)
        ends = f"{1 - sat.y0:.0%} to {1 - lies.y0:.0%} of the picture's height"
        why = f"came down from the bed's edge, from {ends}, not up since"
        x0, x1 = min(sat.x0, lies.x0) - aside, max(sat.x1, lies.x1) + aside
        low = (sat.y0 + lies.y0) / 2
        return _Hidden(slid.frame_ns, x0, x1, low, why, wait_s=LEANS_S, shows=True)

    def _walked(self, first: _Seen) -> bool:
        """Whoever is there alone, though no look has found him lately: a curtain does not walk before it falls."""
        before = [each.moves for each in self._seen if each.frame_ns <= first.frame_ns]
        wide = first.moves.x1 - first.moves.x0
        return first.alone and any(
            abs(each.x0 + each.x1 - first.moves.x0 - first.moves.x1) > wide for each in before
        )

    def _took_s(self, top: float, sank: float) -> float:
        begun = max(each.frame_ns for each in self._seen if each.moves.y0 <= top + 0.2 * sank)
        ended = [
            each.frame_ns
            for each in self._seen
            if each.frame_ns > begun and each.moves.y0 >= top + 0.8 * sank
        ]
        return (min(ended, default=1 << 62) - begun) / NS_PER_S

    def _is_up(self, hidden: _Hidden, evidence: Evidence, frame_ns: int) -> bool:
        """Something is as high there as who stands, or he has come out. Once somebody has come in, that may be he: then
        what shows of who fell decides, or two who are seen.
        """
        there = any(hidden.over(box) for box in evidence.differs)
        self._shows |= there and not evidence.moving
        if self._joined and self._shows and evidence.background_known:
            return hidden.others(evidence) > 1 or not there
        sure = evidence.background_known or hidden.shows
        unclear = not sure and frame_ns - hidden.since_ns >= LOOKED_S * NS_PER_S
        if unclear and evidence.people != 0 and evidence.posture != "lying":
            return True  # who stands there and moves a foot alone looks like this
        box, moves = evidence.box, evidence.moves if evidence.moving else None
        if not self._joined and not there and evidence.people and box and moves and not hidden.over(box):
            return share_columns(box, moves)
        return _is_high(hidden, evidence)


def _is_high(hidden: _Hidden, evidence: Evidence) -> bool:
    moves = [evidence.moves] if evidence.moving and evidence.moves is not None else []
    return any(each.y0 < hidden.low and hidden.over(each) for each in [*evidence.differs, *moves])


def _spans(moves: Box, box: Box) -> bool:
    """It moves in most of somebody's columns."""
    return min(moves.x1, box.x1) - max(moves.x0, box.x0) >= 0.5 * (box.x1 - box.x0)
