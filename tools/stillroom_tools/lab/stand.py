"""A camera that looks at a test stand: a grey wall, a chart with a slanted edge, cloth that breathes, skin that beats.

What is known of the stand is a phantom's file, the same that `stillroom selftest --phantom` is given; what is wrong
with the camera is a file of its own (`camera.cues`), so that every check of a self-test can be made to fail. A frame is
a function of both, the seed and its number. Skin and cloth are no evidence about people.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from stillroom.clock import NS_PER_S
from stillroom.config import CameraConfig, convert, read_toml
from stillroom.errors import CameraError, ConfigError
from stillroom.eye.frame import Frame, Imaging
from stillroom.phantom import Phantom, load_phantom
from stillroom_tools.lab.scene_random import mixed, unit

Plane = NDArray[np.float32]

CLOTH = (0.30, 0.50, 0.75, 0.88)
SKIN = (0.40, 0.12, 0.65, 0.44)
"""Left, top, right, bottom, in shares of the picture."""
BREATH_PX, BEAT_SHARE = 0.5, 0.006
CHART_DEG, CHART_DARK, CHART_BRIGHT = 8.0, 55.0, 190.0
BANK = 8


class Faults(Struct, frozen=True, forbid_unknown_fields=True):
    """What the camera does wrong; the defaults are a good one."""

    name: Annotated[str, Meta(max_length=32)] = "imx708"
    absent: bool = False
    silent_after: Annotated[int, Meta(ge=0, le=10**9)] = 10**9
    """Frames."""
    frozen: bool = False
    blur_px: Annotated[float, Meta(ge=0.3, le=20.0)] = 0.8
    """Standard deviation."""
    light: Annotated[float, Meta(ge=0.0, le=10.0)] = 1.0
    """Times that of a good stand."""
    lamp: bool = True
    """The infrared light shines."""
    noise: Annotated[float, Meta(ge=0.0, le=30.0)] = 1.0
    """Counts, standard deviation."""
    gain: Annotated[float, Meta(ge=1.0, le=64.0)] | None = 2.0
    pace: Annotated[float, Meta(ge=0.1, le=2.0)] = 1.0
    """Times what was asked for."""
    dropped: Annotated[float, Meta(ge=0.0, le=0.9)] = 0.0
    jitter_ms: Annotated[float, Meta(ge=0.0, le=15.0)] = 0.0
    """At most, early or late."""
    drift_ppm: Annotated[float, Meta(ge=-50_000.0, le=50_000.0)] = 0.0
    """By which the pace has changed after an hour."""
    first_after_s: Annotated[float, Meta(ge=0.0, le=60.0)] = 0.0
    breath_off: Annotated[float, Meta(ge=0.0, le=10.0)] = 1.0
    beat_off: Annotated[float, Meta(ge=0.0, le=10.0)] = 1.0
    """Times the rate that the phantom's file says."""
    leak_mb_per_s: Annotated[float, Meta(ge=0.0, le=100.0)] = 0.0
    """Of the camera's own time, that this process keeps."""


def open_camera(config: CameraConfig, folder: Path) -> "StandCamera":
    """`camera.source`: the phantom's file; `camera.cues`: what is wrong. Raises ConfigError, CameraError."""
    if not config.source:
        raise ConfigError(
            "key 'camera.source' is empty: name the file that describes the phantom of the stand"
        )
    faults = Faults()
    if config.cues:
        path = folder / config.cues
        faults = convert(path, read_toml(path), Faults)
    if faults.absent:
        raise CameraError("camera 0: no camera was found; check its cable and `rpicam-hello --list-cameras`")
    return StandCamera(config, load_phantom(folder / config.source), faults)


class StandCamera:
    """Implements `stillroom.eye.frame.Camera`."""

    kind = "stand"

    def __init__(self, config: CameraConfig, phantom: Phantom, faults: Faults) -> None:
        self.width, self.height, self.frames_per_s = config.width_px, config.height_px, config.frames_per_s
        self._phantom, self._faults, self._seed = phantom, faults, config.seed
        self._real_time = config.speed == "real"
        self._wall = _wall(self.width, self.height, config.seed)
        if phantom.edge is not None:
            _chart(self._wall, phantom.edge, faults.blur_px)
        self._slope = np.gradient(self._wall, axis=0)
        random = np.random.default_rng(config.seed)
        shape = (BANK, self.height + 16, self.width + 16)
        self._noise = random.normal(0.0, faults.noise, shape).astype(np.float32)
        self._closed = False
        self._leaked: list[bytes] = []

    def imaging(self) -> Imaging:
        """As the stand's camera says of itself."""
        return Imaging(self._faults.name, self._faults.gain)

    def close(self) -> None:
        """The next frame asked for is the end."""
        self._closed = True

    def frames(self) -> Iterator[Frame]:
        """Frames until `close`."""
        time.sleep(self._faults.first_after_s)
        began_s, number = time.monotonic(), 0
        while not self._closed:
            if number >= self._faults.silent_after:
                time.sleep(0.05)
                continue
            frame_ns = self._stamp_ns(number)
            if self._real_time:
                time.sleep(max(0.0, began_s + frame_ns / NS_PER_S - time.monotonic()))
            if unit(self._seed, number, 1) >= self._faults.dropped:
                yield self._frame(0 if self._faults.frozen else number, frame_ns)
            number += 1

    def _stamp_ns(self, number: int) -> int:
        at_s = number / (self.frames_per_s * self._faults.pace)
        at_s /= 1.0 + self._faults.drift_ppm / 1e6 * at_s / 3600.0
        early_ms = (2.0 * unit(self._seed, number, 2) - 1.0) * self._faults.jitter_ms
        return NS_PER_S + round((at_s + early_ms / 1e3) * NS_PER_S)

    def _frame(self, number: int, frame_ns: int) -> Frame:
        at_s = number / self.frames_per_s
        phantom, faults = self._phantom, self._faults
        y = self._wall.copy()
        u = np.full((self.height // 2, self.width // 2), 128.0, np.float32)
        v = u.copy()
        if phantom.breaths_per_min:
            cloth = _slices(CLOTH, y.shape)
            y[cloth] += self._slope[cloth] * _wave(
                BREATH_PX, phantom.breaths_per_min * faults.breath_off, at_s
            )
        if phantom.pulse_bpm:
            _skin(y, u, v, _wave(BEAT_SHARE, phantom.pulse_bpm * faults.beat_off, at_s), phantom.infrared)
        light = faults.light * (1.0 if faults.lamp or not phantom.infrared else 0.02)
        place = mixed(self._seed, number)
        noise = self._noise[place % BANK, place // 8 % 16 :, place // 128 % 16 :]
        y = y * np.float32(light) + noise[: self.height, : self.width]
        half = noise[: self.height : 2, : self.width : 2] * np.float32(not phantom.infrared)
        self._leak(at_s)
        return Frame(_counts(y), _counts(u + half), _counts(v + half), frame_ns)

    def _leak(self, at_s: float) -> None:
        wanted = int(self._faults.leak_mb_per_s * at_s)
        if wanted > len(self._leaked):
            self._leaked += [b"\1" * 1_000_000 for _ in range(wanted - len(self._leaked))]


def _wall(width: int, height: int, seed: int) -> Plane:
    """Mid grey, with as much of a pattern as a camera needs to be seen to stand still."""
    random = np.random.default_rng(seed)
    rough = random.normal(0.0, 1.0, (height // 4 + 2, width // 4 + 2)).astype(np.float32)
    smooth = np.kron(rough, np.ones((4, 4), np.float32))
    smooth = _blurred(_blurred(smooth, 5).T, 5).T
    return np.asarray(118.0 + 26.0 * smooth[4 : height + 4, 4 : width + 4], np.float32)


def _blurred(plane: Plane, size: int) -> Plane:
    """Means over `size` columns."""
    sums = np.cumsum(
        np.pad(plane, ((0, 0), (size // 2 + 1, size // 2)), mode="edge"), axis=1, dtype=np.float64
    )
    return np.asarray((sums[:, size:] - sums[:, :-size]) / size, np.float32)


def _chart(wall: Plane, edge: tuple[float, float, float, float], blur_px: float) -> None:
    """Paint a slanted edge, as blurred as the lens makes it, where the phantom's file says that it is."""
    from math import cos, erf, radians, sin

    rows, cols = _slices(edge, wall.shape)
    y, x = np.mgrid[rows, cols].astype(np.float64)
    turn = radians(CHART_DEG)
    away = (x - (cols.start + cols.stop) / 2) * cos(turn) - (y - (rows.start + rows.stop) / 2) * sin(turn)
    steps = np.linspace(-40.0, 40.0, 8001)
    profile = np.array([0.5 + 0.5 * erf(step / (2**0.5 * blur_px)) for step in steps])
    wall[rows, cols] = CHART_DARK + (CHART_BRIGHT - CHART_DARK) * np.interp(away, steps, profile)


def _skin(y: Plane, u: Plane, v: Plane, beat: float, infrared: bool) -> None:
    """Skin of 150, 112, 96 in red, green and blue, with the colour of blood; in infrared one grey, as a sensor without
    colours gives it."""
    red, green, blue = (
        (128 * (1 + beat / 2),) * 3
        if infrared
        else (150 * (1 + 0.33 * beat), 112 * (1 + 0.77 * beat), 96 * (1 + 0.53 * beat))
    )
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    y[_slices(SKIN, y.shape)] = luma
    half = _slices(SKIN, u.shape)
    u[half], v[half] = 128 + (blue - luma) / 1.772, 128 + (red - luma) / 1.402


def _slices(box: tuple[float, float, float, float], shape: tuple[int, ...]) -> tuple[slice, slice]:
    return (
        slice(round(box[1] * shape[0]), round(box[3] * shape[0])),
        slice(round(box[0] * shape[1]), round(box[2] * shape[1])),
    )


def _wave(size: float, per_min: float, at_s: float) -> float:
    return size * float(np.sin(2 * np.pi * per_min / 60.0 * at_s))


def _counts(plane: Plane) -> NDArray[np.uint8]:
    return np.clip(np.rint(plane), 0, 255).astype(np.uint8)
