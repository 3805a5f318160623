"""What the intruder is given is what leaves the eye, and what he reckons with is what the camera does."""

import numpy as np
import pytest

pytest.importorskip("scipy")

from stillroom.eye.distil import Grid, distil
from stillroom.eye.empty_picture import EmptyPicture
from stillroom.eye.papers import Look
from stillroom.eye.view import View
from stillroom.keys import BoxKey, SigningKey
from stillroom.link import ViewAsked
from stillroom.view_forms import BLOCKS, GREYS, HEIGHT_PX, WIDTH_PX
from stillroom.view_wire import open_frame, sign, view_id
from stillroom_tools.lab.scenario import Lens
from stillroom_tools.site.intruder.faces import FACES, SIDE, WALL, Days, enrolled, load_faces
from stillroom_tools.site.intruder.levels import Blurred, Squares
from stillroom_tools.site.intruder.optics import Optics, nearest_m
from stillroom_tools.site.intruder.shots import Shots, squares
from stillroom_tools.site.intruder.sight import Sight

UNIT, SESSION = SigningKey.generate(), BoxKey.generate()


@pytest.fixture(scope="module")
def optics():
    return Optics(Lens(), 1.2, 4, 3)


def test_the_faces_are_a_hundred_and_nobody_is_there_twice():
    faces = load_faces()
    assert faces.shape == (FACES, SIDE, SIDE) and -WALL <= faces.min() < 0 < faces.max() <= 255 - WALL
    flat = faces.reshape(FACES, -1)
    assert len(np.unique(flat, axis=0)) == FACES
    assert (enrolled(faces)[:, 0, 0] == 0).all(), "what is around a face is not in the room"


def test_without_scikit_image_one_line_says_what_to_install(monkeypatch, capsys):
    from stillroom.cli import main

    monkeypatch.setitem(__import__("sys").modules, "skimage", None)
    assert main(["site", "intruder"]) == 9
    err = capsys.readouterr().err
    assert "pip install 'stillroom[intruder]'" in err and err.count("\n") == 1


@pytest.mark.parametrize("block", BLOCKS)
def test_the_intruder_has_the_bytes_that_the_viewer_opens(optics, block):
    session = SESSION.public.raw
    asked = ViewAsked(view_id(session), UNIT.verify_key.id, 0, 5_000, "shown", ())
    look = Look(asked.view, session, "picture", block, 1, 2**53)
    view, face = View(look, UNIT.verify_key.id, 640, 480), Days(1).of(load_faces()[3])
    frame = Shots(optics, 5).frame(face, 1)
    (served,) = distil(frame, None, None, Grid(640, 480), view.order(0))
    sealed = view.frame(asked, EmptyPicture((60, 80)), served == "served").sealed
    _, opened = open_frame(sign(sealed, UNIT), UNIT.verify_key, asked.view, SESSION)
    picture = np.frombuffer(opened.luma, np.uint8).reshape(HEIGHT_PX, WIDTH_PX)
    told = squares(Shots(optics, 5).clear(face, 1), block)
    assert (np.kron(told, np.ones((block, block), np.uint8)) == picture).all()


@pytest.mark.parametrize("level", [Squares(8, 256), Squares(24, 256), Squares(1), Blurred(3.0)])
def test_what_he_reckons_a_face_gives_is_what_it_gives(optics, level):
    face = Days(2).of(load_faces()[7])
    told = np.array([[level.told(Shots(optics, 5).clear(face, 2))]])
    sight = Sight(optics, level, range(2, 3))
    apart = sight.read(told)[0, 0] - sight.expected(face[None])[0, 0]
    assert np.abs(apart).mean() < 1.5, "noise and rounding"
    assert np.abs(sight.expected(face[None])).max() > (20 if level.block < 24 else 2)


def test_of_coarse_greys_he_reads_the_step_that_a_value_lies_in(optics):
    clear, level = Shots(optics, 5).clear(Days(2).of(load_faces()[7]), 2), Squares(8)
    exact = Squares(8, 256)
    apart = level.read(level.told(clear)) - exact.read(exact.told(clear))
    assert np.abs(apart).max() <= 128 / GREYS and np.abs(apart).max() > 1


def test_the_higher_a_unit_hangs_the_farther_the_nearest_face():
    assert nearest_m(Lens()) == pytest.approx(0.74, abs=0.01)
    assert nearest_m(Lens(height_m=3.0)) == pytest.approx(1.73, abs=0.01)
    assert Optics(Lens(), 1.0, 1, 0).square_px > Optics(Lens(), 2.0, 1, 0).square_px
