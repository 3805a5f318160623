"""What `stillroom evaluate --room` does with its files and options."""

import sys
from pathlib import Path

from stillroom_tools.lab.evaluate_files import each
from stillroom_tools.lab.evaluate_labels import Labels, load_labels, of_recording
from stillroom_tools.lab.evaluate_room import Judge, RoomResult, evaluate_room
from stillroom_tools.lab.evaluate_room_report import as_json as to_json
from stillroom_tools.lab.evaluate_room_report import print_table
from stillroom_tools.lab.evaluate_truth import Roi


def run_rooms(
    files: list[Path],
    crop: str | None,
    labels: Path | None,
    unit: Path | None,
    models: Path | None,
    *,
    as_json: bool,
) -> int:
    """Returns the last error's code, or 0. Raises StillroomError for what is wrong with the options themselves."""
    part = None if crop is None else Roi.parse(crop, "--crop")
    known = {} if labels is None else load_labels(labels)
    judge = Judge.of(unit, models)
    results, exit_code = each(
        files, lambda path, progress: evaluate_room(path, part, of_recording(known, path), judge, progress)
    )
    _warn(results, judge, labels, known)
    if as_json:
        print(to_json(results))
    elif results:
        print_table(results)
    return exit_code


def _warn(results: list[RoomResult], judge: Judge, labels: Path | None, known: Labels) -> None:
    if judge.detector is None and results:
        _say("no model looks: nobody is said to lie, and no state is confirmed; `stillroom models fetch`")
    for result in results:
        if labels is not None and not of_recording(known, Path(result.file)):
            _say(f"{result.file}: no row of {labels} has its name, '{Path(result.file).stem}'")


def _say(warning: str) -> None:
    print(f"stillroom: warning: {warning}", file=sys.stderr)
