"""Which cells of a body may be skin: those whose colours beat together with their neighbours'.

No skin colour is asked for. Each cell's POS projection is whitened by its own noise; the sum over 3 x 3 neighbours
grows with their number where they share one phase (skin) and with its root where they do not (cloth, wall, noise).
Cloth that breathes has harmonics in the band: what swings slowly counts as noise too. A camera without colour shows its
one colour, less what all cells of the body share. What is chosen here proves nothing: `pulse.py` judges it on what
comes after.
"""

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.pulse import LOW_HZ, SEGMENT_S, one_colour, rgb
from stillroom.eye.spectrum import Complex, Real, basis, resample
from stillroom.eye.traces import Ring

HIGHEST_HZ, STEP_HZ = 3.0, 0.06
SLOWEST_HZ, SLOW_HZ, SLOW_STEP_HZ = 0.2, 0.6, 0.1
SLOW_NOISE = 0.15
"""Of a swing in the breathing band, what its harmonics may be in the pulse band."""
MAX_CELLS = 1200
CHUNK = 150
"""Cells looked at together: what this takes in memory is given back at once, but counts at its peak."""
MIN_CELLS, MOST_CELLS = 6, 120
DIM = 16.0


def choose(
    ring: Ring, body: NDArray[np.bool_], shape: tuple[int, int], rate_hz: float, limit: int = MAX_CELLS
) -> NDArray[np.intp] | None:
    """Cells (indices) among `body` (cells,) that beat together; None for too few. ring: the fast one.

    limit: of a larger body only the upper part is looked at; faces are rarely below.
    """
    cells = np.flatnonzero(body)[:limit]
    if len(cells) < MIN_CELLS:
        return None
    parts = [_chroma(ring, cells[at : at + CHUNK], shape, rate_hz) for at in range(0, len(cells), CHUNK)]
    first, second, bright = (np.concatenate(part, axis=-1) for part in zip(*parts, strict=True))
    return _together(_beats(first, second, bright), cells, shape)


def _chroma(
    ring: Ring, cells: NDArray[np.intp], shape: tuple[int, int], rate_hz: float
) -> tuple[Complex, Complex, NDArray[np.bool_]]:
    """Spectra (k, m) of the two colour differences of POS, and which cells have light enough; a few cells at once.

    Slow frequencies first, see `_beats`. Without colour: of the one there is, and nothing.
    """
    total = shape[0] * shape[1]
    columns = np.concatenate([cells, cells + total, cells + 2 * total])
    times, rows = ring.window(SEGMENT_S + 0.1, columns)
    samples = round(SEGMENT_S * rate_hz)
    colours = rgb(resample(times, rows, rate_hz, samples).reshape(samples, 3, -1))
    level = colours.mean(axis=1, keepdims=True)
    red, green, blue = relative = colours / level
    bright: NDArray[np.bool_] = level.mean(axis=(0, 1)) >= DIM
    alone = one_colour(colours)
    if alone is not None:
        swing = _spectra(relative[alone], rate_hz)
        return swing, np.zeros_like(swing), bright
    return _spectra(green - blue, rate_hz), _spectra(green + blue - 2 * red, rate_hz), bright


def _spectra(traces: Real, rate_hz: float) -> Complex:
    """(n, m) -> (k, m), the slow band above that of the pulse."""
    slow = basis(len(traces), rate_hz, SLOWEST_HZ, SLOW_HZ, SLOW_STEP_HZ, 1)
    fast = basis(len(traces), rate_hz, LOW_HZ, HIGHEST_HZ, STEP_HZ, 2)
    return np.concatenate([slow(traces), fast(traces)])


def _beats(first: Complex, second: Complex, bright: NDArray[np.bool_]) -> Complex:
    """Whitened POS spectra (k, m) of the pulse band; one projection for all cells, so that phases compare."""
    slow = round((SLOW_HZ - SLOWEST_HZ) / SLOW_STEP_HZ) + 1
    if not second.any():
        spectrum = first - first.mean(axis=1, keepdims=True)
    else:
        ratio = np.median(np.abs(first[slow:])) / max(float(np.median(np.abs(second[slow:]))), 1e-9)
        spectrum = first + np.float32(ratio) * second
    size = np.abs(spectrum)
    noise = np.median(size[slow:], axis=0) + np.float32(SLOW_NOISE) * size[:slow].max(axis=0)
    noise[~bright] = np.inf
    whitened: Complex = spectrum[slow:] / np.maximum(noise, 1e-9)
    return whitened


def _together(beats: Complex, cells: NDArray[np.intp], shape: tuple[int, int]) -> NDArray[np.intp] | None:
    row, col = cells // shape[1], cells % shape[1]
    row, col = row - row.min(), col - col.min()
    field = np.zeros((len(beats), int(row.max()) + 3, int(col.max()) + 3), np.complex64)
    field[:, row + 1, col + 1] = beats
    down = field[:, :-2] + field[:, 1:-1] + field[:, 2:]
    around = down[..., :-2] + down[..., 1:-1] + down[..., 2:]
    sums = around[:, row, col]
    strength = np.abs(sums) ** 2
    best = np.sort(strength, axis=1)[:, -12:].mean(axis=1)
    at = int(np.argmax(best))
    phase = sums[at] / np.maximum(np.abs(sums[at]), 1e-9)
    common = phase[np.argmax(strength[at])]
    agrees = (np.real(phase * common.conj()) > 0.7) & (strength[at] > 0.2 * best[at])
    chosen = cells[agrees]
    order = np.argsort(-strength[at][agrees])
    return np.sort(chosen[order[:MOST_CELLS]]) if len(chosen) >= MIN_CELLS else None
