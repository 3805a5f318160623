"""A library with picamera2's contract and no camera: what `test_picamera_contract.py` says of the real one holds here.

`install(monkeypatch, Hardware(...))` puts it where `import picamera2` finds it. Failures are switches of `Hardware`.
"""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest


@dataclass
class Hardware:
    """What is plugged in, and how it behaves."""

    sizes: tuple[tuple[int, int], ...] = ((640, 480), (320, 240))
    formats: tuple[str, ...] = ("YUV420", "NV12")
    row_bytes: Callable[[int], int] = lambda width: -(-width // 64) * 64
    controls: dict[str, tuple[Any, Any, Any]] = field(default_factory=lambda: dict(PI_CONTROLS))
    properties: dict[str, Any] = field(default_factory=lambda: {"PixelArraySize": (3280, 2464)})
    tuning: dict[str, Any] | None = None
    colour: str = "sYCC"
    present: bool = True
    busy: bool = False
    frames_left: float = float("inf")
    """After so many it stalls."""
    times_ns: Callable[[int], int] = lambda number: 1_000_000_000 + number * 33_333_333
    metadata: dict[str, Any] = field(default_factory=dict)
    close_hangs: bool = False
    # what was done with it
    opened: int = 0
    released: int = 0
    sent: int = 0
    asked: dict[str, Any] = field(default_factory=dict)
    buffers: list[np.ndarray] = field(default_factory=list)


PI_CONTROLS: dict[str, tuple[Any, Any, Any]] = {
    "FrameDurationLimits": (16_000, 10_000_000, 33_333),
    "NoiseReductionMode": (0, 4, 0),
    "AeFlickerMode": (0, 1, 0),
    "AeFlickerPeriod": (100, 1_000_000, None),
    "AfMode": (0, 2, 0),
    "LensPosition": (0.0, 32.0, 1.0),
    "AnalogueGain": (1.0, 16.0, None),
}


def install(monkeypatch: pytest.MonkeyPatch, hardware: Hardware) -> Hardware:
    """`import picamera2, libcamera` finds this from now on."""
    colours = SimpleNamespace(Sycc=lambda: "sYCC")
    monkeypatch.setitem(sys.modules, "libcamera", SimpleNamespace(ColorSpace=colours))
    bound = type("Picamera2", (_Picamera2,), {"hardware": hardware})
    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=bound, MappedArray=_MappedArray))
    return hardware


class _Picamera2:
    hardware: Hardware

    def __init__(self, camera_num: int = 0, tuning: Any = None) -> None:
        hardware = self.hardware
        self.started = False
        if camera_num >= len(self.global_camera_info()):
            raise RuntimeError(f"No camera number {camera_num} found")
        if hardware.busy:
            cause = RuntimeError("Failed to acquire camera: Device or resource busy")
            raise RuntimeError("Camera __init__ sequence did not complete.") from cause
        hardware.busy = True
        hardware.opened += 1
        hardware.asked["tuning"] = tuning
        self.camera_controls = dict(hardware.controls)
        self.camera_properties = dict(hardware.properties)
        self._configuration: dict[str, Any] = {}
        self._free = 0
        self._jobs: list[Future[Any]] = []

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return [{"Model": "fake", "Id": "/base/fake", "Num": 0}] if cls.hardware.present else []

    @classmethod
    def load_tuning_file(cls, name: str) -> dict[str, Any]:
        if cls.hardware.tuning is None:
            raise RuntimeError("Tuning file not found")
        return cls.hardware.tuning

    @staticmethod
    def find_tuning_algo(tuning: dict[str, Any], name: str) -> dict[str, Any]:
        return next(algo for algo in tuning["algorithms"] if name in algo)[name]

    def create_video_configuration(self, **wish: Any) -> dict[str, Any]:
        return wish

    def configure(self, wish: dict[str, Any]) -> None:
        main, hardware = dict(wish["main"]), self.hardware
        if main["format"] not in hardware.formats:
            main["format"] = hardware.formats[0]
        if main["size"] not in hardware.sizes:
            main["size"] = min(hardware.sizes, key=lambda size: abs(size[0] - main["size"][0]))
        width, height = main["size"]
        main["stride"] = hardware.row_bytes(width)
        main["framesize"] = main["stride"] * height * 3 // 2
        self._configuration = {**wish, "main": main, "colour_space": hardware.colour}
        hardware.asked["configuration"] = wish
        hardware.buffers[:] = [np.zeros(main["framesize"], np.uint8) for _ in range(wish["buffer_count"])]
        self._free = wish["buffer_count"]

    def camera_configuration(self) -> dict[str, Any]:
        return self._configuration

    def set_controls(self, controls: dict[str, Any]) -> None:
        for name in controls:
            if name not in self.camera_controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
        self.hardware.asked.setdefault("controls", []).append(dict(controls))

    def start(self, show_preview: bool = False) -> None:
        if not self.hardware.present:
            raise RuntimeError("Failed to start camera: No such device")
        self.started = True

    def capture_request(self, wait: bool | None = None) -> Any:
        assert wait is False, "the adapter never waits without an end"
        job: Future[Any] = Future()
        self._jobs.append(job)
        self._serve()
        return job

    def wait(self, job: Any, timeout: float | None = None) -> Any:
        return job.result(timeout=timeout)

    def cancel_all_and_flush(self) -> None:
        for job in self._jobs:
            if not job.done():
                job.cancel()
        self._jobs.clear()

    def close(self) -> None:
        if self.hardware.close_hangs:
            threading.Event().wait()
        self.started = self.hardware.busy = False

    def give_back(self) -> None:
        self.hardware.released += 1
        self._free += 1
        self._serve()

    def _serve(self) -> None:
        hardware = self.hardware
        while self._jobs and self._free and self.started and hardware.present and hardware.frames_left > 0:
            hardware.frames_left -= 1
            self._free -= 1
            buffer = hardware.buffers[hardware.sent % len(hardware.buffers)]
            request = _Request(self, buffer, hardware.times_ns(hardware.sent))
            hardware.sent += 1
            self._jobs.pop(0).set_result(request)


class _Request:
    def __init__(self, camera: _Picamera2, buffer: np.ndarray, at_ns: int) -> None:
        self._camera, self.buffer, self._at_ns = camera, buffer, at_ns
        self._released = False

    def get_metadata(self) -> dict[str, Any]:
        limits = self._camera.hardware.asked["controls"][-1].get("FrameDurationLimits", (33_333, 33_333))
        return {"SensorTimestamp": self._at_ns, "FrameDuration": limits[0], **self._camera.hardware.metadata}

    def release(self) -> None:
        assert not self._released, "released twice"
        self._released = True
        self._camera.give_back()


class _MappedArray:
    def __init__(self, request: _Request, stream: str, reshape: bool = True, write: bool = True) -> None:
        assert stream == "main" and not reshape
        self._request, self._write = request, write
        self.array: Any = None

    def __enter__(self) -> "_MappedArray":
        self.array = self._request.buffer[:]
        self.array.flags.writeable = self._write
        return self

    def __exit__(self, *_: object) -> None:
        self.array = None


def soon(is_so: Callable[[], bool], within_s: float = 5.0) -> bool:
    """Whether it comes to be so."""
    until_s = time.monotonic() + within_s
    while not is_so() and time.monotonic() < until_s:
        time.sleep(0.005)
    return is_so()
