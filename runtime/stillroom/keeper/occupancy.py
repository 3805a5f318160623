"""From one observation: is somebody there, and where? Pure, and without memory; `state.py` adds the time.

Evidence in falling order of what it proves: something that differs from the empty room, something that
moves, something that breathes. None of it alone proves absence unless the empty room is known.
"""

from dataclasses import dataclass
from typing import Literal

from stillroom.config import Zones
from stillroom.keeper import zones as where
from stillroom.observation import Blob, Box, Health, Observation

Place = Literal["bed", "off-bed", "somewhere", "nowhere", "unseen"]

BLIND: frozenset[Health] = frozenset({"covered", "blinded", "frozen", "moved"})
"""Nothing can be said of a room from such a camera; a blurred one still sees that somebody moves."""
LEAST_BLOB_AREA = 0.004
"""A person is larger than this share of the picture; less is a shadow's edge or a curtain's hem."""
LEAST_MOTION = 0.003
"""Share of moving cells below which nobody walks: 15 cells of 4,800."""


@dataclass(frozen=True)
class Evidence:
    """What one observation says. `why` holds its numbers."""

    place: Place
    moving: bool
    at_door: bool
    background_known: bool
    why: str


def judge(seen: Observation, zones: Zones) -> Evidence:
    """The evidence of one observation."""
    if seen.health in BLIND:
        return Evidence("unseen", False, False, False, f"the camera is {seen.health}")
    if seen.dark or seen.light_changed:
        reason = f"luma {seen.luma_mean:.0f}" if seen.dark else "light changed"
        return Evidence("unseen", False, False, False, reason)
    box, what = _best_box(seen)
    moving = seen.motion >= LEAST_MOTION
    known = seen.background == "learned"
    if box is None:
        return Evidence(
            "nowhere", moving, False, known, f"motion {seen.motion:.3f}, nothing differs or breathes"
        )
    return Evidence(_place(box, zones), moving, where.at_door(box, zones), known, what)


def _place(box: Box, zones: Zones) -> Place:
    if zones.bed is None:
        return "somewhere"
    return "bed" if where.in_bed(box, zones) else "off-bed"


def _best_box(seen: Observation) -> tuple[Box | None, str]:
    blobs = [b for b in seen.blobs if b.area >= LEAST_BLOB_AREA]
    if blobs and seen.background == "learned":
        blob = max(blobs, key=_liveliness)
        return blob.box, f"{blob.area:.1%} of the picture differs, {blob.moving:.0%} of it moves"
    if seen.motion >= LEAST_MOTION and seen.motion_box is not None:
        return seen.motion_box, f"{seen.motion:.1%} of the picture moves"
    if seen.breathing_box is not None:
        return seen.breathing_box, "a rhythm of breathing"
    return None, ""


def _liveliness(blob: Blob) -> float:
    """Area counts, motion counts more: a moved chair is large and still."""
    return blob.area * (0.25 + blob.moving)
