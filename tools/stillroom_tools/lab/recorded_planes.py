"""A decoded picture as 8-bit 4:2:0 planes in full range: the decoder's own memory, else one swscale pass.

Limited range is stretched to full; the colour matrix of YUV is left as it is (BT.709 read as BT.601 shifts colours a
little); RGB becomes BT.601. Odd sizes lose a row or column; pictures larger than 1920x1080 are made smaller.
"""

from typing import TYPE_CHECKING

import numpy as np

from stillroom.eye.frame import Plane

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.plane import VideoPlane

MAX_WIDTH_PX, MAX_HEIGHT_PX = 1920, 1080
_FULL_RANGE = 2
_YUV = ("yuv", "nv", "yv", "uyvy", "p0", "p4", "p2")
"""Beginnings of the names of formats whose range is limited unless they say otherwise."""


def even_size(width_px: int, height_px: int) -> tuple[int, int]:
    """The size that a picture will have: even, and at most 1920x1080."""
    scale = min(1.0, MAX_WIDTH_PX / width_px, MAX_HEIGHT_PX / height_px)
    return int(width_px * scale) & ~1, int(height_px * scale) & ~1


class PlaneReader:
    """Planes of pictures that all have one size. Keeps a converter, so: one reader a stream."""

    def __init__(self, width_px: int, height_px: int) -> None:
        """The decoded size; `size` is what comes out."""
        from av.video.reformatter import Colorspace, VideoReformatter

        self.size = even_size(width_px, height_px)
        self._shrinks = self.size[0] < width_px - 1 or self.size[1] < height_px - 1
        self._reformatter = VideoReformatter()
        self._bt601 = int(Colorspace.ITU601)
        self._grey: Plane | None = None

    def read(self, picture: "VideoFrame") -> tuple[Plane, Plane, Plane]:
        """Y, U, V; views that keep the picture alive where nothing had to be converted."""
        name, full = picture.format.name, _is_full_range(picture)
        straight = full and not self._shrinks
        if straight and name in ("gray", "gray8"):
            return self._cropped(_rows(picture.planes[0])), *self._no_colour()
        if straight and name == "nv12":
            both = _rows(picture.planes[1], 2)
            return (
                self._cropped(_rows(picture.planes[0])),
                self._halved(both[:, ::2]),
                self._halved(both[:, 1::2]),
            )
        if not (straight and name in ("yuv420p", "yuvj420p")):
            picture = self._converted(picture, full)
        y, u, v = (_rows(plane) for plane in picture.planes)
        return self._cropped(y), self._halved(u), self._halved(v)

    def _converted(self, picture: "VideoFrame", full: bool) -> "VideoFrame":
        return self._reformatter.reformat(
            picture,
            width=self.size[0] if self._shrinks else picture.width,
            height=self.size[1] if self._shrinks else picture.height,
            format="yuv420p",
            dst_colorspace=self._bt601 if _is_rgb(picture) else None,
            interpolation="AREA" if self._shrinks else "POINT",
            src_color_range="JPEG" if full else "MPEG",
            dst_color_range="JPEG",
        )

    def _cropped(self, plane: Plane) -> Plane:
        return plane[: self.size[1], : self.size[0]]

    def _halved(self, plane: Plane) -> Plane:
        return plane[: self.size[1] // 2, : self.size[0] // 2]

    def _no_colour(self) -> tuple[Plane, Plane]:
        if self._grey is None:
            self._grey = np.full((self.size[1] // 2, self.size[0] // 2), 128, np.uint8)
        return self._grey, self._grey


def _is_full_range(picture: "VideoFrame") -> bool:
    name = picture.format.name
    return name.startswith("yuvj") or int(picture.color_range) == _FULL_RANGE or not name.startswith(_YUV)


def _is_rgb(picture: "VideoFrame") -> bool:
    return bool(picture.format.is_rgb)


def _rows(plane: "VideoPlane", step: int = 1) -> Plane:
    """(height, width) bytes of a plane, at its own stride. `step`: bytes a sample."""
    flat: Plane = np.frombuffer(memoryview(plane), np.uint8)
    return flat.reshape(-1, plane.line_size)[: plane.height, : plane.width * step]
