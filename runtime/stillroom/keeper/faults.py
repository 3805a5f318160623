"""The technical conditions of a unit: each is told once when it begins and once when it ends.

What stands is named in the next snapshot; it is told as an event at the level, and after the time, that its row of
`[technical]` has for this time of day. What was told before a restart stands until it is seen to be over: a keeper that
was started anew has not wiped a lens.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stillroom.clock import NS_PER_S, Clock
from stillroom.config import UnitConfig
from stillroom.config_conditions import Row, Told, minute_of, row_at, zone
from stillroom.config_technical import TECHNICAL
from stillroom.events import ConditionChanged, Event

OVER_AT_START = frozenset({"recording-ended", "roster-refused"})
"""A start plays a recording from its beginning, and goes by the roster that is there, or does not come about."""
_BEFORE = "it stood before this start"


@dataclass
class _Fault:
    why: str
    since_ns: int
    told: Told | None = None
    """At which level; None: it waits for its row's time."""


class Faults:
    """`tell(at_ms, event)` is called at each change. `pass_time` twice a second."""

    def __init__(
        self,
        tell: Callable[[int, Event], None],
        clock: Clock,
        config: UnitConfig,
        standing: Mapping[str, Told],
    ) -> None:
        """standing: what the keeper before this one had told and not ended, with its level."""
        self._tell, self._clock = tell, clock
        self._standing = {
            code: _Fault(_BEFORE, clock.mono_ns(), level)
            for code, level in standing.items()
            if code in TECHNICAL
        }
        self.adopt(config)
        for code in OVER_AT_START:
            self.say(code, False, "")

    def adopt(self, config: UnitConfig) -> None:
        """Other rows from now on; what stands stays."""
        self._rows: dict[str, tuple[Row, ...]] = {code: config.technical.rows(code) for code in TECHNICAL}
        self._zone = zone(config.conditions.time_zone)

    @property
    def names(self) -> tuple[str, ...]:
        """The codes that stand now, sorted."""
        return tuple(sorted(self._standing))

    def stands(self, code: str) -> bool:
        return code in self._standing

    def say(self, code: str, active: bool, why: str) -> None:
        """This condition, one of `TECHNICAL`, stands, or does not."""
        if active == (code in self._standing):
            return
        if active:
            self._standing[code] = _Fault(why[:120], self._clock.mono_ns())
            self._judge(code)
        else:
            self._end(code, self._standing.pop(code), "")

    def pass_time(self) -> None:
        """Tell what has stood for its time, and what the time of day makes of another level."""
        for code in self._standing:
            self._judge(code)

    def _judge(self, code: str) -> None:
        fault, rows = self._standing[code], self._rows[code]
        row = row_at(rows, minute_of(self._clock.utc_ms(), self._zone)) if rows else None
        level: Told = row.level if row else "technical"
        if fault.told is None:
            lasted_ns = self._clock.mono_ns() - fault.since_ns
            if row is None or lasted_ns >= row.after_s * NS_PER_S:
                self._begin(code, fault, level, fault.why)
        elif fault.told != level:
            self._end(code, fault, f"from now on at level {level}")
            self._begin(code, fault, level, f"it goes on: {fault.why}"[:120])

    def _begin(self, code: str, fault: _Fault, level: Told, why: str) -> None:
        fault.told = level
        self._tell(self._clock.utc_ms(), ConditionChanged(code, level, True, why))

    def _end(self, code: str, fault: _Fault, why: str) -> None:
        level, fault.told = fault.told, None
        if level is not None:
            self._tell(self._clock.utc_ms(), ConditionChanged(code, level, False, why))
