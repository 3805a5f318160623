"""What the authority may change of a unit from afar, as it lies in the trust folder: verified, and applied at once.

The unit's own file says how it was installed; the newest configuration stands over it, whole. Which keys there are, and
why no others, is in `orders.Configuration`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from stillroom import outline
from stillroom.clock import MS_PER_S
from stillroom.config import Polygon, UnitConfig
from stillroom.config_conditions import KEYS
from stillroom.config_technical import TECHNICAL
from stillroom.config_together import faults_together, said
from stillroom.config_words import explain
from stillroom.documents import KINDS, read_document
from stillroom.errors import ConfigError, StorageError, TrustError
from stillroom.files import file_stamp, read_bounded, replace_file
from stillroom.hashes import digest
from stillroom.keeper.outbox import Outbox
from stillroom.note_reading import encode
from stillroom.orders import ConditionRows, Configuration, Outline, RoomConditions
from stillroom.permits import authority_of

CONFIGURATION_FILE = "configuration.note"
CONFIGURATION_VERSION = "configuration_version"
"""Under which the unit remembers the highest version that it accepted."""
KEPT_FILE = "configuration.kept.note"
"""A copy of the last one that passed its trial."""
KEPT, FAILED, ON_TRIAL = "configuration_kept", "configuration_failed", "configuration_on_trial"
"""Versions that the unit remembers; 0: none."""
S = TypeVar("S", bound=msgspec.Struct)
_WHOLE = 1000
"""Thousandths, of which a corner's place is told in."""


def load_configuration(
    trust_dir: Path, installed: UnitConfig, newest_version: int, file: str = CONFIGURATION_FILE
) -> Configuration | None:
    """The one in force; None where there never was one. `newest_version`: the highest ever accepted.

    Raises TrustError: forged, for another unit, older than one that was accepted, gone, or not to be applied.
    """
    path = trust_dir / file
    if not path.exists():
        if newest_version:
            raise TrustError(f"{path}: is gone, but version {newest_version} was accepted: put it back")
        return None
    authority = authority_of(installed)
    found = read_document(path, Configuration, [authority])
    if (found.site, found.unit) != (authority.site, installed.unit):
        raise TrustError(f"{path}: for unit '{found.site}/{found.unit}', not for this one")
    if found.version < newest_version:
        raise TrustError(f"{path}: version {found.version}, but {newest_version} was accepted before")
    try:
        check(installed, found)
    except ConfigError as error:
        raise TrustError(f"{path}: {error}") from None
    return found


class ConfigurationWatch:
    """The configuration in force, looked at again when its file has changed. `poll` twice a second.

    One that is new is on trial (`trial.py`): `keep` it or `roll_back`. Both last over a restart; one whose trial had
    not ended when the unit fell over is rolled back at the next start.
    """

    def __init__(self, trust_dir: Path, installed: UnitConfig, outbox: Outbox) -> None:
        self._folder, self._installed, self._outbox = trust_dir, installed, outbox
        self._stamp: object = ...
        self._found: Configuration | None = None
        self._note = b""
        self._applied, self._room = installed, ""
        self.refusal: TrustError | None = None
        """Why what is there is not in force; the settings stay as they were."""
        self.version = 0
        """Of the one in force since this start; 0: as installed."""
        self.hash = b""
        """Of what it says; empty: as installed."""
        self._fell_over = outbox.recall(ON_TRIAL)

    def poll(self, room: str) -> UnitConfig | None:
        """The settings as they are from now on in this room, where they are others than before; else None."""
        stamp = file_stamp(self._folder / CONFIGURATION_FILE)
        if stamp != self._stamp:
            self._stamp, self.refusal = stamp, None
            self._read()
        version = self._found.version if self._found else 0
        if (version, room) == (self.version, self._room):
            return None
        settings, before = applied(self._installed, self._found, room), (self.version, self._applied)
        self.version, self._room, self._applied = version, room, settings
        self.hash = b"" if self._found is None else hash_of(self._found)
        return settings if (version, settings) != before else None

    @property
    def is_new(self) -> bool:
        """The one in force was never kept: it is on trial, and that is on the card when this returns."""
        if self.version == 0 or self.version == self._outbox.recall(KEPT):
            return False
        self._outbox.remember(ON_TRIAL, self.version, lasting=True)
        return True

    def keep(self) -> None:
        """It has passed its trial: from now on it is what a later one is rolled back to."""
        try:
            replace_file(self._folder / KEPT_FILE, self._note)
        except StorageError:  # without it a later one is rolled back to what was installed
            self._outbox.remember(KEPT, 0, lasting=True)
        else:
            self._outbox.remember(KEPT, self.version, lasting=True)
        self.rest()

    def rest(self) -> None:
        """A stop in good order: at the next start its trial begins anew."""
        self._outbox.remember(ON_TRIAL, 0, lasting=True)

    def roll_back(self, why: str) -> None:
        """The one before is in force at the next `poll`, and this version never again."""
        self._outbox.remember(FAILED, self.version, lasting=True)
        self.rest()
        self._refuse(self.version, why)

    def _refuse(self, version: int, why: str) -> None:
        self.refusal = RolledBack(
            f"configuration {version} was rolled back: {why}: sign another, higher version"
        )
        self._found = self._kept()

    def _read(self) -> None:
        newest = self._outbox.recall(CONFIGURATION_VERSION)
        try:
            found = load_configuration(self._folder, self._installed, newest)
        except TrustError as error:
            self.refusal = error
            return
        if found is None:
            return
        self._outbox.remember(CONFIGURATION_VERSION, found.version, lasting=True)
        if found.version == self._fell_over:
            self._outbox.remember(FAILED, found.version, lasting=True)
            self.rest()
            self._fell_over = 0
        if found.version == self._outbox.recall(FAILED):
            self._refuse(found.version, "it did not pass its trial")
        else:
            self._found, self._note = found, read_bounded(self._folder / CONFIGURATION_FILE)

    def _kept(self) -> Configuration | None:
        """The last one that passed its trial; None: as installed."""
        version = self._outbox.recall(KEPT)
        try:
            found = load_configuration(self._folder, self._installed, 0, KEPT_FILE) if version else None
        except TrustError:
            return None
        return found if found is not None and found.version == version else None


class RolledBack(TrustError):
    """A configuration that was accepted, and did not pass its trial."""


def hash_of(changes: Configuration) -> bytes:
    """32 bytes, the same at the unit and at whoever has signed it."""
    return digest(b"stillroom/1 configuration", encode(KINDS[Configuration], changes))


def check(installed: UnitConfig, changes: Configuration) -> None:
    """Raises ConfigError (key, value, what is allowed): these changes cannot be applied to this unit."""
    for name, drawn in (("bed", changes.bed), ("floor", changes.floor)):
        wrong = None if drawn is None else outline.fault(corners(drawn))
        if wrong:
            raise ConfigError(f"key 'zones.{name}': {wrong}")
    whole = applied(installed, changes, changes.conditions.room if changes.conditions else "")
    for key, wrong in faults_together(whole):
        raise ConfigError(said(key, wrong))


def applied(installed: UnitConfig, changes: Configuration | None, room: str) -> UnitConfig:
    """The unit's settings with these changes in this room; what is None in them stays as installed."""
    if changes is None:
        return installed
    if changes.conditions is not None and changes.conditions.room == room:
        installed = _with_conditions(installed, changes.conditions)
    of_room, zones, outbox = installed.room, installed.zones, installed.outbox
    return replace(
        installed,
        room=replace(
            of_room,
            enter_dwell_s=_seconds(changes.enter_dwell_ms, of_room.enter_dwell_s),
            bed_dwell_s=_seconds(changes.bed_dwell_ms, of_room.bed_dwell_s),
            leave_dwell_s=_seconds(changes.leave_dwell_ms, of_room.leave_dwell_s),
        ),
        zones=replace(
            zones, bed=_polygon(changes.bed, zones.bed), floor=_polygon(changes.floor, zones.floor)
        ),
        outbox=replace(
            outbox, summary_s=outbox.summary_s if changes.summary_s is None else float(changes.summary_s)
        ),
    )


def _with_conditions(installed: UnitConfig, given: RoomConditions) -> UnitConfig:
    """Raises ConfigError: a condition that there is not, or a row that it cannot have."""
    tables: dict[str, dict[str, Any]] = {"conditions": {}, "technical": {}}
    if given.time_zone is not None:
        tables["conditions"]["time_zone"] = given.time_zone
    for one in given.each:
        key = one.condition.replace("-", "_")
        if one.condition not in TECHNICAL and key not in KEYS:
            raise ConfigError(f"condition '{one.condition}': this unit knows no such condition")
        tables["technical" if one.condition in TECHNICAL else "conditions"][key] = _rows(one)
    try:
        raw = {"site": installed.site, "unit": installed.unit, **tables}
        found = msgspec.convert(raw, UnitConfig, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(explain(str(error), raw, UnitConfig)) from None
    return replace(
        installed,
        conditions=_changed(installed.conditions, found.conditions, tables["conditions"]),
        technical=_changed(installed.technical, found.technical, tables["technical"]),
    )


def _rows(one: ConditionRows) -> list[dict[str, Any]]:
    """As they stand in `unit.toml`."""
    return [
        {"level": row.level, "after_s": row.after_ms / MS_PER_S, "from": row.start, "until": row.until}
        for row in one.rows
    ]


def _changed(installed: S, found: S, names: Iterable[str]) -> S:
    return replace(installed, **{name: getattr(found, name) for name in names})


def _seconds(changed_ms: int | None, installed_s: float) -> float:
    return installed_s if changed_ms is None else changed_ms / MS_PER_S


def _polygon(changed: Outline | None, installed: Polygon | None) -> Polygon | None:
    return installed if changed is None else corners(changed)


def corners(changed: Outline) -> Polygon:
    """As shares of the picture."""
    return tuple((x / _WHOLE, y / _WHOLE) for x, y in changed)
