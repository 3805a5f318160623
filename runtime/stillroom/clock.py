"""Three clocks, one file.

* `frame_ns`: the camera's own time of a frame. All analysis runs on it, so a replay gives the same answer.
* `mono_ns`: monotonic time of this machine since boot. Leases, dwell and timeouts run on it.
* `utc_ms`: what people read. It carries how it is known, because a unit without a network may not know it.
"""

import time
from pathlib import Path
from typing import Protocol

MS_PER_S = 1_000
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """Where time enters the keeper: the system's clocks, or a simulated pair in tests."""

    def mono_ns(self) -> int: ...

    def utc_ms(self) -> int: ...

    def boot_id(self) -> bytes:
        """16 bytes that are others after each start of the machine, from which `mono_ns` counts."""
        ...


class SystemClock:
    """The machine's clocks. CLOCK_BOOTTIME goes on through a suspend; a lease must not outlive one."""

    def mono_ns(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def utc_ms(self) -> int:
        return time.time_ns() // NS_PER_MS

    def boot_id(self) -> bytes:
        return bytes.fromhex(_BOOT_ID.read_text(encoding="ascii").strip().replace("-", ""))


def utc_text(utc_ms: int) -> str:
    """`2026-11-22T08:00:00Z` of a UTC time in milliseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(utc_ms // MS_PER_S))
