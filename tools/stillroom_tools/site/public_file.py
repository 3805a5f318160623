"""Public files of people: a verifier key and, signed by himself, his name and role, and what is sealed to who receives.

Each makes his on his own machine; the signature shows that he holds what he names, and the role that nobody takes a
key for another one than it was made for.
"""

import argparse
import sys
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from stillroom.clock import SystemClock
from stillroom.document_forms import now
from stillroom.documents import ConsumerRole, Recipient
from stillroom.errors import EXIT_OK, TrustError
from stillroom.files import read_bounded, write_new
from stillroom.keys import KeyRing, Role, save_keys
from stillroom.note_reading import Signer, open_note, parse_signer
from stillroom.notes import sign_note, signer_of
from stillroom.public_keys import PlainName, RawKey, fingerprint
from stillroom_tools.site.layout import Site, check_name
from stillroom_tools.site.new import BACKDATED, BOX_PERIOD, BOX_PERIODS, recipient

KIND = "recipient"
"""Of the note in a public file of somebody who receives."""
SIGNS_KIND = "signer"
"""Of somebody who signs alone."""


class Signs(Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody who signs, and receives nothing, says of himself."""

    name: PlainName
    role: Role
    sign: RawKey


def make_with_boxes(options: argparse.Namespace, role: Role, boxes: int = BOX_PERIODS) -> int:
    """Keys for a year, `boxes` of them to be sealed to, one after another. Prints the fingerprint, to be compared.

    Raises ConfigError, TrustError, StorageError.
    """
    check_name(options.site, "--site")
    ring = KeyRing.generate(options.site, role, check_name(options.name, "--name"), boxes)
    each: timedelta = BOX_PERIOD * BOX_PERIODS / boxes
    named = recipient(ring, now(SystemClock()) - BACKDATED, each)
    options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    save_keys(options.folder / f"{ring.name}.key", ring)
    public = signer_of(ring).text.encode() + b"\n" + sign_note(KIND, named, [ring])
    write_new(options.folder / f"{ring.name}.pub", public, 0o644)
    until = max(box.until for box in named.boxes)
    print(
        f"{options.folder / ring.name}.pub: give this one to the facility, and nobody the key; "
        f"good until {until:%Y-%m-%d}{sealed_to(named)}",
        file=sys.stderr,
    )
    print(signer_of(ring).fingerprint)
    return EXIT_OK


def write_public(path: Path, ring: KeyRing) -> None:
    """Of somebody who signs alone. Raises TrustError where there is one, StorageError."""
    said = Signs(ring.name, ring.role, ring.signing.verify_key.raw)
    write_new(path, signer_of(ring).text.encode() + b"\n" + sign_note(SIGNS_KIND, said, [ring]), 0o644)


def sealed_to(named: Recipient) -> str:
    """A custodian's box key of now, which releases show beside the key that he is known by; else nothing."""
    box = named.key_at(SystemClock().utc_ms()) if named.role == "custodian" else None
    return f", recordings sealed to {fingerprint(box.raw)}" if box else ""


def read_public(path: Path, site: Site, role: ConsumerRole, command: str) -> Recipient:
    """Of somebody who receives.

    Raises TrustError: not a public file, altered, of another site or role, or one whose keys are over.
    """
    signer, named = _read(path, site)
    if not isinstance(named, Recipient) or named.role != role:
        raise _other_role(path, named, role, command)
    _check_own(path, site, signer, named)
    if not any(box.until > now(SystemClock()) for box in named.boxes):
        raise TrustError(f"{path}: its keys are over: he makes new ones with '{command}'")
    return named


def read_signs(path: Path, site: Site, role: Role, command: str, known: Collection[bytes]) -> Signer:
    """Of somebody who signs alone. known: keys that have this role already, whose older files, which told no role,
    may be given again.

    Raises TrustError: not a public file, altered, of another site or role.
    """
    signer, named = _read(path, site)
    if named is None and signer.key.raw in known:
        return signer
    if not isinstance(named, Signs) or named.role != role:
        raise _other_role(path, named, role, command)
    _check_own(path, site, signer, named)
    return signer


def _read(path: Path, site: Site) -> tuple[Signer, Recipient | Signs | None]:
    """The key, and what it has signed of itself; None: nothing."""
    line, _, note = read_bounded(path).partition(b"\n")
    try:
        signer = parse_signer(line.decode("ascii", "replace"))
        named = _said(note, signer) if note.strip() else None
    except TrustError as error:
        raise TrustError(f"{path}: not somebody's public file: {error}") from None
    if signer.site != site.name:
        raise TrustError(f"{path}: of site '{signer.site}', and this is '{site.name}'")
    return signer, named


def _said(note: bytes, signer: Signer) -> Recipient | Signs:
    if note.startswith(f"stillroom/1 {SIGNS_KIND}\n".encode()):
        return open_note(note, SIGNS_KIND, Signs, [signer])
    return open_note(note, KIND, Recipient, [signer])


def _other_role(path: Path, named: Recipient | Signs | None, role: Role, command: str) -> TrustError:
    made = "tells no role" if named is None else f"made for the role {named.role}"
    return TrustError(f"{path}: {made}, where a public file for {role} is needed: '{command}' makes one")


def _check_own(path: Path, site: Site, signer: Signer, named: Recipient | Signs) -> None:
    if signer.name != f"{site.name}/{named.name}" or signer.key.raw != named.sign:
        raise TrustError(f"{path}: names somebody else than whoever has signed it: ask for it again")
    check_name(named.name, f"{path}: name")
