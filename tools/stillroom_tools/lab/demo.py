"""`stillroom demo`: simulated rooms, a broker and the gateway, in a browser or in one terminal.

Every part is the real one: the three processes of each unit, keys and authorisations from the commands that
sites use, a real broker. Only the camera is simulated, or a recording. Everything goes when the demo ends.
"""

import argparse
import math
import sys
from pathlib import Path

from stillroom.errors import ConfigError

HELP = "simulated rooms, a broker and the other end, in a browser or a terminal"

MAX_ROOMS = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rooms", type=int, default=8, metavar="N", help=f"1 to {MAX_ROOMS} (8)")
    parser.add_argument("--seconds", type=float, metavar="S", help="end after so long (not by itself)")
    parser.add_argument(
        "--terminal", action="store_true", help="a table and keys in this terminal, no browser"
    )
    parser.add_argument("--headless", action="store_true", help="no page, no keys: one line for each event")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="of the page (any free one)")
    parser.add_argument(
        "--json", action="store_true", help="each opened event as a line of JSON on standard output"
    )
    parser.add_argument(
        "--broker", metavar="URL", help="mqtt://[user:password@]host[:port] instead of its own"
    )
    parser.add_argument(
        "--camera", default="simulated", metavar="simulated|FILE", help="simulated rooms, or a video, looped"
    )
    parser.add_argument("--no-models", action="store_true", help="motion, breathing and the empty room alone")
    parser.add_argument("--scenarios", type=Path, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Until q, Ctrl-C or `--seconds`: 0 where all that was accepted was delivered, else 1."""
    _check(options)
    from stillroom_tools.lab.demo_run import Demo, Shown
    from stillroom_tools.lab.demo_ward import Ward

    shown: Shown = "headless" if options.headless else "terminal" if options.terminal else "browser"
    ward = Ward(
        rooms=options.rooms,
        camera=options.camera,
        broker_url=options.broker,
        scenarios=options.scenarios or _scenarios(),
        models=not options.no_models,
        board=shown == "browser",
    )
    return Demo(ward, shown=shown, json_lines=options.json, port=options.port).run(options.seconds)


def _check(options: argparse.Namespace) -> None:
    if not 1 <= options.rooms <= MAX_ROOMS:
        raise ConfigError(f"--rooms {options.rooms}: from 1 to {MAX_ROOMS}")
    if not 0 <= options.port <= 65_535:
        raise ConfigError(f"--port {options.port}: from 1 to 65535, or 0 for any free one")
    if options.terminal and not options.headless and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("--terminal: this is no terminal; leave it out, or use --headless")
    if options.seconds is not None and not (math.isfinite(options.seconds) and options.seconds > 0):
        raise ConfigError(f"--seconds {options.seconds:g}: more than 0")
    if options.port and not options.headless and not options.terminal:
        _check_port(options.port)
    if options.camera != "simulated":
        _check_recording(Path(options.camera))


def _check_port(port: int) -> None:
    """Before eight rooms are set up for a page that nobody could open. Raises ConfigError."""
    from stillroom_tools.local_page import bound

    bound(port).close()


def _check_recording(path: Path) -> None:
    """Find out before anything is started whether it is a video. Raises InputError."""
    from stillroom_tools.lab.recorded import probe

    probe(path)


def _scenarios() -> Path:
    """The scenarios beside the sources; the demo runs from a checkout."""
    folder = Path(__file__).parents[3] / "config" / "scenarios"
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no scenarios there: run tools/demo in a checkout of the project")
    return folder
