"""`stillroom run`: the three processes on a machine without systemd. It decides nothing; it starts and restarts.

The eye is started only while the keeper's start signal is there, as systemd's path unit does on a unit. When
this process ends, however it ends, the kernel ends the three.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from stillroom import config
from stillroom.errors import (
    EXIT_OK,
    EXIT_USAGE,
    CameraError,
    ConfigError,
    SetupError,
    StorageError,
    TrustError,
)
from stillroom.files import lock_folder
from stillroom.link import COURIER_SOCKET, EYE_END, EYE_START

HELP = "start eye, keeper and courier on this machine"

POLL_S = 0.05
FIRST_WAIT_S = 0.3
LONGEST_WAIT_S = 10.0
GOOD_AFTER_S = 20.0
KEEPER_STOPS_WITHIN_S, COURIER_STOPS_WITHIN_S = 10.0, 5.0
"""As with systemd: a busy machine is not to cost the last record its way."""
EYE_OUTLIVES_S = 0.9
"""Its start signal; as long as the longest lease."""
SMALL = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}
"""The eye's matrices are small: threads win nothing. What was large goes back to the system when it is freed."""
_FATAL = {e.exit_code for e in (ConfigError, TrustError, StorageError, SetupError)} | {EXIT_USAGE}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, help="the unit's configuration file")
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Run until SIGINT or SIGTERM (exit 0), or until the keeper says that a person must act (its exit code)."""
    unit = config.load(options.config)
    if options.parent is not None:
        from stillroom.guard import die_with

        die_with(options.parent)
    opener = find_opener(unit.camera.kind)
    # A second supervisor would clear away the first one's names.
    lock_folder(unit.path(unit.paths.run), "run.lock", "`stillroom run`", "paths.run")
    supervisor = Supervisor(options.config, unit.path(unit.paths.run) / EYE_START, opener)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.stop())
    signal.signal(signal.SIGUSR1, lambda *_: supervisor.press())
    return supervisor.loop()


def find_opener(kind: str) -> str:
    """`module:function` of a camera that the tools register; empty for the unit's own. Raises CameraError."""
    if kind == config.OWN_CAMERA:
        return ""
    from importlib.metadata import entry_points

    found = {point.name: point.value for point in entry_points(group="stillroom.cameras")}
    if kind not in found:
        known = ", ".join(sorted({*found, config.OWN_CAMERA}))
        raise CameraError(f"key 'camera.kind' = '{kind}': no such camera is installed (here: {known})")
    return found[kind]


class Child:
    """One of the three: started, watched, restarted with growing waits; good after `GOOD_AFTER_S`."""

    def __init__(self, name: str, config_path: Path, *more: str) -> None:
        self.name = name
        self._command = [
            sys.executable,
            "-m",
            "stillroom",
            name,
            "--config",
            str(config_path),
            "--parent",
            str(os.getpid()),
            *more,
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        self._not_before_s = 0.0
        self._wait_s = FIRST_WAIT_S

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self, now_s: float) -> None:
        if self._process is None and now_s >= self._not_before_s:
            # A group of its own: Ctrl-C reaches the supervisor alone, which ends the three in order.
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, process_group=0, env=os.environ | SMALL
            )
            self._started_s = now_s

    def ended(self, now_s: float) -> int | None:
        """Its exit code, once, when it has ended; negative for a signal."""
        code = self._process.poll() if self._process else None
        if code is None:
            return None
        self._process = None
        if now_s - self._started_s > GOOD_AFTER_S:
            self._wait_s = FIRST_WAIT_S
        self._not_before_s = now_s + (self._wait_s if code else 0.0)
        self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S) if code else FIRST_WAIT_S
        return code

    def signal(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def finish(self, within_s: float) -> None:
        """Wait for it, then kill it."""
        if self._process is None:
            return
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Supervisor:
    """Keeps keeper and courier running, and the eye while the keeper allows it."""

    def __init__(self, config_path: Path, eye_start: Path, opener: str) -> None:
        self._eye_start = eye_start
        self._keeper = Child("keeper", config_path)
        self._courier = Child("courier", config_path)
        self._eye = Child("eye", config_path, *(["--camera", opener] if opener else []))
        self._socket = eye_start.parent / COURIER_SOCKET
        self._stopping = False
        self._pressed = False
        self._eye_wanted_s = 0.0

    def stop(self) -> None:
        self._stopping = True

    def press(self) -> None:
        """The button's signal: for the keeper, as soon as it listens."""
        self._pressed = True

    def loop(self) -> int:
        self._clear()
        try:
            while not self._stopping:
                code = self._beat(time.monotonic())
                if code is not None:
                    return code
                time.sleep(POLL_S)
            return EXIT_OK
        finally:
            self._end()

    def _beat(self, now_s: float) -> int | None:
        for child in (self._keeper, self._courier, self._eye):
            code = child.ended(now_s)
            if code is None:
                continue
            if child is self._keeper and code in _FATAL:
                return code
            if child is self._keeper:
                self._clear()
            if code:
                ended_by = f"signal {-code}" if code < 0 else f"code {code}"
                print(f"run: {child.name} ended ({ended_by}); starting it again", file=sys.stderr, flush=True)
        self._keeper.start(now_s)
        if self._keeper.pid and self._socket.exists():
            self._courier.start(now_s)
            if self._pressed:
                self._pressed = False
                self._keeper.signal(signal.SIGUSR1)
        self._mind_the_eye(now_s)
        return None

    def _mind_the_eye(self, now_s: float) -> None:
        """It lives by its lease, but arms that itself: one that somebody has taken over is ended from here."""
        if self._eye_start.exists():
            self._eye_wanted_s = now_s
            self._eye.start(now_s)
        elif now_s - self._eye_wanted_s > EYE_OUTLIVES_S:
            self._eye.signal(signal.SIGKILL)

    def _clear(self) -> None:
        """A keeper that was killed leaves its names behind; nobody is to knock there."""
        for name in (EYE_START, EYE_END, COURIER_SOCKET):
            (self._eye_start.parent / name).unlink(missing_ok=True)

    def _end(self) -> None:
        """The keeper ends the eye, says goodbye through the courier, and then the courier ends by itself."""
        self._keeper.signal(signal.SIGTERM)
        self._keeper.finish(KEEPER_STOPS_WITHIN_S)
        self._eye.finish(1.0)
        self._courier.finish(COURIER_STOPS_WITHIN_S)
