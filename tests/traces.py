"""Searches for the canary's traces: in a process's memory, in files, in bytes; each says how much it could read."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from canary_camera import BARS, MARKS, Pattern  # tests/canary is put on the path by whoever uses this
from numpy.typing import NDArray

CHUNK_BYTES = 16 << 20
OVERLAP_BYTES = 1 << 12
LARGEST_FILE_BYTES = 256 << 20
TRIES = 3
"""What was given back while we read it may be there again when we ask for the reason."""
NOT_MEMORY = ("[vvar]", "[vvar_vclock]", "[vsyscall]", "/dev/")
"""Clocks of the kernel's and mapped devices: no bytes of the process's own."""


@dataclass
class Found:
    """How often each trace was there, how much was read, and what could not be."""

    traces: Counter[str] = field(default_factory=Counter)
    read_bytes: int = 0
    unread: list[str] = field(default_factory=list)

    def __add__(self, other: "Found") -> "Found":
        return Found(
            self.traces + other.traces, self.read_bytes + other.read_bytes, self.unread + other.unread
        )


class Search:
    """For the traces of one pattern. Each needle is put together anew: the searcher's own memory is not searched."""

    def __init__(self, pattern: Pattern, tensors: list[NDArray[np.uint8]]) -> None:
        """tensors: pictures as a detector gets them, (side, side, 3) uint8; their bars are searched as well."""
        self._needles = pattern.needles() | _of_tensors(tensors)

    def also(self, name: str, needle: bytes) -> None:
        """One trace more."""
        self._needles[name] = needle

    @property
    def names(self) -> set[str]:
        return set(self._needles)

    def in_bytes(self, data: bytes, found: Found, fresh: int = 0) -> None:
        """`fresh`: bytes at the beginning that were searched before."""
        for name, needle in self._needles.items():
            at = data.find(needle, max(0, fresh - len(needle) + 1))
            while at >= 0:
                found.traces[name] += 1
                at = data.find(needle, at + len(needle))
        found.read_bytes += len(data) - fresh

    def in_memory(self, pid: int) -> Found:
        """Of a process, as root may read it. Raises FileNotFoundError, ProcessLookupError where there is none."""
        found = Found()
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for place in _ranges(pid):
                first, last, name = place
                for _ in range(TRIES):
                    part = Found()
                    self._stream(_pieces(memory.fileno(), first, last), part, f"{pid} {name}")
                    if not part.unread:
                        break
                    if place not in set(_ranges(pid)):
                        part.unread.clear()  # given back while we read
                        break
                found += part
        return found

    def in_file(self, path: Path, *, direct: bool = False) -> Found:
        found = Found()
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if direct:
                forget(descriptor)
            self._stream(_pieces(descriptor, 0, os.fstat(descriptor).st_size), found, str(path))
        finally:
            os.close(descriptor)
        return found

    def in_files_since(self, folders: list[Path], since_ns: int) -> Found:
        """Plain files below the folders that were written since then, names and all."""
        found = Found()
        for path in _written(folders, since_ns):
            self.in_bytes(os.fsencode(path), found)
            try:
                found += self.in_file(path)
            except OSError as error:
                if path.exists():
                    found.unread.append(f"{path}: {error.strerror}")
        return found

    def _stream(self, pieces: Iterator[bytes | None], found: Found, name: str) -> None:
        tail = b""
        for piece in pieces:
            if piece is None:
                found.unread.append(name)
                continue
            self.in_bytes(tail + piece, found, len(tail))
            tail = (tail + piece)[-OVERLAP_BYTES:]


def forget(descriptor: int) -> None:
    """What lies on the disk is read next, not what the kernel remembers of it."""
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def on_disk(path: Path) -> bytes:
    with path.open("rb") as file:
        forget(file.fileno())
        return file.read()


def _of_tensors(tensors: list[NDArray[np.uint8]]) -> dict[str, bytes]:
    """Three pixels beside each other of a bar's one colour, as uint8 and as the two kinds of float32 inputs."""
    needles = {}
    for number, picture in enumerate(tensors):
        colour = _bar(picture)
        needles[f"tensor {number} u8"] = np.tile(colour, 6).tobytes()
        for low in (0, -1):
            value = np.empty(3, np.float32)
            np.multiply(colour, np.float32((1.0 - low) / 255.0), out=value, casting="unsafe")
            value += np.float32(low) if low else np.float32(0)
            needles[f"tensor {number} f32 from {low}"] = np.tile(value, 3).tobytes()
    return needles


def _bar(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The colour of the longest run of equal, coloured pixels in any row."""
    best, colour = 0, picture[0, 0]
    for row in picture:
        changes = np.flatnonzero(np.any(row[1:] != row[:-1], axis=1)) + 1
        edges = np.concatenate([[0], changes, [len(row)]])
        for first, last in pairwise(edges):
            # Grey is what lies outside of the frame.
            if last - first > best and np.ptp(row[first].astype(int)) > 8:
                best, colour = last - first, row[first]
    assert best >= 6, "the detector's picture shows no bar"
    return colour


def _ranges(pid: int) -> Iterator[tuple[int, int, str]]:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        places, rights, _, _, _, *name = line.split(maxsplit=5)
        first, last = (int(place, 16) for place in places.split("-"))
        if "r" in rights and not (name and name[0].startswith(NOT_MEMORY)):
            yield first, last, name[0] if name else "anonymous"


def _pieces(descriptor: int, first: int, last: int) -> Iterator[bytes | None]:
    """None where something could not be read; a part that is gone meanwhile is over."""
    while first < last:
        try:
            piece = os.pread(descriptor, min(CHUNK_BYTES, last - first), first)
        except OSError:
            yield None
            return
        if not piece:
            return
        yield piece
        first += len(piece)


def _written(folders: list[Path], since_ns: int) -> Iterator[Path]:
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                path = Path(place, name)
                try:
                    status = path.lstat()
                except OSError:
                    continue
                small = status.st_size <= LARGEST_FILE_BYTES
                if stat.S_ISREG(status.st_mode) and status.st_mtime_ns >= since_ns and small:
                    yield path


__all__ = ["BARS", "MARKS", "Found", "Search"]
