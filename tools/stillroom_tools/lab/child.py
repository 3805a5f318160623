"""A child process that does not outlive its parent, and the proof that a port is really its own."""

import ctypes
import os
import pwd
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_LISTENING = "0A"


def spawn(
    command: Sequence[str],
    log: IO[bytes],
    account: pwd.struct_passwd | None = None,
    *,
    stdout: IO[bytes] | int | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` so that the kernel kills it when the calling *thread* ends, in a session of its own.

    A session of its own, because Ctrl-C in a terminal reaches the whole group and the parent still needs
    the child. It changes account before it is executed, not by itself later: the kernel forgets the
    parent's death signal when a process changes account. Its output goes to `log`; standard output to
    `stdout` where that is given.
    """
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl

    def before_exec() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:
            os._exit(1)

    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log if stdout is None else stdout,
        stderr=log,
        cwd="/",
        start_new_session=True,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        preexec_fn=before_exec,
    )


def end(process: subprocess.Popen[bytes], within_s: float) -> None:
    """Ask it to end, and wait; what does not end is killed."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def die_with_parent() -> None:
    """For a worker that is forked or spawned by others' code: the kernel ends it when its parent's thread ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def listens(pid: int, port: int) -> bool:
    """True where process `pid` itself listens on TCP `port` (IPv4). A connection could reach another's."""
    return bool(_sockets(pid) & set(_listeners(port)))


def _listeners(port: int) -> Iterator[str]:
    """Inodes of the sockets that listen on `port`, from the columns of proc(5) /proc/net/tcp."""
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        columns = line.split()
        if columns[3] == _LISTENING and int(columns[1].rpartition(":")[2], 16) == port:
            yield columns[9]


def _sockets(pid: int) -> set[str]:
    found = set()
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            target = str(entry.readlink())
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except OSError:  # it ended, or closed one while we looked
        pass
    return found
