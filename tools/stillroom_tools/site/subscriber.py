"""What the facility's side hears from the broker: one session, one bounded queue between its thread and ours.

The broker's own acknowledgement (PUBACK) means nothing here: a record that is lost between broker and database
is sent again by its unit, because the gateway's cursor did not cover it. So when the queue stays full, the
session first stops reading (and the broker queues), then the *oldest* record goes, counted.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from stillroom.config import BrokerConfig
from stillroom.mqtt import Handlers, Session

CAPACITY = 4_096
MAX_KEPT_BYTES = 4_096
"""Of a payload; a record has 2,048. What is longer is refused later by its size, without filling memory.

`keep_bytes`: for whoever listens to something longer."""
MAX_UNACKNOWLEDGED = 1_024
"""Records downwards that may wait for the broker's word: a slot of a thousand units."""
WAIT_FOR_ROOM_S = 1.0
"""How long the session stops reading when the queue is full. Far below any keep-alive."""


class Message(NamedTuple):
    """As it came from the broker: nothing is checked yet."""

    topic: str
    payload: bytes
    after_gap: bool = False
    """Others may have come before it that nobody took: this session lost its connection, or its queue was full."""


def say(text: str) -> None:
    """One line on standard error."""
    print(text, file=sys.stderr, flush=True)


class Subscriber:
    """Make, start (or `with`), take, publish, stop. `take` and `publish` may be called from one other thread."""

    def __init__(
        self,
        broker: BrokerConfig,
        folder: Path,
        client_id: str,
        topics: Sequence[str],
        *,
        persistent: bool,
        tell: Callable[[str], None] = say,
        capacity: int = CAPACITY,
        keep_bytes: int = MAX_KEPT_BYTES,
    ) -> None:
        """`persistent`: the broker queues while we are away. `tell` gets one line at each change of the connection.

        Raises ConfigError, BrokerError for files of the configuration that cannot be read.
        """
        self._tell = tell
        self._capacity, self._keep_bytes = capacity, keep_bytes
        self._queue: deque[Message] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self.status = "not connected yet"
        """The last line told."""
        self.dropped = 0
        """Records that went because nobody took them."""
        self._persistent, self._gap = persistent, False
        handlers = Handlers(self._arrived, lambda _number: None, self._state)
        self._session = Session(
            broker,
            folder,
            client_id,
            topics,
            handlers,
            persistent=persistent,
            max_unacknowledged=MAX_UNACKNOWLEDGED,
        )

    def start(self) -> None:
        self._session.start()

    def stop(self) -> None:
        """Disconnect; what was not taken is dropped."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._session.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def connected(self) -> bool:
        """Connected, and every subscription granted."""
        return self._session.connected

    def take(self, limit: int, timeout_s: float) -> list[Message]:
        """The oldest messages, at most `limit`; waits at most `timeout_s` for the first."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._stopping, timeout_s)
            taken = [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]
            self._changed.notify_all()
            return taken

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hand one message to the session; False where it was dropped (not connected, or the broker is slow)."""
        return self._session.publish(topic, payload) is not None

    def _arrived(self, topic: str, payload: bytes) -> None:
        with self._changed:
            if len(self._queue) >= self._capacity:
                self._changed.wait_for(self._has_room, WAIT_FOR_ROOM_S)
            while len(self._queue) >= self._capacity:
                self._drop_oldest()
            self._queue.append(Message(topic, payload[: self._keep_bytes], self._gap))
            self._gap = False
            self._changed.notify_all()

    def _drop_oldest(self) -> None:
        self._queue.popleft()
        self.dropped += 1
        if self._queue:
            self._queue[0] = self._queue[0]._replace(after_gap=True)
        else:
            self._gap = True

    def _has_room(self) -> bool:
        return self._stopping or len(self._queue) < self._capacity

    def _state(self, connected: bool, text: str) -> None:
        self.status = text
        if not connected and not self._persistent:  # else the broker keeps what comes meanwhile
            with self._changed:
                self._gap = True
        self._tell(text)
