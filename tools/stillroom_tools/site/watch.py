"""`stillroom site watch`: every room now (`watching`), as a live table.

With `--json` one line is printed each time that what is known of a room changes: presence, state, gate, faults,
backlog, alerts, or a reading (its value, its quality in per cent, or its reason). The passing of time alone prints
nothing. Lines with a `notice` tell what was refused (`gateway.notices`).
"""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

import msgspec
from rich.table import Table

from stillroom.clock import SystemClock
from stillroom.errors import EXIT_OK, StillroomError
from stillroom.observation import Reading
from stillroom_tools.site.gateway.alert_forms import Alert
from stillroom_tools.site.gateway.notices import Notice
from stillroom_tools.site.gateway.rooms import Room
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.subscriber import say
from stillroom_tools.site.table import fit, render
from stillroom_tools.site.watching import Watch

HELP = "a live table of the rooms"

FRAMES_PER_S = 4.0
FRAME_LINES = 10
"""Of the window: title, head, and what stands under the table."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument(
        "--json", action="store_true", help="a line of JSON for each change, in place of the table"
    )


def run(options: argparse.Namespace) -> int:
    """Until SIGINT or SIGTERM. Raises ConfigError, TrustError; broker trouble is shown, and never ends it."""
    site = open_site(options.site)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if options.json:
        _print_changes(site, stop)
    else:
        _show(site, stop)
    return EXIT_OK


class Line(msgspec.Struct, frozen=True):
    """One line of `--json`. Null is "not known now": all but the names of a room that is silent or late."""

    unit: str
    room: str
    presence: str
    gate: str | None = None
    state: str | None = None
    state_since_ms: int | None = None
    breathing: Reading | None = None
    pulse: Reading | None = None
    camera: str | None = None
    model: str | None = None
    faults: tuple[str, ...] = ()
    waiting: int | None = None
    refused: int | None = None
    """Records downwards that the unit refused since it started."""
    clock: str | None = None
    alarms: dict[str, int] = {}
    """`cloned`, `rolled-back`, `withheld`: how many records each is about."""
    alerts: tuple[Alert, ...] | None = None
    """What stands, whatever the presence; null where no gateway runs beside this."""


def line(room: Room) -> Line:
    """What is known of a room now; what was known before it fell silent, or is told late, is not in it."""
    snapshot = room.snapshot if room.presence == "live" else None
    if snapshot is None:
        return Line(
            unit=room.unit,
            room=room.name,
            presence=room.presence,
            alarms=dict(room.alarms),
            alerts=room.alerts,
        )
    known = snapshot.gate == "open" and snapshot.state != "unknown"
    return Line(
        unit=room.unit,
        room=room.name,
        presence=room.presence,
        gate=snapshot.gate,
        state=snapshot.state if known else None,
        state_since_ms=snapshot.state_since_ms if known else None,
        breathing=_rounded(snapshot.breathing, 1),
        pulse=_rounded(snapshot.pulse, 0),
        camera=snapshot.camera,
        model=snapshot.model,
        faults=snapshot.faults,
        waiting=snapshot.waiting,
        refused=snapshot.refused,
        clock=snapshot.clock,
        alarms=dict(room.alarms),
        alerts=room.alerts,
    )


def _rounded(reading: Reading, digits: int) -> Reading:
    """As the table shows it, so that noise in the last digits is no change."""
    if reading.value is None or reading.quality is None:
        return msgspec.structs.replace(reading, window_s=0.0)
    value, quality = round(reading.value, digits), round(reading.quality, 2)
    return msgspec.structs.replace(reading, value=value, quality=quality, window_s=round(reading.window_s))


def _print_changes(site: Site, stop: threading.Event) -> None:
    def notice(said: Notice) -> None:
        say(said.text)
        _print(msgspec.json.encode(said) + b"\n", stop)

    watch = Watch(site, SystemClock(), say, notice)
    last: dict[str, Line] = {}
    with watch:
        while not stop.is_set():
            for room in watch.look(0.2):
                now = line(room)
                if last.get(room.unit) != now:
                    last[room.unit] = now
                    _print(msgspec.json.encode(now) + b"\n", stop)


def _print(data: bytes, stop: threading.Event) -> None:
    """Whoever read us has gone: then we are done too."""
    try:
        os.write(sys.stdout.fileno(), data)
    except BrokenPipeError:
        stop.set()


def _show(site: Site, stop: threading.Event) -> None:
    from rich.console import Console
    from rich.live import Live

    console = Console()
    if not sys.stdout.isatty():
        raise StillroomError("watch: standard output is no terminal, so there is no table: use --json")
    clock = SystemClock()
    watch = Watch(site, clock, lambda _text: None)
    with watch, Live(console=console, auto_refresh=False) as live:
        while not stop.is_set():
            watch.look(1 / FRAMES_PER_S)
            live.update(_frame(watch, clock.utc_ms(), console.width, console.height), refresh=True)


def _frame(watch: Watch, now_ms: int, width: int, height: int) -> Table:
    rooms = watch.rooms.all()
    shown = fit(rooms, max(height - FRAME_LINES, 3))
    hidden = len(rooms) - len(shown)
    said = [watch.status(), f"{hidden} MORE ROOMS do not fit: make the window higher" if hidden else ""]
    return render(rooms, now_ms, width=width, status="; ".join(filter(None, said)), only=shown)
