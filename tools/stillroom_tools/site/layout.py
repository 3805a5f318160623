"""A site's folder: what lies where, `site.toml`, and reading the documents in it.

authority/ and ca/ hold the secrets that make a site; they belong on a machine without a network, and nothing
that runs day and night reads `authority.key` or `ca-key.pem`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct, convert
from msgspec import ValidationError as Invalid

from stillroom.clock import Clock
from stillroom.config import BrokerConfig, Name, SlotsConfig, read_toml
from stillroom.config import convert as convert_toml
from stillroom.config_conditions import Time as ClockTime
from stillroom.config_conditions import TimeZone, zone
from stillroom.document_forms import to_ms
from stillroom.documents import (
    Authorisation,
    Enrolment,
    Roster,
    Withdrawal,
    read_document,
    read_enrolment,
    read_signer,
)
from stillroom.errors import ConfigError, TrustError
from stillroom.keys import KeyRing, forget_boxes, load_keys
from stillroom.note_reading import Signer
from stillroom.notes import signer_of
from stillroom.orders import Configuration, Halt, Lift, Pause
from stillroom_tools.site.disclosure.settings import ExportConfig
from stillroom_tools.site.gateway.alert_forms import AlertsConfig
from stillroom_tools.site.gateway.settings import GatewayConfig, RetentionConfig
from stillroom_tools.site.home_assistant.settings import HomeAssistantConfig
from stillroom_tools.site.host import check_host

SITE_FILE = "site.toml"
RESERVED = ("authority", "gateway", "board", "advocate")
FORGET_AFTER = timedelta(days=7)
"""A box key opens what was on its way, for so long after units stopped using it."""

D = TypeVar("D", Roster, Enrolment, Authorisation, Withdrawal, Halt, Lift, Pause, Configuration)
Party = Literal["gateway", "board"]
Client = Literal[Party, "advocate"]
"""Who comes to the broker, beside units: advocates all by one certificate, which lets them listen."""


class SiteBroker(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the broker is, as units, gateway and boards reach it."""

    host: Annotated[str, Meta(min_length=1, max_length=253)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8883
    tls: bool = True
    username: str = ""
    """For brokers with one login for all; empty where certificates say who is who."""
    password_file: str = ""


class ReportConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[report]`: what counts as a night."""

    night_from: ClockTime = "20:00"
    night_until: ClockTime = "08:00"


class SiteConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """All of `site.toml`."""

    site: Name
    broker: SiteBroker = SiteBroker()
    slots: SlotsConfig = SlotsConfig()
    alerts: AlertsConfig = AlertsConfig()
    gateway: GatewayConfig = GatewayConfig()
    report: ReportConfig = ReportConfig()
    time_zone: TimeZone = "UTC"
    """Of the days and nights of its reports."""
    retention: RetentionConfig = RetentionConfig()
    home_assistant: HomeAssistantConfig = HomeAssistantConfig()
    export: ExportConfig = ExportConfig()


@dataclass(frozen=True)
class Site:
    """A site that `stillroom site new` made."""

    folder: Path
    config: SiteConfig

    @property
    def name(self) -> str:
        return self.config.site

    @property
    def units_dir(self) -> Path:
        return self.folder / "units"

    @property
    def authorisations_dir(self) -> Path:
        return self.folder / "authorisations"

    @property
    def withdrawals_dir(self) -> Path:
        return self.folder / "withdrawals"

    @property
    def halts_dir(self) -> Path:
        return self.folder / "halts"

    @property
    def lifts_dir(self) -> Path:
        return self.folder / "lifts"

    @property
    def pauses_dir(self) -> Path:
        return self.folder / "pauses"

    @property
    def configurations_dir(self) -> Path:
        """The newest one signed for each unit."""
        return self.folder / "configurations"

    @property
    def releases_dir(self) -> Path:
        return self.folder / "releases"

    @property
    def advocates_dir(self) -> Path:
        """What is handed over to each advocate: a folder for each."""
        return self.folder / "advocates"

    @property
    def commands_dir(self) -> Path:
        """What a running gateway is to tell units: a folder for each unit, a signed document a file."""
        return self.folder / "commands"

    @property
    def acts_dir(self) -> Path:
        """What people did about alerts, for a running gateway: signed by the board, a file each."""
        return self.folder / "acts"

    @property
    def roster_file(self) -> Path:
        return self.folder / "roster.note"

    @property
    def authority_file(self) -> Path:
        return self.folder / "authority" / "authority.pub"

    def authority(self) -> Signer:
        """The public key that signs everything here. Raises TrustError."""
        return read_signer(self.authority_file)

    def authority_keys(self) -> KeyRing:
        """The secret one. Raises TrustError: absent (it is offline), not private, or not the one of `authority.pub`."""
        path = self.folder / "authority" / "authority.key"
        ring = load_keys(path, "authority")
        if ring.signing.verify_key != self.authority().key:
            raise TrustError(f"{path}: not the authority of this site: its public key is not authority.pub")
        return ring

    def keys(self, party: Party) -> KeyRing:
        """The secrets of the gateway or the board. Raises TrustError."""
        return load_keys(self.folder / party / f"{party}.key", party)

    def broker(self, party: Client) -> BrokerConfig:
        """How that party reaches the broker; files are relative to `folder`."""
        broker = self.config.broker
        names = (f"{party}/ca.pem", f"{party}/{party}.pem", f"{party}/{party}-key.pem")
        files = names if broker.tls else ("", "", "")
        return BrokerConfig(
            broker.host, broker.port, broker.tls, *files, broker.username, broker.password_file
        )

    def roster(self) -> Roster:
        """The roster in force. Raises TrustError; its time is not judged here."""
        return self._own(read_document(self.roster_file, Roster, [self.authority()]), self.roster_file)

    def enrolments(self) -> tuple[Enrolment, ...]:
        """All units. Raises TrustError for the first file that is not right."""
        authority = self.authority()
        paths = sorted(self.units_dir.glob("*.note"))
        return tuple(self._own(read_enrolment(path, authority), path) for path in paths)

    def enrolment(self, unit: str) -> Enrolment:
        """One unit. Raises TrustError where it is not enrolled."""
        path = self.units_dir / f"{unit}.note"
        if not path.exists():
            raise TrustError(f"{path}: unit '{unit}' is not enrolled in site '{self.name}'")
        return self._own(read_enrolment(path, self.authority()), path)

    def authorisations(self, unit: str) -> tuple[Authorisation, ...]:
        """Those ever signed for a unit. Raises TrustError for the first file that is not right."""
        found = self._documents(self.authorisations_dir, Authorisation)
        return tuple(document for document in found if document.unit == unit)

    def withdrawn(self) -> dict[str, datetime]:
        """Ids of the authorisations taken back, and when. Raises TrustError for the first file that is not right."""
        found = sorted(
            self._documents(self.withdrawals_dir, Withdrawal), key=lambda one: one.at, reverse=True
        )
        return {document.authorisation: document.at for document in found}

    def halts(self, unit: str | None) -> tuple[Halt, ...]:
        """Those that stand for a unit, or (None) that were signed for the whole site and not lifted for it.

        Raises TrustError for the first file that is not right.
        """
        lifted = {lift.halt for lift in self._documents(self.lifts_dir, Lift) if lift.unit in (None, unit)}
        signed = self._documents(self.halts_dir, Halt)
        return tuple(halt for halt in signed if halt.unit in (None, unit) and halt.id not in lifted)

    def pauses(self, unit: str, utc_ms: int) -> tuple[Pause, ...]:
        """Those that the board signed for a unit and whose time is not over. Raises TrustError."""
        signers = (signer_of(self.keys("board")),)
        signed = self._documents(self.pauses_dir, Pause, signers)
        return tuple(pause for pause in signed if pause.unit == unit and utc_ms < to_ms(pause.until))

    def configuration(self, unit: str) -> Configuration | None:
        """The newest one signed for a unit. Raises TrustError."""
        path = self.configurations_dir / f"{unit}.note"
        if not path.exists():
            return None
        return self._own(read_document(path, Configuration, [self.authority()]), path)

    def _documents(self, folder: Path, schema: type[D], signers: tuple[Signer, ...] = ()) -> tuple[D, ...]:
        paths = sorted(folder.glob("*.note"))
        return tuple(
            self._own(read_document(path, schema, signers or [self.authority()]), path) for path in paths
        )

    def forget_expired_keys(self, party: Party, clock: Clock) -> int:
        """Destroy the party's box keys that no unit has used for a week; how many. Old traffic stays shut."""
        recipient = next((r for r in self.roster().recipients if r.name == party), None)
        now_ms = clock.utc_ms()
        expired = (
            {box.key for box in recipient.boxes if to_ms(box.until + FORGET_AFTER) <= now_ms}
            if recipient
            else set()
        )
        return forget_boxes(self.folder / party / f"{party}.key", self.keys(party), expired)

    def _own(self, document: D, path: Path) -> D:
        if document.site != self.name:
            raise TrustError(f"{path}: of site '{document.site}', and this is '{self.name}'")
        return document


def open_site(folder: Path) -> Site:
    """Raises ConfigError where `folder` is no site or its `site.toml` is not right."""
    path = folder / SITE_FILE
    if not path.exists():
        raise ConfigError(f"{folder}: no site here ({SITE_FILE} is missing): stillroom site new makes one")
    config = convert_toml(path, read_toml(path), SiteConfig)
    check_host(config.broker.host, f"{path}: key 'broker.host'")
    _check_times(config, path)
    config.retention.check(str(path))
    return Site(folder.resolve(), config)


def _check_times(config: SiteConfig, path: Path) -> None:
    try:
        zone(config.time_zone)
    except (KeyError, ValueError, OSError):
        raise ConfigError(
            f"{path}: key 'time_zone' = '{config.time_zone}': not one that this machine knows: a name like "
            "Europe/London, or UTC"
        ) from None
    if config.report.night_from == config.report.night_until:
        raise ConfigError(
            f"{path}: key 'report.night_until' = '{config.report.night_until}': the same as 'night_from': a night "
            "has a length"
        )


def check_name(name: str, what: str) -> str:
    """Raises ConfigError for what cannot be a site's or a unit's name."""
    try:
        convert(name, Name)
    except Invalid:
        raise ConfigError(f"{what} '{name}': 1 to 32 of a-z 0-9 -, not beginning with -") from None
    if name in RESERVED:
        raise ConfigError(f"{what} '{name}': reserved, as are {', '.join(RESERVED)}: choose another")
    return name
