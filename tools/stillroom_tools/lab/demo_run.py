"""The demo as it runs: the ward is set up, shown in one of three ways, settled and taken down again."""

import os
import signal
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from types import FrameType
from typing import Literal

from stillroom.clock import SystemClock
from stillroom.errors import EXIT_INTERRUPTED
from stillroom_tools.lab.demo_gateway import Line
from stillroom_tools.lab.demo_keys import Keys
from stillroom_tools.lab.demo_screen import EVENTS_KEPT, screen, told
from stillroom_tools.lab.demo_unit import DemoUnit
from stillroom_tools.lab.demo_ward import BEAT_S, Ward, say
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.watching import Watch

Shown = Literal["browser", "terminal", "headless"]
KEYS = {
    "e": "enter",
    "l": "lie-down",
    "g": "get-up",
    "f": "fall",
    "v": "leave",
    "c": "cover",
    "p": "press",
    "w": "withdraw",
    "b": "cut",
}


class Demo:
    """One demo. `run` sets up, runs and clears up; it can be run once."""

    def __init__(self, ward: Ward, *, shown: Shown, json_lines: bool, port: int) -> None:
        """json_lines: each opened event goes to standard output. port: of the page; 0 takes a free one."""
        self._ward, self._shown, self._json, self._port = ward, shown, json_lines, port
        self._events: deque[Line] = deque(maxlen=EVENTS_KEPT)
        self._chosen = 0
        self._network_told: dict[str, str] = {}
        self._stopping = False

    def run(self, seconds: float | None) -> int:
        """0 where the ledger balances at the end, 1 where it does not."""
        before = {n: signal.signal(n, self._stop) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            if not self._ward.set_up(
                Path(tempfile.mkdtemp(prefix="stillroom-demo-")), lambda: self._stopping
            ):
                return EXIT_INTERRUPTED
            live = {"browser": self._in_browser, "terminal": self._on_screen, "headless": self._headless}
            live[self._shown](time.monotonic() + seconds if seconds else None)
            return self._ward.settle(self._show)
        finally:
            self._ward.clear_up()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _over(self, end: float | None) -> bool:
        return self._stopping or (end is not None and time.monotonic() >= end)

    def _headless(self, end: float | None) -> None:
        said = ""
        while not self._over(end):
            time.sleep(BEAT_S)
            for line, raw in self._ward.beat():
                self._show(line, raw)
            self._tell_networks()
            note = self._ward.models_note()
            if note != said:
                say(note or "models are here")
                said = note

    def _show(self, line: Line, raw: bytes) -> None:
        if self._json:
            self._print(raw)
        else:
            say(told(line))

    def _print(self, raw: bytes) -> None:
        try:
            os.write(sys.stdout.fileno(), raw)
        except BrokenPipeError:
            self._stopping = True

    def _tell_networks(self) -> None:
        """Without a screen, say once why a unit has no broker."""
        for unit in self._ward.units:
            status = unit.status()
            if status.network and status.network != self._network_told.get(unit.name, ""):
                self._network_told[unit.name] = status.network
                if not status.connected:
                    say(f"{unit.name}: {status.network}")

    def _on_screen(self, end: float | None) -> None:
        from rich.console import Console
        from rich.live import Live

        clock, console, ward = SystemClock(), Console(), self._ward
        watch = Watch(open_site(ward.site), clock, lambda _text: None)
        with watch, Keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
            while not self._over(end):
                for key in keys.pressed(0.02):
                    self._press(key)
                watch.look(BEAT_S)
                self._events.extend(line for line, _ in ward.beat())
                note = "; ".join(filter(None, [watch.status(), ward.note, ward.models_note()]))
                picture = screen(
                    watch.rooms.all(),
                    self._unit.room,
                    self._unit.light,
                    ward.ledger,
                    tuple(self._events),
                    note,
                    clock.utc_ms(),
                    console,
                )
                live.update(picture, refresh=True)

    @property
    def _unit(self) -> DemoUnit:
        return self._ward.units[self._chosen]

    def _press(self, key: str) -> None:
        if key.isdigit() and 1 <= int(key) <= len(self._ward.units):
            self._chosen = int(key) - 1
        elif key in KEYS:
            self._ward.act(self._unit, KEYS[key])
        elif key == "q":
            self._stopping = True

    def _in_browser(self, end: float | None) -> None:
        from stillroom_tools.lab.demo_page.server import Page

        with Page(self._ward, self._port) as page:
            page.tell()
            while not self._over(end):
                time.sleep(BEAT_S)
                page.work()
                self._tell_networks()
                for line, raw in self._ward.beat():
                    page.heard(line)
                    if self._json:
                        self._print(raw)
