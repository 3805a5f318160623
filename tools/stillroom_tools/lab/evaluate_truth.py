"""What evaluation is told: where to read (`--roi`, and `--crop` for rooms) and what is true (`--truth`)."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stillroom.errors import ConfigError, InputError
from stillroom.observation import Box
from stillroom_tools.lab.evaluate_beats import Beats, intervals, peaks

COLUMNS = {"pulse_bpm": (20.0, 300.0), "breaths_per_min": (2.0, 100.0)}
"""What a truth may hold, and what a living person's rates are between."""
LEAST_PX = 8
_ROI_SHAPE = "four numbers x,y,w,h (all shares of the picture, 0 to 1, or all whole pixels) or 'full'"


@dataclass(frozen=True, slots=True)
class Roi:
    """A region: left, top, width, height, in shares of the picture or in pixels."""

    x: float
    y: float
    w: float
    h: float
    in_pixels: bool
    option: str = "--roi"
    """Where it was asked for."""

    @classmethod
    def parse(cls, text: str, option: str = "--roi") -> "Roi":
        """`full` or `x,y,w,h`. Raises ConfigError for anything else."""
        if text.strip() == "full":
            return cls(0.0, 0.0, 1.0, 1.0, False, option)
        try:
            x, y, w, h = (float(part) for part in text.split(","))
        except ValueError:
            raise ConfigError(f"{option} '{text}': must be {_ROI_SHAPE}") from None
        values = (x, y, w, h)
        if not all(math.isfinite(v) and v >= 0 for v in values) or w <= 0 or h <= 0:
            raise ConfigError(f"{option} '{text}': x and y 0 or more, w and h above 0; {_ROI_SHAPE}")
        in_pixels = max(values) > 1
        if in_pixels and any(v != int(v) for v in values):
            raise ConfigError(f"{option} '{text}': shares and pixels are mixed; must be {_ROI_SHAPE}")
        return cls(x, y, w, h, in_pixels, option)

    def box(self, width_px: int, height_px: int) -> Box:
        """As shares of a picture. Raises InputError where it leaves the picture or is smaller than a cell."""
        across, down = (width_px, height_px) if self.in_pixels else (1, 1)
        x0, y0, x1, y1 = self.x / across, self.y / down, (self.x + self.w) / across, (self.y + self.h) / down
        shown = f"{self.option} {self.x:g},{self.y:g},{self.w:g},{self.h:g}"
        if x1 > 1 + 1e-9 or y1 > 1 + 1e-9:
            raise InputError(f"{shown}: leaves the picture of {width_px}x{height_px} px; make it smaller")
        if (x1 - x0) * width_px < LEAST_PX * 2 or (y1 - y0) * height_px < LEAST_PX * 2:
            raise InputError(f"{shown}: smaller than 16x16 px of {width_px}x{height_px}; make it larger")
        return Box(x0, y0, min(1.0, x1), min(1.0, y1))


@dataclass(frozen=True, slots=True)
class Truth:
    """Times in seconds, (n,) rising, and for each known column its values, (n,), NaN where the row has none."""

    times_s: NDArray[np.float64]
    values: dict[str, NDArray[np.float64]]

    def knows(self, column: str) -> bool:
        return column in self.values

    def over(self, column: str, from_s: float, until_s: float) -> float | None:
        """Mean over a window; None where nothing is known in it."""
        if column not in self.values:
            return None
        here = (self.times_s >= from_s) & (self.times_s <= until_s)
        known = self.values[column][here]
        known = known[~np.isnan(known)]
        return float(known.mean()) if len(known) else None


def load_truth(path: Path) -> Truth | Beats:
    """Read a truth: rates (`t_s,pulse_bpm,breaths_per_min`), peaks (`t_s,ppg,peak`), or intervals in ms (`.txt`).

    Raises InputError naming file, line and value.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file in UTF-8; --truth takes a CSV") from None
    if path.suffix.lower() == ".txt":
        return intervals(path, text)
    rows = list(csv.reader(text.splitlines()))
    header = [name.strip() for name in rows[0]] if rows else []
    if "t_s" in header and "peak" in header:
        return peaks(path, text)
    known = [name for name in COLUMNS if name in header]
    if "t_s" not in header or not known:
        raise InputError(f"{path}: first line must name t_s and at least one of {', '.join(COLUMNS)}, peak")
    if len(rows) < 2:
        raise InputError(f"{path}: no rows below the first line; add some, or leave --truth out")
    return _table(path, header, known, rows[1:])


def _table(path: Path, header: list[str], known: list[str], rows: list[list[str]]) -> Truth:
    times: list[float] = []
    values: dict[str, list[float]] = {name: [] for name in known}
    for number, row in enumerate(rows, start=2):
        if not any(field.strip() for field in row):
            continue
        if len(row) != len(header):
            raise InputError(f"{path}: line {number}: {len(row)} fields, the first line has {len(header)}")
        fields = dict(zip(header, row, strict=True))
        time_s = _number(path, number, "t_s", fields["t_s"], (0.0, math.inf))
        if times and time_s <= times[-1]:
            raise InputError(
                f"{path}: line {number}: t_s {time_s:g} does not rise; put rows in order of time"
            )
        times.append(time_s)
        for name in known:
            empty = not fields[name].strip()
            values[name].append(
                math.nan if empty else _number(path, number, name, fields[name], COLUMNS[name])
            )
    return Truth(np.array(times), {name: np.array(column) for name, column in values.items()})


def _number(path: Path, line: int, name: str, text: str, limits: tuple[float, float]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    low, high = limits
    if not (math.isfinite(value) and low <= value <= high):
        allowed = f"from {low:g} to {high:g}" if math.isfinite(high) else f"{low:g} or more"
        raise InputError(
            f"{path}: line {line}: {name} '{text.strip()}': must be a number {allowed}, or empty where not known"
        )
    return value
