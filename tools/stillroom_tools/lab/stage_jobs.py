"""Scenarios and seeds, one after another or in processes side by side. Each outcome is that of its job alone."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from pathlib import Path
from types import TracebackType

from stillroom_tools.lab.scenario import Scenario, load_scenario
from stillroom_tools.lab.stage_judge import Tally, judge
from stillroom_tools.lab.stage_run import FromCells, FromFrames, Night, Source, run

REAL_PX = 640, 480
"""Of frames that the real models look at: below some 96 px of width they find nobody."""
Passed = Callable[[float], None]
"""Called with simulated seconds that have been played."""
Each = Callable[[Night, float], None]
_SAY_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Job:
    """One night. models: a folder of weights; empty: the stand-in, or nobody where the scenario says so."""

    path: str
    seed: int
    frames: bool = False
    models: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    job: Job
    scenario: Scenario
    night: Night
    tally: Tally


def play(job: Job, each: Each = lambda night, at_s: None) -> Outcome:
    """Run one job here. Raises ConfigError; InputError, SetupError where weights are asked for."""
    scenario = load_scenario(Path(job.path))
    source: Source
    if job.models:
        source = FromFrames(scenario, job.seed, REAL_PX)
    else:
        source = FromFrames(scenario, job.seed) if job.frames else FromCells(scenario, job.seed)
    night = run(scenario, job.seed, source, _models(job, scenario, source), each)
    return Outcome(job, scenario, night, judge(night, scenario))


def run_all(jobs: Sequence[Job], workers: int, passed: Passed) -> Iterator[Outcome]:
    """Each outcome in the order of the jobs."""
    if len(jobs) == 1 or workers == 1:
        for job in jobs:
            yield play(job, _telling(passed))
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(jobs)), context, initializer=_begin) as pool:
        try:
            for outcome in pool.map(play, jobs):
                passed(outcome.night.seconds)
                yield outcome
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in active_children():
                child.terminate()
            raise


def _models(job: Job, scenario: Scenario, source: Source):  # type: ignore[no-untyped-def]
    if scenario.detector == "none":
        return None
    if job.models:
        from stillroom_tools.lab.program import look_with

        return look_with(Path(job.models))
    from stillroom_tools.lab.stand_in import StandIn

    return StandIn(scenario, source.size, job.seed)


def _telling(passed: Passed) -> Each:
    said_s = 0.0

    def each(night: Night, at_s: float) -> None:
        nonlocal said_s
        if at_s - said_s >= _SAY_EVERY_S or at_s >= night.seconds - 0.1:
            passed(at_s - said_s)
            said_s = at_s if at_s < night.seconds - 0.1 else 0.0

    return each


def _begin() -> None:
    """Ctrl-C is heard by who started the pool; who dies without it takes the workers along."""
    from stillroom_tools.lab.child import die_with_parent

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()


class Progress:
    """A bar on standard error over the simulated time of all jobs; silent where that is not a terminal."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        console = Console(file=sys.stderr)
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        lengths = {path: load_scenario(Path(path)).seconds for path in {job.path for job in jobs}}
        hours = sum(lengths[job.path] for job in jobs) / 3600
        nights = f"{len(jobs)} runs, {hours:.1f} h" if len(jobs) > 1 else Path(jobs[0].path).stem
        self._task = self._bar.add_task(nights, total=hours)

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def passed(self, seconds: float) -> None:
        """So much simulated time has been played."""
        self._bar.advance(self._task, seconds / 3600)
