"""A unit's folder and keys, made where the unit is: whole, or not at all. What leaves it is public: a request, signed.

The request is an enrolment (`documents.Enrolment`) that the unit alone has signed. The site's authority adds its
signature, and it is the enrolment. A leftover of a run that was killed holds keys of nobody, and goes with the next.
"""

import os
import re
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stillroom import config
from stillroom.clock import SystemClock
from stillroom.config import BrokerConfig, CameraConfig, PanelConfig, UnitConfig, Zones
from stillroom.document_forms import now
from stillroom.documents import KINDS, Enrolment
from stillroom.errors import ConfigError, StorageError, TrustError
from stillroom.files import flush_folder, read_private, replace_file, write_new
from stillroom.keeper.own_keys import own_keys
from stillroom.keys import UNIT_KEY_FILE, KeyRing, SigningKey, save_keys
from stillroom.notes import sign_note
from stillroom_tools.make import certificate_request
from stillroom_tools.make.toml import to_toml

UNIT_FILE = "unit.toml"
TLS_KEY = "tls/unit-key.pem"
TLS_FILES = ("tls/ca.pem", "tls/unit.pem", TLS_KEY)
PASSWORD_FILE = "tls/broker-password"
_HEAD = "# A Stillroom unit. Every key is explained in config/unit.toml of the software.\n"


@dataclass(frozen=True)
class Wish:
    """What kind of unit was asked for, checked. unit: its id; None for a random one."""

    unit: str | None
    profile: str
    camera: CameraConfig
    zones: Zones


def build(folder: Path, site: str, wish: Wish, then: Callable[[Path, KeyRing], None]) -> KeyRing:
    """Make keys and configuration beside `folder`, let `then` add to them, and rename: a crash leaves no half unit.

    Raises StorageError, and what `then` raises.
    """
    ring = KeyRing.generate(site, "unit", wish.unit or f"u-{secrets.token_hex(4)}")
    building = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        forget_leftovers(folder)
        building.mkdir(mode=0o700)
        _fill(building, ring, wish)
        then(building, ring)
        building.rename(folder)
        flush_folder(folder.parent)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made: {error.strerror}") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return ring


def forget_leftovers(folder: Path) -> int:
    """Take away what a killed run left beside `folder`; how many. Nobody was ever told of the keys in them."""
    pattern = re.compile(re.escape(f".{folder.name}.") + r"[0-9a-f]{8}")
    found = [path for path in folder.parent.glob(f".{folder.name}.*") if pattern.fullmatch(path.name)]
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return len(found)


def _fill(building: Path, ring: KeyRing, wish: Wish) -> None:
    # `models` too: an eye reaches no folder that was not there when it started.
    for name in ("keys", "trust", "trust/authorisations", "trust/withdrawals", "state", "tls", "models"):
        (building / name).mkdir(mode=0o700)
    save_keys(building / "keys" / UNIT_KEY_FILE, ring)
    write_new(building / TLS_KEY, certificate_request.key_pem(SigningKey.generate()))
    lab = wish.profile == "lab"
    write_configuration(
        building,
        UnitConfig(
            site=ring.site,
            unit=ring.name,
            profile="lab" if lab else "care",
            camera=wish.camera,
            zones=wish.zones,
            panel=PanelConfig(kind="file") if lab else PanelConfig(),
            broker=BrokerConfig("127.0.0.1", 8883, True, *TLS_FILES),
        ),
    )


def write_configuration(folder: Path, settings: UnitConfig) -> None:
    """`unit.toml` with every value, in place of the one before. Raises ConfigError, StorageError."""
    path = folder / UNIT_FILE
    replace_file(path, (_HEAD + to_toml(msgspec.structs.replace(settings, folder=Path()))).encode())
    config.load(path)


def existing(folder: Path, site: str, wanted: str | None) -> KeyRing:
    """The keys of the unit that is there. Raises ConfigError: another site's, or another unit; TrustError."""
    settings = config.load(folder / UNIT_FILE)
    if settings.site != site:
        raise ConfigError(f"{folder}: a unit of site '{settings.site}' is here, not of '{site}'")
    if wanted is not None and wanted != settings.unit:
        raise ConfigError(f"{folder}: the unit '{settings.unit}' is here: name another folder for '{wanted}'")
    return own_keys(settings)


def is_made(folder: Path) -> bool:
    """Whether a unit is there. Raises ConfigError where something else is."""
    if (folder / UNIT_FILE).exists():
        return True
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder}: not empty, and no unit: name a folder that is not there yet")
    return False


def request(ring: KeyRing, *signers: KeyRing) -> bytes:
    """What the unit hands out: who it is and its public keys, signed by itself, and by `signers` (its keys before)."""
    sign, box = ring.signing.verify_key.raw, ring.boxes[0].public.raw
    document = Enrolment(site=ring.site, unit=ring.name, sign=sign, box=box, made=now(SystemClock()))
    return sign_note(KINDS[Enrolment], document, [ring, *signers])


def certificate_asked(folder: Path, unit: str, secret: bytes | None = None) -> bytes:
    """The request for a certificate of the unit's TLS key: the one in its folder, or the one given.

    Raises TrustError: no key, or one that is not ours.
    """
    path = folder / TLS_KEY
    key = certificate_request.key_of(read_private(path) if secret is None else secret)
    if key is None:
        raise TrustError(f"{path}: not a key that this unit made: remove it, and make the unit again")
    return certificate_request.request_pem(key, unit)


def absolute(folder: Path) -> Path:
    """A link given by name stays a link."""
    return Path(os.path.abspath(folder))  # noqa: PTH100
