"""Where a unit's own keys lie: files of its folder or, once `stillroom-place-unit` has put it where services run from,
encrypted for its machine.

There systemd alone opens them, for the service that each is for; `systemd-creds` does for root. What has to wait
between two steps of a rotation waits encrypted too: no key comes to the card in the clear but one that is used up, and
that the keeper needs once more (`keeper/rotated.py`).
"""

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from stillroom import config
from stillroom.config import UnitConfig
from stillroom.errors import ConfigError, SetupError, StillroomError, StorageError
from stillroom.files import flush_folder, read_private, replace_file
from stillroom.keeper.own_keys import check_own, own_keys
from stillroom.keeper.rotated import BEFORE_FILE
from stillroom.keys import UNIT_KEY_FILE, KeyRing, encode_keys, load_keys, parse_keys, save_keys
from stillroom.overwrite import GONE, files_in
from stillroom_tools.make.identity import PASSWORD_FILE, TLS_KEY, UNIT_FILE

NEXT_FILE = "next.key"
HOME, STORE = Path("/var/lib/stillroom"), Path("/etc/credstore.encrypted")
"""Of the services: `systemd/place-unit` puts a unit there."""
_WITHIN_S = 60


class KeyPlace(Protocol):
    def own(self) -> KeyRing:
        """The unit's keys. Raises TrustError, SetupError."""
        ...

    def next(self) -> KeyRing | None:
        """Those that wait for the site's papers."""
        ...

    def keep_next(self, ring: KeyRing) -> None:
        """On the card when this returns: from then on the unit may speak of them."""
        ...

    def switch(self) -> None:
        """The next ones become the unit's; those before wait where the keeper destroys them."""
        ...

    def there(self) -> bool:
        """Whether the unit has keys: not once it was decommissioned."""
        ...

    def files(self) -> list[Path]:
        """In which its secrets lie, what is on its way out too."""
        ...

    def tls_key(self) -> bytes: ...

    def keep_password(self, password: bytes) -> bool:
        """The broker's, for all units; whether it is another one than before."""
        ...

    def settle(self) -> None:
        """Whatever happened: what was written belongs to whom it did."""
        ...

    @property
    def then(self) -> str:
        """What is to be done with it now."""
        ...


def place_of(settings: UnitConfig) -> KeyPlace:
    """Of the unit whose folder this is. Raises ConfigError: its services run from another one, which must be named."""
    keys = settings.path(settings.paths.keys)
    if settings.folder.resolve() == HOME.resolve() and not (keys / UNIT_KEY_FILE).exists():
        return Encrypted(settings)
    if _runs_elsewhere(settings):
        raise ConfigError(
            f"{settings.folder}: unit '{settings.unit}' runs from {HOME} here, with its keys encrypted, and this is "
            f"the folder that it came from: systemctl stop stillroom-keeper, and give {HOME} in its place, as root"
        )
    return InFolder(settings)


def _runs_elsewhere(settings: UnitConfig) -> bool:
    """Whoever may not read that configuration has not put a unit there."""
    with suppress(StillroomError):
        there = config.load(HOME / UNIT_FILE)
        return (there.site, there.unit) == (
            settings.site,
            settings.unit,
        ) and settings.folder.resolve() != HOME
    return False


class InFolder:
    """As `make unit` leaves them."""

    then = "start it"

    def __init__(self, settings: UnitConfig) -> None:
        self._settings = settings
        self._keys = settings.path(settings.paths.keys)
        self._state = settings.path(settings.paths.state)

    def own(self) -> KeyRing:
        return own_keys(self._settings)

    def next(self) -> KeyRing | None:
        path = self._keys / NEXT_FILE
        return load_keys(path, "unit") if path.exists() else None

    def keep_next(self, ring: KeyRing) -> None:
        save_keys(self._keys / NEXT_FILE, ring)

    def switch(self) -> None:
        """A rename puts the new key in its place."""
        if (self._keys / NEXT_FILE).exists():
            own = load_keys(self._keys / UNIT_KEY_FILE, "unit")
            replace_file(self._state / BEFORE_FILE, encode_keys(own), 0o600)
            (self._keys / NEXT_FILE).rename(self._keys / UNIT_KEY_FILE)
            flush_folder(self._keys)

    def there(self) -> bool:
        return (self._keys / UNIT_KEY_FILE).exists()

    def files(self) -> list[Path]:
        return list(files_in(self._keys))

    def tls_key(self) -> bytes:
        return read_private(self._settings.folder / TLS_KEY)

    def keep_password(self, password: bytes) -> bool:
        path = self._settings.folder / PASSWORD_FILE
        if path.exists() and read_private(path) == password:
            return False
        replace_file(path, password, 0o600)
        return True

    def settle(self) -> None:
        """Whoever runs the unit made its folder."""


class Encrypted:
    """As credentials of the services, each with the file name under which its service gets it."""

    then = "start it: systemctl start stillroom-keeper"

    def __init__(self, settings: UnitConfig) -> None:
        """Raises SetupError: not root."""
        if os.geteuid() != 0:
            raise SetupError(
                f"{settings.folder}: its keys are encrypted for its services: only root can open or replace them"
            )
        self._settings = settings
        self._state = settings.path(settings.paths.state)

    def own(self) -> KeyRing:
        ring = self._ring(UNIT_KEY_FILE)
        check_own(self._settings, ring, _credential(UNIT_KEY_FILE))
        return ring

    def next(self) -> KeyRing | None:
        return self._ring(NEXT_FILE) if _credential(NEXT_FILE).exists() else None

    def keep_next(self, ring: KeyRing) -> None:
        _encrypt(NEXT_FILE, encode_keys(ring))

    def switch(self) -> None:
        fresh = self.next()
        if fresh is not None:
            replace_file(self._state / BEFORE_FILE, encode_keys(self.own()), 0o600)
            _encrypt(UNIT_KEY_FILE, encode_keys(fresh))
            _credential(NEXT_FILE).unlink()
            flush_folder(STORE)

    def there(self) -> bool:
        return _credential(UNIT_KEY_FILE).exists()

    def files(self) -> list[Path]:
        names = (UNIT_KEY_FILE, NEXT_FILE, Path(TLS_KEY).name, Path(PASSWORD_FILE).name)
        credentials = [_credential(name + ending) for name in names for ending in ("", GONE)]
        return [path for path in credentials if path.exists()]

    def tls_key(self) -> bytes:
        return _decrypt(Path(TLS_KEY).name)

    def keep_password(self, password: bytes) -> bool:
        name = Path(PASSWORD_FILE).name
        if _credential(name).exists() and _decrypt(name) == password:
            return False
        _encrypt(name, password)
        return True

    def settle(self) -> None:
        """Root has written in folders of the keeper's, and for the group of the three."""
        for folder in (self._state, self._settings.path(self._settings.paths.trust)):
            _give_back(folder)
        group = (self._settings.folder / "tls").stat().st_gid
        for path in (self._settings.folder / UNIT_FILE, *(self._settings.folder / "tls").glob("*.pem")):
            os.chown(path, 0, group)
            path.chmod(0o640)

    @staticmethod
    def _ring(name: str) -> KeyRing:
        return parse_keys(_credential(name), _decrypt(name), "unit")


def _give_back(folder: Path) -> None:
    """All that lies in it, to its owner."""
    owner = folder.stat()
    for path in folder.rglob("*"):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _credential(name: str) -> Path:
    return STORE / f"stillroom-{name}"


def _decrypt(name: str) -> bytes:
    path = _credential(name)
    return _creds(
        ["decrypt", f"--name={name}", str(path), "-"], b"", f"{path}: cannot be decrypted on this machine"
    )


def _encrypt(name: str, secret: bytes) -> None:
    """In the place of the one before, on the card when this returns."""
    said = f"'{name}' could not be encrypted for this machine"
    replace_file(_credential(name), _creds(["encrypt", f"--name={name}", "-", "-"], secret, said), 0o600)


def _creds(arguments: list[str], given: bytes, trouble: str) -> bytes:
    """Raises SetupError, StorageError."""
    try:
        done = subprocess.run(
            ["systemd-creds", *arguments], input=given, capture_output=True, check=False, timeout=_WITHIN_S
        )
    except FileNotFoundError:
        raise SetupError(f"{trouble}: systemd-creds is not here (systemd 250 or newer)") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise StorageError(f"{trouble}: {said or 'systemd-creds says nothing'}")
    return done.stdout
