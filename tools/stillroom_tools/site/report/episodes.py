"""Alerts from when they were raised to when they were cleared, out of the lines that the gateway keeps."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import Struct

from stillroom_tools.site.gateway.alert_book import AlertLine
from stillroom_tools.site.gateway.alert_forms import PRIORITIES, SILENT, Priority, What


class Deed(Struct, frozen=True):
    """Somebody did something about an alert."""

    what: What | None
    """None: it was kept by a version that did not keep what."""
    by: str
    at_ms: int


class Phase(Struct, frozen=True):
    """From then to then it sounded (no owner), or was silent and this person's. None: it is so still."""

    from_ms: int
    until_ms: int | None
    owner: str


class Episode(Struct, frozen=True):
    """One alert, raised and (but for None) cleared. Times are UTC of the gateway, in ms."""

    unit: str
    room: str
    kind: str
    priority: Priority
    """The highest that it had."""
    technical: bool
    raised_ms: int
    cleared_ms: int | None
    why: str
    again: int
    """How often it was re-raised."""
    escalated_ms: int | None
    deeds: tuple[Deed, ...]
    phases: tuple[Phase, ...]

    @property
    def taken_on(self) -> Deed | None:
        """The first that anybody did about it: he acknowledged, paused or attended it."""
        return self.deeds[0] if self.deeds else None

    @property
    def attended(self) -> Deed | None:
        """The first time that somebody said he was in the room."""
        return next((deed for deed in self.deeds if deed.what == "attend"), None)


@dataclass
class _Open:
    first: AlertLine
    priority: Priority
    again: int = 0
    escalated_ms: int | None = None
    deeds: list[Deed] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    owner: str = ""
    since_ms: int = 0

    def take(self, line: AlertLine) -> None:
        self.priority = min(self.priority, line.priority, key=PRIORITIES.index)
        self.again += line.what == "re-raised"
        if line.what == "escalated" and self.escalated_ms is None:
            self.escalated_ms = line.at_ms
        if line.act is not None:
            self.deeds.append(Deed(line.act, line.by, max(line.act_ms, self.first.at_ms)))
        elif line.what in SILENT and line.owner != self.owner:
            self.deeds.append(Deed(None, line.owner, line.at_ms))
        if line.owner != self.owner or line.what == "cleared":
            self.phases.append(Phase(self.since_ms, max(line.at_ms, self.since_ms), self.owner))
            self.owner, self.since_ms = line.owner, line.at_ms

    def episode(self, cleared_ms: int | None) -> Episode:
        first = self.first
        phases = (
            self.phases if cleared_ms is not None else [*self.phases, Phase(self.since_ms, None, self.owner)]
        )
        return Episode(
            first.unit,
            first.room,
            first.kind,
            self.priority,
            first.technical,
            first.at_ms,
            cleared_ms,
            first.why,
            self.again,
            self.escalated_ms,
            tuple(self.deeds),
            tuple(phases),
        )


def episodes(lines: Iterable[AlertLine]) -> list[Episode]:
    """In the order in which they were raised. lines: of any units, each unit's in its order."""
    standing: dict[tuple[str, str], _Open] = {}
    found = []
    for line in lines:
        key = (line.unit, line.kind)
        one = standing.setdefault(key, _Open(line, line.priority, since_ms=line.at_ms))
        one.take(line)
        if line.what == "cleared":
            found.append(standing.pop(key).episode(line.at_ms))
    found += [one.episode(None) for one in standing.values()]
    return sorted(found, key=lambda each: (each.raised_ms, each.unit, each.kind))
