"""What can happen to a camera: it is knocked aside, its lens smeared or dazzled, its driver stuck, its power cut.

Blur and dazzle act on the finished picture, after its noise: a smeared lens in life leaves the noise as it is, and
what looks at cells of 64 pixels does not see that difference.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.frame import Frame

KNOCK_DEG = 7.0
"""Downwards, unless the act says otherwise: about 60 px of 480."""
BLUR_PX = 24
"""Side of the box that each pixel becomes the mean of, twice."""
DAZZLE = 235
"""Counts that a torch in front of the lens adds at least, everywhere."""


@dataclass(frozen=True)
class Harms:
    """What is wrong now. turned_deg: away from where it looked at first."""

    turned_deg: float = 0.0
    blurred: bool = False
    dazzled: bool = False
    frozen: bool = False
    off: bool = False
    """Without power: no frames at all."""

    def after(self, act: str, turn_deg: float | None) -> "Harms":
        """With one more act; `mend` puts all in order."""
        if act == "mend":
            return Harms()
        if act in ("power-off", "power-on"):
            return replace(self, off=act == "power-off")
        if act == "knock":
            return replace(self, turned_deg=self.turned_deg + (KNOCK_DEG if turn_deg is None else turn_deg))
        return replace(
            self,
            blurred=self.blurred or act == "blur",
            dazzled=self.dazzled or act == "dazzle",
            frozen=self.frozen or act == "freeze",
        )


def harmed(frame: Frame, harms: Harms) -> Frame:
    """The frame as a smeared or dazzled lens gives it; the same object where nothing is wrong."""
    y = frame.y
    if harms.blurred:
        y = blurred(blurred(y, BLUR_PX).astype(np.uint8), BLUR_PX).astype(np.uint8)
    if harms.dazzled:
        y = np.maximum(y, DAZZLE + y // 16)
    return frame if y is frame.y else Frame(y, frame.u, frame.v, frame.frame_ns)


def blurred(plane: NDArray[np.generic], side: int) -> NDArray[np.float32]:
    """Means over boxes of so many places a side, the border repeated; by running sums."""
    return _along(_along(plane, side).T, side).T


def _along(plane: NDArray[np.generic], side: int) -> NDArray[np.float32]:
    half = side // 2
    padded = np.pad(plane.astype(np.float32), ((0, 0), (half, half)), mode="edge")
    sums = np.cumsum(padded, axis=1, dtype=np.float64)
    sums = np.pad(sums, ((0, 0), (1, 0)))
    means: NDArray[np.float32] = ((sums[:, side:] - sums[:, :-side]) / side).astype(np.float32)
    return means[:, : plane.shape[1]]
