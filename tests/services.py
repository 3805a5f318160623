"""The services of `systemd/`, started as systemd would: their own command line and environment, and a listener.

Only what a test's machine has otherwise is put in: the program's place, the folders, the accounts.
"""

import os
import pwd
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import until
from tests.patience import WITHIN_S

UNITS = Path(__file__).parents[1] / "systemd"
PROGRAM = "/usr/lib/stillroom/bin/stillroom"
INSTALLED = Path(sys.executable).parent / "stillroom"
UNIT_HOME, SITE_HOME = "/var/lib/stillroom/", "/var/lib/stillroom-site"


def values(service: str, key: str) -> list[str]:
    """Of each line `key=...` of a service's file, in order."""
    found = re.findall(rf"^{key}=(.*)$", (UNITS / f"stillroom-{service}.service").read_text(), re.MULTILINE)
    assert found or key not in {"ExecStart", "WatchdogSec"}, f"{service} has no {key}"
    return found


def environment(service: str) -> dict[str, str]:
    """What its `Environment=` lines say."""
    return dict(pair.split("=", 1) for line in values(service, "Environment") for pair in line.split())


def whoever() -> str:
    """Who runs this, as the machine knows him, whatever LOGNAME says; skips where he has no name here."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        pytest.skip(f"no user {os.getuid()} on this machine")


class Service:
    """One of them, with a socket of its own where systemd's would be."""

    def __init__(self, name: str, folder: Path, home: Path, watchdog_s: float = 0.4) -> None:
        """folder: for socket and log, a short path. home: the unit's folder, or the site's."""
        self.name, self._home, self._watchdog_s = name, home, watchdog_s
        self._log = folder / f"{name}.log"
        self._at = folder / f"{name}.notify"
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._sock.bind(str(self._at))
        self._process: subprocess.Popen[bytes] | None = None
        self.said: list[str] = []
        self.program = [str(INSTALLED)]
        self.more: list[str] = []
        """Arguments that a laptop's camera needs."""
        self.environment: dict[str, str] = {}
        """Put in over that of the file."""

    @property
    def command(self) -> list[str]:
        own = {"UNIT": whoever(), **environment(self.name), **self.environment}
        line = values(self.name, "ExecStart")[0].replace(SITE_HOME, str(self._home))
        line = line.replace(UNIT_HOME, f"{self._home}/")
        line = re.sub(r"stillroom-(eye|keeper|courier)(?= |$)", whoever(), line)
        words = [re.sub(r"\$\{(\w+)\}", lambda found: own[found[1]], word) for word in shlex.split(line)]
        assert words[0] == PROGRAM
        return [*self.program, *words[1:], *self.more]

    def start(self, credentials: Path | None = None) -> None:
        self._credentials = credentials
        given = {"NOTIFY_SOCKET": str(self._at), "WATCHDOG_USEC": str(round(self._watchdog_s * 1e6))}
        if credentials is not None:
            given["CREDENTIALS_DIRECTORY"] = str(credentials)
        all_of_it = os.environ | environment(self.name) | self.environment | given
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=all_of_it
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def listen(self) -> list[str]:
        """What it has said since the last call."""
        new = []
        while True:
            try:
                new += self._sock.recv(4096).decode().splitlines()
            except BlockingIOError:
                self.said += new
                return new

    def says(self, what: str) -> None:
        """Wait until it has said that, from now on."""
        self.listen()
        heard: list[str] = []

        def told() -> bool:
            heard.extend(self.listen())
            self._go_on()
            return what in heard

        until(told, f"{what} of {self.name}")

    def _go_on(self) -> None:
        """A lease that lapsed, on a machine that is busy with other tests: as systemd does, another eye."""
        assert self._process is not None
        if self._process.poll() == -signal.SIGALRM:
            self.start(self._credentials)
        assert self._process.poll() is None, self.log

    def pets(self) -> int:
        """How often it has petted the watchdog since the last call."""
        return self.listen().count("WATCHDOG=1")

    def end(self, number: int = signal.SIGTERM) -> int | None:
        """Its exit code; None where it was not running."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def close(self) -> None:
        self.end(signal.SIGKILL)
        self._sock.close()
