"""The bytes of a finished picture, laid out as a camera would: planes of their own or two together, rows padded."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.frame import Frame

Layout = Literal["i420", "nv12"]


class Output:
    """The buffer as a Frame: as it is (I420 without padding), or copied into the layout asked for."""

    def __init__(self, planes: tuple[NDArray, NDArray, NDArray], layout: Layout, padding_px: int) -> None:  # type: ignore[type-arg]
        self._source = self._seen = planes
        if layout == "i420" and not padding_px:
            return
        height, width = planes[0].shape
        y = np.zeros((height, width + padding_px), np.uint8)[:, :width]
        if layout == "nv12":
            both = np.zeros((height // 2, width + padding_px), np.uint8)[:, :width]
            self._seen = y, both[:, ::2], both[:, 1::2]
        else:
            u, v = (
                np.zeros((height // 2, (width + padding_px) // 2), np.uint8)[:, : width // 2] for _ in "uv"
            )
            self._seen = y, u, v

    def frame(self, frame_ns: int) -> Frame:
        if self._seen is not self._source:
            for into, source in zip(self._seen, self._source, strict=True):
                into[:] = source
        y, u, v = self._seen
        return Frame(y, u, v, frame_ns)
