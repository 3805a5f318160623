"""CPU of the whole eye by stage, on frames that rotate, and whether it grows."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from stillroom.clock import NS_PER_S
from stillroom.eye import analysis
from stillroom_tools.lab.bench_frames import FRAMES_PER_S, Rotation

WARM_UP_S = 40
"""Until every window is full and every reading is tried."""
MEASURED_S = 20


@dataclass
class Stopwatch:
    """CPU nanoseconds by stage. A stage that runs inside another counts for itself alone."""

    spent_ns: dict[str, int]
    inside_ns: int = 0

    def timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timing(*args: Any, **kwargs: Any) -> Any:
            outside, self.inside_ns = self.inside_ns, 0
            began = time.thread_time_ns()
            try:
                return call(*args, **kwargs)
            finally:
                took = time.thread_time_ns() - began
                self.spent_ns[stage] = self.spent_ns.get(stage, 0) + took - self.inside_ns
                self.inside_ns = outside + took

        return timing


class Timed:
    """A part of the analysis, each of whose methods is timed as its module's stage."""

    def __init__(self, part: object, watch: Stopwatch) -> None:
        self.__dict__.update(_part=part, _watch=watch, _stage=type(part).__module__.rpartition(".")[2])

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._part, name)
        return self._watch.timed(self._stage, value) if callable(value) else value

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._part, name, value)


def eye_us(rotation: Rotation) -> dict[str, float]:
    """Microseconds of CPU a frame by stage at 30 frames a second; `after_kernel` is all but the kernel."""
    watch = Stopwatch({})
    names = vars(analysis)
    kernel = names["distil"]
    eye = analysis.Analysis(rotation.width_px, rotation.height_px)
    feed = watch.timed("analysis", eye.feed)
    for name, part in vars(eye).items():
        if (
            type(part).__module__.startswith("stillroom.eye.")
            and name != "_mask"
            and "Grid" not in repr(part)
        ):
            setattr(eye, name, Timed(part, watch))
    names["distil"] = watch.timed("distil", kernel)
    try:
        for index in range((WARM_UP_S + MEASURED_S) * FRAMES_PER_S):
            if index == WARM_UP_S * FRAMES_PER_S:
                watch.spent_ns.clear()
            feed(replace(rotation.frames[_there_and_back(index, rotation)], frame_ns=_frame_ns(index)), 0)
    finally:
        names["distil"] = kernel
    stages = {
        stage: spent / 1000 / (MEASURED_S * FRAMES_PER_S) for stage, spent in sorted(watch.spent_ns.items())
    }
    after = sum(stages.values()) - stages["distil"]
    return {stage: round(us, 1) for stage, us in stages.items()} | {"after_kernel": round(after, 1)}


def _frame_ns(index: int) -> int:
    return index * NS_PER_S // FRAMES_PER_S


def _there_and_back(index: int, rotation: Rotation) -> int:
    """0 1 2 1 0 1 ...: no jump where the rotation ends."""
    last = len(rotation.frames) - 1
    place = index % (2 * last)
    return place if place <= last else 2 * last - place
