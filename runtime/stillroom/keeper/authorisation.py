"""Authorisations and withdrawals as they lie in the unit's trust folder: read, verified, and no more.

Whether sensing is allowed is the gate's to say. What cannot be accepted is named, so that it can be audited; it
allows nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from stillroom.documents import Authorisation, ViewAcceptance, Withdrawal, read_document, to_ms
from stillroom.errors import TrustError
from stillroom.keeper.roster import load_authority
from stillroom.notes import NoteError, Signer

AUTHORISATIONS = "authorisations"
WITHDRAWALS = "withdrawals"
VIEWS = "views"
"""Acceptances of the view of a camera that was moved; a unit may have no such folder."""
MAX_FILES = 1024
"""In one folder. More than that is refused whole, so that a full folder costs bounded work and allows nothing."""

D = TypeVar("D", Authorisation, Withdrawal, ViewAcceptance)
Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was not accepted, and why: in words, and as a stable code."""

    file: str
    reason: str
    code: str = "file"
    """A reason of `NoteError`; `unit`: for another unit; `file`: it could not be read."""


@dataclass(frozen=True, slots=True)
class Papers:
    """What the authority has allowed this unit, and taken back."""

    authorisations: tuple[Authorisation, ...] = ()
    withdrawn: frozenset[str] = frozenset()
    """Ids of authorisations that ended for good."""
    refused: tuple[Refused, ...] = ()
    views_ms: tuple[int, ...] = ()
    """When somebody accepted what this unit's camera looks at (UTC, to the second)."""


def load_papers(trust_dir: Path, unit: str, approvers: Sequence[Signer]) -> Papers:
    """Everything that is right in form and signature for this unit; times are not judged here.

    `approvers`: of the roster in force; where there are any, one of them must have signed an authorisation too.
    Raises TrustError only where the authority's public key cannot be read.
    """
    authority = load_authority(trust_dir)
    allowed, refused = _read(trust_dir / AUTHORISATIONS, Authorisation, authority, unit, approvers)
    ended, also = _read(trust_dir / WITHDRAWALS, Withdrawal, authority, unit)
    if any(refusal.file == WITHDRAWALS for refusal in also):
        # A folder that cannot be read might hold a withdrawal of each of them.
        allowed = []
    withdrawn = frozenset(document.authorisation for document in ended)
    views_ms, too = _read_views(trust_dir / VIEWS, authority, unit)
    return Papers(tuple(allowed), withdrawn, (*refused, *also, *too), views_ms)


def _read_views(folder: Path, authority: Signer, unit: str) -> tuple[tuple[int, ...], list[Refused]]:
    if not folder.exists():
        return (), []
    views, refused = _read(folder, ViewAcceptance, authority, unit)
    return tuple(sorted(to_ms(document.at) for document in views)), refused


class TrustFolder:
    """`load_papers`, done again only where a file has changed: cheap enough for twice a second."""

    def __init__(self, trust_dir: Path, unit: str) -> None:
        self._folder, self._unit = trust_dir, unit
        self._stamp: object = None
        self._papers = Papers()

    def poll(self, approvers: Sequence[Signer]) -> Papers:
        """What is there now. Raises what `load_papers` raises, each time."""
        files = tuple(_stamp(self._folder / name) for name in (".", AUTHORISATIONS, WITHDRAWALS, VIEWS))
        stamp = (files, tuple(approvers))
        if stamp != self._stamp:
            self._papers = load_papers(self._folder, self._unit, approvers)
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
) -> tuple[list[D], list[Refused]]:
    accepted: list[D] = []
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
) -> Iterator[D | Refused]:
    for path in paths:
        try:
            document = read_document(path, schema, [authority], approvers)
        except TrustError as error:
            code = error.reason if isinstance(error, NoteError) else "file"
            yield Refused(path.name, str(error).removeprefix(f"{path}: "), code)
            continue
        if (document.site, document.unit) == (authority.site, unit):
            yield document
        else:
            yield Refused(path.name, f"for unit '{document.site}/{document.unit}', not for this one", "unit")
