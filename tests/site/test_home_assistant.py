"""What Home Assistant is told, and when: by a clock moved by hand, and no broker."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from parties import HandClock, body

from stillroom.errors import ConfigError
from stillroom.observation import Reading
from stillroom_tools.site.gateway.alert_forms import Alert
from stillroom_tools.site.gateway.rooms import Presence, Room
from stillroom_tools.site.home_assistant.bridge import Bridge, Message
from stillroom_tools.site.home_assistant.device import Places, device, told
from stillroom_tools.site.home_assistant.memory import FILE, Memory
from stillroom_tools.site.home_assistant.settings import HomeAssistantConfig

SETTINGS = HomeAssistantConfig(enabled=True, broker="mqtt://127.0.0.1")
PLACES = Places(SETTINGS, "ward")
SECOND = timedelta(seconds=1)
SNAPSHOT = msgspec.structs.replace(body().snapshot, breathing=Reading(15.24, 0.934, None, "cells", 30.0))
CONFIG = "homeassistant/device/stillroom-ward-u-1/config"
STATE, AVAILABLE = "stillroom-clear/ward/u-1/state", "stillroom-clear/ward/u-1/availability"
ALERT = "stillroom-clear/ward/u-1/alert"


def room(presence: Presence = "live", unit: str = "u-1", **changes: object) -> Room:
    return Room(unit, presence, 0, 0, 0, msgspec.structs.replace(SNAPSHOT, **changes))


def alert(state: str = "raised", kind: str = "on-floor", **changes: object) -> Alert:
    plain = {
        "unit": "u-1",
        "room": "room-1",
        "kind": kind,
        "priority": "high",
        "state": state,
        "present": True,
    }
    return msgspec.convert(plain | {"number": 1, "owner": "nurse-a", "why": "floor 0.71"} | changes, Alert)


class Home:
    """A bridge, and what it said since the last look."""

    def __init__(self, folder: Path, settings: HomeAssistantConfig = SETTINGS) -> None:
        self.clock = HandClock()
        self.bridge = Bridge(settings, "ward", Memory(folder), self.clock)
        self.bridge.connected(True)

    def said(
        self, *rooms: Room, alerts: tuple[Alert, ...] | None = (), after: timedelta = SECOND
    ) -> list[Message]:
        self.clock.pass_time(after)
        self.bridge.look(rooms, alerts)
        return list(self.bridge.due())


def topics(messages: list[Message]) -> list[str]:
    return [message.topic for message in messages]


def of(messages: list[Message], topic: str) -> Any:
    (found,) = [message for message in messages if message.topic == topic]
    return json.loads(found.payload)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_device_is_announced_first_and_told_a_second_later(home: Home) -> None:
    first = home.said(room())
    assert topics(first) == ["stillroom-clear/ward/-bridge", "stillroom-clear/ward/-alerts", CONFIG]
    assert [message.retain for message in first] == [True, True, True]
    assert home.said(room(), after=SECOND / 2) == []
    then = home.said(room(), after=SECOND / 2)
    assert topics(then) == [STATE, AVAILABLE]
    assert [message.retain for message in then] == [False, True]


def test_nothing_is_said_without_a_connection(home: Home) -> None:
    home.bridge.connected(False)
    assert home.said(room()) == home.said(room()) == []
    home.bridge.connected(True)
    assert CONFIG in topics(home.said(room()))


def test_all_is_said_again_when_home_assistant_has_started(home: Home) -> None:
    home.said(room()), home.said(room())
    home.bridge.home_started()
    assert topics(home.said(room()))[-1] == CONFIG
    assert topics(home.said(room())) == [STATE, AVAILABLE]


def test_a_value_that_stays_is_told_again_before_it_expires(home: Home) -> None:
    home.said(room()), home.said(room())
    told_after = [second for second in range(1, 31) if STATE in topics(home.said(room()))]
    assert told_after == [10, 20, 30]
    expires = json.loads(home_config(home))["components"]["breathing"]["expire_after"]
    assert expires > 2 * 10


def home_config(home: Home) -> bytes:
    return msgspec.json.encode(device(SETTINGS, PLACES, "u-1"))


def test_what_is_not_known_is_null_and_never_the_value_before(home: Home) -> None:
    home.said(room())
    before = of(home.said(room()), STATE)
    assert before["breathing"] == 15.2 and before["state"] == "in-bed" and before["occupancy"] == "ON"
    withheld = of(home.said(room(breathing=Reading(None, None, "motion"))), STATE)
    assert (withheld["breathing"], withheld["breathing_quality"], withheld["breathing_withheld"]) == (
        None, None, "motion",
    )  # fmt: skip
    unknown = of(home.said(room(state="unknown")), STATE)
    assert unknown["state"] is None and unknown["occupancy"] is None
    dark = of(home.said(room(gate="paused")), STATE)
    assert dark["sensing"] == "paused"
    assert {key for key, value in dark.items() if value is not None} == {"room", "sensing"}


@pytest.mark.parametrize("presence", ["silent", "late", "waiting"])
def test_a_unit_that_is_not_heard_is_unavailable_and_what_was_known_goes(
    home: Home, presence: Presence
) -> None:
    home.said(room()), home.said(room())
    gone = home.said(room(presence))
    assert topics(gone) == [AVAILABLE, STATE], "unavailable first"
    assert gone[0].payload == b"offline" and set(json.loads(gone[1].payload).values()) == {None}
    back = home.said(room())
    assert topics(back) == [STATE, AVAILABLE] and back[1].payload == b"online", "its values first"


@pytest.mark.parametrize(
    ("state", "occupancy"),
    [("empty", "OFF"), ("unknown", None), ("bathroom", "ON"), ("on-floor", "ON"), ("several-people", "ON")],
)
def test_occupancy_follows_the_state(state: str, occupancy: str | None) -> None:
    assert told(SETTINGS, room(state=state)).occupancy == occupancy


def test_each_state_and_gate_that_a_unit_can_say_is_an_option() -> None:
    entities = device(SETTINGS, PLACES, "u-1")["components"]
    from typing import get_args

    from stillroom.events import GateReason, RoomState
    from stillroom_tools.site.gateway.alert_forms import State

    assert {*entities["state"]["options"], "unknown"} == set(get_args(RoomState))
    assert set(entities["sensing"]["options"]) == set(get_args(GateReason))
    assert set(entities["alerts"]["event_types"]) == set(get_args(State))


def test_identifiers_are_of_site_and_unit_alone() -> None:
    entities = device(SETTINGS, PLACES, "u-1")["components"]
    assert {entity["unique_id"] for entity in entities.values()} == {
        f"stillroom-ward-u-1-{name}" for name in entities
    }
    moved = HomeAssistantConfig(
        enabled=True, broker="mqtt://b", discovery_prefix="ha/x", topic_prefix="clear"
    )
    other = device(moved, Places(moved, "ward"), "u-1")
    assert other["device"]["identifiers"] == ["stillroom-ward-u-1"]
    assert other["components"]["pulse"]["unique_id"] == "stillroom-ward-u-1-pulse"
    assert Places(moved, "ward").discovery("u-1").startswith("ha/x/device/")


def test_what_is_not_to_be_told_is_in_no_message(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(SETTINGS, tell=("occupancy",))
    home = Home(tmp_path, settings)
    entities = of(home.said(room(), alerts=(alert(),)), CONFIG)["components"]
    assert {name for name, entity in entities.items() if len(entity) > 1} == {"occupancy", "sensing"}
    assert entities["pulse"] == {"platform": "sensor"}, "takes it away where it was there"
    messages = home.said(room(), alerts=(alert(),))
    assert ALERT not in topics(messages)
    values = of(messages, STATE)
    assert {key for key, value in values.items() if value is not None} == {"room", "occupancy", "sensing"}


def test_an_alert_is_an_event_each_time_it_changes_and_at_its_end(home: Home) -> None:
    home.said(room(), alerts=(alert(),))
    (raised,) = [m for m in home.said(room(), alerts=(alert(),)) if m.topic == ALERT]
    assert not raised.retain
    assert json.loads(raised.payload) == {
        "event_type": "raised", "kind": "on-floor", "priority": "high", "technical": False, "present": True,
        "count": 1, "room": "room-1",
    }, "who owns it and the unit's evidence stay at the gateway"  # fmt: skip
    assert ALERT not in topics(home.said(room(), alerts=(alert(),)))
    assert of(home.said(room(), alerts=(alert("acknowledged"),)), ALERT)["event_type"] == "acknowledged"
    assert of(home.said(room(), alerts=()), ALERT)["event_type"] == "cleared"
    assert ALERT not in topics(home.said(room(), alerts=()))


def test_that_nobody_knows_the_alerts_is_said_and_ends_none(home: Home) -> None:
    home.said(room(), alerts=(alert(),)), home.said(room(), alerts=(alert(),))
    unknown = home.said(room(), alerts=None)
    assert topics(unknown) == ["stillroom-clear/ward/-alerts"] and unknown[0].payload == b"offline"
    assert topics(home.said(room(), alerts=(alert(),))) == ["stillroom-clear/ward/-alerts"]


def test_a_restart_tells_of_no_alert_twice_and_of_what_changed_meanwhile(tmp_path: Path) -> None:
    first = Home(tmp_path)
    both = (alert(), alert(kind="bathroom-long"))
    first.said(room(), alerts=both), first.said(room(), alerts=both)
    again = Home(tmp_path)
    again.said(room(), alerts=both[:1])
    (event,) = [m for m in again.said(room(), alerts=both[:1]) if m.topic == ALERT]
    assert json.loads(event.payload)["kind"] == "bathroom-long"
    assert json.loads(event.payload)["event_type"] == "cleared"


def test_a_unit_that_is_enrolled_no_longer_is_taken_away_until_that_was_heard(
    home: Home, tmp_path: Path
) -> None:
    both = (room(), room(unit="u-2"))
    home.said(*both), home.said(*both)
    assert home.said(room(unit="u-2")) == [Message(CONFIG, b"", True)]
    assert home.said(room(unit="u-2")) == []
    assert CONFIG in Memory(tmp_path).devices
    again = Home(tmp_path)
    assert again.said(room(unit="u-2"))[0] == Message(CONFIG, b"", True), "also after a restart in between"
    again.bridge.acknowledged(CONFIG)
    assert CONFIG not in Memory(tmp_path).devices
    again.bridge.connected(True)
    assert CONFIG not in topics(again.said(room(unit="u-2")))


def test_a_unit_that_comes_back_is_not_taken_away(home: Home, tmp_path: Path) -> None:
    home.said(room()), home.said()
    back = home.said(room())
    assert json.loads(back[-1].payload)["device"]["identifiers"] == ["stillroom-ward-u-1"]
    home.bridge.acknowledged(CONFIG)  # of the goodbye before
    assert CONFIG in Memory(tmp_path).devices


def test_another_prefix_takes_away_what_stood_under_the_first(home: Home, tmp_path: Path) -> None:
    home.said(room())
    moved = Home(tmp_path, msgspec.structs.replace(SETTINGS, discovery_prefix="ha"))
    said = moved.said(room())
    assert Message(CONFIG, b"", True) in said
    assert "ha/device/stillroom-ward-u-1/config" in topics(said)


def test_a_memory_that_is_damaged_is_one_line(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    with pytest.raises(ConfigError, match="it is damaged: remove it"):
        Memory(tmp_path)
