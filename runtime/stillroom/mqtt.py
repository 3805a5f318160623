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
from dataclasses import dataclass, replace
from pathlib import Path

from stillroom.broker_trouble import (
    ANSWER_WITHIN_S,
    explain,
    explain_closed,
    explain_refusal,
    explain_unsaid,
    where,
)
from stillroom.config import BrokerConfig
from stillroom.mqtt_client import (
    NOBODY_SUBSCRIBED,
    REFUSED,
    TAKEN_OVER,
    UNSUPPORTED_VERSION,
    Calls,
    Client,
    Manner,
    Will,
)
from stillroom.mqtt_version import Version

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 10.0
"""A thousand clients that come back over ten seconds are a hundred TLS handshakes a second."""
BRIEF_S = 5.0
"""A connection that ends sooner does not make the next wait short again."""
BRIEF_IN_A_ROW = 3
SESSION_EXPIRY_S = 86_400
MAX_UNACKNOWLEDGED = 32


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
        will: Will | None = None,
    ) -> None:
        """`max_unacknowledged`: how many messages may wait for the broker's word; one more is dropped."""
        self._broker = broker
        self._folder = folder
        self._client_id = client_id
        self._subscriptions = tuple(subscriptions)
        self._handlers = handlers
        self._manner = Manner(
            session_s=SESSION_EXPIRY_S if persistent else 0, max_unacknowledged=max_unacknowledged, will=will
        )
        self._stood = self._answered = False
        """Of a connection: it stood; the broker answered on it."""
        self._version = Version()
        self.answers = 0
        """How often the broker has said what became of a message."""
        self._stopping = threading.Event()
        self._up = threading.Event()
        self._told = ""
        self._refusal = ""
        self._trouble = ""
        self._brief = 0
        self._topics: dict[int, str] = {}
        self._once: set[int] = set()
        self._early: dict[int, tuple[int, str]] = {}
        """What paho said of a message before `publish` had returned its number. No lock is held around that: paho has
        its own, and calls back under it."""
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

    @property
    def trying(self) -> bool:
        """The thread that connects, reads and writes is there."""
        return self._thread.is_alive()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Hand over one QoS 1 message; its number for `acknowledged`, or None where it was dropped."""
        if not self._up.is_set():
            return None
        number = self._client.publish(topic, payload, retain=retain)
        if number is None:
            return None
        self._topics[number] = topic
        while len(self._topics) > 2 * self._manner.max_unacknowledged:
            del self._topics[next(iter(self._topics))]
        if (said := self._early.pop(number, None)) is not None:
            self._on_publish(number, *said)
        return number

    def publish_once(self, topic: str, payload: bytes) -> None:
        """QoS 0: sent if there is a connection, and nobody hears what became of it."""
        number = self._client.publish(topic, payload, qos=0) if self._up.is_set() else None
        if number is not None:
            self._once.add(number)
            if self._early.pop(number, None) is not None:
                self._once.discard(number)

    def _make(self) -> Client:
        calls = Calls(
            connected=self._on_connect,
            closed=self._on_disconnect,
            subscribed=self._on_subscribe,
            published=self._on_publish,
            message=lambda message: self._handlers.message(message.topic, message.payload),
            trouble=self._on_trouble,
        )
        return Client(self._broker, self._folder, self._client_id, calls, self._manner)

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
        self._stood = self._answered = False
        manner, began_s = self._manner, time.monotonic()
        try:
            self._hold()
        except (OSError, ValueError) as error:
            self._refusal = explain(error, self._broker)
        accepted = self._up.is_set()
        held = accepted and time.monotonic() - began_s >= BRIEF_S
        self._brief = self._brief + 1 if accepted and not held else 0
        self._up.clear()
        if self._manner == manner and not self._stopping.is_set():
            self._tell(False, self._refusal or f"{where(self._broker)} {self._why_closed(accepted)}")
            self._version.ended(accepted=accepted, silent=self._stood and not self._answered)
            self._adopt_version()
        return held

    def _hold(self) -> None:
        """Connect and serve the connection until it ends. Raises OSError, ValueError."""
        client = self._client
        client.connect()
        self._stood = True
        answer_by_s = time.monotonic() + ANSWER_WITHIN_S
        while client is self._client and client.loop(0.25):
            if not self._up.is_set() and time.monotonic() > answer_by_s:
                raise TimeoutError

    def _adopt_version(self) -> None:
        if self._version.v5 != self._manner.v5:
            self._manner = replace(self._manner, v5=self._version.v5)
            self._client = self._make()

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

    def _on_connect(self, code: int, words: str, _session: bool) -> None:
        self._answered = True
        if code == 0:
            if self._subscriptions:
                self._client.subscribe(self._subscriptions)
            else:
                self._came_up()
        elif code in UNSUPPORTED_VERSION and self._manner.v5:
            self._version.unknown()
            self._adopt_version()
        else:
            self._refusal = explain_refusal(code, words, self._client_id, self._broker)

    def _on_publish(self, mid: int, code: int, words: str) -> None:
        """A broker's PUBACK may say that it refused the message, or that nobody is subscribed: then nobody has it."""
        if mid not in self._topics and mid not in self._once:
            self._early[mid] = code, words
            if mid not in self._topics and mid not in self._once:
                return  # `publish` will find it
            self._early.pop(mid, None)
        if mid in self._once:
            self._once.discard(mid)
            return
        self.answers += 1
        topic, was_refused = self._topics.pop(mid, ""), bool(self._refused)
        if code >= REFUSED:
            self._refused.add(topic)
            if not was_refused:
                self._tell(True, explain_unsaid(topic, words, self._broker))
            return
        self._refused.discard(topic)
        if was_refused and not self._refused:
            self._came_up()
        if code != NOBODY_SUBSCRIBED:
            self._handlers.acknowledged(mid)

    def _on_trouble(self, text: str) -> None:
        self._trouble = text

    def _on_subscribe(self, answers: Sequence[int]) -> None:
        codes = [*answers, *(REFUSED for _ in self._subscriptions)]  # one unanswered is none granted
        refused = [topic for topic, code in zip(self._subscriptions, codes, strict=False) if code >= REFUSED]
        if refused:
            at = where(self._broker)
            self._refusal = f"{at} refuses the subscription to {refused[0]}: allow it in the broker's ACL"
            self._client.disconnect()
        else:
            self._came_up()

    def _came_up(self) -> None:
        self._refused.clear()
        self._up.set()
        version = "5" if self._manner.v5 else "3.1.1"
        self._tell(True, f"connected to {where(self._broker)} with MQTT {version}")

    def _on_disconnect(self, code: int) -> None:
        if code == TAKEN_OVER:
            self._refusal = (
                f"another client took over the id '{self._client_id}' at {where(self._broker)}: "
                "two units with one id? Make each unit its own keys"
            )

    def _tell(self, up: bool, text: str) -> None:
        if text != self._told:
            self._told = text
            self._handlers.state(up, text)
