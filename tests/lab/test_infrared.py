"""Simulated infrared, one channel: read from somebody still, withheld of an empty room. No evidence about people."""

import pytest
from msgspec.structs import replace

from stillroom_tools.lab.suite_cell import Cell, run_condition
from stillroom_tools.lab.suite_grid import grid


def of(name: str) -> Cell:
    (condition,) = (each for each in grid(False) if each.name == name)
    scenario = condition.scenario
    if not condition.somebody:
        scenario = replace(scenario, light=replace(scenario.light, infrared=True))
    return run_condition(replace(condition, duration_s=60.0, scenario=scenario), 1, "test")


@pytest.mark.parametrize("share", ["0.10 %", "0.30 %"])
def test_a_pulse_of_a_tenth_of_a_per_cent_is_read(share: str) -> None:
    said = [second.pulse_bpm for second in of(f"infrared: {share}").seconds if second.at_s > 30]
    errors = [each.error for each in said if each.error is not None]
    assert len(errors) >= 0.5 * len(said)
    assert sum(errors) / len(errors) <= 3 and max(errors) <= 5


@pytest.mark.parametrize("name", ["nobody: fan", "nobody: flicker, 50 Hz at 25 fps, 0.3 Hz off"])
def test_nobody_in_infrared_has_no_pulse(name: str) -> None:
    assert all(second.pulse_bpm.value is None for second in of(name).seconds)
