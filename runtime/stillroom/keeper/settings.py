"""What the authority may change of a unit from afar, as it lies in the trust folder: verified, and applied at once.

The unit's own file says how it was installed; the newest configuration stands over it, whole. Which keys there are, and
why no others, is in `orders.Configuration`.
"""

from pathlib import Path

from msgspec.structs import replace

from stillroom import outline
from stillroom.clock import MS_PER_S
from stillroom.config import Polygon, UnitConfig
from stillroom.documents import read_document
from stillroom.errors import TrustError
from stillroom.files import file_stamp
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.roster import load_authority
from stillroom.orders import Configuration, Outline

CONFIGURATION_FILE = "configuration.note"
CONFIGURATION_VERSION = "configuration_version"
"""Under which the unit remembers the highest version that it accepted."""
_WHOLE = 1000
"""Thousandths, of which a corner's place is told in."""


def load_configuration(trust_dir: Path, unit: str, newest_version: int) -> Configuration | None:
    """The one in force; None where there never was one. `newest_version`: the highest ever accepted.

    Raises TrustError: forged, for another unit, older than one that was accepted, or gone.
    """
    path = trust_dir / CONFIGURATION_FILE
    if not path.exists():
        if newest_version:
            raise TrustError(f"{path}: is gone, but version {newest_version} was accepted: put it back")
        return None
    authority = load_authority(trust_dir)
    found = read_document(path, Configuration, [authority])
    if (found.site, found.unit) != (authority.site, unit):
        raise TrustError(f"{path}: for unit '{found.site}/{found.unit}', not for this one")
    if found.version < newest_version:
        raise TrustError(f"{path}: version {found.version}, but {newest_version} was accepted before")
    for name, drawn in (("bed", found.bed), ("floor", found.floor)):
        wrong = None if drawn is None else outline.fault(corners(drawn))
        if wrong:
            raise TrustError(f"{path}: key 'zones.{name}': {wrong}")
    return found


class ConfigurationWatch:
    """The configuration in force, looked at again when its file has changed. `poll` twice a second."""

    def __init__(self, trust_dir: Path, installed: UnitConfig, outbox: Outbox) -> None:
        self._folder, self._installed, self._outbox = trust_dir, installed, outbox
        self._stamp: object = ...
        self._refusal: TrustError | None = None
        self.version = 0
        """Of the one in force since this start; 0: as installed."""

    def poll(self) -> UnitConfig | None:
        """The settings as they are from now on, where they are others than before; else None.

        Raises TrustError, each time: what is there cannot be accepted; the settings stay as they were.
        """
        stamp = file_stamp(self._folder / CONFIGURATION_FILE)
        if stamp != self._stamp:
            self._stamp, self._refusal = stamp, None
            return self._read()
        if self._refusal is not None:
            raise self._refusal
        return None

    def _read(self) -> UnitConfig | None:
        newest = self._outbox.recall(CONFIGURATION_VERSION)
        try:
            found = load_configuration(self._folder, self._installed.unit, newest)
        except TrustError as error:
            self._refusal = error
            raise
        if found is None or found.version == self.version:
            return None
        self.version = found.version
        self._outbox.remember(CONFIGURATION_VERSION, found.version, lasting=True)
        return applied(self._installed, found)


def applied(installed: UnitConfig, changes: Configuration | None) -> UnitConfig:
    """The unit's settings with these changes; what is None in them stays as installed."""
    if changes is None:
        return installed
    room, zones, outbox = installed.room, installed.zones, installed.outbox
    return replace(
        installed,
        room=replace(
            room,
            enter_dwell_s=_seconds(changes.enter_dwell_ms, room.enter_dwell_s),
            bed_dwell_s=_seconds(changes.bed_dwell_ms, room.bed_dwell_s),
            leave_dwell_s=_seconds(changes.leave_dwell_ms, room.leave_dwell_s),
        ),
        zones=replace(
            zones, bed=_polygon(changes.bed, zones.bed), floor=_polygon(changes.floor, zones.floor)
        ),
        outbox=replace(
            outbox, summary_s=outbox.summary_s if changes.summary_s is None else float(changes.summary_s)
        ),
    )


def _seconds(changed_ms: int | None, installed_s: float) -> float:
    return installed_s if changed_ms is None else changed_ms / MS_PER_S


def _polygon(changed: Outline | None, installed: Polygon | None) -> Polygon | None:
    return installed if changed is None else corners(changed)


def corners(changed: Outline) -> Polygon:
    """As shares of the picture."""
    return tuple((x / _WHOLE, y / _WHOLE) for x, y in changed)
