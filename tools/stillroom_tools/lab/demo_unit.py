"""One simulated unit of the demo: its three processes, and the hands that act on its room."""

import signal
import subprocess
import sys
from pathlib import Path

from stillroom import status
from stillroom.clock import SystemClock
from stillroom.keeper.indicator import FILE as INDICATOR
from stillroom_tools.lab.child import spawn

STOP_WITHIN_S = 20.0
"""More than `stillroom run` gives its three."""


class DemoUnit:
    """A folder made by `stillroom make unit`, run by `stillroom run`."""

    def __init__(self, name: str, room: str, folder: Path, life: str) -> None:
        """life: the scenario that its simulated room lives; empty: a recording is shown to it."""
        self.name = name
        self.room = room
        self.folder = folder
        self.life = life
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "run.log"

    def start(self) -> None:
        # The room's life has a beginning of its own: it goes on while the eye is closed.
        (self.folder / "cues").write_text(f"start {SystemClock().utc_ms()}\n", encoding="ascii")
        command = [sys.executable, "-m", "stillroom", "run", "--config", str(self.folder / "unit.toml")]
        with self.log.open("ab") as log:
            self._process = spawn(command, log, None)

    @property
    def simulated(self) -> bool:
        return bool(self.life)

    @property
    def pid(self) -> int | None:
        """Of `stillroom run`."""
        return self._process.pid if self._process else None

    def ended(self) -> int | None:
        """Exit code of `stillroom run`, where it has ended by itself."""
        return self._process.poll() if self._process else None

    def act(self, cue: str) -> None:
        """Let the simulated person do something: enter, lie-down, get-up, fall, leave, cover, uncover."""
        with (self.folder / "cues").open("a", encoding="ascii") as cues:
            cues.write(f"{cue} {SystemClock().utc_ms()}\n")

    def press_button(self) -> None:
        """The pause button on the room's wall."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGUSR1)

    @property
    def light(self) -> str:
        """What the light on the unit shows: off, steady, fault."""
        try:
            return (self.folder / "run" / INDICATOR).read_text(encoding="ascii")
        except OSError:
            return "off"

    def status(self) -> status.Status:
        """What the keeper said last; all zero before it has said anything."""
        return status.read(self.folder / "run")

    def ask_to_stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self) -> None:
        """Wait for the end; what does not end is killed, and the kernel ends what it had started."""
        if self._process is None:
            return
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
