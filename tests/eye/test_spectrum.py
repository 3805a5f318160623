"""Spectra by one matrix: frequencies found, drift gone, peaks judged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillroom.eye.spectrum import basis, decibels, find_peak, resample

RATE_HZ, SAMPLES = 5.0, 150


def wave(hz: float, samples: int = SAMPLES) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(samples) / RATE_HZ).astype(np.float32)[:, None]


@settings(deadline=None, max_examples=40)
@given(st.floats(0.14, 0.65), st.floats(-3, 3))
def test_a_tone_is_found_to_a_hundredth_of_a_hertz_whatever_the_drift(hz: float, drift: float) -> None:
    transform = basis(SAMPLES, RATE_HZ, 0.1, 0.7, 0.01, 2)
    ramp = drift * np.linspace(-1, 1, SAMPLES)[:, None]
    power = np.abs(transform((wave(hz) + ramp + ramp**2).astype(np.float32))[:, 0]) ** 2
    peak = find_peak(transform.hz, power, 0.07)
    assert peak is not None
    assert peak.hz == pytest.approx(hz, abs=0.01)
    assert peak.share > 0.9


def test_one_frequency_alone_is_that_of_the_whole() -> None:
    transform = basis(SAMPLES, RATE_HZ, 0.1, 0.7, 0.01, 2)
    samples = np.random.default_rng(0).normal(0, 1, (SAMPLES, 3)).astype(np.float32)
    index = int(np.argmin(np.abs(transform.hz - 0.33)))
    assert np.allclose(transform.at(0.331, samples), transform(samples)[index], rtol=1e-4)


def test_a_tone_outside_the_band_shows_as_a_peak_at_its_edge() -> None:
    transform = basis(SAMPLES, RATE_HZ, 0.1, 0.7, 0.01, 1)
    for hz in (0.085, 0.71):
        power = np.abs(transform(wave(hz))[:, 0]) ** 2
        peak = find_peak(transform.hz, power, 0.07)
        assert peak is not None and peak.at_edge


def test_two_tones_alike_leave_a_second_peak_and_little_share() -> None:
    transform = basis(SAMPLES, RATE_HZ, 0.1, 0.7, 0.01, 1)
    power = np.abs(transform(wave(0.25) + wave(0.5))[:, 0]) ** 2
    peak = find_peak(transform.hz, power, 0.07)
    assert peak is not None
    assert peak.second > 0.8
    assert peak.share < 0.6


def test_no_power_is_no_peak() -> None:
    hz = np.arange(0.1, 0.7, 0.01)
    assert find_peak(hz, np.zeros(len(hz)), 0.05) is None
    assert find_peak(hz, -np.ones(len(hz)), 0.05) is None


def test_negative_cross_power_counts_against_the_share() -> None:
    hz = np.arange(0.1, 0.7, 0.01)
    power = np.zeros(len(hz))
    power[20] = 1.0
    clean = find_peak(hz, power, 0.03)
    power[40] = -1.0
    torn = find_peak(hz, power, 0.03)
    assert clean is not None and torn is not None
    assert torn.share == pytest.approx(clean.share / 2)


def test_uneven_times_are_put_on_even_ones_that_end_with_the_last() -> None:
    random = np.random.default_rng(3)
    times = np.sort(random.uniform(0, 30, 400))
    rows = (2 * times)[:, None].astype(np.float32)
    even = resample(times, rows, RATE_HZ, 100)
    wanted = 2 * (times[-1] - np.arange(99, -1, -1) / RATE_HZ)
    assert even.shape == (100, 1)
    assert np.allclose(even[:, 0], wanted, atol=1e-4)


def test_decibels_of_half_the_power_are_none() -> None:
    assert decibels(0.5) == pytest.approx(0.0)
    assert decibels(10 / 11) == pytest.approx(10.0, abs=0.01)
