"""One MQTT session that stays up: MQTT 5 where the broker has it, else 3.1.1; one line for each way it can fail.

Used by the courier and by the facility's side, so that both speak to brokers alike. It holds nothing that
matters: what must not be lost lies in the unit's outbox or the gateway's database.
Reconnects with full jitter (Brooker 2015, "Exponential Backoff And Jitter"), so that a ward of units does
not return all at once. paho's own reconnecting is not used: it has no jitter.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from stillroom.broker_trouble import ANSWER_WITHIN_S, explain, explain_closed, tls_context
from stillroom.config import BrokerConfig
from stillroom.errors import ConfigError

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 10.0
"""A thousand clients that come back over ten seconds are a hundred TLS handshakes a second."""
BRIEF_S = 5.0
"""A connection that ends sooner does not make the next wait short again."""
BRIEF_IN_A_ROW = 3
SESSION_EXPIRY_S = 86_400
MAX_UNACKNOWLEDGED = 32
MAX_PACKET_BYTES = 65_536
"""More than thirty records: a broker of MQTT 5 does not bring us what is larger."""

_UNSUPPORTED_VERSION = {1, 132}
_BAD_LOGIN = {4, 134}
_NOT_ALLOWED = {5, 135}
_TAKEN_OVER = 142
_REFUSED = 128
_NOBODY_SUBSCRIBED = 16


@dataclass(frozen=True)
class Handlers:
    """Called from the session's own thread; each must return soon and hold no lock that `publish` needs."""

    message: Callable[[str, bytes], None]
    acknowledged: Callable[[int], None]
    state: Callable[[bool, str], None]


class Session:
    """A client that keeps trying. Make, start, publish, stop."""

    def __init__(
        self,
        broker: BrokerConfig,
        folder: Path,
        client_id: str,
        subscriptions: Sequence[str],
        handlers: Handlers,
        *,
        persistent: bool,
        max_unacknowledged: int = MAX_UNACKNOWLEDGED,
    ) -> None:
        """`max_unacknowledged`: how many messages may wait for the broker's word; one more is dropped."""
        self._broker = broker
        self._folder = folder
        self._client_id = client_id
        self._subscriptions = tuple(subscriptions)
        self._handlers = handlers
        self._persistent = persistent
        self._max_unacknowledged = max_unacknowledged
        self._protocol = paho.MQTTv5
        self._stopping = threading.Event()
        self._up = threading.Event()
        self._told = ""
        self._refusal = ""
        self._trouble = ""
        self._brief = 0
        self._topics: dict[int, str] = {}
        self._refused: set[str] = set()
        """Topics to which the broker's ACL lets us say nothing."""
        self._client = self._make()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Disconnect and end the thread; waits at most five seconds for it."""
        self._stopping.set()
        self._client.disconnect()
        self._thread.join(5.0)

    @property
    def connected(self) -> bool:
        return self._up.is_set()

    def publish(self, topic: str, payload: bytes) -> int | None:
        """Hand over one QoS 1 message; its number for `acknowledged`, or None where it was dropped."""
        if not self._up.is_set():
            return None
        info = self._client.publish(topic, payload, qos=1)
        self._topics[info.mid] = topic
        while len(self._topics) > 2 * self._max_unacknowledged:
            del self._topics[next(iter(self._topics))]
        return info.mid if info.rc == paho.MQTT_ERR_SUCCESS else None

    def _make(self) -> paho.Client:
        v5 = self._protocol == paho.MQTTv5
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=self._protocol,
            clean_session=None if v5 else not self._persistent,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(self._max_unacknowledged)
        client.max_queued_messages_set(self._max_unacknowledged)
        client.connect_timeout = ANSWER_WITHIN_S
        if self._broker.username:
            client.username_pw_set(self._broker.username, self._password())
        if self._broker.tls:
            client.tls_set_context(tls_context(self._broker, self._folder))
        # paho then leaves all writing to our thread; without it, two threads may write to one TLS connection.
        client.on_socket_register_write = lambda _c, _u, _s: None
        client.on_log = self._on_log
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = lambda _c, _u, message: self._handlers.message(
            message.topic, bytes(message.payload)
        )
        return client

    def _password(self) -> str | None:
        if not self._broker.password_file:
            return None
        path = self._folder / self._broker.password_file
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"key 'broker.password_file' = '{path}': cannot be read: {error.strerror}"
            ) from None

    def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        while not self._stopping.is_set():
            if self._connect_once():
                wait_s = FIRST_WAIT_S
            self._stopping.wait(random.uniform(0.0, wait_s))
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    def _connect_once(self) -> bool:
        """One connection from its beginning to its end; True where it held for a while."""
        self._refusal = self._trouble = ""
        protocol, began_s = self._protocol, time.monotonic()
        try:
            self._hold()
        except (OSError, ValueError) as error:
            self._refusal = explain(error, self._broker)
        accepted = self._up.is_set()
        held = accepted and time.monotonic() - began_s >= BRIEF_S
        self._brief = self._brief + 1 if accepted and not held else 0
        self._up.clear()
        if self._protocol == protocol and not self._stopping.is_set():
            self._tell(False, self._refusal or f"{self._where()} {self._why_closed(accepted)}")
        return held

    def _hold(self) -> None:
        """Connect and serve the connection until it ends. Raises OSError, ValueError."""
        self._client.connect(
            self._broker.host,
            self._broker.port,
            self._broker.keepalive_s,
            clean_start=not self._persistent if self._protocol == paho.MQTTv5 else 3,
            properties=self._connect_properties(),
        )
        answer_by_s = time.monotonic() + ANSWER_WITHIN_S
        while self._client.loop(timeout=0.25) == paho.MQTT_ERR_SUCCESS:
            if not self._up.is_set() and time.monotonic() > answer_by_s:
                raise TimeoutError

    def _why_closed(self, accepted: bool) -> str:
        if not accepted:
            return explain_closed(self._trouble, self._broker)
        if self._brief < BRIEF_IN_A_ROW:
            return "closed the connection; trying again"
        # mosquitto 2.0 does not say that it was a take-over.
        return (
            f"closed {BRIEF_IN_A_ROW} connections soon after each began: is another client connected "
            f"with the id '{self._client_id}'? Give each its own keys, and run one of each"
        )

    def _connect_properties(self) -> Properties | None:
        if self._protocol != paho.MQTTv5:
            return None
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_EXPIRY_S if self._persistent else 0
        properties.MaximumPacketSize = MAX_PACKET_BYTES
        return properties

    def _on_connect(
        self, client: paho.Client, _user: object, _flags: object, reason: object, _properties: object
    ) -> None:
        code = _code(reason)
        if code == 0:
            if self._subscriptions:
                client.subscribe([(topic, 1) for topic in self._subscriptions])
            else:
                self._came_up()
        elif code in _UNSUPPORTED_VERSION and self._protocol == paho.MQTTv5:
            self._fall_back()
        else:
            self._refusal = self._explain_refusal(code, str(reason))

    def _on_publish(
        self, _client: paho.Client, _user: object, mid: int, reason: object, _properties: object
    ) -> None:
        """A broker's PUBACK may say that it refused the message, or that nobody is subscribed: then nobody has it."""
        topic, was_refused = self._topics.pop(mid, ""), bool(self._refused)
        if _code(reason) >= _REFUSED:
            self._refused.add(topic)
            if not was_refused:
                self._tell(True, self._explain_unsaid(topic, str(reason)))
            return
        self._refused.discard(topic)
        if was_refused and not self._refused:
            self._came_up()
        if _code(reason) != _NOBODY_SUBSCRIBED:
            self._handlers.acknowledged(mid)

    def _on_log(self, _client: paho.Client, _user: object, level: int, text: str) -> None:
        if level == paho.MQTT_LOG_ERR:
            self._trouble = text

    def _fall_back(self) -> None:
        self._protocol = paho.MQTTv311
        self._client = self._make()

    def _on_subscribe(
        self, client: paho.Client, _user: object, _mid: int, reasons: Any, _properties: object
    ) -> None:
        codes = [
            *map(_code, reasons),
            *(_REFUSED for _ in self._subscriptions),
        ]  # one unanswered is none granted
        refused = [topic for topic, code in zip(self._subscriptions, codes, strict=False) if code >= _REFUSED]
        if refused:
            self._refusal = (
                f"{self._where()} refuses the subscription to {refused[0]}: allow it in the broker's ACL"
            )
            client.disconnect()
        else:
            self._came_up()

    def _came_up(self) -> None:
        self._refused.clear()
        self._up.set()
        version = "5" if self._protocol == paho.MQTTv5 else "3.1.1"
        self._tell(True, f"connected to {self._where()} with MQTT {version}")

    def _on_disconnect(
        self, _client: paho.Client, _user: object, _flags: object, reason: object, _properties: object
    ) -> None:
        if _code(reason) == _TAKEN_OVER:
            self._refusal = (
                f"another client took over the id '{self._client_id}' at {self._where()}: "
                "two units with one id? Make each unit its own keys"
            )

    def _explain_unsaid(self, topic: str, reason: str) -> str:
        """Of a message that the broker took and passed on to nobody."""
        base, _, way = topic.rpartition("/")
        line = f"pattern write {base.rpartition('/')[0]}/%u/up" if way == "up" else f"topic write {topic}"
        return f"connected, but {self._where()} refuses what we say ({reason}): it wants `{line}` in its acl"

    def _explain_refusal(self, code: int, reason: str) -> str:
        if code in _BAD_LOGIN:
            return f"{self._where()} refuses the login: check 'broker.username' and 'broker.password_file'"
        if code in _NOT_ALLOWED:
            return (
                f"{self._where()} does not allow '{self._client_id}': check the user name, the password or the "
                "certificate, and the broker's ACL"
            )
        return f"{self._where()} refuses the connection: {reason}"

    def _where(self) -> str:
        return f"broker {self._broker.host}:{self._broker.port}"

    def _tell(self, up: bool, text: str) -> None:
        if text != self._told:
            self._told = text
            self._handlers.state(up, text)


def _code(reason: object) -> int:
    value = getattr(reason, "value", reason)
    return int(value) if isinstance(value, int) else 0
