"""Commands that come downwards: a document signed by the authority, put where a person would have put it.

The gateway carries them and cannot make them. Each is verified exactly as a file of the trust folder is, written there
durably, and answered by a receipt in the commit in which its number is remembered: a power cut in between lets the
next record bring it once more, and doing it again changes nothing.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from stillroom.clock import Clock
from stillroom.documents import KINDS, Authorisation, Roster, Withdrawal
from stillroom.errors import StorageError, TrustError
from stillroom.events import Command, Receipt
from stillroom.files import replace_file
from stillroom.keeper.authorisation import AUTHORISATIONS, MAX_FILES, WITHDRAWALS
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.roster import ROSTER_FILE, check_time, load_authority, needed_for
from stillroom.notes import NoteError, Signer, open_note

_LAST = "command"
_REFUSED = "command_refused"

Document = Authorisation | Withdrawal | Roster
_SCHEMAS: dict[str, type[Document]] = {
    KINDS[schema]: schema for schema in (Authorisation, Withdrawal, Roster)
}


class Refusal(Exception):
    """Why a command is not carried out: the code of its receipt."""


class Commands:
    """Carries out each command once, in the order of their numbers."""

    def __init__(self, outbox: Outbox, trust: Path, unit: str, clock: Clock) -> None:
        self._outbox, self._trust, self._unit, self._clock = outbox, trust, unit, clock
        self._last = outbox.recall(_LAST)
        self._refused = outbox.recall(_REFUSED)

    def carry_out(self, command: Command, roster: Roster) -> Receipt | None:
        """Its receipt, to be committed with what this remembers; None where it was answered, or cannot be yet."""
        if command.number <= self._last or command.number == self._refused:
            return None
        kind = _kind(command.note)
        document: Document | None = None
        try:
            document = self._verified(kind, command.note, roster)
            self._put(document, command.note, roster)
            outcome = "done"
        except Refusal as refusal:
            outcome = str(refusal)
        except StorageError as error:
            print(f"keeper: {error}; the command will come again", file=sys.stderr, flush=True)
            return None
        if document is None:
            # What nobody signed does not count upwards: a high number on junk must not shut out a withdrawal.
            self._refused = command.number
            self._outbox.remember(_REFUSED, command.number)
        else:
            self._last = command.number
            self._outbox.remember(_LAST, command.number)
        return Receipt(command.number, kind, _name(document), outcome)

    def _verified(self, kind: str, note: bytes, roster: Roster) -> Document:
        schema = _SCHEMAS.get(kind)
        if schema is None:
            raise Refusal("kind")
        try:
            authority = load_authority(self._trust)
            document = open_note(note, kind, schema, [authority])
            open_note(note, kind, schema, [authority], _approvers(document, roster))
        except NoteError as error:
            raise Refusal(error.reason) from None
        except TrustError:
            raise Refusal("authority") from None
        self._check_ours(document, authority)
        return document

    def _check_ours(self, document: Document, authority: Signer) -> None:
        ours = document.site == authority.site
        if not isinstance(document, Roster):
            ours = ours and document.unit == self._unit
        if not ours:
            raise Refusal("unit")

    def _put(self, document: Document, note: bytes, roster: Roster) -> None:
        """Into the trust folder, flushed. Raises Refusal, StorageError."""
        if isinstance(document, Roster):
            self._check_follows(document, roster)
            path = self._trust / ROSTER_FILE
        elif isinstance(document, Withdrawal):
            path = self._trust / WITHDRAWALS / f"{document.authorisation}.note"
        else:
            path = self._trust / AUTHORISATIONS / f"{document.id}.note"
        if not path.exists() and _count(path.parent) >= MAX_FILES:
            raise Refusal("full")
        replace_file(path, note)

    def _check_follows(self, document: Roster, roster: Roster) -> None:
        """What the keeper would refuse as a file must not take the place of the roster that works."""
        if document.version < roster.version or (document.version == roster.version and document != roster):
            raise Refusal("version")
        try:
            check_time(document, self._clock.utc_ms())
        except TrustError:
            raise Refusal("time") from None


def _approvers(document: Document, roster: Roster) -> Sequence[Signer]:
    """Of whom one must have signed it too."""
    if isinstance(document, Roster):
        return needed_for(document, roster.approver_signers)
    return roster.approver_signers if isinstance(document, Authorisation) else ()


def _kind(note: bytes) -> str:
    """As the first line says; `unknown` where it is none that can be commanded."""
    first = note.partition(b"\n")[0].removeprefix(b"stillroom/1 ").decode("ascii", "replace")
    return first if first in _SCHEMAS else "unknown"


def _name(document: Document | None) -> str | None:
    if isinstance(document, Authorisation):
        return document.id
    return document.authorisation if isinstance(document, Withdrawal) else None


def _count(folder: Path) -> int:
    try:
        return sum(path.suffix == ".note" for path in folder.iterdir())
    except OSError:
        return 0
