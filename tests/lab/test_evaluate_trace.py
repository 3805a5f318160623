"""`stillroom evaluate` on traces: made here, recorded from people against a contact sensor, and broken in every way."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import SKIN, trace

from stillroom.cli import main

Capture = pytest.CaptureFixture[str]


def evaluate(capsys: Capture, *arguments: str | Path) -> tuple[int, list[dict[str, Any]], str]:
    code = main(["evaluate", *map(str, arguments), "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out)["files"], err


@pytest.mark.parametrize(
    ("hz", "header"), [(60, "t_s,r,g,b"), (30, "time,R,G,B"), (25, "t_ms,R,G,B"), (15, "t_s, r, g, b")]
)
def test_a_trace_is_read_against_peaks(hz: float, header: str, tmp_path: Path, capsys: Capture) -> None:
    truth = tmp_path / "ppg.csv"
    peaks = {round(k * 60 / 72 * 100) for k in range(48)}
    truth.write_text("t_s,ppg,peak\n" + "".join(f"{k / 100},0.5,{int(k in peaks)}\n" for k in range(4100)))
    code, (entry,), err = evaluate(
        capsys, trace(tmp_path / "skin.csv", hz=hz, header=header), "--truth", truth
    )
    assert (code, err) == (0, "")
    assert entry["pulse_bpm"]["median"] == pytest.approx(72, abs=0.5)
    error = entry["error"]["pulse_bpm"]
    assert list(error) == ["mae", "coverage", "far_wrong", "constant_mae"]
    assert error["mae"] < 0.5 and error["coverage"] > 0.9 and error["far_wrong"] == 0
    assert entry["breaths_per_min"]["withheld"] == {"unsupported": 39}


def test_intervals_in_ms_are_a_truth_of_their_own_seconds(tmp_path: Path, capsys: Capture) -> None:
    """A truth of 60 for the first half and 90 for the second is far from 72 in all windows, and known only where
    it reaches."""
    truth = tmp_path / "rr.txt"
    truth.write_text(" ".join(["1000"] * 20 + ["667"] * 15))
    _, (entry,), _ = evaluate(capsys, trace(tmp_path / "skin.csv", seconds=60), "--truth", truth)
    error = entry["error"]["pulse_bpm"]
    assert error["far_wrong"] > 0.5 and error["mae"] > 5 and error["constant_mae"] > 1
    assert entry["pulse_bpm"]["readings"] > 40


def test_noise_is_withheld(tmp_path: Path, capsys: Capture) -> None:
    random = np.random.default_rng(4)
    rows = np.cumsum(random.normal(0, 0.2, (6000, 3)), axis=0) * 0.2 + SKIN + random.normal(0, 0.3, (6000, 3))
    path = tmp_path / "noise.csv"
    path.write_text("t_s,r,g,b\n" + "".join(f"{k / 60},{r},{g},{b}\n" for k, (r, g, b) in enumerate(rows)))
    _, (entry,), _ = evaluate(capsys, path)
    assert entry["pulse_bpm"]["readings"] <= 0.02 * 100


def test_five_rows_a_second_and_too_short_are_reasons(tmp_path: Path, capsys: Capture) -> None:
    _, (slow,), _ = evaluate(capsys, trace(tmp_path / "slow.csv", hz=5))
    assert set(slow["pulse_bpm"]["withheld"]) == {"unsupported"}
    _, (short,), err = evaluate(capsys, trace(tmp_path / "short.csv", seconds=5))
    assert set(short["pulse_bpm"]["withheld"]) == {"warming-up"} and "shorter than one window" in err


def test_a_pause_begins_anew(tmp_path: Path, capsys: Capture) -> None:
    path = trace(tmp_path / "skin.csv", seconds=60)
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *rows[:600], *rows[900:]]) + "\n")
    _, (entry,), _ = evaluate(capsys, path)
    assert entry["pulse_bpm"]["withheld"]["warming-up"] >= 16


GOOD = "t_s,r,g,b\n0,150,112,96\n0.03,150,112,96\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "first line"),
        ("t_s,r,g\n0,1,1\n", "first line"),
        ("r,g,b\n1,1,1\n", "first line"),
        ("t_s,r,g,b\n", "0 rows"),
        (GOOD + "0.07,nan,1,1\n", "line 4"),
        (GOOD + "0.07,,1,1\n", "line 4"),
        (GOOD + "0.07,red,1,1\n", "'red'"),
        (GOOD + "0.07,256,1,1\n", "0 to 255"),
        (GOOD + "0.07,1,1\n", "3 fields"),
        (GOOD + "0.02,1,1,1\n", "row 4"),
        (GOOD + "-1,1,1,1\n", "line 4"),
        ("this is no table\n" * 9, "first line"),
    ],
)
def test_broken_traces_are_one_line(text: str, says: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "broken.csv"
    path.write_text(text)
    code, files, err = evaluate(capsys, path)
    assert code == 4 and files == []
    assert err.count("\n") == 1 and str(path) in err and says in err


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("rr.txt", "800 812", "2 intervals"),
        ("rr.txt", "", "0 intervals"),
        ("rr.txt", "800 812 x 790", "'x'"),
        ("rr.txt", "0.8 0.81 0.79", "ms between beats"),
        ("ppg.csv", "t_s,ppg,peak\n0,1,0\n1,1,1\n", "1 rows"),
        ("ppg.csv", "t_s,ppg,peak\n0,1,0\n1,1,2\n", "line 3"),
        ("ppg.csv", "t_s,ppg,peak\n1,1,0\n0,1,1\n", "line 3"),
        ("ppg.csv", "t_s,ppg,peak\n1,1\n", "2 fields"),
    ],
)
def test_broken_truths_are_one_line(name: str, text: str, says: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert main(["evaluate", str(trace(tmp_path / "skin.csv", seconds=1)), "--truth", str(path)]) == 4
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and says in err


def test_a_missed_peak_is_left_out(tmp_path: Path, capsys: Capture) -> None:
    truth = tmp_path / "ppg.csv"
    peaks = {round(k * 60 / 72 * 100) for k in range(48) if k % 9}
    truth.write_text("t_s,ppg,peak\n" + "".join(f"{k / 100},0.5,{int(k in peaks)}\n" for k in range(4100)))
    _, (entry,), _ = evaluate(capsys, trace(tmp_path / "skin.csv"), "--truth", truth)
    assert entry["error"]["pulse_bpm"]["mae"] < 0.5


def together(entries: list[dict[str, Any]]) -> tuple[float, float, float]:
    """Coverage, mean absolute error and far wrong of all files alike."""
    errors = [entry["error"]["pulse_bpm"] for entry in entries]
    weights = np.array([error["coverage"] for error in errors])
    mae, far = (np.array([error[name] for error in errors]) for name in ("mae", "far_wrong"))
    share = weights / weights.sum()
    return float(weights.mean()), float(mae @ share), float(far @ share)


def test_people_with_a_contact_sensor(real: Callable[[str], Path], capsys: Capture) -> None:
    """Developed on person 1, checked on 2 and 3."""
    entries = []
    for person in (1, 2, 3):
        files = [real(f"traces/person{person}-{region}.csv") for region in ("forehead", "cheeks")]
        entries += evaluate(capsys, *files, "--truth", real(f"traces/person{person}-ppg.csv"))[1]
    coverage, mae, far = together(entries)
    assert coverage >= 0.85 and mae <= 1.0 and far <= 0.005
    assert all(entry["error"]["pulse_bpm"]["coverage"] >= 0.7 for entry in entries)


def test_fingers_with_a_chest_strap(real: Callable[[str], Path], capsys: Capture) -> None:
    """One colour of light in four of six."""
    entries = []
    for subject in range(1, 7):
        name = f"finger/subject0{subject}"
        entries += evaluate(capsys, real(f"{name}-rgb.csv"), "--truth", real(f"{name}-rr_ms.txt"))[1]
    coverage, mae, far = together(entries)
    assert coverage >= 0.85 and mae <= 1.5 and far <= 0.005
