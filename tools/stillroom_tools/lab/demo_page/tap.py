"""What anybody at the broker sees: sealed records, one size, one pace. It holds no key."""

import threading
import time
from dataclasses import dataclass

from stillroom_tools.site.gateway.enrolled import unit_of
from stillroom_tools.site.layout import Site
from stillroom_tools.site.subscriber import Subscriber


@dataclass(frozen=True)
class Tapped:
    """The newest record of one unit."""

    topic: str
    record: bytes
    at_s: float
    """UTC of this machine."""
    count: int
    """So many came of this unit."""
    gap_s: float
    """Since the one before it."""


class Tap:
    """Use with `with`; `latest` and `publish` from any thread."""

    def __init__(self, site: Site) -> None:
        self._subscriber = Subscriber(
            site.broker("board"),
            site.folder,
            f"{site.name}-demo-tap",
            [f"stillroom/1/{site.name}/+/up"],
            persistent=False,
            tell=lambda _text: None,
        )
        self._latest: dict[str, Tapped] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tap", daemon=True)

    def __enter__(self) -> "Tap":
        self._subscriber.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._subscriber.stop()

    def latest(self, unit: str) -> Tapped | None:
        return self._latest.get(unit)

    def publish(self, topic: str, record: bytes) -> bool:
        """In somebody's name: the demo's broker asks nobody who he is. False where it is cut."""
        return self._subscriber.publish(topic, record)

    def _run(self) -> None:
        while not self._over.is_set():
            for message in self._subscriber.take(64, 0.2):
                unit, now_s = unit_of(message.topic), time.time()
                before = self._latest.get(unit)
                count, gap_s = (before.count + 1, now_s - before.at_s) if before else (1, 0.0)
                self._latest[unit] = Tapped(message.topic, message.payload, now_s, count, gap_s)
