"""A strip of the empty room while it is painted: rays, and the nearest surface that each has met."""

import numpy as np
from numpy.typing import NDArray

from stillroom_tools.lab.scene import Floats, Pinhole

Mask = NDArray[np.bool_]


class Strip:
    """A strip of rays with the nearest surface met so far."""

    def __init__(self, camera: Pinhole, top: int, rows: int) -> None:
        x_px: Floats = np.arange(2 * camera.width_px, dtype=np.float32) * np.float32(0.5) + np.float32(0.25)
        y_px: Floats = np.arange(2 * top, 2 * (top + rows), dtype=np.float32) * np.float32(0.5) + np.float32(
            0.25
        )
        self.ray = camera.rays(x_px, y_px[:, None])
        self.start = (np.float32(camera.x_m), np.float32(camera.height_m), np.float32(camera.z_m))
        shape = (2 * rows, 2 * camera.width_px)
        self.far = np.full(shape, 1e6, np.float32)
        self.rgb = np.zeros((3, *shape), np.float32)

    def meet(self, axis: int, at_m: float) -> tuple[Floats, tuple[Floats, Floats, Floats]]:
        """How far along each ray the plane `axis = at_m` lies, and the world point there."""
        with np.errstate(divide="ignore", invalid="ignore"):
            far = (np.float32(at_m) - self.start[axis]) / self.ray[axis]
        far = np.where((far > 0.05) & np.isfinite(far), far, np.float32(1e6))
        x, y, z = (start + ray * far for start, ray in zip(self.start, self.ray, strict=True))
        return far, (x, y, z)

    def put(self, far: Floats, where: Mask, rgb: tuple[float, float, float], shade: Floats) -> Mask:
        """Paint where this surface is nearer than what is there; says where it was."""
        seen = where & (far < self.far)
        self.far = np.where(seen, far, self.far)
        for channel, value in enumerate(rgb):
            self.rgb[channel] = np.where(seen, np.float32(value) * shade, self.rgb[channel])
        return seen


def near(value: Floats, at: float, width: float) -> Floats:
    """1 at a place, falling to 0 around it."""
    return np.asarray(np.exp(-(((value - np.float32(at)) / np.float32(width)) ** 2)), np.float32)


def between(value: Floats, low: float, high: float) -> Mask:
    return (value > low) & (value < high)
