"""A recording as a camera: any video file that FFmpeg reads, through PyAV.

Time is the container's. Where it does not rise, a frame is put half a period after the one before; where it goes back
by more than a second, the rest is moved along: `times_repaired` counts both. Damaged packets and pictures are left out
and counted. A file that ends well before its container says gives all that can be read, then raises InputError.
`width_px`, `height_px` and `frames_per_s` of the configuration do not matter here: the recording has its own.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stillroom.clock import NS_PER_S
from stillroom.config import CameraConfig
from stillroom.errors import ConfigError, InputError, SetupError
from stillroom.eye.frame import Frame
from stillroom_tools.lab.recorded_planes import PlaneReader, even_size

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

MIN_SIDE_PX = 16
_RATE_IF_UNKNOWN_HZ = 30.0
_FASTEST_HZ = 240.0
_RESTART_NS = NS_PER_S
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


def open_camera(config: CameraConfig, folder: Path) -> "RecordedCamera":
    """The camera that `unit.toml` asks for. Raises ConfigError: no file named; InputError: see RecordedCamera."""
    if not config.source:
        raise ConfigError("key 'camera.source' is empty: name a video file")
    return RecordedCamera(folder / config.source, loop=config.loop, real_time=config.speed == "real")


def probe(path: Path) -> Probe:
    """What is known of a recording. Raises InputError: missing, not a video, no video stream."""
    with _opened(path, 1) as (container, stream):
        return _probed(container, stream)


class RecordedCamera:
    """A video file. Implements `stillroom.eye.frame.Camera`."""

    kind = "recorded"

    def __init__(self, path: Path, *, loop: bool = False, real_time: bool = False, threads: int = 1) -> None:
        """Raises InputError where the file is missing, is no video, is too small or holds no frame.

        threads: of the decoder; each costs memory, so a unit has one.
        """
        self._path, self._loop, self._real_time, self._threads = path, loop, real_time, threads
        self._closed = False
        self.times_repaired = 0
        self.frames_damaged = 0
        self.frames_dropped = 0
        with _opened(path, threads) as (container, stream):
            self.probe = _probed(container, stream)
            first = next(self._pictures(container, stream), None)
            if first is None:
                raise InputError(f"{path}: holds no frame that can be decoded: record or copy it again")
            self._decoded = first.width, first.height
        self.frames_damaged = 0
        self.width, self.height = even_size(*self._decoded)
        self.frames_per_s = self.probe.frames_per_s
        self._period_ns = round(NS_PER_S / self.frames_per_s)
        if min(self.width, self.height) < MIN_SIDE_PX:
            size = f"{self._decoded[0]}x{self._decoded[1]}"
            raise InputError(
                f"{path}: its picture is {size}: at least {MIN_SIDE_PX}x{MIN_SIDE_PX} px are needed"
            )

    def frames(self) -> Iterator[Frame]:
        """Frames from the beginning. Raises InputError: the size changes midway, the file is gone or ends early."""
        began_ns = time.monotonic_ns()
        start_ns = 0
        while not self._closed:
            last_ns = start_ns
            for frame in self._once(start_ns):
                last_ns = frame.frame_ns
                if self._closed:
                    return
                if self._real_time and not self._in_time(frame.frame_ns, began_ns):
                    self.frames_dropped += 1
                    continue
                yield frame
            if not self._loop:
                return
            start_ns = last_ns + self._period_ns

    def close(self) -> None:
        """The next frame asked for is the end."""
        self._closed = True

    def _once(self, start_ns: int) -> Iterator[Frame]:
        """Every frame of the file, its time counted from `start_ns`."""
        reader = PlaneReader(*self._decoded)
        timeline = _Timeline(start_ns, self._period_ns)
        count, reached_ns = 0, 0
        with _opened(self._path, self._threads) as (container, stream):
            for picture in self._pictures(container, stream):
                self._check_size(picture, count)
                time_ns = _time_ns(picture)
                frame_ns = timeline.place(time_ns)
                # the container counts its length from the first frame or from nought
                reached_ns = max(reached_ns, frame_ns - start_ns, time_ns or 0)
                y, u, v = reader.read(picture)
                count += 1
                yield Frame(y, u, v, frame_ns)
        self.times_repaired += timeline.repaired
        missing = self.probe.missing(count, reached_ns / NS_PER_S)
        if missing:
            raise InputError(f"{self._path}: ends {missing}: the file is cut short; copy it again")

    def _pictures(self, container: "InputContainer", stream: "VideoStream") -> Iterator["VideoFrame"]:
        """What can be decoded; what cannot is counted."""
        import av

        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError):
                self.frames_damaged += 1
                return
            if packet is None:
                return
            try:
                pictures = packet.decode()
            except (av.FFmpegError, ValueError):
                self.frames_damaged += 1
                continue
            for picture in pictures:
                if picture.is_corrupt:
                    self.frames_damaged += 1
                else:
                    yield picture

    def _check_size(self, picture: "VideoFrame", count: int) -> None:
        if (picture.width, picture.height) != self._decoded:
            before, now = (f"{w}x{h}" for w, h in (self._decoded, (picture.width, picture.height)))
            raise InputError(
                f"{self._path}: the picture goes from {before} to {now} at frame {count}: cut it there"
            )

    def _in_time(self, frame_ns: int, began_ns: int) -> bool:
        """Wait until the frame is due; False where it is late by more than a period, as a camera would drop it."""
        late_ns = time.monotonic_ns() - began_ns - frame_ns
        if late_ns < 0:
            time.sleep(-late_ns / NS_PER_S)
        return late_ns <= self._period_ns


class _Timeline:
    """A container's times as times that rise strictly, from a given start."""

    def __init__(self, start_ns: int, period_ns: int) -> None:
        self.repaired = 0
        self._start_ns, self._period_ns = start_ns, period_ns
        self._shift_ns: int | None = None
        self._last_ns = start_ns - period_ns

    def place(self, time_ns: int | None) -> int:
        """The frame's time, given the container's (None where it has none)."""
        if time_ns is None:
            placed_ns = self._last_ns + self._period_ns
        else:
            if self._shift_ns is None:
                self._shift_ns = self._start_ns - time_ns
            placed_ns = time_ns + self._shift_ns
            if placed_ns < self._last_ns - _RESTART_NS:
                self._shift_ns += self._last_ns + self._period_ns - placed_ns
        if placed_ns <= self._last_ns:
            restarted = placed_ns < self._last_ns - _RESTART_NS
            placed_ns = self._last_ns + (self._period_ns if restarted else self._period_ns // 2)
            self.repaired += 1
        self._last_ns = placed_ns
        return placed_ns


@contextmanager
def _opened(path: Path, threads: int) -> Iterator[tuple["InputContainer", "VideoStream"]]:
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


def _probed(container: "InputContainer", stream: "VideoStream") -> Probe:
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


def _time_ns(picture: "VideoFrame") -> int | None:
    if picture.pts is None or picture.time_base is None:
        return None
    base = picture.time_base
    return picture.pts * base.numerator * NS_PER_S // base.denominator
