"""Several files, one after another: a bad one is told and the others go on; and the rows of a CSV."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeVar

from stillroom.errors import EXIT_OK, InputError, StillroomError
from stillroom_tools.lab.evaluate_progress import Progress


class Result(Protocol):
    """What one file gave. cut_short: why the file ended before its time, or empty."""

    cut_short: str


R = TypeVar("R", bound=Result)


def each(files: Iterable[Path], evaluate: Callable[[Path, Progress], R]) -> tuple[list[R], int]:
    """The results of those that could be read, and the last error's exit code, or 0."""
    results, exit_code = [], EXIT_OK
    with Progress() as progress:
        for path in files:
            try:
                result = evaluate(path, progress)
                results.append(result)
                if result.cut_short:
                    raise InputError(result.cut_short)
            except StillroomError as error:
                exit_code = error.exit_code
                progress.say(f"stillroom: {error}")
    return results, exit_code


def csv_rows(path: Path, allowed: str) -> list[list[str]]:
    """All lines of a CSV as fields. allowed: what it must be, for the error's line. Raises InputError."""
    try:
        return list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: not a CSV in UTF-8; {allowed}") from None
