"""`stillroom evaluate` on files: made here without loss, recorded from people, and broken in every way."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import write_video
from scenes import SKIN_BOX, Scene, frames

from stillroom.cli import main
from stillroom.eye.frame import Frame

SKIN_ROI = f"{SKIN_BOX.x0},{SKIN_BOX.y0},{SKIN_BOX.x1 - SKIN_BOX.x0},{SKIN_BOX.y1 - SKIN_BOX.y0}"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def beating(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty seconds: 18 breaths a minute, pulse 72."""
    path = tmp_path_factory.mktemp("clips") / "beating.mkv"
    return write_video(path, frames(Scene(breaths_per_min=18, pulse_bpm=72), 30))


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "short.mkv"
    return write_video(path, frames(Scene(pulse_bpm=72), 3))


def evaluate(capsys: Capture, *arguments: str | Path) -> tuple[int, dict[str, Any], str]:
    code = main(["evaluate", *map(str, arguments), "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out), err


def test_json_has_exactly_these_keys_and_the_readings(beating: Path, capsys: Capture) -> None:
    code, report, err = evaluate(capsys, beating, "--roi", "full")
    assert code == 0 and err == ""
    assert list(report) == ["files"]
    (entry,) = report["files"]
    assert list(entry) == [
        "file",
        "duration_s",
        "pulse_bpm",
        "breaths_per_min",
        "cpu_ms_per_frame",
        "peak_rss_mib",
        "coherent",
    ]
    assert entry["file"] == str(beating)
    assert entry["duration_s"] == pytest.approx(30, abs=0.1)
    for name, rate in (("pulse_bpm", 72), ("breaths_per_min", 18)):
        assert list(entry[name]) == ["median", "quality", "readings", "withheld"]
        assert entry[name]["median"] == pytest.approx(rate, abs=2 if rate > 40 else 0.7)
        assert 0.5 <= entry[name]["quality"] < 1
        assert entry[name]["readings"] + sum(entry[name]["withheld"].values()) == 30
    assert entry["cpu_ms_per_frame"] > 0 and entry["peak_rss_mib"] > 20 and entry["coherent"] is True


def test_the_table_shows_the_same(beating: Path, capsys: Capture) -> None:
    assert main(["evaluate", str(beating), "--roi", SKIN_ROI]) == 0
    out, _ = capsys.readouterr()
    assert "beating.mkv" in out and "pulse /min" in out and "warming-up" in out
    assert any(f"{rate / 10:.1f}" in out for rate in range(705, 736))


def test_a_region_in_pixels_is_the_same_as_in_shares(beating: Path, capsys: Capture) -> None:
    shares = evaluate(capsys, beating, "--roi", SKIN_ROI)[1]["files"][0]
    pixels = evaluate(capsys, beating, "--roi", "64,16,40,40")[1]["files"][0]
    assert shares["pulse_bpm"] == pixels["pulse_bpm"]
    assert shares["breaths_per_min"]["median"] is None


def test_a_truth_gives_errors_beside_those_of_always_the_mean(
    beating: Path, tmp_path: Path, capsys: Capture
) -> None:
    truth = tmp_path / "truth.csv"
    rows = [f"{t},{72 if t < 20 else 74},18.0" for t in range(31)]
    truth.write_text("t_s,pulse_bpm,breaths_per_min\n" + "\n".join(rows) + "\n")
    entry = evaluate(capsys, beating, "--roi", "full", "--truth", truth)[1]["files"][0]
    assert set(entry["error"]) == {"pulse_bpm", "breaths_per_min"}
    pulse, breaths = entry["error"]["pulse_bpm"], entry["error"]["breaths_per_min"]
    assert set(pulse) == {"mae", "coverage", "far_wrong", "constant_mae"}
    assert pulse["mae"] < 2 and pulse["far_wrong"] == 0 and 0 < pulse["constant_mae"] < 1
    assert breaths["mae"] < 0.5 and breaths["constant_mae"] == 0
    assert 0 < breaths["coverage"] <= 1


def test_a_truth_of_one_column_judges_that_one(beating: Path, tmp_path: Path, capsys: Capture) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("t_s,breaths_per_min\n0,18\n10,\n20,18\n29,18\n")
    entry = evaluate(capsys, beating, "--roi", "full", "--truth", truth)[1]["files"][0]
    assert set(entry["error"]) == {"breaths_per_min"}


def test_a_truth_far_off_is_called_far_wrong(beating: Path, tmp_path: Path, capsys: Capture) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("t_s,pulse_bpm\n" + "".join(f"{t},120\n" for t in range(31)))
    entry = evaluate(capsys, beating, "--roi", "full", "--truth", truth)[1]["files"][0]
    assert entry["error"]["pulse_bpm"]["far_wrong"] == 1
    assert entry["error"]["pulse_bpm"]["mae"] == pytest.approx(48, abs=2)


def test_shuffled_frames_are_called_incoherent_and_withheld(tmp_path: Path, capsys: Capture) -> None:
    pictures = [
        Frame(f.y.copy(), f.u, f.v, 0)
        for f in frames(Scene(pulse_bpm=72, breaths_per_min=15, luma=lambda at_s: 1 + 0.1 * np.sin(at_s)), 25)
    ]
    random.Random(1).shuffle(pictures)
    clip = write_video(tmp_path / "shuffled.mkv", pictures)
    code, report, err = evaluate(capsys, clip, "--roi", "full")
    (entry,) = report["files"]
    assert code == 0
    assert entry["coherent"] is False
    assert "incoherent in time" in err and "autocorrelation" in err
    assert entry["pulse_bpm"]["median"] is None and entry["breaths_per_min"]["median"] is None
    assert "low-signal" in entry["pulse_bpm"]["withheld"]


def test_a_still_noisy_room_is_coherent_and_withheld(tmp_path: Path, capsys: Capture) -> None:
    clip = write_video(tmp_path / "empty.mkv", frames(Scene(noise=6.0), 25))
    entry = evaluate(capsys, clip)[1]["files"][0]
    assert entry["coherent"] is True
    assert entry["pulse_bpm"]["readings"] == entry["breaths_per_min"]["readings"] == 0


def test_a_clip_shorter_than_a_window_is_warming_up(short: Path, capsys: Capture) -> None:
    code, report, err = evaluate(capsys, short)
    (entry,) = report["files"]
    assert code == 0
    assert entry["pulse_bpm"] == {
        "median": None,
        "quality": None,
        "readings": 0,
        "withheld": {"warming-up": 3},
    }
    assert "shorter than one window" in err


def one_line(err: str) -> str:
    lines = [line for line in err.splitlines() if not line.startswith("stillroom: warning:")]
    assert len(lines) == 1 and lines[0].startswith("stillroom: "), err
    return lines[0]


def test_one_bad_file_does_not_lose_the_others(short: Path, tmp_path: Path, capsys: Capture) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is no video\n" * 50)
    code, report, err = evaluate(capsys, tmp_path / "absent.mp4", short, text)
    assert code == 4
    assert [entry["file"] for entry in report["files"]] == [str(short)]
    assert "absent.mp4" in err and "text.mp4" in err


def test_broken_files_are_one_line_and_exit_4(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "noise.avi").write_bytes(random.Random(2).randbytes(4000))
    write_video(tmp_path / "none.mkv", [])
    for name in ("empty.mp4", "noise.avi", "none.mkv", "absent.mkv", "."):
        assert main(["evaluate", str(tmp_path / name), "--json"]) == 4, name
        out, err = capsys.readouterr()
        assert json.loads(out) == {"files": []}
        assert "Traceback" not in one_line(err)


def test_a_cut_off_file_keeps_what_could_be_read_and_says_so(
    beating: Path, tmp_path: Path, capsys: Capture
) -> None:
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(beating.read_bytes()[: beating.stat().st_size * 2 // 3])
    code, report, err = evaluate(capsys, cut, "--roi", "full")
    assert code == 4
    assert "cut" in one_line(err)
    assert 15 < report["files"][0]["duration_s"] < 25
    assert report["files"][0]["pulse_bpm"]["median"] == pytest.approx(72, abs=2)


def test_a_tiny_picture_is_refused(tmp_path: Path, capsys: Capture) -> None:
    small = np.full((4, 4), 90, np.uint8)
    clip = write_video(tmp_path / "tiny.mkv", [Frame(small, small[:2, :2], small[:2, :2], 0)] * 5)
    assert main(["evaluate", str(clip)]) == 4
    assert "4x4" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("roi", ["64,16,400,40", "0.5,0.5,0.6,0.2", "0.1,0.1,0.01,0.01", "0,0,8,8"])
def test_a_region_that_does_not_fit_is_refused(roi: str, short: Path, capsys: Capture) -> None:
    assert main(["evaluate", str(short), "--roi", roi]) == 4
    assert "--roi" in one_line(capsys.readouterr().err)


def test_no_file_and_no_suite_is_one_line(capsys: Capture) -> None:
    assert main(["evaluate"]) == 2
    assert "--suite" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("name", "quantity", "rate", "within"),
    [
        ("face-53bpm.mp4", "pulse_bpm", 53, 2),
        ("thermal-15-breaths.avi", "breaths_per_min", 15, 1),
        ("chest-15-breaths.mp4", "breaths_per_min", 15, 0.7),
    ],
)
def test_recordings_of_people_read_what_is_known_of_them(
    name: str, quantity: str, rate: float, within: float, real: Callable[[str], Path], capsys: Capture
) -> None:
    entry = evaluate(capsys, real(name), "--roi", "full")[1]["files"][0]
    assert entry[quantity]["median"] == pytest.approx(rate, abs=within)
    other = "breaths_per_min" if quantity == "pulse_bpm" else "pulse_bpm"
    assert entry[other]["median"] is None
    assert entry["coherent"] is True


def test_scrambled_recordings_are_withheld_and_called_incoherent(
    real: Callable[[str], Path], capsys: Capture
) -> None:
    files = sorted(real("scrambled-skin").glob("*.avi"))
    code, report, err = evaluate(capsys, *files, "--roi", "full")
    assert code == 0 and len(report["files"]) == len(files) > 0
    for entry in report["files"]:
        assert entry["coherent"] is False
        assert entry["pulse_bpm"]["median"] is None and entry["breaths_per_min"]["median"] is None
        withheld = entry["pulse_bpm"]["withheld"]
        assert withheld["low-signal"] == max(withheld.values())
    assert err.count("incoherent in time") == len(files)


def test_people_who_come_and_go_have_no_pulse_and_are_coherent(
    real: Callable[[str], Path], capsys: Capture
) -> None:
    entry = evaluate(capsys, real("room-people-one-by-one.mp4"))[1]["files"][0]
    assert entry["coherent"] is True
    assert entry["pulse_bpm"]["readings"] == 0
    assert entry["breaths_per_min"]["readings"] <= 3
