"""The file behind a recorded camera: opened with FFmpeg and asked what it says of itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stillroom.errors import InputError, SetupError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_RATE_IF_UNKNOWN_HZ = 30.0
_FASTEST_HZ = 240.0
_ENOUGH_FRAMES, _ENOUGH_TIME = 0.98, 0.9


@dataclass(frozen=True, slots=True)
class Probe:
    """What a recording's container says of it, without decoding. None where it does not say."""

    width_px: int
    height_px: int
    frames_per_s: float
    duration_s: float | None
    frames: int | None
    codec: str
    pixel_format: str

    def missing(self, frames: int, reached_s: float) -> str | None:
        """What a recording that gave so many frames, up to so late, lacks; None where it is whole, or nobody knows.

        A little is allowed for: containers count badly, and a codec may hold back its last pictures.
        """
        if self.frames is not None:
            short = frames < self.frames * _ENOUGH_FRAMES - 1
            return f"after {frames} of {self.frames} frames" if short else None
        if self.duration_s is not None and reached_s < self.duration_s * _ENOUGH_TIME - 2 / self.frames_per_s:
            return f"after {reached_s:.1f} of {self.duration_s:.1f} s"
        return None


def probe(path: Path) -> Probe:
    """What is known of a recording. Raises InputError: missing, not a video, no video stream."""
    with opened(path, 1) as (container, stream):
        return probed(container, stream)


@contextmanager
def opened(path: Path, threads: int) -> Iterator[tuple["InputContainer", "VideoStream"]]:
    """The container and its first video stream. Files only: a playlist cannot make it fetch anything."""
    try:
        import av
    except ImportError:
        raise SetupError("recordings need PyAV: pip install 'stillroom[tools]'") from None
    av.logging.set_level(None)
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if not path.is_file():
        raise InputError(f"{path}: not a file: name a video file")
    try:
        container = av.open(str(path.absolute()), options={"protocol_whitelist": "file"})
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{path}: not a video that FFmpeg reads ({_reason(error)})") from None
    with container:
        if not container.streams.video:
            raise InputError(f"{path}: holds no video stream: name a file with a picture")
        stream = container.streams.video[0]
        try:
            stream.codec_context.thread_count = threads
        except AttributeError:
            raise InputError(f"{path}: no decoder for its video: convert it to H.264") from None
        yield container, stream


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split())[:80]


def probed(container: "InputContainer", stream: "VideoStream") -> Probe:
    """The same of an open file."""
    context = stream.codec_context
    duration_s = None
    if stream.duration and stream.time_base:
        duration_s = float(stream.duration * stream.time_base)
    elif container.duration and container.duration > 0 and len(container.streams) == 1:
        duration_s = container.duration / 1_000_000
    return Probe(
        width_px=context.width,
        height_px=context.height,
        frames_per_s=_rate_hz(stream),
        duration_s=duration_s,
        frames=stream.frames or None,
        codec=context.name,
        pixel_format=context.pix_fmt or "",
    )


def _rate_hz(stream: "VideoStream") -> float:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0.1 <= float(rate) <= _FASTEST_HZ:
            return float(rate)
    return _RATE_IF_UNKNOWN_HZ
