"""A room as a tile of the page: plain words and codes, which one template makes HTML of.

Two faces: `persons` for those who may know of whoever is there; without, it is what the unit says of itself.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stillroom.observation import Reading
from stillroom_tools.site.gateway.alert_book import urgency, words
from stillroom_tools.site.gateway.alert_forms import PRIORITIES, Alert, Priority
from stillroom_tools.site.gateway.rooms import Room
from stillroom_tools.site.room_words import Kind, Said, Tone, notes, say, spoken, sure_percent

ROUNDED_MS = 1_000
"""Times of a tile are to the second, so that jitter is no change."""


@dataclass(frozen=True)
class Rate:
    """Breathing or pulse: a value with its quality, or the one reason why there is none."""

    value: str = ""
    sure: int | None = None
    withheld: str = ""


@dataclass(frozen=True)
class Standing:
    """An alert that is not cleared. `stamp` tells this state of it from the one before."""

    unit: str
    room: str
    kind: str
    title: str
    priority: Priority
    sounding: bool
    state: str
    owner: str
    first_ms: int
    until_ms: int
    """When a silence ends; 0 where it sounds."""
    stamp: int
    why: str


@dataclass(frozen=True)
class Tile:
    """What is shown of one room. Times are UTC in ms of this machine."""

    unit: str
    name: str
    kind: Kind | Literal["sensing"]
    word: str
    tone: Tone
    since_ms: int | None
    """None where nobody can tell."""
    because: str
    breathing: Rate | None
    """None where nothing of it may stand there now."""
    pulse: Rate | None
    recorded: bool
    notes: tuple[str, ...]
    alerts: tuple[Standing, ...] | None
    """The most urgent first; None where nobody here knows."""


def tile(room: Room, now_ms: int, *, persons: bool, recorded: bool = False) -> Tile:
    """Of a room as it is known now."""
    said = say(room, now_ms)
    kind, word, tone = (said.kind, said.state, said.tone) if persons else _own(said)
    since_ms = None if said.for_ms is None else (now_ms - said.for_ms) // ROUNDED_MS * ROUNDED_MS
    rates = said.sensed and persons and room.snapshot is not None
    return Tile(
        unit=room.unit,
        name=room.name,
        kind=kind,
        word=word,
        tone=tone,
        since_ms=since_ms if persons or not said.sensed else None,
        because=said.because,
        breathing=_rate(room.snapshot.breathing, 1) if rates and room.snapshot else None,
        pulse=_rate(room.snapshot.pulse, 0) if rates and room.snapshot else None,
        recorded=recorded,
        notes=tuple(notes(room)),
        alerts=None if room.alerts is None else tuple(_seen(room.alerts, persons)),
    )


def standing(rooms: Sequence[Room], strays: Sequence[Alert], *, persons: bool) -> list[Standing]:
    """The alerts of all rooms and of units that are enrolled no longer, the most urgent first."""
    found = [alert for room in rooms for alert in room.alerts or ()] + list(strays)
    return _seen(sorted(found, key=urgency), persons)


def counts(tiles: Sequence[Tile], alerts: Sequence[Standing]) -> list[str]:
    """`8 rooms`, `3 dark`, `2 high`: the head of the page, in words."""
    kinds = Counter(one.kind for one in tiles)
    apart = sum(kinds[kind] for kind in ("silent", "late", "dark", "paused", "waiting"))
    said = [f"{len(tiles)} room{'' if len(tiles) == 1 else 's'}", f"{len(tiles) - apart} sensing"]
    said += [
        f"{kinds[kind]} {kind}" for kind in ("silent", "late", "dark", "paused", "waiting") if kinds[kind]
    ]
    by_priority = Counter(alert.priority for alert in alerts)
    return said + [
        f"{by_priority[one]} {one} alert{'s' if by_priority[one] > 1 else ''}"
        for one in PRIORITIES
        if by_priority[one]
    ]


def loudest(alerts: Sequence[Standing]) -> Priority | None:
    """The most urgent priority that sounds."""
    return next((alert.priority for alert in alerts if alert.sounding), None)


def stamp_of(alert: Alert) -> int:
    """When it last became what it is: tells what somebody saw from what it has become since."""
    return max(alert.raised_ms, alert.set_ms)


def _own(said: Said) -> tuple[Kind | Literal["sensing"], str, Tone]:
    """What the unit says of itself: nothing of whoever is there."""
    if said.sensed:
        return "sensing", "sensing", "calm"
    return said.kind, "SILENT" if said.kind == "silent" else said.state, said.tone


def _seen(alerts: Sequence[Alert], persons: bool) -> list[Standing]:
    return [_standing(alert) for alert in alerts if persons or alert.technical or alert.kind == "unit-silent"]


def _standing(alert: Alert) -> Standing:
    return Standing(
        unit=alert.unit,
        room=alert.room or alert.unit,
        kind=alert.kind,
        title=spoken(alert.kind),
        priority=alert.priority,
        sounding=alert.sounding,
        state=words(alert),
        owner=alert.owner,
        first_ms=alert.first_ms,
        until_ms=alert.until_ms if alert.owner else 0,
        stamp=stamp_of(alert),
        why=alert.why,
    )


def _rate(reading: Reading, digits: int) -> Rate:
    if reading.value is None:
        return Rate(withheld=spoken(reading.withheld or "unknown"))
    return Rate(f"{reading.value:.{digits}f}", sure_percent(reading))
