"""A CSV of a region's mean colour through the pulse reader that also reads cells.

A trace has no cells to set against one another: it stands for both sets, and what they would have agreed on is left to
persistence along one ridge. There is no rest of the picture, no stir and no breathing in it.
"""

import math
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stillroom.errors import InputError
from stillroom.eye.analysis import GAP_S, READ_EVERY_S
from stillroom.eye.reader import LEAST_HZ, PulseReader
from stillroom.eye.traces import CHROMA_SAMPLES, LUMA_PIXELS, MAX_ADDED, frames_in_row
from stillroom.observation import Reading
from stillroom_tools.lab.evaluate_clip import ClipResult, Second, Truth, compare, warn_of_length
from stillroom_tools.lab.evaluate_files import csv_rows

SECONDS, MILLISECONDS = "t_s", ("time", "t_ms", "time_ms")
COLOURS = ("r", "g", "b")
_SHAPE = "first line must name t_s (seconds) or time (ms), and r, g, b"
_NOTHING = Reading(withheld="unsupported")


@dataclass(frozen=True, slots=True)
class Trace:
    """times_s: (n,) rising. colours: (n, 3) mean R, G, B, counts of 0 to 255."""

    times_s: NDArray[np.float64]
    colours: NDArray[np.float64]

    @property
    def rows_per_s(self) -> float:
        return (len(self.times_s) - 1) / float(self.times_s[-1] - self.times_s[0])


def load_trace(path: Path) -> Trace:
    """Read a trace. Raises InputError naming file, line and value."""
    rows = csv_rows(path, _SHAPE)
    names = [name.strip().lower() for name in rows[0]] if rows else []
    clock = next((name for name in (SECONDS, *MILLISECONDS) if name in names), None)
    if clock is None or any(name not in names for name in COLOURS):
        raise InputError(f"{path}: {_SHAPE}")
    columns = [names.index(name) for name in (clock, *COLOURS)]
    table = [
        _row(path, number, row, columns, names) for number, row in enumerate(rows[1:], start=2) if any(row)
    ]
    if len(table) < 2:
        raise InputError(f"{path}: {len(table)} rows below the first line; a rhythm needs many")
    values = np.array(table)
    times = values[:, 0] / (1.0 if clock == SECONDS else 1000.0)
    back = np.flatnonzero(np.diff(times) <= 0)
    if len(back):
        raise InputError(f"{path}: row {back[0] + 3}: time does not go on; put rows in order of time")
    return Trace(times, values[:, 1:])


def _row(path: Path, number: int, row: list[str], columns: list[int], names: list[str]) -> list[float]:
    if len(row) != len(names):
        raise InputError(f"{path}: line {number}: {len(row)} fields, the first line has {len(names)}")
    values = []
    for column in columns:
        try:
            value = float(row[column])
        except ValueError:
            value = math.nan
        most = math.inf if column == columns[0] else 255.0
        if not (math.isfinite(value) and 0 <= value <= most):
            allowed = "0 or more" if math.isinf(most) else "0 to 255"
            raise InputError(
                f"{path}: line {number}: {names[column]} '{row[column].strip()}': a number {allowed}"
            )
        values.append(value)
    return values


def evaluate_trace(path: Path, truth: Truth | None) -> ClipResult:
    """All rows of one file. Raises InputError where it cannot be used."""
    started = time.process_time()
    trace = load_trace(path)
    result = ClipResult(str(path), duration_s=float(trace.times_s[-1] - trace.times_s[0]))
    result.seconds = read(trace)
    result.cpu_ms_per_frame = (time.process_time() - started) * 1e3 / len(trace.times_s)
    result.peak_rss_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    warn_of_length(result)
    if truth is not None:
        result.errors = compare(result.seconds, truth)
    return result


def read(trace: Trace) -> list[Second]:
    """The readings that stood at the end of each second."""
    together = frames_in_row(trace.rows_per_s)
    rate_hz = round(trace.rows_per_s / together, 1)
    reader, seconds, next_s = PulseReader(), list[Second](), READ_EVERY_S
    before_s = float(trace.times_s[0])
    for begin in range(0, len(trace.times_s) - together + 1, together):
        part = slice(begin, begin + together)
        time_s = float(trace.times_s[part].mean())
        if time_s - before_s > GAP_S:
            reader.restart()
        before_s = time_s
        reader.push(time_s, _as_cells(trace.colours[part].mean(axis=0)))
        at_s = float(trace.times_s[part][-1])
        if at_s >= next_s - 0.5 / trace.rows_per_s:
            next_s = math.floor(at_s + 0.5 / trace.rows_per_s) + READ_EVERY_S
            pulse = _NOTHING if trace.rows_per_s < LEAST_HZ else reader.read(rate_hz)
            seconds.append(Second(at_s, pulse, _NOTHING))
    return seconds


def _as_cells(rgb: NDArray[np.float64]) -> NDArray[np.float32]:
    """A mean colour as a row of the reader: the sums that one cell of it would have (BT.601), as both sets."""
    red, green, blue = rgb
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    chroma = (128.0 + (blue - luma) / 1.772, 128.0 + (red - luma) / 1.402)
    sums = (luma * MAX_ADDED * LUMA_PIXELS, *(c * MAX_ADDED * CHROMA_SAMPLES for c in chroma))
    return np.array([*np.repeat(sums, 2), 1.0, 0.0], np.float32)
