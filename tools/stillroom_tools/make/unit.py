"""`stillroom make unit DIR --site SITE_DIR`: a unit's keys, what it trusts, its configuration; and its enrolment."""

import argparse
import os
import secrets
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from stillroom import config
from stillroom.clock import SystemClock
from stillroom.config import BrokerConfig, CameraConfig, PanelConfig, SlotsConfig, UnitConfig, Zones
from stillroom.document_forms import now
from stillroom.documents import KINDS, Enrolment
from stillroom.errors import EXIT_OK, ConfigError, InputError, StorageError, TrustError
from stillroom.files import flush_folder, read_bounded, replace_file, write_new
from stillroom.keys import UNIT_KEY_FILE, KeyRing, load_unit_keys, save_keys
from stillroom.notes import sign_note
from stillroom_tools.make.toml import to_toml
from stillroom_tools.site.layout import Site, check_name, open_site

HELP = "make a unit of a site: keys, trust, configuration, enrolment"

_HEAD = "# A Stillroom unit. Every key is explained in config/unit.toml of the software.\n"

_PASSWORD_FILE = "tls/broker-password"


@dataclass(frozen=True)
class _Wish:
    """What was asked for, checked."""

    unit: str | None
    profile: str
    camera: CameraConfig
    zones: Zones


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that is not there yet, or empty")
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument("--unit", metavar="ID", help="1 to 32 of a-z 0-9 - (a random one)")
    parser.add_argument(
        "--camera", default="picamera2", metavar="KIND", help="picamera2, simulated, recorded"
    )
    parser.add_argument("--source", default="", metavar="S", help="simulated: a scenario; recorded: a video")
    parser.add_argument("--profile", choices=("care", "lab"), help="care; lab for other cameras")


def run(options: argparse.Namespace) -> int:
    """Prints the unit's id and its key's fingerprint. Raises ConfigError, InputError, TrustError, StorageError.

    A unit that is there keeps its keys and configuration; its trust folder and enrolment are brought up to date.
    """
    site = open_site(options.site)
    wish = _wish(options, site)
    folder = Path(os.path.abspath(options.folder))  # noqa: PTH100 - a link given by name stays a link
    if (folder / "unit.toml").exists():
        unit = _existing(folder, site, options.unit)
        _say(f"{folder}: unit '{unit.name}' is here already: keys and configuration were left as they are")
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder}: not empty, and no unit: name a folder that is not there yet")
    else:
        unit = make(folder, site, wish)
        _say(f"{folder}: unit '{unit.name}' of site '{site.name}' made")
    _enrol(site, unit)
    _refresh_trust(folder, site)
    print(f"{unit.name} {unit.signing.verify_key.fingerprint}")
    return EXIT_OK


def make(folder: Path, site: Site, wish: _Wish) -> KeyRing:
    """Build beside `folder`, then rename: a crash leaves no half unit. Raises TrustError, StorageError."""
    unit = KeyRing.generate(site.name, "unit", wish.unit or f"u-{secrets.token_hex(4)}")
    if (site.units_dir / f"{unit.name}.note").exists():
        raise TrustError(f"unit '{unit.name}' is enrolled in site '{site.name}' already: choose another id")
    site.authority_keys()
    building = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        building.mkdir(mode=0o700)
        _fill(building, site, unit, wish)
        building.rename(folder)
        flush_folder(folder.parent)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made: {error.strerror}") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return unit


def _fill(building: Path, site: Site, unit: KeyRing, wish: _Wish) -> None:
    # `models` too: an eye reaches no folder that was not there when it started.
    for name in ("keys", "trust", "trust/authorisations", "trust/withdrawals", "state", "tls", "models"):
        (building / name).mkdir(mode=0o700)
    save_keys(building / "keys" / UNIT_KEY_FILE, unit)
    write_new(building / "trust" / "authority.pub", read_bounded(site.authority_file), 0o644)
    write_new(building / "trust" / "roster.note", read_bounded(site.roster_file), 0o644)
    if site.config.broker.tls:
        _certificate(building / "tls", site, unit.name)
    if site.config.broker.password_file:
        password = read_bounded(site.folder / site.config.broker.password_file)
        write_new(building / _PASSWORD_FILE, password)
    path = building / "unit.toml"
    write_new(path, (_HEAD + to_toml(_configuration(site, unit.name, wish))).encode(), 0o644)
    config.load(path)


def _certificate(tls: Path, site: Site, unit: str) -> None:
    from stillroom_tools.site.certificates import client_of

    ca_pem, client = client_of(site.folder / "ca", unit)
    write_new(tls / "ca.pem", ca_pem, 0o644)
    write_new(tls / "unit.pem", client.pem, 0o644)
    write_new(tls / "unit-key.pem", client.key_pem)


def _configuration(site: Site, unit: str, wish: _Wish) -> UnitConfig:
    broker = site.config.broker
    tls = ("tls/ca.pem", "tls/unit.pem", "tls/unit-key.pem") if broker.tls else ("", "", "")
    return UnitConfig(
        site=site.name,
        unit=unit,
        profile="lab" if wish.profile == "lab" else "care",
        camera=wish.camera,
        zones=wish.zones,
        panel=PanelConfig(kind="file") if wish.profile == "lab" else PanelConfig(),
        slots=SlotsConfig(site.config.slots.period_s),
        broker=BrokerConfig(
            broker.host,
            broker.port,
            broker.tls,
            *tls,
            broker.username,
            _PASSWORD_FILE if broker.password_file else "",
        ),
    )


def _enrol(site: Site, unit: KeyRing) -> None:
    """Sign the unit into the site; it signs too, to show that it has the key. Raises TrustError for another's id."""
    path = site.units_dir / f"{unit.name}.note"
    sign, box = unit.signing.verify_key.raw, unit.boxes[0].public.raw
    if path.exists():
        known = site.enrolment(unit.name)
        if (known.sign, known.box) != (sign, box):
            raise TrustError(f"{path}: another unit has the id '{unit.name}': choose another")
        return
    document = Enrolment(site=site.name, unit=unit.name, sign=sign, box=box, made=now(SystemClock()))
    write_new(path, sign_note(KINDS[Enrolment], document, [site.authority_keys(), unit]), 0o644)


def _existing(folder: Path, site: Site, wanted: str | None) -> KeyRing:
    settings = config.load(folder / "unit.toml")
    if settings.site != site.name:
        raise ConfigError(f"{folder}: a unit of site '{settings.site}' is here, not of '{site.name}'")
    if wanted is not None and wanted != settings.unit:
        raise ConfigError(f"{folder}: the unit '{settings.unit}' is here: name another folder for '{wanted}'")
    unit = load_unit_keys(settings.path(settings.paths.keys))
    if (unit.site, unit.name) != (settings.site, settings.unit):
        raise TrustError(f"{folder}: unit.toml names '{settings.unit}', its key is of '{unit.name}'")
    return unit


def _refresh_trust(folder: Path, site: Site) -> None:
    """A renewed roster reaches the unit; the authority never changes under it."""
    settings = config.load(folder / "unit.toml")
    trust = settings.path(settings.paths.trust)
    if read_bounded(trust / "authority.pub") != read_bounded(site.authority_file):
        raise TrustError(f"{trust / 'authority.pub'}: another authority than that of {site.folder}")
    site.roster()
    note = read_bounded(site.roster_file)
    if read_bounded(trust / "roster.note") != note:
        replace_file(trust / "roster.note", note)


def _wish(options: argparse.Namespace, site: Site) -> _Wish:
    if options.unit is not None:
        check_name(options.unit, "--unit")
    profile = options.profile or ("care" if options.camera == "picamera2" else "lab")
    camera = CameraConfig(kind=options.camera, source=_source(options.camera, options.source))
    if profile == "care" and options.camera != "picamera2":
        raise ConfigError(
            f"--profile care: takes camera picamera2 only; '{options.camera}' needs --profile lab"
        )
    if profile == "care" and not site.config.broker.tls:
        raise ConfigError(f"--profile care: needs a broker with TLS, and site '{site.name}' has none")
    zones = Zones()
    if options.camera == "simulated":
        from stillroom_tools.lab.scenario import load_scenario

        zones = load_scenario(Path(camera.source)).zones
    return _Wish(options.unit, profile, camera, zones)


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
