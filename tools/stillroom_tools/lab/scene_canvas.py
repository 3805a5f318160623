"""One picture after another: the exposed empty room, the person over it, noise over all, as 8-bit planes.

The room is exposed once and kept; a frame paints anew only the rectangle around the person. Working planes are int16 in
steps of 1/FINE count, Y then U then V in one flat array, so that noise and rounding are one pass.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.frame import Frame
from stillroom_tools.lab.scenario import Lens
from stillroom_tools.lab.scene import Floats, Pinhole
from stillroom_tools.lab.scene_paint import Capsule, Painter, Window, window_of
from stillroom_tools.lab.scene_room import paint_room
from stillroom_tools.lab.scene_sensor import FINE, Counts, Exposure, Noise, NoiseTables, noise_tables

Layout = Literal["i420", "nv12"]
Shadow = tuple[float, float, float, float]
_SHADOW = 0.3


class Canvas:
    """Draws into one buffer, which every frame shares. Layout and row padding change bytes, never values."""

    def __init__(
        self, camera: Pinhole, lens: Lens, seed: int, layout: Layout = "i420", padding_px: int = 0
    ) -> None:
        self._width, self._height = camera.width_px, camera.height_px
        self._lens = lens
        room = paint_room(camera, seed)
        self.doorway: Floats = room.doorway.astype(np.float32)
        self._well_exposed = _flat(room.y, room.u, room.v)
        self._noise = Noise(self._well_exposed.size, seed)
        self._room, self._room_sigma = np.empty_like(self._well_exposed), np.empty_like(self._well_exposed)
        self._fine, self._sigma = np.empty_like(self._well_exposed), np.empty_like(self._well_exposed)
        self._planes, self._sigmas = self._views(self._fine), self._views(self._sigma)
        self._room_planes, self._room_sigmas = self._views(self._room), self._views(self._room_sigma)
        self._bytes = np.empty(self._well_exposed.size, np.uint8)
        self._out = _Output(self._views(self._bytes), layout, padding_px)
        self._exposed: tuple[int, int] | None = None
        self._factor = 1.0
        self._tables: NoiseTables | None = None
        self._dirty: Window | None = None

    def draw(
        self,
        exposure: Exposure,
        capsules: list[Capsule],
        shadows: list[Shadow],
        in_doorway: bool,
        noise_place: int,
        frame_ns: int,
    ) -> Frame:
        """The frame of one moment; valid until the next is drawn."""
        self._expose(exposure)
        self._restore()
        window = self._window(capsules, shadows) if capsules else None
        if window is not None and not window.empty:
            self._paint(window, capsules, shadows, in_doorway)
            self._dirty = window
        self._noise.apply(self._fine, self._sigma, noise_place, self._bytes)
        return self._out.frame(frame_ns)

    def _window(self, capsules: list[Capsule], shadows: list[Shadow]) -> Window:
        """What may change: capsules, and their shadows out to where they have faded."""
        dark = [Capsule(x - rx, y, ry, x + rx, y, ry, (0.0, 0.0, 0.0)) for x, y, rx, ry in shadows]
        return window_of([*capsules, *dark], self._width, self._height)

    def _views(self, flat: NDArray[np.generic]) -> tuple[NDArray, NDArray, NDArray]:  # type: ignore[type-arg]
        luma, chroma = self._width * self._height, self._width * self._height // 4
        half = (self._height // 2, self._width // 2)
        y = flat[:luma].reshape(self._height, self._width)
        return y, flat[luma : luma + chroma].reshape(half), flat[luma + chroma :].reshape(half)

    def _expose(self, exposure: Exposure) -> None:
        key = round(1000 * np.log(exposure.level)), round(1000 * np.log(exposure.white_electrons))
        if key == self._exposed:
            return
        self._exposed, self._factor = key, exposure.factor
        self._tables = noise_tables(self._lens, exposure)
        scaled = self._well_exposed.astype(np.float32)
        scaled *= np.float32(self._factor)
        luma = self._width * self._height
        scaled[luma:] += np.float32(128 * FINE)
        self._room[:] = np.minimum(scaled, np.float32(255 * FINE))
        self._sigma_of(self._room_planes[0], self._room_sigmas)
        self._fine[:], self._sigma[:] = self._room, self._room_sigma
        self._dirty = None

    def _sigma_of(self, luma: Counts, sigmas: tuple[Counts, Counts, Counts]) -> None:
        assert self._tables is not None
        counts = luma >> 5
        np.take(self._tables.luma, counts, out=sigmas[0], mode="clip")
        chroma = np.take(self._tables.chroma, counts[::2, ::2], mode="clip")
        sigmas[1][:], sigmas[2][:] = chroma, chroma

    def _restore(self) -> None:
        if self._dirty is None:
            return
        pairs = (self._planes, self._room_planes), (self._sigmas, self._room_sigmas)
        for into, source in pairs:
            for a, b in zip(_cut(into, self._dirty), _cut(source, self._dirty), strict=True):
                a[:] = b
        self._dirty = None

    def _paint(
        self, window: Window, capsules: list[Capsule], shadows: list[Shadow], in_doorway: bool
    ) -> None:
        fine = _cut(self._planes, window)
        y, u, v = (plane.astype(np.float32) for plane in fine)
        for plane, zero in ((y, 0.0), (u, 128.0), (v, 128.0)):
            plane *= np.float32(1.0 / FINE)
            plane -= np.float32(zero)
        painter = Painter(window, y, u, v, self._factor)
        for shadow in () if in_doorway else shadows:
            painter.dim(*shadow, _SHADOW)
        clip = self.doorway[window.y0 : window.y1, window.x0 : window.x1] if in_doorway else None
        for capsule in capsules:
            painter.lay(capsule, clip)
        for plane, zero, into in zip((y, u, v), (0.0, 128.0, 128.0), fine, strict=True):
            plane += np.float32(zero)
            plane *= np.float32(FINE)
            np.minimum(np.maximum(plane, 0.0, out=plane), np.float32(255 * FINE), out=plane)
            into[:] = plane
        self._sigma_of(fine[0], _cut(self._sigmas, window))


def _flat(y: Floats, u: Floats, v: Floats) -> Counts:
    return np.concatenate([np.rint(plane.ravel() * FINE).astype(np.int16) for plane in (y, u, v)])


def _cut(planes: tuple[Counts, Counts, Counts], window: Window) -> tuple[Counts, Counts, Counts]:
    y, u, v = planes
    rows, columns = slice(window.y0 // 2, window.y1 // 2), slice(window.x0 // 2, window.x1 // 2)
    return y[window.y0 : window.y1, window.x0 : window.x1], u[rows, columns], v[rows, columns]


class _Output:
    """The buffer as a Frame: as it is (I420 without padding), or copied into the layout asked for."""

    def __init__(self, planes: tuple[NDArray, NDArray, NDArray], layout: Layout, padding_px: int) -> None:  # type: ignore[type-arg]
        self._source = self._seen = planes
        if layout == "i420" and not padding_px:
            return
        height, width = planes[0].shape
        y = np.zeros((height, width + padding_px), np.uint8)[:, :width]
        if layout == "nv12":
            both = np.zeros((height // 2, width + padding_px), np.uint8)[:, :width]
            self._seen = y, both[:, ::2], both[:, 1::2]
        else:
            u, v = (
                np.zeros((height // 2, (width + padding_px) // 2), np.uint8)[:, : width // 2] for _ in "uv"
            )
            self._seen = y, u, v

    def frame(self, frame_ns: int) -> Frame:
        if self._seen is not self._source:
            for into, source in zip(self._seen, self._source, strict=True):
                into[:] = source
        y, u, v = self._seen
        return Frame(y, u, v, frame_ns)
