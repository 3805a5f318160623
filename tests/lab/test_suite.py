"""The suite: its grid, its figures, its page; run, cut short, taken up again."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from math import inf
from pathlib import Path

import msgspec
import pytest

from stillroom.cli import main
from stillroom_tools.lab.scenario import Scenario
from stillroom_tools.lab.scenario_physics import Unrest
from stillroom_tools.lab.simulated import SimulatedCamera
from stillroom_tools.lab.suite_cell import Cell, Said, Second
from stillroom_tools.lab.suite_figures import (
    agreement,
    first_after,
    lag_s,
    reliability,
    risk_coverage,
    still,
    tally,
)
from stillroom_tools.lab.suite_fit import HELD_OUT_FAMILIES
from stillroom_tools.lab.suite_grid import DEFAULT_SEEDS, Condition, grid
from stillroom_tools.lab.suite_page import page
from stillroom_tools.lab.suite_plots import Plot, percent, ticks
from stillroom_tools.lab.suite_recordings import recordings_in, recordings_near
from stillroom_tools.lab.suite_run import run_all, tasks
from stillroom_tools.lab.suite_summary import NOT_CALIBRATED, summarise

Capture = pytest.CaptureFixture[str]
SILENT = Said(withheld="low-signal", low=15.0, high=15.0)


def read(value: float, quality: float = 0.9, true: float | None = 15.0) -> Said:
    return Said(value, quality, None, true, true, now=true)


@dataclass
class Made:
    """A cell of breathing alone, one word a second from the first second of stillness."""

    words: list[Said]
    family: str = "light"
    value: str = "30 lux"
    somebody: bool = True
    skin: int | None = 20

    def cell(self) -> Cell:
        pulse = Said(withheld="low-signal", low=60.0 if self.somebody else None, high=60.0)
        seconds = [Second(10.0 + k, pulse, word) for k, word in enumerate(self.words)]
        tone = "dark" if self.somebody else None
        return Cell("", self.family, self.value, 1, self.somebody, tone, self.skin, 1.0, 10.0, seconds)


def test_the_grid_has_no_name_twice_and_the_full_one_holds_more() -> None:
    short, full = grid(False), grid(True)
    for rows in (short, full):
        assert len({row.name for row in rows}) == len(rows)
    assert len(full) > len(short) > 90
    for row in full:
        assert msgspec.convert(msgspec.to_builtins(row.scenario), Scenario) == row.scenario
        assert row.seeded(1) == row.seeded(1)
    rates = {row.seeded(seed).pulse.pulse_bpm for row in short for seed in (1, 2)}
    assert len(rates) > 100


def test_error_is_the_distance_to_what_may_be_called_true() -> None:
    between = Said(12.0, 0.9, None, 10.0, 14.0)
    assert between.error == 0.0
    assert msgspec.structs.replace(between, value=15.5).error == 1.5
    assert msgspec.structs.replace(between, value=9.0).error == 1.0
    assert msgspec.structs.replace(between, low=None).error == inf
    assert msgspec.structs.replace(between, known=False).error is None
    assert SILENT.error is None


def test_truth_while_breath_is_held() -> None:
    unrest = Unrest(hold_every_s=60.0, hold_s=30.0)
    camera = SimulatedCamera(Scenario(title="x", unrest=unrest), width_px=16, height_px=16)
    assert camera.true_between("breaths_per_min", 32.0, 58.0) is None
    low, high = camera.true_between("breaths_per_min", 10.0, 40.0) or (0.0, 0.0)
    assert low == pytest.approx(high * 2 / 3) and 13.0 < high < 16.0
    low, high = camera.true_between("breaths_per_min", 0.0, 30.0) or (0.0, 0.0)
    assert low == high


def test_coverage_begins_when_a_reading_is_due_and_far_wrong_counts_all() -> None:
    cell = Made([read(19.0)] + [SILENT] * 39 + [read(15.2)] * 15 + [read(14.0)] * 5).cell()
    seen = tally([cell], "breaths_per_min")
    assert (seen.windows, seen.emitted, seen.all_emitted, seen.far_wrong) == (25, 20, 21, 1)
    assert seen.coverage == 0.8
    assert seen.mae == pytest.approx((4.0 + 15 * 0.2 + 5) / 21, abs=0.001)
    assert seen.reasons == {"low-signal": 5}
    assert tally([], "breaths_per_min").coverage is None


def test_with_nobody_there_every_reading_is_far_wrong() -> None:
    nothing = Said(withheld="low-signal")
    cell = Made([nothing] * 30 + [read(15.0, true=None)], somebody=False).cell()
    seen = tally([cell], "breaths_per_min")
    assert (seen.all_emitted, seen.far_wrong, seen.mae) == (1, 1, None)
    assert still([cell]) == []


def test_reliability_and_its_error() -> None:
    words = (
        [read(15.0, 0.95)] * 90 + [read(25.0, 0.95)] * 10 + [read(15.0, 0.55)] * 50 + [read(25.0, 0.55)] * 50
    )
    bins, error = reliability([Made(words).cell()], "breaths_per_min")
    assert [(each.quality, each.near, each.readings) for each in bins] == [(0.55, 0.5, 100), (0.95, 0.9, 100)]
    assert error == pytest.approx(0.05)
    assert reliability([Made([SILENT]).cell()], "breaths_per_min") == ([], None)


def test_risk_falls_where_quality_knows_what_is_wrong() -> None:
    cell = Made([read(25.0, 0.3)] * 10 + [read(15.0, 0.9)] * 30 + [SILENT] * 10).cell()
    points = risk_coverage([cell], "breaths_per_min")
    assert points[-1] == (0.8, 0.25)
    assert dict(points)[0.6] == 0.0


def test_agreement_first_reading_and_lag() -> None:
    cells = [
        Made([SILENT] * 12 + [read(15.5)] * 70, family="breathing ramp", value="+6/min each minute").cell()
    ]
    assert agreement(cells, "breaths_per_min")[0] == (15.0, 0.5)
    assert first_after(cells, "breaths_per_min") == [12.0]
    assert lag_s(cells, "breaths_per_min", lambda cell: 6.0) == -5.0


def test_the_page_stands_alone_and_says_what_was_not_tested() -> None:
    cells = [
        Made([SILENT] * 36 + [read(15.1, 0.97)] * 20).cell(),
        Made([Said(withheld="low-signal")] * 40, "nobody", "fan <b>", somebody=False, skin=None).cell(),
    ]
    summary = summarise(cells, False, 1)
    text = page(summary)
    assert NOT_CALIBRATED in text and "Not tested" in text and "no recordings were found" in text
    assert not re.search(r"https?:|<script|src=|@import|url\(", text)
    assert "fan &lt;b&gt;" in text
    for drawn in re.findall(r"<svg.*?</svg>", text, re.S):
        ET.fromstring(drawn)
    plain = json.loads(json.dumps(summary.as_json(), allow_nan=False))
    assert plain["real"]["recordings"] == "not tested" and plain["real"]["note"] == NOT_CALIBRATED
    assert {each["condition"] for each in plain["simulated"]["targets"] if each["measured"] == "not tested"}


def test_calibration_is_told_apart_for_what_the_tables_were_fitted_on() -> None:
    good, bad = [read(15.0, 0.95)] * 20, [read(25.0, 0.95)] * 20
    cells = [
        Made(good, "light", "a").cell(),
        msgspec.structs.replace(Made(bad, "light", "a").cell(), seed=2),
        Made(bad, HELD_OUT_FAMILIES[0], "a").cell(),
    ]
    summary = summarise(cells, False, 2)
    seen = summary.calibration["breaths_per_min"]
    assert {part: (each["readings"], each["expected_error"]) for part, each in seen.items()} == {
        "fitted on": (20, 0.05),
        "seeds held out": (20, 0.95),
        "families held out": (20, 0.95),
    }
    judged = {t.condition: t.met for t in summary.targets if t.quantity == "breaths_per_min"}
    assert judged["calibration error, families held out"] is False
    assert 'class="breaths_per_min families"' in page(summary)


def test_plots_keep_to_their_frame_and_ticks_are_round() -> None:
    plot = Plot((0.0, 10.0), (0.0, 1.0), "x", "y")
    plot.dots([(-5.0, 2.0), (50.0, -3.0)], "a")
    assert '"M46.0 8.0h0M410.0 242.0h0"' in plot.svg()
    assert ticks(0.0, 1.0) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(40.0, 185.0) == [50.0, 100.0, 150.0]
    assert [percent(share) for share in (1.0, 0.9996, 0.5, 0.0)] == ["100%", "99.96%", "50%", "0%"]


def test_recordings_are_known_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "scrambled-skin").mkdir()
    for name in ("a-53bpm.mp4", "b-15-breaths.avi", "c.mp4", "scrambled-skin/d.avi", "e-7bpm.txt"):
        (tmp_path / name).touch()
    found = {Path(each.path).name: (each.rates, each.control) for each in recordings_in(tmp_path)}
    assert found == {
        "a-53bpm.mp4": ({"pulse_bpm": 53.0}, False),
        "b-15-breaths.avi": ({"breaths_per_min": 15.0}, False),
        "d.avi": ({}, True),
    }
    (tmp_path / "shared" / "real").mkdir(parents=True)
    assert recordings_near(tmp_path / "shared" / "deeper") == tmp_path / "shared" / "real"


def test_cells_are_kept_and_taken_up_again_where_they_are_whole_and_of_the_same_code(tmp_path: Path) -> None:
    room = Scenario(title="x")
    rows = tuple(
        Condition("nobody", name, room, False, width_px=64, height_px=48, duration_s=3.0) for name in "ab"
    )
    todo = tasks(rows, range(1, 2), ())
    first = {cell.value: cell for cell in run_all(todo, tmp_path, 2, print) if cell is not None}
    assert set(first) == {"a", "b"} and len(first["a"].seconds) == 3
    files = sorted(tmp_path.glob("*.json"))
    kept = files[0].stat().st_mtime_ns
    files[1].write_text("{broken")
    again = {cell.value: cell for cell in run_all(todo, tmp_path, 2, print) if cell is not None}
    assert again == first and files[0].stat().st_mtime_ns == kept
    files[0].write_bytes(msgspec.json.encode(msgspec.structs.replace(first["a"], key="of other code")))
    assert (
        next(cell for cell in run_all(todo, tmp_path, 1, print) if cell and cell.value == "a") == first["a"]
    )


def test_a_recording_that_cannot_be_read_is_said_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "broken-53bpm.mp4").write_bytes(b"not a video")
    said: list[str] = []
    found = list(run_all(tasks((), range(1), recordings_in(tmp_path)), tmp_path / "out", 1, said.append))
    assert found == [None] and len(said) == 1 and "broken-53bpm.mp4" in said[0]


def test_the_command_leaves_a_page_a_summary_and_says_so(tmp_path: Path, capsys: Capture) -> None:
    out, none = tmp_path / "out", tmp_path / "none"
    none.mkdir()
    asked = [
        "evaluate",
        "--suite",
        "--out",
        str(out),
        "--recordings",
        str(none),
        "--only",
        "empty room, 10 lux",
    ]
    assert main([*asked, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert len(list((out / "cells").glob("*.json"))) == DEFAULT_SEEDS
    silent = next(t for t in shown["simulated"]["targets"] if t["condition"] == "nobody there, or no signal")
    assert silent["met"] is True and silent["measured"].startswith("100")
    assert (out / "report.html").read_text().startswith("<!doctype html>")
    assert json.loads((out / "summary.json").read_text()) == shown


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--suite", "a.mp4"], 2, "takes no files"),
        (["a.mp4", "--full"], 2, "belong to --suite"),
        (["a.mp4", "--crop", "full"], 2, "belong to --room"),
        ([], 2, "nothing to evaluate: name recordings"),
        (["--room"], 2, "nothing to evaluate: name recordings"),
        (["--suite", "--only", "weather"], 4, "no condition has that"),
        (["--suite", "--recordings", "nowhere"], 4, "not a folder"),
    ],
)
def test_mistakes_are_one_line(
    words: list[str], code: int, said: str, capsys: Capture, tmp_path: Path
) -> None:
    out = ["--out", str(tmp_path)] if "--suite" in words else []
    assert main(["evaluate", *words, *out]) == code
    err = capsys.readouterr().err.strip()
    assert said in err and "\n" not in err and err.startswith("stillroom: ")
