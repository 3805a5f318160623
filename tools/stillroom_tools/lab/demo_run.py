"""The demo as it runs: set up, let live, act on keys, settle the ledger, take everything down again."""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from types import FrameType

from stillroom.clock import SystemClock
from stillroom.errors import EXIT_INTERRUPTED, StillroomError
from stillroom_tools.lab import demo_site
from stillroom_tools.lab.broker import LocalBroker
from stillroom_tools.lab.demo_figures import Figures
from stillroom_tools.lab.demo_gateway import DemoGateway, Line
from stillroom_tools.lab.demo_keys import Keys
from stillroom_tools.lab.demo_ledger import Ledger
from stillroom_tools.lab.demo_models import DemoModels
from stillroom_tools.lab.demo_screen import EVENTS_KEPT, screen, told
from stillroom_tools.lab.demo_unit import DemoUnit
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.watch import Watch

BEAT_S = 0.1
LOOK_EVERY_MS = 1_000
SETTLE_WITHIN_S = 15.0
CUES = {"e": "enter", "l": "lie-down", "g": "get-up", "f": "fall", "v": "leave"}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Demo:
    """One demo. `run` sets up, runs and clears up; it can be run once."""

    def __init__(
        self,
        *,
        rooms: int,
        camera: str,
        broker_url: str | None,
        scenarios: Path,
        json_lines: bool,
        models: bool = True,
    ) -> None:
        self._room_count, self._camera, self._scenarios = rooms, camera, scenarios
        self._foreign = demo_site.parse_broker(broker_url) if broker_url else None
        self._json = json_lines
        self._with_models = models
        self._broker: LocalBroker | None = None
        self._models: DemoModels | None = None
        self._units: list[DemoUnit] = []
        self._ledger = Ledger()
        self._figures = Figures(SystemClock().utc_ms())
        self._look_ms = 0
        self._events: deque[Line] = deque(maxlen=EVENTS_KEPT)
        self._chosen = 0
        self._covered: set[str] = set()
        self._withdrawn: set[str] = set()
        self._note = ""
        self._headless = True
        self._network_told: dict[str, str] = {}
        self._stopping = False

    def run(self, *, headless: bool, seconds: float | None) -> int:
        """0 where the ledger balances at the end, 1 where it does not."""
        before = {n: signal.signal(n, self._stop) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        folder = Path(tempfile.mkdtemp(prefix="stillroom-demo-"))
        try:
            if not self._set_up(folder):
                return EXIT_INTERRUPTED
            self._headless = headless
            if headless:
                self._live_headless(seconds)
            else:
                self._live_on_screen(seconds)
            return self._settle()
        finally:
            self._clear_up(folder)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    # setting up

    def _set_up(self, folder: Path) -> bool:
        """False where it was interrupted: then nothing of it runs."""
        self._folder = folder
        if self._with_models:
            self._models = DemoModels(folder / "models.log")
            self._models.start()
        say("[1/3] broker")
        broker = self._foreign
        if broker is None:
            self._broker = LocalBroker()
            self._broker.start()
            broker = demo_site.Broker(self._broker.host, self._broker.port)
        say(f"[2/3] keys, certificates and authorisations: {self._room_count} room(s)")
        self._site = demo_site.make_site(folder, broker)
        for number in range(1, self._room_count + 1):
            if self._stopping:
                return False
            unit = demo_site.make_unit(folder, self._site, number, self._camera, self._scenarios)
            if not self._with_models:
                demo_site.without_models(unit)
            self._units.append(unit)
        say(f"[3/3] gateway, and eye, keeper and courier of each room; broker {broker.host}:{broker.port}")
        self._gateway = DemoGateway(self._site, folder / "gateway.log")
        self._gateway.start()
        for unit in self._units:
            unit.start()
        return True

    # living

    def _live_headless(self, seconds: float | None) -> None:
        end = time.monotonic() + seconds if seconds else None
        said = ""
        while not self._over(end):
            time.sleep(BEAT_S)
            for line in self._take_lines():
                if not self._json:
                    say(told(line))
            self._look_after()
            note = self._models_note()
            if note != said:
                say(note or "models are here")
                said = note

    def _live_on_screen(self, seconds: float | None) -> None:
        from rich.console import Console
        from rich.live import Live

        end = time.monotonic() + seconds if seconds else None
        clock, console = SystemClock(), Console()
        watch = Watch(open_site(self._site), clock, lambda _text: None)
        with watch, Keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
            while not self._over(end):
                for key in keys.pressed(0.02):
                    self._press(key)
                watch.look(BEAT_S)
                self._events.extend(self._take_lines())
                self._look_after()
                note = "; ".join(filter(None, [watch.status(), self._note, self._models_note()]))
                rooms = watch.rooms.all()
                events = tuple(self._events)
                picture = screen(
                    rooms,
                    self._unit.room,
                    self._unit.light,
                    self._ledger,
                    events,
                    note,
                    clock.utc_ms(),
                    console,
                )
                live.update(picture, refresh=True)

    def _over(self, end: float | None) -> bool:
        return self._stopping or (end is not None and time.monotonic() >= end)

    def _take_lines(self) -> list[Line]:
        """New lines from the gateway, entered in the ledger, and printed where `--json` asks for it."""
        lines = []
        for line, raw in self._gateway.take():
            self._ledger.deliver(line.unit, line.number)
            self._figures.saw(line)
            lines.append(line)
            if self._json:
                self._print(raw)
        return lines

    def _print(self, raw: bytes) -> None:
        try:
            os.write(sys.stdout.fileno(), raw)
        except BrokenPipeError:
            self._stopping = True

    def _look_after(self) -> None:
        """Enter what the keepers accepted; say in one line when a part has ended that should not."""
        now_ms = SystemClock().utc_ms()
        if now_ms - self._look_ms >= LOOK_EVERY_MS:
            self._look_ms = now_ms
            self._figures.look_at([unit.pid for unit in self._units if unit.pid])
        for unit in self._units:
            status = unit.status()
            self._ledger.accept(unit.name, status.accepted)
            self._tell_network(unit.name, status.connected, status.network)
            if unit.ended() is not None:
                raise StillroomError(f"{unit.name} ended: {_last_line(unit.log)}")
        if self._gateway.ended() is not None:
            raise StillroomError(f"the gateway ended: {_last_line(self._folder / 'gateway.log')}")

    def _models_note(self) -> str:
        return self._models.note() if self._models else ""

    def _tell_network(self, name: str, connected: bool, network: str) -> None:
        """Without a screen, say once why a unit has no broker."""
        if self._headless and network and network != self._network_told.get(name, ""):
            self._network_told[name] = network
            if not connected:
                say(f"{name}: {network}")

    # hands

    @property
    def _unit(self) -> DemoUnit:
        return self._units[self._chosen]

    def _press(self, key: str) -> None:
        unit = self._unit
        if key.isdigit() and 1 <= int(key) <= len(self._units):
            self._chosen = int(key) - 1
        elif key in CUES:
            unit.act(CUES[key])
        elif key == "c":
            unit.act("uncover" if unit.name in self._covered else "cover")
            self._covered ^= {unit.name}
        elif key == "p":
            unit.press_button()
        elif key == "w":
            self._authorise_or_withdraw(unit)
        elif key == "b":
            self._cut_or_mend()
        elif key == "q":
            self._stopping = True

    def _authorise_or_withdraw(self, unit: DemoUnit) -> None:
        act = demo_site.authorise if unit.name in self._withdrawn else demo_site.withdraw
        act(unit, self._site)
        self._withdrawn ^= {unit.name}

    def _cut_or_mend(self) -> None:
        if self._broker is None:
            self._note = "the broker is not the demo's own: cut it yourself"
        elif self._broker.running:
            self._broker.kill()
            self._note = "BROKER CUT (b mends it): the units keep what they accept"
        else:
            self._broker.restart()
            self._note = ""

    # the end

    def _settle(self) -> int:
        """Let what waits on the cards leave, stop the units, and say how the ledger stands."""
        if self._broker is not None and not self._broker.running:
            say("mending the broker, so that what waits on the cards can leave")
            self._broker.restart()
        self._until_balanced()
        for unit in self._units:
            unit.ask_to_stop()
        for unit in self._units:
            unit.wait()
        self._until_balanced()
        say(self._figures.text())
        say(f"ledger: {self._ledger.line()}")
        dead = [unit for unit in self._units if self._ledger.account(unit.name).accepted == 0]
        for unit in dead:
            say(f"{unit.name} accepted nothing: {_last_line(unit.log)}")
        return 0 if self._ledger.balanced and not dead else 1

    def _until_balanced(self) -> None:
        """A backlog leaves in slots; give it the time it takes, up to a bound. The end of a unit adds to it."""
        end = time.monotonic() + SETTLE_WITHIN_S
        while time.monotonic() < end:
            for unit in self._units:
                self._ledger.accept(unit.name, unit.status().accepted)
            for line in self._take_lines():
                if not self._json:
                    say(told(line))
            if self._ledger.balanced:
                return
            time.sleep(BEAT_S)

    def _clear_up(self, folder: Path) -> None:
        if self._models is not None:
            self._models.stop()
        for unit in self._units:
            unit.ask_to_stop()
        for unit in self._units:
            unit.wait()
        with contextlib.suppress(AttributeError):
            self._gateway.stop()
        if self._broker is not None:
            self._broker.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        lines = []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
