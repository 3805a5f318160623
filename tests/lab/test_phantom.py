"""`stillroom phantom`: passes where the known rate is read, fails where another is claimed or nothing can be read."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from clips import trace, write_video
from scenes import Scene, frames

from stillroom.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty-five seconds: 18 breaths a minute, pulse 72."""
    path = tmp_path_factory.mktemp("phantoms") / "phantom.mkv"
    return write_video(path, frames(Scene(breaths_per_min=18, pulse_bpm=72), 35))


def replayed(phantom: Path, *options: str) -> int:
    return main(["phantom", str(phantom), *options])


def test_the_known_rates_pass(phantom: Path, capsys: Capture) -> None:
    assert replayed(phantom, "--roi", "full", "--pulse-bpm", "72", "--breaths-per-min", "18") == 0
    out, err = capsys.readouterr()
    assert out.count("passed") == 2 and err == ""


def test_other_rates_do_not_pass_and_it_says_why(phantom: Path, capsys: Capture) -> None:
    assert replayed(phantom, "--roi", "full", "--pulse-bpm", "80", "--breaths-per-min", "18", "--json") == 1
    pulse, breathing = json.loads(capsys.readouterr().out)["verdicts"]
    assert pulse["passed"] is False and pulse["why"] == "not the known rate" and pulse["off"] > 10
    assert breathing["passed"] is True


def test_a_truth_beside_it_is_taken(phantom: Path) -> None:
    beside = phantom.with_suffix(".toml")
    beside.write_text("breaths_per_min = 18.0\n")
    assert replayed(phantom, "--roi", "full") == 0
    beside.unlink()
    table = phantom.with_suffix(".csv")
    table.write_text("t_s,breaths_per_min\n" + "".join(f"{second},24\n" for second in range(36)))
    assert replayed(phantom, "--roi", "full") == 1
    table.unlink()


def test_nothing_read_does_not_pass(phantom: Path, capsys: Capture) -> None:
    assert replayed(phantom, "--roi", "0,0,0.2,0.2", "--pulse-bpm", "72") == 1
    assert "withheld: " in capsys.readouterr().out


def test_a_phantom_of_nothing_passes_only_where_nothing_is_read(phantom: Path) -> None:
    assert replayed(phantom, "--roi", "0,0,0.2,0.2", "--pulse-bpm", "0", "--breaths-per-min", "0") == 0
    assert replayed(phantom, "--roi", "full", "--pulse-bpm", "0") == 1


def test_a_trace_is_a_phantom(tmp_path: Path) -> None:
    path = trace(tmp_path / "skin.csv")
    path.with_suffix(".toml").write_text("pulse_bpm = 72\n")
    assert replayed(path) == 0


@pytest.mark.parametrize(
    ("options", "beside", "code", "says"),
    [
        ([], None, 4, "what is true of it"),
        (["--pulse-bpm", "7"], None, 3, "20 to 300"),
        (["--breaths-per-min", "nan"], None, 3, "2 to 100"),
        ([], "pulse = 3\n", 3, "did you mean 'pulse_bpm'?"),
        ([], "", 3, "empty"),
        ([], "pulse_bpm = 'x'\n", 3, "pulse_bpm"),
        ([], "pulse_bpm = 7\n", 3, "20 to 300"),
        ([], "edge = [0.5, 0.5, 0.5, 0.9]\n", 3, "left < right"),
        ([], "[[", 3, "not valid TOML"),
    ],
)
def test_what_cannot_be_a_truth_is_one_line(
    options: list[str], beside: str | None, code: int, says: str, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "any.mp4"
    if beside is not None:
        path.with_suffix(".toml").write_text(beside)
    assert replayed(path, *options) == code
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and says in err


def test_real_phantoms(real: Callable[[str], Path]) -> None:
    assert replayed(real("face-53bpm.mp4"), "--roi", "full", "--pulse-bpm", "53") == 0
    assert replayed(real("chest-15-breaths.mp4"), "--roi", "full", "--breaths-per-min", "14.9") == 0
