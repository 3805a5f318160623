"""A recording as a camera: any video file that FFmpeg reads, through PyAV.

Time is the container's. Where it does not rise, a frame is put half a period after the one before; where it goes back
by more than a second, the rest is moved along: `times_repaired` counts both. Damaged packets and pictures are left out
and counted. A file that ends well before its container says gives all that can be read, then raises InputError.
`width_px`, `height_px` and `frames_per_s` of the configuration do not matter here: the recording has its own.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stillroom.clock import NS_PER_S
from stillroom.config import CameraConfig
from stillroom.errors import ConfigError, InputError
from stillroom.eye.frame import Frame
from stillroom_tools.lab.recorded_file import Probe, opened, probe, probed
from stillroom_tools.lab.recorded_planes import PlaneReader, even_size

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

__all__ = ["Probe", "RecordedCamera", "open_camera", "probe"]

MIN_SIDE_PX = 16
_RESTART_NS = NS_PER_S


def open_camera(config: CameraConfig, folder: Path) -> "RecordedCamera":
    """The camera that `unit.toml` asks for. Raises ConfigError: no file named; InputError: see RecordedCamera."""
    if not config.source:
        raise ConfigError("key 'camera.source' is empty: name a video file")
    return RecordedCamera(folder / config.source, loop=config.loop, real_time=config.speed == "real")


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
        with opened(path, threads) as (container, stream):
            self.probe = probed(container, stream)
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
        with opened(self._path, self._threads) as (container, stream):
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


def _time_ns(picture: "VideoFrame") -> int | None:
    if picture.pts is None or picture.time_base is None:
        return None
    base = picture.time_base
    return picture.pts * base.numerator * NS_PER_S // base.denominator
