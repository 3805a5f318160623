"""`stillroom site home-assistant`: tells a facility's Home Assistant of its rooms, in clear, where `site.toml` says so.

A process of its own: it opens records with the board's key as `site watch` does, and says what they hold, unsealed, to
the broker that Home Assistant listens to. Nobody who does not run it has anything of that.
"""

import argparse
import os
import queue
import signal
import threading
from collections import deque
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from stillroom.clock import SystemClock
from stillroom.config import BrokerConfig
from stillroom.errors import EXIT_OK, BrokerError, ConfigError
from stillroom.files import lock_folder
from stillroom.mqtt import Handlers, Session
from stillroom.mqtt_client import Will
from stillroom_tools.site.broker_url import parse_url
from stillroom_tools.site.home_assistant.bridge import Bridge, Message
from stillroom_tools.site.home_assistant.memory import Memory
from stillroom_tools.site.layout import SITE_FILE, Site, open_site
from stillroom_tools.site.subscriber import say
from stillroom_tools.site.watching import Watch

HELP = "tell Home Assistant of the rooms, in clear"

TURN_S = 0.2
MAX_UNACKNOWLEDGED = 1_024
REMOVED_WITHIN_S = 15.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument(
        "--remove", action="store_true", help="take away everything that Home Assistant was told of, and end"
    )


def run(options: argparse.Namespace) -> int:
    """Until SIGINT or SIGTERM. Raises ConfigError, TrustError, StorageError; of `--remove` BrokerError."""
    site = open_site(options.site)
    broker = broker_of(site)
    if not site.config.home_assistant.enabled and not options.remove:
        raise ConfigError(
            f"{site.folder / SITE_FILE}: key 'home_assistant.enabled' is false: what Home Assistant is told is sealed "
            "no more: set it to true where that is wanted"
        )
    lock = lock_folder(site.folder, "home-assistant.lock", "Home Assistant bridge")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        (_remove if options.remove else _serve)(site, broker, stop)
    finally:
        os.close(lock)
    return EXIT_OK


def broker_of(site: Site) -> BrokerConfig:
    """Home Assistant's. Raises ConfigError where it is not named, or its TLS files are for nothing."""
    settings, file = site.config.home_assistant, site.folder / SITE_FILE
    if not settings.broker:
        raise ConfigError(
            f"{file}: key 'home_assistant.broker' is empty: give the URL of the broker that Home Assistant listens to"
        )
    broker = parse_url(settings.broker, f"{file}: key 'home_assistant.broker'")
    if not broker.tls and (settings.ca_file or settings.certificate_file):
        raise ConfigError(
            f"{file}: key 'home_assistant.broker' is without TLS, and certificates are named: mqtts://"
        )
    if bool(settings.certificate_file) != bool(settings.key_file):
        raise ConfigError(f"{file}: keys 'home_assistant.certificate_file' and 'key_file' belong together")
    return replace(
        broker,
        username=settings.username,
        password_file=settings.password_file,
        ca_file=settings.ca_file,
        certificate_file=settings.certificate_file,
        key_file=settings.key_file,
    )


@dataclass(frozen=True)
class _Up:
    up: bool


@dataclass(frozen=True)
class _Acknowledged:
    topic: str


class HomeStarted:
    """Home Assistant said `online`."""


Happened = _Up | _Acknowledged | HomeStarted


class Link:
    """The session with Home Assistant's broker: what happens there comes out of `happened`, in one thread."""

    def __init__(self, site: Site, broker: BrokerConfig, bridge: Bridge) -> None:
        self._bridge = bridge
        self._news: queue.SimpleQueue[Happened] = queue.SimpleQueue()
        self._topics: dict[int, str] = {}
        self._early: deque[int] = deque(maxlen=64)
        self._lock = threading.Lock()
        self._unsent: deque[Message] = deque()
        last = bridge.farewell()
        self._session = Session(
            broker,
            site.folder,
            f"{site.name}-home-assistant",
            [bridge.places.home],
            Handlers(self._heard, self._acknowledged, self._state),
            persistent=False,
            max_unacknowledged=MAX_UNACKNOWLEDGED,
            will=Will(last.topic, last.payload),
        )

    def __enter__(self) -> "Link":
        self._session.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._session.connected:
            self._say(self._bridge.farewell())
        self._session.stop()

    def turn(self) -> None:
        """Tell the bridge what happened, and say what is due, as far as the broker takes it. Raises StorageError."""
        while not self._news.empty():
            self._take(self._news.get())
        if not self._unsent:
            self._unsent.extend(self._bridge.due())
        while self._unsent and self._say(self._unsent[0]):
            self._unsent.popleft()

    def _take(self, happened: Happened) -> None:
        if isinstance(happened, _Up):
            self._unsent = deque(message for message in self._unsent if message.happened)
            self._bridge.connected(happened.up)
        elif isinstance(happened, _Acknowledged):
            self._bridge.acknowledged(happened.topic)
        else:
            self._bridge.home_started()

    def _say(self, message: Message) -> bool:
        number = self._session.publish(message.topic, message.payload, retain=message.retain)
        if number is None:
            return False
        if not message.payload:
            with self._lock:
                if number in self._early:
                    self._news.put(_Acknowledged(message.topic))
                self._topics[number] = message.topic
        return True

    def _acknowledged(self, number: int) -> None:
        """Comes from the session's thread, and may come before `publish` has returned in ours."""
        with self._lock:
            topic = self._topics.pop(number, None)
            self._early.append(number)
        if topic is not None:
            self._news.put(_Acknowledged(topic))

    def _heard(self, _topic: str, payload: bytes) -> None:
        if payload == b"online":
            self._news.put(HomeStarted())

    def _state(self, up: bool, why: str) -> None:
        _tell(why)
        self._news.put(_Up(up))


def _serve(site: Site, broker: BrokerConfig, stop: threading.Event) -> None:
    settings = site.config.home_assistant
    how = "over TLS" if broker.tls else "WITHOUT TLS, so for whoever sees the network"
    _tell(
        f"site '{site.name}': {', '.join(settings.tell)} of every room go IN CLEAR to the broker {broker.host}:"
        f"{broker.port}, {how}: its operator and everybody whom it lets listen can read them"
    )
    clock = SystemClock()
    bridge = Bridge(settings, site.name, Memory(site.folder), clock)
    with Watch(site, clock, partial(_told, "site's broker")) as watch, Link(site, broker, bridge) as link:
        while not stop.is_set():
            watch.look(TURN_S)
            bridge.look(watch.rooms.all(), watch.alerts)
            link.turn()


def _remove(site: Site, broker: BrokerConfig, stop: threading.Event) -> None:
    """Raises BrokerError where the broker does not take it in time."""
    clock = SystemClock()
    bridge = Bridge(site.config.home_assistant, site.name, Memory(site.folder), clock)
    give_up_ns = clock.mono_ns() + round(REMOVED_WITHIN_S * 1e9)
    with Link(site, broker, bridge) as link:
        while not bridge.emptied and not stop.is_set():
            if clock.mono_ns() > give_up_ns:
                raise BrokerError(
                    f"not everything was taken away within {REMOVED_WITHIN_S:.0f} s: is Home Assistant running, and "
                    "listening to this broker? Then try again"
                )
            link.turn()
            stop.wait(TURN_S / 4)
    _tell("Home Assistant was told to forget every unit of this site")


def _told(whose: str, text: str) -> None:
    _tell(f"{whose}: {text}")


def _tell(text: str) -> None:
    say(f"home-assistant: {text}")
