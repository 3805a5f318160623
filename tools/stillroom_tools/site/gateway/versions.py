"""Which software and which configuration each unit tells that it has, beside what it should have.

Two alarms: `software-behind`, an older version than another unit of the site runs; `configuration-differs`, another one
in force than the newest that was signed for it, some while after that was. They stand until the unit tells otherwise.
"""

import re
from collections.abc import Callable, Iterable

from stillroom.clock import MS_PER_S, Clock
from stillroom.document_forms import to_ms
from stillroom.errors import TrustError
from stillroom.events import Entry, Telemetry
from stillroom.files import Stamp, file_stamp
from stillroom.keeper.settings import hash_of
from stillroom.orders import Configuration
from stillroom_tools.site.gateway.notices import Notice
from stillroom_tools.site.layout import Site

GRACE_MS = 10 * 60 * MS_PER_S
"""From its signature on: a gateway tells a unit within seconds, but somebody may carry the file."""
BEHIND, DIFFERS = "software-behind", "configuration-differs"


class Signed:
    """The newest configuration that was signed for each unit, read again when its file has changed."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._known: dict[str, tuple[Stamp | None, Configuration | None]] = {}

    def of(self, unit: str) -> Configuration | None:
        """None: none was ever signed, or it cannot be read."""
        stamp = file_stamp(self._site.configurations_dir / f"{unit}.note")
        known = self._known.get(unit)
        if known is None or known[0] != stamp:
            try:
                found = self._site.configuration(unit) if stamp else None
            except TrustError:
                found = None
            known = self._known[unit] = (stamp, found)
        return known[1]


class Versions:
    """Feed with `take`; `of` and `news` now and then."""

    def __init__(self, signed: Callable[[str], Configuration | None], clock: Clock) -> None:
        self._signed, self._clock = signed, clock
        self._told: dict[str, Telemetry] = {}
        self._said: dict[str, frozenset[str]] = {}

    def enrol(self, units: Iterable[str]) -> None:
        """Expect these alone: of one that has gone, nobody is behind."""
        self._told = {unit: told for unit, told in self._told.items() if unit in set(units)}

    def take(self, unit: str, entries: Iterable[Entry]) -> None:
        """What a record brought; what came late does not take the place of what is newer."""
        for entry in entries:
            if isinstance(entry.event, Telemetry):
                self.remember(unit, entry.event)

    def remember(self, unit: str, telemetry: Telemetry) -> None:
        """What was known before, too."""
        known = self._told.get(unit)
        if known is None or telemetry.until_ms >= known.until_ms:
            self._told[unit] = telemetry

    def of(self, unit: str) -> dict[str, int]:
        """The alarms that stand for this unit."""
        told = self._told.get(unit)
        if told is None:
            return {}
        newest = max((number(one.software) for one in self._told.values()), default=())
        found = {BEHIND: 1} if number(told.software) < newest else {}
        return found | ({DIFFERS: 1} if self._differs(unit, told) else {})

    def _differs(self, unit: str, told: Telemetry) -> bool:
        signed = self._signed(unit)
        if signed is None:
            return told.configuration > 0
        if (told.configuration, told.configuration_hash) == (signed.version, hash_of(signed)):
            return False
        return self._clock.utc_ms() > to_ms(signed.at) + GRACE_MS

    def news(self) -> list[Notice]:
        """One for each alarm that has begun since it was asked last."""
        found = []
        for unit in sorted(self._told):
            alarms = frozenset(self.of(unit))
            for alarm in sorted(alarms - self._said.get(unit, frozenset())):
                text = f"ALARM: unit {unit}: {alarm}: {self._words(unit, alarm)}"
                found.append(Notice("alarm", self._clock.utc_ms(), unit, alarm, 1, text))
            self._said[unit] = alarms
        return found

    def _words(self, unit: str, alarm: str) -> str:
        told = self._told[unit]
        if alarm == BEHIND:
            return f"it runs {told.software}, and others of this site a newer version: bring it up to date"
        signed = self._signed(unit)
        wanted = "none was signed here" if signed is None else f"version {signed.version} was signed for it"
        return f"version {told.configuration} is in force, and {wanted}: look at its conditions, and send it again"


def number(version: str) -> tuple[int, ...]:
    """`0.10.2` as numbers, so that it is more than `0.9`."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", version))
