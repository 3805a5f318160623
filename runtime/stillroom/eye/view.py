"""One view as the eye makes it: a picture of one size for each number that the keeper names, sealed before it leaves
to whom the signed request says (`papers.py`).

`figure` is drawn (`figure.py`) over the empty room (`empty_picture.py`). `picture` is luma cut out of the next borrowed
frame, averaged over squares that are told in a few greys; it lies in locked memory, and is wiped when it is sealed.
Nothing is kept from one frame to the next, and what private zones cover is black in both.
"""

from typing import TYPE_CHECKING

import numpy as np

from stillroom.eye.empty_picture import EmptyPicture
from stillroom.eye.figure import draw
from stillroom.eye.order import Order
from stillroom.eye.papers import Look
from stillroom.link import ViewAsked, ViewFrame
from stillroom.locked import locked_arrays
from stillroom.view_forms import GREYS, HEIGHT_PX, WIDTH_PX, Blank
from stillroom.view_seal import PIXELS_AT, PLAIN_BYTES, FrameSealer

if TYPE_CHECKING:
    from numpy.typing import NDArray


class View:
    """Make for the camera's size and what the papers allow; `order` before a frame, `frame` after it."""

    def __init__(self, look: Look, sender_id: bytes, width_px: int, height_px: int) -> None:
        (self._plain,) = locked_arrays([((PLAIN_BYTES,), np.uint8)])
        pixels: NDArray[np.uint8] = self._plain[PIXELS_AT:].reshape(HEIGHT_PX, WIDTH_PX)
        self._pixels = pixels
        self._scale = width_px / WIDTH_PX, height_px / HEIGHT_PX
        self._sealer = FrameSealer(sender_id, look.view, look.session, self._plain.data)
        self.look = look

    def order(self, frame_ns: int) -> tuple[Order, ...]:
        """What is to be cut out of the next frame; nothing for a figure."""
        if self.look.level != "picture":
            return ()
        across, down = self._scale
        return (Order((across, 0.0, 0.0, 0.0, down, 0.0), self._pixels, frame_ns),)

    def frame(self, asked: ViewAsked, empty: EmptyPicture, served: bool) -> ViewFrame:
        """Sealed. served: the order of a picture was."""
        blank = self._compose(asked, empty, served)
        look = self.look
        block = look.block if look.level == "picture" else 1
        return ViewFrame(
            asked.number, self._sealer.seal(asked.number, look.level, block, blank, asked.left_ms)
        )

    def _compose(self, asked: ViewAsked, empty: EmptyPicture, served: bool) -> Blank:
        if asked.blank != "shown":
            return asked.blank
        if self.look.level == "picture":
            if not served:
                return "starting"
            average(self._pixels, self.look.block)
            return "shown"
        if not empty.known:
            return "no-background"
        self._pixels[:] = empty.luma(HEIGHT_PX, WIDTH_PX)
        draw(self._pixels, asked.figures)
        return "shown"


def average(pixels: "NDArray[np.uint8]", block: int, greys: int = GREYS) -> None:
    """Each square of block x block pixels becomes its mean, in steps of 256 / greys, in place. 1 changes nothing.

    block: one of BLOCKS. The steps are what keeps frames that are moved a little against one another from giving back
    what lies between the squares (`stillroom site intruder`); greys: of 256 for comparison alone.
    """
    if block == 1:
        return
    rows, cols = pixels.shape[0] // block, pixels.shape[1] // block
    squares = pixels.reshape(rows, block, cols, block)
    means = (squares.sum(axis=(1, 3), dtype=np.uint32) + block * block // 2) // (block * block)
    squares[:] = coarse(means, greys).astype(np.uint8)[:, None, :, None]


def coarse(means: "NDArray[np.uint32]", greys: int = GREYS) -> "NDArray[np.uint32]":
    """Luma in greys equal steps, the first told as 0 and the last as 255. greys: a power of two."""
    found: NDArray[np.uint32] = means // (256 // greys) * 255 // (greys - 1)
    return found
