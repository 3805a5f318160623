"""Files for tests: videos without loss, and traces of a skin's colour."""

from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np

from stillroom.eye.frame import Frame

SKIN = np.array([150.0, 112.0, 96.0])
BLOOD = np.array([0.33, 0.77, 0.53])


def write_video(path: Path, pictures: Iterable[Frame], frames_per_s: int = 30) -> Path:
    """Frames as they are (FFV1 loses nothing), at even times."""
    with av.open(str(path), "w") as container:
        stream = None
        for index, frame in enumerate(pictures):
            if stream is None:
                stream = container.add_stream("ffv1", rate=frames_per_s)
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
                stream.codec_context.color_range = 2
            picture = av.VideoFrame(frame.width, frame.height, "yuv420p")
            picture.color_range = 2
            for plane, values in zip(picture.planes, (frame.y, frame.u, frame.v), strict=True):
                padded = np.zeros((plane.height, plane.line_size), np.uint8)
                padded[:, : plane.width] = values
                plane.update(padded.tobytes())
            picture.pts = index
            for packet in stream.encode(picture):
                container.mux(packet)
        if stream is not None:
            for packet in stream.encode(None):
                container.mux(packet)
    return path


def trace(
    path: Path, bpm: float = 72.0, seconds: float = 40, hz: float = 30, header: str = "t_s,r,g,b"
) -> Path:
    random = np.random.default_rng(2)
    times = np.arange(round(seconds * hz)) / hz
    beat = 0.004 * np.sin(2 * np.pi * bpm / 60 * times)
    colours = SKIN * (1 + BLOOD * beat[:, None]) + random.normal(0, 0.1, (len(times), 3))
    unit = 1.0 if header.startswith("t_s") else 1000.0
    rows = [f"{t * unit:.4f},{r:.4f},{g:.4f},{b:.4f}" for t, (r, g, b) in zip(times, colours, strict=True)]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path
