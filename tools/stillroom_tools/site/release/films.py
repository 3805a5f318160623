"""What a custodian has opened, as files that others can show: a film of raw luma, or a picture for each frame."""

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stillroom.clock import MS_PER_S
from stillroom.document_forms import from_ms
from stillroom.errors import StorageError
from stillroom.release_papers import Release
from stillroom.release_wire import Block, Frames


class Film:
    """YUV4MPEG2, luma alone, beside a table of when each frame was taken; and PNGs. For the custodian's eyes alone."""

    def __init__(self, name: str, paper: Release, films: Path | None, pictures: Path | None) -> None:
        """Raises StorageError: a folder cannot be made, or a file of that name is there."""
        self._name, self._paper = name, paper
        self._pictures = pictures
        self.frames = 0
        try:
            for folder in (films, pictures):
                if folder is not None:
                    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{error.filename}: cannot be written: {error.strerror}") from None
        self._film = None if films is None else _File(films / f"{name}.y4m")
        self._table = None if films is None else _File(films / f"{name}.csv")
        if self._film is not None and self._table is not None:
            size = f"W{paper.width_px} H{paper.height_px} F{paper.frames_per_s}:1"
            self._film.write(f"YUV4MPEG2 {size} Ip A1:1 Cmono\n".encode())
            self._table.write(b"frame,utc,since_start_s,chunk\n")

    def add(self, block: Block, frames: Frames) -> None:
        """Raises StorageError."""
        for at_ms, luma in zip(frames.at_ms, frames.luma, strict=True):
            utc_ms = block.at_ms - (frames.at_ms[-1] - at_ms)
            row = f"{self.frames},{_utc(utc_ms)},{at_ms / MS_PER_S:.3f},{block.number}\n"
            if self._film is not None and self._table is not None:
                self._film.write(b"FRAME\n" + luma)
                self._table.write(row.encode())
            if self._pictures is not None:
                picture = _File(self._pictures / f"{self._name}-{self.frames:06}.png")
                try:
                    picture.write(png(frames.width_px, frames.height_px, luma))
                finally:
                    picture.close()
            self.frames += 1

    def close(self) -> None:
        for file in (self._film, self._table):
            if file is not None:
                file.close()


class _File:
    """A new one, which nobody else may read. All raise StorageError, which names it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._named():
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, data: bytes) -> None:
        done = 0
        with self._named():
            while done < len(data):
                done += os.write(self._descriptor, data[done:])

    def close(self) -> None:
        with self._named():
            os.close(self._descriptor)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(f"{self._path}: cannot be written: {error.strerror}") from None


def _utc(utc_ms: int) -> str:
    return f"{from_ms(utc_ms):%Y-%m-%dT%H:%M:%S}.{utc_ms % MS_PER_S:03}Z"


def png(width_px: int, height_px: int, luma: bytes) -> bytes:
    """8 bits of grey a pixel, rows without filters."""
    rows = b"".join(b"\0" + luma[y * width_px : (y + 1) * width_px] for y in range(height_px))
    head = struct.pack(">IIBBBBB", width_px, height_px, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
