"""What the cells of a suite say together: errors, coverage, calibration. Simulated and real ones are never added up."""

from collections.abc import Callable, Iterable
from math import inf

import numpy as np
from msgspec import Struct

from stillroom_tools.lab.suite_cell import FAR_WRONG, NEAR, Cell, Quantity, Said, Second

SETTLED_S = 35.0
"""After so long of lying still a reading is due."""
NOBODY_S = 20.0
BINS = 10
STILL = (
    "still, by tone", "light", "tone and light", "distance", "sensor", "whole room", "breathing rate", "pulse rate",
)  # fmt: skip
LEAST_SKIN_CELLS, MOST_SIGMA = 12, 4.0
RAMPS: dict[Quantity, str] = {"pulse_bpm": "pulse ramp", "breaths_per_min": "breathing ramp"}


class Tally(Struct, frozen=True):
    """windows: those in which a reading was due; emitted: readings given in them. far_wrong and mae are of readings
    given at any time (`all_emitted`); None where there were none. mae leaves out readings where nothing was to be read.
    """

    cells: int
    windows: int
    emitted: int
    all_emitted: int
    far_wrong: int
    coverage: float | None
    far_share: float | None
    mae: float | None
    worst: float | None
    reasons: dict[str, int]


def due(cell: Cell, second: Second) -> bool:
    """Whether a reading is due by then."""
    if cell.settled_s is None:
        return False
    return second.at_s >= cell.settled_s + (SETTLED_S if cell.somebody else NOBODY_S)


def expected(cell: Cell, second: Second, quantity: Quantity) -> bool:
    """Whether a reading of this second counts for coverage: due, and there is something known to read."""
    said = second.of(quantity)
    if cell.family.startswith("recording"):
        return said.known and said.withheld not in ("warming-up", "unsupported")
    return due(cell, second) and (said.low is not None or not cell.somebody)


def tally(cells: Iterable[Cell], quantity: Quantity) -> Tally:
    """One row of a table."""
    cells = list(cells)
    wanted = [s.of(quantity) for cell in cells for s in cell.seconds if expected(cell, s, quantity)]
    errors = [said.error for said in all_said(cells, quantity)]
    given = [error for error in errors if error is not None]
    finite = [error for error in given if error < inf]
    emitted = sum(said.value is not None for said in wanted)
    far = sum(error > FAR_WRONG[quantity] for error in given)
    reasons: dict[str, int] = {}
    for said in wanted:
        if said.withheld is not None:
            reasons[said.withheld] = reasons.get(said.withheld, 0) + 1
    return Tally(
        cells=len(cells),
        windows=len(wanted),
        emitted=emitted,
        all_emitted=len(given),
        far_wrong=far,
        coverage=round(emitted / len(wanted), 4) if wanted else None,
        far_share=round(far / len(given), 4) if given else None,
        mae=round(float(np.mean(finite)), 3) if finite else None,
        worst=round(max(finite), 2) if finite else None,
        reasons=dict(sorted(reasons.items(), key=lambda pair: -pair[1])),
    )


def all_said(cells: Iterable[Cell], quantity: Quantity) -> list[Said]:
    """Every second's word, those with nothing known left out."""
    return [said for cell in cells for s in cell.seconds if (said := s.of(quantity)).known]


class Bin(Struct, frozen=True):
    """Readings of like quality: their mean quality, and the share that was near the truth."""

    quality: float
    near: float
    readings: int


def reliability(cells: Iterable[Cell], quantity: Quantity) -> tuple[list[Bin], float | None]:
    """Bins of equal width over 0 to 1, and the expected calibration error (Naeini, Cooper, Hauskrecht 2015)."""
    pairs = [(s.quality, s.error) for s in all_said(cells, quantity) if s.value is not None]
    if not pairs:
        return [], None
    quality = np.array([q for q, _ in pairs], float)
    near = np.array([e is not None and e <= NEAR[quantity] for _, e in pairs], float)
    place = np.minimum((quality * BINS).astype(int), BINS - 1)
    bins = [
        Bin(round(float(quality[here].mean()), 4), round(float(near[here].mean()), 4), int(here.sum()))
        for k in range(BINS)
        if (here := place == k).any()
    ]
    ece = sum(each.readings * abs(each.quality - each.near) for each in bins) / len(pairs)
    return bins, round(float(ece), 4)


def risk_coverage(cells: Iterable[Cell], quantity: Quantity) -> list[tuple[float, float]]:
    """(coverage, share far wrong) as the quality asked for falls; coverage of all seconds with somebody to be read."""
    cells = list(cells)
    possible = sum(s.low is not None for s in all_said(cells, quantity))
    given = [(s.quality or 0.0, s.error) for s in all_said(cells, quantity) if s.value is not None]
    if not given or not possible:
        return []
    given.sort(key=lambda pair: -pair[0])
    far = np.cumsum([e is not None and e > FAR_WRONG[quantity] for _, e in given])
    at = np.unique(np.linspace(0, len(given) - 1, 200).astype(int))
    return [(round((k + 1) / possible, 4), round(float(far[k] / (k + 1)), 5)) for k in at]


def agreement(cells: Iterable[Cell], quantity: Quantity) -> list[tuple[float, float]]:
    """(true rate, reading minus true rate) of each reading that had a truth: Bland and Altman 1986, truth known."""
    found = []
    for said in all_said(cells, quantity):
        if said.value is not None and said.low is not None and said.high is not None:
            nearest = min(max(said.value, said.low), said.high)
            found.append((round(nearest, 2), round(said.value - nearest, 3)))
    return found


def first_after(cells: Iterable[Cell], quantity: Quantity) -> list[float]:
    """Seconds from stillness to the first reading near the truth, of each cell that had one."""
    found = []
    for cell in cells:
        times = [
            s.at_s - cell.settled_s
            for s in cell.seconds
            if cell.settled_s is not None and s.at_s > cell.settled_s and s.of(quantity).value is not None
        ]
        found += [round(min(times), 1)] if times else []
    return found


def lag_s(cells: Iterable[Cell], quantity: Quantity, ramp_of: Callable[[Cell], float]) -> float | None:
    """Mean seconds by which readings trail the rate on a ramp."""
    lags = [
        (said.now - said.value) / (ramp_of(cell) / 60.0)
        for cell in cells
        for s in cell.seconds
        if 60.0 <= s.at_s <= 100.0 and (said := s.of(quantity)).value is not None and said.now is not None
    ]
    return round(float(np.mean(lags)), 1) if lags else None


def still(cells: Iterable[Cell]) -> list[Cell]:
    """Somebody still, in visible light, with skin enough and noise little enough to be read."""
    return [
        cell
        for cell in cells
        if cell.family in STILL
        and cell.somebody
        and (cell.skin_cells or 0) >= LEAST_SKIN_CELLS
        and (cell.noise_sigma or 0.0) <= MOST_SIGMA
    ]
