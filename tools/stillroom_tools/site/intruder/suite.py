"""The whole suite: controls first, then every floor at each distance, the figure, and what many frames give back."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from typing import Literal

from stillroom.view_forms import BLOCKS
from stillroom_tools.lab.scenario import Lens
from stillroom_tools.site.intruder.attack import Effort, Scene, Tell, attack
from stillroom_tools.site.intruder.controls import controls
from stillroom_tools.site.intruder.faces import FACES, load_faces
from stillroom_tools.site.intruder.figure import attack_figure
from stillroom_tools.site.intruder.found import Control, Found, Gain, Row
from stillroom_tools.site.intruder.gains import gains
from stillroom_tools.site.intruder.levels import Level, Squares
from stillroom_tools.site.intruder.match import Gallery
from stillroom_tools.site.intruder.optics import nearest_m
from stillroom_tools.site.intruder.words import say

FULL = Effort(singles=3200, spots=8, series=1000, frames=(75, 256))
"""75 frames are a look of fifteen seconds."""
SHORT = Effort(singles=120, spots=2, series=24, frames=(16,), figures=3, days_each=8)
LENSES = (Lens(), Lens(height_m=3.0))
"""As the simulated units hang, and as high as one may: the nearest face of each."""
BED_M = 2.5
"""To the face of somebody in bed."""
STANDS = (*((lens, nearest_m(lens)) for lens in LENSES), (LENSES[0], BED_M))
BED = len(STANDS) - 1
GAIN_PROBES = 16
PLAIN_BLOCKS = (16, 24, 48)
"""Tried in all greys too, to show what the few are good for."""
SEED = 20_261


def levels(full: bool) -> list[Level]:
    """Of `picture`: every block that a policy may name. A short run takes a few."""
    if not full:
        return [*map(Squares, (1, 8, 48))]
    found: list[Level] = [*map(Squares, BLOCKS)]
    return found + [Squares(block, greys=256) for block in PLAIN_BLOCKS]


def run(full: bool, tell: Tell) -> Found:
    """Raises SetupError: no faces. full: thousands of probes, a quarter of an hour of two processors; else seconds."""
    load_faces()
    parts = (
        _Part(full, "controls"),
        _Part(full, "figure"),
        *(_Part(full, "picture", at) for at in _tried(full)),
    )
    done = _all(parts, tell)
    return Found(
        full=full,
        faces=FACES,
        nearest_m=round(nearest_m(LENSES[0]), 2),
        rows=tuple(row for each in done for row in each.rows),
        figure=tuple(row for each in done for row in each.figure),
        gains=tuple(gain for each in done for gain in each.gains),
        controls=tuple(control for each in done for control in each.controls),
    )


@dataclass
class _Done:
    """What one part has found."""

    rows: list[Row] = field(default_factory=list)
    figure: list[Row] = field(default_factory=list)
    gains: list[Gain] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)


@dataclass(frozen=True)
class _Part:
    """Work that needs no other: it may be done in a process of its own."""

    full: bool
    what: Literal["controls", "figure", "picture"]
    stand: int = 0

    def do(self, tell: Tell) -> _Done:
        effort = FULL if self.full else SHORT
        if self.what == "controls":
            return _Done(controls=controls(_scene(0, effort), effort, SEED, tell))
        if self.what == "figure":
            return _Done(figure=attack_figure(_scene(BED, effort), effort, SEED, tell))
        scene, tried = _scene(self.stand, effort), levels(self.full)
        coarse = [level for level in tried if level.block > 1]
        back = gains(scene, coarse, max(effort.frames), GAIN_PROBES, SEED)
        return _Done(rows=attack(scene, tried, effort, SEED + 1, tell), gains=back)


def _tried(full: bool) -> range:
    return range(len(STANDS)) if full else range(1)


def _all(parts: Sequence[_Part], tell: Tell) -> list[_Done]:
    """In order. A full run uses every processor."""
    if not parts[0].full:
        return [part.do(tell) for part in parts]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return list(pool.map(_in_process, reversed(parts)))[::-1]


def _in_process(part: _Part) -> _Done:
    return part.do(say)


def _scene(stand: int, effort: Effort) -> Scene:
    lens, distance_m = STANDS[stand]
    return Scene.at(lens, distance_m, max(effort.frames), SEED, _gallery(effort.days_each))


@cache
def _gallery(days_each: int) -> Gallery:
    return Gallery(load_faces(), SEED, days_each)
