"""The file of an export. A whole one is there at once or not at all; one that is followed grows by whole lines.

Beside a followed file lies `FILE.mark`: how far the gateway's entries are in it, and how long it was then. After a kill
what is behind the mark is cut off and written again: no line is torn, missing, or there twice.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import msgspec

from stillroom.errors import InputError, StorageError
from stillroom.files import replace_file


class Mark(msgspec.Struct, frozen=True):
    """place: of the newest entry that is in the file; bytes: its length; introduced: devices and rooms in it."""

    place: int
    bytes: int
    introduced: tuple[str, ...]


def write_whole(path: Path, lines: Iterable[bytes]) -> int:
    """How many. By temporary file and rename. Raises InputError, StorageError."""
    _check(path)
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    count = 0
    try:
        with _open(temporary, os.O_EXCL) as file:
            for line in lines:
                file.write(line + b"\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)
    return count


class Followed:
    """A file that grows. Use with `with`. Raises InputError, StorageError."""

    def __init__(self, path: Path) -> None:
        """Raises InputError where a file is there that nobody has followed: its lines are not known."""
        _check(path)
        self._path, self._mark_path = path, path.with_name(path.name + ".mark")
        self.mark = self._read_mark()
        try:
            self._file = _open(path, 0)
            self._file.truncate(self.mark.bytes)
            self._file.seek(0, os.SEEK_END)
        except OSError as error:
            raise StorageError(f"{path}: cannot be written: {error.strerror}") from None
        self._write_mark()  # before the first line: a kill after it finds one

    def __enter__(self) -> "Followed":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, lines: Iterable[bytes], place: int, introduced: Iterable[str]) -> None:
        """These lines, of entries up to `place`, on the disk. Raises StorageError."""
        try:
            for line in lines:
                self._file.write(line + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StorageError(f"{self._path}: cannot be written: {error.strerror}") from None
        self.mark = Mark(place, self._file.tell(), tuple(sorted(introduced)))
        self._write_mark()

    def _write_mark(self) -> None:
        replace_file(self._mark_path, msgspec.json.encode(self.mark), 0o600)

    def _read_mark(self) -> Mark:
        length = self._path.stat().st_size if self._path.exists() else 0
        try:
            mark = msgspec.json.decode(self._mark_path.read_bytes(), type=Mark)
        except FileNotFoundError:
            if length:
                raise InputError(
                    f"{self._path}: is there, and its .mark is not: name another file, or move it away"
                ) from None
            return Mark(0, 0, ())
        except (OSError, msgspec.MsgspecError):
            raise InputError(f"{self._mark_path}: damaged: move it and the file beside it away") from None
        if length < mark.bytes:
            raise InputError(f"{self._path}: shorter than its .mark says: move both away")
        return mark


def _check(path: Path) -> None:
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: not a plain file: name one, or a place where there is none yet")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}")


def _open(path: Path, how: int) -> IO[bytes]:
    """Whose health it is about may be found out: nobody else may read it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | how, 0o600)
    return os.fdopen(descriptor, "r+b")
