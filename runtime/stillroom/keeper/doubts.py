"""Something stirs, and a model that looks believes in nobody: somebody whom it does not see, or nobody at all.

Whoever is in a room that was empty came by a door or a side of the picture, and is larger than a cat or a robot. So
what does neither, and lies still (a curtain that came down), makes nobody doubt that it is empty; and what only stirs
off the bed and at no door, from the moment the camera opened, is nobody in the end: a curtain, a fan, a screen. What a
screen lights up moves in one fifth of a second and no longer, wherever it is: a body takes two. A cat that stretches,
or passes where it lay, is as large as somebody for a look or two, so most looks decide: a body keeps its size.
"""

from stillroom.clock import NS_PER_S
from stillroom.keeper.occupancy import Evidence

STIRS_S = 4.0
"""Since it last moved: what came from nowhere and is still for longer is a thing."""


class Doubts:
    """Fed with all evidence before the machine decides."""

    def __init__(self) -> None:
        self.since_ns: int | None = None
        """Since when somebody may be there whom the model does not see."""
        self.stirs_ns: int | None = None
        """Since when anything has: who is confirmed in the end has been there since."""
        self.nobody_ns: int | None = None
        """Since when, from the beginning, the model was sure of nobody, and nothing stirred in the bed or a way in."""
        self._moved_ns: int | None = None
        self._came = self._emptied = False
        self._large = 0
        """In how many more looks it was larger than a cat than not, since it first was."""
        self._at_way_in = self._may_be_somebody = False
        """Of the fifth before this one."""

    def note(self, frame_ns: int, evidence: Evidence, *, empty: bool, confirmed: bool) -> None:
        """empty: the room was. confirmed: a model has believed in somebody since it was, or since the camera opened."""
        if evidence.moving:
            self._moved_ns = frame_ns
        at_way_in, before = _at_a_way_in(evidence), self._at_way_in
        self._came = evidence.doubted and (self._came or (at_way_in and before))
        self.stirs_ns = _since(self.stirs_ns, frame_ns, evidence.doubted)
        doubted = evidence.doubted
        if empty and doubted and evidence.place != "bed":
            doubted = self._came or self.moved_within(frame_ns, STIRS_S)
        thing = self._is_thing(evidence, doubted) and not confirmed and (empty or evidence.place != "bed")
        doubted = doubted and not thing
        self.since_ns = _since(self.since_ns, frame_ns, doubted)
        self._emptied |= empty
        never, may_be_somebody = not confirmed and not self._emptied, not _may_be_nobody(evidence)
        twice = may_be_somebody and self._may_be_somebody
        self.nobody_ns = _since(self.nobody_ns, frame_ns, never and not twice)
        self._at_way_in, self._may_be_somebody = at_way_in, may_be_somebody

    def settle(self) -> None:
        """The room is empty: whatever stirs from now on is new."""
        self.since_ns = self.stirs_ns = None

    def _is_thing(self, evidence: Evidence, doubted: bool) -> bool:
        """It has been no larger than a cat in most looks since it was first larger."""
        if not doubted:
            self._large = 0
        elif evidence.thing and not self._large:
            return True
        else:
            self._large += -1 if evidence.thing else 1
        return False

    def moved_within(self, frame_ns: int, seconds: float) -> bool:
        """Anything has, in the last of them."""
        return self._moved_ns is not None and frame_ns - self._moved_ns < seconds * NS_PER_S


def _since(then_ns: int | None, now_ns: int, holds: bool) -> int | None:
    if not holds:
        return None
    return now_ns if then_ns is None else then_ns


def _may_be_nobody(evidence: Evidence) -> bool:
    off_bed = evidence.place in ("nowhere", "off-bed", "chair") and not evidence.bed_stirs
    return evidence.people == 0 and evidence.sure and off_bed and not _at_a_way_in(evidence)


def _at_a_way_in(evidence: Evidence) -> bool:
    return evidence.moving and (evidence.door is not None or evidence.at_side)
