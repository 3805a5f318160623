"""The unit's own camera as the eye uses it: frames as long as there are any, and what to do when there are none.

A camera that stalls is closed and opened again, a few times with growing waits; then the eye ends, and whoever
started it starts another. A frame whose time does not rise is passed over; many in a row are a camera that failed.
"""

import sys
import time
from collections.abc import Generator, Iterator, Sequence

from stillroom.config import CameraConfig
from stillroom.errors import CameraError, ConfigError
from stillroom.eye.frame import Frame, Imaging
from stillroom.eye.picamera import ADVICE, Device, Stalled
from stillroom.eye.picamera_settings import Controls, Daylight, profiles, report
from stillroom.link import CameraSettings

STALL_S = 2.0
"""The keeper calls a camera silent after as long."""
REOPEN_WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0)
GOOD_AFTER_S = 20.0
"""A camera that ran so long has earned its waits anew."""
NOT_RISING = 30
"""Frames in a row."""


def open_camera(config: CameraConfig) -> "PiCamera":
    """Open and start. Raises ConfigError for a source that is no number, CameraError for everything else."""
    if config.source and not config.source.isdecimal():
        raise ConfigError(
            f"key 'camera.source' = '{config.source}': for picamera2 empty, or a camera's number"
        )
    return PiCamera(config)


class PiCamera:
    """A libcamera camera. Implements `stillroom.eye.frame.Camera`."""

    kind = "picamera2"

    def __init__(
        self, config: CameraConfig, stall_s: float = STALL_S, waits_s: Sequence[float] = REOPEN_WAITS_S
    ) -> None:
        self.width, self.height, self.frames_per_s = config.width_px, config.height_px, config.frames_per_s
        self._config, self._stall_s, self._waits_s = config, stall_s, waits_s
        self._number = int(config.source or 0)
        self._last_ns, self._not_rising = -1, 0
        self._closed = False
        self._opened = 1
        self._news: CameraSettings | None = None
        self._gain: float | None = None
        self._device = Device(config, self._number)

    def frames(self) -> Iterator[Frame]:
        """Frames until `close`; see `Camera`. Raises CameraError where opening again does not help."""
        tries = 0
        while True:
            began_s = time.monotonic()
            why = yield from self._until_it_stalls()
            if self._closed:
                return
            if time.monotonic() - began_s > GOOD_AFTER_S:
                tries = 0
            print(f"eye: camera {self._number}: {why}; opening it again", file=sys.stderr, flush=True)
            tries = self._reopen(why, tries)

    def news(self) -> CameraSettings | None:
        """Settings not told yet, once; None where nothing has changed."""
        news, self._news = self._news, None
        return news

    def imaging(self) -> Imaging:
        """The sensor's name, and the gain of the last frame."""
        return Imaging(self._device.model, self._gain)

    def close(self) -> None:
        """Give the camera back. May be called twice."""
        if not self._closed:
            self._closed = True
            self._device.let_go()

    def _until_it_stalls(self) -> Generator[Frame, None, str]:
        """Frames of one opening of the camera; returns why there are no more."""
        profile = profiles(self.frames_per_s)
        daylight = Daylight(profile["day"], self._device.most_gain)
        self._device.run(profile["day"], self._config.mains_hz)
        first = True
        try:
            while not self._closed:
                with self._device.borrow(self._stall_s) as borrowed:
                    frame_ns = self._rising(borrowed.seen)
                    if frame_ns is None:
                        continue
                    gain = borrowed.seen.get("AnalogueGain")
                    self._gain = float(gain) if isinstance(gain, int | float) else None
                    if daylight.feed(borrowed.seen, frame_ns):
                        self._device.run(profile[daylight.now], self._config.mains_hz)
                        first = True
                    elif first:
                        told = self._device.told(borrowed.seen)
                        self._news, first = report(profile[daylight.now], self._opened, told), False
                    # No name here holds the planes: memory that is still looked at cannot be unmapped.
                    yield Frame(*borrowed.planes(), frame_ns)
        except Stalled as stalled:
            return str(stalled)
        return "closed"

    def _rising(self, seen: Controls) -> int | None:
        """The frame's time, where it is later than the one before."""
        frame_ns = seen.get("SensorTimestamp")
        if not isinstance(frame_ns, int) or frame_ns < 0:
            raise CameraError(f"camera {self._number}: its frames have no SensorTimestamp; {ADVICE}")
        if frame_ns <= self._last_ns:
            self._not_rising += 1
            if self._not_rising >= NOT_RISING:
                raise CameraError(
                    f"camera {self._number}: the times of its frames repeat or go back; {ADVICE}"
                )
            return None
        self._last_ns, self._not_rising = frame_ns, 0
        return frame_ns

    def _reopen(self, why: str, tries: int) -> int:
        """Open again; says how many of the waits have been used up."""
        self._device.let_go()
        last = ""
        for number, wait_s in enumerate(self._waits_s[tries:], tries + 1):
            time.sleep(wait_s)
            try:
                self._device = Device(self._config, self._number)
            except CameraError as error:
                last = f" ({error})"
                continue
            self._opened += 1
            return number
        raise CameraError(f"camera {self._number}: {why}, and opening it again did not help{last}"[:230])
