"""The numbered scenarios: each tells what it expects, when, and nothing that it forbids. One seed; more with `--long`.

Cells are injected, and the stand-in looks; a few go through frames and the kernel too, and some past the real models.
"""

from pathlib import Path

import pytest

from stillroom_tools.lab.scenario import load_scenario
from stillroom_tools.lab.scene import zones_of
from stillroom_tools.lab.stage_jobs import Job, play

FOLDER = Path(__file__).resolve().parents[1] / "scenarios"
ALL = sorted(FOLDER.glob("*.toml"))
NIGHT_S = 3600.0
SEED = 0
SHORT = [path for path in ALL if load_scenario(path).seconds < NIGHT_S]
NIGHTS = [path for path in ALL if path not in SHORT]
FRAMES = ("10-about-to-leave", "16-leaves-the-room", "47-no-weights")
MODELS = (
    "01-calm-stay",
    "10-about-to-leave",
    "11-bed-exit-at-night",
    "16-leaves-the-room",
    "17-enters-at-night",
    "31-curtain-in-a-draught",
    "40-camera-covered",
    "45-power-cut",
)
SETTLED_S = 240.0
SETTLED = ("32-curtain-beside-a-sleeper", "34-television-and-a-sleeper")
"""They take the longest, and after a minute and a half nothing happens in them: four minutes; whole with --long."""
CLOSE_S = 2.2
"""Models look once a second, and where somebody has not moved a second look decides: what one pair of looks finds on
one side the next pair finds on the other."""


def names(paths: list[Path]) -> list[str]:
    return [path.stem for path in paths]


def test_there_are_forty_or_more_numbered_in_order_and_each_says_what_it_is_for():
    assert len(ALL) >= 40
    numbers = [int(path.stem[:2]) for path in ALL]
    assert numbers == sorted(set(numbers))
    for path in ALL:
        scenario = load_scenario(path)
        assert path.read_text().startswith("# ") and (scenario.expects or scenario.never), path
        assert scenario.zones == zones_of(scenario.lens, room=scenario.room), path


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=pytest.mark.long if path.stem in SETTLED else ()) for path in SHORT],
    ids=names(SHORT),
)
def test_a_scenario_is_told_as_it_expects(path):
    assert play(Job(str(path), SEED)).tally.problems == []


@pytest.mark.parametrize("name", SETTLED)
def test_the_first_minutes_are_told_as_it_expects(tmp_path, name):
    path, cut = FOLDER / f"{name}.toml", tmp_path / "cut.toml"
    lasts = f"lasts_s = {load_scenario(path).seconds}"
    assert lasts in path.read_text()
    cut.write_text(path.read_text().replace(lasts, f"lasts_s = {SETTLED_S}"))
    outcome = play(Job(str(cut), SEED))
    assert outcome.tally.problems == [] and outcome.night.seconds == SETTLED_S
    assert [each.kind for each in outcome.night.told if each.kind == "state:in-bed"], (
        "what it expects is in it"
    )


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("path", NIGHTS, ids=names(NIGHTS))
def test_a_night_is_told_as_it_expects(path):
    assert play(Job(str(path), SEED)).tally.problems == []


@pytest.mark.parametrize("name", FRAMES)
def test_from_frames_the_same_events_are_told_at_the_same_time(name):
    path = str(FOLDER / f"{name}.toml")
    cells, frames = (play(Job(path, SEED, frames=frames)).night for frames in (False, True))
    assert [(each.kind, each.ends) for each in frames.told] == [(each.kind, each.ends) for each in cells.told]
    for one, other in zip(frames.told, cells.told, strict=True):
        assert one.at_s == pytest.approx(other.at_s, abs=CLOSE_S), one.kind


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", MODELS)
def test_from_frames_with_the_real_models_it_is_told_as_it_expects(models, name):
    outcome = play(Job(str(FOLDER / f"{name}.toml"), SEED, frames=True, models=str(models)))
    assert outcome.tally.problems == []
    assert {each.model for each in outcome.night.told if each.model} == {"blazepose"}
