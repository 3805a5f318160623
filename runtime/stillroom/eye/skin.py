"""Which cells of a body may be skin: those whose colours beat together with their neighbours'.

No skin colour is asked for. Each cell's POS projection is whitened by its own noise; the sum over 3 x 3 neighbours
grows with their number where they share one phase (skin) and with its root where they do not (cloth, wall, noise).
Cloth that breathes has harmonics in the band: what swings slowly counts as noise too. A camera without colour shows its
one colour, less what all cells of the body share.

What is chosen proves nothing, since the best of many is good by chance. So every other cell has no part in the choice:
the black squares of a chess board choose, the white ones among them are asked. Where those beat at the same rate, they
may be read over the same seconds. Where they do not, `pulse.py` judges the choice on what comes after.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.pulse import LOW_HZ, SEGMENT_S, one_colour, rgb
from stillroom.eye.spectrum import Complex, Real, basis, interpolation
from stillroom.eye.traces import Ring

Spectra = Callable[[Real], Complex]

HIGHEST_HZ, STEP_HZ = 3.0, 0.06
SLOWEST_HZ, SLOW_HZ, SLOW_STEP_HZ = 0.2, 0.6, 0.1
SLOW_NOISE = 0.15
"""Of a swing in the breathing band, what its harmonics may be in the pulse band."""
MAX_CELLS = 1200
CHUNK = 150
"""Cells looked at together: what this takes in memory is given back at once, but counts at its peak."""
MIN_CELLS, MOST_CELLS = 6, 120
MIN_UNSEEN = 4
SQUARE = 2
"""Cells on a side of a square: within a codec's block of 16 pixels what is wrong is wrong together."""
SAME_HZ = 0.1
MIN_HEARD = 8.0
"""Of the unseen cells together, over the noise of one: noise alone is so strong once in some hundred times."""
MAX_OTHER = 0.5
"""Of the unseen cells together: most power at any other rate, relative to that at the rate of the choice."""
BEST = 12
FEW = 3
DIM = 16.0


@dataclass(frozen=True, slots=True)
class Skin:
    """cells: indices of what beats together. unseen: those of them that had no part in the choice.

    confirmed: power of the unseen ones together at the rate of the choice, over the noise of one cell; 0: they do not
    say the same.
    """

    cells: NDArray[np.intp]
    unseen: NDArray[np.intp]
    confirmed: float


def choose(ring: Ring, body: NDArray[np.bool_], shape: tuple[int, int], rate_hz: float) -> Skin | None:
    """Cells among `body` (cells,) that beat together; None for too few. ring: the fast one.

    A body of more than MAX_CELLS is looked at in squares of cells, which lie in it as a whole.
    """
    step = max(1, math.ceil(math.sqrt(float(body.sum()) / MAX_CELLS)))
    coarse = shape[0] // step, shape[1] // step
    places = np.flatnonzero(_in_squares(body.reshape(shape), step).all(axis=(1, 3)))
    if len(places) < MIN_CELLS:
        return None
    times, sums = _window(ring, places, shape, step)
    spectra = _spectra(times, rate_hz)
    alone = one_colour(rgb(sums[..., ::FEW]))
    parts = [_chroma(sums[..., at : at + CHUNK], alone, spectra) for at in range(0, len(places), CHUNK)]
    first, second, bright = (np.concatenate(part, axis=-1) for part in zip(*parts, strict=True))
    found = _confirmed(_beats(first, second, bright), places, coarse)
    if found is None or step == 1:
        return found
    cells, unseen = (_cells_in(squares, shape, step) for squares in (found.cells, found.unseen))
    return Skin(cells, unseen, found.confirmed)


def _in_squares(plane: NDArray[Any], step: int) -> NDArray[Any]:
    """(..., rows, cols) -> (..., rows / step, step, cols / step, step); what remains at the edge is left out."""
    rows, cols = plane.shape[-2] // step, plane.shape[-1] // step
    inside = plane[..., : rows * step, : cols * step]
    return inside.reshape(*plane.shape[:-2], rows, step, cols, step)


def _cells_in(squares: NDArray[np.intp], shape: tuple[int, int], step: int) -> NDArray[np.intp]:
    """Indices of the cells that squares are made of."""
    flags = np.zeros((shape[0] // step) * (shape[1] // step), bool)
    flags[squares] = True
    cells = np.zeros(shape, bool)
    _in_squares(cells, step)[:] = flags.reshape(shape[0] // step, 1, shape[1] // step, 1)
    return np.flatnonzero(cells)


def _window(
    ring: Ring, places: NDArray[np.intp], shape: tuple[int, int], step: int
) -> tuple[NDArray[np.float64], Real]:
    """Times (n,) and sums of Y, U, V (n, 3, m), as of one cell, of m squares; one plane of the ring at a time."""
    total = shape[0] * shape[1]
    if step == 1:
        times, rows = ring.window(
            SEGMENT_S + 0.1, np.concatenate([places + plane * total for plane in range(3)])
        )
        return times, rows.reshape(len(rows), 3, -1)
    planes = []
    for plane in range(3):
        times, rows = ring.window(SEGMENT_S + 0.1, slice(plane * total, (plane + 1) * total))
        squares = _in_squares(rows.reshape(len(rows), *shape), step)
        parts = [squares[:, :, row, :, col] for row in range(step) for col in range(step)]
        planes.append(sum(parts[1:], parts[0]).reshape(len(rows), -1)[:, places] / step**2)
    return times, np.stack(planes, axis=1)


def _confirmed(beats: Complex, cells: NDArray[np.intp], shape: tuple[int, int]) -> Skin | None:
    """What the black squares choose, where the white ones agree; else what all choose together."""
    black = (cells // shape[1] // SQUARE + cells % shape[1] // SQUARE) % 2 == 1
    sums = _around(beats * black, cells, shape)
    at = _strongest(sums)
    chosen = _alike(sums[at])
    white = chosen[~black[chosen]]
    sums = _around(beats, cells, shape)
    if len(chosen) >= MIN_CELLS and len(white) >= MIN_UNSEEN:
        heard = np.abs(beats[:, white].sum(axis=1)) ** 2 / len(white)
        other = np.abs(np.arange(len(heard)) - at) * STEP_HZ > SAME_HZ
        here = float(heard[~other].max())
        if here >= MIN_HEARD and float(heard[other].max()) <= MAX_OTHER * here:
            return Skin(np.sort(cells[_alike(sums[at])]), np.sort(cells[white]), here)
    chosen = _alike(sums[_strongest(sums)])
    return Skin(np.sort(cells[chosen]), cells[:0], 0.0) if len(chosen) >= MIN_CELLS else None


def _chroma(sums: Real, alone: int | None, spectra: Spectra) -> tuple[Complex, Complex, NDArray[np.bool_]]:
    """Spectra (k, m) of the two colour differences of POS, and which cells have light enough; a few cells at once.

    sums: (n, 3, m). alone: the only colour there is, of which alone spectra come then, beside zeros.
    """
    colours = rgb(sums)
    level = colours.mean(axis=1, keepdims=True)
    red, green, blue = relative = colours / level
    bright: NDArray[np.bool_] = level.mean(axis=(0, 1)) >= DIM
    if alone is not None:
        swing = spectra(relative[alone])
        return swing, np.zeros_like(swing), bright
    first = green - blue
    return spectra(first), spectra(first + 2 * (blue - red)), bright


def _spectra(times_s: NDArray[np.float64], rate_hz: float) -> Spectra:
    """What takes traces (n, m) at uneven times to spectra (k, m), the slow band above that of the pulse."""
    samples = round(SEGMENT_S * rate_hz)
    slow = basis(samples, rate_hz, SLOWEST_HZ, SLOW_HZ, SLOW_STEP_HZ, 1)
    fast = basis(samples, rate_hz, LOW_HZ, HIGHEST_HZ, STEP_HZ, 2)
    even = interpolation(times_s, rate_hz, samples)
    parts = [part for each in (slow, fast) for part in np.split(each.matrix @ even, 2)]
    real, imaginary = np.concatenate(parts[::2]), np.concatenate(parts[1::2])
    return lambda traces: real @ traces + np.complex64(1j) * (imaginary @ traces)


def _beats(first: Complex, second: Complex, bright: NDArray[np.bool_]) -> Complex:
    """Whitened POS spectra (k, m) of the pulse band; one projection for all cells, so that phases compare."""
    slow = round((SLOW_HZ - SLOWEST_HZ) / SLOW_STEP_HZ) + 1
    if not second.any():
        spectrum = first - first.mean(axis=1, keepdims=True)
    else:
        sizes = [float(np.median(np.abs(each[slow:, ::FEW]))) for each in (first, second)]
        ratio = sizes[0] / max(sizes[1], 1e-9)
        spectrum = first + np.float32(ratio) * second
    size = np.abs(spectrum)
    noise = np.median(size[slow:], axis=0) + np.float32(SLOW_NOISE) * size[:slow].max(axis=0)
    noise[~bright] = np.inf
    whitened: Complex = spectrum[slow:] / np.maximum(noise, 1e-9)
    return whitened


def _around(beats: Complex, cells: NDArray[np.intp], shape: tuple[int, int]) -> Complex:
    """(k, m) sums over each cell and its eight neighbours."""
    row, col = cells // shape[1], cells % shape[1]
    row, col = row - row.min(), col - col.min()
    field = np.zeros((len(beats), int(row.max()) + 3, int(col.max()) + 3), np.complex64)
    field[:, row + 1, col + 1] = beats
    down = field[:, :-2] + field[:, 1:-1] + field[:, 2:]
    around = down[..., :-2] + down[..., 1:-1] + down[..., 2:]
    sums: Complex = around[:, row, col]
    return sums


def _strongest(sums: Complex) -> int:
    """Of the frequencies, by the best dozen of places."""
    return int(np.argmax(np.sort(np.abs(sums) ** 2, axis=1)[:, -BEST:].mean(axis=1)))


def _alike(sums: Complex) -> NDArray[np.intp]:
    """Which cells (places in `sums` (m,)) are strong and of the strongest one's phase, strongest first."""
    strength = np.abs(sums) ** 2
    phase = sums / np.maximum(np.abs(sums), 1e-9)
    common = phase[np.argmax(strength)]
    best = np.sort(strength)[-BEST:].mean()
    alike = np.flatnonzero((np.real(phase * common.conj()) > 0.7) & (strength > 0.2 * best))
    return alike[np.argsort(-strength[alike])][:MOST_CELLS]
