"""Breathing in cells: read where it is, withheld where it is not, and never drawn to a usual rate."""

import numpy as np
import pytest

from stillroom.eye.breathing import LONGEST_S, SHORTEST_S, Breathing, own_estimate
from stillroom.eye.evidence import RATE_HZ, Evidence, weigh
from stillroom.eye.quality import quality
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


@pytest.mark.parametrize("per_min", [4.5, 5, 6, 6.5, 7])
def test_slow_breath_is_read_from_a_longer_window(per_min: float) -> None:
    readings = read(tone(per_min, 60, size=2.0))
    values = [r.value for r in readings if r.value is not None]
    assert len(values) >= 7
    assert max(abs(v - per_min) for v in values) < 0.3
    assert all(r.withheld in ("warming-up", "low-signal") for r in readings if r.value is None)


@pytest.mark.parametrize("per_min", [2, 3, 3.5, 46, 60])
def test_rates_outside_the_band_are_withheld(per_min: float) -> None:
    assert all(r.value is None for r in read(tone(per_min, 80, size=2.0)))


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


def swings(phase: np.ndarray, measure: np.ndarray | float = 1.0) -> int:
    """Trusted readings of a room whose cells swing by 2 % (times `measure`) at 15 a minute, each in its phase."""
    random = np.random.default_rng(6)
    breathing = Breathing(CELLS, COLS)
    level = random.uniform(60, 190, CELLS)
    trusted = 0
    for index in range(200):
        swing = 0.02 * measure * np.sin(2 * np.pi * 0.25 * index / RATE_HZ + phase)
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


def test_a_screen_that_swells_and_lights_the_room_is_not_breath() -> None:
    away = np.hypot(*(np.indices((ROWS, COLS)).reshape(2, -1) - np.array([[14], [18]])))
    measure = 1.0 / (1.0 + away / 20.0)
    measure[CHEST] = 20.0
    assert swings(np.zeros(CELLS), measure) == 0
    measure[measure < 20.0] = 0.0
    assert swings(np.zeros(CELLS), measure) > 0, "a screen that lights nothing and swells evenly passes"


def test_breath_is_read_through_steps_of_the_exposure() -> None:
    steps = np.repeat([0.0, 1.0, -0.5], 75)[:, None] * np.ones(CELLS)
    values = [r.value for r in read(tone(20, 45, size=3.0), drift=steps) if r.value is not None]
    assert len(values) >= 5
    assert max(abs(value - 20) for value in values) < 0.5


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
    sums = Sums(ring, 25, 12)
    for index in range(200):
        ring.push(float(index), random.integers(0, 65_281, 7).astype(np.uint16))
        sums.note()
    for which, length in enumerate((25, 12)):
        _, rows = ring.window(length - 1.0, slice(None))
        exact = rows.astype(np.float64)
        variance, step = sums.figures(which)
        steps = np.diff(exact, axis=0) ** 2
        assert np.allclose(variance, exact.var(axis=0), rtol=1e-9)
        assert np.allclose(step, steps.mean(axis=0), rtol=1e-9)
        assert sums.stir(which) == pytest.approx(steps.sum() / (length - 1))


def given(own: float) -> bool:
    return quality("breathing", own) is not None


def test_the_own_estimate_grows_with_windows_that_agree_and_is_never_certain() -> None:
    grown = [own_estimate([0.95] * count, 0.2) for count in range(1, 7)]
    assert given(grown[0])
    assert grown == sorted(grown)
    assert grown[-1] < 0.95
    assert not given(own_estimate([0.6], 0.0)), "one window alone has to be a good one"
    assert not given(own_estimate([0.95] * 6, 4.0)), "windows that say different rates"
    assert not given(own_estimate([0.05, 0.95, 0.95], 0.0))
    assert given(own_estimate([0.05, *[0.95] * 5], 0.0))


def test_a_clip_of_one_window_is_read_at_a_lower_quality() -> None:
    readings = [r for r in read(tone(15, 40)) if r.quality is not None]
    assert readings[0].window_s <= SHORTEST_S + 2
    assert readings[0].quality is not None and readings[-1].quality is not None
    assert readings[0].quality < readings[-1].quality - 0.02


def evidence(samples: np.ndarray) -> Evidence:
    found = weigh(samples.astype(np.float32), np.arange(samples.shape[1], dtype=np.intp), (30, 40))
    assert found is not None
    return found


def one_body(count: int = 48, seed: int = 8) -> tuple[np.ndarray, np.random.Generator]:
    random = np.random.default_rng(seed)
    return tone(15, LONGEST_S)[:, None] * random.normal(0, 1, count), random


def test_one_body_in_noise_is_worth_much_and_more_noise_makes_it_worth_less() -> None:
    body, random = one_body()
    noise = random.normal(0, 1, body.shape)
    worths = [evidence(body + size * noise).worth for size in (0.1, 3.0, 8.0)]
    assert worths[0] > 0.9
    assert worths == sorted(worths, reverse=True)
    assert worths[2] < 0.3


def test_a_body_whose_parts_lag_behind_one_another_is_one_body() -> None:
    """Belly before chest, by a seventh of the cycle, as in many who lie."""
    body, random = one_body()
    late = tone(15, LONGEST_S + 0.6)[3:, None] * random.normal(0, 1, 24)
    body[:, :24] = late
    found = evidence(body + random.normal(0, 0.2, body.shape))
    assert found.worth > 0.8
    assert found.standing < 0.9


def wandering(folds: int, cells: int, low_hz: float, high_hz: float, seed: int) -> np.ndarray:
    """Folds that sway evenly, each by waves of its own in one narrow band."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(LONGEST_S * RATE_HZ))[:, None, None] / RATE_HZ
    hz, turn = random.uniform(low_hz, high_hz, (folds, 5)), random.uniform(0, 2 * np.pi, (folds, 5))
    own = np.sin(2 * np.pi * hz * time_s + turn).sum(axis=2)
    return np.repeat(own, cells // folds, axis=1) * random.normal(0, 1, cells // folds * folds)


def test_folds_that_wander_apart_are_no_body() -> None:
    worths = [evidence(wandering(8, 48, 0.24, 0.36, seed)).worth for seed in range(12)]
    assert not given(max(worths))
    assert np.median(worths) < 0.01


def test_a_second_rate_in_cells_of_its_own_is_a_rival() -> None:
    body, random = one_body()
    other = 0.8 * tone(22, LONGEST_S)[:, None] * random.normal(0, 1, 24)
    alone, both = evidence(body), evidence(np.concatenate([body, other], axis=1))
    assert alone.rival == 0.0
    assert alone.worth > 0.9
    assert both.rival > 0.3
    assert not given(both.worth)


def test_a_stripe_that_passes_to_and_fro_is_no_rival() -> None:
    """Cells that a stripe passes twice a breath show twice its rate."""
    body, random = one_body()
    twice = tone(30, LONGEST_S)[:, None] * random.normal(0, 0.4, 16)
    assert evidence(np.concatenate([body, twice], axis=1)).rival == 0.0


def test_a_peak_that_is_only_the_sum_of_cells_without_one_is_worth_nothing() -> None:
    """What a screen's cells show: each its own changes, and all of them a little of one swell."""
    random = np.random.default_rng(9)
    own = np.cumsum(random.normal(0, 0.5, (150, 48)), axis=0)
    found = evidence(0.4 * tone(15, LONGEST_S)[:, None] + own)
    assert found.own < 0.4
    assert found.worth < 0.1


def test_after_windows_that_failed_one_good_window_is_not_enough() -> None:
    """Breath, then cells that each go their own way, then breath again."""
    random = np.random.default_rng(3)
    breathing = Breathing(CELLS, COLS)
    measure, level = np.zeros(CELLS), np.full(CELLS, 100.0)
    measure[CHEST] = random.normal(0, 1, len(CHEST))
    given: list[float] = []
    for index, value in enumerate(tone(15, 110)):
        if 200 <= index < 260:
            level[CHEST] += random.normal(0, 3.0, len(CHEST))
        luma = (level + measure * value + random.normal(0, 0.15, CELLS)).astype(np.float32)
        breathing.feed(Fifth(index / RATE_HZ, luma, luma, luma, luma, 6))
        if index % 10 == 9:
            given.append(breathing.read().quality or 0.0)
            found = breathing.evidence
            assert found is not None or index < SHORTEST_S * RATE_HZ
            if given[-1]:
                assert found is not None and found.worth > 0.1
    assert given[19] > 0.7
    again = next(k for k in range(26, len(given)) if given[k])
    assert given[25] == 0.0
    assert given[again] < given[-1] - 0.1
