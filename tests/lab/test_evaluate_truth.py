"""What `--roi` and `--truth` may be, as tables of what passes and what does not."""

import math
from pathlib import Path

import pytest

from stillroom.errors import ConfigError, InputError
from stillroom_tools.lab.evaluate_truth import Roi, load_truth


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("full", (0, 0, 1, 1)),
        (" full ", (0, 0, 1, 1)),
        ("0,0,1,1", (0, 0, 1, 1)),
        ("0.25,0.5,0.5,0.25", (0.25, 0.5, 0.75, 0.75)),
        ("160,120,320,240", (0.25, 0.25, 0.75, 0.75)),
        ("0,0,640,480", (0, 0, 1, 1)),
    ],
)
def test_regions_that_pass(text: str, box: tuple[float, ...]) -> None:
    got = Roi.parse(text).box(640, 480)
    assert (got.x0, got.y0, got.x1, got.y1) == pytest.approx(box)


@pytest.mark.parametrize(
    "text", ["", "all", "1,2,3", "1,2,3,4,5", "a,b,c,d", "nan,0,1,1", "inf,0,1,1", "-1,0,20,20", "0,0,0,1",
             "0,0,1,0", "0.5,0.5,100,100", "10.5,10,100,100"]
)  # fmt: skip
def test_regions_that_do_not_parse(text: str) -> None:
    with pytest.raises(ConfigError, match="--roi"):
        Roi.parse(text)


@pytest.mark.parametrize("text", ["0.5,0,0.6,1", "0,0.9,1,0.2", "600,0,100,100", "0,0,15,100", "0,0,0.01,1"])
def test_regions_that_do_not_fit_the_picture(text: str) -> None:
    with pytest.raises(InputError, match="640x480"):
        Roi.parse(text).box(640, 480)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "truth.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("t_s,pulse_bpm,breaths_per_min\n0,60,15\n1,61,15.5\n", {"pulse_bpm", "breaths_per_min"}),
        ("t_s,pulse_bpm\n0,60\n", {"pulse_bpm"}),
        ("\ufefft_s,breaths_per_min\r\n0,12\r\n", {"breaths_per_min"}),
        ("breaths_per_min, t_s, note\n,0,asleep\n15,1,\n\n", {"breaths_per_min"}),
    ],
)
def test_truths_that_pass(text: str, columns: set[str], tmp_path: Path) -> None:
    assert set(load_truth(written(tmp_path, text)).values) == columns


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "first line"),
        ("time,pulse\n0,60\n", "first line"),
        ("t_s\n0\n", "first line"),
        ("t_s,pulse_bpm\n", "no rows"),
        ("t_s,pulse_bpm\n0,nan\n", "line 2: pulse_bpm 'nan'"),
        ("t_s,pulse_bpm\n0,inf\n", "line 2"),
        ("t_s,pulse_bpm\n0,60\n1,sixty\n", "line 3: pulse_bpm 'sixty'"),
        ("t_s,pulse_bpm\n0,-60\n", "from 20 to 300"),
        ("t_s,breaths_per_min\n0,500\n", "from 2 to 100"),
        ("t_s,pulse_bpm\nnan,60\n", "line 2: t_s"),
        ("t_s,pulse_bpm\n1,60\n1,61\n", "does not rise"),
        ("t_s,pulse_bpm\n0,60,15\n", "3 fields"),
    ],
)
def test_truths_that_do_not_pass_say_where(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        load_truth(written(tmp_path, text))


def test_a_truth_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_truth(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(bytes(range(128, 256)))
    with pytest.raises(InputError, match="UTF-8"):
        load_truth(tmp_path / "binary.csv")


def test_a_window_takes_the_mean_of_what_is_known_in_it(tmp_path: Path) -> None:
    truth = load_truth(written(tmp_path, "t_s,pulse_bpm\n0,60\n10,70\n20,\n30,90\n"))
    assert truth.over("pulse_bpm", 0, 15) == 65
    assert truth.over("pulse_bpm", 5, 25) == 70
    assert truth.over("pulse_bpm", 15, 25) is None
    assert truth.over("breaths_per_min", 0, 30) is None
    assert math.isnan(truth.values["pulse_bpm"][2])
