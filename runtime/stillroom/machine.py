"""The machine that a self-test runs on: card, heat, clock, as the kernel tells of them. One place to put in another.

What this machine does not tell is None with a reason, never a guess.
"""

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stillroom.errors import StorageError
from stillroom.keeper.heat import hottest

_PI_THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
_CPUS = "sys/devices/system/cpu"
_WRITE_BYTES, _PAGE_BYTES, _FLUSHES = 4_000_000, 4096, 10
_UNSYNCHRONISED, _NOBODY_SETS_IT = 0x40, 5
_DAY_S = 86_400.0


class _Timex(ctypes.Structure):
    """The head of `struct timex`, adjtimex(2); what follows is room for all of it."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    ]


def kernel_clock() -> tuple[bool, float]:
    """Whether anybody sets this machine's clock, and by how many seconds it may be wrong at most."""
    found = _Timex()
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(found))
    kept = 0 <= state != _NOBODY_SETS_IT and not found.status & _UNSYNCHRONISED
    return kept, found.maxerror / 1e6


@dataclass(frozen=True)
class Found:
    """A figure, or why there is none."""

    value: float | None
    why: str = ""


@dataclass(frozen=True)
class Card:
    """How fast a folder's card takes something, flushed."""

    mb_per_s: float
    flush_ms: float
    """The ninth of ten pages."""


@dataclass(frozen=True)
class Machine:
    """root: below which `/sys` is looked at. flush: what brings a descriptor to the card."""

    root: Path = Path("/")
    clock: Callable[[], tuple[bool, float]] = kernel_clock
    utc_s: Callable[[], float] = time.time
    flush: Callable[[int], None] = os.fsync

    def heat(self, sensors: str) -> Found:
        """Degrees Celsius. sensors: the folder that the configuration names."""
        found = hottest(str(self.root / sensors.lstrip("/"))) if sensors else None
        return Found(found[0], found[1]) if found else Found(None, "this machine shows no sensor of heat")

    def throttled(self) -> Found:
        """How often, or in how many ways, the board had to slow down since it was started; 0: never."""
        try:
            bits = int((self.root / _PI_THROTTLED).read_text(encoding="ascii"), 16)
            return Found(float(bits.bit_count()), f"get_throttled {bits:#x}")
        except (OSError, ValueError):
            pass
        counts = list(self._throttle_counts())
        return (
            Found(float(sum(counts)))
            if counts
            else Found(None, "this machine does not tell whether it slows down")
        )

    def _throttle_counts(self) -> Iterator[int]:
        for path in (self.root / _CPUS).glob("cpu*/thermal_throttle/core_throttle_count"):
            try:
                yield int(path.read_text(encoding="ascii"))
            except (OSError, ValueError):
                continue

    def clock_off_s(self, software_s: float) -> Found:
        """By how much the system clock may be wrong. software_s: when the program was made, before which no time is.

        Below zero: it is that far behind the program.
        """
        behind_s = software_s - self.utc_s()
        if behind_s > _DAY_S:
            return Found(-behind_s, "the clock is behind the program's own files")
        kept, off_s = self.clock()
        return (
            Found(off_s)
            if kept
            else Found(
                None, "nobody sets this machine's clock (no NTP): on a unit the gateway tells the time"
            )
        )

    def card(self, folder: Path) -> Card:
        """Write and flush, as the outbox does. Raises StorageError."""
        path = folder / f".selftest.{os.getpid()}"
        try:
            with path.open("wb", buffering=0) as file:
                began_s = time.perf_counter()
                file.write(os.urandom(_WRITE_BYTES))
                self.flush(file.fileno())
                took_s = max(time.perf_counter() - began_s, 1e-6)
                flushes = sorted(self._flushed(file.fileno()) for _ in range(_FLUSHES))
        except OSError as error:
            raise StorageError(f"{folder}: cannot be written: {error.strerror}") from None
        finally:
            path.unlink(missing_ok=True)
        return Card(_WRITE_BYTES / 1e6 / took_s, flushes[-2] * 1e3)

    def _flushed(self, descriptor: int) -> float:
        began_s = time.perf_counter()
        os.pwrite(descriptor, os.urandom(_PAGE_BYTES), 0)
        self.flush(descriptor)
        return time.perf_counter() - began_s

    def wear(self, folder: Path) -> Found:
        """Share of its life that the card of this folder has used, by its own word (eMMC, in tenths)."""
        for device in self._devices(folder):
            try:
                tenths = [
                    int(word, 16)
                    for word in (device / "device/life_time").read_text(encoding="ascii").split()
                ]
            except (OSError, ValueError):
                continue
            if tenths and max(tenths) > 0:
                return Found(max(tenths) / 10)
        return Found(None, "the card does not tell how worn it is")

    def overwritten(self, folder: Path) -> Found:
        """How many times over the file system of this folder was ever written (ext4)."""
        for device in self._devices(folder):
            told = self.root / "sys/fs/ext4" / device.name / "lifetime_write_kbytes"
            try:
                written_bytes = int(told.read_text(encoding="ascii")) * 1024
            except (OSError, ValueError):
                continue
            whole = os.statvfs(folder)
            return Found(written_bytes / max(1, whole.f_blocks * whole.f_frsize))
        return Found(None, "neither the card nor its file system tells how much was written")

    def _devices(self, folder: Path) -> Iterator[Path]:
        """In /sys: the partition that a folder lies on, and the disk that it is a part of."""
        number = folder.stat().st_dev
        place = (self.root / f"sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve()
        yield place
        yield place.parent
