"""Commands that come downwards: a signed document, put where a person would have put it, or done at once.

The gateway carries them and cannot make them. What the authority signs is verified exactly as a file of the trust
folder is, and written there durably; what people of the roster sign goes to `asks`. Each is answered by a receipt in
the commit in which its number is remembered: a power cut in between lets the next records bring it once more, and
doing it again changes nothing.
"""

import sys
from pathlib import Path
from typing import get_args

from stillroom.clock import Clock
from stillroom.config import UnitConfig
from stillroom.document_forms import to_ms
from stillroom.documents import (
    KINDS,
    Authorisation,
    Roster,
    ViewAcceptance,
    ViewPolicy,
    Withdrawal,
    read_document,
)
from stillroom.errors import ConfigError, StorageError, TrustError
from stillroom.events import Command, Receipt
from stillroom.files import make_folder, read_bounded, replace_file
from stillroom.keeper.asks import Ask, Asks
from stillroom.keeper.authorisation import (
    AUTHORISATIONS,
    HALTS,
    LIFTS,
    MAX_FILES,
    VIEWS,
    WITHDRAWALS,
    count,
    make_room,
)
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.parts import Parts
from stillroom.keeper.roster import ROSTER_FILE
from stillroom.keeper.settings import CONFIGURATION_FILE, CONFIGURATION_VERSION, check, load_configuration
from stillroom.keeper.view_policy import POLICY_FILE, POLICY_VERSION
from stillroom.note_reading import NoteError
from stillroom.orders import Configuration, Halt, Lift
from stillroom.permits import Refusal, authority_of, check_time, open_paper, open_roster
from stillroom.release_forms import PAPERS, part
from stillroom.release_forms import WITHDRAWALS as RELEASE_WITHDRAWALS
from stillroom.release_papers import Release, ReleaseWithdrawal
from stillroom.release_rules import custodian

_LAST = "command "
_REFUSED = "command_refused "

Paper = (
    Authorisation
    | Withdrawal
    | Roster
    | ViewAcceptance
    | Halt
    | Lift
    | Configuration
    | ViewPolicy
    | Release
    | ReleaseWithdrawal
)
"""What the authority signs; a view policy and what is about releases people of the roster sign."""
Document = Paper | Ask
_SCHEMAS: dict[str, type[Document]] = {KINDS[schema]: schema for schema in get_args(Document)}


class Commands:
    """Carries out each command once, in the order of their numbers."""

    def __init__(self, outbox: Outbox, trust: Path, installed: UnitConfig, clock: Clock, asks: Asks) -> None:
        self._outbox, self._trust, self._clock, self._asks = outbox, trust, clock, asks
        self._installed, self._authority = installed, authority_of(installed)
        self._parts = Parts()
        self.in_vain = False
        """The last one answered changed nothing: it was refused, or lay there already."""
        self._gateway = ""
        self._last = self._refused = 0

    def carry_out(self, command: Command, roster: Roster) -> Receipt | None:
        """Its receipt, to be committed with what this remembers.

        None where it was answered, is not whole yet, or cannot be carried out yet.
        """
        self._count_for(roster)
        if command.number <= self._last or command.number == self._refused:
            return None
        note = self._parts.take(command)
        if note is None:
            return None
        kind = _kind(note)
        document: Document | None = None
        try:
            document, by = self._verified(kind, note, roster)
            self.in_vain = not self._do(document, by, note, roster)
            outcome = "done"
        except Refusal as refusal:
            self.in_vain = True
            outcome = str(refusal)
        except StorageError as error:
            print(f"keeper: {error}; the command will come again", file=sys.stderr, flush=True)
            return None
        if document is None:
            # What nobody signed does not count upwards: a high number on junk must not shut out a withdrawal.
            self._refused = command.number
            self._outbox.remember(_REFUSED + self._gateway, command.number)
        else:
            self._last = command.number
            self._outbox.remember(_LAST + self._gateway, command.number)
        return Receipt(command.number, kind, _name(document), outcome)

    def _count_for(self, roster: Roster) -> None:
        """Each gateway's key has numbers of its own: one that has burnt them all shuts out none after it."""
        gateway = "".join(name.hex() for name in roster.gateway_keys)
        if gateway != self._gateway:
            self._gateway = gateway
            self._last = self._outbox.recall(_LAST + gateway)
            self._refused = self._outbox.recall(_REFUSED + gateway)

    def _verified(self, kind: str, note: bytes, roster: Roster) -> tuple[Document, str]:
        """What it says, and whose signature it bears. Raises Refusal."""
        schema = _SCHEMAS.get(kind)
        if schema is None:
            raise Refusal("kind")
        try:
            if schema is Roster:
                return self._verified_roster(note, roster), self._authority.name.partition("/")[2]
            return open_paper(note, schema, roster, self._authority, self._installed.unit)
        except NoteError as error:
            raise Refusal(error.reason) from None

    def _verified_roster(self, note: bytes, roster: Roster) -> Roster:
        try:
            return open_roster(note, self._authority, roster.approver_signers)
        except NoteError:
            raise
        except TrustError:
            raise Refusal("unit") from None

    def _do(self, document: Document, by: str, note: bytes, roster: Roster) -> bool:
        """Into the trust folder, flushed; or what somebody asked for. False where it lay there already.

        Raises Refusal, StorageError.
        """
        if isinstance(document, Ask):
            self._asks.carry_out(document, by, note)
            return True
        if isinstance(document, Roster):
            self._check_follows(document, roster)
        elif isinstance(document, Configuration):
            self._check_newer(document)
        elif isinstance(document, ViewPolicy):
            self._check_policy(document)
        elif isinstance(document, Authorisation):
            self._check_new(document)
        elif isinstance(document, Release):
            self._check_release(document, note, roster)
        elif isinstance(document, Halt) and (self._trust / LIFTS / f"{document.id}.note").exists():
            raise Refusal("lifted")
        path = self._trust / _place(document)
        if not path.exists() and count(path.parent) >= MAX_FILES:
            if not isinstance(document, Halt | Withdrawal | ReleaseWithdrawal):
                raise Refusal("full")
            make_room(self._trust, type(document), MAX_FILES)
        make_folder(path.parent)
        before = _there(path)
        replace_file(path, note)
        return note != before

    def _check_follows(self, document: Roster, roster: Roster) -> None:
        """What the keeper would refuse as a file must not take the place of the roster that works."""
        if document.version < roster.version or (document.version == roster.version and document != roster):
            raise Refusal("version")
        try:
            check_time(document, self._clock.utc_ms())
        except TrustError:
            raise Refusal("time") from None

    def _check_new(self, document: Authorisation) -> None:
        """An older one that is carried once more must not take the place of a narrower one under its id."""
        if to_ms(document.until) <= self._clock.utc_ms():
            raise Refusal("expired")
        path = self._trust / _place(document)
        if not path.exists():
            return
        try:
            standing = read_document(path, Authorisation, [self._authority])
        except TrustError:  # what cannot be believed gives way
            return
        if standing != document:
            raise Refusal("used")

    def _check_release(self, document: Release, note: bytes, roster: Roster) -> None:
        """Whether it can be carried out here at all; when and whether it is, the recorder judges."""
        if part("keeper") is None:
            raise Refusal("not-installed")
        utc_ms = self._clock.utc_ms()
        if to_ms(document.until) <= utc_ms:
            raise Refusal("expired")
        if custodian(document, roster, utc_ms) is None:
            raise Refusal("custodian")
        if (self._trust / RELEASE_WITHDRAWALS / f"{document.id}.note").exists():
            raise Refusal("withdrawn")
        standing = _there(self._trust / _place(document))
        if standing is not None and standing.partition(b"\n\n")[0] != note.partition(b"\n\n")[0]:
            raise Refusal("used")

    def _check_newer(self, document: Configuration) -> None:
        """Above the one in force, or that one again. One there that cannot be believed gives way."""
        version = self._outbox.recall(CONFIGURATION_VERSION)
        try:
            standing = load_configuration(self._trust, self._installed, version)
        except TrustError:
            standing = None
        if document.version <= version and document != standing:
            raise Refusal("version")
        try:
            check(self._installed, document)
        except ConfigError as error:
            print(f"keeper: a configuration from afar was refused: {error}", file=sys.stderr, flush=True)
            raise Refusal("settings") from None

    def _check_policy(self, document: ViewPolicy) -> None:
        """Not below the one in force: what a manager has narrowed no old paper widens."""
        if document.version < self._outbox.recall(POLICY_VERSION):
            raise Refusal("version")


def _kind(note: bytes) -> str:
    """As the first line says; `unknown` where it is none that can be commanded."""
    first = note.partition(b"\n")[0].removeprefix(b"stillroom/1 ").decode("ascii", "replace")
    return first if first in _SCHEMAS else "unknown"


def _place(document: Paper) -> str:
    """Where it lies in the trust folder."""
    match document:
        case Roster():
            return ROSTER_FILE
        case Configuration():
            return CONFIGURATION_FILE
        case ViewPolicy():
            return POLICY_FILE
        case Authorisation():
            return f"{AUTHORISATIONS}/{document.id}.note"
        case Withdrawal():
            return f"{WITHDRAWALS}/{document.authorisation}.note"
        case Halt():
            return f"{HALTS}/{document.id}.note"
        case Lift():
            return f"{LIFTS}/{document.halt}.note"
        case Release():
            return f"{PAPERS}/{document.id}.note"
        case ReleaseWithdrawal():
            return f"{RELEASE_WITHDRAWALS}/{document.release}.note"
        case ViewAcceptance():
            return f"{VIEWS}/{document.at:%Y%m%dT%H%M%SZ}.note"


def _name(document: Document | None) -> str | None:
    """What the receipt calls it by."""
    named_by = ("id", "authorisation", "halt", "pause", "entry", "release")
    found = next((getattr(document, field) for field in named_by if hasattr(document, field)), None)
    return None if found is None else str(found)


def _there(path: Path) -> bytes | None:
    try:
        return read_bounded(path)
    except TrustError:
        return None
