"""Debian 12 in a folder: made by debootstrap from this machine's own mirror, entered, and booted with systemd.

Needs root. Everything lies in a folder of the test's own, and nothing of it runs when the test is over.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.live import until

RELEASE = "bookworm"
MADE_WITHIN_S, BOOTED_WITHIN_S = 900.0, 120.0


def need(*programs: str) -> None:
    """Skip by name."""
    if os.geteuid() != 0:
        pytest.skip("a Debian in a folder needs root")
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)}: not installed: tools/setup long")


def mirror() -> str:
    """Where this machine's apt gets Debian from; skips where it does not."""
    asked = [
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
        f"Codename: {RELEASE}",
    ]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    if not found:
        pytest.skip(f"apt has no mirror of {RELEASE} here")
    return found[0]


def bootstrap(root: Path, *options: str) -> Path:
    """A minimal Debian in `root`; skips where the mirror cannot be reached."""
    command = ["debootstrap", "--variant=minbase", *options, RELEASE, str(root), mirror()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MADE_WITHIN_S, check=False)
    if done.returncode:
        pytest.skip(f"debootstrap: {(done.stderr or done.stdout).strip()[-200:]}")
    return root


class Machine:
    """One such root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._container: subprocess.Popen[bytes] | None = None

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Without booting it: in a container of one process."""
        return self._container_of(*command)

    def must(self, *command: str) -> str:
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _container_of(self, *command: str) -> subprocess.CompletedProcess[str]:
        asked = [*self._nspawn, "--as-pid2", *command]
        return subprocess.run(
            asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300.0, check=False
        )

    @property
    def _nspawn(self) -> list[str]:
        return ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", f"--directory={self.root}"]

    @contextmanager
    def booted(self, log: Path) -> Iterator["Machine"]:
        """systemd is its first process; its network is this machine's. Memory may be locked, as on a unit."""
        with log.open("wb") as to:
            self._container = subprocess.Popen(
                [*self._nspawn, "--capability=CAP_IPC_LOCK", "--boot"],
                stdin=subprocess.DEVNULL,
                stdout=to,
                stderr=to,
            )
        try:
            until(self._is_up, f"a booted Debian: {log}", BOOTED_WITHIN_S)
            yield self
        finally:
            print(self.inside("journalctl", "--no-pager", "--unit=stillroom-*", "--lines=60").stdout)
            self.inside("systemctl", "poweroff", "--no-block")
            self._wait()

    def _wait(self) -> None:
        assert self._container is not None
        try:
            self._container.wait(60.0)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                self._container.send_signal(signal.SIGKILL)
            self._container.wait()

    def _is_up(self) -> bool:
        return self.inside("systemctl", "is-system-running").stdout.strip() in {"running", "degraded"}

    @property
    def _first(self) -> int | None:
        """The container's first process, as this machine counts."""
        assert self._container is not None
        children = Path(f"/proc/{self._container.pid}/task/{self._container.pid}/children")
        with suppress(OSError, IndexError):
            return int(children.read_text().split()[0])
        return None

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command in the booted machine, as its root."""
        return subprocess.run(
            ["nsenter", f"--target={self._first}", "--all", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60.0,
            check=False,
        )

    def active(self, service: str) -> bool:
        return self.inside("systemctl", "is-active", service).stdout.strip() == "active"

    def pid_of(self, service: str) -> int:
        """Inside; 0: it does not run."""
        shown = self.inside("systemctl", "show", "--property=MainPID", "--value", service).stdout
        return int(shown.strip() or 0)

    def user_of(self, service: str) -> str:
        """The account that its main process runs as, by the kernel's word: its folder in /proc says nothing of that."""
        status = self.inside("cat", f"/proc/{self.pid_of(service)}/status").stdout
        uid = next(line.split()[1] for line in status.splitlines() if line.startswith("Uid:"))
        return self.inside("id", "--name", "--user", uid).stdout.strip()
