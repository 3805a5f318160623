"""Rings keep order and size; fifths are means; pace knows what was dropped."""

import numpy as np
import pytest

from stillroom.eye.distil import Grid
from stillroom.eye.traces import Pace, Ring, Traces

WIDTH, HEIGHT = 32, 16


def filled(level: int, moved: int = 0) -> Grid:
    grid = Grid(WIDTH, HEIGHT)
    grid.y[:] = 64 * level
    grid.u[:] = 16 * 100
    grid.v[:] = 16 * 150
    grid.moved[:] = 64 * moved
    return grid


def test_a_ring_gives_back_the_newest_rows_in_order() -> None:
    ring = Ring(4, 2, np.uint16)
    for k in range(7):
        ring.push(float(k), np.array([k, 10 * k], np.uint16))
    times, rows = ring.window(10.0, slice(None))
    assert times.tolist() == [3, 4, 5, 6]
    assert rows[:, 1].tolist() == [30, 40, 50, 60]
    assert ring.window(1.0, np.array([1]))[1].tolist() == [[50.0], [60.0]]
    assert ring.window(9.0, np.array([1, 0]))[1].tolist() == [[30, 3], [40, 4], [50, 5], [60, 6]]
    assert ring.sums(2, 1, after=1).tolist() == [[9, 90], [41, 4100], [2, 200]]
    assert ring.sums(2, 0, before=1).tolist() == [[11, 110], [61, 6100], [2, 200]]
    times, rows = ring.since(4.5, np.array([0]))
    assert times.tolist() == [5, 6] and rows.tolist() == [[5.0], [6.0]]
    assert ring.span_s() == 3


def test_an_empty_ring_has_nothing() -> None:
    ring = Ring(4, 2, np.uint16)
    assert len(ring.window(1.0, slice(None))[0]) == 0
    assert ring.span_s() == 0
    assert len(ring.since(0.0, np.array([0, 1]))[0]) == 0


@pytest.mark.parametrize("frames_per_s", [5.0, 9.0, 10.0, 15.0, 25.0, 30.0, 60.0])
def test_fifths_come_at_most_five_times_a_second_and_are_means(frames_per_s: float) -> None:
    traces = Traces(HEIGHT // 8, WIDTH // 8)
    fifths = []
    for index in range(round(10 * frames_per_s) + 1):
        frame_ns = round(index / frames_per_s * 1e9)
        traces.pace.feed(frame_ns)
        fifth = traces.feed(filled(80 + index % 2, moved=3), frame_ns)
        if fifth is not None:
            fifths.append(fifth)
    assert 40 <= len(fifths) <= 50
    assert all(f.luma.min() >= 79.9 and f.luma.max() <= 81.1 for f in fifths)
    assert all(np.allclose(f.u, 100) and np.allclose(f.v, 150) and np.allclose(f.moved, 3) for f in fifths)
    times = np.array([f.time_s for f in fifths])
    assert (np.diff(times) > 0).all()
    assert sum(f.frames for f in fifths) >= round(10 * frames_per_s) - 2 * frames_per_s / 5


def test_fast_rows_of_white_do_not_overflow_at_any_pace() -> None:
    for frames_per_s in (10.0, 30.0, 45.0, 60.0):
        traces = Traces(HEIGHT // 8, WIDTH // 8)
        for index in range(120):
            traces.pace.feed(round(index / frames_per_s * 1e9))
            traces.feed(filled(255), round(index / frames_per_s * 1e9))
        _, rows = traces.fast.window(1.0, slice(0, 1))
        assert (rows[:, 0] == 4 * 64 * 255).all()
        assert 8 <= traces.fast_hz <= 16.5


def test_the_ring_holds_nine_seconds_whatever_the_pace() -> None:
    for frames_per_s in (10.0, 16.4, 17.0, 22.0, 30.0, 37.0, 60.0):
        traces = Traces(HEIGHT // 8, WIDTH // 8)
        for index in range(round(14 * frames_per_s)):
            traces.pace.feed(round(index / frames_per_s * 1e9))
            traces.feed(filled(90), round(index / frames_per_s * 1e9))
        assert traces.fast.span_s() >= 9.2


def test_dropped_frames_are_counted_from_time() -> None:
    pace = Pace()
    at = 0
    for index in range(100):
        at += 3 if index == 50 else 1
        pace.feed(at * 33_333_333)
    assert pace.dropped == 2
    assert pace.frames_per_s == pytest.approx(30, rel=0.02)


def test_time_that_does_not_go_on_is_told() -> None:
    pace = Pace()
    assert pace.feed(1_000_000_000) is None
    assert pace.feed(1_033_000_000) == pytest.approx(0.033)
    assert pace.feed(1_033_000_000) == 0
    assert (pace.feed(500_000_000) or 0) < 0
