"""A broker that knows MQTT 3.1.1 alone (NATS server, from its wheel): unit, courier and gateway fall back to it."""

from pathlib import Path

import pytest
from live import LiveSite, until

from stillroom_tools.lab.broker import LocalBroker, find_program

pytestmark = pytest.mark.skipif(find_program("nats") is None, reason="nats-server is not installed")


def nats_site(folder: Path) -> LiveSite:
    site = LiveSite(folder, tls=False)
    port = site.broker.port
    site.broker = LocalBroker("nats")
    site.broker.port = port
    return site


def test_nothing_is_lost_on_a_broker_without_mqtt_5(tmp_path: Path) -> None:
    """Through a kill -9 of the broker and of the gateway: what was accepted is delivered, each once."""
    site = nats_site(tmp_path)
    unit = site.add_unit()
    site.start()
    try:
        until(lambda: site.has("state", state="occupied"), "somebody in the room")
        site.broker.kill()
        until(lambda: "closed the connection" in unit.log.read_text(), "the courier's word on it")
        site.broker.restart()
        until(lambda: site.has("state", state="in-bed"), "the same person in bed")
        site.restart_gateway()
        until(lambda: site.has("state", state="empty"), "nobody in the room")
        site.settle()
        assert site.ledger.balanced and site.ledger.doubled == 0
        said = site.logs()
    finally:
        site.end()
    for name in ("courier: connected to", "gateway: connected to"):
        assert any(line.startswith(name) and line.endswith("with MQTT 3.1.1") for line in said.splitlines())
    assert "with MQTT 5" not in said


def test_the_control_speaks_mqtt_5(tmp_path: Path) -> None:
    """Where the broker has it, both ends use it: falling back is no habit."""
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    site = LiveSite(tmp_path, tls=False)
    unit = site.add_unit()
    site.start()
    try:
        until(lambda: "with MQTT" in unit.log.read_text(), "the courier's connection")
        until(lambda: "with MQTT" in (tmp_path / "gateway.log").read_text(), "the gateway's connection")
        assert "3.1.1" not in site.logs()
    finally:
        site.end()
