"""The empty room, cell by cell, and what differs from it.

A cell differs when its luma, after one gain for the whole picture (exposure, lamps), or its colour is further from the
model than its own noise and a floor explain. The model moves only while the keeper says that the room is empty, or, at
the start, while nothing moves ("learning": not yet to be trusted).
"""

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from stillroom.eye import passes
from stillroom.eye.figures import share_of

if TYPE_CHECKING:
    from stillroom.eye.traces import Fifth

Real = NDArray[np.float32]
Flags = NDArray[np.bool_]
State = Literal["none", "learning", "learned"]

LEARN_FIFTHS = 15
"""Three seconds without motion make a model."""
SLOW_SHARE = 0.02
"""Of the difference, each fifth of a second: a time constant of ten seconds."""
FLOODED_LUMA = 248.0
_GREY = 128.0
GAIN_STEP = 0.04
"""Between two fifths of a second, in most cells: lamps, exposure or white balance."""
GAIN_SEEN = 0.003
"""The same, small enough to leave all else to be compared; less is noise and who walks there."""


def _lit(model: Real, scale: float) -> Real:
    """(3, cells) of Y, U, V as they would be in `scale` times the light: colours fade towards grey with it."""
    lit = model * np.float32(scale)
    lit[1:] += np.float32(_GREY * (1.0 - scale))
    return lit


class Background:
    """Make, feed a fifth of a second at a time, read `differs`."""

    def __init__(self, cells: int) -> None:
        self.state: State = "none"
        self._mean = np.zeros((3, cells), np.float32)
        self._noise = np.full(cells, 1.0, np.float32)
        self._seen = 0
        self._confirmed = False
        self._witnessed = False

    def witness(self) -> None:
        """A model looks and finds nobody: what is learned before the keeper's word need not be thrown away at it."""
        self._witnessed = True

    def feed(self, fifth: "Fifth", moving: Flags, *, empty: bool | None) -> None:
        """empty: the keeper's word; None before it has spoken."""
        if empty is False or (empty is None and self._seen and share_of(moving) > 0.02):
            return
        if empty and not self._confirmed:
            self._confirmed = True
            if not self._witnessed:
                self._seen = 0  # what was learned before may hold a person
        self._learn(fifth, moving)
        if self._confirmed and self._seen >= LEARN_FIFTHS:
            self.state = "learned"
        else:
            self.state = "learning"

    def _learn(self, fifth: "Fifth", moving: Flags) -> None:
        self._seen += 1
        share = max(SLOW_SHARE, 1.0 / self._seen)
        flooded = fifth.luma > FLOODED_LUMA  # the sensor says no more of it than that it is bright
        weight = (
            np.where(moving | flooded, 0.0, share).astype(np.float32) if self._seen > 1 else np.float32(1.0)
        )
        now = np.stack([fifth.luma, fifth.u, fifth.v])
        if self._seen > 1:
            scale = passes.gain(fifth.luma, self._mean[0])
            self._mean = _lit(self._mean, scale)  # what light did is not noise
        away = np.abs(now[0] - self._mean[0])
        self._mean += weight * (now - self._mean)
        if self._seen > 1:
            self._noise += weight * (np.minimum(away, 4.0) - self._noise)

    def differs(self, fifth: "Fifth") -> Flags | None:
        """(cells,) True where the picture is not the empty room; None without a model."""
        if self._seen < LEARN_FIFTHS:
            return None
        return passes.differs(fifth, self._mean, self._noise, passes.gain(fifth.luma, self._mean[0]))


class Light:
    """Tells a change of light from a change in the room: most cells step together, by the same factor.

    `step`: that factor, from the fifth before to this one.
    """

    def __init__(self) -> None:
        self._before: Real | None = None
        self._together = False
        self.step = 1.0

    def reset(self) -> None:
        self._before = None

    def feed(self, luma: Real) -> bool:
        before, self._before = self._before, luma
        self._together = False
        if before is None:
            return False
        self.step = step = passes.gain(luma, before)
        if abs(step - 1.0) < GAIN_SEEN:
            return False
        together = (np.abs(luma - step * before) < np.abs(luma - before))[before > 4.0]
        self._together = bool(together.size) and share_of(together) > 0.6
        return self._together and abs(step - 1.0) >= GAIN_STEP

    def unexplained(self, moved: Real) -> Real:
        """(cells,) mean change from frame to frame, in counts, but for what the step of the light alone makes of it."""
        if not self._together or self._before is None:
            return moved
        rest: Real = moved - np.float32(abs(self.step - 1.0)) * self._before
        return np.maximum(rest, np.float32(0.0), out=rest)
