"""Results of an evaluation as JSON or as a table, both on standard output."""

import json
import sys
from collections import Counter
from typing import Any

import numpy as np

from stillroom_tools.lab.evaluate_clip import QUANTITIES, ClipResult


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
    """A row a file and quantity, on standard output."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Readings at the end of each second (quality: estimated, not calibrated on people)")
    for heading in ("file", "what", "median", "quality", "readings", "withheld", "error", "frames"):
        table.add_column(heading, justify="left" if heading in ("file", "what", "withheld") else "right")
    for result in results:
        for name in QUANTITIES:
            table.add_row(*_row(result, name))
        table.add_section()
    console = Console(file=sys.stdout)
    console.print(table, soft_wrap=not console.is_terminal)


def _row(result: ClipResult, name: str) -> list[str]:
    figures = summary(result, name)
    errors = result.errors.get(name)
    error = "" if errors is None else f"always the mean {errors.constant_mae:.2f}"
    if errors is not None and errors.mae is not None:
        error = f"{errors.mae:.2f} at {errors.coverage:.0%}; {error}"
    withheld = ", ".join(f"{reason} {count}" for reason, count in figures["withheld"].items())
    first = name == "pulse_bpm"
    return [
        f"{result.file} ({result.duration_s:.1f} s)" if first else "",
        name,
        "-" if figures["median"] is None else f"{figures['median']:.1f}",
        "-" if figures["quality"] is None else f"{figures['quality']:.2f}",
        str(figures["readings"]),
        withheld,
        error,
        f"{result.cpu_ms_per_frame:.2f} ms CPU each" + ("" if result.coherent else ", incoherent")
        if first
        else "",
    ]
