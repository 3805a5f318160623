"""One room as the keeper knows it: observations in; state, conditions, readings and summaries out."""

from collections import Counter
from collections.abc import Callable
from statistics import median
from types import MappingProxyType

from stillroom.clock import MS_PER_S, NS_PER_MS, NS_PER_S
from stillroom.config import UnitConfig
from stillroom.events import Event, RoomState, StateChanged, Summary
from stillroom.keeper.conditions import Conditions, Standing
from stillroom.keeper.figures import Seen, seen_by
from stillroom.keeper.occupancy import judge
from stillroom.keeper.state import Change, RoomStateMachine
from stillroom.keeper.states import SOMEBODY
from stillroom.observation import Observation, Reading, Withheld

SILENT_AFTER_S = 2.0
OPENING_S = 6.0
"""From the gate's opening to the first observation: an eye starts, and a camera finds its exposure."""
_NOT_SENSING = Reading(withheld="unsupported")
_NOBODY = Reading(withheld="no-person")
NOTHING: Standing = MappingProxyType({})

Tell = Callable[[int, Event], None]


class Room:
    """Feed it observations; `tell(at_ms, event)` is called with each durable event."""

    def __init__(self, config: UnitConfig, tell: Tell, utc_ms: int, standing: Standing = NOTHING) -> None:
        """standing: the conditions that stood when the keeper before this one ended."""
        self._zones = config.zones
        self._tell = tell
        lay = "on-floor" in standing
        self._machine = RoomStateMachine(config.room, config.zones.bathroom_door is not None, lay)
        self._conditions = Conditions(config.conditions, tell, standing)
        self._minute = _Minute(utc_ms, round(config.outbox.summary_s * MS_PER_S))
        self._silent_from_ns = 0
        self.state_since_ms = utc_ms
        self.last: Observation | None = None
        self._up = self._left = False
        self._model = "none"

    def adopt(self, config: UnitConfig) -> None:
        """Other settings from the next observation on; what is known of the room stays."""
        self._zones = config.zones
        self._machine.adopt(config.room, config.zones.bathroom_door is not None)
        self._conditions.adopt(config.conditions)
        self._minute.adopt(round(config.outbox.summary_s * MS_PER_S))

    @property
    def state(self) -> RoomState:
        return self._machine.state

    @property
    def is_empty(self) -> bool:
        """The keeper's word to the eye: the background may be learned."""
        return self._machine.state == "empty"

    @property
    def everybody_left(self) -> bool:
        """It is empty, and whoever was in it was seen to leave: up from the bed before, where there is one."""
        return self.is_empty and self._left

    @property
    def seen(self) -> Seen:
        """What a view may show of it."""
        return seen_by(self.last, self.state, self._zones)

    @property
    def breathing(self) -> Reading:
        return self._shown(self.last.breathing if self.last else None)

    @property
    def pulse(self) -> Reading:
        return self._shown(self.last.pulse if self.last else None)

    @property
    def motion(self) -> float:
        return self.last.motion if self.last else 0.0

    def observe(self, seen: Observation, mono_ns: int, utc_ms: int) -> None:
        """One observation; mono_ns and utc_ms are now, the observation's own age is taken off."""
        age_ms = max(0, mono_ns - seen.captured_mono_ns) // NS_PER_MS
        at_ms = utc_ms - min(age_ms, 60 * MS_PER_S)
        self._model = seen.model
        self._silent_from_ns, self.last = mono_ns + round(SILENT_AFTER_S * NS_PER_S), seen
        self._apply(self._machine.feed(seen.frame_ns, judge(seen, self._zones)), at_ms)
        self._conditions.feed(seen.frame_ns, at_ms, self.state, seen.motion, self._machine.by_breath)
        self._minute.add(seen, self.breathing, self.pulse)

    def tick(self, mono_ns: int, utc_ms: int) -> None:
        """While sensing: notice an eye that says nothing."""
        if self.silent(mono_ns):
            self.lose_sight(utc_ms, "no picture for two seconds")
        self.pass_time(utc_ms)

    def pass_time(self, utc_ms: int) -> None:
        """Close the minute's summary when it is over, whether or not the camera is allowed."""
        summary = self._minute.close(utc_ms, self.state)
        if summary:
            self._tell(summary.until_ms, summary)

    def silent(self, mono_ns: int) -> bool:
        """The eye has said nothing for two seconds, or has not begun in six."""
        return mono_ns > self._silent_from_ns

    def expect(self, mono_ns: int) -> None:
        """An eye has been allowed, or has just ended and will be started again."""
        self._silent_from_ns = mono_ns + round(OPENING_S * NS_PER_S)

    def lose_sight(self, utc_ms: int, why: str) -> None:
        """The camera is off or silent: the room is unknown from now on."""
        frame_ns = self.last.frame_ns if self.last else 0
        self.last = None
        self._apply(self._machine.lose_sight(frame_ns, why), utc_ms)
        self._conditions.lose_sight()

    def _apply(self, change: Change | None, at_ms: int) -> None:
        if change:
            self.state_since_ms = at_ms
            if change.state == "empty":
                self._left = change.before in SOMEBODY and (self._up or self._zones.bed is None)
            elif change.state in ("unknown", "in-bed", "bed-edge", "out-of-bed"):
                self._up = change.state == "out-of-bed"
            self._tell(at_ms, StateChanged(change.state, change.before, change.why, self._model))

    def _shown(self, reading: Reading | None) -> Reading:
        if reading is None:
            return _NOT_SENSING
        return _NOBODY if self.is_empty else reading


class _Minute:
    """Counts one stretch of time; bounded by the rate of observations (five a second)."""

    def __init__(self, utc_ms: int, length_ms: int) -> None:
        self._length_ms = length_ms
        self._begin(utc_ms)

    def adopt(self, length_ms: int) -> None:
        """For this stretch too: one that is over by it ends at once."""
        self._length_ms = length_ms

    def _begin(self, utc_ms: int) -> None:
        self._from_ms = utc_ms
        self._motion = 0.0
        self._count = 0
        self._breathing: list[float] = []
        self._pulse: list[float] = []
        self._no_breathing: Counter[Withheld] = Counter()
        self._no_pulse: Counter[Withheld] = Counter()

    def add(self, seen: Observation, breathing: Reading, pulse: Reading) -> None:
        self._count += 1
        self._motion += seen.motion
        for reading, values, reasons in (
            (breathing, self._breathing, self._no_breathing),
            (pulse, self._pulse, self._no_pulse),
        ):
            if reading.value is not None:
                values.append(reading.value)
            elif reading.withheld is not None:
                reasons[reading.withheld] += 1

    def close(self, utc_ms: int, state: RoomState) -> Summary | None:
        """The summary when the stretch is over (or the clock was set back), else None."""
        if 0 <= utc_ms - self._from_ms < self._length_ms:
            return None
        expected = max(1.0, 5.0 * (utc_ms - self._from_ms) / MS_PER_S)
        seen = max(1, self._count)
        summary = Summary(
            from_ms=self._from_ms,
            until_ms=utc_ms,
            state=state,
            motion=min(1.0, self._motion / seen),
            sensed=min(1.0, self._count / expected),
            breaths_per_min=median(self._breathing) if self._breathing else None,
            breathing_trusted=len(self._breathing) / seen,
            pulse_bpm=median(self._pulse) if self._pulse else None,
            pulse_trusted=len(self._pulse) / seen,
            breathing_withheld=None if self._breathing else _commonest(self._no_breathing),
            pulse_withheld=None if self._pulse else _commonest(self._no_pulse),
        )
        self._begin(utc_ms)
        return summary


def _commonest(reasons: Counter[Withheld]) -> Withheld | None:
    return next((reason for reason, _ in reasons.most_common(1)), None)
