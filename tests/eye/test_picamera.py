"""The adapter on a fake that follows picamera2's contract: what it gives, what it asks for, and every way to fail."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.eye.fake_picamera2 import PI_CONTROLS, Hardware, install

from stillroom.config import CameraConfig
from stillroom.errors import CameraError, ConfigError
from stillroom.eye.camera import open_camera as open_any
from stillroom.eye.distil import Grid, distil
from stillroom.eye.frame import Camera, TellsSettings
from stillroom.eye.picamera import BUFFERS
from stillroom.eye.picamera_life import NOT_RISING, PiCamera, open_camera

Plug = Callable[..., Hardware]


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Plug:
    return lambda **what: install(monkeypatch, Hardware(**what))


def opened(stall_s: float = 0.05, waits_s: tuple[float, ...] = (0.0, 0.0), **config: Any) -> PiCamera:
    return PiCamera(CameraConfig(**config), stall_s, waits_s)


def take(camera: PiCamera, count: int) -> list[int]:
    """The times of so many frames."""
    frames = camera.frames()
    return [next(frames).frame_ns for _ in range(count)]


@pytest.mark.parametrize(("layout", "step"), [("YUV420", 1), ("NV12", 2)])
def test_planes_are_the_cameras_own_memory_with_its_strides(plug: Plug, layout: str, step: int) -> None:
    hardware = plug(formats=(layout,), sizes=((72, 32),), row_bytes=lambda width: 128)
    camera = opened(width_px=72, height_px=32)
    frame = next(frames := camera.frames())
    memory = hardware.buffers[0]
    memory[:] = np.arange(memory.size) % 251
    assert (frame.width, frame.height, frame.chroma_step) == (72, 32, step)
    for plane in (frame.y, frame.u, frame.v):
        assert np.shares_memory(plane, memory) and not plane.flags.writeable
    assert frame.y.strides == (128, 1)
    assert np.array_equal(frame.y[1], memory[128 : 128 + 72])
    chroma = memory[128 * 32 :]
    if layout == "NV12":
        assert np.array_equal(frame.u[1], chroma[128 : 128 + 72 : 2])
        assert np.array_equal(frame.v[1], chroma[129 : 129 + 72 : 2])
    else:
        assert np.array_equal(frame.u[1], chroma[64 : 64 + 36])
        assert np.array_equal(frame.v[1], chroma[64 * 16 + 64 : 64 * 16 + 64 + 36])
    grid = Grid(72, 32)
    distil(frame, None, None, grid)  # C reads it where it is
    assert int(grid.y[0, 0]) == int(frame.y[:8, :8].astype(int).sum())
    frames.close()


def test_each_frame_is_given_back_before_the_next_is_asked_for(plug: Plug) -> None:
    hardware = plug()
    camera = opened()
    frames = camera.frames()
    for number in range(3 * BUFFERS):
        next(frames)
        assert hardware.released == number
    frames.close()
    assert hardware.released == 3 * BUFFERS
    camera.close()
    camera.close()
    assert not hardware.busy


def test_one_stream_with_the_settings_that_a_rhythm_needs(plug: Plug) -> None:
    hardware = plug()
    camera = opened(mains_hz=60)
    take(camera, 1)
    asked = hardware.asked["configuration"]
    assert asked["main"] == {"size": (640, 480), "format": "YUV420"}
    assert asked["raw"] is None and asked.get("lores") is None
    assert asked["sensor"] == {"output_size": (1640, 1232)}
    assert asked["colour_space"] == "sYCC"
    assert hardware.asked["controls"] == [
        {
            "FrameDurationLimits": (33333, 33333),
            "NoiseReductionMode": 0,
            "AeFlickerMode": 1,
            "AeFlickerPeriod": 8333,
            "AfMode": 0,
            "LensPosition": 0.4,
        }
    ]
    news = camera.news()
    assert news is not None and (news.profile, news.opened) == ("day", 1)
    assert news.differ == ("tuning",)
    assert camera.news() is None
    assert isinstance(camera, TellsSettings)
    camera_as_promised: Camera = camera
    assert camera_as_promised.kind == "picamera2"


def test_only_what_is_offered_is_asked_for_and_the_rest_is_said(plug: Plug) -> None:
    hardware = plug(
        controls={"FrameDurationLimits": (40_000, 50_000, None)},
        properties={"ScalerCropMaximum": (0, 0, 3280, 2464)},
        metadata={"ScalerCrop": (0, 0, 1640, 1232)},
        colour="Rec709",
    )
    camera = opened()
    take(camera, 1)
    assert hardware.asked["controls"] == [{"FrameDurationLimits": (40_000, 40_000)}]
    assert hardware.asked["configuration"]["sensor"] == {}
    news = camera.news()
    assert news is not None
    became = {row.name: (row.asked, row.got) for row in news.settings}
    assert became["NoiseReductionMode"] == ("0", "not offered")
    assert became["FrameDurationLimits"] == ("33333", "40000")
    assert became["ScalerCrop"] == ("0 0 3280 2464", "0 0 1640 1232")
    assert became["colour"] == ("sYCC", "Rec709")
    assert {"FrameDurationLimits", "NoiseReductionMode", "LensPosition", "ScalerCrop", "colour"} <= set(
        news.differ
    )
    assert not {"size", "format", "stride"} & set(news.differ)


def test_the_tuning_is_fixed_where_there_is_one(plug: Plug) -> None:
    algorithms = [{"rpi.contrast": {"ce_enable": 1}}, {"rpi.alsc": {"n_iter": 100, "omega": 1.3}}]
    hardware = plug(tuning={"version": 2.0, "algorithms": algorithms})
    camera = opened()
    take(camera, 1)
    assert hardware.asked["tuning"]["algorithms"] == [
        {"rpi.contrast": {"ce_enable": 0}},
        {"rpi.alsc": {"n_iter": 0, "omega": 1.3}},
    ]
    news = camera.news()
    assert news is not None and news.differ == ()


def test_a_dark_room_changes_to_the_nights_profile_and_light_back_again(plug: Plug) -> None:
    hardware = plug(metadata={"ExposureTime": 33_000, "AnalogueGain": 15.0})
    camera = opened()
    frames = camera.frames()
    for _ in range(320):
        next(frames)
    assert hardware.asked["controls"][-1]["FrameDurationLimits"] == (66_667, 66_667)
    news = camera.news()
    assert news is not None and news.profile == "night"
    hardware.metadata["AnalogueGain"] = 2.0
    for _ in range(950):
        next(frames)
    assert hardware.asked["controls"][-1]["FrameDurationLimits"] == (33_333, 33_333)
    assert len(hardware.asked["controls"]) == 3
    news = camera.news()
    assert news is not None and news.profile == "day"


def test_a_flash_of_light_or_dark_changes_nothing(plug: Plug) -> None:
    hardware = plug(metadata={"ExposureTime": 10_000, "AnalogueGain": 1.0})
    frames = opened().frames()
    for number in range(900):
        hardware.metadata["AnalogueGain"] = 16.0 if number % 200 < 100 else 1.0
        hardware.metadata["ExposureTime"] = 33_000 if number % 200 < 100 else 10_000
        next(frames)
    assert len(hardware.asked["controls"]) == 1


def test_a_camera_that_stalls_is_opened_again_and_says_so(plug: Plug, capsys: Any) -> None:
    hardware = plug(frames_left=3)
    camera = opened()
    frames = camera.frames()
    before = [next(frames).frame_ns for _ in range(3)]
    assert camera.news() is not None
    hardware.controls = dict(PI_CONTROLS)

    def mend(number: int) -> int:
        return 5_000_000_000 + number * 33_333_333

    hardware.times_ns = mend
    real_open = sys.modules["picamera2"].Picamera2.__init__

    def plugged_in_again(self: Any, *arguments: Any, **more: Any) -> None:
        real_open(self, *arguments, **more)
        hardware.frames_left = 10

    sys.modules["picamera2"].Picamera2.__init__ = plugged_in_again
    after = next(frames).frame_ns
    assert after > before[-1]
    news = camera.news()
    assert news is not None and news.opened == 2
    assert capsys.readouterr().err == "eye: camera 0: no frame for 0.05 s; opening it again\n"


def test_a_camera_that_stays_away_is_an_error_in_one_line(plug: Plug) -> None:
    hardware = plug(frames_left=2)
    frames = opened().frames()
    next(frames)
    next(frames)
    hardware.present = False
    with pytest.raises(
        CameraError, match=r"camera 0: no frame for 0.05 s, and opening .* no camera was found"
    ):
        next(frames)


def test_a_camera_that_stalls_again_and_again_is_given_up(plug: Plug) -> None:
    hardware = plug(frames_left=0)
    with pytest.raises(CameraError, match="did not help"):
        next(opened().frames())
    assert hardware.opened == 3


def test_a_camera_that_does_not_let_go_is_an_error(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stillroom.eye.picamera.LET_GO_S", 0.05)
    plug(frames_left=1, close_hangs=True)
    frames = opened().frames()
    next(frames)
    with pytest.raises(CameraError, match="does not let go"):
        next(frames)


def test_frames_whose_time_repeats_or_goes_back_are_passed_over(plug: Plug) -> None:
    times = [10, 20, 20, 15, 30, 5, 40]
    hardware = plug(times_ns=lambda number: times[number])
    assert take(opened(), 4) == [10, 20, 30, 40]
    assert hardware.released >= 6


def test_times_that_do_not_rise_for_long_are_a_failed_camera(plug: Plug) -> None:
    hardware = plug(times_ns=lambda number: 1_000)
    frames = opened().frames()
    next(frames)
    with pytest.raises(CameraError, match="repeat or go back"):
        next(frames)
    assert hardware.released == NOT_RISING + 1


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ({"present": False}, "camera 0: no camera was found; check"),
        (
            {"busy": True},
            "camera 0: cannot be opened: Failed to acquire camera: Device or resource busy; check",
        ),
        ({"formats": ("MJPEG",)}, "gives format MJPEG; only YUV420 or NV12 can be read"),
        ({"sizes": ((1280, 720),)}, "gives 1280x720 where 640x480 was asked for; set camera.width_px"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(plug: Plug, what: dict[str, Any], expected: str) -> None:
    hardware = plug(**what)
    with pytest.raises(CameraError) as caught:
        opened()
    assert expected in str(caught.value) and "\n" not in str(caught.value)
    assert hardware.busy == what.get("busy", False), "a camera that is refused is closed again"


def test_a_number_that_is_not_there(plug: Plug) -> None:
    plug()
    with pytest.raises(CameraError, match="camera 3: there is number 0 to 0"):
        opened(source="3")


def test_frames_without_a_time_are_refused(plug: Plug) -> None:
    plug(metadata={"SensorTimestamp": None})
    with pytest.raises(CameraError, match="no SensorTimestamp"):
        next(opened().frames())


def test_a_frame_that_is_too_short_is_refused(plug: Plug) -> None:
    hardware = plug()
    camera = opened()
    hardware.buffers[0] = hardware.buffers[0][:1000]
    with pytest.raises(CameraError, match="a frame of 1000 bytes, 460800 expected"):
        next(camera.frames())
    assert hardware.released == 1


def test_a_source_that_is_no_number(plug: Plug) -> None:
    plug()
    with pytest.raises(ConfigError, match=r"'camera.source' = 'front'"):
        open_camera(CameraConfig(source="front"))


def test_without_picamera2_the_error_says_what_to_install(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraError, match="apt-get install python3-picamera2"):
        open_any(CameraConfig(), tmp_path, opener="a.lab:camera")
