"""`stillroom evaluate`: recordings through the same pipeline as a camera's frames, as fast as the machine can."""

import argparse
import os
import sys
from pathlib import Path

from stillroom.errors import EXIT_OK, InputError, StillroomError

DEFAULT_OUT = "stillroom-suite"
HELP = "run recordings through the pipeline and show the readings, and why windows were withheld"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`FILE... [--truth CSV] [--roi x,y,w,h|full] [--json]`, or `--suite [--full] [--out DIR]`."""
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


def run(args: argparse.Namespace) -> int:
    """Evaluate each file; a bad one is reported and the others go on. Returns the last error's code, or 0."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: threads cost more than they save
    _check(args)
    if args.suite:
        from stillroom_tools.lab.suite import run_fit, run_suite

        if args.fit:
            return run_fit(args.out or Path(DEFAULT_OUT), full=args.full, only=args.only)
        out, near = args.out or Path(DEFAULT_OUT), args.recordings
        return run_suite(out, full=args.full, recordings=near, only=args.only, as_json=args.json)
    from stillroom_tools.lab.evaluate_clip import evaluate_clip
    from stillroom_tools.lab.evaluate_progress import Progress
    from stillroom_tools.lab.evaluate_report import as_json, print_table
    from stillroom_tools.lab.evaluate_trace import evaluate_trace
    from stillroom_tools.lab.evaluate_truth import Roi, load_truth

    roi = Roi.parse(args.roi) if args.roi is not None else None
    truth = load_truth(args.truth) if args.truth is not None else None
    results, exit_code = [], EXIT_OK
    with Progress() as progress:
        for path in args.files:
            try:
                if path.suffix.lower() == ".csv":
                    result = evaluate_trace(path, truth)
                else:
                    result = evaluate_clip(path, roi, truth, progress)
                results.append(result)
                if result.cut_short:
                    raise InputError(result.cut_short)
            except StillroomError as error:
                exit_code = error.exit_code
                progress.say(f"stillroom: {error}")
    for result in results:
        for warning in result.warnings:
            print(f"stillroom: warning: {result.file}: {warning}", file=sys.stderr)
    if args.json:
        print(as_json(results))
    elif results:
        print_table(results)
    return exit_code


def _check(args: argparse.Namespace) -> None:
    """Files or the suite, and nothing that goes with the other. Raises InputError."""
    if args.suite and (args.files or args.roi or args.truth):
        raise InputError("--suite takes no files, --roi or --truth; leave them out, or leave --suite out")
    if not args.suite:
        if args.full or args.fit or args.out or args.recordings or args.only:
            raise InputError(
                "--full, --fit, --out, --recordings and --only belong to --suite; add it, or leave them out"
            )
        if not args.files:
            raise InputError("nothing to evaluate; name recordings, or --suite")
