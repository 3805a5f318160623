"""`stillroom site signer new|set`: viewers, who may ask to look into a room, and managers, who sign the rules for that.

Each makes his key on his own machine and hands over the public line. The roster names him; a unit believes nobody else.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from stillroom.documents import KINDS, Recipient, Roster, read_signer
from stillroom.errors import EXIT_OK, ConfigError, TrustError
from stillroom.files import read_bounded, replace_file, write_new
from stillroom.keys import KeyRing, VerifyKey, save_keys
from stillroom.notes import sign_note, signer_of
from stillroom_tools.site.authorise import find_unit
from stillroom_tools.site.layout import Site, check_name, open_site
from stillroom_tools.site.send import send

HELP = "viewers, who may ask to look, and managers, who sign the rules for it"
ROLES = ("viewer", "manager")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    choices = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    new = choices.add_parser("new", help="somebody's key, made on his own machine")
    new.add_argument("folder", type=Path, metavar="DIR", help="where NAME.key and NAME.pub are written")
    new.add_argument("--site", required=True, metavar="SITE", help="the site's name")
    new.add_argument(
        "--name", required=True, metavar="NAME", help="a role or pseudonym: 1 to 32 of a-z 0-9 -"
    )
    new.add_argument("--role", required=True, choices=ROLES)
    put = choices.add_parser("set", help="a roster with these people in place of those of that role before")
    put.add_argument("site", type=Path, metavar="SITE_DIR", help="the site's folder")
    put.add_argument("people", type=Path, nargs="*", metavar="PUB", help="their public keys; none: nobody")
    put.add_argument("--role", required=True, choices=ROLES)
    put.add_argument(
        "--unit",
        type=Path,
        action="append",
        default=[],
        metavar="UNIT_DIR",
        help="a unit that gets it at once",
    )
    put.add_argument("--send", action="store_true", help="to all units, through the running gateway")


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, TrustError, StorageError."""
    return _new(options) if options.what == "new" else _set(options)


def _new(options: argparse.Namespace) -> int:
    """Prints the fingerprint, to be compared when the key is handed over."""
    check_name(options.site, "--site")
    ring = KeyRing.generate(options.site, options.role, check_name(options.name, "--name"), 0)
    options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    save_keys(options.folder / f"{ring.name}.key", ring)
    write_new(options.folder / f"{ring.name}.pub", f"{signer_of(ring).text}\n".encode(), 0o644)
    print(
        f"{options.folder / ring.name}.pub: give this one to the authority, and nobody the key",
        file=sys.stderr,
    )
    print(signer_of(ring).fingerprint)
    return EXIT_OK


def _set(options: argparse.Namespace) -> int:
    """Prints the roster's version, which rises where the roster says something else now."""
    site = open_site(options.site)
    trusts = [find_unit(folder, options.site)[2] for folder in options.unit]
    people = tuple(_named(path, options.role, site) for path in options.people)
    old = site.roster()
    roster = _with(old, options.role, people)
    if roster != old:
        replace_file(site.roster_file, sign_note(KINDS[Roster], roster, [site.authority_keys()]))
    note = read_bounded(site.roster_file)
    for trust in trusts:
        replace_file(trust / site.roster_file.name, note)
    for enrolment in site.enrolments() if options.send else ():
        send(site, enrolment.unit, f"roster-{roster.version}", note)
    for one in people:
        print(
            f"{options.role} {one.name}, key {VerifyKey(one.sign).fingerprint}: compare it", file=sys.stderr
        )
    names = ", ".join(one.name for one in people) or "nobody"
    print(f"site '{site.name}': roster {roster.version}: {options.role}s: {names}", file=sys.stderr)
    print(roster.version)
    return EXIT_OK


def _named(path: Path, role: str, site: Site) -> Recipient:
    signer = read_signer(path)
    if signer.site != site.name:
        raise TrustError(f"{path}: of site '{signer.site}', and this is '{site.name}'")
    name = check_name(signer.name.partition("/")[2], f"{path}: name")
    return msgspec.convert(
        {"name": name, "role": role, "sign": signer.key.raw, "boxes": ()}, Recipient, strict=False
    )


def _with(old: Roster, role: str, people: tuple[Recipient, ...]) -> Roster:
    others = tuple(one for one in old.recipients if one.role != role)
    if {*others, *people} == set(old.recipients):
        return old
    try:
        changed = {"recipients": (*others, *people), "version": old.version + 1}
        return Roster(**(msgspec.structs.asdict(old) | changed))
    except ValueError as error:
        raise ConfigError(f"{len(people)} {role}s: {error}") from None
