"""When records leave: places on a grid that nothing which happens can move.

What to say takes a time that depends on what happened (a commit of a few entries takes milliseconds, none takes
nothing). So it is composed and sealed `LEAD_S` early, and whoever sends waits for the place. An observer sees
the grid and the jitter of a sleeping thread, as long as composing takes less than the lead; a composing that takes
longer is sent at the next place, so a card that stalls for a quarter of a second shows as one record missing.
"""

import heapq
import threading
from collections.abc import Callable
from typing import Self

from stillroom.clock import NS_PER_S, Clock

LEAD_S = 0.25
"""A commit takes some 7 ms on the machines measured, and rarely more than 100 ms on cards."""


def lead_ns(period_ns: int) -> int:
    """How early to compose."""
    return min(round(LEAD_S * NS_PER_S), period_ns // 4)


class Metronome:
    """Places at `first_ns` and every `period_ns` after it. Each is given out once."""

    def __init__(self, first_ns: int, period_ns: int) -> None:
        self._first_ns, self._period_ns = first_ns, period_ns
        self._taken_ns = first_ns - period_ns

    def place(self, now_ns: int) -> int | None:
        """The first place that is not yet over; None where that one is taken."""
        steps = max(-((self._first_ns - now_ns) // self._period_ns), 0)
        place_ns = self._first_ns + steps * self._period_ns
        if place_ns <= self._taken_ns:
            return None
        self._taken_ns = place_ns
        return place_ns


class Pacer:
    """A thread that lets each record go at its place, whatever the others are doing."""

    def __init__(self, clock: Clock, publish: Callable[[str, bytes], object]) -> None:
        """`publish(topic, record)` is called from the pacer's own thread and must return soon."""
        self._clock, self._publish = clock, publish
        self._waiting: list[tuple[int, int, str, bytes]] = []
        self._handed = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="pacer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread. What waits is dropped: the next start says it again."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    def hand(self, topic: str, record: bytes, at_ns: int) -> None:
        """Publish this at `at_ns` of the monotonic clock; at once where that has passed."""
        with self._changed:
            self._handed += 1
            heapq.heappush(self._waiting, (at_ns, self._handed, topic, record))
            self._changed.notify()

    def send_due(self) -> float | None:
        """Publish what is due. Seconds until more is; None where nothing waits."""
        while True:
            with self._changed:
                if not self._waiting:
                    return None
                wait_ns = self._waiting[0][0] - self._clock.mono_ns()
                if wait_ns > 0:
                    return wait_ns / NS_PER_S
                _, _, topic, record = heapq.heappop(self._waiting)
            self._publish(topic, record)

    def _run(self) -> None:
        while not self._stopping:
            wait_s = self.send_due()
            with self._changed:
                due = self._waiting and self._waiting[0][0] <= self._clock.mono_ns()
                if not self._stopping and not due:
                    self._changed.wait(wait_s)
