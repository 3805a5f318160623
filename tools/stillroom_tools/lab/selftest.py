"""`stillroom selftest`: a recording of which the rate is known, through the eye's chain; does it read what it should?

A command of the tools and not of the unit: decoding a recording needs FFmpeg, which a unit does not carry, and a unit
of the `care` profile refuses recorded cameras. The chain is the unit's own: distil, traces, readings, in frame time.
What it does not test is the unit's lens and light: for those, play the phantom in front of the camera.
"""

import argparse
import json
import os
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stillroom.errors import EXIT_OK, InputError

if TYPE_CHECKING:
    from stillroom_tools.lab.evaluate_clip import ClipResult, Second, Truth

HELP = "replay a recording of which the rate is known, and say whether it is read"
EXIT_NOT_READ = 1
NEAR = {"pulse_bpm": 3.0, "breaths_per_min": 1.5}
"""What a reading's quality is the probability of."""
LIMITS = {"pulse_bpm": (20.0, 300.0), "breaths_per_min": (2.0, 100.0)}
MOST_OFF = 0.05
MOST_IN_NOTHING = 0.01


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--phantom FILE [--pulse-bpm N] [--breaths-per-min N] [--roi x,y,w,h|full] [--json]`."""
    parser.add_argument(
        "--phantom",
        type=Path,
        required=True,
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
        if args.phantom.suffix.lower() == ".csv":
            result = evaluate_trace(args.phantom, None)
        else:
            result = evaluate_clip(args.phantom, roi, None, progress)
    if result.cut_short:
        raise InputError(result.cut_short)
    verdicts = [
        judge(result, name, rates.get(name), truth) for name in NEAR if name in rates or _has(truth, name)
    ]
    for line in result.warnings:
        print(f"stillroom: warning: {args.phantom}: {line}", file=sys.stderr)
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
            name: _rate(f"--{name.replace('_', '-')}", name, value) for name, value in given.items()
        }, None
    beside = args.phantom.with_suffix(".toml")
    if beside.exists():
        return _toml(beside), None
    table = args.phantom.with_suffix(".csv")
    if table.exists() and table != args.phantom:
        return {}, load_truth(table)
    raise InputError(
        f"{args.phantom}: what is true of it? add --pulse-bpm or --breaths-per-min, or write {beside}"
    )


def _toml(path: Path) -> dict[str, float]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML: {error}") from None
    strange = sorted(set(table) - set(NEAR))
    if strange or not table:
        raise InputError(
            f"{path}: {strange[0] if strange else 'empty'}: may hold {' and '.join(NEAR)}, nothing else"
        )
    return {name: _rate(str(path), name, value) for name, value in table.items()}


def _rate(where: str, name: str, value: object) -> float:
    low, high = LIMITS[name]
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not (value == 0 or low <= value <= high)
    ):
        raise InputError(
            f"{where}: {name} {value}: must be from {low:g} to {high:g}, or 0 for nothing to be read"
        )
    return float(value)


def judge(result: "ClipResult", name: str, expected: float | None, truth: "Truth | None") -> Verdict:
    """Of all seconds with a reading nearly all must be near what is true; where nothing is, nearly none may be."""
    import numpy as np

    readings = [second.reading(name) for second in result.seconds]
    values = [reading.value for reading in readings if reading.value is not None]
    median = round(float(np.median(values)), 2) if values else None
    if expected == 0:
        passed = len(values) <= MOST_IN_NOTHING * len(readings)
        return Verdict(
            name, 0.0, median, len(values), len(values), passed, "" if passed else "read in nothing"
        )
    errors = [_error(second, name, expected, truth) for second in result.seconds]
    near = [error for error in errors if error is not None]
    off = sum(error > NEAR[name] for error in near)
    if near:
        passed = off <= MOST_OFF * len(near)
        return Verdict(name, expected, median, len(near), off, passed, "" if passed else "not the known rate")
    reasons = [reading.withheld for reading in readings if reading.withheld]
    last = reasons[-1] if reasons else "nothing known where it was read"
    return Verdict(name, expected, median, 0, 0, False, f"withheld: {last}")


def _error(second: "Second", name: str, expected: float | None, truth: "Truth | None") -> float | None:
    reading = second.reading(name)
    if reading.value is None:
        return None
    known = expected
    if known is None and truth is not None:
        known = truth.over(name, second.at_s - max(1.0, reading.window_s), second.at_s)
    return None if known is None else abs(reading.value - known)


def _show(args: argparse.Namespace, verdicts: list[Verdict]) -> None:
    if args.json:
        rows: list[dict[str, Any]] = [
            {field: getattr(verdict, field) for field in Verdict.__dataclass_fields__} for verdict in verdicts
        ]
        print(json.dumps({"phantom": str(args.phantom), "verdicts": rows}, indent=2, allow_nan=False))
        return
    for verdict in verdicts:
        known = "its truth" if verdict.expected is None else f"{verdict.expected:g}"
        read = "-" if verdict.read is None else f"{verdict.read:.1f}"
        end = "passed" if verdict.passed else f"NOT PASSED, {verdict.why}"
        print(
            f"{verdict.quantity}: known {known}, read {read} in {verdict.readings} s, {verdict.off} s off: {end}"
        )
