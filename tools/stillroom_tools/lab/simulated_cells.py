"""A simulated room as cells: what the kernel would have made of its frames, without making the frames.

The room is drawn by the same canvas at a quarter of its size, so that one place is the mean of 4x4 px and four places
are a cell; an edge that moves by a part of a pixel, as breathing moves it, changes the coverage of the places that it
crosses and with it the cell. To that comes the noise of a mean: a cell's of 64 px (16 samples of colour), drawn anew
for each frame. A night of eight hours is 144,000 fifths of a second, each of two frames.

Left out: compression, jitter and dropped frames, texture finer than 8 px, noise that neighbouring cells share.
"""

from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from stillroom._native import ffi, lib
from stillroom.eye.traces import CHROMA_SAMPLES, LUMA_PIXELS, SLOW_NS, Fifth
from stillroom_tools.lab.scenario import Scenario
from stillroom_tools.lab.scenario_harm import BLUR_PX, DAZZLE, Harms, blurred
from stillroom_tools.lab.scenario_life import Moment
from stillroom_tools.lab.scene_canvas import Painted
from stillroom_tools.lab.scene_person import Vital
from stillroom_tools.lab.scene_random import mixed, normals
from stillroom_tools.lab.scene_sensor import FINE
from stillroom_tools.lab.scene_still import LOWEST, REST, STEPS, alone, levels
from stillroom_tools.lab.simulated import Scene, SimulatedCamera

Real = NDArray[np.float32]

STEP_PX = 4
"""Side of a place."""
CELL_PX = 8
FIFTHS_PER_S = 5
FRAMES = 2
"""In a fifth: a camera of ten frames a second, as the simulated ones of the tests are."""
_SIGMA_STEPS = 32
_BANK = 1 << 16
_BLUR_LEAVES = 0.3
"""Of a cell's noise: blur is a mean over more than a cell."""
_CLIPPED = 1.5
_EACH = np.float32(1 / FRAMES)


class Shown(Struct, frozen=True):
    """A fifth of a second as `Analysis.feed_cells` takes it. moment: what was so in its last frame."""

    fifth: Fifth
    histogram: NDArray[np.uint32]
    clipped: NDArray[np.uint8]
    frame_ns: int
    moment: Moment


class _Clean(Struct, frozen=True):
    """One frame's cells before noise: (3, cells) counts, and the standard deviation of their noise."""

    cells: Real
    sigma: Real
    histogram: NDArray[np.uint32]
    clipped: NDArray[np.uint8]
    still: bool = False
    """The next frame is the same but for its noise."""


class CellCamera:
    """One simulated room. `at` gives a fifth; ask for them in order."""

    def __init__(self, scenario: Scenario, seed: int, *, width_px: int = 320, height_px: int = 240) -> None:
        self.width, self.height = width_px, height_px
        self._shape = height_px // CELL_PX, width_px // CELL_PX
        self._room = SimulatedCamera(
            scenario,
            width_px=width_px // STEP_PX,
            height_px=height_px // STEP_PX,
            frames_per_s=FIFTHS_PER_S * FRAMES,
            seed=seed,
        )
        self._seed = seed
        self._bank: Real = normals(_BANK, seed, 5).astype(np.float32)
        self._cells = self._shape[0] * self._shape[1]
        self._mixed: Real = np.empty((3, self._cells), np.float32)
        self._before: Real = np.empty(self._cells, np.float32)
        self._bank_at, self._mixed_at, self._before_at = map(_at, (self._bank, self._mixed, self._before))
        self._first = True
        self._latest: Shown | None = None
        self._still: tuple[object, dict[tuple[int, int], _Clean]] = None, {}

    def at(self, index: int) -> Shown:
        """Fifth number `index`, of its two frames; what does not move is painted once for both."""
        cleans = list[_Clean]()
        for number in range(index * FRAMES, (index + 1) * FRAMES):
            if not cleans or not cleans[-1].still:
                scene = self._room.scene(number / (FIFTHS_PER_S * FRAMES))
                if scene.now.harms.frozen and self._latest is not None:
                    return self._again(self._latest, index, scene.now)
                cleans.append(self._clean(scene))
        sums = np.zeros((4, self._cells), np.float32)
        for part in range(FRAMES):
            self._draw(cleans[min(part, len(cleans) - 1)], index * FRAMES + part, sums)
        sums *= _EACH
        luma, u, v, moved = sums
        clean, fifth = cleans[-1], Fifth(_time_s(index), luma, u, v, moved, FRAMES)
        self._latest = Shown(fifth, clean.histogram, clean.clipped, (index + 1) * SLOW_NS, scene.now)
        return self._latest

    def _again(self, shown: Shown, index: int, now: Moment) -> Shown:
        old = shown.fifth
        fifth = Fifth(_time_s(index), old.luma, old.u, old.v, np.zeros_like(old.luma), FRAMES)
        return Shown(fifth, shown.histogram, shown.clipped, (index + 1) * SLOW_NS, now)

    def _clean(self, scene: Scene) -> _Clean:
        figure, harms = scene.figure, scene.now.harms
        still = b"" if figure is None else figure.still
        if still is None or scene.gains is not None:
            return _clean(self._room.paint(scene), harms)
        key = still, scene.light, harms
        if key != self._still[0]:
            self._still = key, {}
        if figure is None:
            return self._level(0, 0, scene)
        rest = self._level(0, REST, scene)
        np.copyto(self._mixed, rest.cells)
        for body, vital in enumerate(figure.vitals):
            level, share = levels(vital.breath)
            low, high = (self._level(body, each, scene).cells for each in (level, level + 1))
            given = _at(low), _at(high), _at(rest.cells), share
            _accept(lib.staged_breath(*given, self._mixed_at, self._cells))
        return _Clean(self._mixed, rest.sigma, rest.histogram, rest.clipped, rest.still)

    def _level(self, body: int, level: int, scene: Scene) -> _Clean:
        """One of those who do nothing but breathe, at one depth of breath: painted when it is first needed."""
        kept, figure = self._still[1], scene.figure
        if (body, level) not in kept:
            if figure is not None:
                vital = Vital(LOWEST + level / STEPS, 0.0)
                figure = replace(figure.at(alone(len(figure.vitals), body, vital)), still=None)
            painted = self._room.paint(replace(scene, figure=figure))
            kept[body, level] = replace(_clean(painted, scene.now.harms), still=True)
        return kept[body, level]

    def _draw(self, clean: _Clean, number: int, sums: Real) -> None:
        """Add one frame with its noise, which may lead out of what a sensor can say, and its change from the last."""
        start = mixed(self._seed, number, 6) % (_BANK - clean.cells.size)
        given = self._bank_at + start, _at(clean.sigma), _at(clean.cells), self._first
        _accept(lib.staged_frame(*given, self._before_at, _at(sums), self._cells))
        self._first = False


def _at(array: Real) -> Any:
    return ffi.from_buffer("float *", array)


def _accept(code: int) -> None:
    assert code == lib.FIFTH_OK, code


def _time_s(index: int) -> float:
    """The mean of a fifth's frames."""
    return (index + 0.5 * (1 - 1 / FRAMES)) / FIFTHS_PER_S


def _clean(painted: Painted, harms: Harms) -> _Clean:
    y, u, v = painted.planes
    luma = y.astype(np.float32)
    luma *= np.float32(1 / FINE)
    noise = _sigma(painted)
    if harms.blurred or harms.dazzled:
        luma = _harmed(luma, harms)
        noise *= np.float32(_BLUR_LEAVES if harms.blurred else 1 / 16)
    cells = np.empty((3, u.size), np.float32)
    cells[0] = _quartered(luma).reshape(-1)
    cells[1], cells[2] = u.reshape(-1), v.reshape(-1)
    cells[1:] *= np.float32(1 / FINE)
    counts = np.minimum(luma, 255.0).astype(np.uint8).reshape(-1)
    histogram = np.bincount(counts, minlength=256).astype(np.uint32)
    full = (luma > 255.0 - _CLIPPED) | (luma < _CLIPPED)
    clipped = (_quartered(full.astype(np.float32)) * LUMA_PIXELS).astype(np.uint8)
    return _Clean(cells, noise, histogram, clipped)


def _sigma(painted: Painted) -> Real:
    """(3, cells) of a cell in one frame, in counts."""
    y, u, v = painted.sigmas
    sigma = np.empty((3, u.size), np.float32)
    # One place in four will do: noise changes little over a cell.
    sigma[0] = y[::2, ::2].reshape(-1)
    sigma[1], sigma[2] = u.reshape(-1), v.reshape(-1)
    sigma[0] *= np.float32(1 / _SIGMA_STEPS / LUMA_PIXELS**0.5)
    sigma[1:] *= np.float32(1 / _SIGMA_STEPS / CHROMA_SAMPLES**0.5)
    return sigma


def _harmed(luma: Real, harms: Harms) -> Real:
    if harms.blurred:
        side = BLUR_PX // STEP_PX
        luma = blurred(blurred(luma, side), side)
    return np.maximum(luma, DAZZLE + luma / 16) if harms.dazzled else luma


def _quartered(plane: Real) -> Real:
    """Means of squares of 2 x 2 places."""
    rows = plane[::2] + plane[1::2]
    means: Real = rows[:, ::2] + rows[:, 1::2]
    means *= np.float32(0.25)
    return means
