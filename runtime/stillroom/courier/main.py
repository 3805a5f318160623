"""courier: sealed bytes from the keeper to the broker, and from the broker to the keeper. Nothing else.

It holds no key that opens anything and no file that matters. What it has not delivered when it dies is still
in the keeper's outbox.
"""

import sys
import threading
import time
from pathlib import Path

from stillroom import config, credentials, guard, link
from stillroom.clock import NS_PER_S, SystemClock
from stillroom.config import UnitConfig
from stillroom.errors import LinkError
from stillroom.guard_files import Files
from stillroom.link import CourierHears, Down, Link, Look, Network, Sent, Up
from stillroom.mqtt import Handlers, Session
from stillroom.notify import Notifier

MAX_DOWN_BYTES = 4_096
LONGEST_WAIT_S = 1.0
"""More than any lead: a keeper that names a place farther off is not obeyed."""
LAST_WORDS_S = 4.0
"""Less than the five seconds after which it is killed (`run.py`, `stillroom-courier.service`)."""


def main(config_path: Path, parent: int | None = None, keeper_user: str = "") -> int:
    """Run until the keeper ends. Broker trouble never ends it.

    keeper_user: whose socket it is; empty: our own user's.
    """
    notifier = Notifier()
    guard.forbid(parent=parent)
    unit = config.load(config_path)
    keeper_uid = link.uid_of(keeper_user)
    guarded = guard.confine("courier", unit, files(unit))
    keeper = link.connect(unit.path(unit.paths.run) / link.COURIER_SOCKET, CourierHears, keeper_uid)
    guard.connected("courier")
    keeper.send(guarded)
    courier = Courier(unit, keeper, notifier)
    notifier.ready()
    try:
        courier.run()
    except LinkError:
        return 0
    finally:
        courier.stop()
    return 0


def files(unit: UnitConfig) -> Files:
    """What TLS and the login need. No key of the unit's, no camera, nothing to write to."""
    broker, paths = unit.broker, unit.paths
    named = (broker.ca_file, broker.certificate_file, broker.key_file, broker.password_file)
    return Files(
        hidden=tuple(unit.path(name) for name in (paths.keys, paths.state, paths.trust)),
        also=tuple(credentials.locate(unit.path(name)) for name in named if name),
    )


class Courier:
    """Up on `.../up`, down on `.../down`, views on `.../view`; acknowledgements go back to the keeper by slot."""

    def __init__(self, unit: UnitConfig, keeper: Link, notifier: Notifier | None = None) -> None:
        self._keeper, self._notifier = keeper, notifier
        self._answers = 0
        self._clock = SystemClock()
        base = f"stillroom/1/{unit.site}/{unit.unit}"
        self._base, self._topic = base, f"{base}/up"
        self._lock = threading.Lock()
        self._slots: dict[int, int] = {}
        self._early: set[int] = set()
        handlers = Handlers(self._down, self._acknowledged, self._state)
        self._session = Session(
            unit.broker, unit.folder, f"unit-{unit.unit}", [f"{base}/down"], handlers, persistent=False
        )

    def run(self) -> None:
        """Forward until the link to the keeper ends (LinkError)."""
        self._session.start()
        while True:
            message = self._keeper.receive(wait=True)
            if isinstance(message, Look):
                self._session.publish_once(f"{self._base}/view", message.frame)
            elif isinstance(message, Up):
                self._wait_for_place(message.send_ns)
                self._forward(message)
                if self._notifier and self._gets_on():
                    self._notifier.progress()

    def _gets_on(self) -> bool:
        """The broker has answered since the last slot; or there is none, and the session goes on trying."""
        before, self._answers = self._answers, self._session.answers
        return self._answers > before or (not self._session.connected and self._session.trying)

    def _wait_for_place(self, send_ns: int) -> None:
        """Nothing else is done here meanwhile: what the keeper is busy with must not show in when we send."""
        wait_s = (send_ns - self._clock.mono_ns()) / NS_PER_S
        if wait_s > 0:
            time.sleep(min(wait_s, LONGEST_WAIT_S))

    def stop(self) -> None:
        """Disconnect once the broker has what it was given last: the thread that writes must not be overtaken."""
        give_up_s = time.monotonic() + LAST_WORDS_S
        while self._slots and self._session.connected and time.monotonic() < give_up_s:
            time.sleep(0.01)
        if self._slots:
            print(
                "courier: ended before the broker had the last record; the card has it",
                file=sys.stderr,
                flush=True,
            )
        self._session.stop()

    def _forward(self, up: Up) -> None:
        number = self._session.publish(self._topic, up.record)
        if number is None:
            return
        with self._lock:
            acknowledged_already = number in self._early
            self._early.discard(number)
            if not acknowledged_already:
                self._slots[number] = up.slot
            while len(self._slots) > 64:
                del self._slots[next(iter(self._slots))]
        if acknowledged_already:
            self._say(Sent(up.slot))

    def _acknowledged(self, number: int) -> None:
        """Comes from the session's thread, and may come before `publish` has returned in ours."""
        with self._lock:
            slot = self._slots.pop(number, None)
            if slot is None and len(self._early) < 64:
                self._early.add(number)
        if slot is not None:
            self._say(Sent(slot))

    def _down(self, _topic: str, payload: bytes) -> None:
        if len(payload) <= MAX_DOWN_BYTES:
            self._say(Down(payload))

    def _state(self, connected: bool, why: str) -> None:
        print(f"courier: {why}", file=sys.stderr, flush=True)
        self._say(Network(connected, why[:240]))

    def _say(self, message: Sent | Down | Network) -> None:
        try:
            self._keeper.send(message)
        except LinkError:
            pass
