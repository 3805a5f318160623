"""One MQTT connection, and the only file that speaks to paho: its callbacks, codes and properties end here.

`mqtt.Session` keeps one of these up; `stillroom site connect` tries brokers with it. A client does nothing by itself:
whoever calls `loop` reads and writes, and is called back in that thread.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from stillroom import credentials
from stillroom.broker_trouble import ANSWER_WITHIN_S, tls_context
from stillroom.config import BrokerConfig
from stillroom.errors import ConfigError

MAX_PACKET_BYTES = 65_536
"""More than thirty records: a broker of MQTT 5 does not bring us what is larger."""

REFUSED = 128
"""Codes from here on are refusals, of MQTT 5 and of a subscription in 3.1.1."""
UNSUPPORTED_VERSION = frozenset({1, 132})
TAKEN_OVER = 142
NOBODY_SUBSCRIBED = 16


@dataclass(frozen=True)
class Incoming:
    """A message as the broker brought it. `number`: for `Client.acknowledge`."""

    topic: str
    payload: bytes
    qos: int
    retained: bool
    number: int


@dataclass(frozen=True)
class Will:
    """What the broker says for us, retained, when the connection is lost."""

    topic: str
    payload: bytes


@dataclass(frozen=True)
class Calls:
    """Who is told what, from within `loop`. A code of 0 is success, one from 128 (`REFUSED`) on a refusal."""

    connected: Callable[[int, str, bool], None]
    """Code (3.1.1: 1 to 5 are refusals), its words, whether the broker had kept a session of ours."""
    closed: Callable[[int], None]
    subscribed: Callable[[Sequence[int]], None]
    """A code for each topic: the QoS granted, or a refusal. A broker may answer for fewer than were asked."""
    published: Callable[[int, int, str], None]
    """Number, code, words of a message that the broker took, or says that it did."""
    message: Callable[[Incoming], None]
    trouble: Callable[[str], None]
    """What the socket or TLS said, in OpenSSL's words."""


@dataclass(frozen=True)
class Manner:
    """How a client behaves at a broker."""

    v5: bool = True
    session_s: int = 0
    """How long the broker keeps our session after we left; 0: none. 3.1.1 knows only for ever, or none."""
    max_unacknowledged: int = 32
    """How many messages may wait for the broker's word; one more is dropped."""
    by_hand: bool = False
    """Messages are acknowledged by `acknowledge` alone."""
    will: Will | None = None


class Client:
    """Make, `connect`, `loop` until it returns False. Raises ConfigError, BrokerError for files that cannot be read."""

    def __init__(
        self, broker: BrokerConfig, folder: Path, client_id: str, calls: Calls, manner: Manner
    ) -> None:
        self._broker, self._calls, self._manner = broker, calls, manner
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=paho.MQTTv5 if manner.v5 else paho.MQTTv311,
            clean_session=None if manner.v5 else not manner.session_s,
            reconnect_on_failure=False,
            manual_ack=manner.by_hand,
        )
        client.max_inflight_messages_set(manner.max_unacknowledged)
        client.max_queued_messages_set(manner.max_unacknowledged)
        client.connect_timeout = ANSWER_WITHIN_S
        if broker.username:
            client.username_pw_set(broker.username, _password(broker, folder))
        if broker.tls:
            client.tls_set_context(tls_context(broker, folder))
        if manner.will is not None:
            client.will_set(manner.will.topic, manner.will.payload, qos=1, retain=True)
        self._client = client
        self._listen()

    def connect(self) -> None:
        """Open the connection and ask; the answer comes in `loop`. Raises OSError, ValueError."""
        keep = self._manner.session_s > 0
        self._client.connect(
            self._broker.host,
            self._broker.port,
            self._broker.keepalive_s,
            clean_start=not keep if self._manner.v5 else 3,
            properties=self._properties(),
        )

    def loop(self, timeout_s: float) -> bool:
        """Read and write for at most so long; False where the connection is over. Raises OSError, ValueError."""
        return self._client.loop(timeout=timeout_s) == paho.MQTT_ERR_SUCCESS

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> int | None:
        """Hand over one message: its number, or None where it was dropped. From any thread."""
        info = self._client.publish(topic, payload, qos=qos, retain=retain)
        return info.mid if info.rc == paho.MQTT_ERR_SUCCESS else None

    def subscribe(self, topics: Sequence[str]) -> None:
        self._client.subscribe([(topic, 1) for topic in topics])

    def acknowledge(self, message: Incoming) -> None:
        """Of a client that acknowledges by hand."""
        self._client.ack(message.number, message.qos)

    def disconnect(self) -> None:
        self._client.disconnect()

    def _listen(self) -> None:
        client, calls = self._client, self._calls
        # paho then leaves all writing to `loop`; without it, two threads may write to one TLS connection.
        client.on_socket_register_write = lambda _c, _u, _s: None
        client.on_log = self._on_log
        client.on_connect = lambda _c, _u, flags, reason, _p: calls.connected(
            _code(reason), str(reason), flags.session_present
        )
        client.on_disconnect = lambda _c, _u, _f, reason, _p: calls.closed(_code(reason))
        client.on_subscribe = lambda _c, _u, _m, reasons, _p: calls.subscribed([*map(_code, reasons)])
        client.on_publish = lambda _c, _u, mid, reason, _p: calls.published(mid, _code(reason), str(reason))
        client.on_message = lambda _c, _u, m: calls.message(
            Incoming(m.topic, bytes(m.payload), m.qos, m.retain, m.mid)
        )

    def _on_log(self, _client: paho.Client, _user: object, level: int, text: str) -> None:
        if level == paho.MQTT_LOG_ERR:
            self._calls.trouble(text)

    def _properties(self) -> Properties | None:
        if not self._manner.v5:
            return None
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._manner.session_s
        properties.MaximumPacketSize = MAX_PACKET_BYTES
        return properties


def _password(broker: BrokerConfig, folder: Path) -> str | None:
    if not broker.password_file:
        return None
    path = credentials.locate(folder / broker.password_file)
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not a text file in UTF-8"
        raise ConfigError(f"key 'broker.password_file' = '{path}': cannot be read: {why}") from None


def _code(reason: Any) -> int:
    value = getattr(reason, "value", reason)
    return int(value) if isinstance(value, int) else 0
