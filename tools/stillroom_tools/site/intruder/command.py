"""`stillroom site intruder`: attack what the levels of a view give away, and write down what was found."""

import argparse
from pathlib import Path

import msgspec

from stillroom.errors import EXIT_OK, StillroomError
from stillroom.files import make_folder, replace_file
from stillroom_tools.site.intruder.report import page
from stillroom_tools.site.intruder.suite import run as run_suite
from stillroom_tools.site.intruder.words import say, summary

HELP = "attack what a view gives away, with everything an attacker can know; a report"


class TooWeak(StillroomError):
    """A control stands: nothing that was found proves anything."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report there, HTML")
    parser.add_argument(
        "--full",
        action="store_true",
        help="thousands of probes, every floor, on all processors: tens of minutes",
    )
    parser.add_argument("--json", action="store_true", help="all numbers as JSON on standard output")


def run(options: argparse.Namespace) -> int:
    """One line, or JSON. Raises SetupError (scikit-image), StorageError, TooWeak where a control stands."""
    found = run_suite(options.full, say)
    if options.report is not None:
        make_folder(options.report.parent)
        replace_file(options.report, page(found).encode())
    print(msgspec.json.encode(found).decode() if options.json else summary(found))
    if not found.proves:
        standing = [control.name for control in found.controls if not control.broken]
        raise TooWeak(f"not broken: {', '.join(standing)}: the attacks are too weak, nothing is proved")
    return EXIT_OK
