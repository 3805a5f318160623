"""Some seconds of a camera in numbers: pace, light, a chart's sharpness, kernel, and what is read of a phantom."""

from typing import TYPE_CHECKING

import numpy as np

from stillroom.clock import NS_PER_MS, NS_PER_S
from stillroom.config import UnitConfig
from stillroom.errors import CameraError
from stillroom.eye.analysis import Analysis
from stillroom.eye.cells import Mask
from stillroom.eye.distil import Grid, distil
from stillroom.eye.frame import TellsImaging, TellsSettings
from stillroom.eye.picamera_settings import NIGHT_FRAMES_PER_S
from stillroom.eye.reference import differing
from stillroom.eye.sharpness import NoEdge, mtf50
from stillroom.selftest_link import Job, Kernel, Look

if TYPE_CHECKING:
    from stillroom.eye.frame import Camera, Frame
    from stillroom.observation import Reading

SETTLES_S = 1.0
"""A camera's exposure finds its place in the first second."""
EDGE_EVERY, EDGE_FRAMES = 3, 24
"""Frames of which the chart is a mean: noise would read as sharpness."""
COMPARED_FRAMES = 3
JITTER_SHARE = 0.95
GAP = 1.5
"""Times the pace, from which on a frame is missing."""


class Pace:
    """When frames came. Feed the camera's own times."""

    def __init__(self) -> None:
        self._ns: list[int] = []

    def feed(self, frame_ns: int) -> float:
        """Seconds since the first one."""
        if self._ns and frame_ns <= self._ns[-1]:
            raise CameraError("the times of its frames repeat or go back")
        self._ns.append(frame_ns)
        return (frame_ns - self._ns[0]) / NS_PER_S

    @property
    def frames(self) -> int:
        return len(self._ns)

    def figures(self) -> tuple[float, float, float]:
        """Frames a second, share that never came, and by how many ms nineteen in twenty are less early or late."""
        steps = np.diff(np.array(self._ns, np.int64)).astype(np.float64)
        if steps.size < 2:
            return 0.0, 0.0, 0.0
        usual = float(np.median(steps))
        whole = np.maximum(np.rint(steps / usual), 1.0)
        missing = float((whole[steps > GAP * usual] - 1).sum())
        # Against an even grid: a step is late and the next one early by one and the same frame.
        places = np.concatenate(([0.0], np.cumsum(whole)))
        at = np.array(self._ns, np.float64) - self._ns[0]
        slope, start = np.polyfit(places, at, 1)
        late = np.abs(at - (slope * places + start))
        return (
            NS_PER_S / float(slope),
            missing / (missing + steps.size + 1),
            float(np.quantile(late, JITTER_SHARE)) / NS_PER_MS,
        )


class Measuring:
    """Feed frames until it has seen enough; then `look` says what it saw."""

    def __init__(self, job: Job, unit: UnitConfig, camera: "Camera") -> None:
        self._job, self._camera = job, camera
        width, height = camera.width, camera.height
        self._grid = Grid(width, height)
        private = unit.zones.private
        self._mask = Mask.from_polygons(width, height, private) if private else None
        open_ = (
            self._grid.rows * self._grid.cols if self._mask is None else int((self._mask.cells == 0).sum())
        )
        self._pixels = max(1, open_) * 64
        self._pace = Pace()
        self._first_s = 0.0
        self._light = self._clipped = 0.0
        self._lit = 0
        self._still = True
        self._compared, self._differ, self._compares = 0, 0, 0
        self._edge: np.ndarray | None = None
        self._edges = 0
        self._edge_why = (
            "" if job.edge else "nobody said where in the picture a chart's edge is: --phantom FILE"
        )
        self._analysis = Analysis(width, height, private=private) if job.rates else None
        self._readings: list[tuple[Reading, Reading]] = []
        self._night = False

    def feed(self, frame: "Frame", since_s: float) -> bool:
        """True when it has seen enough. since_s: since the camera was asked for."""
        if self._pace.frames == 0:
            self._first_s = since_s
        at_s = self._pace.feed(frame.frame_ns)
        before = self._grid.y.copy() if self._pace.frames > 1 else None
        distil(frame, before, self._mask, self._grid)
        self._still = self._still and not (before is not None and self._grid.moved.any())
        if isinstance(self._camera, TellsSettings) and (news := self._camera.news()) is not None:
            self._night = news.profile == "night"
        if at_s >= SETTLES_S:
            self._lit += 1
            self._light += int(self._grid.y.sum(dtype=np.int64)) / self._pixels
            self._clipped += int(self._grid.clipped.sum(dtype=np.int64)) / self._pixels
            self._compare(frame, before)
            self._add_edge(frame)
        if self._analysis is not None:
            self._read(frame, at_s)
        return at_s >= self._job.seconds

    def _compare(self, frame: "Frame", before: np.ndarray | None) -> None:
        if self._compares >= COMPARED_FRAMES:
            return
        self._compares += 1
        cells = None if self._mask is None else self._mask.cells
        compared, differ = differing(frame, before, cells, self._grid)
        self._compared, self._differ = self._compared + compared, self._differ + differ

    def _add_edge(self, frame: "Frame") -> None:
        """The chart's part of the picture, added up. Private zones are not looked at for a chart either."""
        if self._job.edge is None or self._edges >= EDGE_FRAMES or self._lit % EDGE_EVERY:
            return
        x0, y0, x1, y1 = self._job.edge
        rows = slice(round(y0 * frame.height), round(y1 * frame.height))
        cols = slice(round(x0 * frame.width), round(x1 * frame.width))
        if (
            self._mask is not None
            and self._mask.cells[
                rows.start // 8 : -(-rows.stop // 8), cols.start // 8 : -(-cols.stop // 8)
            ].any()
        ):
            self._edge_why = "the chart's edge lies in a private zone, which is never read"
            return
        part = frame.y[rows, cols].astype(np.float64)
        self._edge = part if self._edge is None else self._edge + part
        self._edges += 1

    def _read(self, frame: "Frame", at_s: float) -> None:
        assert self._analysis is not None
        seen = self._analysis.feed(frame, frame.frame_ns)
        if seen is not None and at_s >= len(self._readings) + 1:
            self._readings.append((seen.breathing, seen.pulse))

    def look(self) -> Look:
        """What was seen."""
        pace_hz, dropped, jitter_ms = self._pace.figures()
        told = self._camera.imaging() if isinstance(self._camera, TellsImaging) else None
        expected = self._camera.frames_per_s
        lit = max(1, self._lit)
        sharpness, why = self._sharpness()
        withheld = [
            [str(r.withheld) for r in each if r.withheld] for each in zip(*self._readings, strict=True)
        ]
        return Look(
            model=told.model[:32] if told else "",
            first_frame_s=self._first_s,
            frames=self._pace.frames,
            expected_hz=min(expected, NIGHT_FRAMES_PER_S) if self._night else expected,
            pace_hz=pace_hz,
            dropped=dropped,
            jitter_ms=jitter_ms,
            luma=self._light / lit,
            clipped=self._clipped / lit,
            still=self._still,
            gain=told.gain if told else None,
            sharpness=sharpness,
            sharpness_why=why,
            kernel=Kernel(self._compared, self._differ),
            breaths=tuple(breathing.value for breathing, _ in self._readings),
            pulse=tuple(pulse.value for _, pulse in self._readings),
            withheld=(
                withheld[0][-1] if withheld and withheld[0] else "",
                withheld[1][-1] if withheld and withheld[1] else "",
            ),
        )

    def _sharpness(self) -> tuple[float | None, str]:
        if self._edge is None:
            return None, self._edge_why or "no frame of the chart came"
        try:
            return mtf50(self._edge / self._edges), ""
        except NoEdge as error:
            return 0.0, str(error)
