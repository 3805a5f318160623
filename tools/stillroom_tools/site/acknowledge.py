"""`stillroom site acknowledge UNIT ENTRY --site SITE_DIR`: that the board has seen it goes into the unit's audit chain.

It closes nothing and changes nothing in the room: who has seen an entry, and when, is what remains.
"""

import argparse
from pathlib import Path

from stillroom.clock import SystemClock
from stillroom.document_forms import now
from stillroom.documents import KINDS
from stillroom.errors import EXIT_OK, ConfigError
from stillroom.notes import sign_note
from stillroom.orders import Acknowledgement
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.send import send, unit_named

HELP = "let it be kept that somebody has seen an entry"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("unit", type=Path, metavar="UNIT", help="the unit's id, or its folder")
    parser.add_argument(
        "entry", type=int, metavar="ENTRY", help="the entry's number, as the gateway shows it"
    )
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")


def run(options: argparse.Namespace) -> int:
    """Through the running gateway. Raises ConfigError, TrustError, StorageError."""
    if not 1 <= options.entry < 2**53:
        raise ConfigError(f"ENTRY {options.entry}: the number of an entry is 1 to {2**53 - 1}")
    site = open_site(options.site)
    unit = unit_named(options.unit, site)
    paper = Acknowledgement(at=now(SystemClock()), entry=options.entry, site=site.name, unit=unit)
    note = sign_note(KINDS[Acknowledgement], paper, [site.keys("board")])
    send(site, unit, f"acknowledgement-{options.entry}", note)
    return EXIT_OK
