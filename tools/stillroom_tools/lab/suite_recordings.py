"""The recordings at hand as cells of the suite, and what is known of each.

A video takes part where something is known of it: its name holds a rate (`-53bpm`, `-15-breaths`), or it lies in a
folder named `scrambled-...`, in which nothing may be read. Readings are of the whole picture.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from stillroom.errors import InputError
from stillroom.observation import Reading
from stillroom_tools.lab.suite_cell import QUANTITIES, Cell, Quantity, Said, Second

VIDEOS = (".mp4", ".avi", ".mkv", ".mov")
_NAMED: dict[Quantity, re.Pattern[str]] = {
    "pulse_bpm": re.compile(r"(\d+(?:\.\d+)?)-?bpm"),
    "breaths_per_min": re.compile(r"(\d+(?:\.\d+)?)-?breaths"),
}
FAMILY, CONTROL = "recording", "recording, scrambled"


class Recording(Struct, frozen=True):
    """One file. rates: what is known, by quantity; control: nothing is to be read in it."""

    path: str
    rates: dict[str, float]
    control: bool

    @property
    def name(self) -> str:
        return f"{CONTROL if self.control else FAMILY}: {Path(self.path).name}"


def recordings_near(start: Path) -> Path | None:
    """`shared/real`, looked for from a folder upwards."""
    found = (folder / "shared" / "real" for folder in (start, *start.parents))
    return next((folder for folder in found if folder.is_dir()), None)


def recordings_in(folder: Path) -> tuple[Recording, ...]:
    """What takes part, in order of name. Raises InputError for a folder that is not there."""
    if not folder.is_dir():
        raise InputError(f"--recordings '{folder}': not a folder; name one with videos, or leave it out")
    return tuple(_known(folder))


def _known(folder: Path) -> Iterator[Recording]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in VIDEOS:
            continue
        rates = {
            str(name): float(match[1]) for name, look in _NAMED.items() if (match := look.search(path.name))
        }
        control = path.parent.name.startswith("scrambled")
        if rates or control:
            yield Recording(str(path), dict(rates), control)


def run_recording(recording: Recording, key: str) -> Cell:
    """Read one file. Raises InputError where it cannot be read."""
    from stillroom_tools.lab.evaluate_clip import evaluate_clip
    from stillroom_tools.lab.evaluate_progress import Progress
    from stillroom_tools.lab.evaluate_truth import Roi

    result = evaluate_clip(Path(recording.path), Roi.parse("full"), None, Progress())
    seconds = [
        Second(round(second.at_s, 2), *(_said(second.reading(name), recording, name) for name in QUANTITIES))
        for second in result.seconds
    ]
    family = CONTROL if recording.control else FAMILY
    name = Path(recording.path).name
    return Cell(key, family, name, 0, not recording.control, None, None, None, 0.0, seconds)


def _said(reading: Reading, recording: Recording, name: Quantity) -> Said:
    rate = recording.rates.get(name)
    known = recording.control or rate is not None
    return Said(reading.value, reading.quality, reading.withheld, rate, rate, known)
