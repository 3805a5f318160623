"""The intruder's suite, bounded: attacks break what they must, a figure gives nothing away, weakness is found out."""

import json

import msgspec
import numpy as np
import pytest

pytest.importorskip("scipy")

from stillroom.cli import main
from stillroom.view_forms import DEFAULT_BLOCK
from stillroom_tools.lab.scenario import Lens
from stillroom_tools.site.intruder import command
from stillroom_tools.site.intruder.attack import Scene
from stillroom_tools.site.intruder.faces import load_faces
from stillroom_tools.site.intruder.figure import Figures
from stillroom_tools.site.intruder.found import Control, Found, Row, best
from stillroom_tools.site.intruder.levels import Squares
from stillroom_tools.site.intruder.match import Attacker, Gallery, Score, most_hits
from stillroom_tools.site.intruder.report import page
from stillroom_tools.site.intruder.sight import Sight
from stillroom_tools.site.intruder.suite import BED_M, FULL, run
from stillroom_tools.site.intruder.words import summary


@pytest.fixture(scope="module")
def found() -> Found:
    return run(False, lambda _said: None)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene.at(Lens(), 1.0, 2, 4, Gallery(load_faces(), 9, 4))


def row(block: int, most: float, frames: int = 1, distance_m: float = 2.5) -> Row:
    name = f"squares of {block}"
    return Row(name, block, 8, distance_m, 1.0, frames, 1000, "likelihood", most / 2, most, {})


def test_every_control_is_broken(found):
    assert found.proves, [control for control in found.controls if not control.broken]
    assert len({control.name for control in found.controls}) >= 7


def test_smaller_squares_are_broken_in_one_frame(found):
    rows = {each.block: each for each in found.rows if each.frames == 1}
    assert rows[1].rank1 > 0.8 and rows[8].rank1 > 0.3
    assert rows[DEFAULT_BLOCK].rank1 < 0.1, "and the largest say little in one"


def test_many_frames_give_back_more_than_one(found):
    gains = {gain.level: gain for gain in found.gains}
    assert (
        gains["squares of 8"].gain_db > 0
        and gains["squares of 8"].many_pairs > gains["squares of 8"].one_pairs
    )


def test_a_figure_is_the_same_whoever_it_is(found, scene):
    figures = Figures(scene, 2)
    drawn = {figures.shown(face, 5, 0, 0.0).tobytes() for face in scene.gallery.faces[:12]}
    assert len(drawn) == 1 and any(drawn.pop())
    assert all(each.rank1 <= 0.06 for each in found.figure), "as blind guessing"


def test_where_nobody_stands_nobody_is_found(scene):
    """Counting and matching invent no success."""
    level, places = Squares(8), range(1)
    told = scene.told([np.zeros_like(scene.gallery.faces[0])] * 200, places, [level])[level.name]
    who = np.random.default_rng(1).integers(0, 100, 200)
    attacker = Attacker(scene.gallery, Sight(scene.optics, level, places), True)
    for way, guessed in attacker.guesses(told, True):
        assert (guessed == who).mean() < 0.06, way


def test_bounds_are_those_of_clopper_and_pearson():
    assert Score(0, 100).most == pytest.approx(1 - 0.05 ** (1 / 100))
    assert Score(100, 100).most == 1.0 and Score(10, 1000).most == pytest.approx(0.0169, abs=2e-4)
    assert Score(3, 10) + Score(1, 10) == Score(4, 20)
    assert Score(0, 10).least == 0 and Score(1000, 1000).least == pytest.approx(0.05 ** (1 / 1000))
    assert best({"all": Score(15, 1000), "few": Score(3, 100), "none": Score(0, 1000)})[0] == "all"
    assert best({"all": Score(15, 1000), "few": Score(30, 100)})[0] == "few"
    hits = most_hits(1000, 0.02)
    assert Score(hits, 1000).most <= 0.02 < Score(hits + 1, 1000).most
    assert most_hits(50, 0.02) == -1, "too few probes to show anything"


def test_a_floor_is_the_least_block_from_which_on_all_keep_the_bound():
    plain = Found(True, 100, 0.74, (), (), (), ())
    rows = (row(12, 0.01), row(16, 0.03), row(24, 0.019), row(48, 0.02), row(48, 0.3, 256))
    found = msgspec.structs.replace(plain, rows=rows)
    assert found.floor(2.5, 1) == 24, "12 was luck"
    assert found.floor(2.5, 256) is None and found.floor(1.0, 1) is None


def test_an_attacker_who_is_too_weak_fails_the_suite(found, monkeypatch, tmp_path, capsys):
    weak = msgspec.structs.replace(
        found, controls=(*found.controls, Control("glass", "seen through", "no", False))
    )
    monkeypatch.setattr(command, "run_suite", lambda _full, _tell: weak)
    assert main(["site", "intruder", "--report", str(tmp_path / "a" / "report.html")]) == 1
    said = capsys.readouterr()
    assert "not broken: glass" in said.err and said.out.count("\n") == 1
    assert "NOT BROKEN" in (tmp_path / "a" / "report.html").read_text()


def test_the_report_can_be_read_by_people_and_programs(found, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command, "run_suite", lambda _full, _tell: found)
    assert main(["site", "intruder", "--json", "--report", str(tmp_path / "report.html")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["faces"] == 100 and len(told["rows"]) == len(found.rows)
    html = (tmp_path / "report.html").read_text()
    assert "gait" in html and "<script" not in html and "http" not in html
    assert "not judged by a short run" in summary(found)
    full = msgspec.structs.replace(found, full=True, rows=(row(48, 0.01), row(48, 0.01, 256)))
    assert "256 frames 48" in summary(full) and "squares of 48 and more keep it" in page(full)


@pytest.mark.long
@pytest.mark.timeout(3 * 3600)
def test_all_of_it():
    whole = run(True, lambda _said: None)
    assert whole.proves
    assert all(each.most <= whole.most_allowed for each in whole.figure)
    assert (whole.floor(BED_M, 1) or 99) <= DEFAULT_BLOCK
    many = whole.row(BED_M, DEFAULT_BLOCK, max(FULL.frames))
    assert many is not None and many.rank1 <= whole.most_allowed
    assert whole.floor(whole.nearest_m, 1) is None, "as near as one can come no squares keep it"
