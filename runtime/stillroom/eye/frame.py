"""A borrowed picture: three planes that belong to the camera and are valid until the next frame is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from stillroom.link import CameraSettings

Plane = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Frame:
    """YUV 4:2:0, 8 bits, full range.

    y: (height, width) uint8, columns contiguous, rows at any stride.
    u, v: (height // 2, width // 2) uint8; for NV12 both are views into one plane, two bytes apart.
    frame_ns: the camera's own time of this frame; rises from frame to frame.
    """

    y: Plane
    u: Plane
    v: Plane
    frame_ns: int

    @property
    def height(self) -> int:
        return int(self.y.shape[0])

    @property
    def width(self) -> int:
        return int(self.y.shape[1])

    @property
    def chroma_step(self) -> int:
        """Bytes from one chroma sample to its right neighbour: 1 for I420, 2 for NV12."""
        return int(self.u.strides[1])


class Camera(Protocol):
    """Where frames come from. Every camera, real or not, is used through this alone."""

    kind: str
    """`picamera2`, `simulated` or `recorded`; it travels in every record."""
    width: int
    height: int
    frames_per_s: float
    """Nominal; analysis uses `Frame.frame_ns`."""

    def frames(self) -> Iterator[Frame]:
        """Frames in order of time. Each is borrowed until the next is asked for.

        Raises CameraError when the camera fails, InputError when a recording does; ends where a recording ends.
        """
        ...

    def close(self) -> None:
        """Let go of the device or file. May be called twice."""
        ...


@runtime_checkable
class TellsSettings(Protocol):
    """A camera that can be asked for settings, and says what it made of them."""

    def news(self) -> "CameraSettings | None":
        """Settings not told yet, once; None where nothing has changed."""
        ...


@dataclass(frozen=True, slots=True)
class Imaging:
    """How the last frame was taken. model: as the sensor names itself; gain: analogue, times."""

    model: str
    gain: float | None


@runtime_checkable
class TellsImaging(Protocol):
    """A camera that can be asked how it took its last frame."""

    def imaging(self) -> Imaging: ...
