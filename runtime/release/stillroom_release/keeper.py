"""The keeper's part: which release may be carried out now, its recordings one after another, and what ends each.

    seen -> started (the light first) -> chunks -> ended       each in the audit chain; refused, and why, too
                                                  -> deleted when the release expires

Like the gate, it goes by what is known of UTC: the earlier bound opens, the later one closes. After a pause, or an eye
that died, a recording goes on in another file, announced anew, as long as its release and the room's authorisation do.
"""

from pathlib import Path

from stillroom.document_forms import to_ms
from stillroom.documents import Authorisation, Roster
from stillroom.errors import StorageError
from stillroom.files import flush_folder, make_folder, replace_file
from stillroom.keeper.card import space
from stillroom.keeper.eye_life import Notes
from stillroom.keeper.releases import Means
from stillroom.link import Piece, RecordAsked
from stillroom.permits import against_release
from stillroom.release_forms import NOTE_FILE, RECORDINGS, SUFFIX, body_bytes
from stillroom.release_papers import Release
from stillroom_release.expiry import OPEN, Expiry, recorded, size_of
from stillroom_release.papers import Papers
from stillroom_release.recording import LAST_BYTES, MB, Recording
from stillroom_release.shelf import number_of

_FILES, _BYTES = "release files ", "release bytes "


class Releases:
    """See `stillroom.keeper.releases.Recorder`."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._root = means.state / RECORDINGS
        self._papers, self._expiry = Papers(means), Expiry(means, self._root)
        self._running: Recording | None = None
        self._last: Recording | None = None
        self._roster: Roster | None = None
        self._eye_gone = self._told_silent = False
        self._expiry.finish_broken()

    @property
    def announced(self) -> bool:
        return self._running is not None

    def read(self, roster: Roster) -> None:
        self._roster = roster
        self._papers.poll(roster)
        self._expiry.look("" if self._running is None else self._running.paper.id)

    def judge(self, allowed: Authorisation | None, light_works: bool) -> None:
        """End what may not go on; begin what may. While the gate is closed nothing begins, and `stop` ends it."""
        if allowed is None or self._roster is None:
            return
        if self._running is not None:
            why = self._against(self._running.paper, allowed, light_works) or self._wrong(self._running)
            if why:
                self.stop(why)
        self._eye_gone = False
        if self._running is None:
            self._begin(allowed, light_works)
        elif self._running.silent and not self._told_silent:
            self._say_silent(self._running)

    def _say_silent(self, running: Recording) -> None:
        """Once for each file: it stays announced, since pictures may come again."""
        self._told_silent = True
        said: dict[str, str | int] = {"release": running.paper.id, "file": running.file}
        self._means.audit.append(self._means.clock.utc_ms(), "release-no-pictures", **said)

    def _begin(self, allowed: Authorisation, light_works: bool) -> None:
        known = self._means.clock.known()
        for paper, note, by in self._papers.signed.values():
            if not (to_ms(paper.start) <= known.earliest_ms and known.latest_ms < to_ms(paper.until)):
                continue
            why = self._against(paper, allowed, light_works) or self._no_space(paper)
            if why:
                self._papers.refuse(paper.id, why)
                continue
            self._start(paper, note, by)
            return

    def _against(self, paper: Release, allowed: Authorisation, light_works: bool) -> str:
        """Why it may not be carried out now; empty where it may."""
        known = self._means.clock.known()
        assert self._roster is not None
        if paper.id not in self._papers.signed:
            return "withdrawn" if paper.id in self._papers.withdrawn else "document"
        utc_ms = self._means.clock.utc_ms()
        why = against_release(paper, allowed, self._roster, utc_ms, known.latest_ms)
        return why or ("" if light_works else "indicator")

    def _wrong(self, running: Recording) -> str:
        """Why it cannot go on; empty where it can. An eye that died before its first chunk is waited for."""
        if self._free_bytes() < self._means.reserve_bytes:
            return "card-full"
        return running.wrong or ("camera-closed" if self._eye_gone and running.chunks else "")

    def _free_bytes(self) -> int:
        try:
            return space(self._means.state).free_bytes
        except OSError:
            return 0

    def _used_bytes(self, paper: Release) -> int:
        """Under this release, also what was written before a power cut, or has been taken away since."""
        return max(self._means.outbox.recall(_BYTES + paper.id), size_of(recorded(self._root / paper.id)))

    def _next_file(self, paper: Release) -> int:
        """Behind those there were: a card that forgot how many has the files still."""
        there = [number_of(path) for path in recorded(self._root / paper.id)]
        return 1 + max(self._means.outbox.recall(_FILES + paper.id), *there, 0)

    def _no_space(self, paper: Release) -> str:
        """What may still be recorded must fit on the card beside its reserve, before a frame is taken."""
        left = paper.max_mb * MB - self._used_bytes(paper)
        if left < body_bytes(paper.width_px, paper.height_px, paper.frames_per_s) + LAST_BYTES:
            return "used-up"
        return "space" if self._free_bytes() < left + self._means.reserve_bytes else ""

    def _start(self, paper: Release, note: bytes, by: str) -> None:
        outbox, number = self._means.outbox, self._next_file(paper)
        self._expiry.keep(paper)
        try:
            folder = _folder(self._root, paper.id)
            replace_file(folder / NOTE_FILE, note)
        except StorageError:
            self._papers.refuse(paper.id, "space")
            return
        path = folder / f"{paper.id}-{number:04}{SUFFIX}"
        outbox.remember(_FILES + paper.id, number)
        outbox.remember(OPEN, f"{paper.id}/{path.name}".encode())
        self._told_silent = False
        self._running = Recording(
            paper, note, path, self._used_bytes(paper), self._means.clock, self._means.key
        )
        level = f"{paper.width_px}x{paper.height_px}/{paper.frames_per_s}"
        said: dict[str, str | int] = {"release": paper.id, "file": number, "level": level, "by": by}
        self._means.audit.append(self._means.clock.utc_ms(), "release-started", **said)

    def asked(self) -> RecordAsked | None:
        return None if self._running is None else self._running.asked()

    @property
    def notes(self) -> Notes:
        return () if self._running is None else (("release", self._running.note),)

    def took(self, piece: Piece) -> None:
        if self._running is not None:
            self._running.took(piece)

    def eye_gone(self) -> None:
        """If the gate stands open at the next lease, another eye records into another file."""
        self._eye_gone = True

    def stop(self, why: str) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        running.end(why)
        self._last = running
        paper, outbox = running.paper, self._means.outbox
        outbox.remember(_BYTES + paper.id, running.total_bytes)
        outbox.remember(OPEN, b"")
        said: dict[str, str | int] = {"release": paper.id, "file": running.file, "chunks": running.chunks}
        self._means.audit.append(
            self._means.clock.utc_ms(), "release-ended", **said, how=why, link=running.link.hex()
        )

    def close(self) -> None:
        self.stop("stop")
        self.settle()

    def settle(self) -> None:
        """Until all that was recorded is on the card, or never will be."""
        for one in (self._last, self._running):
            if one is not None:
                one.settle()


def _folder(root: Path, release: str) -> Path:
    """Of one release's recordings. Raises StorageError."""
    for folder in (root, root / release):
        make_folder(folder)
        flush_folder(folder.parent)
    return root / release
