"""Recordings: what FFmpeg reads becomes full-range planes with rising times; what it cannot read becomes one line."""

import itertools
import wave
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stillroom.clock import NS_PER_S
from stillroom.config import CameraConfig
from stillroom.errors import ConfigError, InputError
from stillroom.eye.frame import Camera, Frame
from stillroom_tools.lab.recorded import RecordedCamera, _Timeline, open_camera, probe
from stillroom_tools.lab.recorded_planes import PlaneReader

Picture = NDArray[np.uint8]


def colours(width: int, height: int, shift: int = 0) -> Picture:
    """A smooth RGB picture with large patches, so that chroma subsampling matters little."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    red = 40 + 160 * (x >= width // 2)
    green = 60 + 120 * (y >= height // 2)
    blue = 90 + (x + y + shift) * 60 // (width + height)
    return np.stack([red, green, blue], axis=2).astype(np.uint8)


def write(
    path: Path,
    pictures: Iterable[Picture],
    *,
    codec: str = "ffv1",
    pixels: str = "yuv420p",
    full: bool = False,
    times: Iterable[int] | None = None,
) -> Path:
    """A video of RGB pictures at 10 a second, or at `times` (tenths of a second)."""
    pictures = list(pictures)
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.codec_context.color_range = 2 if full else 1
        if codec == "mpeg4":
            stream.codec_context.bit_rate = 2_000_000
        for picture, at in zip(pictures, times or itertools.count(), strict=False):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            if pixels != "rgb24":
                frame = frame.reformat(
                    format=pixels, dst_colorspace="ITU601", dst_color_range="JPEG" if full else "MPEG"
                )
            frame.pts, frame.time_base = at, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def rgb(frame: Frame) -> NDArray[np.float64]:
    """Back to colours by BT.601 full range."""
    y = frame.y.astype(np.float64)
    u, v = (np.kron(plane, np.ones((2, 2))) - 128.0 for plane in (frame.u, frame.v))
    return np.stack([y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u], axis=2)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write(tmp_path / "clip.mkv", [colours(64, 48, shift) for shift in range(8)])


@pytest.mark.parametrize(
    ("codec", "pixels", "full", "name"),
    [
        ("ffv1", "yuv420p", False, "a.mkv"),
        ("ffv1", "yuv420p", True, "a.mkv"),
        ("ffv1", "yuv422p", False, "a.mkv"),
        ("ffv1", "yuv444p", False, "a.mkv"),
        ("ffv1", "yuv420p10le", False, "a.mkv"),
        ("ffv1", "yuv422p10le", False, "a.mkv"),
        ("ffv1", "bgr0", True, "a.mkv"),
        ("rawvideo", "nv12", False, "a.nut"),
        ("rawvideo", "bgr24", True, "a.nut"),
        ("rawvideo", "rgb24", True, "a.nut"),
        ("mjpeg", "yuvj420p", True, "a.avi"),
        ("mjpeg", "yuvj422p", True, "a.avi"),
        ("mpeg4", "yuv420p", False, "a.mp4"),
    ],
)
def test_every_pixel_format_gives_the_same_colours(
    tmp_path: Path, codec: str, pixels: str, full: bool, name: str
) -> None:
    path = write(tmp_path / name, [colours(64, 48)] * 3, codec=codec, pixels=pixels, full=full)
    source: Camera = RecordedCamera(path)
    frames = [rgb(frame) for frame in source.frames()]
    assert len(frames) == 3 and frames[0].shape == (48, 64, 3)
    inner = np.ones((48, 64), bool)
    inner[20:28], inner[:, 28:36] = False, False
    lossy = codec in ("mjpeg", "mpeg4")
    assert np.abs(frames[1] - colours(64, 48))[inner].mean() < (4.0 if lossy else 2.0)


def test_grey_has_no_colour_and_its_own_values(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", [colours(64, 48)] * 2, pixels="gray", full=True)
    frame = next(RecordedCamera(path).frames())
    assert set(np.unique(frame.u)) == set(np.unique(frame.v)) == {128}
    luma = colours(64, 48) @ np.array([0.299, 0.587, 0.114])
    assert np.abs(frame.y - luma).max() < 2.0


def test_full_range_420_is_the_decoders_own_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", [colours(80, 48)], full=True)
    frame = next(RecordedCamera(path).frames())
    assert frame.y.base is not None and frame.y.strides[0] >= 80 and frame.chroma_step == 1


def test_full_range_nv12_is_read_where_it_lies() -> None:
    picture = av.VideoFrame.from_ndarray(colours(48, 32), "rgb24")
    nv12 = picture.reformat(format="nv12", dst_colorspace="ITU601", dst_color_range="JPEG")
    y, u, v = PlaneReader(48, 32).read(nv12)
    frame = Frame(y, u, v, 0)
    assert frame.chroma_step == 2
    assert np.abs(rgb(frame) - colours(48, 32))[:12, :20].mean() < 2.0


@pytest.mark.parametrize(("width", "height"), [(33, 24), (32, 25), (35, 27)])
@pytest.mark.parametrize(("pixels", "full"), [("yuv420p", False), ("yuv420p", True), ("yuv444p", False)])
def test_odd_sizes_are_cropped_to_even_ones(
    tmp_path: Path, width: int, height: int, pixels: str, full: bool
) -> None:
    path = write(tmp_path / "a.mkv", [colours(width, height)] * 2, pixels=pixels, full=full)
    source = RecordedCamera(path)
    frame = next(source.frames())
    assert frame.y.shape == (source.height, source.width) == (height & ~1, width & ~1)
    assert frame.u.shape == frame.v.shape == (height // 2, width // 2)


def test_larger_than_full_hd_is_made_smaller(tmp_path: Path) -> None:
    source = RecordedCamera(write(tmp_path / "a.mkv", [colours(1080, 2400)]))
    frame = next(source.frames())
    assert frame.y.shape == (source.height, source.width) == (1080, 486)
    assert rgb(frame)[100, 100] == pytest.approx(colours(1080, 2400)[222, 222].astype(float), abs=6)


def test_time_is_the_containers_and_begins_at_nought(tmp_path: Path) -> None:
    times = [5, 6, 9, 20]
    path = write(tmp_path / "a.mkv", [colours(32, 32)] * 4, times=times)
    assert [frame.frame_ns for frame in RecordedCamera(path).frames()] == [
        (at - 5) * NS_PER_S // 10 for at in times
    ]


def test_looped_time_goes_on(clip: Path) -> None:
    source = RecordedCamera(clip, loop=True)
    times = [frame.frame_ns for frame in itertools.islice(source.frames(), 20)]
    assert times == [index * NS_PER_S // 10 for index in range(20)]
    source.close()
    source.close()


def test_once_ends_and_begins_anew_when_asked_again(clip: Path) -> None:
    source = RecordedCamera(clip)
    assert len(list(source.frames())) == len(list(source.frames())) == 8
    source.close()
    assert list(source.frames()) == []


def test_real_time_keeps_the_order_and_changes_no_time(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", [colours(32, 32)] * 3, times=[0, 1, 2])
    source = RecordedCamera(path, real_time=True)
    times = [frame.frame_ns for frame in source.frames()]
    assert times == sorted(times) and set(times) <= {0, NS_PER_S // 10, NS_PER_S // 5}
    assert len(times) + source.frames_dropped == 3


@given(st.lists(st.one_of(st.none(), st.integers(-(10**12), 10**12)), min_size=1, max_size=60))
def test_any_times_are_made_to_rise(given_ns: list[int | None]) -> None:
    timeline = _Timeline(500, 1000)
    placed = [timeline.place(time_ns) for time_ns in given_ns]
    assert placed[0] == 500
    assert all(a < b for a, b in itertools.pairwise(placed))


def test_times_that_stand_still_or_go_back_are_repaired_and_counted() -> None:
    timeline = _Timeline(0, 100)
    assert [timeline.place(at) for at in (0, 100, 100, 200, 190, 300)] == [0, 100, 150, 200, 250, 300]
    assert timeline.repaired == 2
    restarted = _Timeline(0, NS_PER_S)
    assert [restarted.place(at * NS_PER_S) for at in (7, 8, 9, 0, 1)] == [at * NS_PER_S for at in range(5)]
    assert restarted.repaired == 1


def test_probe_says_what_the_container_says(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", [colours(64, 48)] * 12, codec="mpeg4")
    said = probe(path)
    assert (said.width_px, said.height_px, said.frames_per_s, said.frames) == (64, 48, 10.0, 12)
    assert said.duration_s == pytest.approx(1.2)
    assert (said.codec, said.pixel_format) == ("mpeg4", "yuv420p")


def empty_video(folder: Path) -> Path:
    path = folder / "a.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    return path


def sound(folder: Path) -> Path:
    with wave.open(str(folder / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))
    return folder / "a.wav"


def text(folder: Path) -> Path:
    path = folder / "a.mp4"
    path.write_text("this is no video\n" * 200)
    return path


def nothing(folder: Path) -> Path:
    path = folder / "a.mp4"
    path.touch()
    return path


def headless(folder: Path) -> Path:
    """An mp4 whose index, at its end, was cut off."""
    path = write(folder / "a.mp4", [colours(64, 48)] * 30, codec="mpeg4")
    path.write_bytes(path.read_bytes()[:2000])
    return path


def playlist(folder: Path) -> Path:
    """What would make FFmpeg fetch something from a network, if it were let."""
    path = folder / "a.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n")
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder / "none.mp4", "no such file"),
        (lambda folder: folder, "not a file"),
        (text, "not a video"),
        (nothing, "not a video"),
        (headless, "holds no frame"),
        (sound, "no video stream"),
        (empty_video, "holds no frame"),
        (
            lambda folder: write(folder / "a.nut", [colours(3, 64)] * 3, codec="rawvideo"),
            "its picture is 3x64: at least 16x16",
        ),
        (
            lambda folder: write(folder / "a.mkv", [colours(64, 15)] * 3),
            "its picture is 64x15: at least 16x16",
        ),
        (playlist, ""),
    ],
)
def test_what_cannot_be_read_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], make: Callable[[Path], Path], said: str
) -> None:
    path = make(tmp_path)
    with pytest.raises(InputError) as refused:
        RecordedCamera(path)
    assert str(refused.value).startswith(f"{path}: ") and said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "mjpeg"), ("a.mkv", "ffv1"), ("a.ts", "mpeg4")])
def test_a_truncated_video_gives_what_it_has_and_then_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, codec: str
) -> None:
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    pictures = [colours(64, 48, 5 * shift) for shift in range(60)]
    path = write(tmp_path / name, pictures, codec=codec, pixels=pixels, full=codec == "mjpeg")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    source, given = RecordedCamera(path), 0
    if name == "a.ts":  # says nothing of its length: what is there is all there is
        given = sum(1 for _ in source.frames())
    else:
        with pytest.raises(
            InputError, match=r"ends after [0-9.]+ of (60 frames|6.0 s): the file is cut short"
        ):
            for _ in source.frames():
                given += 1
    assert 25 <= given <= 45
    assert capfd.readouterr() == ("", "")


def test_damaged_packets_are_left_out_and_counted(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.avi", [colours(64, 48, shift) for shift in range(60)], codec="ffv1")
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 300] = bytes(300)
    path.write_bytes(whole)
    source = RecordedCamera(path)
    given = 0
    try:
        for _ in source.frames():
            given += 1
    except InputError as refused:
        assert "cut short" in str(refused)
    assert source.frames_damaged >= 1 and 40 <= given < 60
    assert capfd.readouterr() == ("", "")


def test_a_size_that_changes_midway_is_refused_where_it_happens(tmp_path: Path) -> None:
    small = write(tmp_path / "a.mjpeg", [colours(64, 48)] * 4, codec="mjpeg", pixels="yuvj420p", full=True)
    large = write(tmp_path / "b.mjpeg", [colours(96, 48)] * 4, codec="mjpeg", pixels="yuvj420p", full=True)
    both = tmp_path / "c.mjpeg"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    given = 0
    with pytest.raises(InputError, match="from 64x48 to 96x48 at frame 4"):
        for _ in RecordedCamera(both).frames():
            given += 1
    assert given == 4


def test_a_file_that_disappears_is_noticed_when_it_is_needed_again(clip: Path) -> None:
    source = RecordedCamera(clip, loop=True)
    frames = source.frames()
    next(frames)
    clip.unlink()
    assert sum(1 for _ in itertools.islice(frames, 7)) == 7
    with pytest.raises(InputError, match="no such file"):
        next(frames)


def test_opened_from_a_configuration(clip: Path) -> None:
    config = CameraConfig(kind="recorded", source=clip.name, loop=True, speed="max")
    assert sum(1 for _ in itertools.islice(open_camera(config, clip.parent).frames(), 10)) == 10
    with pytest.raises(ConfigError, match=r"camera\.source"):
        open_camera(CameraConfig(kind="recorded"), clip.parent)


@pytest.mark.parametrize(
    ("name", "width", "height", "frames"),
    [
        ("face-53bpm.mp4", 528, 592, 301),
        ("thermal-15-breaths.avi", 160, 120, 329),
        ("falls/fall-01.mp4", 640, 240, 160),
    ],
)
def test_real_recordings(
    real: Callable[[str], Path], name: str, width: int, height: int, frames: int
) -> None:
    source = RecordedCamera(real(name))
    times = [frame.frame_ns for frame in source.frames()]
    assert (source.width, source.height, len(times)) == (width, height, frames)
    assert all(a < b for a, b in itertools.pairwise(times))
    assert source.times_repaired == source.frames_damaged == 0
