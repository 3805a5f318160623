"""`stillroom site signer new|set`: viewers, who may ask to look into a room, managers, who sign the rules for that and
releases, and custodians, who alone open what is recorded under one.

Each makes his key on his own machine and hands over the public line. The roster names him; a unit believes nobody else.
"""

import argparse
import sys
from pathlib import Path
from typing import Literal

import msgspec

from stillroom.documents import KINDS, ConsumerRole, Recipient, Roster
from stillroom.errors import EXIT_OK, ConfigError, TrustError
from stillroom.files import read_bounded, replace_file
from stillroom.keys import KeyRing, load_keys
from stillroom.notes import sign_note, signer_of
from stillroom.public_keys import VerifyKey
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.public_file import make_with_boxes, read_public, read_signs, sealed_to
from stillroom_tools.site.roster_way import add_new, add_set, make_key, no_longer, way_of

HELP = "viewers, who may ask to look, managers, who sign the rules for it, and custodians of recordings"
ROLES = ("viewer", "manager", "custodian")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    choices = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    new = add_new(choices, "somebody's key")
    put = add_set(choices, "people")
    for parser in (new, put):
        parser.add_argument("--role", required=True, choices=ROLES)


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, TrustError, StorageError."""
    if options.what == "set":
        return _set(options)
    return (
        make_with_boxes(options, "custodian", 1)
        if options.role == "custodian"
        else make_key(options, options.role)
    )


def _set(options: argparse.Namespace) -> int:
    """Prints the roster's version, which rises where the roster says something else now."""
    site = open_site(options.site)
    way = way_of(options)
    old = site.roster()
    people = tuple(_named(path, options.role, site, old) for path in options.people)
    roster = _with(old, options.role, people)
    if roster != old:
        replace_file(site.roster_file, sign_note(KINDS[Roster], roster, [site.authority_keys()]))
    way.hand_out(site, roster.version, read_bounded(site.roster_file))
    for one in people:
        key = VerifyKey(one.sign).fingerprint
        print(f"{options.role} {one.name}, key {key}{sealed_to(one)}: compare it", file=sys.stderr)
    names = ", ".join(one.name for one in people) or "nobody"
    before = (one.name for one in old.recipients if one.role == options.role)
    gone = no_longer(options.role, before, (one.name for one in people))
    print(f"site '{site.name}': roster {roster.version}: {options.role}s: {names}{gone}", file=sys.stderr)
    print(roster.version)
    return EXIT_OK


def person_keys(site: Site, path: Path, role: Literal["viewer", "manager"]) -> KeyRing:
    """Somebody's own, whom the roster names. Raises TrustError."""
    ring = load_keys(path, role)
    if signer_of(ring) not in site.roster().people(role):
        raise TrustError(
            f"{path}: the roster names no {role} with this key: stillroom site signer set --role {role}"
        )
    return ring


def _named(path: Path, role: ConsumerRole, site: Site, old: Roster) -> Recipient:
    command = f"site signer new --role {role}"
    if role == "custodian":
        return read_public(path, site, role, command)
    known = {one.sign for one in old.recipients if one.role == role}
    signer = read_signs(path, site, role, command, known)
    return Recipient(signer.name.partition("/")[2], role, signer.key.raw, ())


def _with(old: Roster, role: str, people: tuple[Recipient, ...]) -> Roster:
    others = tuple(one for one in old.recipients if one.role != role)
    if {*others, *people} == set(old.recipients):
        return old
    try:
        changed = {"recipients": (*others, *people), "version": old.version + 1}
        return Roster(**(msgspec.structs.asdict(old) | changed))
    except ValueError as error:
        raise ConfigError(f"{len(people)} {role}s: {error}") from None
