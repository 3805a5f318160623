"""`stillroom site fhir`: breathing and pulse of a site's rooms as FHIR R4 in NDJSON, from what the gateway has kept."""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from stillroom.clock import SystemClock
from stillroom.config_conditions import zone
from stillroom.errors import EXIT_OK, ConfigError
from stillroom_tools.site.fhir.observations import Writer
from stillroom_tools.site.fhir.output import Followed, write_whole
from stillroom_tools.site.fhir.patients import Patients, read_patients
from stillroom_tools.site.gateway.reader import Reader, open_reader
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.report.days import local_ms, parse_day

HELP = "breathing and pulse as FHIR R4 Observations, from what the gateway has kept"

BATCH = 2_000
LOOK_S = 2.0
_USAGE = "--from and --to, or --follow: stillroom site fhir --site site --from 2026-11-01 --to 2026-12-01 --out FILE"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="NDJSON: a resource a line")
    parser.add_argument(
        "--from", dest="start", metavar="DAY", help="2026-11-01 in the site's time zone, included"
    )
    parser.add_argument("--to", dest="until", metavar="DAY", help="2026-12-01, not included")
    parser.add_argument(
        "--follow",
        action="store_true",
        help="add to the file whatever comes, until stopped; goes on where it was",
    )
    parser.add_argument(
        "--patients",
        type=Path,
        metavar="FILE",
        help="CSV: room,patient,from,until; without it rooms are the subjects",
    )


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, InputError, SetupError, StorageError, TrustError."""
    days = (options.start, options.until)
    if any(days) if options.follow else not all(days):
        raise ConfigError(_USAGE)
    site = open_site(options.site)
    patients = read_patients(options.patients) if options.patients else Patients()
    if options.follow:
        _follow(site, options.out, options.patients)
    else:
        _between(site, options.start, options.until, patients, options.out)
    return EXIT_OK


def _between(site: Site, start: str, until: str, patients: Patients, out: Path) -> None:
    first, last = parse_day(start, "--from"), parse_day(until, "--to")
    if last <= first:
        raise ConfigError(f"--to {until}: must be after --from {start}")
    here = zone(site.config.time_zone)
    from_ms, until_ms = local_ms(first, 0, here), local_ms(last, 0, here)
    if from_ms > SystemClock().utc_ms():
        raise ConfigError(f"--from {start}: is still to come")
    writer = Writer(site.name, patients)
    with open_reader(site) as reader:
        count = write_whole(out, _lines(reader, writer, from_ms, until_ms))
    left = f"; {writer.left_out} minutes left out, in which a clock was set back" if writer.left_out else ""
    print(f"{out}: {count} resources{left}", file=sys.stderr)


def _lines(reader: Reader, writer: Writer, from_ms: int, until_ms: int) -> Iterator[bytes]:
    place = 0
    while found := reader.following(place, ["summary"], BATCH, from_ms, until_ms):
        for _, kept in found:
            yield from map(msgspec.json.encode, writer.resources(kept))
        place = found[-1][0]


def _follow(site: Site, out: Path, patients: Path | None) -> None:
    """The list of patients is read again for each batch: somebody who comes today is in it today."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with open_reader(site) as reader, Followed(out) as file:
        place, seen = file.mark.place, set(file.mark.introduced)
        print(f"{out}: following; {file.mark.bytes} bytes are there", file=sys.stderr)
        while not stop.is_set():
            found = reader.following(place, ["summary"], BATCH)
            if found:
                writer = Writer(site.name, read_patients(patients) if patients else Patients(), seen)
                lines = [msgspec.json.encode(each) for _, kept in found for each in writer.resources(kept)]
                place = found[-1][0]
                file.add(lines, place, seen)
            else:
                stop.wait(LOOK_S)
