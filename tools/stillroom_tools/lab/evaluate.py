"""`stillroom evaluate`: recordings through the same pipeline as a camera's frames, as fast as the machine can."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stillroom.errors import UsageError

if TYPE_CHECKING:
    from stillroom_tools.lab.evaluate_clip import ClipResult
    from stillroom_tools.lab.evaluate_progress import Progress

DEFAULT_OUT = "stillroom-suite"
HELP = "run recordings through the pipeline and show the readings, or what would be said of the room, and why"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`FILE... [--truth CSV] [--roi x,y,w,h|full] [--json]`, or one of the two groups below."""
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="any video that FFmpeg reads, or a CSV of a region's mean colour: t_s (or time, in ms), r, g, b",
    )
    parser.add_argument(
        "--truth",
        type=Path,
        metavar="FILE",
        help="columns t_s,pulse_bpm,breaths_per_min (either of the last two may be absent or empty), or t_s,peak of a "
        "contact sensor, or a .txt of intervals between beats in ms; in the recording's own time; adds errors",
    )
    parser.add_argument(
        "--roi",
        metavar="X,Y,W,H|full",
        help="where to read: left, top, width, height, all as shares of the picture (0.3,0.1,0.4,0.5) or all in "
        "whole pixels (120,40,300,280); full = the whole picture. Without it the place is found by itself",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    _add_room_arguments(parser)
    suite = parser.add_argument_group("the suite, in place of files")
    suite.add_argument(
        "--suite",
        action="store_true",
        help="a grid of simulated conditions and the recordings at hand, in parallel; minutes. Taken up again where it "
        "was cut short",
    )
    suite.add_argument("--full", action="store_true", help="more conditions and seeds; hours")
    suite.add_argument(
        "--fit",
        action="store_true",
        help="fit what quality is worth on part of the grid, and try it on the rest",
    )
    suite.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="where results go: report.html, summary.json, cells/ (default: stillroom-suite)",
    )
    suite.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="videos with a rate in their names (default: shared/real)",
    )
    suite.add_argument(
        "--only",
        metavar="WORDS",
        action="append",
        help="only conditions with these words in their names; may be given several times",
    )


def _add_room_arguments(parser: argparse.ArgumentParser) -> None:
    room = parser.add_argument_group("the room, in place of readings")
    room.add_argument(
        "--room",
        action="store_true",
        help="run recordings through the whole program, detector and room too, and show states and conditions. "
        "Without --config whoever lies, lies on the floor, and half a second is enough",
    )
    room.add_argument(
        "--crop",
        metavar="X,Y,W,H",
        help="take this part of the picture and nothing else; shares or pixels, as --roi",
    )
    room.add_argument(
        "--labels",
        type=Path,
        metavar="CSV",
        help="columns clip (the recording's name without ending), frame (from 1), posture (-1 not lying, 0 falling, "
        "1 lying); adds how often the posture agrees",
    )
    room.add_argument(
        "--config",
        type=Path,
        metavar="UNIT_TOML",
        help="of a unit: its zones, dwells, conditions and models count (zones in shares of what --crop leaves)",
    )
    room.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        help="the folder of the weights (default: the unit's own, then what `stillroom models fetch` brought)",
    )


def run(args: argparse.Namespace) -> int:
    """Evaluate each file; a bad one is reported and the others go on. Returns the last error's code, or 0."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: threads cost more than they save
    _check(args)
    if args.room:
        from stillroom_tools.lab.evaluate_rooms import run_rooms

        return run_rooms(args.files, args.crop, args.labels, args.config, args.models, as_json=args.json)
    if args.suite:
        from stillroom_tools.lab.suite import run_fit, run_suite

        if args.fit:
            return run_fit(args.out or Path(DEFAULT_OUT), full=args.full, only=args.only)
        out, near = args.out or Path(DEFAULT_OUT), args.recordings
        return run_suite(out, full=args.full, recordings=near, only=args.only, as_json=args.json)
    from stillroom_tools.lab.evaluate_clip import evaluate_clip
    from stillroom_tools.lab.evaluate_files import each
    from stillroom_tools.lab.evaluate_report import as_json, print_table
    from stillroom_tools.lab.evaluate_trace import evaluate_trace
    from stillroom_tools.lab.evaluate_truth import Roi, load_truth

    roi = Roi.parse(args.roi) if args.roi is not None else None
    truth = load_truth(args.truth) if args.truth is not None else None

    def one(path: Path, progress: "Progress") -> "ClipResult":
        if path.suffix.lower() == ".csv":
            return evaluate_trace(path, truth)
        return evaluate_clip(path, roi, truth, progress)

    results, exit_code = each(args.files, one)
    for result in results:
        for warning in result.warnings:
            print(f"stillroom: warning: {result.file}: {warning}", file=sys.stderr)
    if args.json:
        print(as_json(results))
    elif results:
        print_table(results)
    return exit_code


def _check(args: argparse.Namespace) -> None:
    """Files or the suite, and nothing that goes with another. Raises UsageError."""
    if args.room and (args.roi or args.truth or args.suite):
        raise UsageError("--room takes no --roi, --truth or --suite; leave them out, or leave --room out")
    if not args.room and (args.crop is not None or args.labels or args.config or args.models):
        raise UsageError(
            "--crop, --labels, --config and --models belong to --room; add it, or leave them out"
        )
    if args.suite and (args.files or args.roi or args.truth):
        raise UsageError("--suite takes no files, --roi or --truth; leave them out, or leave --suite out")
    if not args.suite:
        if args.full or args.fit or args.out or args.recordings or args.only:
            raise UsageError(
                "--full, --fit, --out, --recordings and --only belong to --suite; add it, or leave them out"
            )
        if not args.files:
            raise UsageError(
                "nothing to evaluate: name recordings, or --suite; 'stillroom evaluate --help' tells more"
            )
