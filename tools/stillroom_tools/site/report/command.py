"""`stillroom site report ROOM --day D`: a room's day as a picture; `--burden`: what alerts asked of staff over days."""

import argparse
import sys
from datetime import timedelta
from pathlib import Path

import msgspec

from stillroom.clock import SystemClock
from stillroom.config_conditions import zone
from stillroom.errors import EXIT_OK, ConfigError, InputError
from stillroom.files import replace_file
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.report import burden, burden_tables, burden_words
from stillroom_tools.site.report.day import room_day
from stillroom_tools.site.report.days import LocalDay, local_ms, parse_day
from stillroom_tools.site.report.period import period_of
from stillroom_tools.site.report.picture import picture
from stillroom_tools.site.report.simulated import read
from stillroom_tools.site.report.words import sentences

HELP = "a room's day as a picture; or what alerts asked of staff over days"
_USAGE = (
    "ROOM and --day, or --burden with --from and --to: stillroom site report room-12 --day 2026-11-25 --site site; "
    "stillroom site report --burden --from 2026-11-01 --to 2026-12-01 --site site"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "room", nargs="?", metavar="ROOM", help="its pseudonym, as authorised (--burden: all)"
    )
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument("--day", metavar="DAY", help="2026-11-25, in the site's time zone (site.toml)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the picture, SVG (ROOM-DAY.svg)")
    parser.add_argument(
        "--burden", action="store_true", help="conditions and alerts of a room's night and day"
    )
    parser.add_argument("--from", dest="start", metavar="DAY", help="--burden: 2026-11-01, included")
    parser.add_argument("--to", dest="until", metavar="DAY", help="--burden: 2026-12-01, not included")
    parser.add_argument(
        "--simulated",
        type=Path,
        metavar="FILE",
        help="--burden: missed and false of simulated nights, as `stillroom simulate --json` wrote them",
    )
    parser.add_argument("--json", action="store_true", help="the same as JSON on standard output")


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, InputError, SetupError, StorageError, TrustError."""
    of_day = (options.day, options.out)
    of_days = (options.start, options.until, options.simulated)
    if options.burden:
        wrong = any(of_day) or options.start is None or options.until is None
    else:
        wrong = any(of_days) or options.room is None or options.day is None
    if wrong:
        raise ConfigError(_USAGE)
    site = open_site(options.site)
    return _burden(site, options) if options.burden else _day(site, options)


def _day(site: Site, options: argparse.Namespace) -> int:
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


def _burden(site: Site, options: argparse.Namespace) -> int:
    first, to = parse_day(options.start, "--from"), parse_day(options.until, "--to")
    if first >= to:
        raise ConfigError(f"--to {to}: must be after --from {first}")
    now_ms = SystemClock().utc_ms()
    if local_ms(first, 0, zone(site.config.time_zone)) > now_ms:
        raise ConfigError(f"--from {first}: is still to come")
    simulated = read(options.simulated) if options.simulated else None
    period = period_of(site, first, to - timedelta(days=1))
    found = burden.tallies(site, period, now_ms, options.room)
    report = burden_words.Report(
        site.name,
        site.config.time_zone,
        first,
        to,
        (period.night_from, period.night_until),
        burden.summed(found.values()).burden(None, len(period.nights)),
        tuple(tally.burden(room, len(period.nights)) for room, tally in found.items()),
        simulated,
    )
    if options.json:
        print(msgspec.json.encode(report).decode())
    else:
        burden_tables.show(report)
    return EXIT_OK
