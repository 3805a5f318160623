"""The ridge: certain where power lies along one path, uncertain where it lies nowhere, whatever the rate."""

import numpy as np
import pytest

from stillroom.eye.noise import NoiseFloor
from stillroom.eye.ridge import Ridge, Track

HZ = np.arange(0.5, 3.3 + 0.01, 0.02)


def fed(rates_hz: list[float | None], strength: float = 12.0, seed: int = 1, gap_s: float = 1.0) -> Track:
    """A segment a second of exponential noise; a lobe of `strength` where there is a rate."""
    random = np.random.default_rng(seed)
    ridge = Ridge(HZ, 21.0)
    for index, rate in enumerate(rates_hz):
        power = random.exponential(1.0, len(HZ))
        if rate is not None:
            power += strength * np.exp(-0.5 * ((HZ - rate) / 0.05) ** 2)
        ridge.feed(index * gap_s, power.astype(np.float32))
    track = ridge.read()
    assert track is not None
    return track


@pytest.mark.parametrize("hz", [0.72, 0.9, 1.2, 1.7, 2.3, 2.95])
def test_a_steady_rate_is_certain_whatever_it_is(hz: float) -> None:
    track = fed([hz] * 22)
    assert track.hz == pytest.approx(hz, abs=0.01)
    assert track.certainty > 0.9 and track.spread_hz < 0.05


def test_noise_alone_is_not_certain() -> None:
    assert max(fed([None] * 22, seed=seed).certainty for seed in range(40)) < 0.65


def test_a_drifting_rate_is_followed_and_its_mean_is_said() -> None:
    rates = list(np.linspace(1.2, 1.4, 22))
    track = fed([float(rate) for rate in rates])
    assert track.hz == pytest.approx(1.3, abs=0.02) and track.certainty > 0.8
    assert 0.03 < track.spread_hz < 0.25


def test_a_new_rate_far_away_is_taken_after_some_seconds() -> None:
    assert fed([1.0] * 22 + [1.8] * 22).hz == pytest.approx(1.8, abs=0.02)
    assert fed([1.0] * 22 + [1.8] * 2).hz < 1.2


def test_rates_that_hop_are_not_certain() -> None:
    random = np.random.default_rng(3)
    assert fed([float(rate) for rate in random.uniform(0.7, 3.0, 22)]).certainty < 0.65


def test_what_is_older_than_the_window_does_not_count_in_the_mean() -> None:
    assert fed([1.0] * 5 + [1.02] * 40).hz == pytest.approx(1.02, abs=0.005)


def test_gaps_are_as_if_time_had_gone_on() -> None:
    assert fed([1.5] * 5, gap_s=5.0).hz == pytest.approx(1.5, abs=0.02)


def test_no_segment_is_no_track_and_restart_forgets() -> None:
    ridge = Ridge(HZ, 21.0)
    assert ridge.read() is None
    ridge.feed(0.0, np.ones(len(HZ), np.float32))
    assert ridge.read() is not None
    ridge.restart()
    assert ridge.read() is None


def test_no_power_at_all_says_nothing() -> None:
    ridge = Ridge(HZ, 21.0)
    for second in range(22):
        ridge.feed(float(second), np.zeros(len(HZ), np.float32))
    track = ridge.read()
    assert track is not None and track.certainty < 0.2


@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
def test_the_floor_lies_under_a_peak_and_along_the_noise(slope: float) -> None:
    random = np.random.default_rng(5)
    floor, ratios = NoiseFloor(HZ), []
    for _ in range(60):
        noise = HZ**-slope * random.exponential(1.0, len(HZ))
        power = (noise + 40 * np.exp(-0.5 * ((HZ - 1.3) / 0.05) ** 2)).astype(np.float32)
        ratios.append(power / floor.feed(power))
    mean = np.mean(ratios[15:], axis=0)
    assert mean[np.argmin(abs(HZ - 1.3))] > 15
    assert mean[HZ < 0.9].mean() == pytest.approx(mean[HZ > 1.8].mean(), rel=0.5)


def test_a_burst_drowns_in_its_own_floor() -> None:
    random = np.random.default_rng(6)
    floor = NoiseFloor(HZ)
    for _ in range(20):
        floor.feed(random.exponential(1.0, len(HZ)).astype(np.float32))
    burst = (1000 * random.exponential(1.0, len(HZ))).astype(np.float32)
    assert np.median(burst / floor.feed(burst)) == pytest.approx(0.693, abs=0.1)
