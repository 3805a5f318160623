"""The demo's ward: broker, site, gateway and units, the hands that act on them, and the ledger that settles at the end.

Whoever shows it calls `beat` ten times a second and acts through `act`; nothing here knows about screens.
"""

import contextlib
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from stillroom.clock import SystemClock
from stillroom.errors import StillroomError
from stillroom_tools.lab import demo_site
from stillroom_tools.lab.broker import LocalBroker
from stillroom_tools.lab.demo_board import DemoBoard
from stillroom_tools.lab.demo_figures import Figures
from stillroom_tools.lab.demo_gateway import DemoGateway, Line
from stillroom_tools.lab.demo_ledger import Ledger
from stillroom_tools.lab.demo_models import DemoModels
from stillroom_tools.lab.demo_unit import DemoUnit

BEAT_S = 0.1
LOOK_EVERY_MS = 1_000
SETTLE_WITHIN_S = 30.0
"""A bound: whoever lost the broker tries again after up to 10 s, each unit by itself, and so does the gateway."""
UNHEARD_WITHIN_S = 3.0
LIVES = ("enter", "lie-down", "get-up", "fall", "leave")
ACTS = (*LIVES, "cover", "press", "withdraw", "cut")
"""What can be made to happen. `cover`, `withdraw` and `cut` are undone by the same act."""

Printer = Callable[[bytes], None]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Ward:
    """Make it, `set_up`, `beat` and `act` for as long as it shall live, `settle`, `clear_up`."""

    def __init__(
        self, *, rooms: int, camera: str, broker_url: str | None, scenarios: Path, models: bool, board: bool
    ) -> None:
        """board: the ward board runs, too."""
        self._room_count, self._camera, self._scenarios = rooms, camera, scenarios
        self._foreign = demo_site.parse_broker(broker_url) if broker_url else None
        self._broker: LocalBroker | None = None
        self._models, self._with_board = models, board
        self.board: DemoBoard | None = None
        self._fetching: DemoModels | None = None
        self._gateway: DemoGateway | None = None
        self.units: list[DemoUnit] = []
        self.ledger = Ledger()
        self._figures = Figures(SystemClock().utc_ms())
        self._look_ms = 0
        self._covered: set[str] = set()
        self._withdrawn: set[str] = set()
        self._cutting = threading.Lock()
        self.note = ""
        """What somebody has done to the ward as a whole."""

    def set_up(self, folder: Path, stopping: Callable[[], bool]) -> bool:
        """False where it was interrupted: then nothing of it runs."""
        self.folder = folder
        if self._models:
            self._fetching = DemoModels(folder / "models.log")
            self._fetching.start()
        say("[1/3] broker")
        broker = self._foreign
        if broker is None:
            self._broker = LocalBroker()
            self._broker.start()
            broker = demo_site.Broker(self._broker.host, self._broker.port)
        say(f"[2/3] keys, certificates and authorisations: {self._room_count} room(s)")
        self.site = demo_site.make_site(folder, broker)
        for number in range(1, self._room_count + 1):
            if stopping():
                return False
            unit = demo_site.make_unit(folder, self.site, number, self._camera, self._scenarios)
            if not self._models:
                demo_site.without_models(unit)
            self.units.append(unit)
        say(f"[3/3] gateway, and eye, keeper and courier of each room; broker {broker.host}:{broker.port}")
        self._gateway = DemoGateway(self.site, folder / "gateway.log")
        self._gateway.start()
        for unit in self.units:
            unit.start()
        if self._with_board:
            self.board = DemoBoard(self.site, folder / "board.log")
            self.board.start()
        return True

    @property
    def gateway(self) -> DemoGateway:
        assert self._gateway is not None
        return self._gateway

    def beat(self) -> list[tuple[Line, bytes]]:
        """What was opened since the last one, entered in the ledger. Raises StillroomError: a part has ended."""
        lines = self._take()
        now_ms = SystemClock().utc_ms()
        if now_ms - self._look_ms >= LOOK_EVERY_MS:
            self._look_ms = now_ms
            self._figures.look_at([unit.pid for unit in self.units if unit.pid])
        for unit in self.units:
            self.ledger.accept(unit.name, unit.status().accepted)
            if unit.ended() is not None:
                raise StillroomError(f"{unit.name} ended: {last_line(unit.log)}")
        if self.gateway.ended() is not None:
            raise StillroomError(f"the gateway ended: {last_line(self.folder / 'gateway.log')}")
        if self.board is not None and self.board.ended() is not None:
            raise StillroomError(f"the board ended: {last_line(self.folder / 'board.log')}")
        return lines

    def models_note(self) -> str:
        return self._fetching.note() if self._fetching else ""

    def _take(self) -> list[tuple[Line, bytes]]:
        lines = self.gateway.take()
        for line, _ in lines:
            self.ledger.deliver(line.unit, line.number)
            self._figures.saw(line)
        return lines

    # hands

    def act(self, unit: DemoUnit, what: str) -> None:
        """Make one of `ACTS` happen."""
        if what in LIVES:
            unit.act(what)
        elif what == "cover":
            unit.act("uncover" if unit.name in self._covered else "cover")
            self._covered ^= {unit.name}
        elif what == "press":
            unit.press_button()
        elif what == "withdraw":
            act = demo_site.authorise if unit.name in self._withdrawn else demo_site.withdraw
            act(unit, self.site)
            self._withdrawn ^= {unit.name}
        elif what == "cut":
            self._cut_or_mend()

    def undoes(self, unit: DemoUnit) -> set[str]:
        """Which acts would undo what was done."""
        found = {"cover"} if unit.name in self._covered else set()
        found |= {"withdraw"} if unit.name in self._withdrawn else set()
        return found | ({"cut"} if self._broker is not None and not self._broker.running else set())

    def _cut_or_mend(self) -> None:
        with self._cutting:
            if self._broker is None:
                self.note = "the broker is not the demo's own: cut it yourself"
            elif self._broker.running:
                self._broker.kill()
                self.note = "BROKER CUT: the units keep what they accept until it is mended"
            else:
                self._broker.restart()
                self.note = ""

    # the end

    def settle(self, show: Callable[[Line, bytes], None]) -> int:
        """Let what waits on the cards leave, stop the units, say how the ledger stands: 0 where it balances, else 1."""
        if self._broker is not None and not self._broker.running:
            say("mending the broker, so that what waits on the cards can leave")
            self._broker.restart()
        began_ms = SystemClock().utc_ms()
        # Who is stopped while he has no broker takes his last words with him, and a status may be from before that.
        self._until_balanced(show, lambda unit: unit.status().answered_ms >= began_ms)
        self._stop_units()
        self._until_balanced(show, lambda _unit: True)
        say(self._figures.text())
        say(f"ledger: {self.ledger.line()}")
        dead = [unit for unit in self.units if self.ledger.account(unit.name).accepted == 0]
        for unit in dead:
            say(f"{unit.name} accepted nothing: {last_line(unit.log)}")
        return 0 if self.ledger.balanced and not dead else 1

    def _until_balanced(self, show: Callable[[Line, bytes], None], ready: Callable[[DemoUnit], bool]) -> None:
        """A backlog leaves in slots; give it the time it takes, up to a bound. The end of a unit adds to it."""
        end = time.monotonic() + self._settles_within_s()
        while time.monotonic() < end:
            for unit in self.units:
                self.ledger.accept(unit.name, unit.status().accepted)
            for line, raw in self._take():
                show(line, raw)
            if self.ledger.balanced and all(map(ready, self.units)):
                return
            time.sleep(BEAT_S)

    def _settles_within_s(self) -> float:
        """Somebody else's broker that no unit was ever answered through will not take it now."""
        heard = self._broker is not None or any(unit.status().answered_ms for unit in self.units)
        return SETTLE_WITHIN_S if heard else UNHEARD_WITHIN_S

    def _stop_units(self) -> None:
        for unit in self.units:
            unit.ask_to_stop()
        for unit in self.units:
            unit.wait()

    def clear_up(self) -> None:
        """End all that runs, and remove the folder."""
        if self._fetching is not None:
            self._fetching.stop()
        self._stop_units()
        if self.board is not None:
            self.board.stop()
        if self._gateway is not None:
            self._gateway.stop()
        if self._broker is not None:
            self._broker.stop()
        with contextlib.suppress(AttributeError):
            shutil.rmtree(self.folder, ignore_errors=True)


def last_line(log: Path) -> str:
    """The last thing that somebody wrote there."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        lines = []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
