"""Results of an evaluation as JSON or as a table, both on standard output."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from stillroom_tools.lab.evaluate_clip import QUANTITIES, ClipResult, Errors

WIDTH = 130


def as_json(results: list[ClipResult]) -> str:
    """The results; null where nothing was trusted, never NaN."""
    return json.dumps({"files": [_entry(result) for result in results]}, indent=2, allow_nan=False)


def _entry(result: ClipResult) -> dict[str, Any]:
    entry: dict[str, Any] = {"file": result.file, "duration_s": round(result.duration_s, 3)}
    for name in QUANTITIES:
        entry[name] = summary(result, name)
    entry["cpu_ms_per_frame"] = round(result.cpu_ms_per_frame, 3)
    entry["peak_rss_mib"] = round(result.peak_rss_mib, 1)
    entry["coherent"] = result.coherent
    if result.errors:
        entry["error"] = {
            name: {
                "mae": _rounded(errors.mae),
                "coverage": round(errors.coverage, 4),
                "far_wrong": _rounded(errors.far_wrong),
                "constant_mae": round(errors.constant_mae, 3),
            }
            for name, errors in result.errors.items()
        }
    return entry


def summary(result: ClipResult, name: str) -> dict[str, Any]:
    """Median and quality of the readings that stood at the end of each second, their number, and the reasons."""
    readings = [second.reading(name) for second in result.seconds]
    values = [r.value for r in readings if r.value is not None]
    qualities = [r.quality for r in readings if r.quality is not None]
    reasons = Counter(r.withheld for r in readings if r.withheld is not None)
    return {
        "median": round(float(np.median(values)), 2) if values else None,
        "quality": round(float(np.median(qualities)), 3) if qualities else None,
        "readings": len(values),
        "withheld": dict(sorted(reasons.items())),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def print_table(results: list[ClipResult]) -> None:
    """Two rows a file, on standard output; full width where that is not a terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Readings at the end of each second (quality is estimated, not calibrated on people)")
    table.add_column("recording", overflow="fold")
    for heading in ("", "median", "quality", "trusted"):
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    table.add_column("withheld, in seconds")
    with_errors = any(result.errors for result in results)
    if with_errors:
        table.add_column("error (always the mean: error)")
    for result in results:
        for name in QUANTITIES:
            row = _row(result, name)
            table.add_row(*(row if with_errors else row[:-1]))
        table.add_section()
    width = None if sys.stdout.isatty() else WIDTH
    Console(file=sys.stdout, width=width).print(table)


def _row(result: ClipResult, name: str) -> list[str]:
    figures = summary(result, name)
    withheld = ", ".join(f"{reason} {count}" for reason, count in figures["withheld"].items())
    second_line = f"{result.duration_s:.1f} s, {result.cpu_ms_per_frame:.2f} ms CPU a frame"
    return [
        Path(result.file).name if name == "pulse_bpm" else second_line,
        "pulse /min" if name == "pulse_bpm" else "breaths /min",
        "-" if figures["median"] is None else f"{figures['median']:.1f}",
        "-" if figures["quality"] is None else f"{figures['quality']:.2f}",
        f"{figures['readings']} of {len(result.seconds)}",
        withheld,
        _error(result.errors.get(name)),
    ]


def _error(errors: Errors | None) -> str:
    if errors is None:
        return ""
    constant = f"({errors.constant_mae:.2f})"
    if errors.mae is None:
        return f"nothing trusted {constant}"
    return f"{errors.mae:.2f} over {errors.coverage:.0%}, far wrong {errors.far_wrong:.1%} {constant}"
