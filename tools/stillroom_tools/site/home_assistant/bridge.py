"""What Home Assistant is to be told, and when. It knows no broker: it is given what happened, and gives messages.

Home Assistant subscribes to an entity's topic up to a second after it has read its discovery, and what was said in
between is lost; so a device is announced, and told only after `SETTLE_S`. All is said again whenever Home Assistant
says that it has started, and whenever the connection is new: its broker may have kept nothing.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from stillroom.clock import NS_PER_S, Clock
from stillroom_tools.site.gateway.alert_forms import Alert
from stillroom_tools.site.gateway.rooms import Room
from stillroom_tools.site.home_assistant.device import (
    OFFLINE,
    ONLINE,
    Places,
    Values,
    alert_event,
    device,
    told,
)
from stillroom_tools.site.home_assistant.memory import Memory
from stillroom_tools.site.home_assistant.settings import HomeAssistantConfig

SETTLE_S = 1.0
REFRESH_S = 10.0
"""A value that stays as it is is told again so often: a third of the time after which Home Assistant forgets it."""
MOST_EVENTS = 1_000
"""That wait for a connection; the oldest go."""


class Message(NamedTuple):
    """One message for Home Assistant's broker."""

    topic: str
    payload: bytes
    retain: bool
    happened: bool = False
    """An event: it is said once, where all else is said again on each new connection."""


class _Device:
    """One unit at Home Assistant."""

    def __init__(self) -> None:
        self.settled_ns: int | None = None
        """When it may be told something; None: it is to be announced."""
        self.online: bool | None = None
        self.values: Values | None = None
        self.told_ns = 0


class Bridge:
    """Feed with `connected`, `home_started`, `look`; send what `due` gives, and say what was acknowledged."""

    def __init__(self, settings: HomeAssistantConfig, site: str, memory: Memory, clock: Clock) -> None:
        self._settings, self._memory, self._clock = settings, memory, clock
        self.places = Places(settings, site)
        self._devices: dict[str, _Device] = {}
        self._rooms: dict[str, Room] = {}
        self._events: deque[tuple[str, Message]] = deque(maxlen=MOST_EVENTS)
        self._leaving: set[str] = set()
        """Discovery topics for which an empty payload was said on this connection."""
        self._alerts_known: bool | None = None
        self._connected = self._greeted = False
        self._alerts_said: bool | None = None

    def connected(self, up: bool) -> None:
        """A connection to Home Assistant's broker began, or ended."""
        self._connected = up
        self.home_started()

    def home_started(self) -> None:
        """Home Assistant is there, and knows nothing yet; what it should forget it may not have heard either."""
        self._leaving.clear()
        self._greeted, self._alerts_said = False, None
        for unit in self._devices:
            self._devices[unit] = _Device()

    def look(self, rooms: Iterable[Room], alerts: tuple[Alert, ...] | None) -> None:
        """All rooms as they are known now, and the alerts that stand; None: nobody knows. Raises StorageError."""
        self._rooms = {room.unit: room for room in rooms}
        for unit in self._rooms.keys() - self._devices.keys():
            self._devices[unit] = _Device()
        for unit in self._devices.keys() - self._rooms.keys():
            del self._devices[unit]
        self._alerts_known = alerts is not None
        if alerts is None or "alerts" not in self._settings.tell:
            return
        for alert in self._memory.changes(alerts):
            if alert.unit in self._rooms:
                payload = msgspec.json.encode(alert_event(alert))
                message = Message(self.places.alert(alert.unit), payload, retain=False, happened=True)
                self._events.append((alert.unit, message))

    def acknowledged(self, topic: str) -> None:
        """The broker has what was said there last. Raises StorageError."""
        if topic in self._leaving:
            self._memory.forget(topic)

    @property
    def emptied(self) -> bool:
        """Nothing that Home Assistant was told of is left to be taken away."""
        return not self._memory.devices

    def due(self) -> Iterator[Message]:
        """What is to be said now, in this order. Raises StorageError."""
        if not self._connected:
            return
        yield from self._goodbyes()
        yield from self._greetings()
        now_ns = self._clock.mono_ns()
        for unit, entry in self._devices.items():
            if entry.settled_ns is None:
                entry.settled_ns = now_ns + round(SETTLE_S * NS_PER_S)
                yield self._announce(unit)
            elif now_ns >= entry.settled_ns:
                yield from self._values(unit, entry, now_ns)
        yield from self._happened(now_ns)

    def farewell(self) -> Message:
        """The last word of this process, which the broker says in its place where it dies."""
        return Message(self.places.bridge, OFFLINE, True)

    def _goodbyes(self) -> Iterator[Message]:
        """Devices of units that are enrolled no longer, or of another prefix: the empty payload takes them away."""
        here = {self.places.discovery(unit) for unit in self._devices}
        for topic in self._memory.devices:
            if topic not in here and topic not in self._leaving:
                self._leaving.add(topic)
                yield Message(topic, b"", True)

    def _greetings(self) -> Iterator[Message]:
        if not self._greeted:
            self._greeted = True
            yield Message(self.places.bridge, ONLINE, True)
        if self._alerts_known is not None and self._alerts_said != self._alerts_known:
            self._alerts_said = self._alerts_known
            yield Message(self.places.alerts, ONLINE if self._alerts_known else OFFLINE, True)

    def _announce(self, unit: str) -> Message:
        topic = self.places.discovery(unit)
        self._leaving.discard(topic)
        self._memory.announce(topic)
        return Message(topic, msgspec.json.encode(device(self._settings, self.places, unit)), True)

    def _values(self, unit: str, entry: _Device, now_ns: int) -> Iterator[Message]:
        """Values first where a unit comes back, and last where it goes: what Home Assistant shows is never old."""
        room = self._rooms[unit]
        online, values = room.presence == "live", told(self._settings, room)
        state = Message(self.places.state(unit), msgspec.json.encode(values), False)
        presence = Message(self.places.availability(unit), ONLINE if online else OFFLINE, True)
        changed = online != entry.online
        old = now_ns - entry.told_ns >= REFRESH_S * NS_PER_S
        if changed and not online:
            yield presence
        if values != entry.values or old:
            entry.values, entry.told_ns = values, now_ns
            yield state
        if changed and online:
            yield presence
        entry.online = online

    def _happened(self, now_ns: int) -> Iterator[Message]:
        waiting = list(self._events)
        self._events.clear()
        for unit, message in waiting:
            entry = self._devices.get(unit)
            if entry is None:
                continue
            if entry.settled_ns is not None and now_ns >= entry.settled_ns:
                yield message
            else:
                self._events.append((unit, message))
