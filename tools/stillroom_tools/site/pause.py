"""`stillroom site pause UNIT --site SITE_DIR --minutes M`: the camera is off for a while; signed by the board."""

import argparse
import secrets
import sys
from datetime import timedelta
from pathlib import Path

from stillroom.clock import SystemClock
from stillroom.document_forms import now
from stillroom.documents import KINDS
from stillroom.errors import EXIT_OK, ConfigError
from stillroom.files import make_folder, write_new
from stillroom.notes import sign_note
from stillroom.orders import MAX_PAUSE, Pause
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.send import send, unit_named

HELP = "close the camera of a unit for a while"

MOST_MINUTES = MAX_PAUSE // timedelta(minutes=1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("unit", type=Path, metavar="UNIT", help="the unit's id, or its folder")
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument(
        "--minutes", type=int, default=15, metavar="M", help=f"1 to {MOST_MINUTES} from now on (15)"
    )


def run(options: argparse.Namespace) -> int:
    """Through the running gateway. Prints the pause's id. Raises ConfigError, TrustError, StorageError."""
    if not 1 <= options.minutes <= MOST_MINUTES:
        raise ConfigError(
            f"--minutes {options.minutes}: 1 to {MOST_MINUTES}; for longer: stillroom site halt"
        )
    site = open_site(options.site)
    unit = unit_named(options.unit, site)
    start = now(SystemClock())
    until = start + timedelta(minutes=options.minutes)
    paper = Pause(start=start, until=until, id=f"p-{secrets.token_hex(8)}", site=site.name, unit=unit)
    note = sign_note(KINDS[Pause], paper, [site.keys("board")])
    make_folder(site.pauses_dir)
    write_new(site.pauses_dir / f"{paper.id}.note", note, 0o644)
    send(site, unit, f"pause-{paper.id}", note)
    print(f"unit {unit}: to be paused until {until:%Y-%m-%d %H:%M:%S} UTC", file=sys.stderr)
    print(paper.id)
    return EXIT_OK
