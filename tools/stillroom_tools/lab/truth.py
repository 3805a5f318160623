"""What is really so in a simulated room. For tests and evaluation alone: no camera, eye or keeper reads it."""

from dataclasses import dataclass

from stillroom.events import RoomState
from stillroom.observation import Box
from stillroom_tools.lab.scenario_steps import Place


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
