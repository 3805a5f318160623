"""The weights, fetched while the demo already runs: rooms live without models until they are there.

A process of its own with the command that everybody uses; the eyes find what it brings by themselves. Whatever becomes
of it, the demo goes on.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from stillroom.eye import weights
from stillroom_tools.lab.child import spawn

STOP_WITHIN_S = 3.0


class DemoModels:
    """`start` returns at once; `note` says how it stands, in a few words, or nothing."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Fetch into the user's cache, unless they are there."""
        if weights.find(None) is None:
            with self._log.open("wb") as log:
                self._process = spawn([sys.executable, "-m", "stillroom", "models", "fetch"], log)

    def note(self) -> str:
        if self._process is None:
            return ""
        code = self._process.poll()
        if code is None:
            return "models are being fetched: model none until then"
        return "" if code == 0 else f"going on without models: {self._reason()}"

    def stop(self) -> None:
        """End it with all that it started."""
        if self._process is None or self._process.poll() is not None:
            return
        os.killpg(self._process.pid, signal.SIGTERM)  # a session of its own: pip below it, too
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _reason(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        said = [line.removeprefix("stillroom: ") for line in lines if line.startswith("stillroom: ")]
        return (said or lines or ["it said nothing"])[-1][:120]
