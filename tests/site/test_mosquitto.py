"""What `site new` writes, in a real mosquitto: TLS 1.3, who is let in, and who may say and hear what.

Answers of MQTT 5 (135: not authorised) say what was refused; nothing here waits for silence.
"""

import queue
import shutil
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from parties import command
from tests.patience import WITHIN_S

from stillroom_tools.lab.broker import find_program
from stillroom_tools.lab.child import listens, spawn
from stillroom_tools.make import commands as make_commands
from stillroom_tools.site import commands
from stillroom_tools.site.layout import open_site

NOT_AUTHORISED = 135


class Place:
    """A site with two units and its broker, running as `mosquitto.conf` says."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.site = folder / "a site"  # a space in the path must do no harm
        command(commands, "new", self.site, "--site", "demo", "--broker-port", self.port)
        self.units = {name: folder / name for name in ("u-1", "u-2")}
        for name, unit in self.units.items():
            command(make_commands, "unit", unit, "--site", self.site, "--unit", name)

    def tls(self, who: str) -> ssl.SSLContext:
        """The client's side, as the configuration of a unit or party names its files."""
        if who in self.units:
            base, names = self.units[who] / "tls", ("ca.pem", "unit.pem", "unit-key.pem")
        else:
            broker = open_site(self.site).broker(who)
            base, names = self.site, (broker.ca_file, broker.certificate_file, broker.key_file)
        context = ssl.create_default_context(cafile=str(base / names[0]))
        context.load_cert_chain(base / names[1], base / names[2])
        return context


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    program = find_program("mosquitto")
    if program is None:
        pytest.skip("mosquitto is not installed")
    folder = tmp_path_factory.mktemp("ward")
    made = Place(folder)
    with (folder / "log").open("wb") as log:
        process = spawn([program, "-c", str(made.site / "broker/mosquitto.conf")], log)
        try:
            while not listens(process.pid, made.port):
                assert process.poll() is None, (folder / "log").read_text()
            yield made
        finally:
            process.kill()
            process.wait()


class Client:
    """One identity, MQTT 5; every answer is waited for."""

    def __init__(
        self, place: Place, who: str, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.messages: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answers: queue.Queue[int] = queue.Queue()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, f"test-{who}", protocol=paho.MQTTv5)
        self._client.tls_set_context(tls or place.tls(who))
        self._client.on_connect = lambda _c, _u, _f, reason, _p: self._answers.put(reason.value)
        self._client.on_subscribe = lambda _c, _u, _m, reasons, _p: self._answers.put(reasons[0].value)
        self._client.on_publish = lambda _c, _u, _m, reason, _p: self._answers.put(reason.value)
        self._client.on_message = lambda _c, _u, m: self.messages.put((m.topic, m.payload))
        self._client.connect(host, place.port)
        self._client.loop_start()
        assert self._answers.get(timeout=WITHIN_S) == 0

    def publish(self, unit: str, way: str, payload: bytes = b"x") -> int:
        """The broker's answer; 0 and 16 (nobody listens) are acceptance."""
        self._client.publish(f"stillroom/1/demo/{unit}/{way}", payload, qos=1)
        code = self._answers.get(timeout=WITHIN_S)
        return 0 if code == 16 else code

    def subscribe(self, topic: str) -> int:
        self._client.subscribe(topic, qos=1)
        return self._answers.get(timeout=WITHIN_S)

    def take(self) -> tuple[str, bytes]:
        return self.messages.get(timeout=WITHIN_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def clients(place: Place) -> Iterator[dict[str, Client]]:
    made = {who: Client(place, who) for who in ("u-1", "u-2", "gateway", "board")}
    yield made
    for client in made.values():
        client.close()


def test_each_may_say_what_is_his(clients: dict[str, Client]) -> None:
    allowed = {
        (who, unit, way)
        for who in clients
        for unit in ("u-1", "u-2", "gateway", "board", "other")
        for way in ("up", "down", "view")
        if clients[who].publish(unit, way) == 0
    }
    downs = {("gateway", unit, "down") for unit in ("u-1", "u-2", "gateway", "board", "other")}
    own = {(unit, unit, way) for unit in ("u-1", "u-2") for way in ("up", "view")}
    boards = {
        ("board", "board", "view")
    }  # it may read all of them; no unit has that name, so nobody takes it
    assert allowed == downs | own | boards


def test_a_refusal_is_told_as_not_authorised(clients: dict[str, Client]) -> None:
    assert clients["u-1"].publish("u-2", "up") == NOT_AUTHORISED
    assert clients["board"].publish("u-1", "down") == NOT_AUTHORISED


def test_other_topics_are_nobodys(clients: dict[str, Client]) -> None:
    for client in clients.values():
        client._client.publish("stillroom/1/other/u-1/up", b"x", qos=1)
        assert client._answers.get(timeout=WITHIN_S) == NOT_AUTHORISED


@pytest.mark.parametrize("topic", ["#", "stillroom/1/demo/+/down", "stillroom/1/demo/u-2/down", "+/+/+/+/+"])
def test_a_unit_hears_its_own_down_alone(clients: dict[str, Client], topic: str) -> None:
    unit, gateway = clients["u-1"], clients["gateway"]
    unit.subscribe(topic)
    unit.subscribe("stillroom/1/demo/u-1/down")
    clients["u-2"].publish("u-2", "up", b"not for you")
    gateway.publish("u-2", "down", b"not for you")
    gateway.publish("u-1", "down", b"for you")
    heard = unit.take()
    assert heard == ("stillroom/1/demo/u-1/down", b"for you")
    gateway.publish("u-1", "down", b"the end")
    while (following := unit.take()) != ("stillroom/1/demo/u-1/down", b"the end"):
        assert following == heard  # by a second, overlapping subscription


@pytest.mark.parametrize("who", ["gateway", "board"])
def test_gateway_and_board_hear_all_that_comes_up(clients: dict[str, Client], who: str) -> None:
    listener = clients[who]
    assert listener.subscribe("#") == 1
    clients["gateway"].publish("u-1", "down", b"no")
    for unit in ("u-1", "u-2"):
        clients[unit].publish(unit, "up", unit.encode())
        assert listener.take() == (f"stillroom/1/demo/{unit}/up", unit.encode())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_broker_is_known_by_its_names(place: Place, host: str) -> None:
    client = Client(place, "u-1", host=host)
    client.close()


def refused(place: Place, context: ssl.SSLContext) -> None:
    """TLS 1.3 judges a client's certificate after its own handshake is over: the first read tells."""
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        socket.create_connection(("127.0.0.1", place.port), WITHIN_S) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
    ):
        if wrapped.recv(1) == b"":
            raise ConnectionError("closed")


def test_without_a_certificate_nobody_comes_in(place: Place) -> None:
    refused(place, ssl.create_default_context(cafile=str(place.site / "ca/ca.pem")))


def test_a_certificate_of_another_site_does_not_come_in(place: Place, tmp_path: Path) -> None:
    command(commands, "new", tmp_path / "other", "--site", "demo")
    command(make_commands, "unit", tmp_path / "unit", "--site", tmp_path / "other", "--unit", "u-1")
    context = ssl.create_default_context(cafile=str(place.site / "ca/ca.pem"))
    context.load_cert_chain(tmp_path / "unit/tls/unit.pem", tmp_path / "unit/tls/unit-key.pem")
    refused(place, context)


def test_the_brokers_certificate_is_no_clients(place: Place) -> None:
    context = ssl.create_default_context(cafile=str(place.site / "ca/ca.pem"))
    context.load_cert_chain(place.site / "broker/server.pem", place.site / "broker/server-key.pem")
    refused(place, context)


def test_tls_1_2_is_refused(place: Place) -> None:
    context = place.tls("u-1")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    refused(place, context)


def test_a_broker_of_another_site_is_refused_by_the_unit(place: Place, tmp_path: Path) -> None:
    command(commands, "new", tmp_path / "other", "--site", "demo")
    context = place.tls("u-1")
    other = ssl.create_default_context(cafile=str(tmp_path / "other/ca/ca.pem"))
    with (
        socket.create_connection(("127.0.0.1", place.port), WITHIN_S) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        other.wrap_socket(plain, server_hostname="127.0.0.1")
    with socket.create_connection(("127.0.0.1", place.port), WITHIN_S) as plain:
        assert context.wrap_socket(plain, server_hostname="127.0.0.1").version() == "TLSv1.3"


def test_openssl_agrees_with_the_chain(place: Place) -> None:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    import subprocess

    ca = place.site / "ca/ca.pem"
    for purpose, leaf in (
        ("sslclient", place.units["u-1"] / "tls/unit.pem"),
        ("sslclient", place.site / "gateway/gateway.pem"),
        ("sslserver", place.site / "broker/server.pem"),
    ):
        check = [program, "verify", "-x509_strict", "-purpose", purpose, "-CAfile", ca, leaf]
        assert subprocess.run(check, capture_output=True, check=False).returncode == 0, leaf
