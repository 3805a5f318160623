"""`stillroom simulate`: what it prints, what it returns, what it refuses; and the scenarios' own words for that."""

import json
import resource
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from stillroom.cli import main
from stillroom_tools.lab.stage_jobs import Job, play

SCENE = """\
title = "in and out"
lasts_s = 45.0
acts = [{ at_s = 4.0, do = "enter" }, { at_s = 20.0, do = "leave" }]
EXPECTS
[conditions]
entered = [{ level = "low" }]
"""
RIGHT = 'expects = [{ kind = "state:occupied", at_s = 3.0, within_s = 8.0 }]'
WRONG = 'expects = [{ kind = "state:occupied", at_s = 30.0 }]\nnever = [{ kind = "state:occupied" }]'


@pytest.fixture
def scene(tmp_path: Path):
    def write(expects: str = RIGHT, name: str = "one.toml") -> Path:
        path = tmp_path / name
        path.write_text(SCENE.replace("EXPECTS", expects))
        return path

    return write


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["simulate", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_events_stand_beside_the_truth_and_name_who_looked(scene, capsys):
    code, out, err = run(capsys, scene())
    assert (code, err) == (0, "") and out.splitlines()[-1] == "as expected"
    assert out.splitlines()[0] == "in and out, seed 0, 0:00:45.0"
    assert "occupied (stand-in)" in out and "   occupied" in out


def test_what_is_not_as_expected_is_said_and_returned(scene, capsys):
    code, out, _ = run(capsys, scene(WRONG))
    assert code == 1 and "state:occupied expected from 30 s within 5 s: told at" in out
    assert "state:occupied must not be from 0 to 45 s: told at" in out and "2 not as expected" in out


def test_json_is_one_object_with_truth_belief_and_figures(scene, capsys):
    code, out, _ = run(capsys, scene(), "--json")
    found = json.loads(out)
    assert code == 0 and found["seeds"] == [0] and found["problems"] == []
    assert [state for _, state in found["truth"]] == ["empty", "occupied", "empty"]
    assert found["believed"][0][1] == "unknown" and found["told"][0]["model"] == "stand-in"
    assert {row["name"] for row in found["figures"]} >= {"macro recall over states", "false high alerts"}


def test_a_folder_and_seeds_are_summed_up_whatever_the_number_of_processes(scene, tmp_path, capsys):
    scene()
    scene(WRONG, "two.toml")
    code, one, _ = run(capsys, tmp_path, "--seeds", 2, "--first", 3, "--json", "--jobs", 1)
    assert code == 1 and json.loads(one)["seeds"] == [3, 4] and json.loads(one)["nights"] == 4
    assert {each["scenario"] for each in json.loads(one)["problems"]} == {"two"}
    assert run(capsys, tmp_path, "--seeds", 2, "--first", 3, "--json", "--jobs", 2)[1] == one


def test_figures_of_many_say_where_the_errors_are(scene, tmp_path, capsys):
    scene()
    code, out, _ = run(capsys, tmp_path, "--seeds", 2, "--jobs", 1)
    assert code == 0 and "macro recall over states" in out
    tallies = [play(Job(str(tmp_path / "one.toml"), seed)).tally for seed in (0, 1)]
    changes, told = (sum(getattr(each, name) for each in tallies) for name in ("changes", "in_time"))
    (row,) = [line.split() for line in out.splitlines() if line.startswith("  one ")]
    assert row[1:4] == [str(changes - told), "of", str(changes)]


def test_the_same_seed_gives_the_same_night_and_frames_give_the_same_events(scene):
    one, again = play(Job(str(scene()), 5)), play(Job(str(scene()), 5))
    assert one.night == again.night
    frames = play(Job(str(scene()), 5, frames=True))
    assert [each.kind for each in frames.night.told] == [each.kind for each in one.night.told]


def test_the_picture_is_a_drawing_that_stands_alone_and_names_its_lanes(scene, tmp_path, capsys):
    out = tmp_path / "night.svg"
    code, _, err = run(capsys, scene(), "--plot", out)
    drawn = ET.fromstring(out.read_bytes())
    words = {element.text for element in drawn.iter() if element.text}
    assert code == 0 and str(out) in err and drawn.tag.endswith("svg")
    assert {"what was so", "what was believed", "breaths a minute", "cells that move", "occupied"} <= words
    assert not [e for e in drawn.iter() if e.tag.endswith("script") or "href" in "".join(e.attrib)]


def test_a_picture_on_a_full_disk_leaves_the_one_that_is_there(scene, tmp_path, capsys):
    """A file may grow to so many bytes and no more: what the kernel does when a disk is full, with another number."""
    out = tmp_path / "night.svg"
    out.write_bytes(b"<svg/>")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
        code, said, err = run(capsys, scene(), "--plot", out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (code, said) == (8, "") and err == f"stillroom: {out}: cannot be written: File too large\n"
    assert out.read_bytes() == b"<svg/>" and {path.name for path in tmp_path.iterdir()} == {
        "night.svg",
        "one.toml",
    }


def test_a_high_condition_that_was_never_told_stands_in_the_last_line(scene, capsys):
    """Nobody looks, and only what needs looking is left untold: the scenario forbids, and forbids nothing of that."""
    path = scene('detector = "none"\nnever = [{ kind = "left-bed" }]')
    path.write_text(path.read_text().replace('level = "low"', 'level = "high"'))
    code, out, _ = run(capsys, path)
    assert code == 0 and out.splitlines()[-1] == "as expected; but due and never told: entered (high)"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["SCENE", "--seeds", "0"], "--seeds 0: 1 to 10000"),
        (["SCENE", "--first", "-1"], "--first -1: 0 or more"),
        (["SCENE", "--jobs", "1000"], "--jobs 1000"),
        (["SCENE", "--seeds", "2", "--plot", "x.svg"], "--plot: one scenario and one seed only"),
        (["SCENE", "--seeds", "2", "--speed", "real"], "--speed real: one scenario and one seed only"),
        (["SCENE", "--plot", "/nowhere/x.svg"], "no such folder"),
        (["SCENE", "--plot", "/dev/null"], "--plot /dev/null: not a plain file"),
        (["/nowhere.toml"], "cannot be read"),
        (["EMPTY"], "no scenario in it"),
    ],
)
def test_bad_input_is_one_line(scene, tmp_path, capsys, arguments, said):
    (tmp_path / "empty").mkdir()
    places = {"SCENE": str(scene()), "EMPTY": str(tmp_path / "empty")}
    code, out, err = run(capsys, *(places.get(word, word) for word in arguments))
    assert code in (3, 4) and out == "" and err.count("\n") == 1
    assert err.startswith("stillroom: ") and said in err


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            'expects = [{ kind = "state:asleep", at_s = 1.0 }]',
            "'expects.0.kind' = 'state:asleep': no such state; allowed: ",
        ),
        (
            'expects = [{ kind = "asleep", at_s = 1.0 }]',
            "'expects.0.kind' = 'asleep': no such condition; allowed: left-bed",
        ),
        (
            'expects = [{ kind = "entered", at_s = 50.0 }]',
            "'expects.0.at_s' = 50: must be before the end, lasts_s = 45",
        ),
        ('expects = [{ kind = "left-room", at_s = 1.0 }]', "levels asked for in 'conditions': none"),
        (
            'expects = [{ kind = "entered", at_s = 1.0, level = "high" }]',
            "levels asked for in 'conditions': low",
        ),
        (
            'expects = [{ kind = "on-floor", at_s = 1.0 }]',
            "cannot come about without the zone; add 'zones.floor'",
        ),
        ('expects = [{ kind = "state:empty", at_s = 1.0, ends = true }]', "a state ends when another begins"),
        ('expects = [{ kind = "state:empty", at_s = 1.0, level = "low" }]', "a state has none"),
        (
            'never = [{ kind = "camera-dark", level = "low" }]',
            "'never.0.level' = 'low': of camera-dark allowed: technical",
        ),
        (
            'never = [{ kind = "entered", from_s = 5.0, until_s = 5.0 }]',
            "'never.0.until_s' = 5: must be later",
        ),
        ('never = [{ kinds = "entered" }]', "unknown key 'never.0.kinds': did you mean 'kind'"),
        ('clock = "25:00"', "'clock' = '25:00'"),
        ('detector = "eyes"', "'detector' = 'eyes'"),
    ],
)
def test_check_refuses_a_scenario_with_file_key_value_and_what_is_allowed(scene, capsys, lines, said):
    path = scene(lines)
    assert main(["check", str(path)]) == 3
    err = capsys.readouterr().err
    assert err.startswith(f"stillroom: {path}: ") and said in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[zones]\nbed = [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]\n", "'zones.bed' = "),
        ("[zones]\nbed = [[0.1, 0.1], [0.9, 1.9], [0.9, 0.1]]\n", "'zones.bed.1.1' = 1.9"),
        (
            'not_back = [{ level = "high", after_s = 60.0 }]\nleft_bed = [{ level = "low", after_s = 90.0 }]\n',
            "must be longer than",
        ),
        ('no_movement = [{ level = "low", after_s = 5.0 }]\n', "'conditions.no_movement.0.after_s' = 5.0"),
    ],
)
def test_check_refuses_outlines_and_thresholds_of_a_scenario(scene, capsys, table, said):
    path = scene()
    path.write_text(path.read_text() + table)
    assert main(["check", str(path)]) == 3
    err = capsys.readouterr().err
    assert err.startswith(f"stillroom: {path}: ") and said in err and err.count("\n") == 1


def test_check_says_what_a_sound_scenario_holds(scene, capsys):
    assert main(["check", str(scene())]) == 0
    assert "scenario 'in and out', 45 s from 12:00" in capsys.readouterr().out
