"""Small figures of a fifth of a second: what moved, what stands out as a connected part, whether it is dark."""

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.blobs import label
from stillroom.observation import MAX_BLOBS, Blob, Box

Flags = NDArray[np.bool_]
Real = NDArray[np.float32]

DARK_LUMA = 16
DARK_SHARE = 0.98
COARSE = 2
MIN_BLOB = 0.002
"""Of the picture: a child's head at the far end of a room."""
MOVED_FLOOR = 1.0
MOVED_TIMES = 3.0
LASTING = 1.3
LEAST_WEIGHED = 20
_MEMORY = 0.02
_FALL, _RISE = 0.05, 0.003
"""Per fifth of a second: noise is forgotten in seconds, learned in a minute (a fan becomes noise)."""


class Motion:
    """Cells that changed from frame to frame by more than they use to.

    `lasting`: whether changes add up over fifths of a second as those of things that move do (a step over two fifths
    is larger than over one); noise and frames out of order do not.
    """

    def __init__(self, cells: int) -> None:
        self._noise = np.zeros(cells, np.float32)
        self._started = False
        self._luma: tuple[Real, Real] | None = None
        self._steps = [0.0, 0.0]
        self._weighed = 0

    @property
    def lasting(self) -> bool:
        return self._weighed > LEAST_WEIGHED and self._steps[1] > LASTING * self._steps[0]

    def weigh(self, luma: Real) -> None:
        """luma: (cells,) of a fifth; call once for each."""
        if self._luma is not None:
            for k, before in enumerate(self._luma):
                self._steps[k] += _MEMORY * (float(np.abs(luma - before).mean()) - self._steps[k])
        self._weighed += 1
        self._luma = (luma, luma if self._luma is None else self._luma[0])

    def feed(self, moved: Real) -> Flags:
        """moved: (cells,) mean change from frame to frame, in counts. (cells,) True where it is motion."""
        if not self._started:
            self._noise[:] = moved
            self._started = True
        moving: Flags = moved > MOVED_FLOOR + MOVED_TIMES * self._noise
        away = moved - self._noise
        self._noise += away * np.where(away < 0, np.float32(_FALL), np.float32(_RISE))
        return moving


def is_dark(histogram: NDArray[np.uint32]) -> bool:
    """Nearly all luma below what a face in moonlight would need."""
    total = int(histogram.sum())
    return total == 0 or int(histogram[:DARK_LUMA].sum()) >= DARK_SHARE * total


def box_of(cells: NDArray[np.intp], shape: tuple[int, int]) -> Box | None:
    """The box that holds nine in ten of some cells, in each direction; None for none."""
    if len(cells) == 0:
        return None
    rows, cols = shape
    low_y, high_y = np.percentile(cells // cols, (5, 95))
    low_x, high_x = np.percentile(cells % cols, (5, 95))
    return Box(
        float(low_x / cols), float(low_y / rows), float((high_x + 1) / cols), float((high_y + 1) / rows)
    )


def blobs_of(figure: Flags, moving: Flags, shape: tuple[int, int]) -> tuple[Blob, ...]:
    """The largest connected parts of `figure` (cells,), at most four, largest first.

    Joined on squares of 2 x 2 cells with at least two set: single cells are noise.
    """
    if not figure.any():
        return ()
    rows, cols = shape[0] // COARSE * COARSE, shape[1] // COARSE * COARSE
    share = _coarse(figure.reshape(shape)[:rows, :cols])
    moved = _coarse(moving.reshape(shape)[:rows, :cols])
    mask = share >= 2
    if not mask.any():
        return ()
    labels, count = label(mask)
    sizes = np.bincount(labels.reshape(-1), minlength=count + 1)[1:]
    moved_cells = np.bincount(labels.reshape(-1), moved.reshape(-1), minlength=count + 1)[1:]
    largest = [int(k) for k in np.argsort(-sizes)[:MAX_BLOBS] if sizes[k] >= MIN_BLOB * mask.size]
    return tuple(_blob(labels == k + 1, float(moved_cells[k]), int(sizes[k])) for k in largest)


def _coarse(flags: Flags) -> NDArray[np.uint8]:
    counts = flags.astype(np.uint8)
    rows: NDArray[np.uint8] = counts[::2] + counts[1::2]
    total: NDArray[np.uint8] = rows[:, ::2] + rows[:, 1::2]
    return total


def _blob(part: Flags, moved_cells: float, size: int) -> Blob:
    rows, cols = part.shape
    down, across = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    box = Box(
        float(across[0] / cols),
        float(down[0] / rows),
        float((across[-1] + 1) / cols),
        float((down[-1] + 1) / rows),
    )
    return Blob(box, size / part.size, min(1.0, moved_cells / (size * COARSE * COARSE)))
