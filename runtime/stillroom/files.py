"""Small files that must be whole: keys and signed documents. Bounded reads, durable writes, and one owner of a folder.

Written by temporary file, fsync, rename (or link, where nothing may be replaced), fsync of the folder.
"""

import fcntl
import os
import stat
from pathlib import Path

from stillroom import credentials
from stillroom.errors import StorageError, TrustError

MAX_FILE_BYTES = 16 * 1024


class FolderInUse(StorageError):
    """Another process of ours has it."""


Stamp = tuple[int, int, int]


def file_stamp(path: Path) -> Stamp | None:
    """Something that changes when the file does; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def read_private(path: Path) -> bytes:
    """The bytes of a secret file. Refuses what `read_bounded` does, and files that others may read."""
    return _read(path, private=True)


def read_bounded(path: Path) -> bytes:
    """The bytes of a small plain file. Raises TrustError: absent, a link, a device, more than 16 KiB."""
    return _read(path, private=False)


def _read(path: Path, *, private: bool) -> bytes:
    descriptor = -1
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        _check(path, os.fstat(descriptor), private)
        data = _drain(descriptor)
    except OSError as error:
        raise TrustError(f"{path}: cannot be read: {error.strerror}") from None
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    if len(data) > MAX_FILE_BYTES:
        raise TrustError(f"{path}: larger than {MAX_FILE_BYTES} bytes, which nothing of this kind can be")
    return data


def _check(path: Path, found: os.stat_result, private: bool) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise TrustError(f"{path}: not a plain file")
    # systemd lets its service read by an ACL, whose mask looks like a group's right; the folder is its alone.
    others = 0o007 if path.parent == credentials.folder() else 0o077
    if private and found.st_mode & others:
        mode = stat.S_IMODE(found.st_mode)
        raise TrustError(f"{path}: others may read this secret (mode {mode:04o}): chmod 600 {path}")


def _drain(descriptor: int) -> bytes:
    data = b""
    while len(data) <= MAX_FILE_BYTES and (more := os.read(descriptor, MAX_FILE_BYTES + 1)):
        data += more
    return data


def write_new(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Create `path` whole and on the disk, or not at all. Raises TrustError where it exists, StorageError."""
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        _write_flushed(temporary, data, mode)
        os.link(temporary, path)
    except FileExistsError:
        raise TrustError(f"{path}: is there already; it is never replaced: move it away first") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)
    flush_folder(path.parent)


def replace_file(path: Path, data: bytes, mode: int = 0o644, owner: tuple[int, int] | None = None) -> None:
    """Put `data` at `path` by temporary file, fsync, rename, fsync of the folder: old or new, never half.

    owner: user and group; None: whoever runs this. Raises StorageError.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        _write_flushed(temporary, data, mode, owner)
        temporary.rename(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None
    flush_folder(path.parent)


def make_folder(folder: Path) -> None:
    """A folder of ours, where there is none yet. Raises StorageError."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made: {error.strerror}") from None


def lock_folder(folder: Path, name: str, owner: str, key: str = "") -> int:
    """Make `folder` ours until this process ends or the descriptor returned is closed. `owner`: who locks it, in words.

    `key`: of the configuration that names the folder. Raises StorageError: it cannot be used, or somebody has it.
    """
    named = f" ('{key}')" if key else ""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be used{named}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise FolderInUse(f"{folder}: another {owner} is using it: stop that one first") from None
    return descriptor


def flush_folder(folder: Path) -> None:
    """Make renames in `folder` last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_flushed(path: Path, data: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if owner is not None:
            os.fchown(descriptor, *owner)
        os.fchmod(descriptor, mode)
        file.write(data)
        file.flush()
        os.fsync(descriptor)
