"""A simulated day in a site's store, from which the day can be drawn."""

import re
import sys
from pathlib import Path

import pytest
from tests.site.days import Picture

from stillroom.cli import main
from stillroom_tools.lab import simulated_day

REPOSITORY = Path(__file__).parents[2]


def test_what_the_real_room_told_of_a_scenario_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fall of two minutes: the eye, the room and its conditions say when, and somebody comes."""
    scenario = REPOSITORY / "config/scenarios/faller.toml"
    words = ["simulated_day", str(scenario), str(tmp_path / "made"), "--day", "2025-06-01"]
    monkeypatch.setattr(sys, "argv", words)
    simulated_day.main()
    out = tmp_path / "day.svg"
    report = ["site", "report", "room-12", "--day", "2025-06-01", "--site", str(tmp_path / "made/site")]
    assert main([*report, "--out", str(out)]) == 0
    drawn = Picture.read(out)
    assert len(drawn.bars("on-floor")) == 1 and drawn.bars("high")
    (fall,) = [line for line in drawn.words if "alert: on floor, high" in line]
    assert re.search(r"acknowledged by nurse-a after 3\d s; attended by nurse-a after 1 min; cleared", fall)
    assert "on floor" in drawn.description and "nothing is known of" in drawn.description
