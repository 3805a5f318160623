"""`stillroom make unit DIR --site SITE_DIR`, or on the unit `--card CARD`: keys, trust, configuration, enrolment.

With `--site` all of it is done on one machine, which holds the site's authority. With `--card` the unit makes its keys
where it stands, hands out its public part, and takes the site's papers when they lie on the card.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from stillroom.config import CameraConfig, Zones, load
from stillroom.errors import EXIT_OK, ConfigError, InputError, TrustError
from stillroom.keys import KeyRing
from stillroom_tools.make import identity, papers
from stillroom_tools.make.identity import Wish
from stillroom_tools.site import admit
from stillroom_tools.site.layout import Site, check_name, open_site

HELP = "make a unit: its keys, and with a site at hand trust, configuration and enrolment"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that is not there yet, or empty")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--site", type=Path, metavar="SITE_DIR", help="the site's folder")
    where.add_argument(
        "--card",
        type=Path,
        metavar="CARD",
        help="on the unit: the folder of its ticket, on the boot partition",
    )
    parser.add_argument(
        "--unit", metavar="ID", help="1 to 32 of a-z 0-9 - (a random one; --card: as the ticket says)"
    )
    parser.add_argument(
        "--camera", default="picamera2", metavar="KIND", help="picamera2, simulated, recorded"
    )
    parser.add_argument("--source", default="", metavar="S", help="simulated: a scenario; recorded: a video")
    parser.add_argument("--profile", choices=("care", "lab"), help="care; lab for other cameras")


def run(options: argparse.Namespace) -> int:
    """Prints the unit's id and its key's fingerprint. Raises ConfigError, InputError, TrustError, StorageError.

    A unit that is there keeps its keys and configuration; its trust folder and enrolment are brought up to date.
    """
    folder = identity.absolute(options.folder)
    if options.card is not None:
        from stillroom_tools.make import first_boot

        unit = first_boot.run(folder, options.card, options.unit, _say)
    else:
        unit = _beside_site(folder, options)
    print(f"{unit.name} {unit.signing.verify_key.fingerprint}")
    return EXIT_OK


def _beside_site(folder: Path, options: argparse.Namespace) -> KeyRing:
    site = open_site(options.site)
    wish = _wish(options, site)
    if identity.is_made(folder):
        unit = identity.existing(folder, site.name, options.unit)
        _say(f"{folder}: unit '{unit.name}' is here already: keys and configuration were left as they are")
        _enrol(site, unit)
    else:
        unit = make(folder, site, wish)
        _say(f"{folder}: unit '{unit.name}' of site '{site.name}' made")
    papers.refresh_trust(load(folder / identity.UNIT_FILE), site)
    return unit


def make(folder: Path, site: Site, wish: Wish) -> KeyRing:
    """The unit, with its papers, enrolled. A crash leaves no half unit. Raises TrustError, StorageError."""
    if wish.unit is not None and (site.units_dir / f"{wish.unit}.note").exists():
        raise TrustError(f"unit '{wish.unit}' is enrolled in site '{site.name}' already: choose another id")
    authority = site.authority_keys()
    enrolment = b""

    def add_papers(building: Path, ring: KeyRing) -> None:
        nonlocal enrolment
        enrolment = admit.signed(site, identity.request(ring), authority)
        asked = identity.certificate_asked(building, ring.name)
        papers.install(building, papers.issue(site, ring.name, enrolment, asked))

    unit = identity.build(folder, site.name, wish, add_papers)
    admit.keep(site, unit.name, enrolment)
    return unit


def _enrol(site: Site, unit: KeyRing) -> None:
    """Where it was made and a crash came before its enrolment. Raises TrustError for another's id."""
    request = identity.request(unit)
    if not admit.check(site, admit.read_request(request)):
        admit.keep(site, unit.name, admit.signed(site, request, site.authority_keys()))


def _wish(options: argparse.Namespace, site: Site) -> Wish:
    if options.unit is not None:
        check_name(options.unit, "--unit")
    if options.profile == "care" and options.camera != "picamera2":
        raise ConfigError(
            f"--profile care: takes camera picamera2 only; '{options.camera}' needs --profile lab"
        )
    wish = wish_for(options.unit, options.camera, _source(options.camera, options.source), options.profile)
    if wish.profile == "care" and not site.config.broker.tls:
        raise ConfigError(f"--profile care: needs a broker with TLS, and site '{site.name}' has none")
    return wish


def wish_for(unit: str | None, camera: str, source: str, profile: str | None = None) -> Wish:
    """A simulated unit has the zones of its scenario, one before a stand is fast. Raises ConfigError, InputError."""
    zones = Zones()
    if camera == "simulated":
        from stillroom_tools.lab.scenario import load_scenario

        zones = load_scenario(Path(source)).zones
    usual = "care" if camera == "picamera2" else "lab"
    settings = CameraConfig(kind=camera, source=source)
    if camera == "stand":
        settings = msgspec.structs.replace(
            settings, speed="max", width_px=320, height_px=240, frames_per_s=15.0
        )
    return Wish(unit, profile or usual, settings, zones)


def _source(kind: str, source: str) -> str:
    if kind not in ("picamera2", "simulated", "recorded"):
        raise ConfigError(f"--camera '{kind}': picamera2, simulated or recorded")
    if kind == "picamera2":
        return source
    if not source:
        raise ConfigError(f"--source is missing: camera '{kind}' needs a file")
    path = Path(source).absolute()
    if not path.is_file() or not str(path).isprintable():
        raise InputError(f"--source {source!r}: no such file, or a name that cannot be written down")
    return str(path)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
