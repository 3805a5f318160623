"""What a real Home Assistant makes of it: its own schemas, and its own MQTT integration on a real broker."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.site.test_home_assistant_live import Clear, bridge, configure, until
from tests.unit_sender import SITE, Sender

from stillroom_tools.lab.broker import LocalBroker, find_program
from stillroom_tools.site.home_assistant.device import Places, device
from stillroom_tools.site.home_assistant.settings import HomeAssistantConfig

CACHE = Path(__file__).parents[2] / ".cache" / "home-assistant"
DRIVER = Path(__file__).parents[1] / "home_assistant_driver.py"
UNIT = f"stillroom-{SITE}-u-1"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(find_program("mosquitto") is None, reason="mosquitto is not installed"),
]


class HomeAssistant:
    """The driver as a process; `ask` for its states."""

    def __init__(self, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [CACHE / "venv/bin/python", DRIVER, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def _say(self, text: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        return json.loads(self._line())

    def check(self, *payloads: bytes) -> list[str]:
        return self._say("check\n" + json.dumps([payload.decode() for payload in payloads]))

    def states(self) -> dict[str, Any]:
        return self._say("")["states"]

    def state(self, name: str) -> str | None:
        return self.states().get(f"{UNIT}-{name}", {}).get("state")

    def devices(self) -> list[str]:
        return self._say("")["devices"]

    def close(self) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def start() -> Iterator[Callable[..., HomeAssistant]]:
    if not (CACHE / "ready").exists():
        why = CACHE / "why"
        pytest.skip(
            why.read_text().strip() if why.exists() else "Home Assistant is not here: tools/home_assistant"
        )
    running: list[HomeAssistant] = []

    def make(*arguments: object) -> HomeAssistant:
        running.append(HomeAssistant(*arguments))
        return running[-1]

    yield make
    for each in running:
        each.close()


def test_its_schemas_take_each_device(start: Callable[..., HomeAssistant], tmp_path: Path) -> None:
    """And the control: they refuse what is wrong in one place."""
    settings = HomeAssistantConfig(enabled=True, broker="mqtt://b")
    some = msgspec.structs.replace(settings, tell=("occupancy", "alerts"))
    good = [device(each, Places(each, "ward-7"), "u-1") for each in (settings, some)]
    bad = []
    for name, key, value in (
        ("state", "options", []),
        ("state", "unit_of_measurement", "bpm"),
        ("breathing", "expire_after", -1),
        ("breathing", "wibble", 1),
        ("alerts", "event_types", None),
        ("occupancy", "device_class", "somebody"),
        ("pulse", "unique_id", None),
        ("pulse", "platform", "wibble"),
    ):
        wrong = device(settings, Places(settings, "ward-7"), "u-1")
        wrong["components"][name][key] = value
        if value is None:
            del wrong["components"][name][key]
        bad.append(wrong)
    home = start(tmp_path, 0)
    assert home.check(*(msgspec.json.encode(payload) for payload in good)) == ["", ""]
    assert all(home.check(*(msgspec.json.encode(payload) for payload in bad)))


def test_a_room_in_a_real_home_assistant(
    start: Callable[..., HomeAssistant], tls_broker: LocalBroker, tls_site: Path, tmp_path: Path
) -> None:
    """It comes, changes, falls silent, comes back to one that was started anew, and is taken away."""
    folder = tmp_path / "home"
    folder.mkdir()
    unit = Sender(tmp_path / "u-1", tls_site, "u-1")
    with LocalBroker("mosquitto") as broker:
        configure(tls_site, enabled=True, broker=f"mqtt://127.0.0.1:{broker.port}")
        home = start(folder, broker.port)
        with unit.session, bridge(tls_site, tmp_path / "log"):
            until(lambda: home.state("state") == "in-bed", "the state", unit.step)
            assert home.devices() == [UNIT]
            found = home.states()
            shown = {
                name: found[f"{UNIT}-{name}"]["state"]
                for name in ("occupancy", "sensing", "breathing", "pulse")
            }
            assert shown == {"occupancy": "on", "sensing": "open", "breathing": "15.5", "pulse": "unknown"}
            assert found[f"{UNIT}-pulse"]["withheld"] == "warming-up"
            assert found[f"{UNIT}-breathing"]["quality"] == 0.93
            assert found[f"{UNIT}-alerts"]["state"] == "unavailable", "no gateway runs, so nobody knows"

            unit.state = "unknown"
            until(lambda: home.state("state") == "unknown", "that nothing is known", unit.step)
            assert home.state("occupancy") == "unknown"
            until(lambda: home.state("state") == "unavailable", "the unit's silence")
            assert home.state("breathing") == "unavailable"

            home.close()
            unit.state = "empty"
            again = start(folder, broker.port)
            until(
                lambda: again.state("occupancy") == "off",
                "the same room in a Home Assistant started anew",
                unit.step,
            )
            assert again.devices() == [UNIT]
            (tls_site / "units" / "u-1.note").unlink()
            until(lambda: again.devices() == [], "the device's removal")
            assert again.states() == {}


def test_an_alert_is_an_event_of_a_real_home_assistant(
    start: Callable[..., HomeAssistant], tmp_path: Path
) -> None:
    """Through the bridge's own messages; the gateway is not needed for that."""
    from tests.site.test_home_assistant import SETTINGS, Home, alert, room

    with LocalBroker("mosquitto") as broker:
        folder = tmp_path / "home"
        folder.mkdir()
        home, listener = start(folder, broker.port), Clear(broker.port)
        said = Home(tmp_path, SETTINGS)
        name = "stillroom-ward-u-1-alerts"

        def tell(*alerts: object) -> None:
            for message in said.said(room(), alerts=alerts):
                listener.client.publish(
                    message.topic, message.payload, qos=1, retain=message.retain
                ).wait_for_publish(20)

        tell(alert())
        until(lambda: home.states().get(name), "the entity")
        until(lambda: home.states()[name]["state"] == "unknown", "that alerts are known")
        tell(alert())
        until(lambda: home.states()[name].get("event_type") == "raised", "the event")
        assert home.states()[name]["kind"] == "on-floor" and home.states()[name]["priority"] == "high"
        tell()
        until(lambda: home.states()[name].get("event_type") == "cleared", "its end")
        listener.close()
