"""Drafts that several people sign, each on his own machine: read, and signed once more."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeVar

from stillroom.errors import EXIT_OK, TrustError
from stillroom.files import read_bounded, replace_file
from stillroom.keys import Role, load_keys
from stillroom.note_reading import NoteError, Signer, decode, signed_by, split
from stillroom.notes import add_signature


class OfSite(Protocol):
    """A document that names its site."""

    @property
    def site(self) -> str: ...


D = TypeVar("D")


def read_draft(path: Path, note: bytes, kind: str, schema: type[D]) -> D:
    """What a draft says, whoever has signed it. Raises TrustError naming the file."""
    try:
        return decode(split(note, unsigned=True)[0], kind, schema)  # type: ignore[type-var]
    except NoteError as error:
        raise NoteError(error.reason, f"{path}: {error}") from None


def sign_draft(
    path: Path, key: Path, roles: tuple[Role, ...], read: Callable[[Path, bytes], OfSite],
    lines: Callable[..., Iterable[str]],
) -> int:  # fmt: skip
    """Say what is signed, in words, and sign it. Raises TrustError, StorageError."""
    ring = load_keys(key, *roles)
    note = read_bounded(path)
    paper = read(path, note)
    if paper.site != ring.site:
        raise TrustError(f"{path}: for site '{paper.site}', and {key} is of '{ring.site}'")
    print("\n".join(lines(paper)), file=sys.stderr)
    replace_file(path, add_signature(note, ring))
    print(f"{path}: signed by {ring.note_name}", file=sys.stderr)
    return EXIT_OK


def who_signed(path: Path, note: bytes, known: Iterable[Signer]) -> tuple[list[Signer], int]:
    """Of those known, and how many others. Raises TrustError that names the file: one is not right."""
    try:
        return signed_by(note, known)
    except TrustError as error:
        raise TrustError(f"{path}: {error}") from None
