"""What makes readings hard: each table of a scenario does what it says, and nothing where it is not written."""

import itertools
import math
import tomllib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from stillroom.clock import NS_PER_S
from stillroom.config import CameraConfig
from stillroom.errors import ConfigError
from stillroom.eye.frame import Frame
from stillroom_tools.lab.scenario import (
    BreathingLife,
    Lens,
    Light,
    Looks,
    Movement,
    PulseLife,
    Scenario,
    load_scenario,
)
from stillroom_tools.lab.scenario_life import Life
from stillroom_tools.lab.scenario_physics import (
    Compression,
    Curtain,
    Fan,
    Mains,
    Second,
    Steps,
    Television,
    Timing,
    Unrest,
)
from stillroom_tools.lab.scene_body import CHEST, HEAD, PELVIS
from stillroom_tools.lab.scene_light import flicker
from stillroom_tools.lab.scene_vitals import rhythm, with_unrest
from stillroom_tools.lab.simulated import SimulatedCamera, encoded, open_camera

SCENARIOS = Path(__file__).resolve().parents[2] / "config" / "scenarios"
QUIET = Lens(noise=0.0)
PHYSICS = ("unrest", "timing", "mains", "steps", "compression", "second", "fan", "curtain", "television")


def scenario(**keys: object) -> Scenario:
    keys = {"begins": "bed", "movement": Movement(fidgets_per_min=0.0), "lens": QUIET, **keys}
    return Scenario(title="test", **keys)  # type: ignore[arg-type]


def camera(made: Scenario, width: int = 160, height: int = 120, fps: float = 30.0) -> SimulatedCamera:
    return SimulatedCamera(made, width_px=width, height_px=height, seed=1, frames_per_s=fps)


def flat(frame: Frame) -> NDArray[np.float64]:
    return np.concatenate([plane.ravel() for plane in (frame.y, frame.u, frame.v)]).astype(float)


def test_the_hard_night_shows_every_key() -> None:
    written = tomllib.loads((SCENARIOS / "hard.toml").read_text())
    made = load_scenario(SCENARIOS / "hard.toml")
    for table in PHYSICS:
        assert set(written[table]) == set(msgspec.to_builtins(getattr(made, table))), table


@pytest.mark.parametrize(
    "keys",
    [
        {"unrest": Unrest(head_mm=3.0, bed_mm=20.0, talking=1.0, coughs_per_min=6.0)},
        {"steps": Steps(every_s=1.0), "mains": Mains()},
        {"second": Second(), "fan": Fan(swing_s=10.0), "curtain": Curtain(), "television": Television()},
        {"timing": Timing(jitter_ms=5.0, stamp_ms=3.0, dropped=0.3)},
    ],
)
def test_same_seed_same_frames_in_any_order(keys: dict[str, object]) -> None:
    one, other = camera(scenario(**keys)), camera(scenario(**keys))
    numbers = [3, 400, 77]
    forwards = {n: (flat(f := one.frame(n)).tobytes(), f.frame_ns) for n in numbers}
    backwards = {n: (flat(f := other.frame(n)).tobytes(), f.frame_ns) for n in reversed(numbers)}
    assert forwards == backwards
    plain = camera(scenario())
    assert any(flat(plain.frame(n)).tobytes() != forwards[n][0] or "timing" in keys for n in numbers)


@pytest.mark.parametrize("distance_m", [0.6, 1.5, 3.0, 5.0])
def test_a_face_is_as_large_as_its_distance_makes_it(distance_m: float) -> None:
    lens = Lens(noise=0.0, aim="face", distance_m=distance_m, pitch_deg=15.0)
    made = scenario(lens=lens, breathing=BreathingLife(chest_mm=0.0), light=Light(lux=600.0))
    source = camera(made, 640, 480)
    stack = np.stack([source.frame(i).y.astype(float) for i in range(0, 30, 3)])
    rows, columns = np.nonzero(np.ptp(stack, axis=0) > 0)
    focal_px = 320 / math.tan(math.radians(33.0))
    high_px = np.percentile(rows, 98) - np.percentile(rows, 2)
    assert abs(np.median(columns) - 320) < 0.2 * focal_px / distance_m
    assert high_px > 0.12 * focal_px / distance_m


def test_a_lens_above_the_ceiling_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "high.toml"
    path.write_text('title = "x"\n[lens]\naim = "face"\ndistance_m = 4.0\npitch_deg = 40.0\n')
    with pytest.raises(ConfigError, match="above the ceiling"):
        load_scenario(path)


@pytest.mark.parametrize("tone", ["light", "very-dark"])
def test_infrared_has_no_colour_and_a_pulse_of_the_share_asked_for(tone: str) -> None:
    made = scenario(
        light=Light(lux=400.0, infrared=True),
        looks=Looks(skin=tone),  # type: ignore[arg-type]
        pulse=PulseLife(infrared_share=0.004),
        breathing=BreathingLife(chest_mm=0.0),
        lens=Lens(aim="face", distance_m=0.8),
    )
    source = camera(made)
    face = []
    for index in range(40):
        frame = source.frame(index)
        assert np.ptp(frame.u) == np.ptp(frame.v) == 0
        face.append(frame.y[54:66, 74:86].mean())
    assert np.ptp(face) / np.mean(face) == pytest.approx(0.004, rel=0.35)


def test_flicker_aliases_to_what_the_frames_make_of_it_and_long_exposures_hide_it() -> None:
    made = scenario(begins="outside", mains=Mains(hz=60, depth=0.1, exposure_ms=2.0, readout_ms=0.0))
    source = camera(made, 32, 24, fps=30000 / 1001)
    luma = np.array([source.frame(index).y.mean() for index in range(900)])
    power = np.abs(np.fft.rfft((luma - luma.mean()) * np.hanning(900))) ** 2
    assert np.fft.rfftfreq(900, 1001 / 30000)[power.argmax()] == pytest.approx(0.12, abs=0.02)
    assert np.ptp(luma) / luma.mean() > 0.05
    assert np.ptp(flicker(Mains(exposure_ms=10.0), 0.123, 48)) < 1e-12
    bands = flicker(Mains(hz=50, depth=0.2, exposure_ms=0.1, readout_ms=30.0), 0.0, 480)
    assert np.sum(np.abs(np.diff(bands > 1.0))) == 6  # three periods from top to bottom


def test_steps_change_a_frame_at_once_by_some_per_cent_and_balance_changes_colour() -> None:
    source = camera(
        scenario(begins="outside", steps=Steps(every_s=2.0, exposure=0.08, white_balance=0.05)), 64, 48
    )
    planes = np.array([[p.mean() for p in (f.y, f.u, f.v)] for f in map(source.frame, range(600))])
    jumps = np.abs(np.diff(planes[:, 0]))
    assert 7 <= (jumps > 0.3).sum() <= 10
    assert np.all((jumps > 0.3) | (jumps < 0.02))
    assert np.ptp(planes[:, 1]) > 1.0 and np.ptp(planes[:, 2]) > 1.0


def test_frames_are_late_and_lost_as_often_as_asked_for_and_never_out_of_order() -> None:
    source = camera(
        scenario(begins="outside", timing=Timing(jitter_ms=15.0, stamp_ms=15.0, dropped=0.2)), 16, 16
    )
    stamps = np.array([frame.frame_ns for frame in itertools.islice(source.frames(), 800)])
    steps = np.diff(stamps) / NS_PER_S
    assert steps.min() > 0
    assert 800 / (stamps[-1] / NS_PER_S * 30.0) == pytest.approx(0.8, abs=0.05)
    assert steps.std() > 0.008


def test_an_encoder_changes_the_picture_a_little_and_keeps_order_and_stamps(tmp_path: Path) -> None:
    made = scenario(lens=Lens(), compression=Compression(crf=32))
    plain, through = camera(made), encoded(camera(made), Compression(crf=32))
    pairs = [
        (flat(a), flat(b), a.frame_ns == b.frame_ns)
        for a, b in itertools.islice(zip(plain.frames(), through.frames(), strict=False), 40)
    ]
    assert len(pairs) == 40 and all(same for _, _, same in pairs)
    away = np.mean([np.abs(a - b).mean() for a, b, _ in pairs])
    assert 0.1 < away < 6.0
    path = tmp_path / "coded.toml"
    path.write_text('title = "x"\n[compression]\ncrf = 30\n')
    config = CameraConfig(kind="simulated", source="coded.toml", width_px=64, height_px=48, speed="max")
    assert len(list(itertools.islice(open_camera(config, tmp_path).frames(), 5))) == 5


def _poses(unrest: Unrest, seconds: int = 120) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, 15, 3) of somebody in bed, ten a second, and the same without unrest."""
    lives = [Life(scenario(unrest=each), 1) for each in (unrest, Unrest())]
    both = [[life.moment(index / 10).resident.pose for index in range(seconds * 10)] for life in lives]
    return np.array(both[0]), np.array(both[1])


def test_heads_sway_beds_are_shoved_coughs_jerk_by_the_millimetres_asked_for() -> None:
    moved, rest = _poses(Unrest(head_mm=4.0))
    assert (moved - rest)[:, HEAD].std(axis=0) == pytest.approx([0.004] * 3, rel=0.4)
    assert np.all(moved[:, PELVIS] == rest[:, PELVIS])
    moved, rest = _poses(Unrest(bed_mm=20.0, bed_every_s=10.0))
    places = (moved - rest)[:, PELVIS, 0]
    assert 0.01 < np.ptp(places) <= 0.04
    assert np.mean(np.diff(places) != 0) < 0.08
    moved, rest = _poses(Unrest(coughs_per_min=6.0))
    assert 0.006 < np.abs(moved - rest)[:, CHEST].max() <= 0.012
    assert 0.05 < np.mean(np.any(moved != rest, axis=(1, 2))) < 0.15
    moved, rest = _poses(Unrest(talking=0.5))
    assert 0.3 < np.mean(np.any(moved != rest, axis=(1, 2))) < 0.7


def test_held_breath_stands_still_and_ramps_gain_what_they_say() -> None:
    held = with_unrest(rhythm(15.0, 0.02, 90.0, 1), (0.0, 0.0, 0.0), (60.0, 20.0))
    assert held.turns(59.9) == held.turns(40.1) and held.turns(80.0) > held.turns(60.0)
    assert held.active_s(120.0) == 80.0
    ramp = with_unrest(rhythm(60.0, 0.0, 40.0, 1), (10.0, 30.0, 60.0), (0.0, 0.0))
    assert [ramp.rate_per_min(at) for at in (0.0, 30.0, 60.0, 90.0, 500.0)] == [60.0, 60.0, 65.0, 70.0, 70.0]
    times = np.arange(0.0, 150.0, 0.01)
    rates = np.array([ramp.rate_per_min(float(at)) for at in times])
    assert ramp.turns(150.0) - ramp.turns(0.0) == pytest.approx(rates.mean() / 60 * 150, abs=0.01)


def test_a_blanket_to_the_neck_hides_the_shirt_and_still_breathes() -> None:
    lens = Lens(noise=0.0, aim="chest", distance_m=1.5)
    made = {name: camera(scenario(lens=lens, looks=Looks(blanket=name))) for name in ("hip", "neck")}
    shirt, blanket = (flat(each.frame(0)) for each in made.values())
    assert np.abs(shirt - blanket).mean() > 2.0
    stack = np.stack([made["neck"].frame(index).y.astype(float) for index in range(0, 120, 10)])
    assert np.ptp(stack, axis=0).max() > 5.0


@pytest.mark.parametrize("place", ["beside-bed", "in-bed", "door"])
def test_a_second_person_is_seen_and_breathes_though_the_first_does_not(place: str) -> None:
    alone = scenario(breathing=BreathingLife(chest_mm=0.0), pulse=PulseLife(strength=0.0))
    both = msgspec.structs.replace(alone, second=Second(place=place, sway_mm=0.0))  # type: ignore[arg-type]
    one, two = camera(alone, 320, 240), camera(both, 320, 240)
    assert np.mean(np.abs(one.frame(0).y.astype(float) - two.frame(0).y) > 10) > 0.003
    frames = np.stack([two.frame(index).y.astype(float) for index in range(0, 90, 15)])
    assert np.ptp(frames, axis=0).max() > 2.0
    assert two.truth_at(0).state == one.truth_at(0).state == "in-bed"


def test_things_move_in_an_empty_room_and_nobody_is_there() -> None:
    for thing in ({"fan": Fan(swing_s=8.0)}, {"curtain": Curtain()}, {"television": Television()}):
        source = camera(scenario(begins="outside", **thing), 320, 240)
        frames = np.stack([source.frame(index).y.astype(float) for index in range(0, 240, 17)])
        moving = np.ptp(frames, axis=0) > 10
        assert 0.002 < moving.mean() < 0.25, thing
        assert source.truth_at(NS_PER_S).box is None and source.truth_at(NS_PER_S).state == "empty"


def test_a_curtain_keeps_to_its_band_and_is_no_clock() -> None:
    source = camera(scenario(begins="outside", curtain=Curtain(sway_hz=0.3, spread=0.4)), 160, 120, fps=5.0)
    frames = np.stack([source.frame(index).y[25:60, 20:70].astype(float).ravel() for index in range(600)])
    power = (np.abs(np.fft.rfft(frames - frames.mean(0), axis=0)) ** 2).sum(1)
    hz = np.fft.rfftfreq(600, 0.2)
    assert power[(hz > 0.22) & (hz < 0.38)].sum() > 0.5 * power[hz < 0.5].sum()
    assert power.max() < 0.5 * power[(hz > 0.22) & (hz < 0.38)].sum()
