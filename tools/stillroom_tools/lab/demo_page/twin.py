"""The demo's own drawing of a simulated room, for the tester to look at. No picture leaves a unit for it.

A simulated frame is a function of scenario, seed, time and cues: so whoever has the same script can draw the same room
a second time, as this does, smaller and five times a second, and only while somebody looks.
"""

import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from stillroom import config
from stillroom.eye.frame import Camera, Frame
from stillroom_tools.lab import simulated

SIZE_PX = (320, 240)
FRAMES_PER_S = 5.0


class Twin:
    """One unit's room. Use from one thread: `pictures` until `close`."""

    def __init__(self, unit_folder: Path) -> None:
        """Raises ConfigError."""
        camera = config.load(unit_folder / "unit.toml").camera
        width_px, height_px = SIZE_PX
        self._camera: Camera = simulated.open_camera(
            replace(camera, width_px=width_px, height_px=height_px, frames_per_s=FRAMES_PER_S), unit_folder
        )
        self._closed = threading.Event()

    def pictures(self) -> Iterator[bytes]:
        """JPEGs, each when it is due."""
        encoder = _Jpeg(*SIZE_PX)
        for frame in self._camera.frames():
            if self._closed.is_set():
                return
            yield encoder.encode(frame)

    def close(self) -> None:
        """The next picture asked for is the end."""
        self._closed.set()
        self._camera.close()


class _Jpeg:
    """Frames to JPEG, through FFmpeg."""

    def __init__(self, width_px: int, height_px: int) -> None:
        import av

        self._av: Any = av
        self._size = width_px, height_px

    def encode(self, frame: Frame) -> bytes:
        import numpy as np

        width_px, height_px = self._size
        encoder = self._av.CodecContext.create("mjpeg", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width_px, height_px, "yuvj420p"
        encoder.time_base = Fraction(1, 1000)
        flat = np.concatenate(
            [np.ascontiguousarray(plane).reshape(-1) for plane in (frame.y, frame.u, frame.v)]
        )
        picture = self._av.VideoFrame.from_ndarray(flat.reshape(-1, width_px), format="yuvj420p")
        return b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)])
