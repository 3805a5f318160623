"""`stillroom site report ROOM --day D`: a room's day as a picture."""

import argparse
import sys
from pathlib import Path

import msgspec

from stillroom.clock import SystemClock
from stillroom.config_conditions import zone
from stillroom.errors import EXIT_OK, ConfigError, InputError
from stillroom.files import replace_file
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.report.day import room_day
from stillroom_tools.site.report.days import LocalDay, parse_day
from stillroom_tools.site.report.picture import picture
from stillroom_tools.site.report.words import sentences

HELP = "a room's day as a picture; or the burden of alerts over days"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("room", nargs="?", metavar="ROOM", help="the room's pseudonym, as authorised")
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument("--day", metavar="DAY", help="2026-11-25, in the site's time zone (site.toml)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the picture, SVG (ROOM-DAY.svg)")
    parser.add_argument("--json", action="store_true", help="the same as JSON on standard output")


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, InputError, StorageError, TrustError."""
    site = open_site(options.site)
    return _day(site, options)


def _day(site: Site, options: argparse.Namespace) -> int:
    if options.room is None or options.day is None:
        raise ConfigError(
            "a room and --day are needed: stillroom site report room-12 --day 2026-11-25 --site site"
        )
    name = site.config.time_zone
    local = LocalDay(parse_day(options.day, "--day"), zone(name), name)
    now_ms = SystemClock().utc_ms()
    if local.span.from_ms > now_ms:
        raise ConfigError(f"--day {options.day}: is still to come: today, or a day before it")
    out = options.out or Path(f"{options.room}-{options.day}.svg")
    _check_out(out)
    day = room_day(site, options.room, local, now_ms)
    replace_file(out, picture(day, local), 0o600)
    if options.json:
        print(msgspec.json.encode(day).decode())
    print(f"{out}: room {day.room}, {local.words}. {' '.join(sentences(day))}", file=sys.stderr)
    return EXIT_OK


def _check_out(out: Path) -> None:
    if out.suffix.lower() != ".svg":
        raise ConfigError(
            f"--out {out}: an SVG is written, and nothing else: name it .svg; a browser prints it"
        )
    if out.exists() and not out.is_file():
        raise InputError(f"{out}: not a plain file: name one, or a place where there is none yet")
