"""What is known of how somebody held himself, frame by frame (`--labels`), and how far a program agrees with it.

A frame agrees where "lies" was said and is true, or was not said and is not. What was said stands from one observation
to the next; before the first one nothing was said. Frames of falling are left out: in them either is right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from stillroom.errors import InputError
from stillroom_tools.lab.evaluate_files import csv_rows

COLUMNS = ("clip", "frame", "posture")
NOT_LYING, FALLING, LYING = -1, 0, 1
LAST_FRAME = 10_000_000
Labels = Mapping[str, Mapping[int, int]]
"""By clip, the posture in each of its frames, counted from 1 (from 0 where a clip has a frame 0)."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one recording. Each share is None where no frame was labelled so."""

    frames: int
    agreement: float | None
    lying: float | None
    """Of the frames in which somebody lies: said so."""
    not_lying: float | None
    """Of those in which nobody does: not said."""


NO_LABELS = Agreement(0, None, None, None)


def load_labels(path: Path) -> Labels:
    """Read a CSV with the columns clip, frame and posture (-1 not lying, 0 falling, 1 lying).

    Raises InputError naming file, line and value.
    """
    rows = csv_rows(path, "columns clip,frame,posture")
    header = [name.strip() for name in rows[0]] if rows else []
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise InputError(
            f"{path}: first line must name {', '.join(COLUMNS)}; {', '.join(missing)} is missing"
        )
    labels: dict[str, dict[int, int]] = {}
    for line, row in enumerate(rows[1:], start=2):
        if any(field.strip() for field in row):
            clip, frame, posture = _row(f"{path}: line {line}", header, row)
            if labels.setdefault(clip, {}).setdefault(frame, posture) != posture:
                raise InputError(f"{path}: line {line}: frame {frame} of '{clip}' stands twice; remove one")
    if not labels:
        raise InputError(f"{path}: no rows below the first line; add some, or leave --labels out")
    return labels


def _row(where: str, header: list[str], row: list[str]) -> tuple[str, int, int]:
    if len(row) != len(header):
        raise InputError(f"{where}: {len(row)} fields, the first line has {len(header)}")
    fields = dict(zip(header, (field.strip() for field in row), strict=True))
    if not fields["clip"]:
        raise InputError(f"{where}: clip is empty: name the recording, without its folder and ending")
    frame = _whole(where, "frame", fields["frame"], (0, LAST_FRAME), "counted from 1")
    meaning = "-1 not lying, 0 falling, 1 lying"
    return fields["clip"], frame, _whole(where, "posture", fields["posture"], (NOT_LYING, LYING), meaning)


def _whole(where: str, name: str, text: str, limits: tuple[int, int], meaning: str) -> int:
    low, high = limits
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        shown = text if len(text) <= 20 else f"{text[:17]}..."
        raise InputError(f"{where}: {name} '{shown}': must be a whole number from {low} to {high}: {meaning}")
    return value


def of_recording(labels: Labels, path: Path) -> Mapping[int, int]:
    """The labels of one recording, by its name without ending, or with it; empty where there are none."""
    return labels.get(path.stem) or labels.get(path.name) or {}


def agreement(known: Mapping[int, int], said: Sequence[tuple[int, bool]], frames: int) -> Agreement:
    """known: posture by frame. said: from which frame on (counted from 1) somebody was said to lie, or not to."""
    first = 0 if 0 in known else 1
    lies = [False] * (frames + 1)
    changes = [*said, (frames + 1, False)]
    for (start, word), (end, _) in pairwise(changes):
        lies[start:end] = [word] * (end - start)
    right: dict[int, list[bool]] = {NOT_LYING: [], LYING: []}
    for frame, posture in known.items():
        number = frame - first + 1
        if posture != FALLING and number <= frames:
            right[posture].append(lies[number] == (posture == LYING))
    both = right[NOT_LYING] + right[LYING]
    return Agreement(len(both), _share(both), _share(right[LYING]), _share(right[NOT_LYING]))


def _share(right: list[bool]) -> float | None:
    return sum(right) / len(right) if right else None
