"""One picture after another: the exposed empty room, the person over it, noise over all, as 8-bit planes.

The room is exposed once and kept; a frame paints anew only the rectangle around the person. Working planes are int16 in
steps of 1/FINE count, Y then U then V in one flat array, so that noise and rounding are one pass.
"""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.frame import Frame
from stillroom_tools.lab.scenario import Furniture, Lens
from stillroom_tools.lab.scene import Floats, Pinhole
from stillroom_tools.lab.scene_clip import Clips, hidden_by_bed
from stillroom_tools.lab.scene_figure import Figure, Layer
from stillroom_tools.lab.scene_light import Gains, shine
from stillroom_tools.lab.scene_output import Layout, Output
from stillroom_tools.lab.scene_paint import Capsule, Painter, Window, window_of
from stillroom_tools.lab.scene_person import Vital
from stillroom_tools.lab.scene_room import paint_room
from stillroom_tools.lab.scene_sensor import FINE, Counts, Exposure, Noise, NoiseTables, noise_tables, to_fine
from stillroom_tools.lab.scene_still import Still

_SHADOW = 0.3
_STRIP_PX = 16


@dataclass(frozen=True, slots=True)
class Painted:
    """A picture before its noise: Y, U, V in FINE steps, chroma around 128, and the noise of each place in steps of
    1/32 count. Valid until the next is painted.
    """

    planes: tuple[Counts, Counts, Counts]
    sigmas: tuple[Counts, Counts, Counts]


class Canvas:
    """Draws into one buffer, which every frame shares. Layout and row padding change bytes, never values."""

    def __init__(
        self,
        camera: Pinhole,
        lens: Lens,
        seed: int,
        layout: Layout = "i420",
        padding_px: int = 0,
        *,
        mono: bool = False,
        furniture: Furniture | None = None,
    ) -> None:
        """mono: a sensor without colours; chroma is 128 everywhere."""
        self._width, self._height = camera.width_px, camera.height_px
        self._lens, self._mono = lens, mono
        self._lit: Counts | None = None
        room = paint_room(camera, seed, furniture)
        self._clips = Clips(room)
        room_fine = room.planes
        self._noise = Noise(seed)
        self._fine, self._sigma = np.empty_like(room_fine), np.empty_like(room_fine)
        self._room, self._planes, self._sigmas = map(self._views, (room_fine, self._fine, self._sigma))
        self._bytes = np.empty(room_fine.size, np.uint8)
        self._out = Output(self._views(self._bytes), layout, padding_px)
        self._exposed: Exposure | None = None
        self._factor = self._shining = 1.0
        self._tables: NoiseTables | None = None
        self._still: tuple[Hashable, Window, Still] | None = None
        self._dirty: Window | None = None

    def draw(
        self,
        exposure: Exposure,
        figure: Figure | None,
        noise_place: int,
        frame_ns: int,
        gains: Gains | None = None,
    ) -> Frame:
        """The frame of one moment; valid until the next is drawn. gains: light that wavers around the exposure."""
        fine = self._lay(exposure, figure, gains)
        self._noise.apply(fine, self._sigma, noise_place, self._bytes)
        if self._mono:
            self._bytes[self._width * self._height :] = 128
        return self._out.frame(frame_ns)

    def paint(self, exposure: Exposure, figure: Figure | None, gains: Gains | None = None) -> Painted:
        """The same without noise and without rounding to counts."""
        planes = self._views(self._lay(exposure, figure, gains))
        if self._mono:
            for plane in planes[1:]:
                plane[:] = 128 * FINE
        return Painted(planes, self._sigmas)

    def _lay(self, exposure: Exposure, figure: Figure | None, gains: Gains | None) -> Counts:
        self._expose(exposure)
        if figure is not None and figure.still is not None:
            self._draw_still(figure, figure.still)
        else:
            self._restore()
            if figure is not None:
                self._draw_moving(figure)
        return self._fine if gains is None else self._under(gains)

    def _under(self, gains: Gains) -> Counts:
        if self._lit is None:
            self._lit = np.empty_like(self._fine)
        shine(gains, self._planes, self._views(self._lit))
        return self._lit

    def _draw_moving(self, figure: Figure) -> None:
        window = self._window(figure)
        if not window.empty:
            self._show(window, self._painted(window, figure))
            self._sigma_of(_cut(self._planes, window)[0], _cut(self._sigmas, window))

    def _draw_still(self, figure: Figure, key: Hashable) -> None:
        """As `_draw_moving`, from pictures kept since the person lay still; noise levels are those of mid-breath."""
        if self._still is not None and self._still[0] == key:
            _, window, still = self._still
            self._show(window, still.mixed(figure.vitals))
            return
        self._restore()
        self._still = None
        rest, *ways = (tuple(Vital(breath, 0.0) for _ in figure.vitals) for breath in (0.0, -0.5, 0.7))
        window = self._window(*(figure.at(way) for way in ways))
        if window.empty:
            return
        still = Still(lambda vitals: self._painted(window, figure.at(vitals)), len(figure.vitals))
        self._still = key, window, still
        self._show(window, still.mixed(rest))
        self._sigma_of(_cut(self._planes, window)[0], _cut(self._sigmas, window))
        self._show(window, still.mixed(figure.vitals))

    def _window(self, *figures: Figure) -> Window:
        """What may change: capsules, and their shadows out to where they have faded."""
        found = list[Capsule]()
        for figure in figures:
            shadows = [*figure.shadows, *(shadow for layer in figure.layers for shadow in layer.shadows)]
            found += [Capsule(x - rx, y, ry, x + rx, y, ry, (0.0, 0.0, 0.0)) for x, y, rx, ry in shadows]
            found += figure.capsules(figure.breath, 0.0)
            found += [capsule for layer in figure.layers for capsule in layer.capsules]
            found += figure.behind
        return window_of(found, self._width, self._height)

    def _views(self, flat: NDArray[np.generic]) -> tuple[NDArray, NDArray, NDArray]:  # type: ignore[type-arg]
        luma, chroma = self._width * self._height, self._width * self._height // 4
        half = (self._height // 2, self._width // 2)
        y = flat[:luma].reshape(self._height, self._width)
        return y, flat[luma : luma + chroma].reshape(half), flat[luma + chroma :].reshape(half)

    def _expose(self, exposure: Exposure) -> None:
        if exposure == self._exposed:
            return
        self._exposed, self._factor, self._shining = exposure, exposure.factor, exposure.shining
        self._tables = noise_tables(self._lens, exposure)
        for top in range(0, self._height, _STRIP_PX):  # piecewise: large temporaries would stay in the heap
            self._clear(Window(0, top, self._width, min(top + _STRIP_PX, self._height)))
        self._dirty = self._still = None

    def _sigma_of(self, luma: Counts, sigmas: tuple[Counts, Counts, Counts]) -> None:
        assert self._tables is not None
        counts = luma >> 5
        np.take(self._tables.luma, counts, out=sigmas[0], mode="clip")
        chroma = np.take(self._tables.chroma, counts[::2, ::2], mode="clip")
        sigmas[1][:], sigmas[2][:] = chroma, chroma

    def _restore(self) -> None:
        """The empty room where the person was."""
        if self._dirty is not None:
            self._clear(self._dirty)
        self._dirty = self._still = None

    def _clear(self, window: Window) -> None:
        self._show(window, self._finished(window, self._empty(window)))
        self._sigma_of(_cut(self._planes, window)[0], _cut(self._sigmas, window))

    def _empty(self, window: Window) -> Floats:
        """The window's Y, U, V of the empty room as exposed now: flat float32 in counts, chroma around 0."""
        flat = np.concatenate([piece.ravel() for piece in _cut(self._room, window)]).astype(np.float32)
        flat *= np.float32(self._factor / FINE)
        return flat

    def _finished(self, window: Window, flat: Floats) -> Floats:
        """The same in FINE steps with chroma around 128, in place."""
        flat[(window.x1 - window.x0) * (window.y1 - window.y0) :] += np.float32(128.0)
        to_fine(flat)
        return flat

    def _show(self, window: Window, painted: Floats) -> None:
        """Put a painted piece, flat in FINE steps, into the working planes."""
        begin = 0
        for plane in _cut(self._planes, window):
            end = begin + plane.size
            plane[:] = painted[begin:end].reshape(plane.shape)
            begin = end
        self._dirty = window

    def _painted(self, window: Window, figure: Figure) -> Floats:
        """The window's Y, U, V with the person in the empty room: flat float32 in FINE steps."""
        flat = self._empty(window)
        height, width = window.y1 - window.y0, window.x1 - window.x0
        y = flat[: height * width].reshape(height, width)
        chroma = flat[height * width :].reshape(2, height // 2, width // 2)
        painter = Painter(window, y, chroma, self._factor, self._shining)
        for shadow in figure.shadows if figure.through == "room" else ():
            painter.dim(*shadow, _SHADOW)
        for capsule in figure.behind:
            painter.lay(capsule)
        for layer in figure.far:
            self._lay_over(painter, window, layer)
        found = figure.capsules(figure.breath, figure.beat)
        own = Layer(lambda _: found, [], 0.0, figure.through, figure.behind_bed)
        self._lay_over(painter, window, own)
        for layer in figure.near:
            self._lay_over(painter, window, layer)
        return self._finished(window, flat)

    def _lay_over(self, painter: Painter, window: Window, layer: Layer) -> None:
        """One layer, without what walls and bed hide of it."""
        for shadow in layer.shadows if layer.through == "room" else ():
            painter.dim(*shadow, _SHADOW)
        clip = self._clips.through(layer.through, window)
        over_bed = None
        for capsule in layer.capsules:
            if layer.behind_bed and hidden_by_bed(capsule):
                over_bed = self._clips.over_bed(window) if over_bed is None else over_bed
                painter.lay(capsule, over_bed)
            else:
                painter.lay(capsule, clip)


def _cut(planes: tuple[Counts, Counts, Counts], window: Window) -> tuple[Counts, Counts, Counts]:
    y, u, v = planes
    rows, columns = slice(window.y0 // 2, window.y1 // 2), slice(window.x0 // 2, window.x1 // 2)
    return y[window.y0 : window.y1, window.x0 : window.x1], u[rows, columns], v[rows, columns]
