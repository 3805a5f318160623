"""`stillroom site accept-view UNIT --site SITE_DIR`: a camera that was moved may sense again where it looks now."""

import argparse
import sys
from datetime import timedelta
from pathlib import Path

from stillroom.clock import SystemClock
from stillroom.document_forms import now
from stillroom.documents import KINDS, ViewAcceptance
from stillroom.errors import EXIT_OK
from stillroom.keeper.authorisation import VIEWS
from stillroom.notes import sign_note
from stillroom_tools.site.authorise import recipient
from stillroom_tools.site.send import add_send, deliver

HELP = "let a unit sense again whose camera was moved"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("unit", type=Path, metavar="UNIT_DIR", help="the unit's folder (where unit.toml is)")
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    add_send(parser)


def run(options: argparse.Namespace) -> int:
    """Prints the moment up to which the view is accepted. Raises ConfigError, TrustError, StorageError."""
    site, unit, trust = recipient(options)
    # A document's time is whole seconds: the next one is after everything that was noticed until now.
    at = now(SystemClock()) + timedelta(seconds=1)
    paper = ViewAcceptance(site=site.name, unit=unit, at=at)
    note = sign_note(KINDS[ViewAcceptance], paper, [site.authority_keys()])
    deliver(site, unit, trust, f"{VIEWS}/{at:%Y%m%dT%H%M%SZ}.note", note)
    print(
        f"unit {unit}: its view is accepted as it is now; check in its unit.toml that private zones, bed and door "
        "still lie where they should",
        file=sys.stderr,
    )
    print(f"{at:%Y-%m-%dT%H:%M:%SZ}")
    return EXIT_OK
