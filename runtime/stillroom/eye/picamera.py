"""picamera2 on one camera: open, configure once, start, borrow a frame, let go. The one file that imports it, lazily.

One stream, `main`, in YUV420 (or NV12) of exactly the size asked for: libcamera adjusts silently, so format, size and
row length are read back, and another format or size is refused (private zones belong to one view). A frame is looked
at where the camera put it: nothing is copied in Python.
"""

import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from stillroom.config import CameraConfig
from stillroom.errors import CameraError
from stillroom.eye.frame import Plane
from stillroom.eye.picamera_settings import FORMATS, Controls, Profile, possible, told, wanted
from stillroom.link import Setting

BUFFERS = 4
"""Of 640x480: 1.8 MB of the contiguous memory that a Pi has little of; three leave none while one is looked at."""
LET_GO_S = 3.0
ADVICE = "check its cable and `rpicam-hello --list-cameras`"


class Stalled(Exception):
    """The camera gave no usable frame; opening it again may help."""


class Device:
    """One opened picamera2. Everything that it raises becomes CameraError or Stalled, in one line."""

    def __init__(self, config: CameraConfig, number: int) -> None:
        """Open and configure once (memory for buffers is scarce). Raises CameraError."""
        self._number = number
        self._size = config.width_px, config.height_px
        self._library, self._libcamera = _import()
        tuning, self._tuned = self._tuning()
        self._camera = self._attempt(
            "cannot be opened", lambda: self._library.Picamera2(number, tuning=tuning)
        )
        self._given: Controls = {}
        self._wishes: Controls = {}
        try:
            self._attempt("cannot be configured", self._configure)
            self._layout = self._read_back()
        except CameraError:
            self.let_go()
            raise

    @property
    def model(self) -> str:
        """The sensor's name, such as `imx708_wide_noir`; empty where libcamera has none."""
        return str(self._camera.camera_properties.get("Model", ""))

    @property
    def most_gain(self) -> float | None:
        """The highest analogue gain that the camera offers."""
        limits = self._camera.camera_controls.get("AnalogueGain")
        return float(limits[1]) if limits and limits[1] else None

    def run(self, profile: Profile, mains_hz: int) -> None:
        """Start with a profile, or change to it while running."""
        self._wishes = wanted(profile, mains_hz)
        self._given = possible(self._wishes, self._camera.camera_controls)
        self._attempt("refuses its controls", lambda: self._camera.set_controls(self._given))
        if not self._camera.started:
            self._attempt("cannot be started", lambda: self._camera.start(show_preview=False))

    def borrow(self, within_s: float) -> "Borrowed":
        """The next frame, for a `with` block. Entering it raises Stalled after `within_s`."""
        return Borrowed(self._camera, self._library.MappedArray, self._planes, within_s)

    def told(self, seen: Controls) -> tuple[Setting, ...]:
        """Each setting as asked and as it came out."""
        crop = self._camera.camera_properties.get("ScalerCropMaximum")
        more = {"ScalerCrop": (crop, seen["ScalerCrop"])} if crop and "ScalerCrop" in seen else {}
        return told(self._wishes, self._given, {**self._configured, **more}, seen)

    def let_go(self) -> None:
        """Close, in a thread: a camera that was unplugged may never answer. Raises CameraError then."""
        camera = self._camera
        closing = threading.Thread(target=_close, args=(camera,), name="camera-close", daemon=True)
        closing.start()
        closing.join(LET_GO_S)
        if closing.is_alive():
            raise CameraError(f"camera {self._number}: does not let go; {ADVICE}")

    def _tuning(self) -> tuple[Any, str]:
        """The camera's tuning without contrast that follows the picture, and with lens shading that stays as it is."""
        cameras = self._attempt("cannot be listed", self._library.Picamera2.global_camera_info)
        if self._number >= len(cameras):
            found = f"there is number 0 to {len(cameras) - 1}" if cameras else "no camera was found"
            raise CameraError(f"camera {self._number}: {found}; {ADVICE}")
        try:
            tuning = self._library.Picamera2.load_tuning_file(
                f"{cameras[self._number].get('Model', '')}.json"
            )
            self._library.Picamera2.find_tuning_algo(tuning, "rpi.contrast")["ce_enable"] = 0
            self._library.Picamera2.find_tuning_algo(tuning, "rpi.alsc")["n_iter"] = 0
        except (RuntimeError, OSError, KeyError, StopIteration, ValueError):
            return None, "not offered"
        return tuning, "fixed"

    def _configure(self) -> None:
        camera = self._camera
        array = camera.camera_properties.get("PixelArraySize")
        # The full field, binned: half of the sensor's pixels each way. picamera2 takes the mode nearest to it.
        sensor = {"output_size": (array[0] // 2, array[1] // 2)} if array else {}
        wish = camera.create_video_configuration(
            main={"size": self._size, "format": FORMATS[0]},
            raw=None,
            colour_space=self._libcamera.ColorSpace.Sycc(),
            buffer_count=BUFFERS,
            queue=True,
            sensor=sensor,
            display=None,
            encode=None,
        )
        wish["controls"] = {}
        camera.configure(wish)

    def _read_back(self) -> tuple[str, int]:
        """Format and row length. Raises CameraError where the camera gives what was not asked for."""
        got = self._camera.camera_configuration()
        main, sensor = got["main"], got.get("sensor") or {}
        if main["format"] not in FORMATS:
            allowed = " or ".join(FORMATS)
            raise CameraError(
                f"camera {self._number}: gives format {main['format']}; only {allowed} can be read"
            )
        if tuple(main["size"]) != self._size:
            (width, height), asked = main["size"], f"{self._size[0]}x{self._size[1]}"
            raise CameraError(
                f"camera {self._number}: gives {width}x{height} where {asked} was asked for; "
                "set camera.width_px and camera.height_px to a size that it has"
            )
        self._configured = {
            "format": (FORMATS[0], main["format"]),
            "size": (self._size, main["size"]),
            "stride": (main["stride"], main["stride"]),
            "colour": ("sYCC", str(got.get("colour_space"))),
            "sensor": (sensor.get("output_size", "-"), sensor.get("output_size", "-")),
            "tuning": ("fixed", self._tuned),
        }
        return main["format"], int(main["stride"])

    def _planes(self, flat: Plane) -> tuple[Plane, Plane, Plane]:
        """Y, U and V as views into the camera's bytes; nothing is copied."""
        (width, height), (layout, stride) = self._size, self._layout
        luma = stride * height
        if flat.ndim != 1 or flat.size < luma + luma // 2:
            raise CameraError(
                f"camera {self._number}: a frame of {flat.size} bytes, {luma + luma // 2} expected"
            )
        y = flat[:luma].reshape(height, stride)[:, :width]
        chroma = flat[luma : luma + luma // 2]
        if layout == "NV12":
            both = chroma.reshape(height // 2, stride)[:, :width]
            return y, both[:, ::2], both[:, 1::2]
        u, v = chroma.reshape(2, height // 2, stride // 2)[:, :, : width // 2]
        return y, u, v

    def _attempt(self, what: str, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except (RuntimeError, OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise CameraError(f"camera {self._number}: {what}: {_reason(error)}; {ADVICE}") from None


class Borrowed:
    """One frame of the camera, given back at the end of the `with` block whatever happens in it. `seen`: metadata."""

    def __init__(self, camera: Any, mapped: Any, layout: Callable[[Plane], Any], within_s: float) -> None:
        self._camera, self._mapped, self._layout, self._within_s = camera, mapped, layout, within_s
        self._view: Any = None
        self.seen: Controls = {}

    def __enter__(self) -> "Borrowed":
        job = self._camera.capture_request(wait=False)
        try:
            self._request = self._camera.wait(job, timeout=self._within_s)
        except Exception as error:
            self._camera.cancel_all_and_flush()
            late = f"no frame for {self._within_s:g} s"
            raise Stalled(late if isinstance(error, TimeoutError) else _reason(error)) from None
        try:
            self.seen = self._request.get_metadata()
            self._view = self._mapped(self._request, "main", reshape=False, write=False)
            self._view.__enter__()
        except (RuntimeError, OSError, ValueError) as error:
            self._view = None
            self._request.release()
            raise Stalled(_reason(error)) from None
        return self

    def planes(self) -> tuple[Plane, Plane, Plane]:
        """Y, U and V where they lie. Raises CameraError for a frame that is too short."""
        planes: tuple[Plane, Plane, Plane] = self._layout(self._view.array)
        return planes

    def __exit__(self, *_: object) -> None:
        self._view.__exit__(None, None, None)
        self._request.release()


def _import() -> tuple[Any, Any]:
    os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:ERROR")
    try:
        import libcamera  # type: ignore[import-not-found]  # on a Pi, from the system's packages
        import picamera2  # type: ignore[import-not-found]
    except ImportError as error:
        raise CameraError(
            f"picamera2 is not installed ({error.name or error}): apt-get install python3-picamera2, "
            "and make the environment with --system-site-packages"
        ) from None
    logging.getLogger("picamera2").setLevel(logging.CRITICAL)  # what it says is said once, by us
    return picamera2, libcamera


def _close(camera: Any) -> None:
    try:
        camera.cancel_all_and_flush()
        camera.close()
    except Exception as error:
        print(f"eye: camera: closing: {_reason(error)}", file=sys.stderr, flush=True)


def _reason(error: BaseException) -> str:
    """The first cause of an error, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())[:120] or type(error).__name__
