"""The kernel against NumPy, bit for bit, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stillroom.eye.distil import FrameError, Grid, GridError, Mask, distil
from stillroom.eye.frame import Frame

from .reference import SEED, assert_exact, make_frame, random_cells


@pytest.mark.parametrize("layout", ["i420", "nv12", "nv21"])
@pytest.mark.parametrize(
    "size", [(16, 16), (18, 22), (24, 16), (104, 62), (640, 480), (1280, 720), (1920, 1080)]
)
def test_equals_numpy_with_mask_and_previous(size: tuple[int, int], layout: str) -> None:
    frame = make_frame(*size, layout=layout, padding=5)
    assert_exact(frame, random_cells(frame, 16_321, np.uint16), Mask(random_cells(frame, 2, np.uint8)))


@pytest.mark.parametrize("fill", [0, 1, 2, 253, 254, 255])
def test_flat_frames_do_not_overflow(fill: int) -> None:
    frame = make_frame(1920, 1080, fill=fill)
    assert_exact(frame, np.zeros((135, 240), np.uint16))
    assert_exact(frame, np.full((135, 240), 65_535, np.uint16))


@settings(max_examples=150, deadline=None)
@given(
    st.integers(8, 140).map(lambda n: 2 * n),
    st.integers(8, 60).map(lambda n: 2 * n),
    st.sampled_from(["i420", "nv12", "nv21"]),
    st.integers(0, 70),
    st.sampled_from(["none", "some", "all"]),
)
def test_equals_numpy_over_shapes(width: int, height: int, layout: str, padding: int, masked: str) -> None:
    frame = make_frame(width, height, layout=layout, padding=padding)
    high = {"none": 1, "some": 2, "all": 2}[masked]
    cells = random_cells(frame, high, np.uint8)
    mask = Mask(np.ones_like(cells) if masked == "all" else cells)
    assert_exact(frame, random_cells(frame, 65_536, np.uint16), mask)


def test_a_cropped_frame_is_read_where_it_is() -> None:
    whole = make_frame(640, 480)
    crop = Frame(whole.y[10:110, 30:130], whole.u[5:55, 15:65], whole.v[5:55, 15:65], 0)
    assert_exact(crop)


def test_previous_may_be_the_grid_itself() -> None:
    first, second = make_frame(64, 48), make_frame(64, 48, padding=3)
    grid = Grid(64, 48)
    distil(first, None, None, grid)
    assert not grid.moved.any()
    before = grid.y.copy()
    distil(second, grid.y, None, grid)
    np.testing.assert_array_equal(grid.moved, np.abs(grid.y.astype(int) - before))


def test_a_read_only_frame_is_fine() -> None:
    frame = make_frame(64, 48)
    for plane in (frame.y, frame.u, frame.v):
        plane.flags.writeable = False
    assert_exact(frame)


def test_no_pixel_stays_in_scratch() -> None:
    grid = Grid(640, 480)
    distil(make_frame(640, 480), None, None, grid)
    assert not grid._scratch.any()


def planes(width: int = 64, height: int = 48) -> dict[str, NDArray[np.uint8]]:
    frame = make_frame(width, height)
    return {"y": frame.y, "u": frame.u, "v": frame.v}


BAD_FRAMES = {
    "dtype": ({"y": np.zeros((48, 64), np.int8)}, "uint8"),
    "rank": ({"u": np.zeros(24 * 32, np.uint8)}, "uint8"),
    "not an array": ({"y": b"\0" * 3072}, "uint8"),
    "chroma shape": ({"v": np.zeros((24, 31), np.uint8)}, "must be"),
    "odd width": ({"y": np.zeros((48, 63), np.uint8)}, "even"),
    "too small": ({"y": np.zeros((14, 64), np.uint8)}, "even sizes from 16"),
    "too wide": ({"y": np.zeros((48, 1922), np.uint8)}, "1920"),
    "too high": ({"y": np.zeros((1082, 64), np.uint8)}, "1080"),
    "empty": ({"y": np.zeros((0, 64), np.uint8)}, "even"),
    "columns apart": ({"y": np.zeros((48, 128), np.uint8)[:, ::2]}, "columns 2 bytes"),
    "mirrored": ({"y": np.zeros((48, 64), np.uint8)[:, ::-1]}, "columns -1 bytes"),
    "upside down": ({"y": np.zeros((48, 64), np.uint8)[::-1]}, "stride -64"),
    "one row again": ({"y": np.broadcast_to(np.zeros(64, np.uint8), (48, 64))}, "stride 0"),
    "rows overlap": (
        {"y": np.lib.stride_tricks.as_strided(np.zeros(4000, np.uint8), (48, 64), (60, 1))},
        "60",
    ),
    "chroma step 3": (
        {"u": np.zeros((24, 96), np.uint8)[:, ::3], "v": np.zeros((24, 96), np.uint8)[:, ::3]},
        "chroma step 3",
    ),
    "steps differ": ({"u": np.zeros((24, 64), np.uint8)[:, ::2]}, "chroma step 2"),
    "step 2, not interleaved": (
        {"u": np.zeros((24, 64), np.uint8)[:, ::2], "v": np.zeros((24, 64), np.uint8)[:, ::2]},
        "interleaved",
    ),
}


@pytest.mark.parametrize("case", BAD_FRAMES)
def test_a_bad_frame_is_a_typed_error(case: str) -> None:
    changed, says = BAD_FRAMES[case]
    with pytest.raises(FrameError, match=says):
        distil(Frame(**{**planes(), **changed}, frame_ns=0), None, None, Grid(64, 48))


@pytest.mark.parametrize(
    "cells",
    [
        np.zeros((6, 8), np.int16),
        np.zeros((6, 7), np.uint16),
        np.zeros(48, np.uint16),
        np.zeros((6, 16), np.uint16)[:, ::2],
        [[0] * 8] * 6,
    ],
)
def test_previous_cells_that_do_not_fit_are_refused(cells: NDArray[np.uint16]) -> None:
    with pytest.raises(GridError, match="previous_cells"):
        distil(make_frame(64, 48), cells, None, Grid(64, 48))


def test_a_grid_or_mask_of_another_size_is_refused() -> None:
    with pytest.raises(GridError, match="grid"):
        distil(make_frame(64, 48), None, None, Grid(64, 64))
    with pytest.raises(GridError, match="mask"):
        distil(make_frame(64, 48), None, Mask(np.zeros((6, 7), np.uint8)), Grid(64, 48))
    with pytest.raises(GridError, match="mask"):
        Mask(np.zeros((6, 8), np.float64))
    with pytest.raises(FrameError, match="width 15"):
        Grid(15, 48)


def test_a_mask_is_conservative_to_the_last_pixel() -> None:
    sliver = [(0.1249, 0.5), (0.1251, 0.5), (0.125, 0.50001)]  # about (8, 24) px: where four cells meet
    assert Mask.from_polygons(64, 48, [sliver]).cells[2:4, 0:2].all()
    assert Mask.from_polygons(64, 48, [sliver]).cells.sum() == 4
    square = [(0.25, 0.25), (0.5, 0.25), (0.5, 0.5), (0.25, 0.5)]  # cells 2-3; its edges touch 1 and 4
    assert Mask.from_polygons(64, 64, [square]).cells.sum() == 16


def test_a_mask_fills_what_a_crossing_polygon_encloses() -> None:
    star = [(0.5, 0.0), (0.8, 1.0), (0.0, 0.4), (1.0, 0.4), (0.2, 1.0)]  # winds twice around its middle
    assert Mask.from_polygons(320, 320, [star]).cells[20, 20]
    whole = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    assert Mask.from_polygons(320, 240, [whole]).cells.all()
    assert not Mask.from_polygons(320, 240, []).cells.any()


def test_a_mask_covers_what_remains_beside_the_cells() -> None:
    edge = [(0.999, 0.0), (1.0, 0.0), (1.0, 0.3)]  # 70 px wide: eight cells and six pixels
    assert Mask.from_polygons(70, 48, [edge]).cells[0, 7]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=6))
def test_no_pixel_of_a_polygon_escapes(polygon: list[tuple[float, float]]) -> None:
    """Points along each edge, and everything between them, lie in masked cells."""
    cells = Mask.from_polygons(64, 48, [polygon]).cells
    corners = np.array(polygon)
    random = np.random.default_rng(SEED)
    weights = random.dirichlet(np.ones(3), 100)
    for first in range(1, len(corners) - 1) if len(corners) == 3 else ():
        inside = weights @ corners[[0, first, first + 1]] * (64, 48)
        at = np.minimum((inside // 8).astype(int), (7, 5))
        assert cells[at[:, 1], at[:, 0]].all()
    along = np.linspace(corners, np.roll(corners, -1, axis=0), 50).reshape(-1, 2) * (64, 48)
    at = np.minimum((along // 8).astype(int), (7, 5))
    assert cells[at[:, 1], at[:, 0]].all()
