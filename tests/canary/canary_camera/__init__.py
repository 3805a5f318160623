"""A camera whose picture holds a pattern that is nowhere else, so that its traces can be searched for afterwards.

Marks of eight random bytes, one each for blocks A, B, C, D in turn, fill a part of the luma plane: whatever copies 39
bytes of one of its rows holds a whole mark, whatever keeps seven cells beside each other holds the sums of A to D in a
row. Beneath lie bars of two colours, wide enough to stay bars in a picture made for a detector.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stillroom.config import CameraConfig
from stillroom.eye.frame import Frame
from stillroom_tools.lab import simulated

WIDTH, HEIGHT = 640, 480
MARKS = slice(384, 464), slice(32, 608)
"""Rows and columns, multiples of 8."""
BARS = slice(24, 184), slice(416, 608)
BAR_PX = 48


class Pattern:
    """All that follows from a seed."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.marks = [random.integers(1, 255, 8, np.uint8) for _ in range(4)]
        self.colours = [random.integers(60, 180, 3, np.uint8) for _ in range(2)]

    def draw(self, y: np.ndarray, u: np.ndarray, v: np.ndarray) -> None:
        rows, columns = MARKS
        row = np.concatenate(self.marks)
        y[rows, columns] = np.tile(row, (columns.stop - columns.start) // row.size)
        rows, columns = BARS
        for place, left in enumerate(range(columns.start, columns.stop, BAR_PX)):
            for plane, value, scale in zip((y, u, v), self.colours[place % 2], (1, 2, 2), strict=True):
                plane[rows.start // scale : rows.stop // scale, left // scale : (left + BAR_PX) // scale] = (
                    value
                )

    @property
    def sums(self) -> list[int]:
        """Of the cells of A, B, C, D."""
        return [8 * int(mark.sum()) for mark in self.marks]

    def needles(self) -> dict[str, bytes]:
        """Trace and the bytes that give it away, at any alignment."""
        raw = {f"row {name}": mark.tobytes() for name, mark in zip("ABCD", self.marks, strict=True)}
        sums = self.sums
        return raw | {
            "cells u16": struct.pack("<4H", *sums),
            "cells u32": struct.pack("<4I", *sums),
            "cells f32": struct.pack("<4f", *sums),
            "cells f64": struct.pack("<4d", *sums),
            "means f32": struct.pack("<4f", *(total / 64 for total in sums)),
        }


class CanaryCamera:
    """The simulated camera with the pattern over its picture."""

    kind = "canary"

    def __init__(self, camera: simulated.SimulatedCamera, pattern: Pattern) -> None:
        self._camera, self._pattern = camera, pattern
        self.width, self.height, self.frames_per_s = camera.width, camera.height, camera.frames_per_s

    def frames(self) -> Iterator[Frame]:
        for frame in self._camera.frames():
            y, u, v = frame.y.copy(), frame.u.copy(), frame.v.copy()
            self._pattern.draw(y, u, v)
            yield Frame(y, u, v, frame.frame_ns)

    def close(self) -> None:
        self._camera.close()


def open_camera(config: CameraConfig, folder: Path) -> CanaryCamera:
    camera = simulated.open_camera(config, folder)
    assert isinstance(camera, simulated.SimulatedCamera)
    return CanaryCamera(camera, Pattern(config.seed))
