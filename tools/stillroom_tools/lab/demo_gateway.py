"""The demo's gateway: `stillroom site gateway --json` as a process, its lines read as they come."""

import contextlib
import subprocess
import sys
import threading
from collections import Counter, deque
from pathlib import Path
from typing import Any

import msgspec

from stillroom_tools.lab.child import end, spawn
from stillroom_tools.site.gateway.notices import Notice

STOP_WITHIN_S = 5.0


class Line(msgspec.Struct, frozen=True):
    """What the demo needs of a line; `raw` is the line itself."""

    unit: str
    room: str
    number: int
    at_ms: int
    accepted_ms: int
    sealed_ms: int
    opened_ms: int
    late: bool
    event: dict[str, Any]


class DemoGateway:
    """Start, `take` the lines that have come, stop."""

    def __init__(self, site: Path, log: Path) -> None:
        self._site = site
        self._log = log
        self._lines: deque[tuple[Line, bytes]] = deque()
        self._refused: dict[tuple[str, str], int] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "stillroom",
            "site",
            "gateway",
            "--site",
            str(self._site),
            "--json",
        ]
        with self._log.open("ab") as log:
            self._process = spawn(command, log, None, stdout=subprocess.PIPE)
        threading.Thread(target=self._read, name="gateway lines", daemon=True).start()

    def ended(self) -> int | None:
        return self._process.poll() if self._process else None

    def take(self) -> list[tuple[Line, bytes]]:
        """The lines since the last call: what each says, and as it came."""
        taken = []
        while self._lines:
            taken.append(self._lines.popleft())
        return taken

    def refusals(self) -> Counter[str]:
        """How many records it has said that it refused, by reason."""
        found: Counter[str] = Counter()
        for (_, why), count in tuple(self._refused.items()):
            found[why] += count
        return found

    def stop(self) -> None:
        if self._process is not None:
            end(self._process, STOP_WITHIN_S)

    def _read(self) -> None:
        process = self._process
        assert process is not None and process.stdout is not None
        for raw in process.stdout:
            with contextlib.suppress(msgspec.MsgspecError):
                self._lines.append((msgspec.json.decode(raw, type=Line), raw))
                continue
            with contextlib.suppress(msgspec.MsgspecError):
                said = msgspec.json.decode(raw, type=Notice)
                if said.notice == "refused":
                    self._refused[said.unit, said.what] = said.count
