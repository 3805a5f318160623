"""The empty room as a picture for views: coarse, old, and learned only while nobody can have been there.

Not the model that readings and states use, which follows the room in seconds. This one is fed only while the keeper saw
everybody leave, nothing moves, nothing breathes and a model finds nobody; and what was learned is used only once as
long a time without any doubt has followed: whatever made the room look empty is found out by then. So somebody who lies
still for hours is never in it: nobody saw him leave.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillroom.locked import locked_arrays

CHUNK_FIFTHS = 100
"""Twenty seconds, of the camera's own clock, are learned whole or not at all, and used after the twenty that follow: a
room that somebody left a moment sooner is learned from the same frames."""
LEVELS = 16
"""Of luma: coarse, so that noise does not show, and no two views tell two learnings of one room apart."""

Real = NDArray[np.float32]


class EmptyPicture:
    """Feed a fifth of a second at a time; read `luma`."""

    def __init__(self, shape: tuple[int, int]) -> None:
        """shape: rows and columns of cells. Memory is locked: a room is told by its furniture."""
        self._sum, self._pending, self._used = locked_arrays([((shape[0] * shape[1],), np.float32)] * 3)
        self._shape = shape
        self._chunk, self._fifths = -1, 0
        self._has_pending = False
        self.known = False

    def feed(self, luma: Real, nobody: bool, fifth: int) -> None:
        """luma: (cells,) of this fifth. nobody: keeper, movement, breathing and model say so. fifth: its number."""
        chunk = fifth // CHUNK_FIFTHS
        if chunk != self._chunk:
            self._end_chunk()
            self._chunk = chunk
        if not nobody:
            self._has_pending = False
            return
        self._sum += luma
        self._fifths += 1

    def _end_chunk(self) -> None:
        """A whole one waits for the next; where one waits already, that one is used from now on."""
        if self._fifths >= CHUNK_FIFTHS:
            if self._has_pending:
                self._used[:] = self._pending
                self.known = True
            np.divide(self._sum, np.float32(self._fifths), out=self._pending)
        self._has_pending = self._fifths >= CHUNK_FIFTHS
        self._fifths = 0
        self._sum[:] = 0.0

    def luma(self, height_px: int, width_px: int) -> NDArray[np.uint8]:
        """The room in LEVELS steps of grey, (height_px, width_px), each cell a square. Only where `known`."""
        step = 256.0 / LEVELS
        coarse: NDArray[Any] = np.floor(self._used.reshape(self._shape) / step) * step + step / 2
        rows = np.arange(height_px) * self._shape[0] // height_px
        cols = np.arange(width_px) * self._shape[1] // width_px
        picture: NDArray[np.uint8] = coarse[rows[:, None], cols].astype(np.uint8)
        return picture
