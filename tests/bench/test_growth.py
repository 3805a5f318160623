"""The eye's memory after an hour is what it was after its warm-up."""

import gc
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from stillroom.clock import NS_PER_S
from stillroom.eye.analysis import Analysis
from stillroom_tools.lab.bench_frames import FRAMES_PER_S, make_rotation

WARM_UP_S = 300
HOUR_S = 3600
MOST_BYTES = 64 << 10


def feed(eye: Analysis, seconds: range) -> int:
    """The same frames over and over, in a time that goes on. Returns bytes held by Python and NumPy after it."""
    rotation = make_rotation(320, 240)
    for index in range(seconds.start * FRAMES_PER_S, seconds.stop * FRAMES_PER_S):
        frame = rotation.frames[index % len(rotation.frames)]
        eye.feed(replace(frame, frame_ns=index * NS_PER_S // FRAMES_PER_S), 0)
    del rotation, frame
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def locked_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmLck"))


@pytest.mark.long
def test_an_hour_leaves_nothing_behind() -> None:
    tracemalloc.start()
    try:
        eye = Analysis(320, 240)
        before = feed(eye, range(WARM_UP_S))
        locked = locked_kib()
        after = feed(eye, range(WARM_UP_S, HOUR_S))
    finally:
        tracemalloc.stop()
    assert after - before <= MOST_BYTES
    assert locked_kib() == locked
