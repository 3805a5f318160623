"""One recording through camera, distil and analysis; what came out each second, and what it cost."""

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stillroom.errors import InputError
from stillroom.eye.analysis import Analysis
from stillroom.eye.frame import Frame
from stillroom.observation import Observation, Reading
from stillroom_tools.lab.evaluate_progress import Progress
from stillroom_tools.lab.evaluate_truth import Roi
from stillroom_tools.lab.recorded import RecordedCamera

NS_PER_S = 1_000_000_000
QUANTITIES = {"pulse_bpm": "pulse", "breaths_per_min": "breathing"}
"""Names in the report, and of the fields of an Observation and a Second."""
FAR_WRONG = {"pulse_bpm": 5.0, "breaths_per_min": 3.0}
_PROGRESS_FRAMES = 15
_DECODE_THREADS = 2


@dataclass(frozen=True, slots=True)
class Second:
    """The readings that stood at the end of one second. at_s: seconds since the first frame."""

    at_s: float
    pulse: Reading
    breathing: Reading

    def reading(self, quantity: str) -> Reading:
        reading: Reading = getattr(self, QUANTITIES[quantity])
        return reading


class Truth(Protocol):
    """What is known of a recording: rates by the names in QUANTITIES, over stretches of its own time."""

    def knows(self, column: str) -> bool: ...

    def over(self, column: str, from_s: float, until_s: float) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Errors:
    """Against a truth, over seconds for which it is known. None where nothing was emitted."""

    mae: float | None
    coverage: float
    far_wrong: float | None
    constant_mae: float


@dataclass(slots=True)
class ClipResult:
    """What one file gave. cut_short: why the file ended before its time, or empty."""

    file: str
    duration_s: float = 0.0
    seconds: list[Second] = field(default_factory=list)
    cpu_ms_per_frame: float = 0.0
    peak_rss_mib: float = 0.0
    coherent: bool = True
    warnings: list[str] = field(default_factory=list)
    errors: dict[str, Errors] = field(default_factory=dict)
    cut_short: str = ""


class Coherence:
    """Whether frames follow one another in time: in a shuffled recording a frame resembles the one before no more
    than any other. Lag-1 autocorrelation and mean frame difference over standard deviation, of blocks of the picture.
    """

    BLOCKS = 16
    LEAST_CHANGE = 1.5
    """Counts; where a picture changes less than this, its noise is all there is to judge."""
    LEAST_CORRELATION = 0.3

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None
        self._first: NDArray[np.float32] | None = None
        self._sums = np.zeros(0)
        self.frames = 0

    def feed(self, frame: Frame) -> None:
        now = self._blocks(frame)
        if self._first is None:
            self._first, self._sums = now, np.zeros((4, *now.shape))
        now = now - self._first
        before = self._before if self._before is not None else now
        self._sums += np.stack([now, now * now, (now - before) ** 2, np.abs(now - before)])
        self._before = now
        self.frames += 1

    def _blocks(self, frame: Frame) -> NDArray[np.float32]:
        high, wide = max(1, frame.height // self.BLOCKS), max(1, frame.width // self.BLOCKS)
        rows, cols = frame.height // high * high, frame.width // wide * wide
        step = max(1, min(high, wide) // 8)
        fine = frame.y[:rows, :cols].reshape(rows // high, high, cols // wide, wide)[:, ::step, :, ::step]
        blocks: NDArray[np.float32] = fine.mean(axis=(1, 3), dtype=np.float32)
        return blocks

    def figures(self) -> tuple[float, float, float]:
        """Standard deviation in counts, lag-1 autocorrelation, mean difference over standard deviation."""
        if self.frames < 2:
            return 0.0, 1.0, 0.0
        mean, squares, steps, distances = self._sums / self.frames
        variance = float(np.mean(squares - mean * mean))
        if variance <= 0:
            return 0.0, 1.0, 0.0
        deviation = variance**0.5
        correlation = 1.0 - float(np.mean(steps)) / (2 * variance)
        return deviation, correlation, float(np.mean(distances)) / deviation

    def warning(self) -> str:
        """One line where the frames are out of order, else nothing."""
        deviation, correlation, ratio = self.figures()
        if deviation < self.LEAST_CHANGE or correlation >= self.LEAST_CORRELATION or self.frames < 30:
            return ""
        return (
            f"frames are incoherent in time (frame difference over standard deviation {ratio:.2f}, "
            f"lag-1 autocorrelation {correlation:.2f}): their order looks scrambled, no rate can be had from them"
        )


def evaluate_clip(path: Path, roi: Roi | None, truth: Truth | None, progress: Progress) -> ClipResult:
    """All frames of one file. Raises InputError where it cannot be opened, has no frames, or the roi does not fit."""
    result, coherence = ClipResult(str(path)), Coherence()
    started = time.process_time()
    _forget_peak()
    camera = RecordedCamera(path, threads=_DECODE_THREADS)
    known = camera.probe
    frames = known.frames or (round(known.duration_s * known.frames_per_s) if known.duration_s else None)
    progress.begin(path.name, frames)
    try:
        _play(camera, roi, result, coherence, progress)
    except InputError as error:
        if not coherence.frames:
            raise
        result.cut_short = str(error)
    if not coherence.frames:
        raise InputError(f"{path}: no frames in it")
    result.cpu_ms_per_frame = (time.process_time() - started) * 1e3 / coherence.frames
    result.peak_rss_mib = _peak_rss_mib()
    _warn(result, coherence)
    if truth is not None:
        result.errors = compare(result.seconds, truth)
    return result


def _forget_peak() -> None:
    """Start the kernel's count of peak memory anew, so that a file's peak is its own (proc(5), clear_refs)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_rss_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024


def _play(
    camera: RecordedCamera, roi: Roi | None, result: ClipResult, coherence: Coherence, progress: Progress
) -> None:
    region = None if roi is None else roi.box(camera.width, camera.height)
    analysis = Analysis(camera.width, camera.height, region=region)
    first_ns: int | None = None
    try:
        for frame in camera.frames():
            first_ns = frame.frame_ns if first_ns is None else first_ns
            coherence.feed(frame)
            observation = analysis.feed(frame, 0)
            at_s = (frame.frame_ns - first_ns) / NS_PER_S
            result.duration_s = at_s
            if observation is not None:
                _keep(result.seconds, at_s, observation)
            if coherence.frames % _PROGRESS_FRAMES == 0:
                progress.advance(_PROGRESS_FRAMES)
    finally:
        camera.close()


def _keep(seconds: list[Second], at_s: float, observation: Observation) -> None:
    """One a second: the last observation of each."""
    if seconds and int(seconds[-1].at_s) == int(at_s):
        seconds.pop()
    seconds.append(Second(at_s, observation.pulse, observation.breathing))


def _warn(result: ClipResult, coherence: Coherence) -> None:
    warning = coherence.warning()
    result.coherent = not warning
    if warning:
        result.warnings.append(warning)
    warn_of_length(result)


def warn_of_length(result: ClipResult) -> None:
    """A line where the whole is shorter than what any reading needs."""
    if result.duration_s < 9.0:
        result.warnings.append(
            f"{result.duration_s:.1f} s are shorter than one window; everything is withheld"
        )


def compare(seconds: list[Second], truth: Truth) -> dict[str, Errors]:
    """Errors of each quantity that the truth knows, over seconds where a full window is behind."""
    found = {name: _errors(seconds, truth, name) for name in QUANTITIES if truth.knows(name)}
    return {name: errors for name, errors in found.items() if errors is not None}


def _errors(seconds: list[Second], truth: Truth, name: str) -> Errors | None:
    true, read = [], []
    for second in seconds:
        reading = second.reading(name)
        if reading.withheld in ("warming-up", "unsupported"):
            continue
        known = truth.over(name, second.at_s - max(1.0, reading.window_s), second.at_s)
        if known is not None:
            true.append(known)
            read.append(np.nan if reading.value is None else reading.value)
    if not true:
        return None
    away = np.abs(np.array(read) - np.array(true))
    away = away[~np.isnan(away)]
    constant = float(np.abs(np.array(true) - np.mean(true)).mean())
    if not len(away):
        return Errors(None, 0.0, None, constant)
    far = float((away > FAR_WRONG[name]).mean())
    return Errors(float(away.mean()), len(away) / len(true), far, constant)
