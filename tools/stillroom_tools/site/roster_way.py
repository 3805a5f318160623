"""What `site approver`, `signer`, `advocate` and `renew` share: the options of `new` and `set`, and a new roster's way.

A roster goes into the trust folders of units at hand, or, with `--send`, through the running gateway.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stillroom.errors import EXIT_OK
from stillroom.files import replace_file
from stillroom.keys import KeyRing, Role, save_keys
from stillroom.notes import signer_of
from stillroom_tools.site.authorise import find_unit
from stillroom_tools.site.layout import Site, check_name, open_site
from stillroom_tools.site.public_file import write_public
from stillroom_tools.site.send import send, unit_named


class Choices(Protocol):
    """What argparse gives for subcommands."""

    def add_parser(self, name: str, *, help: str) -> argparse.ArgumentParser: ...


def add_new(choices: Choices, who: str) -> argparse.ArgumentParser:
    """`new`: somebody makes keys on his own machine."""
    new = choices.add_parser("new", help=f"{who}, made on his own machine")
    new.add_argument("folder", type=Path, metavar="DIR", help="where NAME.key and NAME.pub are written")
    new.add_argument("--site", required=True, metavar="SITE", help="the site's name")
    new.add_argument(
        "--name", required=True, metavar="NAME", help="a role or pseudonym: 1 to 32 of a-z 0-9 -"
    )
    return new


def add_set(choices: Choices, who: str) -> argparse.ArgumentParser:
    """`set`: a roster that names these and no others."""
    put = choices.add_parser("set", help=f"a roster with these {who} and no others: all in one call")
    put.add_argument("site", type=Path, metavar="SITE_DIR", help="the site's folder")
    put.add_argument(who, type=Path, nargs="*", metavar="PUB", help="their public files; none: nobody")
    put.add_argument(
        "--unit",
        dest="units",
        type=Path,
        action="append",
        default=[],
        metavar="UNIT_DIR",
        help="a unit that gets it at once",
    )
    add_send_all(put)
    return put


def no_longer(role: str, before: Iterable[str], after: Iterable[str]) -> str:
    """Whom a roster named before and names no more, for the end of the one line; empty: nobody."""
    named = {*after}
    gone = [name for name in before if name not in named]
    return f"; no longer {role}: {', '.join(gone)}" if gone else ""


def add_send_all(parser: argparse.ArgumentParser) -> None:
    """`--send`, where no unit need be named."""
    parser.add_argument(
        "--send",
        action="store_true",
        help="through the running gateway, to these units (by id or folder) or, where none is named, to all",
    )


def make_key(options: argparse.Namespace, role: Role) -> int:
    """Of somebody who signs and receives nothing. Prints the fingerprint, to be compared when it is handed over.

    Raises ConfigError, TrustError, StorageError.
    """
    check_name(options.site, "--site")
    ring = KeyRing.generate(options.site, role, check_name(options.name, "--name"), 0)
    options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    save_keys(options.folder / f"{ring.name}.key", ring)
    write_public(options.folder / f"{ring.name}.pub", ring)
    print(
        f"{options.folder / ring.name}.pub: give this one to the authority, and nobody the key",
        file=sys.stderr,
    )
    print(signer_of(ring).fingerprint)
    return EXIT_OK


@dataclass(frozen=True)
class Way:
    """Where a roster goes: into trust folders, or through the gateway to units by their ids."""

    trusts: Sequence[Path]
    ids: Sequence[str]

    def hand_out(self, site: Site, version: int, note: bytes) -> None:
        """After the site has it itself. Raises StorageError."""
        for trust in self.trusts:
            replace_file(trust / site.roster_file.name, note)
        for unit in self.ids:
            send(site, unit, f"roster-{version}", note)


def way_of(options: argparse.Namespace) -> Way:
    """As `units` and `send` ask for; known before anything is signed. Raises ConfigError, TrustError."""
    if not options.send:
        return Way([find_unit(folder, options.site)[2] for folder in options.units], [])
    site = open_site(options.site)
    named = [unit_named(unit, site) for unit in options.units]
    return Way([], named or [enrolment.unit for enrolment in site.enrolments()])
