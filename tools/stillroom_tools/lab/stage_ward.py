"""The gateway's side of a simulated unit: each condition's alert lives as `site/gateway/alerts.py` has it live.

Somebody attends each alert so long after it began to sound (assumed): without anybody, a high one would stand for ever.
"""

from dataclasses import dataclass

from stillroom.clock import MS_PER_S
from stillroom.events import ConditionChanged
from stillroom_tools.site.gateway.alert_forms import (
    Act,
    Alert,
    AlertsConfig,
    Begun,
    Ended,
    Input,
    Priority,
    State,
    TimePassed,
)
from stillroom_tools.site.gateway.alerts import step

UNIT, STAFF = "unit", "staff"
ATTENDED_AFTER_S = 90.0


@dataclass(frozen=True, slots=True)
class AlertTold:
    """An alert became this. raised: it began to sound after it had been closed, or for the first time."""

    at_ms: int
    kind: str
    priority: Priority
    state: State
    raised: bool


class Ward:
    """Feed it what a unit tells, and time once a second; `told` is what became of the alerts."""

    def __init__(self, room: str, config: AlertsConfig | None = None) -> None:
        self._room, self._config = room, config or AlertsConfig()
        self._alerts: dict[str, Alert] = {}
        self._number = 0
        self.told: list[AlertTold] = []

    def hear(self, at_ms: int, event: ConditionChanged) -> None:
        """One of the unit's entries."""
        self._number += 1
        if not event.active:
            self._feed(event.kind, Ended(UNIT, event.kind, self._number), at_ms)
            return
        technical = event.level == "technical"
        priority = self._config.technical if event.level == "technical" else event.level
        begun = Begun(UNIT, self._room, event.kind, priority, self._number, event.why, technical)
        self._feed(event.kind, begun, at_ms)

    def pass_time(self, at_ms: int) -> None:
        """Once a second or so."""
        for kind, alert in list(self._alerts.items()):
            if not alert.active:
                continue
            self._feed(kind, TimePassed(), at_ms)
            if alert.sounding and at_ms - alert.raised_ms >= ATTENDED_AFTER_S * MS_PER_S:
                self._feed(kind, Act("attend", UNIT, STAFF, at_ms, kind), at_ms)

    def _feed(self, kind: str, given: Input, at_ms: int) -> None:
        before = self._alerts.get(kind)
        after = step(before, given, at_ms, self._config)
        if after is None or after == before:
            return
        self._alerts[kind] = after
        was = before is not None and before.active
        if after.active or was:
            self.told.append(AlertTold(at_ms, kind, after.priority, after.state, after.active and not was))
