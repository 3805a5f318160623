"""Which cells of a body may be skin: those whose colours beat together with their neighbours'.

No skin colour is asked for. Each cell's POS projection is whitened by its own noise; the sum over 3 x 3 neighbours
grows with their number where they share one phase (skin) and with its root where they do not (cloth, wall, noise). What
is chosen here proves nothing: `pulse.py` judges it on what comes after.
"""

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.pulse import LOW_HZ, SEGMENT_S, rgb
from stillroom.eye.spectrum import Complex, Real, basis, resample
from stillroom.eye.traces import Ring

HIGHEST_HZ, STEP_HZ = 3.0, 0.06
MAX_CELLS = 1200
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
    total = shape[0] * shape[1]
    columns = np.concatenate([cells, cells + total, cells + 2 * total])
    times, rows = ring.window(SEGMENT_S + 0.1, columns)
    samples = round(SEGMENT_S * rate_hz)
    even = resample(times, rows, rate_hz, samples)
    return _together(_beats(rgb(even.reshape(samples, 3, -1)), rate_hz), cells, shape)


def _beats(colours: Real, rate_hz: float) -> Complex:
    """(3, n, m) -> whitened POS spectra (k, m); one projection for all cells, so that phases compare."""
    dim = colours.mean(axis=(0, 1)) < DIM
    relative = colours / colours.mean(axis=1, keepdims=True)
    red, green, blue = relative
    transform = basis(colours.shape[1], rate_hz, LOW_HZ, HIGHEST_HZ, STEP_HZ, 2)
    first, second = transform(green - blue), transform(green + blue - 2 * red)
    ratio = np.median(np.abs(first)) / max(float(np.median(np.abs(second))), 1e-9)
    spectrum = first + np.float32(ratio) * second
    noise = np.median(np.abs(spectrum), axis=0)
    noise[dim] = np.inf
    whitened: Complex = spectrum / np.maximum(noise, 1e-9)
    return whitened


def _together(beats: Complex, cells: NDArray[np.intp], shape: tuple[int, int]) -> NDArray[np.intp] | None:
    field = np.zeros((len(beats), shape[0] + 2, shape[1] + 2), np.complex64)
    row, col = cells // shape[1], cells % shape[1]
    field[:, row + 1, col + 1] = beats
    top, bottom, left, right = row.min(), row.max() + 3, col.min(), col.max() + 3
    field = field[:, top:bottom, left:right]
    down = field[:, :-2] + field[:, 1:-1] + field[:, 2:]
    around = down[..., :-2] + down[..., 1:-1] + down[..., 2:]
    sums = around[:, row - top, col - left]
    strength = np.abs(sums) ** 2
    best = np.sort(strength, axis=1)[:, -12:].mean(axis=1)
    at = int(np.argmax(best))
    phase = sums[at] / np.maximum(np.abs(sums[at]), 1e-9)
    common = phase[np.argmax(strength[at])]
    agrees = (np.real(phase * common.conj()) > 0.7) & (strength[at] > 0.2 * best[at])
    chosen = cells[agrees]
    order = np.argsort(-strength[at][agrees])
    return np.sort(chosen[order[:MOST_CELLS]]) if len(chosen) >= MIN_CELLS else None
