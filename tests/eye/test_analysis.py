"""From frames to Observations, on small made-up scenes and on recordings of people."""

import gc
import tracemalloc

import msgspec
import numpy as np
import pytest
from scenes import FULL, HEIGHT, SKIN_BOX, WIDTH, Scene, frames, watch

from stillroom.eye.analysis import Analysis
from stillroom.eye.frame import Frame
from stillroom.observation import Box, Observation


def values(observations: list[Observation], name: str) -> list[float]:
    readings = [getattr(o, name) for o in observations]
    return [r.value for r in readings if r.value is not None]


def test_an_observation_comes_at_most_five_times_a_second_and_is_valid_on_the_wire() -> None:
    observations = watch(Scene(breaths_per_min=15, pulse_bpm=66), 4)
    assert 15 <= len(observations) <= 20
    for observation in observations:
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(observation), type=Observation) == observation


def test_breathing_and_pulse_of_a_scene_are_read() -> None:
    observations = watch(Scene(breaths_per_min=18, pulse_bpm=72), 30)
    assert np.median(values(observations, "breathing")) == pytest.approx(18, abs=0.7)
    assert np.median(values(observations, "pulse")) == pytest.approx(72, abs=2)
    box = observations[-1].breathing_box
    assert box is not None
    assert 0.2 < box.x0 < box.x1 < 0.85 and 0.4 < box.y0 < box.y1 <= 1


@pytest.mark.parametrize("frames_per_s", [10.0, 15.0, 24.0, 25.0, 50.0, 60.0])
def test_the_pace_of_the_camera_does_not_matter(frames_per_s: float) -> None:
    scene = Scene(breaths_per_min=20, pulse_bpm=105, frames_per_s=frames_per_s)
    observations = watch(scene, 26, region=SKIN_BOX)
    pulses = values(observations, "pulse")
    assert len(pulses) > 30
    assert max(abs(p - 105) for p in pulses) < 2.5
    assert np.median(values(watch(scene, 26), "breathing")) == pytest.approx(20, abs=0.7)


def test_jitter_and_dropped_frames_do_not_matter_and_are_counted() -> None:
    random = np.random.default_rng(5)
    analysis = Analysis(WIDTH, HEIGHT, region=SKIN_BOX)
    seen = []
    for frame in frames(Scene(pulse_bpm=90, frames_per_s=30.0), 24):
        if random.random() < 0.1:
            continue
        jitter_ns = round(random.normal(0, 2e6)) + 50_000_000
        seen.append(analysis.feed(Frame(frame.y, frame.u, frame.v, frame.frame_ns + jitter_ns), 0))
    observations = [o for o in seen if o is not None]
    pulses = values(observations, "pulse")
    assert len(pulses) > 30 and max(abs(p - 90) for p in pulses) < 2.5
    assert 40 < observations[-1].frames_dropped < 110
    assert observations[-1].frames_per_s == pytest.approx(30, rel=0.1)


def test_the_region_alone_is_read() -> None:
    observations = watch(Scene(breaths_per_min=18, pulse_bpm=72), 26, region=SKIN_BOX)
    assert values(observations, "breathing") == []
    assert np.median(values(observations, "pulse")) == pytest.approx(72, abs=2)


def test_without_a_region_the_place_is_found() -> None:
    observations = watch(Scene(breaths_per_min=15, pulse_bpm=80), 48, region=None)
    assert np.median(values(observations, "breathing")) == pytest.approx(15, abs=0.7)
    assert np.median(values(observations, "pulse")) == pytest.approx(80, abs=2)


def test_where_nobody_knows_the_room_the_pulse_comes_after_one_window() -> None:
    """No region, no empty room, no breathing box yet: cells are chosen anywhere, and others confirm them at once."""
    observations = watch(Scene(pulse_bpm=80), 14, region=None)
    first = next(o for o in observations if o.pulse.value is not None)
    assert first.frame_ns < 12e9
    assert all(abs(value - 80) < 3 for value in values(observations, "pulse"))


def test_a_still_scene_is_withheld_with_a_reason() -> None:
    observations = watch(Scene(noise=3.0), 40, region=None)
    assert values(observations, "breathing") == [] and values(observations, "pulse") == []
    assert observations[-1].breathing.withheld == "low-signal"
    assert observations[-1].pulse.withheld == "low-signal"
    assert observations[2].breathing.withheld == "warming-up"


def test_what_is_not_allowed_is_not_computed() -> None:
    analysis = Analysis(WIDTH, HEIGHT, region=FULL)
    analysis.allow(breathing=False, pulse=False)
    seen = [analysis.feed(frame, 0) for frame in frames(Scene(pulse_bpm=70), 12)]
    last = [o for o in seen if o is not None][-1]
    assert last.breathing.withheld == last.pulse.withheld == "unsupported"


def test_a_private_zone_is_never_read() -> None:
    everything = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    analysis = Analysis(WIDTH, HEIGHT, private=(everything,), region=FULL)
    seen = [analysis.feed(frame, 0) for frame in frames(Scene(breaths_per_min=15, pulse_bpm=70), 25)]
    observations = [o for o in seen if o is not None]
    assert values(observations, "breathing") == [] and values(observations, "pulse") == []
    assert all(o.motion == 0 and o.luma_mean == 0 for o in observations)


def test_darkness_is_said() -> None:
    observations = watch(Scene(pulse_bpm=70, noise=1.0, luma=lambda at_s: 0.02), 12)
    assert observations[-1].dark
    assert observations[-1].pulse.withheld == "dark"


def test_a_lamp_is_a_change_of_light_and_readings_begin_anew() -> None:
    scene = Scene(pulse_bpm=70, luma=lambda at_s: 1.0 if at_s < 16 else 0.6)
    observations = watch(scene, 24, region=SKIN_BOX)
    assert any(o.light_changed for o in observations)
    before = [o for o in observations if o.frame_ns < 15.5e9]
    after = [o for o in observations if o.frame_ns > 18e9]
    assert values(before, "pulse")
    assert after[0].pulse.withheld == "warming-up"


def test_a_person_is_a_blob_once_the_empty_room_is_known() -> None:
    analysis = Analysis(WIDTH, HEIGHT)
    analysis.room_is_empty(True)
    seen: list[Observation] = []
    for frame in frames(Scene(), 10):
        y = frame.y.copy()
        if frame.frame_ns > 6e9:
            analysis.room_is_empty(False)
            y[32:96, 16:48] = 20
        observation = analysis.feed(Frame(y, frame.u, frame.v, frame.frame_ns), 0)
        if observation is not None:
            seen.append(observation)
    empty = [o for o in seen if 4e9 < o.frame_ns < 5.8e9]
    assert all(o.background == "learned" and o.blobs == () for o in empty)
    blob = seen[-1].blobs[0]
    assert (blob.box.x0, blob.box.y0, blob.box.x1, blob.box.y1) == pytest.approx(
        (0.1, 0.25, 0.3, 0.75), abs=0.1
    )
    entering = next(o for o in seen if o.motion > 0.05)
    assert entering.motion_box is not None


@pytest.mark.parametrize("step_s", [-5.0, 8.0])
def test_time_that_jumps_begins_anew(step_s: float) -> None:
    analysis = Analysis(WIDTH, HEIGHT, region=SKIN_BOX)
    reasons = []
    for frame in frames(Scene(pulse_bpm=70), 22):
        shift_ns = 10_000_000_000 + (round(step_s * 1e9) if frame.frame_ns > 12e9 else 0)
        observation = analysis.feed(Frame(frame.y, frame.u, frame.v, frame.frame_ns + shift_ns), 0)
        if observation is not None:
            reasons.append((frame.frame_ns, observation.pulse.withheld))
    assert any(reason is None for at_ns, reason in reasons if 10e9 < at_ns < 12e9)
    assert all(reason == "warming-up" for at_ns, reason in reasons if 14e9 < at_ns < 19e9)


def test_too_few_frames_for_a_pulse_are_unsupported() -> None:
    observations = watch(Scene(pulse_bpm=70, frames_per_s=5.0), 20)
    assert observations[-1].pulse.withheld == "unsupported"


def test_a_replay_says_the_same() -> None:
    scene = Scene(breaths_per_min=15, pulse_bpm=70)
    assert watch(scene, 12) == watch(scene, 12)


def test_nothing_grows_over_time() -> None:
    analysis = Analysis(64, 48)
    random = np.random.default_rng(0)
    planes = [random.integers(80, 120, (48, 64), dtype=np.uint8) for _ in range(5)]
    colour = np.full((24, 32), 128, np.uint8)

    def run(first: int, count: int) -> None:
        for index in range(first, first + count):
            analysis.feed(Frame(planes[index % 5], colour, colour, index * 33_333_333), 0)

    tracemalloc.start()
    try:
        run(0, 1500)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        run(1500, 3000)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 64 * 1024
    finally:
        tracemalloc.stop()


def test_a_region_of_an_odd_shape_is_safe() -> None:
    analysis = Analysis(WIDTH, HEIGHT, region=Box(0.9, 0.9, 0.91, 0.91))
    seen = [analysis.feed(frame, 0) for frame in frames(Scene(pulse_bpm=70), 12)]
    last = [o for o in seen if o is not None][-1]
    assert last.pulse.withheld is not None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("region", [None, FULL])
@pytest.mark.parametrize("kind", ["black", "white", "static", "hash"])
@pytest.mark.parametrize(("width", "height"), [(16, 16), (16, 400), (176, 144)])
def test_pictures_of_nothing_are_withheld_without_a_warning(
    kind: str, width: int, height: int, region: Box | None
) -> None:
    random = np.random.default_rng(1)
    analysis = Analysis(width, height, region=region)
    analysis.room_is_empty(True)
    flat = {"black": 0, "white": 255, "static": 90}
    colour = np.full((height // 2, width // 2), 128, np.uint8)
    reasons = set()
    for index in range(15 * 35):
        y = (
            np.full((height, width), flat[kind], np.uint8)
            if kind in flat
            else random.integers(0, 256, (height, width), dtype=np.uint8)
        )
        observation = analysis.feed(Frame(y, colour, colour, round(index * 1e9 / 15)), 0)
        if observation is not None:
            assert observation.breathing.value is None and observation.pulse.value is None
            reasons = {observation.breathing.withheld, observation.pulse.withheld}
    assert reasons <= {"black": {"dark"}, "white": {"clipped"}}.get(kind, {"low-signal", "warming-up"})


@pytest.mark.parametrize("region", [SKIN_BOX, None])
def test_exchanged_colours_are_a_reason_and_not_a_number(region: Box | None) -> None:
    """U and V exchanged (a wrong order of planes): skin is bluer than red then, which none is."""
    analysis = Analysis(WIDTH, HEIGHT, region=region)
    seen = [
        analysis.feed(Frame(f.y, f.v, f.u, f.frame_ns), 0) for f in frames(Scene(pulse_bpm=72, noise=1.0), 24)
    ]
    assert {o.pulse.withheld for o in seen if o is not None} <= {"warming-up", "low-signal"}


def test_time_that_goes_back_begins_anew() -> None:
    analysis = Analysis(WIDTH, HEIGHT, region=SKIN_BOX)
    shown = list(frames(Scene(pulse_bpm=72), 22))
    back_ns = 8_000_000_000
    seen = [
        analysis.feed(Frame(f.y, f.u, f.v, f.frame_ns - (back_ns if k >= 330 else 0)), 0)
        for k, f in enumerate(shown)
    ]
    assert [o.pulse.value for o in seen[:330] if o is not None][-1] == pytest.approx(72, abs=2)
    after = [o for o in seen[330:] if o is not None]
    assert all(o.pulse.withheld == "warming-up" for o in after[:40])
