"""keeper: observations -> room -> events -> sealed records. It has the keys; it has no camera and no network.

One thread, one loop: the eye's and the courier's sockets, and four timers (lease, trust folder, slot, room).
"""

import os
import selectors
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from stillroom import config, credentials, guard, link
from stillroom.clock import NS_PER_S, SystemClock
from stillroom.config import UnitConfig
from stillroom.errors import StillroomError
from stillroom.guard_files import Files
from stillroom.keeper.doors import Door
from stillroom.keeper.starts import SafeMode, Starts
from stillroom.keeper.unit import Unit
from stillroom.link import COURIER_SOCKET, EYE_SOCKET, CourierSays, EyeSays
from stillroom.metronome import Metronome, lead_ns
from stillroom.notify import Notifier

LEASE_PERIOD_S = 0.2
TRUST_PERIOD_S = 0.5
ROOM_PERIOD_S = 0.5
MOST_TOLD = 32


@dataclass
class Timer:
    """Calls `act` every `period_ns`. Late calls are not made up for: a metronome does not hurry."""

    period_ns: int
    act: Callable[[], None]
    due_ns: int

    def run(self, now_ns: int) -> None:
        if now_ns >= self.due_ns:
            missed = (now_ns - self.due_ns) // self.period_ns
            self.due_ns += (missed + 1) * self.period_ns
            self.act()


@dataclass(frozen=True)
class Peers:
    """Which users may knock at the two doors."""

    eye_uid: int = field(default_factory=os.getuid)
    courier_uid: int = field(default_factory=os.getuid)


def main(config_path: Path, parent: int | None = None, eye_user: str = "", courier_user: str = "") -> int:
    """Run until SIGTERM or SIGINT. Raises a StillroomError for what a person must put right first.

    eye_user, courier_user: accounts of the other two; empty: our own.
    """
    notifier = Notifier()
    guard.forbid(parent=parent)
    settings = config.load(config_path)
    peers = Peers(link.uid_of(eye_user), link.uid_of(courier_user))
    run = settings.path(settings.paths.run)
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    guarded = guard.confine("keeper", settings, files(settings))
    wishes = Wishes()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: wishes.stop())
    signal.signal(signal.SIGUSR1, lambda *_: wishes.press())
    clock = SystemClock()
    safe = SafeMode(Starts(settings.path(settings.paths.state)), clock.mono_ns())
    safe.begin()
    try:
        keeper = Keeper(settings, run, Unit(settings, clock, guarded, safe), wishes, peers, notifier)
        notifier.ready()
        try:
            keeper.loop()
        finally:
            notifier.stopping()
            keeper.close()
    except StillroomError:
        safe.end()
        raise
    safe.end()
    return 0


def files(settings: UnitConfig) -> Files:
    """Keys to read; state, documents and sockets to write. No camera."""
    paths = settings.paths
    state = settings.path(paths.state)
    pins = (Path(settings.panel.chip),) if settings.panel.kind == "gpio" else ()
    with suppress(OSError):  # whoever opens the database says what is wrong with it
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Files(
        read=(settings.path(paths.keys), *([given] if (given := credentials.folder()) else [])),
        write=(state, settings.path(paths.trust), settings.path(paths.run)),
        devices=pins,
    )


class Wishes:
    """What signals ask for. Nothing but a flag is touched in a handler."""

    def __init__(self) -> None:
        self.stopping = False
        self.pressed = False

    def stop(self) -> None:
        """End after the message in hand."""
        self.stopping = True

    def press(self) -> None:
        """The room's button, as a signal on machines without one."""
        self.pressed = True


class Keeper:
    """The loop around a `Unit`: sockets and time come in here, and nowhere deeper."""

    def __init__(
        self,
        settings: UnitConfig,
        run: Path,
        unit: Unit,
        wishes: Wishes,
        peers: Peers = Peers(),
        notifier: Notifier | None = None,
    ) -> None:
        self._clock = SystemClock()
        self._notifier = notifier
        self._passed_over: set[str] = set()
        self._unit = unit
        self._wishes = wishes
        self._selector = selectors.DefaultSelector()
        self._eye = Door(
            self._selector, run / EYE_SOCKET, EyeSays, unit.from_eye, unit.eye_gone, peers.eye_uid
        )
        self._courier = Door(
            self._selector,
            run / COURIER_SOCKET,
            CourierSays,
            unit.from_courier,
            unit.courier_gone,
            peers.courier_uid,
        )
        unit.connect(self._eye, self._courier)
        now = self._clock.mono_ns()
        period_ns = round(settings.slots.period_s * NS_PER_S)
        self._metronome = Metronome(now + lead_ns(period_ns), period_ns)
        self._timers = [
            # The trust folder before the first lease: what is signed is known before anything is decided.
            Timer(round(TRUST_PERIOD_S * NS_PER_S), unit.read_trust, now),
            Timer(round(LEASE_PERIOD_S * NS_PER_S), unit.lease, now),
            Timer(round(ROOM_PERIOD_S * NS_PER_S), unit.tick, now),
            Timer(period_ns, self._slot, now),
        ]

    def loop(self) -> None:
        while not self._wishes.stopping:
            now = self._clock.mono_ns()
            wait_ns = max(0, min(t.due_ns for t in self._timers) - now)
            for key, _ in self._selector.select(wait_ns / NS_PER_S):
                self._do(key.data)
            if self._wishes.pressed:
                self._wishes.pressed = False
                self._do(self._unit.button)
            now = self._clock.mono_ns()
            for timer in self._timers:
                self._do(partial(timer.run, now))

    def _do(self, act: Callable[[], None]) -> None:
        """In safe mode what fails is passed over, so that the rest can still be told; each failure is said once."""
        try:
            act()
        except Exception as error:
            if not self._unit.safe:
                raise
            text = f"{type(error).__name__}: {error}"
            if text not in self._passed_over and len(self._passed_over) < MOST_TOLD:
                self._passed_over.add(text)
                print(f"keeper: safe mode, passed over: {text}", file=sys.stderr, flush=True)

    def _slot(self) -> None:
        place_ns = self._metronome.place(self._clock.mono_ns())
        if place_ns is not None:
            self._unit.slot(place_ns)
            if self._notifier and self._unit.gets_on:
                self._notifier.progress()

    def close(self) -> None:
        """Halt the eye, write what waits, seal one last record."""
        try:
            self._unit.close()
            time.sleep(0.02)
        finally:
            self._eye.close()
            self._courier.close()
