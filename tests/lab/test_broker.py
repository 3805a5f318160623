"""The demo's own broker, with real clients: what it keeps through `kill -9`, and that nothing of it is left behind."""

import os
import queue
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from tests.patience import WITHIN_S

from stillroom.errors import BrokerError, SetupError, StillroomError
from stillroom_tools.lab import broker as module
from stillroom_tools.lab.broker import Kind, LocalBroker, find_program
from stillroom_tools.site import new
from stillroom_tools.site.layout import SiteConfig

TOPIC = "stillroom/1/ward/unit-1/up"


class Client:
    """A paho client with 3.1.1, which every broker here speaks; waits for answers, never for time."""

    def __init__(self, broker: LocalBroker, name: str, *, keeps_session: bool = False) -> None:
        self.received: queue.Queue[bytes] = queue.Queue()
        self._answers: queue.Queue[str] = queue.Queue()
        self._acknowledged = threading.Semaphore(0)
        self.paho = paho.Client(CallbackAPIVersion.VERSION2, name, clean_session=not keeps_session)
        self.paho.on_connect = lambda *_: self._answers.put("connected")
        self.paho.on_subscribe = lambda *_: self._answers.put("subscribed")
        self.paho.on_publish = lambda *_: self._acknowledged.release()
        self.paho.on_message = lambda _c, _u, message: self.received.put(message.payload)
        self.paho.connect(broker.host, broker.port)
        self.paho.loop_start()
        assert self._answers.get(timeout=WITHIN_S) == "connected"

    def subscribe(self) -> None:
        self.paho.subscribe(TOPIC, qos=1)
        assert self._answers.get(timeout=WITHIN_S) == "subscribed"

    def publish(self, payloads: list[bytes], topic: str = TOPIC) -> None:
        """Returns when the broker has acknowledged all of them."""
        for payload in payloads:
            self.paho.publish(topic, payload, qos=1)
        for _ in payloads:
            assert self._acknowledged.acquire(timeout=WITHIN_S)

    def take(self, count: int) -> list[bytes]:
        return [self.received.get(timeout=WITHIN_S) for _ in range(count)]

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()


def numbered(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def test_a_message_goes_through(any_broker: LocalBroker) -> None:
    reader, writer = Client(any_broker, "reader"), Client(any_broker, "writer")
    reader.subscribe()
    writer.publish([b"\x00\xff" * 1024])
    assert reader.take(1) == [b"\x00\xff" * 1024]
    reader.close()
    writer.close()


def test_an_absent_readers_messages_survive_kill_9(any_broker: LocalBroker) -> None:
    reader = Client(any_broker, "reader", keeps_session=True)
    reader.subscribe()
    reader.close()
    writer = Client(any_broker, "writer")
    writer.publish(numbered(40))
    # mosquitto writes at the start of its next turn: an answer to something later shows that it had one.
    writer.publish([b"later"], topic="elsewhere")
    port, first = any_broker.port, any_broker.pid
    any_broker.kill()
    assert not any_broker.running
    writer.paho.loop_stop()

    any_broker.restart()
    assert any_broker.port == port
    assert any_broker.pid != first
    reader = Client(any_broker, "reader", keeps_session=True)
    assert sorted(set(reader.take(40)), key=int) == numbered(40)
    reader.close()


def test_more_than_a_thousand_wait_for_an_absent_reader(any_broker: LocalBroker) -> None:
    """mosquitto's default queue drops what exceeds 1,000, after it has acknowledged it."""
    reader = Client(any_broker, "reader", keeps_session=True)
    reader.subscribe()
    reader.close()
    writer = Client(any_broker, "writer")
    writer.publish(numbered(1500))
    reader = Client(any_broker, "reader", keeps_session=True)
    assert set(reader.take(1500)) == set(numbered(1500))
    reader.close()
    writer.close()


def test_stop_leaves_nothing(any_broker: LocalBroker) -> None:
    port, pid, folder = any_broker.port, any_broker.pid, any_broker.folder
    assert pid is not None
    assert folder is not None
    assert folder.stat().st_mode & 0o077 == 0
    any_broker.stop()
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((any_broker.host, port))


def test_only_this_machine_can_reach_it(any_broker: LocalBroker) -> None:
    listening = [
        line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if " 0A " in line
    ]
    mine = [address for address in listening if int(address.rpartition(":")[2], 16) == any_broker.port]
    assert mine == [f"0100007F:{any_broker.port:04X}"]


def test_two_brokers_do_not_meet(any_broker: LocalBroker) -> None:
    with LocalBroker(any_broker.kind) as other:
        assert other.port != any_broker.port
        assert other.running
    assert any_broker.running


def test_a_port_that_was_taken_meanwhile_is_an_error_not_a_strangers_broker(any_broker: LocalBroker) -> None:
    any_broker.kill()
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind((any_broker.host, any_broker.port))
        stranger.listen()
        with pytest.raises(BrokerError, match="in use"):
            any_broker.restart()
        assert not any_broker.running
    any_broker.restart()
    assert any_broker.running


PARENT = """
import sys, time
from stillroom_tools.lab.broker import LocalBroker
broker = LocalBroker(sys.argv[1])
broker.start()
print(broker.pid, broker.folder, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("kind", ["mosquitto", "nats"])
def test_no_broker_outlives_a_killed_parent(kind: Kind, request: pytest.FixtureRequest) -> None:
    if find_program(kind) is None:
        pytest.skip(f"{kind} is not installed")
    with subprocess.Popen([sys.executable, "-c", PARENT, kind], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        request.addfinalizer(lambda: shutil.rmtree(folder))
        broker = os.pidfd_open(int(pid))
        parent.send_signal(signal.SIGKILL)
    ended = select.poll()
    ended.register(broker, select.POLLIN)
    assert ended.poll(WITHIN_S * 1000), "the broker lives on"
    os.close(broker)


def test_without_loopback_it_says_so() -> None:
    apart = ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("network namespaces are not allowed here")
    code = "from stillroom_tools.lab.broker import LocalBroker; LocalBroker().start()"
    done = subprocess.run([*apart, sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith(
        "127.0.0.1 cannot be reached on this machine: ip link set lo up"
    )


def test_mosquitto_is_found_outside_a_users_path(monkeypatch: pytest.MonkeyPatch) -> None:
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_program("mosquitto") is not None


def test_no_program_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_program", lambda kind: None)
    with pytest.raises(SetupError, match="apt-get install mosquitto"):
        LocalBroker()


@pytest.fixture
def site_broker(tmp_path: Path) -> Iterator[tuple[LocalBroker, Path]]:
    """mosquitto with the certificates and the access list that `stillroom site new` makes."""
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    new.make(tmp_path / "site", SiteConfig("ward"))
    with LocalBroker("mosquitto", site=tmp_path / "site") as running:
        yield running, tmp_path / "site"


def outcome(broker: LocalBroker, context: ssl.SSLContext) -> str:
    """What a client with this context gets: the broker's word on its connection, or the TLS error."""
    answers: queue.Queue[str] = queue.Queue()
    client = paho.Client(CallbackAPIVersion.VERSION2, "somebody", protocol=paho.MQTTv5)
    client.tls_set_context(context)
    client.on_connect = lambda _c, _u, _f, reason, _p: answers.put(str(reason))
    client.on_disconnect = lambda *_: answers.put("closed")
    try:
        client.connect(broker.host, broker.port)
    except (ssl.SSLError, ConnectionError) as error:
        return type(error).__name__
    client.loop_start()
    answer = answers.get(timeout=WITHIN_S)
    client.disconnect()
    client.loop_stop()
    return answer


def context_of(site: Path, party: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=site / "ca" / "ca.pem")
    if party:
        context.load_cert_chain(site / party / f"{party}.pem", site / party / f"{party}-key.pem")
    return context


def test_a_sites_broker_takes_its_own_certificates_and_nobody_else(
    site_broker: tuple[LocalBroker, Path], tmp_path: Path
) -> None:
    broker, site = site_broker
    assert broker.url == f"mqtts://127.0.0.1:{broker.port}"
    assert outcome(broker, context_of(site, "gateway")) == "Success"
    assert outcome(broker, context_of(site, None)) != "Success"

    older = context_of(site, "gateway")
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    assert outcome(broker, older) != "Success"

    new.make(tmp_path / "other", SiteConfig("ward"))
    stranger = context_of(tmp_path / "other", "gateway")
    stranger.load_verify_locations(site / "ca" / "ca.pem")
    assert outcome(broker, stranger) != "Success"


def test_a_sites_broker_is_open_again_after_kill_9(site_broker: tuple[LocalBroker, Path]) -> None:
    broker, site = site_broker
    broker.kill()
    broker.restart()
    assert outcome(broker, context_of(site, "board")) == "Success"


def test_a_site_that_is_none_is_told(tmp_path: Path) -> None:
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    broker = LocalBroker("mosquitto", site=tmp_path)
    with pytest.raises(StillroomError, match=r"site\.toml"):
        broker.start()
    assert broker.folder is None


def test_nats_takes_no_site(tmp_path: Path) -> None:
    if find_program("nats") is None:
        pytest.skip("nats is not installed")
    with pytest.raises(SetupError, match="need mosquitto"):
        LocalBroker("nats", site=tmp_path)
