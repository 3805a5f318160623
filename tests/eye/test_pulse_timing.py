"""How soon the pulse is read, how far behind a ramp it is, how long a burst of motion costs. `-s` prints them."""

import numpy as np

from stillroom.eye.pulse import Pulse

RATE_HZ = 15.0
WINDOW = round(9.2 * RATE_HZ)
SKIN = np.array([150.0, 112.0, 96.0])
BLOOD = np.array([0.33, 0.77, 0.53])


def read(bpm: np.ndarray, burst: slice = slice(0, 0)) -> list[tuple[float, float | None]]:
    """(seconds, reading) once a second; bpm: (n,) at 15 Hz; colours of skin with noise, large in the burst."""
    random = np.random.default_rng(3)
    beat = 0.004 * np.sin(2 * np.pi * np.cumsum(bpm) / 60 / RATE_HZ)
    colours = (SKIN[:, None] * (1 + BLOOD[:, None] * beat))[..., None] + random.normal(
        0, 0.1, (3, len(bpm), 2)
    )
    colours[:, burst] += random.normal(0, 15, colours[:, burst].shape[:2])[..., None]
    times, pulse, said = np.arange(len(bpm)) / RATE_HZ, Pulse(), []
    for end in range(WINDOW, len(bpm) + 1, round(RATE_HZ)):
        part = slice(end - WINDOW, end)
        pulse.feed(times[part], colours[:, part].astype(np.float32), np.ones(WINDOW, np.float32), RATE_HZ)
        said.append((float(times[end - 1]), pulse.read().value))
    return said


def test_first_reading_of_a_known_place() -> None:
    first_s = next(at_s for at_s, value in read(np.full(600, 66.0)) if value is not None)
    print(f"\nfirst reading of a known place: {first_s:.1f} s")
    assert first_s <= 12


def test_lag_behind_a_ramp_of_ten_a_minute() -> None:
    """The reading is the mean of its thirty seconds: half of them behind."""
    bpm = 60 + 10 / 60 * np.arange(round(120 * RATE_HZ)) / RATE_HZ
    behind = [
        bpm[round(at_s * RATE_HZ)] - value for at_s, value in read(bpm) if value is not None and at_s > 45
    ]
    print(f"\nbehind a ramp of 10 bpm a minute: {np.mean(behind):.1f} bpm, {np.mean(behind) / 10 * 60:.0f} s")
    assert len(behind) > 60 and 1.5 < np.mean(behind) < 3.5


def test_recovery_after_a_burst_of_motion() -> None:
    """Two seconds of motion in which no pulse can be seen, at 60 s."""
    bpm = np.full(round(120 * RATE_HZ), 66.0)
    said = read(bpm, slice(round(60 * RATE_HZ), round(62 * RATE_HZ)))
    lost = [at_s for at_s, value in said if at_s > 60 and value is None]
    wrong = [value for _, value in said if value is not None and abs(value - 66) > 3]
    print(f"\nwithout a reading after 2 s of motion: {len(lost)} s, wrong readings: {len(wrong)}")
    assert not wrong and len(lost) <= 12
