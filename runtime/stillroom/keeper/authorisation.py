"""Authorisations and withdrawals as they lie in the unit's trust folder: read, verified, and no more.

Whether sensing is allowed is the gate's to say. What cannot be accepted is told by name, so that it can be
audited; it allows nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from stillroom.documents import Authorisation, Withdrawal, read_document
from stillroom.errors import TrustError
from stillroom.notes import Signer

AUTHORISATIONS = "authorisations"
WITHDRAWALS = "withdrawals"
MAX_FILES = 1024
"""In one folder. More than that is refused whole, so that a full folder costs bounded work and allows nothing."""

D = TypeVar("D", Authorisation, Withdrawal)


@dataclass(frozen=True, slots=True)
class Consents:
    """What the authority has allowed this unit, and taken back."""

    authorisations: tuple[Authorisation, ...] = ()
    withdrawn: frozenset[str] = frozenset()
    """Ids of authorisations that ended for good."""
    refused: tuple[str, ...] = ()
    """One line for each file that was not accepted."""


def load_authorisations(trust_dir: Path, authority: Signer, site: str, unit: str) -> Consents:
    """Everything valid in form and signature for this unit; times are not judged here. Raises nothing."""
    allowed, refused = _read(trust_dir / AUTHORISATIONS, Authorisation, authority, site, unit)
    ended, also = _read(trust_dir / WITHDRAWALS, Withdrawal, authority, site, unit)
    withdrawn = frozenset(document.authorisation for document in ended)
    return Consents(tuple(allowed), withdrawn, (*refused, *also))


class TrustFolder:
    """`load_authorisations`, done again only where a file has changed: cheap enough for twice a second."""

    def __init__(self, trust_dir: Path, authority: Signer, site: str, unit: str) -> None:
        self._folder, self._authority, self._site, self._unit = trust_dir, authority, site, unit
        self._stamp: object = None
        self._consents = Consents()

    def poll(self) -> Consents:
        """What is there now. Raises nothing."""
        stamp = [_stamp(self._folder / name) for name in (AUTHORISATIONS, WITHDRAWALS)]
        if stamp != self._stamp:
            self._consents = load_authorisations(self._folder, self._authority, self._site, self._unit)
            self._stamp = stamp
        return self._consents


def _stamp(folder: Path) -> list[tuple[str, int, int, int]] | None:
    try:
        return [(p.name, (s := p.lstat()).st_ino, s.st_size, s.st_mtime_ns) for p in _files(folder)]
    except (OSError, TrustError):
        return None


def _files(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix == ".note")
    if len(found) > MAX_FILES:
        raise TrustError(f"{folder}: more than {MAX_FILES} documents: remove those that have expired")
    return found


def _read(
    folder: Path, schema: type[D], authority: Signer, site: str, unit: str
) -> tuple[list[D], list[str]]:
    accepted: list[D] = []
    refused: list[str] = []
    try:
        for document in _each(folder, schema, authority, site, unit):
            refused.append(document) if isinstance(document, str) else accepted.append(document)
    except (OSError, TrustError) as error:
        return [], [f"{folder}: {error}"]
    return accepted, refused


def _each(folder: Path, schema: type[D], authority: Signer, site: str, unit: str) -> Iterator[D | str]:
    for path in _files(folder):
        try:
            document = read_document(path, schema, [authority])
        except TrustError as error:
            yield str(error)
            continue
        if (document.site, document.unit) == (site, unit):
            yield document
        else:
            yield f"{path}: for unit '{document.site}/{document.unit}', and this is '{site}/{unit}'"
