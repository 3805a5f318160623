"""What each process forbids itself before it does anything else.

None of this is undone later: there is no call here that allows something again.
"""

import ctypes
import os
import resource
import signal

from stillroom.errors import SetupError

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38


def forbid(*, parent: int | None = None) -> None:
    """No core dump, no ptrace by the same user, no new privileges, private files.

    parent: process whose end must be ours too (a laptop's `stillroom run`); None on a unit, where systemd watches.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_DUMPABLE, 0)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if parent is not None:
        die_with(parent)


def die_with(parent: int) -> None:
    """Be killed by the kernel when `parent` ends, however it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise SetupError(f"prctl {option} was refused by the kernel: {os.strerror(code)}")
