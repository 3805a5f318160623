"""The session on real brokers: what arrives, what comes back after a restart, and one line for each failure."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stillroom.config import BrokerConfig
from stillroom_tools.lab.broker import LocalBroker, find_program
from stillroom_tools.site.subscriber import Message, Subscriber

TOPIC = "stillroom/1/site/unit/up"
WITHIN_S = 20.0

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
        assert take(subscriber, 1)[-1] == Message(TOPIC, b"two")


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
def test_many_messages_from_another_thread_arrive_whole(tmp_path: Path) -> None:
    """Publishing runs beside the session's own thread; an interleaved write would break the stream."""
    with LocalBroker("mosquitto") as broker, subscribed(plain(broker.port), tmp_path) as (subscriber, told):
        told.wait("connected to")
        sent = 0
        while sent < 400:
            if subscriber.publish(TOPIC, b"%06d" % sent + bytes(40_000)):
                sent += 1
            else:
                time.sleep(0.001)
        assert [int(m.payload[:6]) for m in take(subscriber, 400)] == list(range(400))
        assert not [line for line in told.lines if "closed" in line]


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
        assert [m.payload for m in take(subscriber, 3)] == [b"2", b"3", b"4"]


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


def test_something_that_says_nothing(tmp_path: Path) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    with server, subscribed(plain(server.getsockname()[1]), tmp_path) as (_, told):
        assert "no answer" in told.wait("no answer")
