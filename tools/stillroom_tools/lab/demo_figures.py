"""What the demo measured of itself: time to the first event, delay, memory. Printed at its end."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from stillroom.clock import NS_PER_MS, NS_PER_S
from stillroom.metronome import lead_ns
from stillroom_tools.lab.demo_gateway import Line
from stillroom_tools.lab.demo_site import SLOT_S

KIB_PER_MIB = 1024
LEAD_MS = lead_ns(round(SLOT_S * NS_PER_S)) // NS_PER_MS


class Figures:
    """Feed it lines and look at processes now and then; `lines` says what came of it."""

    def __init__(self, started_ms: int) -> None:
        self._started_ms = started_ms
        self._first_ms: int | None = None
        self._delays_ms: list[int] = []
        self._resident_mib: dict[str, float] = {}

    def saw(self, line: Line) -> None:
        """An event was opened. Of a state change the delay is known; the slot's wait is taken off, as is the dwell.

        A record waits sealed for its place in the slot, too (see `metronome`).
        """
        if self._first_ms is None:
            self._first_ms = line.opened_ms
        if line.event.get("type") == "state" and not line.late:
            frame_to_accepted = line.accepted_ms - line.at_ms
            sealed_to_opened = max(line.opened_ms - line.sealed_ms - LEAD_MS, 0)
            self._delays_ms.append(frame_to_accepted + sealed_to_opened)

    def look_at(self, supervisor_pids: Sequence[int]) -> None:
        """Note the resident memory of the processes that these have started."""
        for pid in supervisor_pids:
            for child in _children(pid):
                name, resident_mib = _named(child)
                if name:
                    self._resident_mib[name] = max(self._resident_mib.get(name, 0.0), resident_mib)

    def text(self) -> str:
        """One line a figure."""
        said = []
        if self._first_ms is not None:
            said.append(
                f"first opened event {(self._first_ms - self._started_ms) / 1000:.1f} s after the start"
            )
        if self._delays_ms:
            count, middle = len(self._delays_ms), median(self._delays_ms) / 1000
            said.append(f"frame to opened event, slot and dwell apart: median {middle:.3f} s of {count}")
        if self._resident_mib:
            sizes = ", ".join(f"{name} {self._resident_mib[name]:.0f}" for name in sorted(self._resident_mib))
            said.append(f"resident MiB, the most of any room: {sizes}")
        return "\n".join(f"figures: {line}" for line in said)


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _named(pid: int) -> tuple[str | None, float]:
    """Which of the three a process is, and its resident memory in MiB."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None, 0.0
    name = next((word for word in words if word in {"eye", "keeper", "courier"}), None)
    resident = next((line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")), "0")
    return name, int(resident) / KIB_PER_MIB
