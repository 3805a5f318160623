"""`stillroom evaluate --suite`: from the grid and the recordings at hand to results in a folder."""

import json
import os
import sys
from pathlib import Path

from msgspec import to_builtins

from stillroom.errors import EXIT_OK, InputError
from stillroom_tools.lab.suite_cell import QUANTITIES, Cell
from stillroom_tools.lab.suite_fit import fit
from stillroom_tools.lab.suite_grid import DEFAULT_SEEDS, FULL_SEEDS, Condition, grid
from stillroom_tools.lab.suite_page import page
from stillroom_tools.lab.suite_recordings import FAMILY as RECORDINGS
from stillroom_tools.lab.suite_recordings import Recording, recordings_in, recordings_near
from stillroom_tools.lab.suite_run import run_all, tasks
from stillroom_tools.lab.suite_summary import Summary, summarise


def run_suite(
    out: Path, *, full: bool, recordings: Path | None, only: list[str] | None, as_json: bool
) -> int:
    """Run or take up a suite. Raises InputError: folders, names. Returns the exit code.

    only: parts of the names of conditions, or `recording` for all of those; None: all.
    """
    seeds = range(1, 1 + (FULL_SEEDS if full else DEFAULT_SEEDS))
    conditions = _chosen(grid(full), only)
    found = _recordings(recordings) if only is None or RECORDINGS in only else ()
    cells = _run(conditions, seeds, found, out / "cells")
    summary = summarise(cells, full, len(seeds))
    _write(out / "summary.json", json.dumps(summary.as_json(), indent=2, allow_nan=False))
    _write(out / "report.html", page(summary))
    if as_json:
        print(json.dumps(summary.as_json(), allow_nan=False))
    else:
        _print(summary)
    print(f"stillroom: {out / 'report.html'}, {out / 'summary.json'}", file=sys.stderr)
    return EXIT_OK


def run_fit(out: Path, *, full: bool, only: list[str] | None) -> int:
    """Fit the table of qualities anew; prints it with its errors on what it was not fitted on. As `run_suite`."""
    seeds = range(1, 1 + (FULL_SEEDS if full else DEFAULT_SEEDS))
    cells = _run(_chosen(grid(full), only), seeds, (), out / "cells-own", own=True)
    found = [fit(cells, quantity) for quantity in QUANTITIES]
    _write(out / "quality.json", json.dumps(to_builtins(found), indent=2))
    for each in found:
        print(f"{each.quantity}: {each.knots}")
        print(
            f"  calibration error {each.error_fitted} on {each.readings} readings it was fitted on, "
            f"{each.error_other_seeds} on other seeds, {each.error_other_families} on other families"
        )
    print(f"stillroom: {out / 'quality.json'}; the table is in stillroom/eye/quality.py", file=sys.stderr)
    return EXIT_OK


def _chosen(conditions: tuple[Condition, ...], only: list[str] | None) -> tuple[Condition, ...]:
    if only is None:
        return conditions
    found = tuple(each for each in conditions if any(words in each.name for words in only))
    if not found and RECORDINGS not in only:
        known = ", ".join(dict.fromkeys(each.family for each in conditions))
        asked = "', '".join(only)
        raise InputError(
            f"--only '{asked}': no condition has that in its name; families are: {known}, {RECORDINGS}"
        )
    return found


def _recordings(folder: Path | None) -> tuple[Recording, ...]:
    if folder is not None:
        return recordings_in(folder)
    near = recordings_near(Path.cwd())
    return recordings_in(near) if near is not None else ()


def _run(
    conditions: tuple[Condition, ...],
    seeds: range,
    found: tuple[Recording, ...],
    folder: Path,
    own: bool = False,
) -> list[Cell]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    todo = tasks(conditions, seeds, found)
    console = Console(file=sys.stderr)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    cells: list[Cell] = []
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("cells", total=len(todo))
        workers = max(1, min(os.cpu_count() or 1, len(todo)))
        for cell in run_all(todo, folder, workers, lambda line: console.print(line, markup=False), own=own):
            cells += [] if cell is None else [cell]
            progress.update(bar, advance=1, description=cell.family if cell is not None else "failed")
    order = {(each.family, each.value): place for place, each in enumerate(conditions)}
    return sorted(cells, key=lambda cell: (order.get((cell.family, cell.value), -1), cell.value, cell.seed))


def _write(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise InputError(f"--out: {path}: cannot be written: {error.strerror}") from None


def _print(summary: Summary) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Simulated rooms (no evidence about real people)")
    for heading in ("", "condition", "aim", "measured", ""):
        table.add_column(heading)
    for target in summary.targets:
        met = "" if target.met is None else "met" if target.met else "missed"
        table.add_row(target.quantity, target.condition, target.aim, target.measured, met)
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 150).print(table)
