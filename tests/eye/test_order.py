"""Orders against NumPy, bit for bit; what is stale, masked or outside."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stillroom.eye.distil import Grid, Mask, Order, OrderError, distil
from stillroom.eye.frame import Frame

from .reference import Affine, assert_exact, make_frame, random_cells, served

NOW = 1_000_000_000
UPRIGHT: Affine = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def assert_served(frame: Frame, affine: Affine, shape: tuple[int, ...], mask: Mask | None = None) -> None:
    order = Order(affine, np.full(shape, 77, np.uint8), frame.frame_ns)
    (outcome,) = distil(frame, None, mask, Grid(frame.width, frame.height), [order])
    expected = served(frame, affine, shape, mask)
    np.testing.assert_array_equal(order.destination, expected)
    if expected.any():
        assert outcome == "served"


def turned(degrees: float, scale: float, x_px: float, y_px: float) -> Affine:
    c, s = math.cos(math.radians(degrees)) * scale, math.sin(math.radians(degrees)) * scale
    return (c, -s, x_px, s, c, y_px)


@pytest.mark.parametrize("layout", ["i420", "nv12", "nv21"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "affine",
    [
        (640 / 224, 0.0, 0.0, 0.0, 480 / 224, 0.0),  # all of it
        (640 / 224, 0.0, -40.5, 0.0, 640 / 224, -80.25),  # letterboxed
        (0.3, 0.0, 300.1, 0.0, 0.3, 200.7),  # enlarged
        (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),  # as it is
        turned(90, 1.0, 500, 100),  # somebody lying
        turned(-37, 1.7, 100, 300),
        turned(180, 2.2, 640, 480),
        (-1.5, 0.0, 400.0, 0.0, 1.5, 0.0),  # mirrored
    ],
)
def test_equals_numpy(affine: Affine, masked: bool, layout: str) -> None:
    frame = make_frame(640, 480, layout=layout, padding=6)
    mask = Mask((random_cells(frame, 8, np.uint8) == 0).astype(np.uint8)) if masked else None
    assert_served(frame, affine, (224, 224, 3), mask)
    assert_served(frame, affine, (31, 63), mask)


@settings(max_examples=120, deadline=None)
@given(
    st.integers(8, 60).map(lambda n: 2 * n),
    st.integers(8, 60).map(lambda n: 2 * n),
    st.floats(-180, 180) | st.just(0.0),
    st.floats(0.02, 20.0),
    st.floats(-0.2, 0.9),
    st.sampled_from([(7, 9), (16, 16, 3), (1, 1, 3), (40, 3)]),
)
def test_equals_numpy_over_shapes(
    width: int, height: int, degrees: float, scale: float, at: float, shape: tuple[int, ...]
) -> None:
    frame = make_frame(width, height, padding=3)
    affine = turned(degrees, scale, at * width, at * height)
    mask = Mask((random_cells(frame, 4, np.uint8) == 0).astype(np.uint8))
    try:
        assert_served(frame, affine, shape, mask)
    except OrderError as error:
        assert "outside" in str(error)


def test_a_half_rounds_up_where_a_double_would_not() -> None:
    """98 pixels, half of them 1: in doubles, 98 times the inverse of 98 is less than 1."""
    frame = make_frame(28, 28, fill=0)
    frame.y[::2] = 1
    assert_served(frame, (7.0, 0.0, 0.0, 0.0, 14.0, 0.0), (2, 4))
    order = Order((7.0, 0.0, 0.0, 0.0, 14.0, 0.0), np.zeros((2, 4), np.uint8), 0)
    distil(frame, None, None, Grid(28, 28), [order])
    assert (order.destination == 1).all()


def test_no_pixel_of_an_order_stays_in_scratch() -> None:
    frame, grid = make_frame(64, 48), Grid(64, 48)
    for affine in (UPRIGHT, turned(30, 1.0, 8, 8)):
        distil(frame, None, None, grid, [Order(affine, np.zeros((16, 16, 3), np.uint8), 0)])
        assert not grid._scratch.any()


def test_the_last_cell_masks_what_remains_beside_it() -> None:
    frame = make_frame(70, 54, fill=200)
    mask = Mask.from_polygons(70, 54, [[(0.99, 0.0), (1.0, 0.0), (1.0, 1.0), (0.99, 1.0)]])
    for affine in ((1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (-1.0, 0.0, 70.0, 0.0, 1.0, 0.0)):
        order = Order(affine, np.empty((54, 70), np.uint8), 0)
        distil(frame, None, mask, Grid(70, 54), [order])
        kept = order.destination if affine[0] > 0 else order.destination[:, ::-1]
        assert not kept[:, 56:].any()
        assert kept[:, :54].all()


def test_decided_on_one_frame_and_served_on_the_next() -> None:
    first, second = make_frame(64, 48), make_frame(64, 48, padding=1)
    second = Frame(second.y, second.u, second.v, NOW + 33_000_000)
    grid = Grid(64, 48)
    distil(first, None, None, grid)
    order = Order((1.0, 0.0, 8.0, 0.0, 1.0, 8.0), np.zeros((16, 16), np.uint8), decided_ns=NOW)
    assert distil(second, grid.y, None, grid, [order]) == ("served",)
    np.testing.assert_array_equal(order.destination, second.y[8:24, 8:24])
    assert_exact(second)


def test_stale_and_masked_orders_are_refused_and_leave_nothing() -> None:
    frame = make_frame(64, 48, fill=99)
    frame = Frame(frame.y, frame.u, frame.v, NOW)
    fresh, old, later = (
        Order((1.0, 0.0, 0.0, 0.0, 1.0, 0.0), np.full((8, 8), 5, np.uint8), decided)
        for decided in (NOW, NOW - 250_000_001, NOW + 1)
    )
    assert distil(frame, None, None, Grid(64, 48), [old, fresh, later]) == ("stale", "served", "stale")
    assert (fresh.destination == 99).all()
    assert not old.destination.any()
    assert not later.destination.any()
    mask = Mask.from_polygons(64, 48, [[(0.0, 0.0), (0.1, 0.0), (0.1, 0.1)]])
    assert distil(frame, None, mask, Grid(64, 48), [fresh]) == ("masked",)
    assert not fresh.destination.any()


@pytest.mark.parametrize("edge", [NOW - 250_000_000, NOW])
def test_an_order_at_the_edge_of_its_age_is_served(edge: int) -> None:
    frame = make_frame(64, 48)
    frame = Frame(frame.y, frame.u, frame.v, NOW)
    order = Order((1.0, 0.0, 0.0, 0.0, 1.0, 0.0), np.zeros((8, 8), np.uint8), edge)
    assert distil(frame, None, None, Grid(64, 48), [order]) == ("served",)


@pytest.mark.parametrize(
    ("affine", "says"),
    [
        ((1, 0, 64, 0, 1, 0), "outside"),
        ((1, 0, 0, 0, 1, 48), "outside"),
        ((1, 0, -16, 0, 1, 0), "outside"),
        ((0, 1, 0, 1, 0, -16), "outside"),
    ],
)
def test_an_order_outside_the_frame_writes_nothing(affine: Affine, says: str) -> None:
    grid = Grid(64, 48)
    order = Order(affine, np.full((16, 16), 7, np.uint8), 0)
    with pytest.raises(OrderError, match=says):
        distil(make_frame(64, 48), None, None, grid, [order])
    assert not grid.y.any()
    assert (order.destination == 7).all()


READ_ONLY = np.zeros((8, 8), np.uint8)
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    ("affine", "destination", "says"),
    [
        (UPRIGHT, np.zeros((8, 8), np.float32), "uint8"),
        (UPRIGHT, np.zeros((8, 8, 4), np.uint8), "must be"),
        (UPRIGHT, np.zeros(8, np.uint8), "must be"),
        (UPRIGHT, np.zeros((8, 16), np.uint8)[:, ::2], "gaps"),
        (UPRIGHT, READ_ONLY, "read-only"),
        (UPRIGHT, np.zeros((0, 8), np.uint8), "sides"),
        (UPRIGHT, np.zeros((513, 8), np.uint8), "sides"),
        (UPRIGHT, bytearray(64), "uint8"),
        ((float("nan"), 0.0, 0.0, 0.0, 1.0, 0.0), np.zeros((8, 8), np.uint8), "finite"),
        ((65.0, 0.0, 0.0, 0.0, 1.0, 0.0), np.zeros((8, 8), np.uint8), "at most"),
        ((1.0, 0.0, 1e9, 0.0, 1.0, 0.0), np.zeros((8, 8), np.uint8), "at most"),
        ((0.001, 0.0, 0.0, 0.0, 1.0, 0.0), np.zeros((8, 8), np.uint8), "at least"),
        ((1.0, 0.0), np.zeros((8, 8), np.uint8), "six"),
    ],
)
def test_a_bad_order_is_a_typed_error(affine: Affine, destination: NDArray[np.uint8], says: str) -> None:
    with pytest.raises(OrderError, match=says):
        Order(affine, destination, 0)
