"""What an installer accepts a unit by: zones that were drawn, light as its own eye sees it, and how far the bed is.

Distance counts because readings need cells: a face must cover as many 8x8 cells as a pulse needs (`eye/pulse.py`: 12
cells of skin), a chest as many as a breath. How many it covers follows from distance and field of view alone.
"""

import math
from collections.abc import Iterator, Sequence

from stillroom.config import UnitConfig, Zones
from stillroom.outline import area
from stillroom.selftest_forms import Check
from stillroom.status import Status

CELL_PX = 8
FACE_M2 = 0.15 * 0.20
"""An adult's face without hair, about 15 by 20 cm."""
CHEST_M2 = 0.30 * 0.30
"""What moves of an adult's chest and belly."""
LEAST_CELLS = 12
LUMA = (40.0, 200.0)
CLIPPED_MOST = 0.05
BED_CELLS_LEAST = 100
"""A drawn bed of fewer is a slip of the hand, or a bed too far away to tell anything of."""
CAMERA_FAULTS = (
    "camera-covered",
    "camera-dark",
    "camera-blinded",
    "camera-blurred",
    "camera-frozen",
    "camera-moved",
)
PURPOSES = ("status", "breathing", "pulse")


def judge(
    unit: UnitConfig,
    status: Status,
    wanted: Sequence[str],
    purpose: str,
    distance_m: float,
    view_degrees: float,
) -> Iterator[Check]:
    """Each check with its margin. unit: as it is in force; status: of its keeper, which runs."""
    yield _is("sensing", status.gate == "open", f"the gate is open (it is {status.gate})")
    for zone in wanted:
        yield _is(f"zone-{zone.replace('_', '-')}", getattr(unit.zones, zone) is not None, "drawn")
    yield from _light(status)
    yield from _sizes(unit, purpose, distance_m, view_degrees)


def _light(status: Status) -> Iterator[Check]:
    seen = [fault for fault in status.faults if fault in CAMERA_FAULTS]
    yield _is("view", not seen, f"nothing is wrong with what the camera sees{': ' + seen[0] if seen else ''}")
    luma, clipped = status.luma_mean, status.clipped
    words = f"{LUMA[0]:g} to {LUMA[1]:g}"
    margin = None if luma is None else min(luma - LUMA[0], LUMA[1] - luma)
    yield Check("light", luma, "of 255", words, margin, margin is not None and margin >= 0)
    margin = None if clipped is None else CLIPPED_MOST - clipped
    words = f"at most {CLIPPED_MOST:g} black or white"
    yield Check("clipped", clipped, "1", words, margin, margin is not None and margin >= 0)


def _sizes(unit: UnitConfig, purpose: str, distance_m: float, view_degrees: float) -> Iterator[Check]:
    bed = bed_cells(unit.zones, unit)
    if bed is not None:
        yield _at_least("bed-cells", bed, BED_CELLS_LEAST)
    needed = {"pulse": ("face-cells", FACE_M2), "breathing": ("chest-cells", CHEST_M2)}
    for name in PURPOSES[1 : PURPOSES.index(purpose) + 1]:
        check, size_m2 = needed[name]
        yield _at_least(
            check, size_m2 * cells_per_m(unit.camera.width_px, distance_m, view_degrees) ** 2, LEAST_CELLS
        )


def cells_per_m(width_px: int, distance_m: float, view_degrees: float) -> float:
    """Cells along a metre at this distance, for a lens that sees so many degrees across (0 < degrees < 180)."""
    across_m = 2 * distance_m * math.tan(math.radians(view_degrees) / 2)
    return width_px / CELL_PX / across_m


def bed_cells(zones: Zones, unit: UnitConfig) -> float | None:
    """How many cells the drawn bed covers; None where none is drawn."""
    if zones.bed is None:
        return None
    camera = unit.camera
    return abs(area(zones.bed)) * (camera.width_px / CELL_PX) * (camera.height_px / CELL_PX)


def _is(check: str, passed: bool, words: str) -> Check:
    return Check(check, "yes" if passed else "no", "", words, None, passed)


def _at_least(check: str, value: float, least: float) -> Check:
    return Check(
        check, round(value, 1), "cells", f"at least {least:g}", round(value - least, 1), value >= least
    )
