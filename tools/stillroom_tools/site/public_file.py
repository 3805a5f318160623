"""Public files of those who receive, too: a verifier key and, signed by himself, his name, role and box keys.

An advocate and a custodian make theirs on their own machines; the signature shows that they hold what they name.
"""

import argparse
import sys
from datetime import timedelta
from pathlib import Path

from stillroom.clock import SystemClock
from stillroom.document_forms import now
from stillroom.documents import ConsumerRole, Recipient
from stillroom.errors import EXIT_OK, TrustError
from stillroom.files import read_bounded, write_new
from stillroom.keys import KeyRing, Role, fingerprint, save_keys
from stillroom.notes import open_note, parse_signer, sign_note, signer_of
from stillroom_tools.site.layout import Site, check_name
from stillroom_tools.site.new import BACKDATED, BOX_PERIOD, BOX_PERIODS, recipient

KIND = "recipient"
"""Of the note in a public file."""


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


def sealed_to(named: Recipient) -> str:
    """A custodian's box key of now, which releases show beside the key that he is known by; else nothing."""
    box = named.key_at(SystemClock().utc_ms()) if named.role == "custodian" else None
    return f", recordings sealed to {fingerprint(box.raw)}" if box else ""


def read_public(path: Path, site: Site, role: ConsumerRole, command: str) -> Recipient:
    """Raises TrustError: not a public file, altered, of another site or role, or one whose keys are over."""
    line, _, note = read_bounded(path).partition(b"\n")
    try:
        signer = parse_signer(line.decode("ascii", "replace"))
        named = open_note(note, KIND, Recipient, [signer])
    except TrustError as error:
        raise TrustError(f"{path}: no {role}'s public file: {error}") from None
    if signer.site != site.name:
        raise TrustError(f"{path}: of site '{signer.site}', and this is '{site.name}'")
    own = signer.name == f"{site.name}/{named.name}" and signer.key.raw == named.sign
    if not own or named.role != role:
        raise TrustError(f"{path}: not what {role}s sign of themselves: '{command}' makes it")
    if not any(box.until > now(SystemClock()) for box in named.boxes):
        raise TrustError(f"{path}: its keys are over: he makes new ones with '{command}'")
    check_name(named.name, f"{path}: name")
    return named
