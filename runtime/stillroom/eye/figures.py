"""Small figures of a fifth of a second: what moved, what stands out as a connected part, whether it is dark."""

from collections import deque
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stillroom.eye import passes
from stillroom.eye.blobs import Part, parts
from stillroom.observation import MAX_BLOBS, Blob, Box

Flags = NDArray[np.bool_]
Real = NDArray[np.float32]

DARK_LUMA = 16
DARK_SHARE = 0.98
COARSE = 2
MIN_BLOB = 0.002
"""Of the picture: a child's head at the far end of a room."""
FLOOR, TIMES = 1.0, 3.0
"""In counts, and of a cell's noise: what changes by more than both together moves."""
NOISY = 5.0
"""Times what the middle cell of a picture changes by: noise alone goes beyond in one cell of a thousand."""
LEVEL_EVERY, LEVELS = 5, 10
"""In fifths of a second, and how many: ten seconds."""
LASTING = 1.3
LEAST_WEIGHED = 20
_MEMORY = 0.02


class Motion:
    """Cells that changed from frame to frame by more than they use to; what goes on for a minute (a fan) is noise.

    `lasting`: whether changes add up over fifths of a second as those of things that move do (a step over two fifths
    is larger than over one); noise and frames out of order do not.
    """

    def __init__(self, cells: int) -> None:
        self._noise = np.zeros(cells, np.float32)
        self._started = False
        self._fed = 0
        self._levels: deque[float] = deque(maxlen=LEVELS)
        self._luma = np.empty((2, cells), np.float32)
        """Of the last two fifths, the later one first."""
        self._steps = [0.0, 0.0]
        self._weighed = 0

    @property
    def lasting(self) -> bool:
        return self._weighed > LEAST_WEIGHED and self._steps[1] > LASTING * self._steps[0]

    def weigh(self, luma: Real) -> None:
        """luma: (cells,) of a fifth; call once for each."""
        if not self._weighed:
            self._luma[:] = luma
        for k, step in enumerate(passes.steps(luma, self._luma)):
            self._steps[k] += _MEMORY * (step - self._steps[k])
        self._weighed += 1

    def feed(self, moved: Real) -> Flags:
        """moved: (cells,) mean change from frame to frame, in counts. (cells,) True where it is motion."""
        if not self._started:
            self._noise[:] = moved
            self._started = True
        self._fed += 1
        if self._fed % LEVEL_EVERY == 0:
            self._lift(moved)
        return passes.moving(moved, self._noise, TIMES, FLOOR)

    def _lift(self, moved: Real) -> None:
        """What is known of a cell's noise lies below its mean, or movers would be learned as noise; a count more hides
        that, but for the noise of dim light. Most of a picture does not move, and not for ten seconds: what the middle
        cell changes by at least is noise, and a step of the light is not.
        """
        some = moved[:: max(1, len(moved) // 600) | 1].copy()
        some.partition(len(some) // 2)
        self._levels.append(float(some[len(some) // 2]))
        least = (NOISY * min(self._levels) - FLOOR) / TIMES
        if least > 0.0 and len(self._levels) == LEVELS:
            np.maximum(self._noise, np.float32(least), out=self._noise)


def mean_of(values: Real) -> float:
    """As `values.mean()` has it, at a third of its cost: pictures of cells are small, and there are many means."""
    total: np.float32 = np.add.reduce(values, axis=None)
    return float(total / values.size)


def share_of(flags: Flags) -> float:
    """How much of some flags is set."""
    return int(np.count_nonzero(flags)) / flags.size


def is_dark(histogram: NDArray[np.uint32]) -> bool:
    """Nearly all luma below what a face in moonlight would need."""
    total = int(np.add.reduce(histogram))
    return total == 0 or sum(histogram[:DARK_LUMA].tolist()) >= DARK_SHARE * total


def box_of(cells: NDArray[np.intp], shape: tuple[int, int]) -> Box | None:
    """The box that holds nine in ten of some cells, in each direction; None for none."""
    if len(cells) == 0:
        return None
    rows, cols = shape
    low_y, high_y = nearly_all(cells // cols)
    low_x, high_x = nearly_all(cells % cols)
    return Box(low_x / cols, low_y / rows, (high_x + 1) / cols, (high_y + 1) / rows)


def nearly_all(places: NDArray[np.intp], but_for: float = 0.05) -> tuple[float, float]:
    """From where to where some places lie, but for a share at each end: `np.percentile` at a tenth of its cost."""
    ordered = np.sort(places)
    return _at(ordered, but_for), _at(ordered, 1.0 - but_for)


def _at(ordered: NDArray[np.intp], share: float) -> float:
    """Between the two nearest in a straight line, counted from the nearer one as `np.percentile` does."""
    place = (len(ordered) - 1) * share
    below = int(place)
    low, high, part = int(ordered[below]), int(ordered[min(below + 1, len(ordered) - 1)]), place - below
    return low + (high - low) * part if part < 0.5 else high - (high - low) * (1.0 - part)


def blobs_of(figure: Flags, moving: Flags, shape: tuple[int, int]) -> tuple[Blob, ...]:
    """The largest connected parts of `figure` (cells,), at most four, largest first.

    Joined on squares of 2 x 2 cells with at least two set: single cells are noise.
    """
    rows, cols = shape[0] // COARSE * COARSE, shape[1] // COARSE * COARSE
    mask = _coarse(figure.reshape(shape)[:rows, :cols]) >= 2
    largest = _largest(mask.tobytes(), (rows // COARSE, cols // COARSE))
    if not largest:
        return ()
    if not np.count_nonzero(moving):
        return tuple(blob for _, blob in largest)
    moved = _coarse(moving.reshape(shape)[:rows, :cols])
    return tuple(_moving(part, blob, moved) for part, blob in largest)


@lru_cache(maxsize=16)
def _largest(mask: bytes, shape: tuple[int, int]) -> tuple[tuple[Part, Blob], ...]:
    """The parts that are large enough, largest first, as still blobs. Remembered, as function of the mask alone: round
    somebody who rests noise flips a few squares to and fro, and the same masks come again and again.
    """
    flags: Flags = np.frombuffer(mask, np.bool_).reshape(shape)
    found = sorted(parts(flags), key=lambda part: -part.size)[:MAX_BLOBS]
    return tuple((part, _still(part, shape)) for part in found if part.size >= MIN_BLOB * flags.size)


def _coarse(flags: Flags) -> NDArray[np.uint8]:
    counts = flags.view(np.uint8)
    rows: NDArray[np.uint8] = counts[::2] + counts[1::2]
    total: NDArray[np.uint8] = rows[:, ::2] + rows[:, 1::2]
    return total


def _still(part: Part, shape: tuple[int, int]) -> Blob:
    rows, cols = shape
    box = Box(part.x0 / cols, part.y0 / rows, part.x1 / cols, part.y1 / rows)
    return Blob(box, part.size / (rows * cols), 0.0)


def _moving(part: Part, still: Blob, moved: NDArray[np.uint8]) -> Blob:
    cells = part.total(moved)
    return Blob(still.box, still.area, min(1.0, cells / (part.size * COARSE * COARSE)))
