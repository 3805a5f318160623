"""What a site gives a unit beside its enrolment: whom to trust, its certificate, where the broker is. All of it public.

The one exception is the password of a broker with one login for all. `issue` runs where authority and CA are, `install`
on the unit: it takes nothing that is not for the unit's own key, and never another authority than the first.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from stillroom import config
from stillroom.config import BrokerConfig, SlotsConfig, UnitConfig
from stillroom.documents import KINDS, Enrolment, Roster
from stillroom.errors import ConfigError, TrustError
from stillroom.files import make_folder, read_bounded, replace_file
from stillroom.keeper.own_keys import own_keys
from stillroom.keeper.roster import ROSTER_FILE
from stillroom.keys import KeyRing
from stillroom.note_reading import open_note, parse_signer
from stillroom.notes import signer_of
from stillroom_tools.make.identity import PASSWORD_FILE, TLS_FILES, UNIT_FILE, write_configuration
from stillroom_tools.site.authorise import check_authority
from stillroom_tools.site.layout import Site, SiteBroker

ENROLMENT, AUTHORITY_FILE, BROKER, PASSWORD, CA, CERTIFICATE = (
    "enrolment.note",
    "authority.pub",
    "broker.json",
    "broker-password",
    "ca.pem",
    "unit.pem",
)
_ALL = (ENROLMENT, BROKER, PASSWORD, CA, CERTIFICATE, AUTHORITY_FILE, ROSTER_FILE)

Papers = Mapping[str, bytes]
"""File name to what it holds."""


class Way(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the broker is, and how often to speak."""

    broker: SiteBroker
    slots: SlotsConfig


def issue(site: Site, unit: str, enrolment: bytes, request_pem: bytes) -> dict[str, bytes]:
    """For an enrolled unit. Raises TrustError: no CA here, or a request that is not the unit's."""
    given = {
        ENROLMENT: enrolment,
        AUTHORITY_FILE: read_bounded(site.authority_file),
        ROSTER_FILE: read_bounded(site.roster_file),
        BROKER: msgspec.json.encode(Way(site.config.broker, site.config.slots)),
    }
    if site.config.broker.tls:
        from stillroom_tools.site.certificates import certified

        given[CA], given[CERTIFICATE] = certified(site.folder / "ca", unit, request_pem)
    if site.config.broker.password_file:
        given[PASSWORD] = read_bounded(site.folder / site.config.broker.password_file)
    return given


def read(folder: Path) -> dict[str, bytes]:
    """Those in a folder. Raises TrustError: a file that cannot be read."""
    return {name: read_bounded(folder / name) for name in _ALL if (folder / name).exists()}


def write(place: Path, papers: Papers) -> None:
    """Into a folder; the enrolment last, so that where it lies all do. Raises StorageError."""
    make_folder(place.parent)
    make_folder(place)
    for name in sorted(papers, key=lambda name: name == ENROLMENT):
        replace_file(place / name, papers[name], 0o600 if name == PASSWORD else 0o644)


def install(folder: Path, papers: Papers) -> bool:
    """Into a unit's folder; whether anything changed. Raises TrustError: not for this unit, or of another authority."""
    path = folder / PASSWORD_FILE
    ring = own_keys(config.load(folder / UNIT_FILE))
    return install_for(ring, folder, papers, lambda password: _put(path, password, 0o600))


def install_for(ring: KeyRing, folder: Path, papers: Papers, keep_password: Callable[[bytes], bool]) -> bool:
    """The same for these keys of the unit's, wherever they and the broker's password lie."""
    settings = config.load(folder / UNIT_FILE)
    trust = settings.path(settings.paths.trust)
    check(folder, settings, ring, papers)
    way = _way(papers)
    if settings.profile == "care" and not way.broker.tls:
        raise ConfigError(f"profile care: needs a broker with TLS, and site '{ring.site}' has none")
    places = {
        trust / ROSTER_FILE: papers[ROSTER_FILE],
        **{folder / f"tls/{name}": papers[name] for name in (CA, CERTIFICATE) if name in papers},
    }
    changed = [_put(path, data) for path, data in places.items()]
    if PASSWORD in papers:
        changed.append(keep_password(papers[PASSWORD]))
    broker = _broker(way.broker, has_password=PASSWORD in papers)
    authority = papers[AUTHORITY_FILE].decode().strip()
    wanted = msgspec.structs.replace(settings, authority=authority, broker=broker, slots=way.slots)
    if settings != wanted:
        write_configuration(folder, wanted)
        changed.append(True)
    return any(changed)


def refresh_trust(settings: UnitConfig, site: Site) -> bool:
    """A renewed roster reaches the unit; the authority never changes under it. Raises TrustError."""
    check_authority(settings, site)
    site.roster()
    return _put(settings.path(settings.paths.trust) / ROSTER_FILE, read_bounded(site.roster_file))


def check(folder: Path, settings: UnitConfig, ring: KeyRing, papers: Papers) -> None:
    """Raises TrustError: something is missing, not for this key, of another site or of another authority."""
    missing = [name for name in (ENROLMENT, AUTHORITY_FILE, ROSTER_FILE, BROKER) if name not in papers]
    if missing:
        raise TrustError(
            f"{folder}: the papers lack {', '.join(missing)}: copy the unit's whole folder of papers again"
        )
    authority = parse_signer(papers[AUTHORITY_FILE].decode("ascii", "replace"))
    if authority.site != ring.site:
        raise TrustError(f"{folder}: papers of site '{authority.site}', and the unit is of '{ring.site}'")
    if settings.authority not in ("", authority.text):
        raise TrustError(
            f"{folder / UNIT_FILE}: key 'authority': another authority than that of the papers: it never changes "
            "under a unit"
        )
    enrolled = open_note(papers[ENROLMENT], KINDS[Enrolment], Enrolment, [authority])
    if (enrolled.unit, enrolled.sign) != (ring.name, ring.signing.verify_key.raw):
        raise TrustError(
            f"{folder}: papers of unit '{enrolled.unit}' with another key, and here is '{ring.name}', "
            f"{ring.signing.verify_key.fingerprint}: bring this unit's own"
        )
    open_note(papers[ENROLMENT], KINDS[Enrolment], Enrolment, [authority, signer_of(ring)])
    open_note(papers[ROSTER_FILE], KINDS[Roster], Roster, [authority])


def _way(papers: Papers) -> Way:
    try:
        return msgspec.json.decode(papers[BROKER], type=Way)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{BROKER}: damaged: copy the papers again: {error}") from None


def _broker(broker: SiteBroker, *, has_password: bool) -> BrokerConfig:
    files = TLS_FILES if broker.tls else ("", "", "")
    password = PASSWORD_FILE if has_password else ""
    return BrokerConfig(broker.host, broker.port, broker.tls, *files, broker.username, password)


def _put(path: Path, data: bytes, mode: int = 0o644) -> bool:
    if path.exists() and read_bounded(path) == data:
        return False
    replace_file(path, data, mode)
    return True
