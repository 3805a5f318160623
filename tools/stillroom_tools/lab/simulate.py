"""`stillroom simulate`: a scenario's night in seconds; what a unit tells of it, beside what was so."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stillroom.errors import EXIT_OK, ConfigError, InputError
from stillroom.files import replace_file
from stillroom_tools.lab import stage_words as words

if TYPE_CHECKING:
    from stillroom_tools.lab.stage_jobs import Job, Outcome
    from stillroom_tools.lab.stage_run import Night

HELP = "play a scenario, or a folder of them, to the real eye and room, and hold what is told against what was so"
EXIT_NOT_AS_EXPECTED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`SCENARIO... [--seeds N] [--first N] [--speed max|real] [--json] [--plot FILE] [--frames] [--models DIR]`."""
    parser.add_argument(
        "scenarios", nargs="+", type=Path, metavar="SCENARIO", help="a file, or a folder of files"
    )
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="so many nights of each (default: 1)"
    )
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first seed (default: 0)")
    parser.add_argument(
        "--jobs", type=int, default=0, metavar="N", help="processes at once (default: one a core)"
    )
    parser.add_argument(
        "--speed",
        choices=("max", "real"),
        default="max",
        help="real: one scenario with one seed at the pace of its clock, each line when it is told",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        help="draw one night of one scenario as SVG: truth, belief, what was told",
    )
    parser.add_argument(
        "--frames", action="store_true", help="draw frames, 320x240, and send them through the kernel: slower"
    )
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        help="look with the real models, whose weights are there, at frames of 640x480, in place of the stand-in",
    )


def run(args: argparse.Namespace) -> int:
    """Returns 0 where all was told as expected, 1 where not.

    Raises ConfigError, InputError, SetupError, StorageError.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: threads cost more than they save
    from stillroom_tools.lab.scenario import load_scenario
    from stillroom_tools.lab.stage_jobs import Job, Progress, run_all

    files = list(found(args.scenarios))
    _check(args, files)
    for file in files:
        load_scenario(file)
    models = "" if args.models is None else str(args.models)
    seeds = range(args.first, args.first + args.seeds)
    jobs = [Job(str(file), seed, args.frames, models) for seed in seeds for file in files]
    if args.speed == "real":
        outcomes = [_live(jobs[0], quiet=args.json)]
    else:
        with Progress(jobs) as progress:
            outcomes = list(run_all(jobs, args.jobs or os.cpu_count() or 1, progress.passed))
    if args.plot:
        _draw(args.plot, outcomes[0])
    if args.json:
        print(json.dumps(words.as_json(outcomes, seeds), allow_nan=False))
    else:
        words.show(outcomes, live=args.speed == "real")
    return EXIT_NOT_AS_EXPECTED if any(each.tally.problems for each in outcomes) else EXIT_OK


def found(paths: Sequence[Path]) -> Iterator[Path]:
    """The scenario files among these, a folder's in order of their names. Raises InputError: nothing there."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        files = sorted(path.glob("*.toml"))
        if not files:
            raise InputError(f"{path}: no scenario in it: files that end in .toml")
        yield from files


def _check(args: argparse.Namespace, files: list[Path]) -> None:
    """Raises ConfigError, InputError."""
    if not 1 <= args.seeds <= 10_000:
        raise ConfigError(f"--seeds {args.seeds}: 1 to 10000")
    if not 0 <= args.first < 2**31:
        raise ConfigError(f"--first {args.first}: 0 or more")
    if not 0 <= args.jobs <= 256:
        raise ConfigError(f"--jobs {args.jobs}: 1 to 256, or 0 for one a core")
    one = len(files) == 1 and args.seeds == 1
    if not one and (args.plot or args.speed == "real"):
        given = "--plot" if args.plot else "--speed real"
        raise ConfigError(f"{given}: one scenario and one seed only; here are {len(files)} and {args.seeds}")
    if args.plot and not args.plot.parent.is_dir():
        raise ConfigError(f"--plot {args.plot}: no such folder: make it first")
    if args.plot and args.plot.exists() and not args.plot.is_file():
        raise InputError(
            f"--plot {args.plot}: not a plain file: name one, or a place where there is none yet"
        )


def _live(job: "Job", *, quiet: bool) -> "Outcome":
    """At the pace of its clock; each thing is said when it is told."""
    from stillroom_tools.lab.stage_jobs import play

    began_s, said = time.monotonic(), 0

    def each(night: "Night", at_s: float) -> None:
        nonlocal said
        for told in night.told[said:] if not quiet else ():
            print(words.line(told), flush=True)
        said = len(night.told)
        time.sleep(max(0.0, began_s + at_s - time.monotonic()))

    return play(job, each)


def _draw(path: Path, outcome: "Outcome") -> None:
    from stillroom_tools.lab.stage_plot import drawn

    replace_file(path, drawn(outcome.night, outcome.scenario))
    print(f"stillroom: {path}", file=sys.stderr)
