"""`stillroom demo`: simulated rooms, a broker, the gateway and the ward's table in one terminal.

Every part is the real one: the three processes of each unit, keys and authorisations from the commands that
sites use, a real broker. Only the camera is simulated, or a recording. Everything goes when the demo ends.
"""

import argparse
import math
import sys
from pathlib import Path

from stillroom.errors import ConfigError

HELP = "simulated rooms, a broker and the other end, in one terminal"

MAX_ROOMS = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rooms", type=int, default=2, metavar="N", help=f"1 to {MAX_ROOMS} (2)")
    parser.add_argument("--seconds", type=float, metavar="S", help="end after so long (not by itself)")
    parser.add_argument("--headless", action="store_true", help="no table, no keys: one line for each event")
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
    from stillroom_tools.lab.demo_run import Demo

    headless = options.headless or options.json or not (sys.stdin.isatty() and sys.stdout.isatty())
    demo = Demo(
        rooms=options.rooms,
        camera=options.camera,
        broker_url=options.broker,
        scenarios=options.scenarios or _scenarios(),
        json_lines=options.json,
        models=not options.no_models,
    )
    return demo.run(headless=headless, seconds=options.seconds)


def _check(options: argparse.Namespace) -> None:
    if not 1 <= options.rooms <= MAX_ROOMS:
        raise ConfigError(f"--rooms {options.rooms}: from 1 to {MAX_ROOMS}")
    if options.seconds is not None and not (math.isfinite(options.seconds) and options.seconds > 0):
        raise ConfigError(f"--seconds {options.seconds:g}: more than 0")
    if options.camera != "simulated":
        _check_recording(Path(options.camera))


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
