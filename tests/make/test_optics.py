"""What HARDWARE.md says of cameras and cells is computed, and the pinhole behind it is one."""

from math import radians, tan
from pathlib import Path

import pytest

import stillroom
from stillroom_tools.make.optics import CAMERAS, CELL_PX, FACE_M, Camera, table

PAGE = Path(stillroom.__file__).parent / "HARDWARE.md"


def test_the_page_holds_the_tables_of_this_program():
    assert table() in PAGE.read_text(encoding="utf-8"), "python -m stillroom_tools.make.optics"


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.name)
def test_a_picture_never_shows_more_than_the_sensor_and_uses_one_of_its_sides_whole(camera):
    for picture in ((640, 480), (1280, 720), (1920, 1080), (480, 640)):
        across, down = camera.view_deg(*picture)
        assert across <= camera.across_deg + 1e-9 and down <= camera.down_deg + 1e-9
        assert across == pytest.approx(camera.across_deg) or down == pytest.approx(camera.down_deg)
        assert tan(radians(across) / 2) / tan(radians(down) / 2) == pytest.approx(picture[0] / picture[1])


def test_cells_fall_with_the_square_of_the_distance_and_match_a_square_counted_by_hand():
    camera = Camera("right angle", "-", 90.0, 90.0, "-")
    side_px = 0.5 * 800 / 2  # at 1 m the picture is 2 m wide
    assert camera.cells((0.5, 0.5), 1.0, (800, 800)) == pytest.approx(
        3.14159 / 4 * (side_px / CELL_PX) ** 2, rel=1e-4
    )
    assert camera.cells(FACE_M, 3.0, (800, 800)) == pytest.approx(camera.cells(FACE_M, 1.0, (800, 800)) / 9)
