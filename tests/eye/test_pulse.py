"""Pulse from two colours: read, withheld on noise and on what is not blood, checked on traces of real people."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stillroom.eye.pulse import SEGMENT_S, Pulse, one_colour, pos, rgb
from stillroom.observation import Reading

RATE_HZ = 15.0
WINDOW = round((SEGMENT_S + 0.2) * RATE_HZ)
SKIN = np.array([150.0, 112.0, 96.0])
BLOOD = np.array([0.33, 0.77, 0.53])


def read(colours: np.ndarray, stir: np.ndarray | None = None) -> list[Reading]:
    """Readings once a second of (3, n, 2) colours and (n,) stir at 15 Hz."""
    pulse = Pulse()
    times = np.arange(colours.shape[1]) / RATE_HZ
    readings = []
    for end in range(WINDOW, colours.shape[1] + 1, round(RATE_HZ)):
        part = slice(end - WINDOW, end)
        still = np.ones(WINDOW, np.float32) if stir is None else stir[part].astype(np.float32)
        pulse.feed(times[part], colours[:, part].astype(np.float32), still, RATE_HZ)
        readings.append(pulse.read())
    return readings


def skin(seconds: float, bpm: float, share: float = 0.004, noise: float = 0.05, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    count = round(seconds * RATE_HZ)
    beat = share * np.sin(2 * np.pi * bpm / 60 * np.arange(count) / RATE_HZ)
    clean = SKIN[:, None] * (1 + BLOOD[:, None] * beat)
    return clean[..., None] + random.normal(0, noise, (3, count, 2))


@pytest.mark.parametrize("bpm", [48, 53, 66, 84, 110, 140, 170])
def test_a_rate_is_read_whatever_it_is_from_the_first_ten_seconds(bpm: float) -> None:
    readings = read(skin(14, bpm))
    assert readings[0].value is not None
    assert all(abs((r.value or 0) - bpm) < 2 for r in readings)
    assert all(0.5 <= (r.quality or 0) < 1 for r in readings)


@pytest.mark.parametrize("bpm", [30, 200])
def test_rates_outside_the_band_are_withheld(bpm: float) -> None:
    assert all(r.value is None for r in read(skin(20, bpm)))


def test_light_that_flickers_in_the_band_is_not_a_pulse() -> None:
    random = np.random.default_rng(1)
    count = round(30 * RATE_HZ)
    flicker = 1 + 0.02 * np.sin(2 * np.pi * 1.2 * np.arange(count) / RATE_HZ)
    colours = (SKIN[:, None] * flicker)[..., None] + random.normal(0, 0.05, (3, count, 2))
    assert all(r.value is None for r in read(colours))


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_noise_that_both_sides_share_is_withheld(slope: float) -> None:
    """White noise, and the redder kinds that motion and drift make."""
    trusted = windows = 0
    for seed in range(6):
        random = np.random.default_rng(seed)
        count = round(60 * RATE_HZ)
        bins = count // 2 + 1
        spectrum = random.normal(size=(3, bins)) + 1j * random.normal(size=(3, bins))
        common = np.fft.irfft(spectrum / np.maximum(np.arange(bins), 1) ** slope, count)
        common *= 0.6 / common.std(axis=1, keepdims=True)
        colours = SKIN[:, None, None] + common[..., None] + random.normal(0, 0.05, (3, count, 2))
        readings = read(colours)
        trusted += sum(r.value is not None for r in readings)
        windows += len(readings)
    assert trusted <= 0.02 * windows


def test_noise_of_each_side_alone_is_withheld() -> None:
    random = np.random.default_rng(8)
    colours = SKIN[:, None, None] + random.normal(0, 0.5, (3, round(90 * RATE_HZ), 2))
    assert all(r.value is None for r in read(colours))


def test_a_pulse_of_one_side_alone_is_withheld() -> None:
    random = np.random.default_rng(8)
    colours = skin(40, 72, noise=0.2)
    colours[..., 1] = SKIN[:, None] + random.normal(0, 0.2, colours.shape[:2])
    assert sum(r.value is not None for r in read(colours)) == 0


def test_colour_that_follows_the_light_is_not_blood() -> None:
    """A lamp's swing leaks into the colours by a few per cent (quantisation, white balance)."""
    random = np.random.default_rng(1)
    count = round(30 * RATE_HZ)
    swing = 0.02 * np.sin(2 * np.pi * 1.2 * np.arange(count) / RATE_HZ)
    lamp = 1 + np.array([1.06, 1.0, 1.05])[:, None] * swing
    colours = (SKIN[:, None] * lamp)[..., None] + random.normal(0, 0.03, (3, count, 2))
    assert all(r.value is None for r in read(colours))


def test_what_beats_with_the_change_between_frames_is_a_codec_or_a_fan() -> None:
    colours = skin(30, 75)
    spikes = np.where(np.arange(colours.shape[1]) % 12 == 0, 3.0, 1.0)
    assert all(r.value is None for r in read(colours, stir=spikes))
    assert all(r.value is not None for r in read(skin(30, 96), stir=spikes)[5:])


def test_restart_forgets() -> None:
    pulse = Pulse()
    colours, still = skin(12, 60).astype(np.float32), np.ones(WINDOW, np.float32)
    pulse.feed(np.arange(WINDOW) / RATE_HZ, colours[:, :WINDOW], still, RATE_HZ)
    assert pulse.read().value is not None
    pulse.restart()
    assert pulse.read().withheld == "warming-up"


def test_pos_gives_the_beat_and_not_the_light() -> None:
    count = round(20 * RATE_HZ)
    times = np.arange(count) / RATE_HZ
    beat, light = np.sin(2 * np.pi * 1.1 * times), np.sin(2 * np.pi * 1.7 * times)
    colours = SKIN[:, None] * (1 + 0.004 * BLOOD[:, None] * beat) * (1 + 0.02 * light)
    signal = pos(colours[..., None].astype(np.float32), RATE_HZ)[:, 0]
    power = np.abs(np.fft.rfft(signal * np.hanning(count)))
    hz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    assert power[np.argmin(abs(hz - 1.1))] > 5 * power[np.argmin(abs(hz - 1.7))]


def mono(share: float, flicker: float = 0.0, seconds: float = 40) -> tuple[np.ndarray, np.ndarray]:
    """(3, n, 2) grey and (n,) light of the rest: a beat of `share` peak to peak at 66, a lamp's swing at 80."""
    random = np.random.default_rng(7)
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    lamp = 1 + flicker * np.sin(2 * np.pi * 80 / 60 * times)
    luma = 140 * lamp * (1 + share / 2 * np.sin(2 * np.pi * 1.1 * times))
    grey = luma[:, None] + random.normal(0, 0.05, (len(times), 2))
    return np.stack([grey] * 3), 90 * lamp + random.normal(0, 0.02, len(times))


def read_beside(colours: np.ndarray, outside: np.ndarray | None) -> list[Reading]:
    pulse, readings = Pulse(), []
    times = np.arange(colours.shape[1]) / RATE_HZ
    still = np.ones(WINDOW, np.float32)
    for end in range(WINDOW, colours.shape[1] + 1, round(RATE_HZ)):
        part = slice(end - WINDOW, end)
        rest = None if outside is None else outside[part].astype(np.float32)
        pulse.feed(times[part], colours[:, part].astype(np.float32), still, RATE_HZ, rest)
        readings.append(pulse.read())
    return readings


@pytest.mark.parametrize("flicker", [0.0, 0.003])
def test_one_colour_is_read_less_the_light_of_the_rest(flicker: float) -> None:
    readings = read_beside(*mono(0.001, flicker))[12:]
    assert [r.method for r in readings if r.value] == ["one-colour"] * len(readings)
    assert all(abs((r.value or 0) - 66) < 2 for r in readings)


@pytest.mark.parametrize("flicker", [0.0, 0.003, 0.05])
def test_one_colour_without_a_beat_is_withheld(flicker: float) -> None:
    assert sum(r.value is not None for r in read_beside(*mono(0.0, flicker))) <= 1


def test_which_colour_is_alone() -> None:
    grey, _ = mono(0.01)
    assert one_colour(grey.astype(np.float32)) == 1
    red = grey.copy()
    red[1:] = 4.0
    assert one_colour(red.astype(np.float32)) == 0
    assert one_colour(skin(5, 60).astype(np.float32)) is None


def test_sums_become_colours() -> None:
    rows = np.array([[[256 * 100.0], [64 * 128.0], [64 * 178.0]]], np.float32)
    red, green, blue = rgb(rows)[:, 0, 0]
    assert blue == pytest.approx(100.0)
    assert red == pytest.approx(100 + 1.402 * 50, abs=0.01)
    assert green == pytest.approx(100 - 0.714136 * 50, abs=0.01)


@pytest.mark.parametrize("person", [1, 2, 3])
def test_traces_of_people_agree_with_their_contact_sensor(person: int, real: Callable[[str], Path]) -> None:
    """Forehead and cheeks as the two sides. Developed on person 1, checked on 2 and 3."""

    def table(name: str) -> np.ndarray:
        return np.genfromtxt(real(f"traces/person{person}-{name}.csv"), delimiter=",", skip_header=1)

    sides = [table("forehead"), table("cheeks")]
    count = min(len(side) for side in sides) // 4 * 4
    colours = np.stack([side[:count, 1:].reshape(-1, 4, 3).mean(axis=1).T for side in sides], axis=2)
    beats = table("ppg")
    beats = beats[beats[:, 2] > 0, 0]
    errors = []
    for second, reading in enumerate(read(colours)):
        until_s = SEGMENT_S + 0.2 + second
        inside = beats[(beats >= until_s - reading.window_s) & (beats <= until_s)]
        if reading.value is not None:
            errors.append(abs(reading.value - 60 / np.median(np.diff(inside))))
    assert len(errors) >= 250
    assert np.mean(errors) <= 1.0
    assert np.mean(np.array(errors) > 5) <= 0.005
