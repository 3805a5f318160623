"""What our adapter relies on in picamera2: holds for our fake of it and, in `test_picamera_real.py`, for the real one.

With STILLROOM_PICAMERA2=real the library is whatever `import picamera2` finds.
"""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.eye.fake_picamera2 import Hardware, install

SIZE = (640, 480)
REAL = os.environ.get("STILLROOM_PICAMERA2") == "real"


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Any:
    if not REAL:
        install(monkeypatch, Hardware(formats=("NV12",)))
    import picamera2

    return picamera2


@pytest.fixture
def camera(library: Any) -> Iterator[Any]:
    found = library.Picamera2(0, tuning=None)
    yield found
    found.cancel_all_and_flush()
    found.close()


def configure(camera: Any, size: tuple[int, int] = SIZE, form: str = "YUV420") -> dict[str, Any]:
    import libcamera

    wish = camera.create_video_configuration(
        main={"size": size, "format": form}, raw=None, colour_space=libcamera.ColorSpace.Sycc(),
        buffer_count=4, queue=True, sensor={}, display=None, encode=None,
    )  # fmt: skip
    wish["controls"] = {}
    camera.configure(wish)
    return camera.camera_configuration()


def start(camera: Any) -> dict[str, Any]:
    configuration = configure(camera)
    camera.set_controls(limits(camera))
    camera.start(show_preview=False)
    return configuration


def limits(camera: Any) -> dict[str, Any]:
    offered = camera.camera_controls.get("FrameDurationLimits")
    return {"FrameDurationLimits": (offered[0], offered[0])} if offered else {}


def frame(camera: Any, within_s: float = 5.0) -> Any:
    return camera.wait(camera.capture_request(wait=False), timeout=within_s)


def test_cameras_are_listed_with_their_model(library: Any) -> None:
    found = library.Picamera2.global_camera_info()
    assert found and found[0]["Model"]


def test_a_number_that_is_not_there_is_a_runtime_error(library: Any) -> None:
    with pytest.raises(RuntimeError, match="No camera number 7"):
        library.Picamera2(7, tuning=None)


def test_a_camera_in_use_is_a_runtime_error_with_its_cause(library: Any, camera: Any) -> None:
    with pytest.raises(RuntimeError) as caught:
        library.Picamera2(0, tuning=None)
    assert caught.value.__cause__ is not None


def test_no_tuning_file_is_a_runtime_error(library: Any) -> None:
    with pytest.raises(RuntimeError):
        library.Picamera2.load_tuning_file("no such camera.json")


def test_another_format_or_size_is_given_silently(camera: Any) -> None:
    main = configure(camera, (642, 482), "YUV420")["main"]
    assert main["format"] == "NV12"
    assert tuple(main["size"]) != (642, 482)


def test_a_size_that_it_has_is_kept_and_rows_may_be_longer(camera: Any) -> None:
    main = configure(camera)["main"]
    assert tuple(main["size"]) == SIZE
    assert main["stride"] >= SIZE[0]
    assert main["framesize"] >= main["stride"] * SIZE[1] * 3 // 2


def test_what_is_offered_has_limits_and_what_is_not_is_refused(camera: Any) -> None:
    configure(camera)
    for name, offered in camera.camera_controls.items():
        assert isinstance(name, str) and len(offered) == 3
    with pytest.raises(RuntimeError, match="not advertised"):
        camera.set_controls({"NoSuchControl": 1})


def test_it_is_started_when_it_says_so(camera: Any) -> None:
    assert not camera.started
    start(camera)
    assert camera.started


def test_a_frame_has_a_rising_time_and_lies_in_the_cameras_memory(library: Any, camera: Any) -> None:
    configuration = start(camera)
    times = []
    for _ in range(12):  # more than there are buffers: given back, they come again
        request = frame(camera)
        times.append(request.get_metadata()["SensorTimestamp"])
        with library.MappedArray(request, "main", reshape=False, write=False) as mapped:
            flat = mapped.array
            assert flat.dtype == np.uint8 and flat.ndim == 1 and not flat.flags.owndata
            assert flat.size >= configuration["main"]["stride"] * SIZE[1] * 3 // 2
            del flat
        request.release()
    assert times == sorted(set(times))


def test_frames_that_are_kept_are_not_overwritten_and_then_there_are_no_more(camera: Any) -> None:
    start(camera)
    kept = []
    with pytest.raises(TimeoutError):
        for _ in range(9):
            kept.append(frame(camera, 1.0))
    assert 1 <= len(kept) <= 4
    camera.cancel_all_and_flush()
    for request in kept:
        request.release()
    frame(camera).release()


def test_without_a_start_a_wait_ends_in_time(camera: Any) -> None:
    configure(camera)
    with pytest.raises(TimeoutError):
        frame(camera, 0.2)


def test_after_a_close_it_opens_again(library: Any) -> None:
    for _ in range(2):
        camera = library.Picamera2(0, tuning=None)
        start(camera)
        frame(camera).release()
        camera.close()
