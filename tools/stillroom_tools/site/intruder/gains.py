"""What many frames at known places give back beyond one: decibels of a restored face, and line pairs across it."""

from collections.abc import Sequence

import numpy as np

from stillroom_tools.make.optics import FACE_M
from stillroom_tools.site.intruder.attack import Scene
from stillroom_tools.site.intruder.faces import SIDE, Days, Floats
from stillroom_tools.site.intruder.found import Gain
from stillroom_tools.site.intruder.levels import Level
from stillroom_tools.site.intruder.optics import SQUARE_M
from stillroom_tools.site.intruder.shots import Luma
from stillroom_tools.site.intruder.sight import VALUES, Sight, wiener

PAIRS = range(1, SIDE // 2 + 1)
"""Across a gallery's square."""
CONTRAST = 60.0
LEFT, ALIKE = 0.2, 0.5
"""A grating has come back where so much of its contrast is left, and what came back correlates with it so well."""
_SPOTS = 4
"""Places at which one frame is tried; the mean of them is told."""


def gains(scene: Scene, levels: Sequence[Level], frames: int, probes: int, seed: int) -> list[Gain]:
    """For each level: one frame, and `frames`."""
    days = Days(seed)
    who = days.who(len(scene.gallery.photographs), probes)
    faces = [days.of(scene.gallery.photographs[each]) for each in who]
    gratings = [_grating(pairs, across) for pairs in PAIRS for across in (False, True)]
    told = scene.told([*faces, *gratings], range(frames), levels)
    return [_gain(scene, level, told[level.name], np.array(faces), np.array(gratings)) for level in levels]


def _gain(scene: Scene, level: Level, told: Luma, faces: Floats, gratings: Floats) -> Gain:
    frames, count = told.shape[1], len(faces)
    ones = [range(spot, spot + 1) for spot in range(min(_SPOTS, frames))]
    one = [_restored(scene, level, told, places) for places in ones]
    many = _restored(scene, level, told, range(frames))
    share = FACE_M[0] / SQUARE_M
    return Gain(
        level=level.name,
        distance_m=round(scene.optics.distance_m, 2),
        frames=frames,
        one_db=float(np.mean([_db(each[:count], faces) for each in one])),
        many_db=_db(many[:count], faces),
        one_pairs=share * float(np.mean([_pairs(each[count:], gratings) for each in one])),
        many_pairs=share * _pairs(many[count:], gratings),
    )


def _restored(scene: Scene, level: Level, told: Luma, places: range) -> Floats:
    sight = Sight(scene.optics, level, places)
    return sight.gather(told[:, places.start : places.stop]) @ wiener(sight)


def _db(restored: Floats, faces: Floats) -> float:
    """Peak signal to error, of 255."""
    error = np.mean((restored - faces.reshape(len(faces), VALUES)) ** 2)
    return float(10 * np.log10(255**2 / error))


def _grating(pairs: int, across: bool) -> Floats:
    wave = CONTRAST * np.sin(2 * np.pi * pairs * (np.arange(SIDE) + 0.5) / SIDE)
    return np.tile(wave, (SIDE, 1)) if across else np.tile(wave[:, None], (1, SIDE))


def _pairs(restored: Floats, gratings: Floats) -> float:
    """The finest grating up to which all come back, both ways."""
    flat = gratings.reshape(len(gratings), VALUES)
    along = (restored * flat).sum(axis=1) / (flat * flat).sum(axis=1)
    lengths = np.linalg.norm(restored, axis=1) / np.linalg.norm(flat, axis=1)
    back = (along >= LEFT) & (along >= ALIKE * lengths)
    both = back.reshape(len(PAIRS), 2).all(axis=1)
    return float(len(PAIRS) if both.all() else both.argmin())
