"""The session on real brokers: what arrives, what comes back after a restart, and one line for each failure."""

import base64
import hashlib
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import paho.mqtt.client as paho
import pytest
from tests.patience import WITHIN_S

from stillroom.config import BrokerConfig
from stillroom.errors import BrokerError, ConfigError
from stillroom.mqtt_version import Version
from stillroom_tools.lab.broker import Kind, LocalBroker, find_program
from stillroom_tools.site.subscriber import Message, Subscriber


class Authority(Protocol):
    """A CA of `conftest.make_authority`."""

    folder: Path
    name: str

    def issue(
        self, name: str, *, host: str = ..., from_days: float = ..., until_days: float = ...
    ) -> None: ...


TOPIC = "stillroom/1/site/unit/up"

needs_mosquitto = pytest.mark.skipif(find_program("mosquitto") is None, reason="mosquitto is not installed")
needs_nats = pytest.mark.skipif(find_program("nats") is None, reason="nats-server is not installed")


@dataclass
class Told:
    """The lines that a session told, with a way to wait for one."""

    lines: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, line: str) -> None:
        with self.changed:
            self.lines.append(line)
            self.changed.notify_all()

    def wait(self, part: str) -> str:
        def found() -> str | None:
            return next((line for line in self.lines if part in line), None)

        with self.changed:
            line = self.changed.wait_for(found, WITHIN_S)
        assert line, f"'{part}' was not told; told: {self.lines}"
        return line


def plain(port: int, **more: str) -> BrokerConfig:
    return BrokerConfig(port=port, tls=False, **more)  # type: ignore[arg-type]


@contextmanager
def subscribed(config: BrokerConfig, folder: Path, **more: object) -> Iterator[tuple[Subscriber, Told]]:
    told = Told()
    arguments = {"persistent": True, "tell": told} | more
    with Subscriber(config, folder, "test-gateway", [TOPIC], **arguments) as subscriber:  # type: ignore[arg-type]
        yield subscriber, told


def take(subscriber: Subscriber, count: int) -> list[Message]:
    taken: list[Message] = []
    give_up = time.monotonic() + WITHIN_S
    while len(taken) < count and time.monotonic() < give_up:
        taken += subscriber.take(count - len(taken), 0.2)
    return taken


def wait_until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.01)


@needs_mosquitto
def test_hears_publishes_and_returns_after_the_broker_was_killed(tmp_path: Path) -> None:
    with LocalBroker("mosquitto") as broker, subscribed(plain(broker.port), tmp_path) as (subscriber, told):
        assert "MQTT 5" in told.wait("connected to")
        assert subscriber.publish(TOPIC, b"one")
        assert take(subscriber, 1) == [Message(TOPIC, b"one")]
        broker.kill()
        told.wait("closed the connection")
        wait_until(lambda: not subscriber.connected)
        broker.restart()
        wait_until(lambda: subscriber.connected)
        assert subscriber.publish(TOPIC, b"two")
        heard: list[bytes] = []
        wait_until(lambda: heard.extend(m.payload for m in subscriber.take(9, 0.1)) or b"two" in heard)
        assert heard[:-1] in ([], [b"one"]), (
            "at most what the killed broker had not noted as taken comes again"
        )


@needs_mosquitto
@pytest.mark.parametrize("persistent", [False, True])
def test_the_first_message_after_a_lost_connection_says_so(tmp_path: Path, persistent: bool) -> None:
    """But not where the broker keeps what comes meanwhile. What came before the loss says nothing."""
    with (
        LocalBroker("mosquitto") as broker,
        subscribed(plain(broker.port), tmp_path, persistent=persistent) as (subscriber, told),
    ):
        told.wait("connected to")
        assert subscriber.publish(TOPIC, b"before")
        wait_until(lambda: len(subscriber._queue) == 1)
        broker.restart()
        told.wait("closed the connection")
        wait_until(lambda: subscriber.connected)
        assert subscriber.publish(TOPIC, b"after") and subscriber.publish(TOPIC, b"later")
        said = {m.payload: m.after_gap for m in take(subscriber, 3)}
        assert said == {b"before": False, b"after": not persistent, b"later": False}


@needs_mosquitto
def test_a_persistent_session_gets_what_came_while_it_was_away(tmp_path: Path) -> None:
    with LocalBroker("mosquitto") as broker:
        with subscribed(plain(broker.port), tmp_path) as (_, told):
            told.wait("connected to")
        sender = Subscriber(plain(broker.port), tmp_path, "sender", [], persistent=False, tell=Told())
        with sender:
            wait_until(lambda: sender.connected)
            for number in range(5):
                assert sender.publish(TOPIC, b"%d" % number)
            with subscribed(plain(broker.port), tmp_path) as (subscriber, _):
                assert [m.payload for m in take(subscriber, 5)] == [b"0", b"1", b"2", b"3", b"4"]


@needs_nats
def test_falls_back_to_3_1_1(tmp_path: Path) -> None:
    with LocalBroker("nats") as broker, subscribed(plain(broker.port), tmp_path) as (subscriber, told):
        assert "MQTT 3.1.1" in told.wait("connected to")
        assert subscriber.publish(TOPIC, b"one")
        assert take(subscriber, 1) == [Message(TOPIC, b"one")]


@needs_mosquitto
def test_only_the_sessions_own_thread_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads in one TLS connection, or in the middle of one another's messages, would break the stream."""
    writers: set[str] = set()
    send = paho.Client._sock_send

    def noted(client: paho.Client, data: bytes) -> int:
        writers.add(threading.current_thread().name)
        return send(client, data)

    monkeypatch.setattr(paho.Client, "_sock_send", noted)
    with LocalBroker("mosquitto") as broker, subscribed(plain(broker.port), tmp_path) as (subscriber, told):
        told.wait("connected to")
        for number in range(50):
            assert subscriber.publish(TOPIC, b"%d" % number)
        assert [int(m.payload) for m in take(subscriber, 50)] == list(range(50))
    assert writers == {"mqtt"}


@needs_mosquitto
def test_a_full_queue_drops_the_oldest_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stillroom_tools.site.subscriber.WAIT_FOR_ROOM_S", 0.0)
    with (
        LocalBroker("mosquitto") as broker,
        subscribed(plain(broker.port), tmp_path, capacity=3) as (
            subscriber,
            told,
        ),
    ):
        told.wait("connected to")
        for number in range(5):
            assert subscriber.publish(TOPIC, b"%d" % number)
        wait_until(lambda: subscriber.dropped == 2)
        taken = [(m.payload, m.after_gap) for m in take(subscriber, 3)]
        assert taken == [(b"2", True), (b"3", False), (b"4", False)]


def test_absent(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subscribed(plain(port), tmp_path) as (_, told):
        assert "start the broker" in told.wait("nothing listens there")


def test_no_such_host(tmp_path: Path) -> None:
    with subscribed(plain(1883, host="no-such-host.invalid"), tmp_path) as (_, told):
        assert "broker.host" in told.wait("no such host")


def test_something_that_is_no_broker(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    server.accept()[0].close()

        threading.Thread(target=serve, daemon=True).start()
        with subscribed(plain(server.getsockname()[1]), tmp_path) as (_, told):
            assert "broker.tls" in told.wait("closed the connection before answering")


_CONNECTED = b"\x20\x03\0\0\0"


@pytest.mark.parametrize(
    ("said", "told_of_it"),
    [
        (b"\x20\x01\0", "closed the connection"),
        (b"\x20\x05\0\0\2\xff\xff", "closed the connection"),
        (b"\x20\xff\xff\xff\xff\xff", "closed the connection"),
        (_CONNECTED + b"\x90\1\0", "closed the connection"),
        (_CONNECTED + b"\x90\3\0\1\0", "refuses the subscription"),
        (_CONNECTED + b"\x30\2\0\x09", "closed the connection"),
        (_CONNECTED + b"\x32\x08\0\2\xff\xfe\0\1\0x", "broker 127.0.0.1"),
        (_CONNECTED + b"\x40\1\0", "closed the connection"),
        (_CONNECTED + b"\xe0\3\x8e\2\xff", "closed the connection"),
        (_CONNECTED + b"\xf5\1\0", "closed the connection"),
        (_CONNECTED + b"\x50\0\xb0\0\xf0\0", "closed the connection"),
        (bytes(range(256)), "closed the connection"),
    ],
)
def test_a_broker_that_talks_nonsense_is_told_in_one_line_and_tried_again(
    tmp_path: Path, said: bytes, told_of_it: str
) -> None:
    calls: list[socket.socket] = []

    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                calls.append(server.accept()[0])
                with suppress(OSError):  # the client may have gone already
                    calls[-1].recv(1000)
                    calls[-1].sendall(said)
                    calls[-1].shutdown(socket.SHUT_WR)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        with subscribed(plain(server.getsockname()[1]), tmp_path) as (subscriber, told):
            assert "\n" not in told.wait(told_of_it)
            wait_until(lambda: len(calls) >= 2)
            assert not subscriber.connected
    for call in calls:
        call.close()


class Older:
    """A server that knows MQTT 3.1.1, and hangs up without a word on MQTT 5, as some do."""

    def __init__(self) -> None:
        self.levels: list[int] = []
        self.calls: list[socket.socket] = []
        self.server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                call = self.server.accept()[0]
                self.calls.append(call)
                self.levels.append(call.recv(1000)[8])
                if self.levels[-1] == 4:
                    call.sendall(b"\x20\2\0\0")
                    call.sendall(b"\x90\3" + call.recv(1000)[2:4] + b"\1")
                else:
                    call.close()

    def close(self) -> None:
        for each in (self.server, *self.calls):
            each.close()


def test_a_broker_that_says_nothing_to_mqtt_5_is_tried_with_3_1_1_and_then_with_5_again(
    tmp_path: Path,
) -> None:
    older = Older()
    with subscribed(plain(older.server.getsockname()[1]), tmp_path) as (_, told):
        told.wait("with MQTT 3.1.1")
        assert older.levels == [5, 5, 4], "two silent ones, since a broker may have been ending"
        older.calls[-1].shutdown(socket.SHUT_RDWR)
        wait_until(lambda: len(older.levels) > 3)
        assert older.levels[3] == 5, "it was a guess"
    older.close()


def test_something_that_says_nothing(tmp_path: Path) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    with server, subscribed(plain(server.getsockname()[1]), tmp_path) as (_, told):
        assert "no answer" in told.wait("no answer")


class Configured(LocalBroker):
    """A broker with lines of our own at the end of its configuration, and files beside it."""

    def __init__(self, kind: Kind, lines: str, files: dict[str, str] | None = None) -> None:
        super().__init__(kind)
        self._lines, self._files = lines, files or {}

    def _configuration(self, folder: Path) -> str:
        for name, text in self._files.items():
            (folder / name).write_text(text)
        plain = super()._configuration(folder).replace("allow_anonymous true", "")
        return plain + self._lines.replace("FOLDER", str(folder))


MOSQUITTO_PASSWORD = "allow_anonymous false\npassword_file FOLDER/passwords\n"
NATS_USERS = """
authorization { users: [ { user: "gateway", password: "right", permissions: {
  publish: ">", subscribe: { deny: "stillroom.>" } } } ] }
"""


def mosquitto_password(user: str, password: str) -> str:
    """A line of mosquitto's password file: PBKDF2-SHA512, as mosquitto_passwd writes it."""
    salt = b"0123456789ab"
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"{user}:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n"


def with_password(port: int, folder: Path, password: str) -> BrokerConfig:
    (folder / "password").write_text(password + "\n")
    return plain(port, username="gateway", password_file="password")


@needs_mosquitto
def test_password_right_and_wrong_over_mqtt_5(tmp_path: Path) -> None:
    files = {"passwords": mosquitto_password("gateway", "right")}
    with Configured("mosquitto", MOSQUITTO_PASSWORD, files) as broker:
        with subscribed(with_password(broker.port, tmp_path, "right"), tmp_path) as (_, told):
            told.wait("connected to")
        with subscribed(with_password(broker.port, tmp_path, "wrong"), tmp_path) as (_, told):
            assert "the user name" in told.wait("the password")
        assert not any("connected to" in line for line in told.lines)


@needs_nats
def test_wrong_password_over_3_1_1(tmp_path: Path) -> None:
    broker = Configured("nats", NATS_USERS)
    with broker, subscribed(with_password(broker.port, tmp_path, "wrong"), tmp_path) as (_, told):
        told.wait("password")


@needs_nats
def test_refused_subscription(tmp_path: Path) -> None:
    with Configured("nats", NATS_USERS) as broker:
        config = with_password(broker.port, tmp_path, "right")
        with subscribed(config, tmp_path) as (subscriber, told):
            assert "ACL" in told.wait(f"refuses the subscription to {TOPIC}")
            assert not subscriber.connected


def test_a_password_file_that_is_not_there(tmp_path: Path) -> None:
    config = plain(1883, username="gateway", password_file="nowhere")
    with pytest.raises(ConfigError, match=r"broker\.password_file.*nowhere"):
        Subscriber(config, tmp_path, "gateway", [TOPIC], persistent=True)


@needs_mosquitto
def test_taken_over_by_another_with_the_same_id(tmp_path: Path) -> None:
    with LocalBroker("mosquitto") as broker, subscribed(plain(broker.port), tmp_path) as (_, told):
        told.wait("connected to")
        with subscribed(plain(broker.port), tmp_path) as (_, also_told):
            wait_until(lambda: any("another client" in line for line in told.lines + also_told.lines))


def site_folder(folder: Path, authority: Authority) -> Path:
    """What LocalBroker reads of a site; the server's certificate is `authority`'s `server`."""
    broker = folder / "site" / "broker"
    broker.mkdir(parents=True)
    for name, source in (("ca", authority.name), ("server", "server"), ("server-key", "server-key")):
        shutil.copy(authority.folder / f"{source}.pem", broker / f"{name}.pem")
    (broker / "acl").write_text("pattern readwrite #\n")
    (folder / "site" / "site.toml").write_text('site = "site"\n')
    return folder / "site"


def with_tls(port: int, authority: Authority, *, certificate: str = "client", ca: str = "ca") -> BrokerConfig:
    return BrokerConfig(
        port=port,
        ca_file=f"{ca}.pem",
        certificate_file=f"{certificate}.pem" if certificate else "",
        key_file=f"{certificate}-key.pem" if certificate else "",
    )


MakeAuthority = Callable[[str], Authority]


@needs_mosquitto
def test_certificates_right_and_wrong(tmp_path: Path, make_authority: MakeAuthority) -> None:
    """One broker; the client's side is wrong in each way."""
    ca, other = make_authority("ca"), make_authority("other")
    ca.issue("server")
    ca.issue("client")
    ca.issue("expired", from_days=-3, until_days=-1)
    other.issue("foreign")
    for name in ("other.pem", "foreign.pem", "foreign-key.pem"):
        shutil.copy(other.folder / name, ca.folder)
    with LocalBroker("mosquitto", site=site_folder(tmp_path, ca)) as broker:
        for options, part, advice in (
            ({}, "connected to", "MQTT 5"),
            ({"ca": "other"}, "its certificate is not accepted", "broker.ca_file"),
            ({"certificate": ""}, "wants a client certificate", "broker.certificate_file"),
            ({"certificate": "expired"}, "our certificate has expired", "renew"),
            ({"certificate": "foreign"}, "does not accept our certificate", "the CA that the broker trusts"),
        ):
            with subscribed(with_tls(broker.port, ca, **options), ca.folder) as (_, told):
                assert advice in told.wait(part)
        with subscribed(plain(broker.port), ca.folder) as (_, told):
            assert "does that want TLS" in told.wait("closed the connection before answering")


@needs_mosquitto
@pytest.mark.parametrize(
    ("server", "advice"),
    [
        ({"from_days": -3, "until_days": -1}, "it has expired: renew the broker's certificate"),
        ({"from_days": 1}, "not yet valid"),
        ({"host": "127.0.0.2"}, "it is for another name"),
    ],
)
def test_wrong_server_certificate(
    tmp_path: Path, make_authority: MakeAuthority, server: dict[str, object], advice: str
) -> None:
    ca = make_authority("ca")
    ca.issue("server", **server)
    ca.issue("client")
    broker = LocalBroker("mosquitto", site=site_folder(tmp_path, ca))
    with broker, subscribed(with_tls(broker.port, ca), ca.folder) as (_, told):
        told.wait(advice)


@needs_mosquitto
def test_tls_to_a_plain_port(tmp_path: Path, make_authority: MakeAuthority) -> None:
    ca = make_authority("ca")
    ca.issue("client")
    with LocalBroker("mosquitto") as broker, subscribed(with_tls(broker.port, ca), ca.folder) as (_, told):
        assert "does that want plain MQTT" in told.wait("closed the connection before answering")


def test_certificate_files_that_are_not_there(tmp_path: Path) -> None:
    config = BrokerConfig(ca_file="no.pem", certificate_file="no.pem", key_file="no-key.pem")
    with pytest.raises(BrokerError, match=r"ca_file, certificate_file, key_file"):
        Subscriber(config, tmp_path, "gateway", [TOPIC], persistent=True)


def test_which_version_is_spoken_next() -> None:
    """What a broker said is not asked again; what was guessed is, once a connection of it has ended."""
    told, guessed = Version(), Version()
    told.unknown()
    told.ended(accepted=True, silent=False)
    assert not told.v5
    spoken = []
    for accepted, silent in (
        (False, True),
        (False, False),
        (False, True),
        (False, True),
        (True, False),
        (False, True),
    ):
        guessed.ended(accepted=accepted, silent=silent)
        spoken.append(guessed.v5)
    assert spoken == [True, True, True, False, True, True]
