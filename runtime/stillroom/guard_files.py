"""Which files a process can reach at all, enforced by Landlock where the kernel has it (not on Raspberry Pi OS).

A rule holds for what lies at a path when it is made: a folder's later files too, a file that is put in the place of
another one not. What is hidden (keys) is left out of every folder that is allowed. See landlock(7).
"""

import ctypes
import os
import site
import stat
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""The same numbers on both machines."""
_ASK_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE, _READ, _LIST = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REFER, _TRUNCATE, _DEVICE = 1 << 13, 1 << 14, 1 << 15
_OF_VERSION_1 = (1 << 13) - 1
_MAKE = _OF_VERSION_1 & ~(_EXECUTE | _READ | _LIST)
"""Write, make and remove."""
_OF_A_FILE = _EXECUTE | _WRITE | _READ | _TRUNCATE | _DEVICE

SYSTEM = ("/usr", "/lib", "/lib64", "/etc", "/proc", "/sys", "/run/systemd/resolve", "/run/resolvconf")
SMALL_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


@dataclass(frozen=True)
class Files:
    """What a process may reach. Paths that are not there are passed over; those in `hidden` win over all but `also`."""

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    """Folders: to read, write, make and remove in."""
    devices: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    also: tuple[Path, ...] = ()
    """Files to read wherever they lie."""


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("access", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def version() -> int:
    """Of the kernel's Landlock; 0: it has none, or it is switched off."""
    found = _libc().syscall(_CREATE, None, ctypes.c_size_t(0), _ASK_VERSION)
    return max(int(found), 0)


def restrict(files: Files) -> None:
    """For this thread and all that it starts, for good. Needs no_new_privs. Raises OSError: the kernel refuses."""
    abi = version()
    if not abi:
        raise OSError(0, "this kernel has no Landlock")
    handled = _OF_VERSION_1
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _DEVICE)):
        handled |= right if abi >= since else 0
    # Signals to others, and abstract socket names, which no unit uses.
    asked = _Ruleset(handled, 0, 3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _checked(_libc().syscall(_CREATE, ctypes.byref(asked), ctypes.c_size_t(size), 0))
    try:
        for path, rights in _rights(files):
            _allow(ruleset, path, rights & handled)
        _checked(_libc().syscall(_RESTRICT, ruleset, 0))
    finally:
        os.close(ruleset)


def program_files() -> Iterator[Path]:
    """Where Python, its packages and this program lie; never the folder that somebody happens to stand in."""
    yield from (Path(found) for found in set(sysconfig.get_paths().values()))
    yield from (
        Path(found) for found in (sys.prefix, sys.base_prefix, *site.getsitepackages()) if found != "/"
    )
    yield Path(__file__).parents[1]


def _rights(files: Files) -> Iterator[tuple[Path, int]]:
    readable = [*map(Path, SYSTEM), *map(Path, SMALL_DEVICES), *program_files(), *files.read]
    for path in _apart(readable, files.hidden):
        yield path, _READ | _LIST
    for path in files.also:
        yield path, _READ
    for path in files.write:
        yield path, _READ | _LIST | _MAKE | _REFER | _TRUNCATE
    for path in files.devices:
        yield path, _READ | _WRITE | _LIST | _DEVICE


def _apart(paths: Iterable[Path], hidden: Iterable[Path]) -> Iterator[Path]:
    """The same paths; a folder with something hidden in it becomes what else lies in it."""
    secret = [path.resolve() for path in hidden]
    for path in paths:
        yield from _around(path.resolve(), secret)


def _around(path: Path, secret: list[Path]) -> Iterator[Path]:
    if any(path.is_relative_to(one) for one in secret):
        return
    if not any(one.is_relative_to(path) for one in secret):
        yield path
        return
    with suppress(OSError):
        for child in path.iterdir():
            if not child.is_symlink():
                yield from _around(child, secret)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _OF_A_FILE
        rule = _Beneath(rights, descriptor)
        _checked(_libc().syscall(_ADD, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(descriptor)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(code: int) -> int:
    if code < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return code
