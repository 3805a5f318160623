"""`stillroom site halt [UNIT] --site SITE_DIR`: no camera there opens any more, whatever is signed, until `resume`."""

import argparse
import secrets
import sys
from pathlib import Path

from stillroom.clock import SystemClock
from stillroom.document_forms import now
from stillroom.documents import KINDS
from stillroom.errors import EXIT_OK, ConfigError
from stillroom.files import make_folder, write_new
from stillroom.keeper.authorisation import HALTS
from stillroom.notes import sign_note
from stillroom.orders import Halt
from stillroom_tools.site.authorise import recipient
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.send import add_send, deliver

HELP = "close the camera of a unit, or of the whole site, until resumed"

Recipients = list[tuple[str, Path | None]]
"""Units, and their trust folders where they are at hand."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "unit",
        type=Path,
        nargs="?",
        metavar="UNIT_DIR",
        help="the unit's folder; without it, every unit of the site (with --send)",
    )
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    add_send(parser)


def run(options: argparse.Namespace) -> int:
    """Prints the halt's id. Raises ConfigError, TrustError, StorageError."""
    site, unit, units = recipients(options)
    paper = Halt(at=now(SystemClock()), id=f"h-{secrets.token_hex(8)}", site=site.name, unit=unit)
    note = sign_note(KINDS[Halt], paper, [site.authority_keys()])
    make_folder(site.halts_dir)
    write_new(site.halts_dir / f"{paper.id}.note", note, 0o644)
    for name, trust in units:
        deliver(site, name, trust, f"{HALTS}/{paper.id}.note", note)
    print(f"{whom(site, unit)}: halted until `stillroom site resume`", file=sys.stderr)
    print(paper.id)
    return EXIT_OK


def recipients(options: argparse.Namespace) -> tuple[Site, str | None, Recipients]:
    """Site; the unit that is meant, None for all of them; and to whom it goes. Raises ConfigError, TrustError."""
    if options.unit is not None:
        site, unit, trust = recipient(options)
        return site, unit, [(unit, trust)]
    if not options.send:
        raise ConfigError("without UNIT_DIR every unit of the site is meant: add --send, or name one")
    site = open_site(options.site)
    return site, None, [(enrolment.unit, None) for enrolment in site.enrolments()]


def whom(site: Site, unit: str | None) -> str:
    """In words."""
    return f"every unit of site '{site.name}'" if unit is None else f"unit {unit}"
