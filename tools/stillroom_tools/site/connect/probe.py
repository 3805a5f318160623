"""One client at the broker under trial. It waits for each answer, for a while; silence is an answer too."""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from stillroom.broker_trouble import ANSWER_WITHIN_S, explain, explain_closed, explain_refusal, where
from stillroom.errors import BrokerError
from stillroom.mqtt_client import REFUSED, Calls, Client, Incoming, Manner
from stillroom_tools.site.connect.ways import Way, new_id

SESSION_S = 120
"""How long a broker keeps the sessions of a trial that was killed."""
_TURN_S = 0.05


class Refused(BrokerError):
    """The broker did not let us in. `code`: of its CONNACK; 0 where it said none."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class Probe:
    """Make and `open` (or `with`), `hear`, `say`, `wait`; `close`. One thread: only who waits reads."""

    def __init__(
        self,
        way: Way,
        site: str,
        *,
        v5: bool,
        keeps: bool = False,
        by_hand: bool = False,
        client_id: str = "",
    ) -> None:
        self.client_id = client_id or new_id(site, way.name)
        self.way, self.v5 = way, v5
        self.heard: list[Incoming] = []
        self.answers: dict[int, int] = {}
        """Codes of the broker's word on what was said, by number."""
        self.closed: int | None = None
        """Code with which the broker ended the connection (0: without a word), or None while it stands."""
        self.session = False
        """The broker had kept a session of ours."""
        self._granted: list[int] = []
        self._up: tuple[int, str] | None = None
        """Code and words of its CONNACK."""
        self._trouble = ""
        calls = Calls(
            connected=self._connected,
            closed=self._ended,
            subscribed=self._subscribed,
            published=lambda number, code, _words: self.answers.__setitem__(number, code),
            message=self.heard.append,
            trouble=self._said_trouble,
        )
        manner = Manner(v5, SESSION_S if keeps else 0, max_unacknowledged=1_024, by_hand=by_hand)
        self.client = Client(way.broker, way.folder, self.client_id, calls, manner)

    def open(self) -> None:
        """Connect, and be let in. Raises Refused."""
        broker = self.way.broker
        try:
            self.client.connect()
            answered = self.wait(lambda: self._up is not None or self.closed is not None, ANSWER_WITHIN_S)
        except (OSError, ValueError) as error:
            raise Refused(explain(error, broker)) from None
        if not answered:
            raise Refused(explain(TimeoutError(), broker))
        up = self._up
        if up is None:
            raise Refused(f"{where(broker)} {explain_closed(self._trouble, broker)}")
        if up[0]:
            raise Refused(explain_refusal(*up, self.client_id, broker), up[0])

    def close(self) -> None:
        if self.closed is None:
            self.client.disconnect()
            self.wait(lambda: self.closed is not None, 1.0)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def wait(self, done: Callable[[], bool], within_s: float) -> bool:
        """Read and write until `done`, the end of the connection, or the end of the time; whether it is done."""
        end_s = time.monotonic() + within_s
        while not done() and self.closed is None and time.monotonic() < end_s:
            self.turn()
        return done()

    def turn(self) -> None:
        """Read and write once."""
        try:
            if not self.client.loop(_TURN_S) and self.closed is None:
                self.closed = 0
        except (OSError, ValueError):
            self.closed = 0

    def hear(self, topic: str) -> bool:
        """Subscribe; whether the broker granted it. It may deliver nothing all the same."""
        self._granted.clear()
        self.client.subscribe([topic])
        self.wait(lambda: bool(self._granted), ANSWER_WITHIN_S)
        return bool(self._granted) and max(self._granted) < REFUSED

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """One message of QoS 1; whether the broker acknowledged it. In 3.1.1 it must, also when it drops it."""
        number = self.client.publish(topic, payload, retain=retain)
        if number is None:
            return False
        self.wait(lambda: number in self.answers, ANSWER_WITHIN_S)
        return self.answers.get(number, REFUSED) < REFUSED

    def take(self, payload: bytes, within_s: float = ANSWER_WITHIN_S) -> Incoming | None:
        """The first message with this payload, waited for; None where it does not come."""

        def found() -> Incoming | None:
            return next((message for message in self.heard if message.payload == payload), None)

        self.wait(lambda: found() is not None, within_s)
        return found()

    def _connected(self, code: int, words: str, session: bool) -> None:
        self._up, self.session = (code, words), session

    def _ended(self, code: int) -> None:
        self.closed = code

    def _subscribed(self, codes: Sequence[int]) -> None:
        self._granted = list(codes)

    def _said_trouble(self, text: str) -> None:
        self._trouble = text
