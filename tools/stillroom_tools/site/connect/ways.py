"""Who comes to the broker under trial, and as whom: the gateway, two units, the board, and somebody without a name.

Topics, logins and certificates are those that a site has. A unit's certificate is made for the trial where the site's
CA is at hand; else a unit's own folder can be given. With one login for all, rights cannot be told apart.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from stillroom import config
from stillroom.config import BrokerConfig, UnitConfig
from stillroom.errors import ConfigError
from stillroom.files import write_new
from stillroom_tools.site.broker_url import parse_url
from stillroom_tools.site.layout import Site, check_name, open_site

UNIT, NEIGHBOUR = "connect-a", "connect-b"
"""Names of the two units that are made up for the trial."""
NO_SITE = "connect-check"
KEEPALIVE_S = 60


@dataclass(frozen=True)
class Way:
    """How one party comes in; the files of `broker` are below `folder`."""

    name: str
    broker: BrokerConfig
    folder: Path


@dataclass(frozen=True)
class Ways:
    """All who come. None: nobody can come as that one here."""

    site: str
    gateway: Way
    unit: Way
    neighbour: Way | None
    """Another unit, by a certificate of its own."""
    board: Way | None
    stranger: Way
    """Without certificate and login."""

    @property
    def told_apart(self) -> bool:
        """The broker can know the unit from the gateway."""
        return self.unit.broker != self.gateway.broker or self.unit.folder != self.gateway.folder

    def topic(self, unit: str, way: str) -> str:
        return f"stillroom/1/{self.site}/{unit}/{way}"

    @property
    def everything(self) -> str:
        return f"stillroom/1/{self.site}/#"

    @property
    def all_up(self) -> str:
        return self.topic("+", "up")


@dataclass(frozen=True)
class Given:
    """What the command line gave."""

    url: str
    site: Path | None = None
    name: str = ""
    unit: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    username: str = ""
    password_file: Path | None = None


def find_ways(given: Given, scratch: Path) -> Ways:
    """`scratch`: an empty private folder, for certificates of the trial.

    Raises ConfigError, TrustError, StorageError.
    """
    bare = replace(parse_url(given.url, "--broker"), keepalive_s=KEEPALIVE_S)
    _check_together(given, bare)
    site = open_site(given.site) if given.site else None
    name = site.name if site else check_name(given.name, "--name") if given.name else NO_SITE
    plain = Way("stranger", replace(bare, ca_file=_ca(given, site, bare)), Path("/"))
    gateway = _gateway(given, site, plain)
    unit, neighbour = _units(given, site, name, gateway, scratch)
    board = _party(site, "board", plain) if site and bare.tls and not given.certificate else None
    return Ways(name, gateway, unit, neighbour, board, plain)


def _check_together(given: Given, bare: BrokerConfig) -> None:
    if (given.certificate is None) != (given.key is None):
        raise ConfigError("--certificate and --key belong together: give both")
    if not bare.tls and (given.ca or given.certificate):
        raise ConfigError("--ca and --certificate are for mqtts:// alone: this URL is without TLS")
    if given.password_file and not given.username:
        raise ConfigError("--password-file: whose? give --username too")
    for option, path in (
        ("--ca", given.ca),
        ("--certificate", given.certificate),
        ("--key", given.key),
        ("--password-file", given.password_file),
    ):
        if path is not None and not path.is_file():
            raise ConfigError(f"{option} '{path}': no such file")


def _ca(given: Given, site: Site | None, bare: BrokerConfig) -> str:
    if given.ca:
        return str(given.ca.resolve())
    return str(site.folder / "gateway" / "ca.pem") if site and bare.tls else ""


def _gateway(given: Given, site: Site | None, plain: Way) -> Way:
    base = _party(site, "gateway", plain) if site else replace_way(plain, "gateway")
    broker = base.broker
    if given.certificate and given.key:
        broker = replace(
            broker, certificate_file=str(given.certificate.resolve()), key_file=str(given.key.resolve())
        )
    if given.username:
        password = str(given.password_file.resolve()) if given.password_file else ""
        broker = replace(broker, username=given.username, password_file=password)
    return Way("gateway", broker, base.folder)


def _party(site: Site, party: str, plain: Way) -> Way:
    """The gateway or board of a site, at the broker of the URL."""
    assert party in ("gateway", "board")
    own = site.broker("gateway" if party == "gateway" else "board")
    names = {"username": own.username, "password_file": own.password_file}
    if plain.broker.tls and own.tls:
        names |= {"certificate_file": own.certificate_file, "key_file": own.key_file}
    return Way(party, replace(plain.broker, **names), site.folder)


def _units(given: Given, site: Site | None, name: str, gateway: Way, scratch: Path) -> tuple[Way, Way | None]:
    if given.unit:
        return _own_unit(given.unit, name, site is not None, gateway), None
    if site and gateway.broker.tls and (site.folder / "ca" / "ca-key.pem").exists():
        return _made_unit(site, UNIT, gateway, scratch), _made_unit(site, NEIGHBOUR, gateway, scratch)
    return replace_way(gateway, UNIT), None


def _own_unit(folder: Path, site: str, known: bool, gateway: Way) -> Way:
    unit: UnitConfig = config.load(folder / "unit.toml")
    if known and unit.site != site:
        raise ConfigError(f"{folder}: a unit of site '{unit.site}', and this is '{site}'")
    at = gateway.broker
    own = replace(unit.broker, host=at.host, port=at.port, tls=at.tls, keepalive_s=KEEPALIVE_S)
    if not at.tls:
        own = replace(own, ca_file="", certificate_file="", key_file="")
    return Way(unit.unit, own, unit.folder)


def _made_unit(site: Site, name: str, gateway: Way, scratch: Path) -> Way:
    from stillroom_tools.site.certificates import client_of

    _, pair = client_of(site.folder / "ca", name)
    write_new(scratch / f"{name}.pem", pair.pem)
    write_new(scratch / f"{name}-key.pem", pair.key_pem)
    broker = replace(
        gateway.broker,
        certificate_file=str(scratch / f"{name}.pem"),
        key_file=str(scratch / f"{name}-key.pem"),
    )
    return Way(name, broker, gateway.folder)


def replace_way(way: Way, name: str) -> Way:
    return Way(name, way.broker, way.folder)


def new_id(site: str, who: str) -> str:
    """A client id that nobody else has: whoever runs at the broker is not taken over."""
    return f"{site}-connect-{secrets.token_hex(4)}-{who}"
