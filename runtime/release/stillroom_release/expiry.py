"""Recordings whose time is over are deleted, with their folder; and one that a power cut has broken off gets its end.

When a release expires is kept in the unit's memory and in its note beside the recordings; the earlier counts. What
decides is the latest that UTC can be (`known.py`), also where that is the system clock's word alone: what is kept too
long has been kept against what was signed, and the custodian had until then to fetch it. A clock that is behind keeps
it until the gateway has told the time, and the chain says by which clock it was known.
"""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from stillroom.document_forms import to_ms
from stillroom.documents import KINDS
from stillroom.errors import TrustError
from stillroom.files import flush_folder, read_bounded
from stillroom.keeper.authorisation import told_name
from stillroom.keeper.releases import Means
from stillroom.note_reading import decode, split
from stillroom.release_forms import INTERRUPTED, NOTE_FILE, SUFFIX
from stillroom.release_papers import Release
from stillroom_release.recording import MB, end_block
from stillroom_release.shelf import finish, last_block, number_of

_EXPIRES = "release expires "
OPEN = "release open"


class Expiry:
    """`look` twice a second."""

    def __init__(self, means: Means, root: Path) -> None:
        self._means, self._root = means, root
        self._failed: set[str] = set()

    def keep(self, paper: Release) -> None:
        """Before the first recording under it."""
        if not self._means.outbox.recall(_EXPIRES + paper.id):
            self._means.outbox.remember(_EXPIRES + paper.id, to_ms(paper.expires))

    def look(self, running: str = "") -> None:
        """Delete each folder whose time is over, or of which nobody knows when that is; never that of `running`."""
        known = self._means.clock.known()
        for folder in _folders(self._root):
            expires_ms = self._expires_ms(folder)
            if known.latest_ms >= expires_ms and folder.name != running:
                self._delete(folder, "expired" if expires_ms else "unknown", known.source)

    def _expires_ms(self, folder: Path) -> int:
        """0: nobody knows."""
        found = [self._means.outbox.recall(_EXPIRES + folder.name), _of_note(folder / NOTE_FILE)]
        return min((one for one in found if one), default=0)

    def _delete(self, folder: Path, why: str, clock: str) -> None:
        name = told_name(folder.name)
        files = recorded(folder)
        megabytes = size_of(files) // MB
        try:
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
            flush_folder(self._root)
        except OSError as error:
            if name not in self._failed:
                self._failed.add(name)
                print(f"keeper: {folder}: cannot be deleted: {error.strerror}", file=sys.stderr, flush=True)
                self._means.audit.append(self._means.clock.utc_ms(), "release-not-deleted", release=name)
            return
        said: dict[str, str | int] = {
            "release": name,
            "files": len(files),
            "mb": megabytes,
            "why": why,
            "clock": clock,
        }
        self._means.audit.append(self._means.clock.utc_ms(), "release-deleted", **said)

    def finish_broken(self) -> None:
        """At a start: what was being recorded when the unit lost its power, or was killed.

        Whether more blocks were there is not known here: whoever opens the file is told so.
        """
        left = self._means.outbox.recall_bytes(OPEN) or b""
        if not left:
            return
        self._means.outbox.remember(OPEN, b"")
        path = self._root / left.decode("utf-8", "replace")
        chunks, link = 0, b""
        with suppress(OSError):
            found = last_block(path, self._means.key.verify_key)
            if found is not None:
                last, end = found
                chunks, link = last.number + 1, last.link
                block, ended = end_block(
                    self._means.key,
                    last.release,
                    last.recording,
                    chunks,
                    last.link,
                    INTERRUPTED,
                    self._means.clock,
                )
                finish(path, end, block)
                link = ended
        said: dict[str, str | int] = {
            "release": told_name(path.parent.name),
            "file": number_of(path),
            "chunks": chunks,
            "link": link.hex(),
        }
        self._means.audit.append(self._means.clock.utc_ms(), "release-ended", **said, how=INTERRUPTED)


def recorded(folder: Path) -> list[Path]:
    """The files of a release that are there."""
    try:
        return [path for path in folder.iterdir() if path.suffix == SUFFIX]
    except OSError:
        return []


def size_of(files: list[Path]) -> int:
    """In bytes; what has just been taken away counts as none."""
    sizes = 0
    for path in files:
        with suppress(OSError):
            sizes += path.stat().st_size
    return sizes


def _folders(root: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink())


def _of_note(path: Path) -> int:
    """As the note says, whoever has signed it: it was verified when it was put there."""
    try:
        return to_ms(decode(split(read_bounded(path), unsigned=True)[0], KINDS[Release], Release).expires)
    except TrustError:
        return 0
