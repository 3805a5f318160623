"""One unit without its processes: the real eye behind the kernel, the real room and conditions, joined as the lease and
the link join them.

Left out: the gate but for a moved camera, seal, outbox and courier, which change nothing of what is told.
"""

from collections.abc import Callable

from stillroom.clock import NS_PER_MS
from stillroom.config import DetectorConfig, UnitConfig
from stillroom.config_conditions import Told
from stillroom.events import ConditionChanged, Event
from stillroom.eye.analysis import Analysis
from stillroom.eye.worker import Models
from stillroom.keeper.camera import CameraWatch, ModelWatch
from stillroom.keeper.faults import Faults
from stillroom.keeper.room import Room
from stillroom.observation import Observation
from stillroom_tools.lab.scenario import Scenario

Tell = Callable[[int, Event], None]
"""UTC in ms, and the event."""


class StagedClock:
    """Frame time, and UTC from when the scenario begins."""

    def __init__(self, begins_ms: int) -> None:
        self._begins_ms, self.frame_ns = begins_ms, 0

    def mono_ns(self) -> int:
        return self.frame_ns

    def utc_ms(self) -> int:
        return self._begins_ms + self.frame_ns // NS_PER_MS

    def boot_id(self) -> bytes:
        return bytes(16)


class StagedUnit:
    """`analysis` is the eye's, None while there is no eye; give `observe` what it says, at the time of its frame."""

    def __init__(
        self, scenario: Scenario, size: tuple[int, int], models: Models, begins_ms: int, tell: Tell
    ) -> None:
        """size: of the picture in px. begins_ms: UTC of the first frame."""
        self._size, self._models, self._tell = size, models, tell
        self._clock = StagedClock(begins_ms)
        self._stands: dict[str, Told] = {}
        self._config = UnitConfig(
            site="lab",
            unit="unit",
            profile="lab",
            detector=DetectorConfig(),
            zones=scenario.zones,
            conditions=scenario.conditions,
        )
        self._room: Room | None = None
        self.analysis: Analysis | None = None
        self.switch_on(0)

    @property
    def off(self) -> bool:
        """Without power."""
        return self._room is None

    @property
    def closed(self) -> bool:
        """The gate keeps the camera closed: it was moved."""
        return self._room is not None and self.analysis is None

    @property
    def state(self) -> str:
        """What is believed of the room; `unknown` without power too."""
        return "unknown" if self._room is None else self._room.state

    def observe(self, seen: Observation) -> None:
        """What the eye says reaches the keeper, and the keeper's word the eye before its next frame."""
        if self._room is None or self.analysis is None:
            return
        self._clock.frame_ns = seen.frame_ns
        self._looks.look(seen.model, seen.frame_ns)
        self._room.observe(seen, seen.frame_ns, self._clock.utc_ms())
        self._view.take_health(seen.health)
        self._faults.pass_time()
        if seen.health == "moved":  # the gate closes until somebody has accepted the view
            self._view.moved(True)
            self._end_eye("not sensing: camera-moved")
            return
        self.analysis.room_is_empty(self._room.is_empty)

    def pass_time(self, frame_ns: int) -> None:
        """So late is it, whether or not anything is seen: a summary ends when its minute is over."""
        self._clock.frame_ns = frame_ns
        if self._room is not None:
            self._room.pass_time(self._clock.utc_ms())

    def switch_off(self, frame_ns: int) -> None:
        """The power is away: nothing is told any more."""
        self._clock.frame_ns = frame_ns
        self._room = self.analysis = None

    def switch_on(self, frame_ns: int) -> None:
        """A new eye, and a new keeper that knows of the one before it which conditions stood."""
        self._clock.frame_ns = frame_ns
        stands = dict(self._stands)
        self._faults = Faults(self._say, self._clock, self._config, stands)
        self._view = CameraWatch(self._faults)
        self._looks = ModelWatch(self._faults.say, True, self._config.technical.model_missing_s)
        of_persons = {code: level for code, level in stands.items() if level != "technical"}
        self._room = Room(self._config, self._say, self._clock.utc_ms(), of_persons)
        self._begin_eye()

    def accept_view(self, frame_ns: int) -> None:
        """Somebody has looked at a moved camera and put it right: a new eye."""
        self._clock.frame_ns = frame_ns
        self._view.moved(False)
        self._begin_eye()

    def _say(self, at_ms: int, event: Event) -> None:
        if isinstance(event, ConditionChanged):
            self._stands.pop(event.kind, None)
            if event.active:
                self._stands[event.kind] = event.level
        self._tell(at_ms, event)

    def _begin_eye(self) -> None:
        zones = self._config.zones
        self.analysis = Analysis(*self._size, private=zones.private, models=self._models, doors=zones.doors)
        self.analysis.allow(breathing=True, pulse=False)

    def _end_eye(self, why: str) -> None:
        self.analysis = None
        self._view.gone()
        assert self._room is not None
        self._room.lose_sight(self._clock.utc_ms(), why)
