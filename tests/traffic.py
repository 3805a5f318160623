"""An hour at a broker, captured without one: the real unit, courier and gateway on simulated clocks.

Simulated: the passing of time, the camera's observations, the broker (each message arrives at once). Real: all that the
keeper does and how long it takes (measured, and added to its clock), sealing, the courier's waiting and its handing
over to paho, the gateway's opening, committing and answering, and how long that takes.
Not here: the jitter of a thread that wakes up, of TCP and of TLS, and what the load of the eye adds to it.
"""

import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple

import paho.mqtt.client as paho
from sqlalchemy import text

from stillroom import config
from stillroom.clock import NS_PER_S, SystemClock
from stillroom.courier.main import Courier
from stillroom.document_forms import from_ms
from stillroom.documents import KINDS
from stillroom.keeper.main import LEASE_PERIOD_S, ROOM_PERIOD_S, TRUST_PERIOD_S, Timer
from stillroom.keeper.unit import Unit
from stillroom.link import Down, Hello, Network, Up
from stillroom.metronome import Metronome, lead_ns
from stillroom.notes import sign_note
from stillroom.observation import Box
from stillroom.orders import Acknowledgement
from stillroom_tools.site.gateway.main import Gateway
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.subscriber import Message
from tests.parties import HandClock
from tests.rig import Recorder, observation, run

SCENARIO = Path(__file__).parents[1] / "config" / "scenarios" / "day.toml"
BED, FLOOR = Box(0.15, 0.52, 0.55, 0.78), Box(0.65, 0.5, 0.78, 0.9)
PLACES = [BED, FLOOR]
LASTS_S = 13.0
STEP_NS = NS_PER_S // 5

Life = Literal["quiet", "busy"]


class Seen(NamedTuple):
    """What an observer has of one message."""

    at_ns: int
    topic: str
    size: int
    qos: int
    retain: bool


class OwnClock(HandClock):
    """One process's or thread's time: never behind what caused its work, and moved on by its own work alone."""

    def reach(self, mono_ns: int) -> None:
        self.pass_time(timedelta(microseconds=max(mono_ns - self.mono_ns() + 999, 0) // 1000))

    @contextmanager
    def working(self) -> Any:
        """What is done inside takes as long as it really takes."""
        began_ns = time.perf_counter_ns()
        yield
        self.pass_time(timedelta(microseconds=(time.perf_counter_ns() - began_ns) // 1000))


class Tap:
    """In the place of paho's client: takes what `Session.publish` hands over, as a broker would see it."""

    def __init__(self, clock: HandClock) -> None:
        self._clock = clock
        self.seen: list[Seen] = []
        self.payloads: list[tuple[str, bytes]] = []

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> Any:
        self.seen.append(Seen(self._clock.mono_ns(), topic, len(payload), qos, retain))
        self.payloads.append((topic, payload))
        return SimpleNamespace(mid=len(self.seen), rc=paho.MQTT_ERR_SUCCESS)

    def take(self) -> list[tuple[str, bytes]]:
        taken, self.payloads = self.payloads, []
        return taken


def tap(session: Any, clock: HandClock) -> Tap:
    """Connect a session to a tap in place of paho, and so of a broker."""
    session._client._client = tapped = Tap(clock)
    session._up.set()
    return tapped


@dataclass
class Capture:
    """One direction each, in order of time."""

    up: list[Seen]
    down: list[Seen]
    entries: int
    """How many durable entries the unit accepted."""
    receipts: int
    """How many commands the unit has answered, as the gateway knows it."""


class World:
    """One unit and its site's gateway. `make`: the unit's class, so that a leaky one can be tried."""

    def __init__(self, folder: Path, monkeypatch: Any, make: Callable[..., Unit] = Unit) -> None:
        site, home = folder / "site", folder / "unit"
        run("site", "new", site, "--site", "test", "--no-tls")
        run(
            "make", "unit", home, "--site", site, "--unit", "u-1", "--profile", "lab", "--camera", "simulated",
            "--source", SCENARIO,
        )  # fmt: skip
        run(
            "site", "authorise", "new", home, "--site", site, "--room", "r-1", "--days", 1,
            "--scopes", "status,breathing,pulse",
        )  # fmt: skip
        (home / "run").mkdir(exist_ok=True)
        now = from_ms(SystemClock().utc_ms()) + timedelta(minutes=2)
        self.keeper, self.courier_clock = OwnClock(now), OwnClock(now)
        self.gateway_clock, self.pacer_clock = OwnClock(now), OwnClock(now)
        settings = config.load(home / "unit.toml")
        self.unit = make(settings, self.keeper)
        # The time is known: a leaky build whose records the gateway refuses would never hear it, and sense nothing.
        self.unit._clock.hear(self.keeper.utc_ms(), self.keeper.mono_ns())
        self.door = Recorder()
        self.unit.connect(Recorder(), self.door)
        self.courier = Courier(settings, Recorder())  # type: ignore[arg-type]
        self.courier._clock = self.courier_clock  # type: ignore[assignment]
        self.up = tap(self.courier._session, self.courier_clock)
        sleep = lambda wait_s: self.courier_clock.pass_time(timedelta(seconds=wait_s))  # noqa: E731
        monkeypatch.setattr("stillroom.courier.main.time", SimpleNamespace(sleep=sleep))
        self.board = open_site(site).keys("board")
        self.gateway = Gateway(open_site(site), self.gateway_clock, announce=False)
        self.gateway._enrol()
        self.gateway._pacer._clock = self.pacer_clock
        self.down = tap(self.gateway._subscriber._session, self.pacer_clock)
        period_ns = round(settings.slots.period_s * NS_PER_S)
        begin_ns = self.keeper.mono_ns()
        self.metronome = Metronome(begin_ns + lead_ns(period_ns), period_ns)
        self.timers = [
            Timer(round(TRUST_PERIOD_S * NS_PER_S), self.unit.read_trust, begin_ns),
            Timer(round(LEASE_PERIOD_S * NS_PER_S), self.unit.lease, begin_ns),
            Timer(round(ROOM_PERIOD_S * NS_PER_S), self.unit.tick, begin_ns),
            Timer(period_ns, self.slot, begin_ns),
        ]

    def live(self, life: Life, seconds: float) -> Capture:
        """So much of one life."""
        self.unit.from_courier(Network(True, "connected"))
        self.unit.from_eye(Hello("simulated", "none"))
        begin_ns = now_ns = self.keeper.mono_ns()
        while now_ns - begin_ns < seconds * NS_PER_S:
            now_ns += STEP_NS
            self.keeper.reach(now_ns)
            self.act(life, (now_ns - begin_ns) / NS_PER_S)
            self.command(life, (now_ns - begin_ns) / NS_PER_S)
            for timer in self.timers:
                with self.keeper.working():
                    timer.run(self.keeper.mono_ns())
            self.carry_up()
            self.answer(now_ns)
        answered = self.gateway._store.database.run(
            text("SELECT count(*) FROM commands WHERE outcome IS NOT NULL")
        ).scalar_one()
        return Capture(self.up.seen, self.down.seen, self.unit._outbox.accepted, answered)

    def act(self, life: Life, at_s: float) -> None:
        """What happens in the room: nothing at all, or somebody who comes, lies down, goes, and presses the button."""
        where = PLACES[int(at_s // LASTS_S) % len(PLACES)] if life == "busy" else None
        with self.keeper.working():
            if life == "busy" and round(at_s * 5) % 4500 in (2000, 2300):
                self.unit.button()
            self.unit.from_eye(observation(self.keeper, where, 0.02 if where else 0.0))

    def command(self, life: Life, at_s: float) -> None:
        """Where something happens in the room, somebody at the site acts too: an acknowledgement, a large document."""
        if life == "busy" and round(at_s * 5) % 300 == 150:
            entry = round(at_s) % 3 + 1
            asked = Acknowledgement(from_ms(self.gateway_clock.utc_ms()), entry, "test", "u-1")
            note = sign_note(KINDS[Acknowledgement], asked, [self.board])
            if round(at_s * 5) % 900 == 150:
                note = b"stillroom/1 roster\n" + bytes(round(at_s) % 256 for _ in range(6000))
            with self.gateway_clock.working():
                self.gateway._store.commands.queue("u-1", "any", note, self.gateway_clock.utc_ms())

    def slot(self) -> None:
        place_ns = self.metronome.place(self.keeper.mono_ns())
        if place_ns is not None:
            self.unit.slot(place_ns)

    def carry_up(self) -> None:
        for message in self.door.sent:
            if isinstance(message, Up):
                self.courier_clock.reach(self.keeper.mono_ns())
                self.courier._wait_for_place(message.send_ns)
                self.courier._forward(message)
        self.door.sent.clear()

    def answer(self, now_ns: int) -> None:
        """What the gateway does with what came, and what comes back."""
        self.gateway_clock.reach(now_ns)
        came = [Message(topic, payload) for topic, payload in self.up.take()]
        with self.gateway_clock.working():
            self.hear(came)
        with self.gateway_clock.working():
            self.gateway._down.send_due()
        self.pacer_clock.reach(self.gateway_clock.mono_ns())
        while (wait_s := self.gateway._pacer.send_due()) is not None:
            self.pacer_clock.pass_time(timedelta(seconds=wait_s + 1e-6))
        for _, payload in self.down.take():
            with self.keeper.working():
                self.unit.from_courier(Down(payload))

    def hear(self, came: list[Message]) -> None:
        self.gateway.receive(came)

    def close(self) -> None:
        self.unit._outbox.close()
        self.gateway._store.close()
