"""Eye and keeper in one: frames in; states and conditions out, as the three processes of a unit would tell them.

Joined as the lease joins them, without the link between: the keeper's word that the room is empty reaches the eye with
the next frame. Time is the frames' own, so the same frames tell the same. A unit whose camera was moved stops sensing
until somebody has accepted the view; here nobody does: sensing goes on, and the condition ends when the eye is content.
"""

from collections.abc import Callable
from pathlib import Path

from stillroom.clock import NS_PER_MS
from stillroom.config import UnitConfig
from stillroom.events import Event
from stillroom.eye.analysis import Analysis
from stillroom.eye.detect import Detector
from stillroom.eye.frame import Frame
from stillroom.eye.worker import Inline, Models
from stillroom.keeper.camera import CameraWatch
from stillroom.keeper.faults import Faults
from stillroom.keeper.room import Room
from stillroom.observation import Observation
from stillroom_tools.lab.stage_unit import StagedClock

Tell = Callable[[int, Event], None]


class Program:
    """Feed frames of one size; `tell(at_ms, event)` is called with each event, at_ms of the frames' own time."""

    def __init__(self, config: UnitConfig, detector: Detector | None, tell: Tell) -> None:
        """detector: looks at once: a replay tells the same; None: motion, breathing and the empty room alone."""
        self._config, self._models = config, None if detector is None else Inline(detector)
        self._analysis: Analysis | None = None
        self.room = Room(config, tell, 0)
        self._clock = StagedClock(0)
        self._faults = Faults(tell, self._clock, config, {})
        self._view = CameraWatch(self._faults)

    @property
    def looks(self) -> dict[str, int]:
        """How often each model has looked."""
        return {} if self._analysis is None else self._analysis.looks

    def feed(self, frame: Frame) -> Observation | None:
        """An observation five times a second of the frames' time, else None."""
        if self._analysis is None:
            zones = self._config.zones
            self._analysis = Analysis(
                frame.width, frame.height, private=zones.private, models=self._models, doors=zones.doors
            )
        self._analysis.room_is_empty(self.room.is_empty)
        seen = self._analysis.feed(frame, frame.frame_ns)
        if seen is not None:
            self._clock.frame_ns = frame.frame_ns
            self._view.take_health(seen.health)
            self._view.moved(seen.health == "moved")
            self._faults.pass_time()
            self.room.observe(seen, frame.frame_ns, frame.frame_ns // NS_PER_MS)
        return seen


def load_detector(place: Path | None) -> Detector | None:
    """The weights in a folder. Raises InputError, SetupError: see `weights.load`."""
    return None if place is None else Detector(place)


def look_with(place: Path | None) -> Models | None:
    """The same, as models of one analysis of their own: each has its own buffers."""
    detector = load_detector(place)
    return None if detector is None else Inline(detector)
