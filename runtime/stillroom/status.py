"""What a keeper writes beside its sockets each slot, for whoever stands beside the unit: no reading, no key."""

import os
import sys
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from stillroom.events import ClockSource, GateReason, RoomState

FILE = "keeper.json"
STALE_AFTER_SLOTS = 5
HOLDS = "holds"
GUARDS = {
    "undumpable": "no other program may read its memory",
    "no-core": "no copy of its memory is written when it fails",
    "no-new-privileges": "no program may give it more rights",
    "no-swap": "its memory never comes to a disk",
    "system-calls": "the kernel refuses what it has no need of",
    "files": "it reaches no files but those it needs",
}
"""Each guard (`guard.py`) in plain words."""


class Status(Struct, frozen=True):
    """The unit in a few words. All zero before the keeper has said anything."""

    unit: str = ""
    pid: int = 0
    """Of the keeper that says so."""
    gate: GateReason = "no-authorisation"
    state: RoomState = "unknown"
    accepted: int = 0
    waiting: int = 0
    connected: bool = False
    network: str = ""
    faults: tuple[str, ...] = ()
    clock: ClockSource = "unsure"
    camera: dict[str, str] = {}
    refused_down: int = 0
    answered_ms: int = 0
    """By this machine's clock, when the gateway last answered what this start of the unit had said; 0: not yet."""
    hottest_c: float | None = None
    """Of the board's sensors, degrees Celsius; None where none can be read."""
    luma_mean: float | None = None
    """Of the newest picture, 0 to 255; None while the camera is closed."""
    clipped: float | None = None
    """Share of its pixels that are black or white."""
    recorded: bool = False
    """Under a release, or it will be in a moment."""
    guards: dict[str, dict[str, str]] = {}
    """Of each process that has said so: guard by guard, `HOLDS`, or why it does not."""


def write(run: Path, status: Status) -> None:
    """By temporary file and rename; a full disk loses a status, never the keeper."""
    path = run / FILE
    temporary = path.with_suffix(".new")
    try:
        temporary.write_bytes(msgspec.json.encode(status))
        temporary.replace(path)
    except OSError as error:
        print(f"keeper: {path}: {error.strerror}", file=sys.stderr, flush=True)


def read(run: Path) -> Status:
    """What was said last, however long ago."""
    try:
        return msgspec.json.decode((run / FILE).read_bytes(), type=Status)
    except (OSError, msgspec.MsgspecError):
        return Status()


def read_running(run: Path, period_s: float) -> Status | None:
    """Of a keeper that runs: it writes every slot. What an ended one left behind says nothing of now."""
    try:
        age_s = time.time() - (run / FILE).stat().st_mtime
    except OSError:
        return None
    status = read(run)
    return status if abs(age_s) <= STALE_AFTER_SLOTS * period_s and _runs(status.pid) else None


def _runs(pid: int) -> bool:
    """False only where there is no such process for certain: another account's may not be asked, and 0 names none."""
    try:
        os.kill(pid, 0) if pid else None
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
