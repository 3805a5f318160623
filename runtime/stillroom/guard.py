"""What each process forbids itself before it does anything else, and what the kernel says of it afterwards.

None of this is undone later: there is no call here that allows something again, and no key of a configuration is read
but the profile and which camera. In profile `care` a process that misses one of `REQUIRED` does not go on; in `lab` it
goes on and says so, since a laptop may have swap or another kernel.
"""

import ctypes
import os
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from stillroom import guard_calls, guard_files, guard_filter
from stillroom.config import OWN_CAMERA, UnitConfig
from stillroom.errors import SetupError
from stillroom.guard_calls import Process
from stillroom.guard_files import Files
from stillroom.link import Guarded, Held

REQUIRED = ("undumpable", "no-core", "no-new-privileges", "no-swap", "system-calls")
"""`files` (Landlock) is reported only: Raspberry Pi OS has none."""

_PR_SET_PDEATHSIG = 1
_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4
_PR_GET_SECCOMP = 21
_PR_SET_NO_NEW_PRIVS, _PR_GET_NO_NEW_PRIVS = 38, 39
_FILTERED = 2
_LOCK_ALL = 1 | 2 | 4
"""MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT: what is used, when it is used."""
_CAP_IPC_LOCK = 14
_SWAPS = Path("/proc/swaps")


def forbid(*, parent: int | None = None) -> None:
    """No core dump, no ptrace by the same user, no new privileges, private files.

    parent: process whose end must be ours too (a laptop's `stillroom run`); None on a unit, where systemd watches.
    """
    os.umask(0o077)
    no_core()
    undumpable()
    no_new_privileges()
    if parent is not None:
        die_with(parent)


def confine(process: Process, unit: UnitConfig, files: Files) -> Guarded:
    """The guards that need the configuration; then all of them, as they hold. To be called before any thread starts.

    Raises SetupError: profile `care`, and a required one does not hold.
    """
    own_camera = process == "eye" and unit.camera.kind == OWN_CAMERA
    calls = guard_calls.WITH_OWN_CAMERA if own_camera else guard_calls.AT_START[process]
    swap = "" if lock_all() else _swap()
    no_files = _tried(lambda: guard_files.restrict(files))
    no_calls = _tried(lambda: guard_filter.install(calls))
    found = _held(swap, no_files, no_calls)
    if unit.profile == "care":
        insist(process, found)
    return Guarded(found)


def connected(process: Literal["eye", "courier"]) -> None:
    """The link to the keeper is there: no more sockets, or none but to the network. Raises SetupError."""
    if _ask(_PR_GET_SECCOMP) != _FILTERED:
        return  # as `confine` has reported
    why = _tried(lambda: guard_filter.install(guard_calls.WHEN_CONNECTED[process]))
    if why:
        raise SetupError(f"{process}: system calls cannot be refused: {why}")


def insist(process: Process, rows: tuple[Held, ...]) -> None:
    """Raises SetupError for the first required guard that does not hold, with what to do."""
    for row in rows:
        if row.name in REQUIRED and not row.held:
            raise SetupError(f"{process}: profile 'care' needs the guard '{row.name}': {row.why}")


def here() -> tuple[Held, ...]:
    """What this machine offers, for somebody who asks before a unit runs. Changes nothing."""
    swap = _swap()
    abi = guard_files.version()
    machine = os.uname().machine
    known = machine in guard_filter.MACHINES and Path("/proc/sys/kernel/seccomp").is_dir()
    return (
        Held("no-swap", not swap, swap or "there is no swap, or it cannot be used"),
        Held(
            "system-calls",
            known,
            "the kernel filters them" if known else f"no filter for this kernel on {machine}",
        ),
        Held("files", abi > 0, f"Landlock {abi}" if abi else "this kernel has no Landlock"),
    )


def undumpable() -> None:
    """No core dump, no /proc/PID/mem and no ptrace but by root."""
    _prctl(_PR_SET_DUMPABLE, 0)


def no_core() -> None:
    """Nor a core file by somebody who makes it dumpable again."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def no_new_privileges() -> None:
    """A setuid program is an ordinary one; seccomp and Landlock ask for it."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def lock_all() -> bool:
    """Keep everything of this process out of swap, now and later; False where it may not lock so much.

    Not tried under a limit: memory that cannot be locked then could not be had at all.
    """
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
    if not (unlimited or _capable(_CAP_IPC_LOCK)):
        return False
    return bool(ctypes.CDLL(None).mlockall(_LOCK_ALL) == 0)


def die_with(parent: int) -> None:
    """Be killed by the kernel when `parent` ends, however it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _held(swap: str, no_files: str, no_calls: str) -> tuple[Held, ...]:
    """Read back from the kernel, where it can be asked."""
    return (
        _row("undumpable", _ask(_PR_GET_DUMPABLE) == 0, "the kernel says it can be dumped"),
        _row("no-core", resource.getrlimit(resource.RLIMIT_CORE) == (0, 0), "core files are allowed"),
        _row("no-new-privileges", _ask(_PR_GET_NO_NEW_PRIVS) == 1, "the kernel says they are allowed"),
        _row("no-swap", not swap, swap),
        _row(
            "system-calls",
            not no_calls and _ask(_PR_GET_SECCOMP) == _FILTERED,
            no_calls or "no filter is there",
        ),
        _row("files", not no_files, no_files),
    )


def _row(name: str, held: bool, why: str) -> Held:
    return Held(name, held, "" if held else why[:200])


def _swap() -> str:
    """Why memory could come to a disk, with what to do; empty where it could not."""
    try:
        lines = _SWAPS.read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        unknown = f"{_SWAPS} cannot be read, so nobody knows whether there is swap"
        return "" if _group_may_not_swap() else unknown
    if not lines or _group_may_not_swap():
        return ""
    names = ", ".join(line.split()[0] for line in lines)
    return f"swap is on ({names}): `swapoff -a`, for good too, or let it lock all its memory (LimitMEMLOCK=infinity)"


def _group_may_not_swap() -> bool:
    """MemorySwapMax=0 of systemd, for the group we are in or one above, where the kernel counts memory at all."""
    with suppress(OSError):
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        own = next((line[3:] for line in lines if line.startswith("0::")), "")
        places = [Path("/sys/fs/cgroup", own.lstrip("/")), *Path("/sys/fs/cgroup", own.lstrip("/")).parents]
        limits = [place / "memory.swap.max" for place in places if place.is_relative_to("/sys/fs/cgroup")]
        return any(limit.exists() and limit.read_text().strip() == "0" for limit in limits)
    return False


def _capable(number: int) -> bool:
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("CapEff:"):
                return bool(int(line.split()[1], 16) >> number & 1)
    return False


def _tried(act: Callable[[], None]) -> str:
    """Why it could not be done; empty where it was."""
    try:
        act()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _ask(option: int) -> int:
    return int(ctypes.CDLL(None).prctl(option, 0, 0, 0, 0))


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise SetupError(f"prctl {option} was refused by the kernel: {os.strerror(code)}")
