"""The unit's own keys: that they are there, and this unit's."""

from pathlib import Path

from stillroom import credentials, keys
from stillroom.config import UnitConfig
from stillroom.errors import TrustError


def own_keys(settings: UnitConfig) -> keys.KeyRing:
    """The unit's keys. Raises TrustError where they are another unit's: papers and topics would not fit them."""
    folder = credentials.locate(settings.path(settings.paths.keys) / keys.UNIT_KEY_FILE).parent
    ring = keys.load_unit_keys(folder)
    check_own(settings, ring, folder / keys.UNIT_KEY_FILE)
    return ring


def check_own(settings: UnitConfig, ring: keys.KeyRing, path: Path) -> None:
    """path: where they were found. Raises TrustError where they are another unit's."""
    if (ring.site, ring.name) != (settings.site, settings.unit):
        raise TrustError(
            f"{path}: the key of unit '{ring.name}' of site '{ring.site}', but the "
            f"configuration is of unit '{settings.unit}' of site '{settings.site}': put the unit's own key there, "
            "or correct 'unit'"
        )
