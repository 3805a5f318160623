"""A truth of beats: peaks of a contact sensor (`t_s,ppg,peak`), or intervals between beats in ms (`.txt`)."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stillroom.errors import InputError

LEAST_BEATS = 3
EDGE_S = 2.0
"""A window may begin or end by so much outside what is known."""
LEAST_MS, MOST_MS = 200.0, 3000.0
MISSED = (0.7, 1.4)
"""An interval outside these, of the window's median, holds a peak too many or too few: it says nothing of the rate."""


@dataclass(frozen=True, slots=True)
class Beats:
    """Times of beats in seconds of the recording's own time, (n,) rising. sure: no beat is missed or invented."""

    times_s: NDArray[np.float64]
    sure: bool

    def knows(self, column: str) -> bool:
        return column == "pulse_bpm"

    def over(self, column: str, from_s: float, until_s: float) -> float | None:
        """Rate a minute by the mean interval in a window; None where the window is not known."""
        times = self.times_s
        if not self.knows(column) or from_s < times[0] - EDGE_S or until_s > times[-1] + EDGE_S:
            return None
        inside = times[(times >= from_s) & (times <= until_s)]
        if len(inside) < LEAST_BEATS:
            return None
        steps = np.diff(inside)
        if not self.sure:
            relative = steps / np.median(steps)
            steps = steps[(relative > MISSED[0]) & (relative < MISSED[1])]
        return 60.0 / float(steps.mean())


def intervals(path: Path, text: str) -> Beats:
    """Numbers in ms between blanks, the first beat at 0 s. Raises InputError naming the value."""
    values = [_interval(path, place, word) for place, word in enumerate(text.split(), start=1)]
    if len(values) < LEAST_BEATS:
        raise InputError(
            f"{path}: {len(values)} intervals; write at least {LEAST_BEATS}, in ms, between blanks"
        )
    return Beats(np.concatenate([[0.0], np.cumsum(values) / 1000.0]), sure=True)


def _interval(path: Path, place: int, word: str) -> float:
    value = _float(word)
    if not LEAST_MS <= value <= MOST_MS:
        raise InputError(
            f"{path}: interval {place}: '{word}': must be ms between beats, {LEAST_MS:g} to {MOST_MS:g}"
        )
    return value


def peaks(path: Path, text: str) -> Beats:
    """Rows of `t_s` and `peak` (1 at a beat, else 0). Raises InputError naming line and value."""
    header, *rows = csv.reader(text.splitlines())
    names = [name.strip() for name in header]
    at, flag = names.index("t_s"), names.index("peak")
    times: list[float] = []
    before_s = -math.inf
    for number, row in enumerate(rows, start=2):
        if not any(field.strip() for field in row):
            continue
        if len(row) != len(names):
            raise InputError(f"{path}: line {number}: {len(row)} fields, the first line has {len(names)}")
        time_s = _float(row[at])
        if not time_s > before_s:
            raise InputError(f"{path}: line {number}: t_s '{row[at]}': must be a number above the one before")
        if row[flag].strip() not in ("0", "1", "0.0", "1.0"):
            raise InputError(f"{path}: line {number}: peak '{row[flag]}': must be 1 at a beat, else 0")
        before_s = time_s
        if row[flag].strip().startswith("1"):
            times.append(time_s)
    if len(times) < LEAST_BEATS:
        raise InputError(f"{path}: {len(times)} rows with peak 1; a rate needs at least {LEAST_BEATS}")
    return Beats(np.array(times), sure=False)


def _float(text: str) -> float:
    """NaN for what is no finite number."""
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
