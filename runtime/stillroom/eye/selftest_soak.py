"""Hours of frames in a few numbers: how many, how many never came, whether their pace or our memory drifts."""

import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stillroom.clock import NS_PER_S
from stillroom.link import Link
from stillroom.selftest_link import Soaked

if TYPE_CHECKING:
    from stillroom.eye.frame import Frame

TELL_EVERY_S = 1.0
PARTS = 10
LEAST_PART_S = 60.0
"""Of a part whose pace is compared: over less, a frame that comes late is more than any drift."""
LEARNED_FRAMES = 30
GAP = 1.5
_STATM = Path("/proc/self/statm")


class Part:
    """A tenth of the time."""

    def __init__(self) -> None:
        self.first_ns = self.last_ns = 0
        self.steps = 0

    def feed(self, frame_ns: int, steps: int) -> None:
        if self.first_ns == 0:
            self.first_ns, steps = frame_ns, 0
        self.last_ns, self.steps = frame_ns, self.steps + steps

    @property
    def span_s(self) -> float:
        return (self.last_ns - self.first_ns) / NS_PER_S

    @property
    def pace_hz(self) -> float:
        return self.steps / self.span_s if self.span_s > 0 else 0.0


class Counting:
    """Feed frames' times; nothing grows."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._parts = [Part() for _ in range(PARTS)]
        self._whole = Part()
        self._usual_ns = 0.0
        self._learned: list[int] = []
        self._grown_from: int | None = None
        self.frames = self.missing = 0

    def feed(self, frame_ns: int) -> float:
        """Seconds since the first frame."""
        self.frames += 1
        steps = 0
        if self._whole.first_ns:
            step_ns = frame_ns - self._whole.last_ns
            steps = (
                max(1, round(step_ns / self._usual_ns))
                if self._usual_ns and step_ns > GAP * self._usual_ns
                else 1
            )
            self.missing += steps - 1
            if len(self._learned) < LEARNED_FRAMES:
                self._learned = sorted([*self._learned, step_ns])
                self._usual_ns = float(self._learned[len(self._learned) // 2])
        self._whole.feed(frame_ns, steps)
        done_s = self._whole.span_s
        part = min(PARTS - 1, int(done_s / self._seconds * PARTS))
        self._parts[part].feed(frame_ns, steps)
        if part and self._grown_from is None:
            self._grown_from = _resident()
        return done_s

    def said(self, last: bool) -> Soaked:
        grown = None if self._grown_from is None else (_resident() - self._grown_from) / 1e6
        share = self.missing / max(1, self.missing + self.frames)
        drift = self._drift() if last else None
        return Soaked(self._whole.span_s, self.frames, share, self._whole.pace_hz, drift, grown, last)

    def _drift(self) -> float | None:
        """Of the pace, from the first part to the last, in millionths; None: they are too short to tell."""
        first, final = self._parts[0], self._parts[-1]
        if min(first.span_s, final.span_s) < LEAST_PART_S * 0.9:
            return None
        return (final.pace_hz / first.pace_hz - 1.0) * 1e6


def soak(frames: Iterator["Frame"], seconds: float, parent: Link) -> None:
    """Count frames for so long, in their own time, and tell now and then. Raises CameraError, LinkError."""
    counting, told_s = Counting(seconds), time.monotonic()
    for frame in frames:
        done_s = counting.feed(frame.frame_ns)
        del frame  # it is the camera's own memory
        if done_s >= seconds:
            break
        if time.monotonic() - told_s >= TELL_EVERY_S:
            told_s = time.monotonic()
            parent.send(counting.said(last=False))
    parent.send(counting.said(last=True))


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(_STATM.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
