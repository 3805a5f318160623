"""`stillroom site approver new|set`: people without whose signature nothing is authorised.

Who they are stands in the roster, which the authority signs. Where there are approvers already, a roster with others is
accepted by units only with the signature of one of them: the authority's key alone cannot be rid of the second one.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from stillroom.documents import KINDS, MAX_APPROVERS, Approver, Roster
from stillroom.errors import EXIT_OK, ConfigError, TrustError
from stillroom.files import replace_file
from stillroom.keys import KeyRing, load_keys
from stillroom.note_reading import Signer
from stillroom.notes import sign_note, signer_of
from stillroom.permits import needed_for
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.public_file import read_signs
from stillroom_tools.site.roster_way import add_new, add_set, make_key, no_longer, way_of

HELP = "people who must sign authorisations too"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    choices = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    add_new(choices, "an approver's keys")
    put = add_set(choices, "approvers")
    put.add_argument("--key", type=Path, metavar="KEY", help="of one of those before, where there are any")


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, TrustError, StorageError."""
    return make_key(options, "approver") if options.what == "new" else _set(options)


def _set(options: argparse.Namespace) -> int:
    """Prints the roster's version."""
    site = open_site(options.site)
    way = way_of(options)
    old = site.roster()
    approvers = tuple(_approver(path, site, old) for path in options.approvers)
    if len(approvers) > MAX_APPROVERS or len(set(approvers)) != len(approvers):
        raise ConfigError(f"{len(approvers)} approvers: at most {MAX_APPROVERS}, none named twice")
    roster = msgspec.structs.replace(old, version=old.version + 1, approvers=approvers)
    signers = [site.authority_keys(), *_second(options.key, needed_for(roster, old.approver_signers))]
    note = sign_note(KINDS[Roster], roster, signers)
    replace_file(site.roster_file, note)
    way.hand_out(site, roster.version, note)
    names = ", ".join(approver.name for approver in approvers)
    who = (
        f"need one of {names} to sign too: those that none of them has signed end now"
        if names
        else "need the authority alone"
    )
    gone = no_longer("approver", (one.name for one in old.approvers), (one.name for one in approvers))
    print(f"site '{site.name}': roster {roster.version}: authorisations {who}{gone}", file=sys.stderr)
    print(roster.version)
    return EXIT_OK


def _approver(path: Path, site: Site, old: Roster) -> Approver:
    known = {one.sign for one in old.approvers}
    signer = read_signs(path, site, "approver", "site approver new", known)
    if signer.key == site.authority().key:
        raise TrustError(f"{path}: the authority's own key: a second signature is somebody else's")
    return Approver(signer.name.partition("/")[2], signer.key.raw)


def _second(path: Path | None, needed: Sequence[Signer]) -> list[KeyRing]:
    if not needed:
        return []
    names = ", ".join(signer.name for signer in needed)
    if path is None:
        raise TrustError(f"other approvers than before: one of {names} must sign this roster: --key")
    ring = load_keys(path, "approver")
    if signer_of(ring) not in needed:
        raise TrustError(f"{path}: of {ring.note_name}: one of {names} must sign this roster")
    return [ring]
