"""Which cells of a body may be skin: those whose colours beat together with their neighbours'.

No skin colour is asked for. Each cell's POS projection is whitened by its own noise; the sum over 3 x 3 neighbours
grows with their number where they share one phase (skin) and with its root where they do not (cloth, wall, noise). What
is chosen here proves nothing: `pulse.py` judges it on what comes after.
"""

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.pulse import LOW_HZ, SEGMENT_S, rgb
from stillroom.eye.spectrum import Complex, basis, resample
from stillroom.eye.traces import Ring

HIGHEST_HZ, STEP_HZ = 3.0, 0.06
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
    """Spectra (k, m) of the two colour differences of POS, and which cells have light enough; a few cells at once."""
    total = shape[0] * shape[1]
    columns = np.concatenate([cells, cells + total, cells + 2 * total])
    times, rows = ring.window(SEGMENT_S + 0.1, columns)
    samples = round(SEGMENT_S * rate_hz)
    colours = rgb(resample(times, rows, rate_hz, samples).reshape(samples, 3, -1))
    level = colours.mean(axis=1, keepdims=True)
    red, green, blue = colours / level
    transform = basis(samples, rate_hz, LOW_HZ, HIGHEST_HZ, STEP_HZ, 2)
    bright: NDArray[np.bool_] = level.mean(axis=(0, 1)) >= DIM
    return transform(green - blue), transform(green + blue - 2 * red), bright


def _beats(first: Complex, second: Complex, bright: NDArray[np.bool_]) -> Complex:
    """Whitened POS spectra (k, m); one projection for all cells, so that phases compare."""
    ratio = np.median(np.abs(first)) / max(float(np.median(np.abs(second))), 1e-9)
    spectrum = first + np.float32(ratio) * second
    noise = np.median(np.abs(spectrum), axis=0)
    noise[~bright] = np.inf
    whitened: Complex = spectrum / np.maximum(noise, 1e-9)
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
