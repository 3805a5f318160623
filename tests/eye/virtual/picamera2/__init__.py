"""The real picamera2 on a machine without a Pi: what it needs of hardware and libcamera's virtual pipeline lacks.

Stands before the real package in PYTHONPATH and takes its modules from there. It adds: the stub `pykms` and `prctl`
beside this folder, buffers in memfds in place of the kernel's DMA heap, and an answer to the question for raw modes.
Everything else is picamera2's own. The virtual pipeline fills a buffer as soon as it gets one: VIRTUAL_CAMERA_HZ holds
it to a pace. While the file that VIRTUAL_CAMERA_GONE names is there, the camera is unplugged: it gives no more frames,
and nobody finds it.
"""

import os
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_REAL = next(p for entry in sys.path if (p := Path(entry) / "picamera2").resolve() != _HERE and p.is_dir())
__path__ = [str(_REAL)]
exec(compile((_REAL / "__init__.py").read_text(), str(_REAL / "__init__.py"), "exec"))

import mmap  # noqa: E402
import time  # noqa: E402

import libcamera  # noqa: E402

from picamera2 import picamera2 as _module  # noqa: E402
from picamera2.allocators.allocator import Allocator, Sync  # noqa: E402


class MemfdAllocator(Allocator):
    """Buffers that need no /dev/dma_heap: luma and chroma as two planes of one memfd."""

    def __init__(self) -> None:
        super().__init__()
        self.sync = _NoSync
        self.mapped_buffers: dict[object, mmap.mmap] = {}
        self._buffers: dict[object, list[object]] = {}
        self._files: list[int] = []

    def allocate(self, configuration: object, _use: object) -> None:
        self.close()
        for stream in configuration:  # type: ignore[attr-defined]
            self._buffers[stream.stream] = [self._buffer(stream) for _ in range(stream.buffer_count)]

    def _buffer(self, stream: object) -> object:
        size, luma = stream.frame_size, stream.stride * stream.size.height  # type: ignore[attr-defined]
        file = os.memfd_create("virtual-camera")
        os.ftruncate(file, size)
        self._files.append(file)
        planes = []
        for offset, length in ((0, luma), (luma, size - luma)):
            plane = libcamera.FrameBuffer.Plane()
            plane.fd, plane.offset, plane.length = file, offset, length
            planes.append(plane)
        buffer = libcamera.FrameBuffer(planes)
        self.mapped_buffers[buffer] = mmap.mmap(file, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        return buffer

    def buffers(self, stream: object) -> list[object]:
        return self._buffers[stream]

    def close(self) -> None:
        for file in self._files:
            os.close(file)
        self._files.clear()
        self._buffers.clear()
        self.mapped_buffers.clear()


class _NoSync(Sync):
    def __init__(self, allocator: MemfdAllocator, buffer: object, _write: bool) -> None:
        self._memory = allocator.mapped_buffers[buffer]

    def __enter__(self) -> mmap.mmap:
        return self._memory

    def __exit__(self, *_: object) -> None:
        pass


_module.DmaAllocator = MemfdAllocator


def _gone() -> bool:
    path = os.environ.get("VIRTUAL_CAMERA_GONE")
    return bool(path) and Path(str(path)).exists()


_Whole = _module.Picamera2


class Picamera2(_Whole):  # type: ignore[misc]
    """picamera2's own class on a camera without raw modes, which can be unplugged."""

    def _get_raw_modes(self) -> list[dict[str, object]]:
        return [{"format": "SRGGB10", "size": (640, 480)}]

    @staticmethod
    def global_camera_info() -> list[dict[str, object]]:
        return [] if _gone() else _Whole.global_camera_info()

    def process_requests(self, display: object) -> None:
        if _gone():  # the requests stay where they are, as they would in a driver that hears nothing
            time.sleep(0.05)
            return
        pace_hz = float(os.environ.get("VIRTUAL_CAMERA_HZ", "0"))
        if pace_hz and self._requests:
            time.sleep(1 / pace_hz)
        super().process_requests(display)


_module.Picamera2 = Picamera2
