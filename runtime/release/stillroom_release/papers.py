"""Releases as they lie in the trust folder: who has signed them, for whom, taken back or not. Times come later."""

import sys
from pathlib import Path

from stillroom.clock import utc_text
from stillroom.document_forms import to_ms
from stillroom.documents import Roster
from stillroom.errors import TrustError
from stillroom.files import file_stamp, read_bounded
from stillroom.keeper.authorisation import MAX_FILES, told_name
from stillroom.keeper.releases import Means
from stillroom.keeper.watch import MAX_REFUSED_TOLD
from stillroom.note_reading import NoteError
from stillroom.permits import open_paper
from stillroom.release_forms import PAPERS, WITHDRAWALS
from stillroom.release_papers import Release, ReleaseWithdrawal

_SEEN, _WITHDRAWN = "release seen ", "release withdrawn "


class Papers:
    """`poll` twice a second; `signed` are those that count, by id, each with its note and its two signers."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._stamp: object = None
        self._told: set[tuple[str, str]] = set()
        self._may_tell = MAX_REFUSED_TOLD
        self.withdrawn = means.outbox.recall_names(_WITHDRAWN)
        self.signed: dict[str, tuple[Release, bytes, str]] = {}

    def poll(self, roster: Roster) -> None:
        """What is there now; new ones, ends, and what is refused go into the audit chain."""
        trust = self._means.trust
        stamp = (_stamps(trust / PAPERS), _stamps(trust / WITHDRAWALS), roster.version)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        self.signed, self._may_tell = {}, MAX_REFUSED_TOLD
        ends, papers = _notes(trust / WITHDRAWALS), _notes(trust / PAPERS)
        if ends is None or papers is None:
            # What cannot be read might hold the end of each of them.
            self.refuse("unnamed", "full", f"{trust}: releases or their ends cannot be read, or are too many")
            return
        for path in ends:
            self._take_back(path, roster)
        for path in papers:
            self._take(path, roster)

    def _take(self, path: Path, roster: Roster) -> None:
        try:
            note = read_bounded(path)
            paper, by = open_paper(note, Release, roster, self._means.authority, self._means.unit)
        except TrustError as error:
            reason = error.reason if isinstance(error, NoteError) else "file"
            self._refuse_file(path, reason, str(error))
            return
        if path.name != f"{paper.id}.note":
            self._refuse_file(path, "file", f"it is release {paper.id}: under another name")
        elif to_ms(paper.expires) <= self._means.clock.known().earliest_ms:
            path.unlink(missing_ok=True)  # for certain of no use any more
        elif paper.id not in self.withdrawn:
            self.signed[paper.id] = paper, note, by
            self._note(paper)

    def _note(self, paper: Release) -> None:
        """Once in a unit's life."""
        if self._means.outbox.recall(_SEEN + paper.id):
            return
        self._means.outbox.remember(_SEEN + paper.id, 1)
        terms = {
            "purpose": paper.purpose,
            "custodian": paper.custodian,
            "until": utc_text(to_ms(paper.until)),
        }
        self._means.audit.append(self._means.clock.utc_ms(), "release-seen", release=paper.id, **terms)

    def _take_back(self, path: Path, roster: Roster) -> None:
        try:
            means = self._means
            note = read_bounded(path)
            paper, _ = open_paper(note, ReleaseWithdrawal, roster, means.authority, means.unit)
        except TrustError as error:
            reason = error.reason if isinstance(error, NoteError) else "file"
            self._refuse_file(path, reason, str(error))
            return
        if paper.release not in self.withdrawn:
            self.withdrawn |= {paper.release}
            self._means.outbox.remember(_WITHDRAWN + paper.release, 1)
            self._means.audit.append(self._means.clock.utc_ms(), "release-withdrawn", release=paper.release)

    def refuse(self, name: str, why: str, text: str = "") -> None:
        """Told once for each reason: on standard error and in the audit chain."""
        if (name, why) in self._told:
            return
        self._told.add((name, why))
        print(f"keeper: release {name}: refused: {text or why}", file=sys.stderr, flush=True)
        self._means.audit.append(self._means.clock.utc_ms(), "release-refused", release=name, why=why)

    def _refuse_file(self, path: Path, why: str, text: str) -> None:
        """A few each time the folder changes: a full one must not fill the chain."""
        if self._may_tell:
            self._may_tell -= 1
            self.refuse(told_name(path.name), why, text)


def _notes(folder: Path) -> list[Path] | None:
    """None where they cannot be read, or there are too many: a full folder costs bounded work and allows nothing."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".note")
    except FileNotFoundError:
        return []
    except OSError:
        return None
    return paths if len(paths) <= MAX_FILES else None


def _stamps(folder: Path) -> tuple[tuple[str, object], ...]:
    try:
        return tuple((path.name, file_stamp(path)) for path in sorted(folder.iterdir()))
    except OSError:
        return ()
