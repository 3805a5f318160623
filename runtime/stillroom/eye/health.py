"""Is the camera still looking at the room it looked at before? On cells and a histogram; no frame is kept.

The view is known by its edges: differences of neighbouring cells, remembered slowly. Light scales them all alike, so
that correlation with those remembered does not care for lamps or sunrise. It is taken tile by tile: a person, a
curtain or a moved chair spoils some tiles, a turned camera spoils all of them, and mostly leaves the same edges a few
cells away (found by cross-correlation through the FFT; Kuglin and Hines 1975 without their whitening). Memory lasts
as long as the process: a camera that was turned while no eye ran is not noticed.

What cannot be told apart on cells: less than about one cell (8 px) of movement, less than a few px of blur, and a lens
cap from a room without any light (both `covered`; `dark` is a room whose edges can still be made out).
"""

import math
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from stillroom.eye import passes
from stillroom.eye.figures import is_dark, mean_of, share_of
from stillroom.observation import Health

if TYPE_CHECKING:
    from stillroom.eye.traces import Fifth

Real = NDArray[np.float32]
Flags = NDArray[np.bool_]

TILES = (3, 4)
LOOK_EVERY = 3
"""Fifths of a second from one judgement to the next: each costs a fifth of all else that the eye does meanwhile."""
LEARN_LOOKS = 9
SMOOTH = 0.3
"""Of each fifth, so that noise in dim rooms averages out over a second."""
REMEMBER, FORGET = 1 / 100, 1 / 500
"""Of each look: a minute where a tile is as it was, five where it is not (a cupboard was moved)."""
EDGE = 24.0
"""Counts; stronger edges count no more than this."""
FAINT = 0.6
"""Mean edge, in counts, of a picture that shows nothing but noise."""
TILE_AGREES = 0.4
MOVED_AGREE, SURE_AGREE = 0.25, 0.5
FLOODED_SHARE, FLOODED_LUMA = 0.5, 245
QUIET = 0.02
DETAIL_LOST = 0.3
BLUR_FINE, LEARN_FINE = 0.5, 0.75
SHIFT_EVERY = 6
"""In fifths."""
SHIFT_FOUND, SHIFT_BETTER = 0.5, 0.15

HOLD_S: dict[Health, float] = {
    "good": 1.4,
    "covered": 1.4,
    "dark": 1.4,
    "blinded": 1.8,
    "frozen": 2.8,
    "blurred": 4.8,
    "moved": 5.8,
}
"""How long each must last before it is said."""
_LOOK_S = 0.2 * LOOK_EVERY


class View(Struct, frozen=True, eq=False):
    """A picture's edges, (2, cells), right and down, 0 where nothing is beyond; and their mean strength."""

    edges: Real
    detail: float
    fine: float
    luma: float


class CameraHealth:
    """Make for a grid, feed a fifth of a second at a time."""

    def __init__(self, shape: tuple[int, int], allowed: Flags) -> None:
        """allowed: (cells,) True where the picture may be read."""
        self._shape = shape
        self._parts = _parts_of(allowed.reshape(shape))
        right, down, inside, here = np.count_nonzero(self._parts, axis=1).tolist()
        self._counts = max(1, right + down), max(1, inside), max(1, here)
        """Of edges, bends and cells that are read."""
        self._tiles = _begins(shape[0], TILES[0]), _begins(shape[1], TILES[1])
        sizes = (np.diff(begins, append=size) for begins, size in zip(self._tiles, shape, strict=True))
        self._faint = (np.outer(*sizes).reshape(-1) * FAINT**2).tolist()
        """Of each tile, what its edges' squares make together where it shows nothing."""
        self._known = np.zeros(shape, np.float32)
        self._now: Real | None = None
        self._mean = 0.0
        """Of `_now`."""
        self._seen = 0
        self._fifths = 0
        self._frozen = True
        self._shifted = 0
        self._candidate: Health = "unsure"
        self._held_s = 0.0
        self.state: Health = "unsure"

    def feed(self, fifth: "Fifth", histogram: NDArray[np.uint32], moving: Flags) -> Health:
        """The state now. histogram: (256,) of luma; moving: (cells,) True where something moves."""
        luma = fifth.luma.reshape(self._shape)
        self._frozen = self._frozen and not np.count_nonzero(fifth.moved)
        self._now = self._smoothed(luma)
        self._fifths += 1
        if self._fifths % LOOK_EVERY:
            return self.state
        raw = self._judge(self._view(self._now), histogram, moving, self._frozen)
        self._frozen = True
        if raw != self._candidate:
            self._candidate, self._held_s = raw, 0.0
        self._held_s += _LOOK_S
        if raw not in ("unsure", self.state) and self._held_s >= HOLD_S[raw]:
            self.state = raw
        return self.state

    def _smoothed(self, luma: Real) -> Real:
        """A mean over a second, begun anew where the light has halved or doubled."""
        mean = mean_of(luma)
        if self._now is None or not 0.5 < (mean + 1.0) / (self._mean + 1.0) < 2.0:
            self._mean = mean
            return luma.copy()
        self._mean += SMOOTH * (mean - self._mean)
        away = luma - self._now
        away *= np.float32(SMOOTH)
        away += self._now
        return away

    def _judge(self, view: View, histogram: NDArray[np.uint32], moving: Flags, frozen: bool) -> Health:
        total = max(1, int(np.add.reduce(histogram)))
        if sum(histogram[FLOODED_LUMA:].tolist()) > FLOODED_SHARE * total:
            return "blinded"
        black = is_dark(histogram)
        if self._seen < LEARN_LOOKS:
            return self._begin(view, black)
        known = self._view(self._known)
        agree, whole = self._agreement(view, known)
        if black:
            return "dark" if whole > 0.2 and view.detail > FAINT / 2 else "covered"
        if frozen:
            return "frozen"
        quiet = share_of(moving) < QUIET
        lost = view.detail / (view.luma + 4.0) < DETAIL_LOST * known.detail / (known.luma + 4.0)
        if lost and view.luma > known.luma + 20.0:
            return "blinded"
        if lost and whole < 0.5:
            return "covered" if quiet else "unsure"
        return self._by_edges(view, known, moving, agree, whole, quiet)

    def _by_edges(
        self, view: View, known: View, moving: Flags, agree: float, whole: float, quiet: bool
    ) -> Health:
        if self._fifths % SHIFT_EVERY == 0:
            self._shifted = self._shifted + 1 if self._is_shifted(view, known, whole) else 0
        if self._shifted >= 3:
            self._held_s = HOLD_S["moved"]
            self._candidate = "moved"
            return "moved"
        if agree <= MOVED_AGREE:
            return "moved" if quiet else "unsure"
        fine = view.fine / (view.luma + 4.0) / max(known.fine / (known.luma + 4.0), 1e-6)
        if agree >= SURE_AGREE and whole > 0.4 and fine < BLUR_FINE:
            return "blurred"
        if self._shifted == 0 and agree >= SURE_AGREE:
            if fine > LEARN_FINE:
                self._remember(moving, agree)
            return "good"
        return "unsure" if self._shifted else "good"

    def _begin(self, view: View, black: bool) -> Health:
        """No view is known yet: learn it from what is neither black nor blank."""
        if black:
            return "dark"
        if view.detail < FAINT:
            return "covered"
        self._seen += 1
        assert self._now is not None
        self._known += (self._now - self._known) / np.float32(self._seen)
        return "unsure" if self._seen < LEARN_LOOKS else "good"

    def _remember(self, moving: Flags, agree: float) -> None:
        share = np.float32(REMEMBER if agree > 0.75 else FORGET)
        assert self._now is not None
        away = self._now - self._known
        away *= share
        away[moving.reshape(self._shape)] = 0.0
        self._known += away

    def _view(self, luma: Real) -> View:
        edges, sums = passes.view(luma, self._parts, EDGE, self._shape)
        detail, bend, mean = (each / count for each, count in zip(sums, self._counts, strict=True))
        return View(edges, detail, bend / 4, mean)

    def _agreement(self, view: View, known: View) -> tuple[float, float]:
        """Share of tiles whose edges are as they were, and the correlation of the whole."""
        both, mine, before = passes.tile_sums(view.edges, known.edges, *self._tiles, self._shape).tolist()
        whole = _correlation(sum(both), sum(mine), sum(before))
        usable = [
            product > TILE_AGREES * math.sqrt(now * then)
            for product, now, then, faint in zip(both, mine, before, self._faint, strict=True)
            if then > faint
        ]
        return (1.0 if len(usable) < 3 else sum(usable) / len(usable)), whole

    def _is_shifted(self, now: View, known: View, whole: float) -> bool:
        """Are the edges there, but elsewhere? Not searched for while they are where they were."""
        if whole > 1.0 - SHIFT_BETTER:
            return False
        (right, down), (right_before, down_before) = (
            each.edges.reshape(2, *self._shape) for each in (now, known)
        )
        found = _cross(right, right_before) + _cross(down, down_before)
        scale = np.sqrt(float((now.edges**2).sum()) * float((known.edges**2).sum()))
        if scale <= 0.0:
            return False
        best = np.unravel_index(int(found.argmax()), found.shape)
        away = [min(int(b), n - int(b)) for b, n in zip(best, found.shape, strict=True)]
        if max(away) == 0:
            return False
        # What has left the picture on one side cannot be found again: the overlap's share of the whole.
        overlap = (1 - away[0] / found.shape[0]) * (1 - away[1] / found.shape[1])
        correlation = float(found[best]) / (scale * max(overlap, 0.3))
        return bool(correlation > SHIFT_FOUND and correlation > whole + SHIFT_BETTER)


def _cross(a: Real, b: Real) -> Real:
    """Circular cross-correlation of two edge maps of one shape."""
    spectrum = np.fft.rfft2(a) * np.conj(np.fft.rfft2(b))
    found: Real = np.fft.irfft2(spectrum, a.shape).astype(np.float32)
    return found


def _correlation(product: float, mine: float, before: float) -> float:
    return product / math.sqrt(mine * before) if mine > 0 and before > 0 else 0.0


def _begins(size: int, count: int) -> NDArray[np.int32]:
    """Where each tile begins along a side of so many cells; fewer than `count` of a side that is shorter."""
    return np.unique(np.arange(size) * count // size, return_index=True)[1].astype(np.int32)


def _parts_of(here: Flags) -> Real:
    """(4, cells) as `passes.view` takes them, of (rows, cols) cells that may be read."""
    parts = np.zeros((4, *here.shape), np.bool_)
    right, down, inside, alone = parts
    right[:, :-1], down[:-1] = here[:, 1:] & here[:, :-1], here[1:] & here[:-1]
    wide, high = right[:, 1:] & right[:, :-1], down[1:] & down[:-1]
    inside[1:-1, 1:-1] = wide[1:-1, :-1] & high[:-1, 1:-1]
    alone[:] = here
    return parts.reshape(4, -1).astype(np.float32)
