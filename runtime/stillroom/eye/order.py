"""An order: a picture that a detector or a view wants from the next borrowed frame."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stillroom._native import ffi, lib
from stillroom.clock import NS_PER_MS
from stillroom.errors import StillroomError

MAX_SIDE_PX: int = lib.DISTIL_ORDER_MAX_PX
MAX_SCALE = 64.0
MIN_SCALE = 1.0 / 64.0
MAX_PLACE_PX = 8192.0
MAX_AGE_NS = 250 * NS_PER_MS
"""How old the decision behind an order may be: what it was cut around has moved on by then."""

Served = Literal["served", "stale", "masked"]
"""What became of an order. `stale` and `masked` leave a destination of zeros."""

_ONE = 65_536


class OrderError(StillroomError):
    """An order that no frame of this size can serve."""


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """affine (a, b, c, d, e, f): pixel corner (i, j) of the destination is x = a i + b j + c, y = d i + e j + f
    of the frame, in its pixels. destination: (height, width) uint8 luma or (height, width, 3) uint8 RGB, without
    gaps, in locked memory. Upright (b = d = 0, a and e > 0): averages of areas; otherwise bilinear.
    What lies outside the frame or on a masked cell becomes 0.

    decided_ns: frame_ns of the frame on which it was decided. Raises OrderError for what cannot be served.
    """

    affine: tuple[float, float, float, float, float, float]
    destination: NDArray[np.uint8]
    decided_ns: int
    max_age_ns: int = MAX_AGE_NS

    def __post_init__(self) -> None:
        _check_destination(self.destination)
        _check_affine(self.affine)

    def is_stale(self, frame_ns: int) -> bool:
        """Decided too long before this frame, or on another run's frames, later than this one."""
        return not 0 <= frame_ns - self.decided_ns <= self.max_age_ns


def _check_destination(destination: NDArray[np.uint8]) -> None:
    if not isinstance(destination, np.ndarray) or destination.dtype != np.uint8:
        raise OrderError("order: destination is not an array of uint8")
    shape = destination.shape
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] != 3):
        raise OrderError(f"order: destination {shape}, must be (height, width) or (height, width, 3)")
    if not (1 <= shape[0] <= MAX_SIDE_PX and 1 <= shape[1] <= MAX_SIDE_PX):
        raise OrderError(
            f"order: destination {shape[1]} x {shape[0]} px, sides of 1 to {MAX_SIDE_PX} px only"
        )
    if not (destination.flags.c_contiguous and destination.flags.writeable):
        raise OrderError("order: destination is read-only or has gaps; give a writable array without gaps")


def _check_affine(affine: tuple[float, float, float, float, float, float]) -> None:
    if len(affine) != 6 or not np.isfinite(affine).all():
        raise OrderError(f"order: affine {affine}, must be six finite numbers")
    a, b, c, d, e, f = affine
    if max(map(abs, (a, b, d, e))) > MAX_SCALE or max(abs(c), abs(f)) > MAX_PLACE_PX:
        raise OrderError(
            f"order: affine {affine}, at most {MAX_SCALE:g} px a pixel and {MAX_PLACE_PX:g} px away"
        )
    if b == d == 0 and (0 < a < MIN_SCALE or 0 < e < MIN_SCALE):
        raise OrderError(f"order: affine {affine}, at least {MIN_SCALE:g} px a pixel")


def native_orders(orders: list[Order], width_px: int, height_px: int) -> Any:
    """The orders as C reads them. Raises OrderError for one that lies wholly outside the frame."""
    native = ffi.new("distil_order[]", len(orders))
    for place, order in zip(native, orders, strict=True):
        a, b, c, d, e, f = (round(value * _ONE) for value in order.affine)
        height, width = order.destination.shape[:2]
        _check_inside(order, (c, a * width, b * height), width_px)
        _check_inside(order, (f, d * width, e * height), height_px)
        place.x0, place.xx, place.xy, place.y0, place.yx, place.yy = c, a, b, f, d, e
        place.width_px, place.height_px = width, height
        place.channels = 1 if order.destination.ndim == 2 else 3
        place.destination = ffi.cast("uint8_t *", order.destination.__array_interface__["data"][0])
    return native


def _check_inside(order: Order, span: tuple[int, int, int], size_px: int) -> None:
    start, by_i, by_j = span
    low, high = start + min(by_i, 0) + min(by_j, 0), start + max(by_i, 0) + max(by_j, 0)
    if low >= size_px * _ONE or high <= 0:
        raise OrderError(f"order: affine {order.affine} lies outside the frame")
