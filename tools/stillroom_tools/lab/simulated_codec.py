"""A simulated camera behind a real encoder and decoder: what a network camera's picture has been through."""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.frame import Camera, Frame
from stillroom_tools.lab.scenario_physics import Compression

if TYPE_CHECKING:
    from av import VideoFrame


class EncodedCamera:
    """Frames of `camera` as libx264 leaves them (baseline tune `zerolatency`: one in, one out). Implements Camera.

    Only in order: an encoder remembers. Frames own their planes.
    """

    def __init__(self, camera: Camera, compression: Compression) -> None:
        import av

        self.kind = camera.kind
        self.width, self.height, self.frames_per_s = camera.width, camera.height, camera.frames_per_s
        self._camera = camera
        self._stamps: deque[int] = deque()
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = camera.width, camera.height, "yuvj420p"
        encoder.time_base = Fraction(1, 1_000_000)
        encoder.gop_size = max(1, round(compression.key_every_s * camera.frames_per_s))
        encoder.thread_count = 1
        encoder.options = {"crf": str(compression.crf), "tune": "zerolatency", "preset": "veryfast"}
        decoder = av.CodecContext.create("h264", "r")
        decoder.thread_count = 1
        self._av, self._encoder, self._decoder = av, encoder, decoder

    def frames(self) -> Iterator[Frame]:
        """As the camera's, each after its round trip."""
        for frame in self._camera.frames():
            self._stamps.append(frame.frame_ns)
            for packet in self._encoder.encode(self._picture(frame)):
                for seen in self._decoder.decode(packet):
                    yield self._borrowed(seen.to_ndarray(format="yuvj420p"))

    def close(self) -> None:
        self._camera.close()

    def _picture(self, frame: Frame) -> "VideoFrame":
        flat = np.concatenate([plane.reshape(-1) for plane in (frame.y, frame.u, frame.v)])
        picture = self._av.VideoFrame.from_ndarray(flat.reshape(-1, frame.width), format="yuvj420p")
        picture.pts = frame.frame_ns // 1000
        picture.time_base = Fraction(1, 1_000_000)
        return picture

    def _borrowed(self, picture: NDArray[Any]) -> Frame:
        flat, luma = picture.reshape(-1), self.width * self.height
        half = (self.height // 2, self.width // 2)
        u, v = (flat[luma + k * luma // 4 : luma + (k + 1) * luma // 4].reshape(half) for k in (0, 1))
        return Frame(flat[:luma].reshape(self.height, self.width), u, v, self._stamps.popleft())
