"""Fits the table of `stillroom/eye/quality.py` on one part of the simulated cells and tries it on the others.

Fitted on odd seeds of most families; held out are even seeds of the same families, and whole families that no seed was
taken from. Monotone by pooling (Ayer, Brunk, Ewing, Reid, Silverman 1955), a few knots, one imagined hit and miss each.
"""

from collections.abc import Iterable
from typing import Literal

import numpy as np
from msgspec import Struct

from stillroom_tools.lab.suite_cell import NEAR, Cell, Quantity
from stillroom_tools.lab.suite_figures import all_said

HELD_OUT_FAMILIES = ("H.264", "head sway", "tone and light", "things", "frames a second", "flicker")
Part = Literal["fitted on", "seeds held out", "families held out"]
PARTS: tuple[Part, ...] = ("fitted on", "seeds held out", "families held out")
EDGES = (0.1, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99)
LEAST_READINGS = 25
BINS = 10
Knots = tuple[tuple[float, float], ...]
Pairs = list[tuple[float, bool]]


class Fitted(Struct, frozen=True):
    """A table, and its expected calibration error on each part (None: no readings there)."""

    quantity: str
    knots: Knots
    readings: int
    error_fitted: float | None
    error_other_seeds: float | None
    error_other_families: float | None


def part_of(cell: Cell) -> Part:
    """Whether the table in use was fitted on a cell, or why not."""
    if cell.family in HELD_OUT_FAMILIES:
        return "families held out"
    return "fitted on" if cell.seed % 2 == 1 else "seeds held out"


def fit(cells: list[Cell], quantity: Quantity) -> Fitted:
    """From cells whose quality is the methods' own."""
    fitted_on, *held_out = (pairs([c for c in cells if part_of(c) == part], quantity) for part in PARTS)
    knots = knots_of(fitted_on)
    return Fitted(
        quantity,
        knots,
        len(fitted_on),
        calibration_error(fitted_on, knots),
        *(calibration_error(part, knots) for part in held_out),
    )


def pairs(cells: Iterable[Cell], quantity: Quantity) -> Pairs:
    """(own estimate, near the truth) of each reading."""
    return [
        (said.quality or 0.0, said.error is not None and said.error <= NEAR[quantity])
        for said in all_said(cells, quantity)
        if said.value is not None
    ]


def knots_of(given: Pairs) -> Knots:
    """A rising table through groups of readings of like estimates; the few poor ones are groups of their own."""
    if not given:
        return ((0.0, 0.0), (1.0, 1.0))
    pooled: list[list[float]] = []
    for group in _groups(sorted(given)):
        at, hits = float(np.mean([own for own, _ in group])), sum(near for _, near in group)
        pooled.append([at, hits + 1.0, len(group) + 2.0])
        while len(pooled) > 1 and not _rises(pooled[-2], pooled[-1]):
            last = pooled.pop()
            weight = last[2] / (last[2] + pooled[-1][2])
            pooled[-1][0] += weight * (last[0] - pooled[-1][0])
            pooled[-1][1] += last[1]
            pooled[-1][2] += last[2]
    return tuple((round(at, 3), round(hits / total, 4)) for at, hits, total in pooled)


def _groups(given: Pairs) -> list[Pairs]:
    """Readings in rising order, parted at EDGES; what is too small joins its lower neighbour."""
    groups: list[Pairs] = []
    places = np.searchsorted([own for own, _ in given], (0.0, *EDGES)).tolist()
    for begin, end in zip(places, [*places[1:], len(given)], strict=True):
        if groups and (end - begin < LEAST_READINGS or len(groups[-1]) < LEAST_READINGS):
            groups[-1] += given[begin:end]
        elif end > begin:
            groups.append(given[begin:end])
    return groups


def _rises(before: list[float], after: list[float]) -> bool:
    """Whether both the estimate and its worth are larger than before, by more than the table's last digit."""
    return after[0] - before[0] > 0.001 and after[1] / after[2] - before[1] / before[2] > 0.0001


def calibration_error(given: Pairs, knots: Knots) -> float | None:
    """Expected calibration error of the table on readings, in ten bins of its probability."""
    if not given:
        return None
    at, share = zip(*knots, strict=True)
    stated = np.interp([q for q, _ in given], at, share)
    near = np.array([hit for _, hit in given], float)
    place = np.minimum((stated * BINS).astype(int), BINS - 1)
    away = [abs(stated[place == k].sum() - near[place == k].sum()) for k in range(BINS)]
    return round(float(sum(away)) / len(given), 4)
