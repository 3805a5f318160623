"""Simulated rooms in which something moves at a breathing pace and is no breath. No evidence about real rooms."""

from typing import Any

import pytest
from msgspec.structs import replace

from stillroom.eye.breathing import SHORTEST_S
from stillroom_tools.lab.scenario_physics import Curtain, Television
from stillroom_tools.lab.suite_cell import FAR_WRONG, Cell, run_condition
from stillroom_tools.lab.suite_grid import Condition, grid

SEED = 31


def of(name: str, duration_s: float = 60.0, **things: Any) -> Cell:
    (condition,) = (each for each in grid(False) if each.name == name)
    return run_condition(shortened(condition, duration_s, things), SEED, "test")


def shortened(condition: Condition, duration_s: float, things: dict[str, Any]) -> Condition:
    """At 10 frames a second: breath is slow, and the shortest lamps' and fans' aliases have tests of their own."""
    scenario = replace(condition.scenario, **things)
    return replace(condition, scenario=scenario, duration_s=duration_s, frames_per_s=10.0)


def given(cell: Cell) -> int:
    return sum(second.breaths_per_min.value is not None for second in cell.seconds)


def test_a_curtain_in_a_draught_is_not_breath() -> None:
    """In 99 of 100 windows: two neighbouring folds may keep together for a while."""
    curtains = [Curtain(sway_hz=hz, sway_mm=mm) for hz in (0.2, 0.3, 0.45) for mm in (5.0, 30.0)]
    cells = [of("nobody: empty room", curtain=curtain) for curtain in curtains]
    windows = sum(second.at_s > SHORTEST_S for cell in cells for second in cell.seconds)
    assert sum(map(given, cells)) <= 0.01 * windows


@pytest.mark.parametrize("glow", [0.02, 0.25])
def test_a_television_is_not_breath(glow: float) -> None:
    assert given(of("nobody: empty room", television=Television(glow=glow))) == 0


def test_a_fan_that_swings_is_not_breath() -> None:
    assert given(of("nobody: fan that swings")) == 0


@pytest.mark.parametrize("name", ["second person: in-bed", "second person: beside-bed", "things: curtain"])
def test_with_something_else_in_the_picture_a_reading_is_the_persons_or_none(name: str) -> None:
    errors = [second.breaths_per_min.error for second in of(name).seconds]
    assert all(error <= FAR_WRONG["breaths_per_min"] for error in errors if error is not None)


def test_six_breaths_a_minute_are_read_after_three_quarters_of_a_minute() -> None:
    cell = of("breathing rate: 6/min", 75.0)
    errors = [second.breaths_per_min.error for second in cell.seconds]
    said = [error for error in errors if error is not None]
    assert len(said) >= 15
    assert max(said) < 0.5


def test_held_breath_is_no_rate_but_a_reason() -> None:
    """Forty seconds of each minute."""
    cell = of("breath-holds: 40 s of 60 s", 65.0)
    for second in cell.seconds:
        if second.at_s > 45:
            assert second.breaths_per_min.withheld in ("low-signal", "motion")
