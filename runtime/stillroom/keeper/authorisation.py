"""Authorisations and withdrawals as they lie in the unit's trust folder: read, verified, and no more.

Whether sensing is allowed is the gate's to say. What cannot be accepted is named, so that it can be audited; it
allows nothing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from stillroom.config import UnitConfig
from stillroom.document_forms import to_ms
from stillroom.documents import Authorisation, ViewAcceptance, Withdrawal
from stillroom.errors import TrustError
from stillroom.files import read_bounded
from stillroom.note_reading import NoteError, Signer
from stillroom.orders import Halt, Lift
from stillroom.permits import authority_of, open_signed
from stillroom.release_forms import PAPERS
from stillroom.release_forms import WITHDRAWALS as RELEASE_WITHDRAWALS
from stillroom.release_papers import ReleaseWithdrawal

AUTHORISATIONS = "authorisations"
WITHDRAWALS = "withdrawals"
VIEWS = "views"
"""Acceptances of the view of a camera that was moved; a unit may have no such folder."""
HALTS, LIFTS = "halts", "lifts"
"""Halts of this unit or of the whole site, and their ends; a unit may have no such folders."""
MAX_FILES = 1024
"""In one folder. More than that is refused whole, so that a full folder costs bounded work and allows nothing."""

_CODE = re.compile(r"[a-z0-9][a-z0-9.-]{0,47}")

D = TypeVar("D", Authorisation, Withdrawal, ViewAcceptance, Halt, Lift)
Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was not accepted, and why: in words, and as a stable code."""

    file: str
    reason: str
    code: str = "file"
    """A reason of `NoteError`; `unit`: for another unit; `file`: it could not be read."""


def told_name(file: str) -> str:
    """What the audit chain calls a file by: a code, which can name nobody, or `unnamed`."""
    name = file.removesuffix(".note")
    return name if _CODE.fullmatch(name) else "unnamed"


@dataclass(frozen=True, slots=True)
class Papers:
    """What the authority has allowed this unit, and taken back."""

    authorisations: tuple[Authorisation, ...] = ()
    withdrawn: frozenset[str] = frozenset()
    """Ids of authorisations that ended for good."""
    refused: tuple[Refused, ...] = ()
    views_ms: tuple[int, ...] = ()
    """When somebody accepted what this unit's camera looks at (UTC, to the second)."""
    halts: frozenset[str] = frozenset()
    """Ids of the halts ever signed for it, and of those that were lifted."""
    lifted: frozenset[str] = frozenset()
    notes: Mapping[str, bytes] = field(default_factory=dict)
    """Of each authorisation by its id: for the eye, which believes nothing else."""


def load_papers(unit: UnitConfig, approvers: Sequence[Signer]) -> Papers:
    """Everything that is right in form and signature for this unit; times are not judged here.

    `approvers`: of the roster in force; where there are any, one of them must have signed an authorisation too.
    Raises TrustError only where the authority is not known, or the trust folder cannot be read.
    """
    authority, trust_dir = authority_of(unit), unit.path(unit.paths.trust)
    if _stamp(trust_dir) is None:
        raise TrustError(f"{trust_dir}: the documents of the site cannot be read: put its folder back")
    allowed, refused = _read(trust_dir / AUTHORISATIONS, Authorisation, authority, unit.unit, approvers)
    ended, also = _read(trust_dir / WITHDRAWALS, Withdrawal, authority, unit.unit)
    views, too = _read_if_there(trust_dir / VIEWS, ViewAcceptance, authority, unit.unit)
    halts, besides = _read_if_there(trust_dir / HALTS, Halt, authority, unit.unit)
    lifts, at_last = _read_if_there(trust_dir / LIFTS, Lift, authority, unit.unit)
    if any(refusal.file in {WITHDRAWALS, HALTS} for refusal in (*also, *besides)):
        # A folder that cannot be read might hold the end of each of them.
        allowed = []
    return Papers(
        authorisations=tuple(document for document, _ in allowed),
        withdrawn=frozenset(document.authorisation for document, _ in ended),
        refused=(*refused, *also, *too, *besides, *at_last),
        views_ms=tuple(sorted(to_ms(document.at) for document, _ in views)),
        halts=frozenset(document.id for document, _ in halts),
        lifted=frozenset(document.halt for document, _ in lifts),
        notes={document.id: note for document, note in allowed},
    )


def _read_if_there(
    folder: Path, schema: type[D], authority: Signer, unit: str
) -> tuple[list[tuple[D, bytes]], list[Refused]]:
    return _read(folder, schema, authority, unit) if folder.exists() else ([], [])


def make_room(trust_dir: Path, schema: type[Halt | Withdrawal | ReleaseWithdrawal], most: int) -> None:
    """For one more of what closes a camera: that must be heard, however many there are.

    The oldest that has no effect any more goes: a halt that is lifted, a withdrawal of what is not there; the keeper
    has kept their names. Where none can go, the folder grows beyond what is read, and is refused whole: that closes
    too.
    """
    of_release = schema is ReleaseWithdrawal
    folder = trust_dir / (HALTS if schema is Halt else RELEASE_WITHDRAWALS if of_release else WITHDRAWALS)
    notes = sorted(folder.glob("*.note"), key=lambda path: path.stat().st_mtime_ns)
    lifted = {path.name for path in (trust_dir / LIFTS).glob("*.note")}
    allowed = {path.name for path in (trust_dir / (PAPERS if of_release else AUTHORISATIONS)).glob("*.note")}
    over = [path for path in notes if (path.name in lifted if schema is Halt else path.name not in allowed)]
    for path in over[: max(len(notes) - most + 1, 0)]:
        path.unlink(missing_ok=True)


def count(folder: Path) -> int:
    """Of the documents there."""
    try:
        return sum(path.suffix == ".note" for path in folder.iterdir())
    except OSError:
        return 0


class TrustFolder:
    """`load_papers`, done again only where a file has changed: cheap enough for twice a second."""

    def __init__(self, unit: UnitConfig) -> None:
        self._folder, self._unit = unit.path(unit.paths.trust), unit
        self._stamp: object = None
        self._papers = Papers()

    def poll(self, approvers: Sequence[Signer]) -> Papers:
        """What is there now. Raises what `load_papers` raises, each time."""
        folders = (".", AUTHORISATIONS, WITHDRAWALS, VIEWS, HALTS, LIFTS)
        stamp = (tuple(_stamp(self._folder / name) for name in folders), tuple(approvers))
        if stamp != self._stamp:
            self._papers = load_papers(self._unit, approvers)
            self._stamp = stamp
        return self._papers


def _stamp(folder: Path) -> Stamp | None:
    try:
        entries = sorted((path.name, path.lstat()) for path in folder.iterdir() if path.is_file())
        return tuple((name, s.st_ino, s.st_size, s.st_mtime_ns) for name, s in entries)
    except OSError:
        return None


def _read(
    folder: Path, schema: type[D], authority: Signer, unit: str, approvers: Sequence[Signer] = ()
) -> tuple[list[tuple[D, bytes]], list[Refused]]:
    """What is accepted, each with its note, and what is not."""
    accepted: list[tuple[D, bytes]] = []
    refused: list[Refused] = []
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".note")
    except OSError as error:
        return [], [Refused(folder.name, f"cannot be read: {error.strerror}")]
    if len(paths) > MAX_FILES:
        return [], [Refused(folder.name, f"more than {MAX_FILES} documents: remove those that have expired")]
    for outcome in _each(paths, schema, authority, unit, approvers):
        refused.append(outcome) if isinstance(outcome, Refused) else accepted.append(outcome)
    return accepted, refused


def _each(
    paths: list[Path], schema: type[D], authority: Signer, unit: str, approvers: Sequence[Signer]
) -> Iterator[tuple[D, bytes] | Refused]:
    for path in paths:
        try:
            note = read_bounded(path)
            yield open_signed(note, schema, [authority], authority.site, unit, approvers)[0], note
        except TrustError as error:
            code = error.reason if isinstance(error, NoteError) else "file"
            yield Refused(path.name, str(error).removeprefix(f"{path}: "), code)
