"""`stillroom site home-assistant` as a process, between two real brokers: the site's, sealed, and one in clear."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from tests.patience import WITHIN_S
from unit_sender import SITE, Sender

from stillroom import cli
from stillroom_tools.lab.broker import LocalBroker, find_program

pytestmark = pytest.mark.skipif(find_program("mosquitto") is None, reason="mosquitto is not installed")

CONFIG = f"homeassistant/device/stillroom-{SITE}-u-1/config"
BASE = f"stillroom-clear/{SITE}"


class Clear:
    """Who listens at Home Assistant's broker: the last payload of each topic, and all of them."""

    def __init__(self, port: int) -> None:
        self.all: list[tuple[str, bytes]] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2, "home", protocol=paho.MQTTv5)
        self.client.on_message = lambda _c, _u, message: self.all.append((message.topic, message.payload))
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def last(self, topic: str) -> bytes | None:
        return next((payload for at, payload in reversed(self.all) if at == topic), None)

    def count(self, topic: str) -> int:
        return sum(at == topic for at, _ in self.all)

    def values(self) -> dict[str, Any]:
        return json.loads(self.last(f"{BASE}/u-1/state") or b"{}")

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def home() -> Iterator[LocalBroker]:
    with LocalBroker("mosquitto") as broker:
        yield broker


@pytest.fixture
def clear(home: LocalBroker) -> Iterator[Clear]:
    listener = Clear(home.port)
    yield listener
    listener.close()


def configure(site: Path, **keys: object) -> None:
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
    file = site / "site.toml"
    file.write_text(file.read_text().partition("[home_assistant]")[0] + f"[home_assistant]\n{lines}")


@contextlib.contextmanager
def bridge(site: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "stillroom", "site", "home-assistant", "--site", site], stderr=file
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(
    done: Callable[[], object], what: str, step: Callable[[], object] = lambda: time.sleep(0.02)
) -> None:
    end = time.monotonic() + WITHIN_S
    while not done():
        assert time.monotonic() < end, f"within {WITHIN_S} s there was not: {what}"
        step()


def test_a_room_comes_and_changes_falls_silent_and_goes(
    tls_broker: LocalBroker, tls_site: Path, home: LocalBroker, clear: Clear, tmp_path: Path
) -> None:
    configure(tls_site, enabled=True, broker=f"mqtt://127.0.0.1:{home.port}")
    unit = Sender(tmp_path / "u-1", tls_site, "u-1")
    with unit.session, bridge(tls_site, tmp_path / "log") as process:
        available = f"{BASE}/u-1/availability"
        until(lambda: clear.values().get("state") == "in-bed", "the state", unit.step)
        until(lambda: clear.last(available) == b"online", "the unit", unit.step)
        found = clear.values()
        assert (found["breathing"], found["occupancy"], found["sensing"]) == (15.5, "ON", "open")
        assert json.loads(clear.last(CONFIG) or b"")["components"]["breathing"]["unique_id"].endswith(
            "u-1-breathing"
        )
        assert clear.last(f"{BASE}/-alerts") == b"offline", "no gateway runs"

        unit.state = "empty"
        until(lambda: clear.values().get("occupancy") == "OFF", "nobody there", unit.step)
        announced = clear.count(CONFIG)
        clear.client.publish("homeassistant/status", b"online", qos=1)
        until(lambda: clear.count(CONFIG) == announced + 1, "the device once more", unit.step)
        until(lambda: clear.last(available) == b"offline", "the unit's silence")
        until(lambda: clear.values()["state"] is None, "that nothing is known of it")

        (tls_site / "units" / "u-1.note").unlink()
        until(lambda: clear.last(CONFIG) == b"", "its removal")
        process.send_signal(signal.SIGTERM)
        assert process.wait(WITHIN_S) == 0
        until(lambda: clear.last(f"{BASE}/-bridge") == b"offline", "its farewell")
    assert "IN CLEAR" in (tmp_path / "log").read_text() and "WITHOUT TLS" in (tmp_path / "log").read_text()


def test_a_killed_bridge_is_unavailable_and_a_later_removal_takes_all_away(
    tls_broker: LocalBroker, tls_site: Path, home: LocalBroker, clear: Clear, tmp_path: Path
) -> None:
    configure(tls_site, enabled=True, broker=f"mqtt://127.0.0.1:{home.port}")
    Sender(tmp_path / "u-1", tls_site, "u-1")
    with bridge(tls_site, tmp_path / "log") as process:
        until(lambda: clear.last(CONFIG), "the device")
        assert cli.main(["site", "home-assistant", "--site", str(tls_site)]) == 8, "one at a time"
        process.kill()
        until(lambda: clear.last(f"{BASE}/-bridge") == b"offline", "the will")
    configure(tls_site, enabled=False, broker=f"mqtt://127.0.0.1:{home.port}")
    assert cli.main(["site", "home-assistant", "--site", str(tls_site), "--remove"]) == 0
    until(lambda: clear.last(CONFIG) == b"", "its removal")
    assert cli.main(["site", "home-assistant", "--site", str(tls_site), "--remove"]) == 0, "nothing is left"


def test_home_assistants_broker_may_come_and_go(
    tls_broker: LocalBroker, tls_site: Path, home: LocalBroker, tmp_path: Path
) -> None:
    configure(tls_site, enabled=True, broker=f"mqtt://127.0.0.1:{home.port}")
    home.kill()
    unit = Sender(tmp_path / "u-1", tls_site, "u-1")
    with unit.session, bridge(tls_site, tmp_path / "log") as process:
        until(lambda: "nothing listens there" in (tmp_path / "log").read_text(), "the word on it", unit.step)
        home.restart()
        listener = Clear(home.port)
        try:
            until(lambda: listener.values().get("state") == "in-bed", "the state", unit.step)
        finally:
            listener.close()
        assert process.poll() is None


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "key 'home_assistant.broker' is empty"),
        ({"broker": "mqtt://b"}, "'home_assistant.enabled' is false"),
        ({"broker": "b", "enabled": True}, "expected mqtt://host"),
        ({"broker": "mqtt://u:p@b", "enabled": True}, "a login in a URL is seen by others"),
        ({"broker": "mqtt://b", "ca_file": "ca.pem", "enabled": True}, "without TLS"),
        ({"broker": "mqtts://b", "certificate_file": "c.pem", "enabled": True}, "belong together"),
        ({"broker": "mqtt://b", "discovery_prefix": "a b", "enabled": True}, "discovery_prefix"),
        ({"broker": "mqtt://b", "tell": ["pictures"], "enabled": True}, "tell"),
        ({"broker": "mqtt://b", "tell": [], "enabled": True}, "tell"),
        ({"broker": "mqtt://b", "username": "u", "password_file": "no", "enabled": True}, "password_file"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    tls_site: Path, capsys: pytest.CaptureFixture[str], keys: dict[str, object], words: str
) -> None:
    configure(tls_site, **keys)
    capsys.readouterr()
    assert cli.main(["site", "home-assistant", "--site", str(tls_site)]) == 3
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("stillroom:")]
    assert len(said) == 1 and words in said[0]
