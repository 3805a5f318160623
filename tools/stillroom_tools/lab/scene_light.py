"""Light that is not constant: mains flicker seen through a rolling shutter, automatic steps, a television's glow.

Gains act on the exposed picture before its noise is drawn. Counts are taken as light to the power 1 / 2.2; the noise
keeps the level of the even light (its own change is of second order).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillroom_tools.lab.scenario import Scenario
from stillroom_tools.lab.scenario_physics import Mains, Steps
from stillroom_tools.lab.scene_random import units
from stillroom_tools.lab.scene_room import RGB_TO_YUV
from stillroom_tools.lab.scene_sensor import FINE, Counts
from stillroom_tools.lab.scene_things import glow

GAMMA = 2.2
_GREY = 128 * FINE + FINE // 2
_MOST = 255 * FINE + FINE // 2
Planes = tuple[Counts, Counts, Counts]


@dataclass(frozen=True, slots=True)
class Gains:
    """Of counts. rows: (h,) for each row of the picture; rgb: for each colour."""

    rows: NDArray[np.float32]
    rgb: tuple[float, float, float]


class RoomLight:
    """How the light of one room wavers. None where it does not."""

    def __init__(self, scenario: Scenario, rows: int, seed: int) -> None:
        self._scenario, self._rows, self._seed = scenario, rows, seed

    def at(self, at_s: float, lux: float) -> Gains | None:
        """The gains of a frame whose first row is taken at `at_s`, in a room whose lamps give so much."""
        mains, steps, screen = self._scenario.mains, self._scenario.steps, self._scenario.television
        if mains is None and steps is None and screen is None:
            return None
        rows = np.ones(self._rows) if mains is None else flicker(mains, at_s, self._rows)
        light = (
            [1.0, 1.0, 1.0]
            if screen is None
            else [1.0 + more for more in glow(screen, self._seed, at_s, lux)]
        )
        if steps is not None:
            light = [a * b for a, b in zip(light, stepped(steps, self._seed, at_s), strict=True)]
        red, green, blue = (each ** (1.0 / GAMMA) for each in light)
        return Gains((rows ** (1.0 / GAMMA)).astype(np.float32), (red, green, blue))


def flicker(mains: Mains, at_s: float, rows: int) -> NDArray[np.float64]:
    """(rows,) light of each row over its mean: a sine at twice the mains frequency, averaged over the exposure."""
    hz = 2.0 * mains.hz + mains.off_hz
    times_s = at_s + np.arange(rows) * (mains.readout_ms / 1000.0 / rows)
    kept = float(np.sinc(hz * mains.exposure_ms / 1000.0))
    light: NDArray[np.float64] = 1.0 + mains.depth * kept * np.sin(math.tau * np.fmod(hz * times_s, 1.0))
    return light


def stepped(steps: Steps, seed: int, at_s: float) -> tuple[float, float, float]:
    """Gains of red, green and blue since the last step; uniform with the deviation asked for."""
    slot = int(at_s // steps.every_s)
    if at_s < (slot + 0.8 * units(1, seed, slot, 81)[0]) * steps.every_s:
        slot -= 1
    exposure, red, blue = (math.sqrt(12.0) * (value - 0.5) for value in units(3, seed, slot, 82))
    base = math.exp(steps.exposure * exposure)
    balance = steps.white_balance
    return base * math.exp(balance * red), base, base * math.exp(balance * blue)


def shine(gains: Gains, source: Planes, into: Planes) -> None:
    """Working planes `source` (see scene_canvas) under `gains`, written to `into`."""
    rows = gains.rows[:, None]
    y = source[0].astype(np.float32)
    u, v = (plane.astype(np.float32) - np.float32(_GREY) for plane in source[1:])
    if gains.rgb != (1.0, 1.0, 1.0):
        matrix = (RGB_TO_YUV * np.array(gains.rgb, np.float32)) @ np.linalg.inv(RGB_TO_YUV)
        small = (y[::2, ::2] + y[1::2, 1::2]) * np.float32(0.5)
        tint = matrix[0, 1] * u + matrix[0, 2] * v
        u, v = (matrix[k, 0] * small + matrix[k, 1] * u + matrix[k, 2] * v for k in (1, 2))
        y = matrix[0, 0] * y + np.repeat(np.repeat(tint, 2, axis=0), 2, axis=1)
    into[0][:] = np.clip(y * rows, FINE // 2, _MOST)
    half = gains.rows[::2, None]
    for plane, chroma in zip(into[1:], (u, v), strict=True):
        plane[:] = np.clip(chroma * half + np.float32(_GREY), FINE // 2, _MOST)
