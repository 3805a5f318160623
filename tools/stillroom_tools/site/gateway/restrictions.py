"""Withdrawals (of releases, too) and halts that still matter, told to a unit again whenever it may have forgotten them.

A card put back from a copy knows nothing of what was withdrawn since. So each start of a unit, and each alarm that
somebody speaks with its key from another start, lets all of it be told again: doing it twice changes nothing. What
counts is what the site has signed, however it went to the unit. One damaged file does not keep the others back.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from stillroom.document_forms import to_ms
from stillroom.documents import KINDS, Authorisation, Withdrawal, read_document
from stillroom.errors import TrustError
from stillroom.files import read_bounded
from stillroom.note_reading import decode, split
from stillroom.orders import Halt, Lift
from stillroom.release_forms import WITHDRAWALS
from stillroom.release_papers import Release, ReleaseWithdrawal
from stillroom_tools.site.gateway.commands import Commands
from stillroom_tools.site.layout import Site

Paper = TypeVar("Paper", Withdrawal, Halt, Lift)
Standing = tuple[str | None, str, str, bytes]
"""The unit (None: every one), the kind, what it is called by, the signed document."""


class Restrictions:
    """Say what was `heard`, and whom to `suspect`; `tell_again` about once a second."""

    def __init__(self, site: Site, commands: Commands, tell: Callable[[str], None]) -> None:
        """Raises TrustError: no authority."""
        self._site, self._commands, self._tell = site, commands, tell
        self._authority = site.authority()
        self._left_aside: set[str] = set()
        self._boots: dict[str, bytes] = {}
        self._due: set[str] = set()

    def heard(self, unit: str, boot_id: bytes) -> None:
        """The newest start of a unit that a record on the disk is of. After our own start each counts as new."""
        if self._boots.get(unit) != boot_id:
            self._boots[unit] = boot_id
            self._due.add(unit)

    def suspect(self, unit: str) -> None:
        """Somebody speaks with its key, of another start than the newest; he hears what the unit hears."""
        self._due.add(unit)

    def tell_again(self, enrolled: Collection[str], now_ms: int) -> None:
        """Queue what stands for the units that are due; what waits already stays as it is. Raises StorageError."""
        due = sorted(self._due & set(enrolled))
        self._due.clear()
        if not due:
            return
        standing = [*self._withdrawals(now_ms), *self._halts(), *self._releases(now_ms)]
        lifted = {(lift.unit, lift.halt) for lift, _ in self._read(self._site.lifts_dir, Lift)}
        for unit in due:
            papers = [
                (unit, kind, note)
                for of, kind, name, note in standing
                if of in (None, unit) and not lifted & {(None, name), (unit, name)}
            ]
            queued = self._commands.queue_all(papers, now_ms)
            if queued:
                self._tell(f"unit {unit}: {queued} withdrawals and halts that stand are told to it again")

    def _withdrawals(self, now_ms: int) -> Iterator[Standing]:
        """Of authorisations whose time is not over, or that are not here."""
        for paper, note in self._read(self._site.withdrawals_dir, Withdrawal):
            until_ms = self._until_ms(paper.authorisation)
            if until_ms is None or now_ms < until_ms:
                yield paper.unit, "withdrawal", paper.authorisation, note

    def _halts(self) -> Iterator[Standing]:
        for paper, note in self._read(self._site.halts_dir, Halt):
            yield paper.unit, "halt", paper.id, note

    def _releases(self, now_ms: int) -> Iterator[Standing]:
        """Of releases whose time is not over, or that are not here; who has signed them the unit judges."""
        for path in sorted((self._site.folder / WITHDRAWALS).glob("*.note")):
            with suppress(TrustError):
                note = read_bounded(path)
                paper = decode(split(note)[0], KINDS[ReleaseWithdrawal], ReleaseWithdrawal)
                until_ms = self._release_until_ms(paper.release)
                if until_ms is None or now_ms < until_ms:
                    yield paper.unit, KINDS[ReleaseWithdrawal], paper.release, note

    def _release_until_ms(self, release: str) -> int | None:
        try:
            note = read_bounded(self._site.releases_dir / f"{release}.note")
            return to_ms(decode(split(note)[0], KINDS[Release], Release).until)
        except TrustError:
            return None

    def _until_ms(self, authorisation: str) -> int | None:
        path = self._site.authorisations_dir / f"{authorisation}.note"
        try:
            return to_ms(read_document(path, Authorisation, [self._authority]).until)
        except TrustError:
            return None

    def _read(self, folder: Path, schema: type[Paper]) -> Iterator[tuple[Paper, bytes]]:
        """Those of this site, with their notes; another one is told once and left aside."""
        for path in sorted(folder.glob("*.note")):
            try:
                paper = read_document(path, schema, [self._authority])
                note = read_bounded(path)
            except TrustError as error:
                text = f"left aside: {error}"
                if text not in self._left_aside:
                    self._left_aside.add(text)
                    self._tell(text)
            else:
                if paper.site == self._site.name:
                    yield paper, note
