"""What `stillroom bench` times, under pytest-benchmark. Nothing here fails for being slow."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from stillroom_tools.lab.bench_frames import Rotation, make_rotation
from stillroom_tools.lab.bench_work import make_work

NAMES = [
    "read_limit_us",
    "memcpy_us",
    "kernel_cold_us",
    "kernel_baseline_us",
    "kernel_two_orders_us",
    "from_python_us",
    "numpy_us",
    "numpy_tuned_us",
    "opencv_us",
]


@pytest.fixture(scope="module")
def rotation() -> Rotation:
    return make_rotation(640, 480)


@pytest.mark.parametrize("name", NAMES)
def test_work(name: str, rotation: Rotation, benchmark: BenchmarkFixture) -> None:
    work = make_work(rotation)
    if name not in work:
        pytest.skip("OpenCV is not installed")
    frame = iter(range(1000))
    benchmark.pedantic(
        work[name], setup=lambda: ((next(frame) % len(rotation.frames),), {}), rounds=20, warmup_rounds=1
    )
