"""What is really so in a simulated room. For tests and evaluation alone: no camera, eye or keeper reads it."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from stillroom.events import RoomState
from stillroom.observation import Box
from stillroom_tools.lab.scenario_stance import Place


@dataclass(frozen=True, slots=True)
class Truth:
    """The room at one frame's time. Rates are those of that moment; None, as is the box, where nobody is seen."""

    frame_ns: int
    state: RoomState
    """`occupied` until the person has lain in bed in this stay, then `out-of-bed` whenever up."""
    place: Place
    moving: bool
    covered: bool
    lux: float
    breaths_per_min: float | None
    pulse_bpm: float | None
    box: Box | None


class TruthFile:
    """Truth beside a running camera: one JSON object a line, five a second of frame time."""

    EVERY_S = 0.2

    def __init__(self, path: Path) -> None:
        """Begins the file anew."""
        self._file = path.open("wb", buffering=0)

    def note(self, truth: Truth) -> None:
        """Append one line."""
        self._file.write(msgspec.json.encode(truth) + b"\n")

    def close(self) -> None:
        """May be called twice."""
        self._file.close()
