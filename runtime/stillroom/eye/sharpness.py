"""How sharp a straight slanted edge is: the frequency at which half of the contrast is left (MTF50), in cycles a pixel.

ISO 12233's way: the edge's place is found in each row, a line is laid through the places, every pixel's distance to
that line orders them into one finely sampled profile, its slope is the line spread, and the spread's spectrum is the
MTF. Counts are taken as they come, not made linear: for a limit that is enough, and a chart of less than full contrast
(1:4) keeps the difference small (Burns 2000, "Slanted-edge MTF for digital camera and scanner analysis").
"""

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float64]

BINS_PER_PX = 4
LEAST_CONTRAST = 20.0
"""Counts between dark and bright side."""
LEAST_SIDE = 12
AROUND_PX, LEAST_AROUND_PX = 16, 5
"""Of the edge, on each side, at most and at least: what is farther off is paper."""
STRAIGHT_PX = 0.6
"""By which the edge's place in each row may leave the line, as a root mean square: pictures of other things do more."""
SLANT = (0.035, 0.85)
"""Least and most of pixels sideways for each row: 2 to 40 degrees. An upright one samples the same points in each."""


class NoEdge(Exception):
    """There is no edge that could be measured; the message says why."""


def mtf50(plane: Plane) -> float:
    """plane: (rows, cols) of luma with one edge in it. Raises NoEdge."""
    if min(plane.shape) < LEAST_SIDE:
        raise NoEdge(f"the chart's part of the picture is less than {LEAST_SIDE} px wide or high")
    across = np.abs(np.diff(plane.mean(axis=0))).max()
    down = np.abs(np.diff(plane.mean(axis=1))).max()
    plane = plane if across >= down else plane.T
    contrast = float(np.percentile(plane, 90) - np.percentile(plane, 10))
    if contrast < LEAST_CONTRAST:
        raise NoEdge(
            f"no edge there: {contrast:.0f} counts from dark to bright, at least {LEAST_CONTRAST:.0f} are needed"
        )
    return _half(_line_spread(plane))


def _line_spread(plane: Plane) -> Plane:
    """The slope of the profile across the edge, `BINS_PER_PX` a pixel."""
    rows, cols = np.arange(plane.shape[0]), np.arange(plane.shape[1])
    slope, start = _edge_of(plane, rows)
    away = (cols[None, :] - (start + slope * rows)[:, None]) / np.hypot(1.0, slope)
    around = min(AROUND_PX, int(-away[:, 0].max()), int(away[:, -1].min()))
    if around < LEAST_AROUND_PX:
        raise NoEdge("the edge comes too near to the sides of the chart's part of the picture, or leaves it")
    near = np.abs(away) < around
    places = np.floor((away[near] + around) * BINS_PER_PX).astype(np.intp)
    count = np.bincount(places, minlength=2 * around * BINS_PER_PX)
    total = np.bincount(places, weights=plane[near], minlength=count.size)
    if (count == 0).any():
        raise NoEdge("too few rows for an edge that is slanted so little")
    profile = total / count
    spread: Plane = np.diff(profile)
    return spread


def _edge_of(plane: Plane, rows: NDArray[np.intp]) -> tuple[float, float]:
    """Pixels sideways for each row, and where it begins. The line is laid twice, the second time near the first."""
    steps = np.abs(np.diff(plane, axis=1))
    steps = np.where(steps > 0.3 * steps.max(axis=1, keepdims=True), steps, 0.0)
    places = np.arange(steps.shape[1]) + 0.5
    centre = (steps * places).sum(axis=1) / np.maximum(steps.sum(axis=1), 1e-9)
    slope, start = np.polyfit(rows, centre, 1)
    inside = np.abs(places[None, :] - (start + slope * rows)[:, None]) < 6.0
    near = np.where(inside, steps, 0.0)
    usable = near.sum(axis=1) > 0
    if usable.sum() < LEAST_SIDE:
        raise NoEdge("no straight edge there")
    centre = (near * places).sum(axis=1)[usable] / near.sum(axis=1)[usable]
    slope, start = np.polyfit(rows[usable], centre, 1)
    crooked = float(np.sqrt(np.mean((centre - (start + slope * rows[usable])) ** 2)))
    if crooked > STRAIGHT_PX:
        raise NoEdge(f"no straight edge there: what looks like one wanders by {crooked:.1f} px")
    if not SLANT[0] <= abs(slope) <= SLANT[1]:
        raise NoEdge(f"the edge is {np.degrees(np.arctan(abs(slope))):.0f} degrees off, 2 to 40 are needed")
    return float(slope), float(start)


def _half(spread: Plane) -> float:
    """Where the spectrum falls to a half, between the two frequencies around it."""
    middle = int(np.argmax(np.abs(np.convolve(spread, np.ones(BINS_PER_PX), "same"))))
    turned = np.roll(spread, spread.size // 2 - middle) * _window(spread.size)
    size = 16 * spread.size
    spectrum = np.abs(np.fft.rfft(turned, size))
    # The slope was taken between neighbours, which is itself a filter: its own loss is taken out.
    frequency = np.fft.rfftfreq(size, 1.0 / BINS_PER_PX)
    found = spectrum / max(float(spectrum[0]), 1e-9) / np.sinc(frequency / BINS_PER_PX)
    below = np.flatnonzero(found < 0.5)
    if below.size == 0 or below[0] == 0:
        raise NoEdge("no spectrum of an edge there")
    at = int(below[0])
    part = (found[at - 1] - 0.5) / (found[at - 1] - found[at])
    return float(frequency[at - 1] + part * (frequency[at] - frequency[at - 1]))


def _window(size: int) -> Plane:
    """Flat in its middle half, to nothing at its ends by a cosine (Tukey): what is far off is noise and shading."""
    place = np.abs(np.linspace(-1.0, 1.0, size + 2)[1:-1])
    return np.where(place < 0.5, 1.0, 0.5 + 0.5 * np.cos(2 * np.pi * (place - 0.5)))
