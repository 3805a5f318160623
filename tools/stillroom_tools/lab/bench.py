"""`stillroom bench`: the hot path beside what the machine can do at all, in one interleaved run."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stillroom.errors import EXIT_OK, ConfigError

if TYPE_CHECKING:
    from stillroom_tools.lab.bench_frames import Rotation

HELP = "time the hot path against what the machine can do"
SIZES = ("640x480", "1280x720")
ROUNDS = 200
_PROGRESS_EVERY = 50
_SEED = 1
_EXPLAINED = {
    "read_limit_us": "reading the same bytes and nothing else",
    "memcpy_us": "copying them",
    "kernel_cold_us": "the kernel, frames from memory",
    "kernel_hot_us": "the kernel, the same frame again",
    "kernel_baseline_us": "the kernel's reference variant, from memory",
    "kernel_two_orders_us": "the kernel with orders of 224 x 224 and 192 x 192 px RGB",
    "from_python_us": "distil() with all its checks, frames from memory",
    "numpy_us": "the same in NumPy",
    "numpy_tuned_us": "the same in NumPy, tuned",
    "opencv_us": "OpenCV's lean equivalent, cells rounded to 8 bits",
}

_COMPARED = {
    "share_of_limit": "of the reading limit is reached by the kernel",
    "share_of_limit_baseline": "of the reading limit by its reference variant",
    "times_opencv": "times as fast as OpenCV",
    "times_numpy": "times as fast as NumPy",
    "times_numpy_tuned": "times as fast as tuned NumPy",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`[--size WxH ...] [--rounds N] [--json]`."""
    parser.add_argument(
        "--size",
        action="append",
        metavar="WxH",
        help=f"picture size in px; may be repeated ({', '.join(SIZES)})",
    )
    parser.add_argument("--rounds", type=int, help=f"times each is timed, 10 to 10000 ({ROUNDS})")
    parser.add_argument(
        "--card",
        action="store_true",
        help="instead: what a day of a quiet and of a busy room writes to the card",
    )
    parser.add_argument(
        "--stop",
        action="store_true",
        help="instead: from the button to the eye's death, `--rounds` times (20), and what leases cost",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(args: argparse.Namespace) -> int:
    """Measure each size. Raises ConfigError for a size or a number of rounds that is not possible."""
    if args.card:
        return _card(as_json=args.json)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    rounds = args.rounds or (20 if args.stop else ROUNDS)
    if not 10 <= rounds <= 10_000:
        raise ConfigError(f"--rounds {args.rounds}: 10 to 10000")
    if args.stop:
        return _stop(rounds, as_json=args.json)
    sizes = [_parse(text) for text in args.size or SIZES]
    results = {}
    with _one_core():
        for width_px, height_px in sizes:
            results[f"{width_px}x{height_px}"] = measure(width_px, height_px, rounds)
    print(json.dumps(results) if args.json else _table(results))
    return EXIT_OK


def _card(*, as_json: bool) -> int:
    from stillroom_tools.lab.bench_card import HOURS, megabytes_a_day

    found = {}
    for room in ("quiet", "busy"):
        _say(f"a {room} room for {HOURS:g} hours of simulated time")
        found[room] = megabytes_a_day(room, HOURS)
    lines = (
        f"{room} room: {f['mb_a_day']} MB a day for {f['entries_a_day']:g} entries"
        for room, f in found.items()
    )
    print(json.dumps(found) if as_json else "\n".join(lines))
    return EXIT_OK


def _stop(rounds: int, *, as_json: bool) -> int:
    from stillroom_tools.lab import bench_stop

    found = bench_stop.measure(rounds, _say)
    lines = (f"{found[name]:>9}  {what}" for name, what in bench_stop.EXPLAINED.items())
    print(json.dumps(found) if as_json else "\n".join(lines))
    return EXIT_OK


def measure(width_px: int, height_px: int, rounds: int) -> dict[str, object]:
    """Medians in microseconds, shares and the eye's stages for one size."""
    from stillroom._native import ffi, lib
    from stillroom_tools.lab.bench_eye import eye_us
    from stillroom_tools.lab.bench_frames import make_rotation

    _say(f"{width_px}x{height_px}: making frames")
    rotation = make_rotation(width_px, height_px)
    medians = _interleaved(rotation, rounds)
    _say(f"{width_px}x{height_px}: the whole eye")
    kernel = medians["kernel_cold_us"]
    return {
        **{name: medians.get(name) for name in _EXPLAINED},
        "share_of_limit": _ratio(medians["read_limit_us"], kernel),
        "share_of_limit_baseline": _ratio(medians["read_limit_us"], medians["kernel_baseline_us"]),
        "times_opencv": _ratio(medians.get("opencv_us"), kernel),
        "times_numpy": _ratio(medians["numpy_us"], kernel),
        "times_numpy_tuned": _ratio(medians["numpy_tuned_us"], kernel),
        "variant": ffi.string(lib.distil_variant()).decode(),
        "eye_us": eye_us(rotation),
    }


def _ratio(one: float | None, other: float) -> float | None:
    return None if one is None else round(one / other, 3)


def _interleaved(rotation: "Rotation", rounds: int) -> dict[str, float]:
    """Every piece of work once a round, each on the next frame, so that whatever disturbs one disturbs all.

    In another order each round: what a piece of work finds in the caches depends on the one before it.
    """
    import random
    import statistics

    from stillroom_tools.lab.bench_work import make_work

    work = make_work(rotation)
    order, shuffle = list(work), random.Random(_SEED).shuffle
    spent: dict[str, list[int]] = {name: [] for name in work}
    frame, count = 0, len(rotation.frames)
    for round_ in range(rounds):
        shuffle(order)
        for name in order:
            frame = (frame + 1) % count
            if name == "kernel_hot_us":
                work[name](frame)
            began = time.perf_counter_ns()
            work[name](frame)
            spent[name].append(time.perf_counter_ns() - began)
        if round_ % _PROGRESS_EVERY == 0:
            _say(f"{rotation.width_px}x{rotation.height_px}: round {round_} of {rounds}")
    return {name: round(statistics.median(times) / 1000, 1) for name, times in spent.items()}


@contextmanager
def _one_core() -> Iterator[None]:
    """Pinned to the last core that this process may use."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _parse(text: str) -> tuple[int, int]:
    from stillroom.eye.cells import FrameError, cells_of

    width, by, height = text.lower().partition("x")
    if not (by and width.isdecimal() and height.isdecimal() and len(text) <= 12):
        raise ConfigError(f"--size {text}: WxH, such as 640x480")
    try:
        cells_of(int(width), int(height))
    except FrameError as error:
        raise ConfigError(f"--size {text}: {error}") from None
    return int(width), int(height)


def _say(line: str) -> None:
    end = "\r" if sys.stderr.isatty() else "\n"
    print(f"{line:<60}", end=end, file=sys.stderr, flush=True)


def _table(results: dict[str, dict[str, object]]) -> str:
    return "\n".join(line for size, figures in results.items() for line in _lines(size, figures))


def _lines(size: str, figures: dict[str, object]) -> Iterator[str]:
    yield f"{size}, {figures['variant']}, one core; medians in microseconds:"
    for name, what in (_EXPLAINED | _COMPARED).items():
        yield f"  {figures[name] or '-':>9}  {what}"
    yield "  and CPU of the whole eye at 30 frames a second, microseconds a frame, by stage:"
    stages = figures["eye_us"]
    assert isinstance(stages, dict)
    for stage, us in stages.items():
        yield f"  {us:>9}  {stage}"
