"""`stillroom bench`: its figures are of the same work, and its JSON has them all."""

import argparse
import json

import numpy as np
import pytest

from stillroom.errors import ConfigError
from stillroom.eye.distil import Grid, distil
from stillroom_tools.lab import bench
from stillroom_tools.lab.bench_eye import Stopwatch
from stillroom_tools.lab.bench_frames import ROTATE_BYTES, make_rotation
from stillroom_tools.lab.bench_work import make_work

PROMISED = {
    "read_limit_us",
    "memcpy_us",
    "kernel_cold_us",
    "kernel_hot_us",
    "numpy_us",
    "opencv_us",
    "share_of_limit",
    "eye_us",
}


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    return parser.parse_args(words)


def test_prints_what_is_promised(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.run(arguments("--json", "--size", "320x240", "--rounds", "10")) == 0
    captured = capsys.readouterr()
    figures = json.loads(captured.out)["320x240"]
    assert set(figures) >= PROMISED
    assert all(figures[name] > 0 for name in ("read_limit_us", "memcpy_us", "kernel_cold_us", "numpy_us"))
    assert {"distil", "traces", "breathing", "after_kernel"} <= set(figures["eye_us"])
    assert sum(figures["eye_us"].values()) > figures["eye_us"]["distil"] > 0
    assert "320x240" in captured.err


def test_the_table_names_each_figure(capsys: pytest.CaptureFixture[str]) -> None:
    bench.run(arguments("--size", "64x48", "--rounds", "10"))
    text = capsys.readouterr().out
    assert "64x48" in text
    assert all(what in text for what in (bench._EXPLAINED | bench._COMPARED).values())


@pytest.mark.parametrize("size", ["640", "640x", "15x480", "641x480", "1922x16", "x", "-2x-2", "640x480x2"])
def test_an_impossible_size_is_one_line(size: str) -> None:
    with pytest.raises(ConfigError, match="--size"):
        bench.run(arguments(f"--size={size}"))


@pytest.mark.parametrize("rounds", ["9", "10001", "-5"])
def test_an_impossible_number_of_rounds_is_one_line(rounds: str) -> None:
    with pytest.raises(ConfigError, match="--rounds"):
        bench.run(arguments("--rounds", rounds))


def test_frames_are_more_than_a_cache_holds() -> None:
    rotation = make_rotation(64, 48)
    assert rotation.block.nbytes > ROTATE_BYTES
    assert len({frame.y.ctypes.data for frame in rotation.frames}) == len(rotation.frames)


@pytest.mark.parametrize("size", [(320, 240), (70, 54)])
def test_numpy_does_the_same_as_the_kernel(size: tuple[int, int]) -> None:
    rotation = make_rotation(*size)
    work = make_work(rotation)
    grid = Grid(*size)
    distil(rotation.frames[3], np.zeros_like(grid.y), None, grid)
    for name in ("numpy_us", "numpy_tuned_us"):
        (y, u, v), clipped, moved, levels = work[name](3)  # type: ignore[misc]
        for expected, got in (
            (grid.y, y),
            (grid.u, u),
            (grid.v, v),
            (grid.clipped, clipped),
            (grid.moved, moved),
            (grid.histogram, levels),
        ):
            np.testing.assert_array_equal(got, expected, err_msg=name)


def test_opencv_does_the_same_rounded() -> None:
    pytest.importorskip("cv2")
    rotation = make_rotation(320, 240)
    grid = Grid(320, 240)
    distil(rotation.frames[3], np.zeros_like(grid.y), None, grid)
    y, u, v, ends, moved, levels = make_work(rotation)["opencv_us"](3)  # type: ignore[misc]
    for sums, size, means in ((grid.y, 64, y), (grid.u, 16, u), (grid.v, 16, v), (grid.moved, 64, moved)):
        assert np.abs(sums / size - means.astype(float)).max() <= 1.0
    np.testing.assert_array_equal(levels.ravel().astype(int), grid.histogram)
    assert ends.shape == grid.clipped.shape


def test_a_stage_inside_another_counts_once() -> None:
    watch = Stopwatch({})

    def busy() -> int:
        return sum(range(20_000))

    inner = watch.timed("inner", busy)
    outer = watch.timed("outer", lambda: inner() + inner())
    outer()
    assert watch.spent_ns["inner"] > 10 * watch.spent_ns["outer"] > 0
