"""A unit as a device of Home Assistant: one discovery payload with all its entities, and what each of them is told.

Device-based MQTT discovery, which Home Assistant knows from 2024.12 on. Identifiers are made of the names of site and
unit alone, so a room that is called otherwise, or a new authorisation, is the same device. A reading that is withheld
and a state that is unknown are null, which Home Assistant shows as "unknown": never the value before.
"""

from typing import Any, get_args

from msgspec import Struct
from msgspec.structs import replace

from stillroom import __version__
from stillroom.events import GateReason, RoomState, Snapshot
from stillroom.observation import Reading
from stillroom_tools.site.gateway import alert_forms
from stillroom_tools.site.gateway.rooms import Room
from stillroom_tools.site.home_assistant.settings import HomeAssistantConfig

EXPIRE_AFTER_S = 30
"""Home Assistant itself forgets a value so long after it was told last."""
ONLINE, OFFLINE = b"online", b"offline"
NOBODY_KNOWS: RoomState = "unknown"
STATES = tuple(state for state in get_args(RoomState) if state != NOBODY_KNOWS)
GATES = get_args(GateReason)
ALERT_STATES = get_args(alert_forms.State)

Payload = dict[str, Any]


class Values(Struct, frozen=True):
    """One message of a unit's state topic, as JSON. Null: not known now."""

    room: str | None = None
    state: RoomState | None = None
    occupancy: str | None = None
    sensing: GateReason | None = None
    breathing: float | None = None
    breathing_quality: float | None = None
    breathing_withheld: str | None = None
    pulse: float | None = None
    pulse_quality: float | None = None
    pulse_withheld: str | None = None


class Places:
    """The topics of one site at Home Assistant's broker."""

    def __init__(self, settings: HomeAssistantConfig, site: str) -> None:
        self._settings, self._site = settings, site
        self._base = f"{settings.topic_prefix}/{site}"

    @property
    def home(self) -> str:
        """Where Home Assistant says that it has started."""
        return f"{self._settings.discovery_prefix}/status"

    @property
    def bridge(self) -> str:
        """Whether this process is there. No unit has such a name: the names of parties begin with a letter or digit."""
        return f"{self._base}/-bridge"

    @property
    def alerts(self) -> str:
        """Whether a gateway runs, and so anybody knows the alerts."""
        return f"{self._base}/-alerts"

    def identity(self, unit: str) -> str:
        return f"stillroom-{self._site}-{unit}"

    def discovery(self, unit: str) -> str:
        return f"{self._settings.discovery_prefix}/device/{self.identity(unit)}/config"

    def state(self, unit: str) -> str:
        return f"{self._base}/{unit}/state"

    def availability(self, unit: str) -> str:
        return f"{self._base}/{unit}/availability"

    def alert(self, unit: str) -> str:
        return f"{self._base}/{unit}/alert"


def device(settings: HomeAssistantConfig, places: Places, unit: str) -> Payload:
    """The discovery payload of a unit."""
    identity = places.identity(unit)
    here = {"topic": places.bridge}
    return {
        "device": {
            "identifiers": [identity],
            "name": unit,
            "manufacturer": "Stillroom",
            "model": "room sensor",
        },
        "origin": {"name": "Stillroom", "sw_version": __version__},
        "availability": [here, {"topic": places.availability(unit)}],
        "availability_mode": "all",
        "state_topic": places.state(unit),
        "components": {
            name: _component(settings, places, unit, name, entity) for name, entity in _entities().items()
        },
    }


def _component(
    settings: HomeAssistantConfig, places: Places, unit: str, name: str, entity: Payload
) -> Payload:
    """An entity, or, where it is not to be told, its platform alone: that takes it away where it was there."""
    if name not in (*settings.tell, "sensing"):
        return {"platform": entity["platform"]}
    unique = {"unique_id": f"{places.identity(unit)}-{name}", "name": name}
    if name == "alerts":
        known = [{"topic": places.bridge}, {"topic": places.alerts}]
        return entity | unique | {"state_topic": places.alert(unit), "availability": known}
    attributes = (
        {"json_attributes_topic": places.state(unit)} if entity.get("json_attributes_template") else {}
    )
    return entity | unique | attributes | {"expire_after": EXPIRE_AFTER_S}


def _entities() -> dict[str, Payload]:
    return {
        "occupancy": {
            "platform": "binary_sensor",
            "device_class": "occupancy",
            "value_template": "{{ value_json.occupancy }}",
        },
        "state": {
            "platform": "sensor",
            "device_class": "enum",
            "options": list(STATES),
            "value_template": "{{ value_json.state }}",
            "json_attributes_template": "{{ {'room': value_json.room} | tojson }}",
        },
        "sensing": {
            "platform": "sensor",
            "device_class": "enum",
            "options": list(GATES),
            "entity_category": "diagnostic",
            "value_template": "{{ value_json.sensing }}",
        },
        "breathing": _rate("breathing", "breaths/min", "mdi:lungs"),
        "pulse": _rate("pulse", "bpm", "mdi:heart-pulse"),
        "alerts": {"platform": "event", "event_types": list(ALERT_STATES), "icon": "mdi:alert"},
    }


def _rate(name: str, unit: str, icon: str) -> Payload:
    return {
        "platform": "sensor",
        "unit_of_measurement": unit,
        "state_class": "measurement",
        "suggested_display_precision": 0,
        "icon": icon,
        "value_template": f"{{{{ value_json.{name} }}}}",
        "json_attributes_template": (
            f"{{{{ {{'quality': value_json.{name}_quality, 'withheld': value_json.{name}_withheld}} | tojson }}}}"
        ),
    }


def told(settings: HomeAssistantConfig, room: Room) -> Values:
    """What is known of a room now, of that which is to be told; nothing of one that is silent, late or waited for."""
    snapshot = room.snapshot if room.presence == "live" else None
    if snapshot is None:
        return Values()
    state = _state(snapshot)
    values = Values(
        room=room.name,
        state=state if "state" in settings.tell else None,
        occupancy=_occupancy(state) if "occupancy" in settings.tell else None,
        sensing=snapshot.gate,
    )
    for name, reading, digits in (("breathing", snapshot.breathing, 1), ("pulse", snapshot.pulse, 0)):
        if name in settings.tell and snapshot.gate == "open":
            values = replace(values, **_reading(name, reading, digits))
    return values


def _reading(name: str, reading: Reading, digits: int) -> Payload:
    return {
        name: _rounded(reading.value, digits),
        f"{name}_quality": _rounded(reading.quality, 2),
        f"{name}_withheld": reading.withheld,
    }


def _state(snapshot: Snapshot) -> RoomState | None:
    return snapshot.state if snapshot.gate == "open" and snapshot.state != NOBODY_KNOWS else None


def _occupancy(state: RoomState | None) -> str | None:
    return None if state is None else "OFF" if state == "empty" else "ON"


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def alert_event(alert: alert_forms.Alert) -> Payload:
    """What happened to an alert; who did it stays at the gateway, and so does the unit's evidence."""
    return {
        "event_type": alert.state,
        "kind": alert.kind,
        "priority": alert.priority,
        "technical": alert.technical,
        "present": alert.present,
        "count": alert.count,
        "room": alert.room,
    }
