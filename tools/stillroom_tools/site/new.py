"""`stillroom site new DIR --site NAME`: everything that a site needs, made at once or not at all."""

import argparse
import os
import secrets
import shutil
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from stillroom.clock import SystemClock
from stillroom.config import SlotsConfig
from stillroom.document_forms import now
from stillroom.documents import KINDS, BoxPeriod, Recipient, Roster
from stillroom.errors import EXIT_OK, ConfigError, StorageError
from stillroom.files import flush_folder, write_new
from stillroom.keys import KeyRing, save_keys
from stillroom.notes import sign_note, signer_of
from stillroom_tools.site.broker import mosquitto_acl, mosquitto_conf
from stillroom_tools.site.host import check_host
from stillroom_tools.site.layout import (
    SITE_FILE,
    Party,
    SiteBroker,
    SiteConfig,
    check_name,
    open_site,
)

HELP = "make a site: authority, certificates, gateway, board, roster, broker"

BOX_PERIOD = timedelta(days=31)
BOX_PERIODS = 12
BACKDATED = timedelta(hours=1)
"""For units whose clock is a little slow."""
PARTIES: tuple[Party, ...] = ("gateway", "board")

_SITE_TOML = """\
# {site}: a Stillroom site. Every key is explained in config/site.toml of the software.
site = "{site}"

[broker]
host = "{host}"
port = {port}
tls = {tls}

[slots]
period_s = {period_s}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that is not there yet, or empty")
    parser.add_argument("--site", required=True, metavar="NAME", help="1 to 32 of a-z 0-9 -")
    parser.add_argument(
        "--broker-host", default="127.0.0.1", metavar="H", help="as units reach it (127.0.0.1)"
    )
    parser.add_argument("--broker-port", type=int, default=8883, metavar="P", help="8883")
    parser.add_argument("--no-tls", action="store_true", help="a broker without TLS, on a laptop only")
    parser.add_argument("--slot", type=float, default=2.0, metavar="S", help="seconds between records (2)")


def run(options: argparse.Namespace) -> int:
    """Prints the authority's fingerprint. Raises ConfigError, StorageError; a site that is there is left alone."""
    config = _config(options)
    folder = Path(os.path.abspath(options.folder))  # noqa: PTH100 - a link given by name stays a link
    if (folder / SITE_FILE).exists():
        return _is_there(folder, config)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder}: not empty, and no site: name a folder that is not there yet")
    make(folder, config)
    site = open_site(folder)
    _say(f"{folder}: site '{site.name}' made; the roster lasts until {site.roster().until:%Y-%m-%d}")
    _say("keep authority/authority.key and ca/ca-key.pem on a machine without a network, and a copy of both")
    print(site.authority().fingerprint)
    return EXIT_OK


def make(folder: Path, config: SiteConfig) -> None:
    """Build beside `folder`, then rename: a crash leaves no half site. Raises StorageError."""
    building = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        building.mkdir(mode=0o700)
        _fill(building, folder, config)
        building.rename(folder)
        flush_folder(folder.parent)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made: {error.strerror}") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _fill(building: Path, folder: Path, config: SiteConfig) -> None:
    for name in ("authority", "ca", "units", "authorisations", "withdrawals", "broker", *PARTIES):
        (building / name).mkdir(mode=0o700)
    authority = KeyRing.generate(config.site, "authority", "authority", 0)
    save_keys(building / "authority" / "authority.key", authority)
    _write(building / "authority" / "authority.pub", signer_of(authority).text + "\n")
    rings = [KeyRing.generate(config.site, party, party, BOX_PERIODS) for party in PARTIES]
    for ring in rings:
        save_keys(building / ring.name / f"{ring.name}.key", ring)
    roster = _roster(config.site, rings)
    write_new(building / "roster.note", sign_note(KINDS[Roster], roster, [authority]), 0o644)
    _certificates(building, config)
    _write(building / "broker" / "mosquitto.conf", mosquitto_conf(config, folder / "broker"))
    _write(building / "broker" / "acl", mosquitto_acl(config.site), 0o600)
    _write(building / SITE_FILE, _site_toml(config))


def _certificates(building: Path, config: SiteConfig) -> None:
    from stillroom_tools.site.certificates import Pair, new_authority, new_client, new_server

    def save(place: str, name: str, pair: Pair) -> None:
        write_new(building / place / f"{name}.pem", pair.pem, 0o644)
        write_new(building / place / f"{name}-key.pem", pair.key_pem)

    ca = new_authority(config.site)
    save("ca", "ca", ca)
    save("broker", "server", new_server(ca, [config.broker.host, "localhost", "127.0.0.1"]))
    for party in PARTIES:
        save(party, party, new_client(ca, party))
    for place in ("broker", *PARTIES):
        write_new(building / place / "ca.pem", ca.pem, 0o644)


def _roster(site: str, rings: Sequence[KeyRing]) -> Roster:
    start = now(SystemClock()) - BACKDATED
    until = start + BOX_PERIOD * BOX_PERIODS
    recipients = tuple(recipient(ring, start) for ring in rings)
    return Roster(
        start=start, until=until, site=site, version=1, recipients=recipients, delivery="cursor", approvers=()
    )


def recipient(ring: KeyRing, start: datetime, each: timedelta = BOX_PERIOD) -> Recipient:
    """One box key for each month of the year, so that a key of today opens nothing of last month."""
    assert ring.role in ("gateway", "board", "advocate", "custodian")
    periods = tuple(
        BoxPeriod(start + each * i, start + each * (i + 1), box.public.raw)
        for i, box in enumerate(ring.boxes)
    )
    return Recipient(ring.name, ring.role, ring.signing.verify_key.raw, periods)


def _config(options: argparse.Namespace) -> SiteConfig:
    check_name(options.site, "--site")
    check_host(options.broker_host, "--broker-host")
    if not 1 <= options.broker_port <= 65535:
        raise ConfigError(f"--broker-port {options.broker_port}: 1 to 65535")
    if not 0.5 <= options.slot <= 10.0:
        raise ConfigError(f"--slot {options.slot:g}: 0.5 to 10 seconds")
    broker = SiteBroker(options.broker_host, options.broker_port, not options.no_tls)
    return SiteConfig(options.site, broker, SlotsConfig(options.slot))


def _is_there(folder: Path, config: SiteConfig) -> int:
    site = open_site(folder)
    if site.name != config.site:
        raise ConfigError(
            f"{folder}: the site '{site.name}' is here: name another folder for '{config.site}'"
        )
    if site.config != config:
        raise ConfigError(
            f"{folder}: site '{site.name}' is here with other settings: edit {SITE_FILE} instead"
        )
    site.authority()
    site.roster()
    _say(f"{folder}: site '{site.name}' is here already: nothing was changed")
    print(site.authority().fingerprint)
    return EXIT_OK


def _site_toml(config: SiteConfig) -> str:
    broker = config.broker
    return _SITE_TOML.format(
        site=config.site,
        host=broker.host,
        port=broker.port,
        tls=str(broker.tls).lower(),
        period_s=float(config.slots.period_s),
    )


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    write_new(path, text.encode(), mode)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
