"""Things that move in a room and are no people: a fan, a curtain, a television; as capsules behind whoever is there."""

import math
from collections.abc import Iterator

import numpy as np

from stillroom_tools.lab.scenario import Scenario
from stillroom_tools.lab.scenario_physics import Curtain, Fan, Television
from stillroom_tools.lab.scenario_unrest import waves
from stillroom_tools.lab.scene import ROOM_BACK_M, Pinhole
from stillroom_tools.lab.scene_paint import Capsule, Colour
from stillroom_tools.lab.scene_random import unit, units
from stillroom_tools.lab.scene_room import yuv

_FAN_AT_M = (1.35, 1.15, 3.3)
_FAN_EXPOSURE_S = 0.01
"""Of the shutter: blades smear over it. Short ones, as assumed here, are the harder case."""
_DISC, _BLADE = (196, 200, 204), (120, 126, 134)
_SWING_RAD = 0.7
_FOLDS = 9
_CURTAIN_X_M, _CURTAIN_Y_M = (-1.65, -0.35), (2.1, 0.75)
_G, _HEAP_M, _HEAP_WIDE_M = 9.81, 0.1, 0.16
_CLOTH = (176, 150, 132)
_SCREEN_AT_M = (0.1, 1.3)
_SCENE_S = 3.0
_Ends = tuple[tuple[float, float, float], tuple[float, float, float]]


class Things:
    """The moving things of one room. `capsules(at_s)`: far ones first."""

    def __init__(self, scenario: Scenario, camera: Pinhole, seed: int) -> None:
        self._scenario, self._camera, self._seed = scenario, camera, seed
        self.any = any(thing is not None for thing in (scenario.fan, scenario.curtain, scenario.television))

    def capsules(self, at_s: float, dropped_s: float = math.inf) -> list[Capsule]:
        """As they stand at a time. dropped_s: when the curtain came off its rail."""
        scenario, found = self._scenario, list[Capsule]()
        if scenario.television is not None:
            found += self._television(scenario.television, at_s)
        if scenario.curtain is not None:
            found += self._curtain(scenario.curtain, at_s, max(at_s - dropped_s, 0.0))
        if scenario.fan is not None:
            found += self._fan(scenario.fan, at_s)
        return found

    def _seen(
        self, ends: _Ends, radius_m: float, colour: Colour, round_: float = 0.0, *, shines: bool = False
    ) -> Capsule:
        a, b = self._camera.project(np.array(ends)).tolist()
        ra, rb = (self._camera.focal_px * radius_m / end[2] for end in (a, b))
        return Capsule(a[0], a[1], ra, b[0], b[1], rb, colour, (), round_, shines=shines)

    def _fan(self, fan: Fan, at_s: float) -> Iterator[Capsule]:
        x, y, z = _FAN_AT_M
        facing = _SWING_RAD * math.sin(math.tau * at_s / fan.swing_s) if fan.swing_s else 0.0
        yield self._seen(((x, 0.05, z), (x, y, z)), 0.02, yuv(_BLADE))
        yield self._seen(((x, y, z), (x + 0.02 * math.sin(facing), y, z)), fan.radius_m, yuv(_DISC))
        turns = fan.rev_per_min / 60.0 * at_s
        smear = abs(float(np.sinc(3.0 * fan.rev_per_min / 60.0 * _FAN_EXPOSURE_S)))
        colour = yuv(_mixed(_DISC, _BLADE, smear))
        for blade in range(3):
            angle = math.tau * (turns + blade / 3.0)
            side, up = fan.radius_m * math.cos(angle) * math.cos(facing), fan.radius_m * math.sin(angle)
            yield self._seen(((x, y, z), (x + 0.8 * side, y + 0.8 * up, z)), 0.18 * fan.radius_m, colour)

    def _curtain(self, curtain: Curtain, at_s: float, fallen_s: float) -> Iterator[Capsule]:
        """Sways as it hangs; once off its rail it drops as anything does, and lies in a heap."""
        half = 0.5 * curtain.spread
        band = curtain.sway_hz * (1.0 - half), curtain.sway_hz * (1.0 + half)
        gust = waves(at_s, *band, self._seed, 61)
        left, right = _CURTAIN_X_M
        for fold in range(_FOLDS):
            own = waves(at_s, *band, self._seed, 62, fold)
            sway_m = curtain.sway_mm / 1000.0 * (0.8 * gust + 0.6 * own)
            x = left + (right - left) * (fold + 0.5) / _FOLDS
            top_m, hem_m = (max(y - 0.5 * _G * fallen_s**2, _HEAP_M) for y in _CURTAIN_Y_M)
            sway_m *= (top_m - hem_m) / (_CURTAIN_Y_M[0] - _CURTAIN_Y_M[1])
            heaped_m = _HEAP_WIDE_M if top_m == hem_m else 0.0
            ends = (
                (x - heaped_m, top_m, ROOM_BACK_M - 0.05),
                (x + sway_m + heaped_m, hem_m, ROOM_BACK_M - 0.05),
            )
            yield self._seen(ends, 0.6 * (right - left) / _FOLDS, yuv(_CLOTH), 0.35)

    def _television(self, television: Television, at_s: float) -> Iterator[Capsule]:
        x, y = _SCREEN_AT_M
        wide, z = television.width_m, ROOM_BACK_M - 0.04
        radius = 0.28 * wide
        ends = (x - 0.5 * wide + radius, y, z), (x + 0.5 * wide - radius, y, z)
        shines = television.glow_lux > 0.0
        yield self._seen(ends, radius, yuv(scene_rgb(self._seed, at_s)), shines=shines)
        number, into_s = _scene(self._seed, at_s)
        for index in range(3):
            speed, start, height, bright, size = units(5, self._seed, number, 71 + index)
            across = ((start + (speed - 0.5) * 0.6 * into_s) % 1.0 - 0.5) * (wide - 2 * radius)
            at = (x + across, y + (height - 0.5) * radius, z - 0.005)
            yield self._seen((at, at), (0.1 + 0.3 * size) * radius, yuv((255 * bright,) * 3), shines=shines)


def glow(television: Television, seed: int, at_s: float, lux: float) -> tuple[float, float, float]:
    """What the screen adds to the room's light, as shares of red, green and blue (even over the room: assumed)."""
    most = television.glow_lux / lux if television.glow_lux else television.glow
    red, green, blue = (most * value / 255.0 for value in scene_rgb(seed, at_s))
    return red, green, blue


def scene_rgb(seed: int, at_s: float) -> tuple[float, float, float]:
    """The screen's mean colour: one for each scene, with a slow swell in it."""
    number, into_s = _scene(seed, at_s)
    bright, red, green, blue, pace = units(5, seed, number, 70)
    level = (40.0 + 190.0 * bright) * (1.0 + 0.1 * math.sin(math.tau * (0.1 + 0.5 * pace) * into_s))
    return level * (0.6 + 0.4 * red), level * (0.6 + 0.4 * green), level * (0.6 + 0.4 * blue)


def _scene(seed: int, at_s: float) -> tuple[int, float]:
    """Number of the scene and seconds into it; scenes last 1.5 to 4.5 s."""
    slot = int(at_s // _SCENE_S)
    begins_s = (slot + 0.5 * unit(seed, slot, 69)) * _SCENE_S
    if at_s < begins_s:
        slot -= 1
        begins_s = (slot + 0.5 * unit(seed, slot, 69)) * _SCENE_S
    return slot, at_s - begins_s


def _mixed(a: tuple[int, int, int], b: tuple[int, int, int], share: float) -> tuple[float, float, float]:
    red, green, blue = (x + (y - x) * share for x, y in zip(a, b, strict=True))
    return red, green, blue
