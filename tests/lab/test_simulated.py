"""The simulated camera: the same frames again, light that behaves, a person whose signals are where they should be."""

import gc
import itertools
import tracemalloc
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from stillroom.clock import NS_PER_S
from stillroom.config import CameraConfig
from stillroom.errors import ConfigError
from stillroom.eye.frame import Camera, Frame
from stillroom_tools.lab.scenario import (
    Act,
    BreathingLife,
    Lens,
    Light,
    Looks,
    Movement,
    PulseLife,
    Scenario,
)
from stillroom_tools.lab.scenario_cues import CueFile
from stillroom_tools.lab.scene_person import SKIN
from stillroom_tools.lab.scene_random import normals
from stillroom_tools.lab.scene_sensor import decode, encode, exposure, sigma_table
from stillroom_tools.lab.simulated import SimulatedCamera, open_camera
from stillroom_tools.lab.truth import TruthFile

SCENARIOS = Path(__file__).resolve().parents[2] / "config" / "scenarios"
STILL = Movement(fidgets_per_min=0.0)
SLEEPER = (Act(at_s=0.0, do="lie-down"),)
QUIET = Lens(noise=0.0)


def scenario(**keys: object) -> Scenario:
    return Scenario(title="test", movement=STILL, **keys)  # type: ignore[arg-type]


def camera(made: Scenario, width: int = 160, height: int = 120, **keys: object) -> SimulatedCamera:
    return SimulatedCamera(made, width_px=width, height_px=height, **{"seed": 1, **keys})  # type: ignore[arg-type]


def bytes_of(frame: Frame) -> bytes:
    return frame.y.tobytes() + frame.u.tobytes() + frame.v.tobytes()


def cells(plane: NDArray[np.uint8], size: int) -> NDArray[np.float64]:
    rows, columns = plane.shape[0] // size, plane.shape[1] // size
    whole = plane[: rows * size, : columns * size].reshape(rows, size, columns, size)
    return np.asarray(whole.mean(axis=(1, 3)))


def test_is_a_camera_with_frames_of_the_size_asked_for() -> None:
    source: Camera = camera(scenario(), 98, 66)
    frames = list(itertools.islice(source.frames(), 3))
    assert [frame.frame_ns for frame in frames] == [0, 33_333_333, 66_666_667]
    assert frames[0].y.shape == (66, 98) and frames[0].u.shape == frames[0].v.shape == (33, 49)
    source.close()
    source.close()
    assert list(source.frames()) == []


def test_same_seed_same_frames_in_any_order_and_another_seed_others() -> None:
    made = scenario(acts=(Act(at_s=0.1, do="enter"), Act(at_s=3.0, do="lie-down")))
    numbers = [0, 20, 100, 101, 250, 300]
    one, other = camera(made), camera(made)
    forwards = {number: bytes_of(one.frame(number)) for number in numbers}
    backwards = {number: bytes_of(other.frame(number)) for number in reversed(numbers)}
    assert forwards == backwards
    assert bytes_of(camera(made, seed=2).frame(300)) != forwards[300]
    assert len(set(forwards.values())) == len(numbers)


def test_real_time_leaves_frames_out_but_changes_none() -> None:
    made = scenario(acts=(Act(at_s=0.0, do="enter"),))
    live, reference = camera(made, real_time=True, frames_per_s=60.0), camera(made, frames_per_s=60.0)
    seen = 0
    for frame in itertools.islice(live.frames(), 6):
        number = round(frame.frame_ns * 60 / NS_PER_S)
        assert number >= seen
        seen = number + 1
        assert bytes_of(frame) == bytes_of(reference.frame(number))


@pytest.mark.parametrize(("layout", "padding", "step"), [("i420", 32, 1), ("nv12", 0, 2), ("nv12", 64, 2)])
def test_layout_and_padding_change_strides_and_nothing_else(layout: str, padding: int, step: int) -> None:
    made = scenario(acts=SLEEPER)
    frame = camera(made, layout=layout, padding_px=padding).frame(200)
    assert frame.chroma_step == step
    assert frame.y.strides == (160 + padding, 1)
    assert bytes_of(frame) == bytes_of(camera(made).frame(200))


def test_the_noise_of_an_empty_room_is_that_of_its_electrons() -> None:
    for lux in (20.0, 200.0, 1000.0):
        made = scenario(light=Light(lux=lux))
        source = camera(made)
        stack = np.stack([source.frame(index).y.astype(np.float64) for index in range(60)])
        state = exposure(made.lens, lux, lux, 0.0, 0.0)
        expected = (
            np.hypot(0.299, np.hypot(0.587, 0.114)) * sigma_table(made.lens, state)[stack.mean(0).astype(int)]
        )
        inner = (stack.mean(0) > 8) & (stack.mean(0) < 245)
        rounding = 1 / 12
        assert stack.var(0)[inner].mean() == pytest.approx((expected[inner] ** 2).mean() + rounding, rel=0.05)


def test_noise_grows_as_light_falls_and_can_be_switched_off() -> None:
    spread = []
    for lux in (1000.0, 100.0, 10.0):
        source = camera(scenario(light=Light(lux=lux)))
        bright = source.frame(0).y.astype(np.float64)
        spread.append((source.frame(1).y - bright).std() / bright.mean())
    assert spread[0] < spread[1] < spread[2]
    still = camera(scenario(lens=QUIET))
    assert bytes_of(still.frame(0)) == bytes_of(still.frame(77))


def test_normals_are_normal_and_encoding_has_a_way_back() -> None:
    drawn = normals(200_000, 3)
    assert drawn.mean() == pytest.approx(0.0, abs=0.01) and drawn.std() == pytest.approx(1.0, abs=0.01)
    assert np.mean(np.abs(drawn) > 2.0) == pytest.approx(0.0455, abs=0.003)
    assert (drawn**4).mean() == pytest.approx(3.0, abs=0.1)
    np.testing.assert_allclose(encode(decode(np.arange(256.0))), np.arange(256.0), atol=0.05)


def test_breathing_moves_the_picture_by_a_part_of_a_pixel_at_the_true_rate() -> None:
    made = scenario(acts=SLEEPER, breathing=BreathingLife(breaths_per_min=15.0, variability=0.0))
    source = camera(made, 320, 240, frames_per_s=10.0)
    luma = np.stack([cells(source.frame(100 + index).y, 8) for index in range(300)])
    power = np.abs(np.fft.rfft(luma - luma.mean(0), axis=0)) ** 2
    per_min = np.fft.rfftfreq(300, 0.1) * 60
    band = (per_min > 6) & (per_min < 42)
    assert per_min[band][power[band].sum(axis=(1, 2)).argmax()] == pytest.approx(15.0, abs=1.0)
    rows, columns = np.nonzero(power[band].max(0) > 0.2 * power[band].max())
    box = source.truth_at(15 * NS_PER_S).box
    assert box is not None
    assert box.x0 - 0.03 < columns.min() * 8 / 320 and (columns.max() + 1) * 8 / 320 < box.x1 + 0.03
    assert box.y0 - 0.04 < rows.min() * 8 / 240 and (rows.max() + 1) * 8 / 240 < box.y1 + 0.04


def test_without_chest_movement_nothing_breathes() -> None:
    made = scenario(
        acts=SLEEPER, lens=QUIET, breathing=BreathingLife(chest_mm=0.0), pulse=PulseLife(strength=0.0)
    )
    source = camera(made)
    assert len({bytes_of(source.frame(index)) for index in range(300, 420, 7)}) == 1


def test_the_shift_of_the_shirt_is_what_the_lens_makes_of_five_millimetres() -> None:
    made = scenario(acts=SLEEPER, lens=QUIET, pulse=PulseLife(strength=0.0))
    source = camera(made, 640, 480)
    frames = [source.frame(index).y[270:355, 120:195].astype(np.float64) for index in range(300, 450, 3)]
    low, high = (max(frames, key=lambda f, sign=sign: sign * _height(f, frames[0])) for sign in (-1, 1))
    shift_px = _height(high, low)
    assert 0.2 < abs(shift_px) < 1.3


def _height(frame: NDArray[np.float64], against: NDArray[np.float64]) -> float:
    """Least-squares shift along y, in px, of small movements."""
    slope = np.gradient(against, axis=0)
    return float((slope * (frame - against)).sum() / (slope**2).sum())


@pytest.mark.parametrize("tone", sorted(SKIN))
def test_pulse_changes_skin_as_measured_and_clothes_not_at_all(tone: str) -> None:
    looks = Looks(skin=tone)  # type: ignore[arg-type]
    breathing = BreathingLife(chest_mm=0.0)
    made = scenario(acts=SLEEPER, lens=QUIET, looks=looks, breathing=breathing, light=Light(lux=600.0))
    source = camera(made, 640, 480)
    greens, shirt = [], []
    for index in range(300, 340):
        frame = source.frame(index)
        greens.append(_green(frame)[300:312, 66:78].mean())
        shirt.append(frame.y[288:312, 140:185].mean())
    share = (max(greens) - min(greens)) / np.mean(greens)
    assert share == pytest.approx(SKIN[tone][1][1], rel=0.35)
    assert max(shirt) - min(shirt) < 0.02


def _green(frame: Frame) -> NDArray[np.float64]:
    u, v = (np.kron(plane, np.ones((2, 2))) - 128.0 for plane in (frame.u, frame.v))
    return np.asarray(frame.y - 0.344136 * u - 0.714136 * v)


def test_an_empty_room_holds_nobody() -> None:
    source = camera(scenario(lens=QUIET), 96, 64)
    truth = source.truth_at(source.frame(50).frame_ns)
    assert (truth.state, truth.box, truth.breaths_per_min, truth.pulse_bpm) == ("empty", None, None, None)
    assert bytes_of(source.frame(0)) == bytes_of(source.frame(5000))


def test_all_that_a_person_changes_lies_in_the_true_box() -> None:
    source = camera(scenario(lens=QUIET, acts=SLEEPER), 320, 240)
    empty = camera(scenario(lens=QUIET), 320, 240).frame(0).y.astype(int)
    there = source.frame(400).y.astype(int)
    rows, columns = np.nonzero(np.abs(there - empty) > 3)
    box = source.truth_at(source.frame_ns(400)).box
    assert box is not None
    assert box.x0 * 320 <= columns.min() and columns.max() < box.x1 * 320
    assert box.y0 * 240 <= rows.min() and rows.max() < box.y1 * 240
    assert source.truth_at(source.frame_ns(400)).state == "in-bed"


def test_a_covered_lens_sees_black_and_the_room_comes_back_as_it_was() -> None:
    made = scenario(lens=QUIET, acts=(Act(at_s=1.0, do="cover"), Act(at_s=3.0, do="uncover")))
    source = camera(made)
    before = bytes_of(source.frame(10))
    assert source.frame(60).y.max() < 8
    assert bytes_of(source.frame(150)) == before
    assert source.truth_at(2 * NS_PER_S).covered


def test_light_switched_brightens_at_once_and_then_settles() -> None:
    made = scenario(lens=QUIET, light=Light(lux=100.0), acts=(Act(at_s=1.0, do="light", lux=150.0),))
    source = camera(made)
    before, at_once, later = (float(source.frame(index).y.mean()) for index in (29, 31, 150))
    assert at_once > before + 10
    assert later == pytest.approx(before, abs=1.0)


def test_dim_light_leaves_the_picture_dark() -> None:
    means = [float(camera(scenario(light=Light(lux=lux))).frame(0).y.mean()) for lux in (200.0, 10.0, 0.5)]
    assert means[0] > 100 > means[1] > 20 > means[2]


def test_cues_make_things_happen(tmp_path: Path) -> None:
    path = tmp_path / "cues"
    source = camera(scenario(), cues=CueFile(path), frames_per_s=10.0)
    frames = source.frames()
    next(frames)
    path.write_text("lie-down\n")
    for _ in range(120):
        last_ns = next(frames).frame_ns
    assert source.truth_at(last_ns).state == "in-bed"


def test_truth_is_written_beside(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    source = camera(scenario(acts=SLEEPER), 64, 48, truth=TruthFile(path), frames_per_s=10.0)
    for _ in itertools.islice(source.frames(), 101):
        pass
    source.close()
    lines = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    assert [line["frame_ns"] for line in lines] == [index * NS_PER_S // 5 for index in range(51)]
    assert lines[0]["state"] == "empty" and lines[-1]["state"] == "in-bed"
    assert lines[-1]["breaths_per_min"] == pytest.approx(14.5, rel=0.2)


def test_opened_from_a_configuration_and_refused_with_one_line(tmp_path: Path) -> None:
    config = CameraConfig(kind="simulated", source="day.toml", width_px=64, height_px=48, speed="max")
    assert open_camera(config, SCENARIOS).frame(0).y.shape == (48, 64)
    for source, said in (("", "key 'camera.source' is empty"), ("none.toml", "cannot be read")):
        with pytest.raises(ConfigError, match=said):
            open_camera(msgspec.structs.replace(config, source=source), tmp_path)


@pytest.mark.parametrize(("width", "height"), [(16, 16), (18, 30), (1920, 1080)])
def test_smallest_and_largest_pictures(width: int, height: int) -> None:
    frame = camera(scenario(acts=SLEEPER), width, height).frame(300)
    assert frame.y.shape == (height, width)


def test_a_long_life_does_not_grow() -> None:
    acts = (Act(at_s=0.0, do="lie-down"), Act(at_s=10.0, do="leave"))
    source = camera(scenario(acts=acts, repeat_s=20.0), 64, 48, frames_per_s=5.0)
    for index in range(200):
        source.frame(index)
    tracemalloc.start()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for index in range(200, 500):
        source.frame(index)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 64 * 1024
