"""Breathing in cells: read where it is, withheld where it is not, and never drawn to a usual rate."""

import numpy as np
import pytest

from stillroom.eye.breathing import LONGEST_S, RATE_HZ, SHORTEST_S, Breathing, quality_of, weigh
from stillroom.eye.sums import Sums
from stillroom.eye.traces import Fifth, Ring
from stillroom.observation import Reading

ROWS, COLS = 30, 40
CELLS = ROWS * COLS
CHEST = np.arange(CELLS).reshape(ROWS, COLS)[10:18, 12:24].ravel()


def read(
    breath: np.ndarray, noise: float = 0.15, seed: int = 0, drift: np.ndarray | None = None
) -> list[Reading]:
    """Readings every two seconds of a room in which the chest's cells follow `breath` (n,), each in its own measure."""
    random = np.random.default_rng(seed)
    breathing = Breathing(CELLS, COLS)
    level = random.uniform(60, 190, CELLS)
    measure = np.zeros(CELLS)
    measure[CHEST] = random.normal(0, 1, len(CHEST))
    readings = []
    for index, value in enumerate(breath):
        luma = level + measure * value + random.normal(0, noise, CELLS)
        if drift is not None:
            luma = luma + drift[index]
        flat = luma.astype(np.float32)
        breathing.feed(Fifth(index / RATE_HZ, flat, flat, flat, flat, 6))
        if index % 10 == 9:
            readings.append(breathing.read())
    return readings


def tone(per_min: float, seconds: float, size: float = 1.0) -> np.ndarray:
    return size * np.sin(2 * np.pi * per_min / 60 * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)


@pytest.mark.parametrize("per_min", [8, 10, 12, 15, 18, 25, 32, 38])
def test_a_rate_is_read_whatever_it_is(per_min: float) -> None:
    values = [r.value for r in read(tone(per_min, 45)) if r.value is not None]
    assert len(values) >= 10
    assert max(abs(v - per_min) for v in values) < 0.5


def test_the_first_reading_comes_within_thirty_five_seconds_and_not_at_once() -> None:
    readings = read(tone(15, 40))
    first_s = 2 * (next(i for i, r in enumerate(readings) if r.value is not None) + 1)
    assert SHORTEST_S < first_s <= 35
    assert all(r.withheld == "warming-up" for r in readings[: int(SHORTEST_S) // 2 - 1])


@pytest.mark.parametrize("per_min", [3, 5, 46, 60])
def test_rates_outside_the_band_are_withheld(per_min: float) -> None:
    assert all(r.value is None for r in read(tone(per_min, 50, size=2.0)))


def test_noise_is_withheld_in_an_empty_room() -> None:
    trusted = 0
    for seed in range(6):
        trusted += sum(r.value is not None for r in read(np.zeros(400), seed=seed))
    assert trusted == 0


def test_drift_of_the_light_is_withheld() -> None:
    random = np.random.default_rng(5)
    trusted = 0
    for _ in range(6):
        walk = np.cumsum(random.normal(0, 0.15, (400, CELLS // 20)), axis=0)
        trusted += sum(r.value is not None for r in read(np.zeros(400), drift=np.repeat(walk, 20, axis=1)))
    assert trusted <= 2


def swings(phase: np.ndarray) -> int:
    """Trusted readings of a room whose cells all swing by two per cent at 15 a minute, each in its phase."""
    random = np.random.default_rng(6)
    breathing = Breathing(CELLS, COLS)
    level = random.uniform(60, 190, CELLS)
    trusted = 0
    for index in range(200):
        swing = 0.02 * np.sin(2 * np.pi * 0.25 * index / RATE_HZ + phase)
        luma = (level * (1 + swing) + random.normal(0, 0.15, CELLS)).astype(np.float32)
        breathing.feed(Fifth(index / RATE_HZ, luma, luma, luma, luma, 6))
        trusted += index % 10 == 9 and breathing.read().value is not None
    return trusted


def test_light_that_swings_is_not_breath() -> None:
    """Mains flicker aliased into the band; with a rolling shutter it shows as bands, here still and moving ones."""
    down = np.arange(CELLS) // COLS / ROWS
    assert swings(np.zeros(CELLS)) == 0
    assert swings(np.pi * (down > 0.5)) == 0
    assert swings(2 * np.pi * 3 * down) == 0


def test_a_wave_that_travels_is_not_breath() -> None:
    turn = np.linspace(0, 2 * np.pi, len(CHEST))
    random = np.random.default_rng(7)
    breathing = Breathing(CELLS, COLS)
    for index in range(200):
        luma = np.full(CELLS, 100.0) + random.normal(0, 0.15, CELLS)
        luma[CHEST] += 3 * np.sin(2 * np.pi * 0.25 * index / RATE_HZ + turn)
        flat = luma.astype(np.float32)
        breathing.feed(Fifth(index / RATE_HZ, flat, flat, flat, flat, 6))
        if index % 10 == 9:
            assert breathing.read().value is None


def test_silence_after_breathing_is_low_signal_never_the_last_rate() -> None:
    breath = np.concatenate([tone(15, 40), np.zeros(200)])
    readings = read(breath)
    assert readings[19].value is not None
    assert all(r.withheld == "low-signal" for r in readings[-4:])
    assert all(r.value is None for r in readings[-12:])


def test_a_rate_that_jumps_is_not_averaged() -> None:
    breath = np.concatenate([tone(12, 40), tone(30, 40)])
    for index, reading in enumerate(read(breath)):
        if reading.value is not None:
            assert abs(reading.value - 12) < 2 or abs(reading.value - 30) < 2, index


def test_a_burst_of_motion_before_stillness_does_not_cost_a_whole_window() -> None:
    readings = read(np.concatenate([tone(9, 8, size=40), tone(15, 45)]))
    first_s = 2 * (next(i for i, r in enumerate(readings) if r.value is not None) + 1)
    assert first_s <= 8 + 30
    assert any(r.withheld == "motion" for r in readings)


def test_nothing_allowed_is_nothing_read() -> None:
    breathing = Breathing(CELLS, COLS)
    for index, value in enumerate(tone(15, 30)):
        luma = np.full(CELLS, 100 + 5 * value, np.float32)
        breathing.feed(Fifth(index / RATE_HZ, luma, luma, luma, luma, 6))
    assert breathing.read(np.zeros(CELLS, bool)).withheld == "low-signal"


def test_restart_is_warming_up_again() -> None:
    breathing = Breathing(CELLS, COLS)
    for index in range(160):
        luma = np.full(CELLS, 100.0, np.float32)
        breathing.feed(Fifth(index / RATE_HZ, luma, luma, luma, luma, 6))
    assert breathing.read().withheld == "low-signal"
    breathing.restart()
    assert breathing.read().withheld == "warming-up"


def test_running_sums_are_those_of_the_window_for_ever() -> None:
    random = np.random.default_rng(4)
    ring = Ring(40, 7, np.uint16)
    sums = Sums(25, 7)
    for index in range(200):
        ring.push(float(index), random.integers(0, 65_281, 7).astype(np.uint16))
        sums.feed(ring)
    _, rows = ring.window(24.0, slice(None))
    exact = rows.astype(np.float64)
    variance, step = sums.figures()
    assert np.allclose(variance, exact.var(axis=0), rtol=1e-9)
    assert np.allclose(step, (np.diff(exact, axis=0) ** 2).mean(axis=0), rtol=1e-9)


def test_quality_grows_with_the_evidence_and_stays_a_probability() -> None:
    cells = np.arange(40, dtype=np.intp)
    random = np.random.default_rng(1)
    samples = int(LONGEST_S * RATE_HZ)
    clean = (tone(15, LONGEST_S)[:, None] * random.normal(0, 1, 40)).astype(np.float32)
    noisy = clean + random.normal(0, 1.5, (samples, 40)).astype(np.float32)
    strong, weak = weigh(clean, cells, 10), weigh(noisy, cells, 10)
    assert strong is not None and weak is not None
    assert 0.5 <= quality_of(weak, 0.5, 3) < quality_of(strong, 0.1, 10) < 1
