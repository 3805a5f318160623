"""`stillroom phantom FILE`: a recording of which the rate is known, through the eye's chain; is it read?

A command of the tools and not of the unit: decoding a recording needs FFmpeg, which a unit does not carry, and a unit
of the `care` profile refuses recorded cameras. The chain is the unit's own: distil, traces, readings, in frame time.
What it does not test is the unit's lens and light: `stillroom selftest --phantom` looks at a phantom with the camera.
"""

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stillroom.errors import EXIT_OK, InputError
from stillroom.phantom import NEAR, Judged, check_rate, judged, load_phantom, near

if TYPE_CHECKING:
    from stillroom_tools.lab.evaluate_clip import ClipResult, Second, Truth

HELP = "replay a recording of which the rate is known, and say whether it is read"
EXIT_NOT_READ = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`FILE [--pulse-bpm N] [--breaths-per-min N] [--roi x,y,w,h|full] [--json]`."""
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="a video, or a CSV of a region's mean colour; what is true of it in FILE.toml (pulse_bpm, "
        "breaths_per_min) or FILE.csv (as evaluate --truth) beside it, or in the options below",
    )
    for name in NEAR:
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=float, metavar="N", help="0: nothing is to be read in it")
    parser.add_argument(
        "--roi", metavar="X,Y,W,H|full", help="where to read, as in evaluate; else found by itself"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one quantity. expected: the known rate, 0 for nothing, None where it changes over time."""

    quantity: str
    expected: float | None
    read: float | None
    readings: int
    off: int
    passed: bool
    why: str


def run(args: argparse.Namespace) -> int:
    """0 where everything known is read; 1 where not."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from stillroom_tools.lab.evaluate_clip import evaluate_clip
    from stillroom_tools.lab.evaluate_progress import Progress
    from stillroom_tools.lab.evaluate_trace import evaluate_trace
    from stillroom_tools.lab.evaluate_truth import Roi

    rates, truth = _known(args)
    roi = Roi.parse(args.roi) if args.roi is not None else None
    with Progress() as progress:
        if args.file.suffix.lower() == ".csv":
            result = evaluate_trace(args.file, None)
        else:
            result = evaluate_clip(args.file, roi, None, progress)
    if result.cut_short:
        raise InputError(result.cut_short)
    verdicts = [
        judge(result, name, rates.get(name), truth) for name in NEAR if name in rates or _has(truth, name)
    ]
    for line in result.warnings:
        print(f"stillroom: warning: {args.file}: {line}", file=sys.stderr)
    _show(args, verdicts)
    return EXIT_OK if all(verdict.passed for verdict in verdicts) else EXIT_NOT_READ


def _has(truth: "Truth | None", name: str) -> bool:
    return truth is not None and truth.knows(name)


def _known(args: argparse.Namespace) -> tuple[dict[str, float], "Truth | None"]:
    """What is true: from the options, else from a file beside the phantom. Raises InputError where nothing is."""
    from stillroom_tools.lab.evaluate_truth import load_truth

    given = {name: getattr(args, name) for name in NEAR if getattr(args, name) is not None}
    if given:
        return {
            name: check_rate(f"--{name.replace('_', '-')}:", name, value) for name, value in given.items()
        }, None
    beside = args.file.with_suffix(".toml")
    if beside.exists():
        return load_phantom(beside).rates, None
    table = args.file.with_suffix(".csv")
    if table.exists() and table != args.file:
        return {}, load_truth(table)
    raise InputError(
        f"{args.file}: what is true of it? add --pulse-bpm or --breaths-per-min, or write {beside}"
    )


def judge(result: "ClipResult", name: str, expected: float | None, truth: "Truth | None") -> Verdict:
    """Of one quantity, over all seconds of a recording. expected: None: the truth changes."""
    readings = [second.reading(name) for second in result.seconds]
    values = [reading.value for reading in readings]
    reasons = [reading.withheld for reading in readings if reading.withheld]
    last = str(reasons[-1]) if reasons else ""
    if expected is not None:
        return _verdict(name, expected, judged(name, expected, values, last))
    given = sorted(value for value in values if value is not None)
    errors = [error for second in result.seconds if (error := _error(second, name, truth)) is not None]
    return _verdict(name, None, near(name, errors, given[len(given) // 2] if given else None, last))


def _verdict(name: str, expected: float | None, found: Judged) -> Verdict:
    read = None if found.read is None else round(found.read, 2)
    return Verdict(name, expected, read, found.readings, found.off, found.passed, found.why)


def _error(second: "Second", name: str, truth: "Truth | None") -> float | None:
    reading = second.reading(name)
    if reading.value is None or truth is None:
        return None
    known = truth.over(name, second.at_s - max(1.0, reading.window_s), second.at_s)
    return None if known is None else abs(reading.value - known)


def _show(args: argparse.Namespace, verdicts: list[Verdict]) -> None:
    if args.json:
        rows: list[dict[str, Any]] = [
            {field: getattr(verdict, field) for field in Verdict.__dataclass_fields__} for verdict in verdicts
        ]
        print(json.dumps({"phantom": str(args.file), "verdicts": rows}, indent=2, allow_nan=False))
        return
    for verdict in verdicts:
        known = "its truth" if verdict.expected is None else f"{verdict.expected:g}"
        read = "-" if verdict.read is None else f"{verdict.read:.1f}"
        end = "passed" if verdict.passed else f"NOT PASSED, {verdict.why}"
        print(
            f"{verdict.quantity}: known {known}, read {read} in {verdict.readings} s, {verdict.off} s off: {end}"
        )
