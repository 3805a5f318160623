"""The suite's result as one structure: what the JSON holds and the page shows."""

import re
from typing import Any

import numpy as np
from msgspec import Struct, to_builtins

from stillroom_tools.lab.suite_cell import QUANTITIES, Cell, Quantity
from stillroom_tools.lab.suite_figures import (
    LEAST_SKIN_CELLS,
    RAMPS,
    Tally,
    all_said,
    first_after,
    lag_s,
    reliability,
    still,
    tally,
)
from stillroom_tools.lab.suite_fit import PARTS, Part, part_of
from stillroom_tools.lab.suite_recordings import CONTROL, FAMILY

MOST_ERROR = 0.05
NOT_CALIBRATED = "not calibrated on people"
NOT_TESTED = (
    "real people other than in the recordings below: none were asked",
    "an infrared camera, a Raspberry Pi camera module, or any lens: all optics here are formulas",
    "children, infants, people with arrhythmia, breathing disorders, tattoos, make-up, glasses, beards, bandages",
    "a person who moves skewed by the rolling shutter; shadows and reflections that move with the person",
    "animals, rocking machines, pumps, alternating-pressure mattresses, ventilated patients",
    "ageing and dirty lenses, condensation, heat",
)
SKIN_BANDS = ((0, 5), (6, 11), (12, 23), (24, 47), (48, 10_000))


class Target(Struct, frozen=True):
    """One row of what is aimed at. met: None where nothing was measured."""

    condition: str
    quantity: str
    aim: str
    measured: str
    met: bool | None


class Group(Struct, frozen=True):
    """Cells of one name, read for both quantities."""

    family: str
    value: str
    pulse_bpm: Tally
    breaths_per_min: Tally

    def of(self, quantity: Quantity) -> Tally:
        found: Tally = getattr(self, quantity)
        return found


class Summary(Struct, frozen=True):
    """All of it; `cells` are kept for plots and not written."""

    full: bool
    seeds: int
    cells: list[Cell]
    simulated: list[Group]
    recordings: list[Group]
    targets: list[Target]
    real_targets: list[Target]
    by_tone: list[Group]
    by_skin: list[Group]
    calibration: dict[str, dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Plain data. Real recordings and simulated rooms are apart; nothing is added over both."""
        return {
            "full": self.full,
            "seeds": self.seeds,
            "simulated": {
                "note": "simulated people are no evidence about real ones",
                "targets": to_builtins(self.targets),
                "conditions": to_builtins(self.simulated),
                "by_tone": to_builtins(self.by_tone),
                "by_cells_of_skin": to_builtins(self.by_skin),
                "calibration": self.calibration,
            },
            "real": {
                "note": NOT_CALIBRATED,
                "targets": to_builtins(self.real_targets),
                "recordings": to_builtins(self.recordings) if self.recordings else "not tested",
            },
            "not_tested": list(NOT_TESTED),
        }


def summarise(cells: list[Cell], full: bool, seeds: int) -> Summary:
    """From cells to all figures."""
    simulated = [cell for cell in cells if not cell.family.startswith(FAMILY)]
    real = [cell for cell in cells if cell.family.startswith(FAMILY)]
    calm = [cell for cell in simulated if cell.somebody and cell.family not in ("infrared", "no signal")]
    return Summary(
        full,
        seeds,
        cells,
        _groups(simulated),
        _groups(real),
        _targets(simulated),
        _real_targets([cell for cell in real if cell.family == CONTROL]),
        [_group("tone", tone, [c for c in still(simulated) if c.tone == tone]) for tone in _tones(simulated)],
        [
            _group("cells of skin", f"{low} or more" if high > 999 else f"{low}-{high}", band)
            for low, high in SKIN_BANDS
            if (band := [c for c in calm if c.skin_cells is not None and low <= c.skin_cells <= high])
        ],
        {name: _calibration(simulated, name) for name in QUANTITIES},
    )


def _tones(cells: list[Cell]) -> list[str]:
    order = ("light", "medium", "dark", "very-dark")
    return [tone for tone in order if any(cell.tone == tone for cell in cells)]


def _groups(cells: list[Cell]) -> list[Group]:
    names = dict.fromkeys((cell.family, cell.value) for cell in cells)
    return [_group(*name, [cell for cell in cells if (cell.family, cell.value) == name]) for name in names]


def _group(family: str, value: str, cells: list[Cell]) -> Group:
    return Group(family, value, tally(cells, "pulse_bpm"), tally(cells, "breaths_per_min"))


def _calibration(cells: list[Cell], quantity: Quantity) -> dict[str, Any]:
    """Of what the tables in use were fitted on and of what they were not, each by itself."""
    found: dict[str, Any] = {}
    for part in PARTS:
        bins, error = reliability([cell for cell in cells if part_of(cell) == part], quantity)
        readings = sum(each.readings for each in bins)
        found[part] = {"expected_error": error, "readings": readings, "bins": to_builtins(bins)}
    return found


def _targets(simulated: list[Cell]) -> list[Target]:
    calm = still(simulated)
    infrared = [c for c in simulated if c.family == "infrared" and _percent(c.value) >= 0.1]
    nobody = [c for c in simulated if not c.somebody or c.family == "no signal"]
    found = []
    for quantity, errors, coverage in (
        ("pulse_bpm", (1.0, 3.0), (0.9, 0.5)),
        ("breaths_per_min", (0.3, 0.5), (0.95, 0.9)),
    ):
        name: Quantity = quantity  # type: ignore[assignment]
        found.append(
            _read(
                f"still, >= {LEAST_SKIN_CELLS} cells of skin, noise <= 4",
                calm,
                name,
                errors[0],
                coverage[0],
            )
        )
        found.append(_read("infrared, pulse >= 0.1 %", infrared, name, errors[1], coverage[1]))
        found.append(_far_wrong(simulated, name))
        found.append(_silent("nobody there, or no signal", nobody, name))
        found += [_calibrated(simulated, part, name) for part in PARTS[1:]]
        found.append(_first(calm, name))
        found.append(_lag(simulated, name))
    return found


def _real_targets(scrambled: list[Cell]) -> list[Target]:
    return [_silent("scrambled skin", scrambled, name) for name in QUANTITIES] if scrambled else []


def _read(condition: str, cells: list[Cell], name: Quantity, mae: float, coverage: float) -> Target:
    aim = f"mean error <= {mae:g}, coverage >= {coverage:.0%}"
    seen = tally(cells, name)
    if seen.coverage is None:
        return Target(condition, name, aim, "not tested", None)
    shown = "nothing" if seen.mae is None else f"{seen.mae:.2f}"
    met = seen.mae is not None and seen.mae <= mae and seen.coverage >= coverage
    return Target(condition, name, aim, f"mean error {shown}, coverage {seen.coverage:.1%}", met)


def _far_wrong(cells: list[Cell], name: Quantity) -> Target:
    seen = tally(cells, name)
    limit = "> 5 bpm" if name == "pulse_bpm" else "> 3/min"
    if seen.far_share is None:
        return Target(f"whole grid, far wrong ({limit})", name, "<= 1 % of readings", "nothing read", None)
    words = f"{seen.far_share:.2%} ({seen.far_wrong} of {seen.all_emitted})"
    return Target(
        f"whole grid, far wrong ({limit})", name, "<= 1 % of readings", words, seen.far_share <= 0.01
    )


def _silent(condition: str, cells: list[Cell], name: Quantity) -> Target:
    said = all_said(cells, name)
    if not said:
        return Target(condition, name, ">= 99 % of seconds withheld", "not tested", None)
    share = sum(each.value is None for each in said) / len(said)
    return Target(
        condition, name, ">= 99 % of seconds withheld", f"{share:.2%} of {len(said)}", share >= 0.99
    )


def _calibrated(cells: list[Cell], part: Part, name: Quantity) -> Target:
    error = reliability([cell for cell in cells if part_of(cell) == part], name)[1]
    words, met = ("nothing read", None) if error is None else (f"{error:.3f}", error <= MOST_ERROR)
    return Target(f"calibration error, {part}", name, f"<= {MOST_ERROR:g}", words, met)


def _first(cells: list[Cell], name: Quantity) -> Target:
    limit, times = (12.0 if name == "pulse_bpm" else 35.0), first_after(cells, name)
    aim = f"<= {limit:g} s"
    if not times:
        return Target("first reading after stillness", name, aim, "not tested", None)
    middle, late = np.percentile(times, (50, 90))
    words = f"median {middle:.0f} s, nine in ten {late:.0f} s"
    return Target("first reading after stillness", name, aim, words, bool(late <= limit))


def _lag(cells: list[Cell], name: Quantity) -> Target:
    ramps = [cell for cell in cells if cell.family == RAMPS[name]]
    seen = lag_s(ramps, name, lambda cell: _percent(cell.value))
    return Target(
        "lag behind a ramp", name, "stated", "not tested" if seen is None else f"{seen:.1f} s", None
    )


def _percent(words: str) -> float:
    """The first number in a condition's name."""
    match = re.search(r"[-+]?\d+(?:\.\d+)?", words)
    return float(match[0]) if match else 0.0
