"""The files of recordings on the card: written in a thread of their own, since no card may hold up a lease.

A block is written whole or not at all: what a full card took of one is cut off again, and what was there before stays
as it is. Nothing here is ever replaced; files go with their folder, when their time is over.
"""

import errno
import os
import queue
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stillroom.errors import WireError
from stillroom.files import flush_folder
from stillroom.public_keys import VerifyKey
from stillroom.release_forms import HEAD
from stillroom.release_wire import FIRST_LINK, TRAILER_BYTES, Block, read_block, verify

MOST_WAITING = 8
"""Blocks, each of a second."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class _Put:
    block: bytes
    before: bytes
    link: bytes


class Writer:
    """Appends to one new file. `failed`: why nothing is written any more; empty while all is well."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: queue.Queue[_Put | None] = queue.Queue()
        self.failed = ""
        self.blocks, self.link, self.bytes = 0, FIRST_LINK, 0
        """What is on the card: how many blocks, the link of the last, and how much that is."""
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    @property
    def behind(self) -> bool:
        """The card is too slow for what is recorded."""
        return self._waiting.qsize() >= MOST_WAITING

    def put(self, block: bytes, before: bytes, link: bytes) -> None:
        """To be written next."""
        self._waiting.put(_Put(block, before, link))

    def wait(self) -> None:
        """Until all that was put is on the card, or never will be."""
        self._waiting.join()

    def finish(self) -> None:
        """Nothing more is put: write what waits, and let go of the file, in its own time."""
        self._waiting.put(None)

    def _run(self) -> None:
        descriptor = -1
        while (put := self._waiting.get()) is not None:
            try:
                if descriptor < 0:
                    descriptor = _make(self._path)
                self._write(descriptor, put)
            except OSError as error:
                self.failed = "card-full" if error.errno in FULL else "card-failing"
            finally:
                self._waiting.task_done()
        if descriptor >= 0:
            os.close(descriptor)
        self._waiting.task_done()

    def _write(self, descriptor: int, put: _Put) -> None:
        """What does not follow what is there is left out: after a failure nothing does but an end made for it."""
        if put.before != self.link:
            return
        append(descriptor, put.block)
        self.blocks, self.link, self.bytes = self.blocks + 1, put.link, self.bytes + len(put.block)


def _make(path: Path) -> int:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    flush_folder(path.parent)
    return descriptor


def append(descriptor: int, block: bytes) -> None:
    """On the card, flushed, or cut off again. Raises OSError."""
    size = os.fstat(descriptor).st_size
    try:
        done = 0
        while done < len(block):
            done += os.pwrite(descriptor, block[done:], size + done)
        os.fdatasync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def number_of(path: Path) -> int:
    """Of a file among those of its release; 0 for one that has none."""
    last = path.stem.rpartition("-")[2]
    return int(last) if last.isascii() and last.isdecimal() else 0


def last_block(path: Path, unit: VerifyKey) -> tuple[Block, int] | None:
    """The last block of a file that is whole and this unit's, and where it ends; None where there is none.

    Heads alone are read, up to there: a long recording is no burden at a start. Raises OSError.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        starts = [0]
        while len(head := os.pread(file.fileno(), HEAD.size, starts[-1])) == HEAD.size:
            starts.append(starts[-1] + HEAD.size + HEAD.unpack(head)[-1] + TRAILER_BYTES)
            if starts[-1] > size:
                break
        for start in reversed(starts):
            file.seek(start)
            with suppress(WireError):
                block = read_block(file)
                if block is not None:
                    verify(block, unit, block.release)
                    return block, file.tell()
    return None


def finish(path: Path, end: int, block: bytes) -> None:
    """Cut off what follows, and append the last block. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.ftruncate(descriptor, end)
        append(descriptor, block)
    finally:
        os.close(descriptor)
