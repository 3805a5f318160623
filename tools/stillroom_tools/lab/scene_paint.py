"""Paint soft-edged, textured capsules over a piece of the picture.

A capsule is a line with a radius at each end. Its weave is a few sines in its own coordinates, so that the pattern
moves with it exactly, by any part of a pixel.
"""

import math
from dataclasses import dataclass

import numpy as np

from stillroom_tools.lab.scene import Floats

Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Capsule:
    """From (x0, y0) to (x1, y1) px with radii r0, r1 px. `colour`: Y and centred U, V in counts.

    weave: (counts of contrast as a share, waves a pixel along, waves a pixel across, phase) each.
    """

    x0: float
    y0: float
    r0: float
    x1: float
    y1: float
    r1: float
    colour: Colour
    weave: tuple[tuple[float, float, float, float], ...] = ()
    round: float = 0.3
    """How much darker the edge is than the middle."""
    z_m: float = 0.0
    """How far its middle is from the camera's wall, for what may stand before it."""
    shines: bool = False
    """By itself: the room's darkness does not darken it."""


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of the picture, even on all sides: x0 <= x < x1, y0 <= y < y1 px."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def empty(self) -> bool:
        return self.x1 <= self.x0 or self.y1 <= self.y0


def window_of(capsules: list[Capsule], width: int, height: int) -> Window:
    """What holds all capsules, within the picture."""
    sides = [sides_of(capsule) for capsule in capsules]
    x0, y0 = min(side[0] for side in sides), min(side[1] for side in sides)
    return _even(x0, y0, max(side[2] for side in sides), max(side[3] for side in sides), width, height)


def sides_of(c: Capsule) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of what it covers, px."""
    return (
        min(c.x0 - c.r0, c.x1 - c.r1),
        min(c.y0 - c.r0, c.y1 - c.r1),
        max(c.x0 + c.r0, c.x1 + c.r1),
        max(c.y0 + c.r0, c.y1 + c.r1),
    )


def _even(x0: float, y0: float, x1: float, y1: float, width: int, height: int) -> Window:
    left, top = max(int(x0 - 1) & ~1, 0), max(int(y0 - 1) & ~1, 0)
    return Window(left, top, min(int(x1 + 3) & ~1, width), min(int(y1 + 3) & ~1, height))


class Painter:
    """A piece of the picture that capsules are laid over, the first lowest.

    y: (h, w), chroma: (2, h/2, w/2) float32 in counts, chroma around 0; changed in place.
    """

    def __init__(
        self, window: Window, y: Floats, chroma: Floats, factor: float = 1.0, shining: float = 1.0
    ) -> None:
        """`factor`, `shining`: what exposure does to the colours of capsules, and of those that shine."""
        self._window = window
        self._factor, self._shining = factor, shining
        self._luma, self._chroma = y, chroma
        self._xs = np.arange(y.shape[1], dtype=np.float32)
        self._ys = np.arange(y.shape[0], dtype=np.float32)[:, None]

    def lay(self, capsule: Capsule, clip: Floats | None = None) -> None:
        """Lay one capsule; `clip`, of the whole window's shape, lets it through where it is 1."""
        x, y = self._window.x0, self._window.y0
        x0, y0, x1, y1 = sides_of(capsule)
        inner = _even(x0 - x, y0 - y, x1 - x, y1 - y, self._window.x1 - x, self._window.y1 - y)
        if inner.empty:
            return
        rows, columns = slice(inner.y0, inner.y1), slice(inner.x0, inner.x1)
        xs = self._xs[columns] + np.float32(x + 0.5 - capsule.x0)
        ys = self._ys[rows] + np.float32(y + 0.5 - capsule.y0)
        cover, shade = _shape(capsule, xs, ys)
        factor = self._shining if capsule.shines else self._factor
        if clip is not None:
            cover *= clip[rows, columns]
        luma = self._luma[rows, columns]
        shade *= np.float32(capsule.colour[0] * factor)
        shade -= luma
        shade *= cover
        luma += shade
        part = self._chroma[:, inner.y0 // 2 : inner.y1 // 2, inner.x0 // 2 : inner.x1 // 2]
        tint = np.array(capsule.colour[1:], np.float32)[:, None, None] * np.float32(factor)
        part += _halved(cover) * (tint - part)

    def dim(self, x: float, y: float, rx: float, ry: float, share: float) -> None:
        """Darken a soft ellipse: the shadow where something touches the ground."""
        x0, y0 = max(int(x - 1.5 * rx), self._window.x0), max(int(y - 1.5 * ry), self._window.y0)
        x1, y1 = min(int(x + 1.5 * rx), self._window.x1), min(int(y + 1.5 * ry), self._window.y1)
        if x1 <= x0 or y1 <= y0:
            return
        across = ((np.arange(x0, x1, dtype=np.float32) - np.float32(x)) / np.float32(rx)) ** 2
        down = ((np.arange(y0, y1, dtype=np.float32) - np.float32(y)) / np.float32(ry)) ** 2
        soft = np.exp(-2.0 * down)[:, None] * (np.float32(-share) * np.exp(-2.0 * across))
        rows = slice(y0 - self._window.y0, y1 - self._window.y0)
        luma = self._luma[rows, x0 - self._window.x0 : x1 - self._window.x0]
        luma += luma * soft


def _halved(plane: Floats) -> Floats:
    rows = plane[::2] + plane[1::2]
    out: Floats = rows[:, ::2] + rows[:, 1::2]
    out *= np.float32(0.25)
    return out


def _shape(capsule: Capsule, xs: Floats, ys: Floats) -> tuple[Floats, Floats]:
    """Coverage 0..1 and shading around 1 on the grid of row vector xs and column vector ys (from the first end)."""
    dx, dy = capsule.x1 - capsule.x0, capsule.y1 - capsule.y0
    length = math.hypot(dx, dy)
    if length < 1e-3:
        dx, dy, length = 1e-3, 0.0, 1e-3
    ex, ey = dx / length, dy / length
    along: Floats = xs * np.float32(ex) + ys * np.float32(ey)
    across: Floats = ys * np.float32(ex) - xs * np.float32(ey)
    inside = np.minimum(np.maximum(along, np.float32(0.0)), np.float32(length))
    radius = inside * np.float32((capsule.r1 - capsule.r0) / length) + np.float32(capsule.r0)
    beyond = along - inside
    beyond *= beyond
    distance = across * across
    distance += beyond
    np.sqrt(distance, out=distance)
    cover = radius - distance
    cover += np.float32(0.5)
    np.minimum(np.maximum(cover, np.float32(0.0), out=cover), np.float32(1.0), out=cover)
    distance /= radius
    distance *= distance
    shade = distance
    shade *= np.float32(-capsule.round)
    shade += np.float32(1.0 + 0.4 * capsule.round)
    for contrast, kx, ky, phase in capsule.weave:
        shade += _wave(contrast, ex * kx - ey * ky, ey * kx + ex * ky, phase, xs, ys)
    return cover, shade


def _wave(contrast: float, kx: float, ky: float, phase: float, xs: Floats, ys: Floats) -> Floats:
    """contrast * sin(kx x + ky y + phase), from sines of rows and columns alone."""
    a, b = xs * np.float32(kx) + np.float32(phase), ys * np.float32(ky)
    c = np.float32(contrast)
    wave: Floats = (c * np.sin(a)) * np.cos(b)
    wave += (c * np.cos(a)) * np.sin(b)
    return wave
