"""Files that go for good: renamed, overwritten once, flushed, removed. What flash keeps beside is not reached."""

import os
from collections.abc import Iterator
from pathlib import Path

from stillroom.errors import StorageError
from stillroom.files import flush_folder

GONE = ".gone"
"""Ending of files on their way out."""
_BLOCK = 1 << 20


def files_in(place: Path) -> Iterator[Path]:
    """All of a folder, the deepest first; links are not followed."""
    if place.is_dir():
        yield from (
            path for path in sorted(place.rglob("*"), reverse=True) if path.is_symlink() or not path.is_dir()
        )


def destroy(path: Path) -> int:
    """Rename, so that nobody reads half of it; overwrite once, flush, remove. Raises StorageError."""
    gone = path if path.suffix == GONE else path.with_name(path.name + GONE)
    try:
        path.rename(gone)
        if gone.is_file() and not gone.is_symlink():
            _overwrite(gone)
        gone.unlink(missing_ok=True)
        flush_folder(path.parent)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be erased: {error.strerror}: it is still there: try again"
        ) from None
    return 1


def _overwrite(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        size = os.fstat(descriptor).st_size
        for at in range(0, size, _BLOCK):
            file.write(bytes(min(_BLOCK, size - at)))
        os.fsync(descriptor)
