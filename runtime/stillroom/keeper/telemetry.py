"""How the unit itself is, each quarter of an hour and when its configuration changed: heat, frames, card, versions.

Nothing of the room: each field is `none` in its row of `events.Telemetry`. It goes in ordinary slots, behind all else.
"""

from collections.abc import Callable

from stillroom import __version__, software
from stillroom.clock import MS_PER_S, NS_PER_S
from stillroom.config_technical import TechnicalConfig
from stillroom.events import Telemetry
from stillroom.keeper.faults import Faults
from stillroom.keeper.heat import HeatWatch
from stillroom.keeper.known import KnownTime
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.settings import ConfigurationWatch
from stillroom.keeper.storage import MB
from stillroom.machine import Machine
from stillroom.observation import Observation

EVERY_S, FIRST_AFTER_S = 900, 60
DAY_MS = 86_400 * MS_PER_S


class Telling:
    """`saw` each observation, `tick` twice a second."""

    def __init__(
        self,
        config: TechnicalConfig,
        outbox: Outbox,
        clock: KnownTime,
        faults: Faults,
        heat: HeatWatch,
        configuration: ConfigurationWatch,
        roster_version: Callable[[], int],
        machine: Machine | None = None,
    ) -> None:
        self._config, self._outbox, self._clock, self._faults, self._heat = (
            config,
            outbox,
            clock,
            faults,
            heat,
        )
        self._configuration, self._roster_version = configuration, roster_version
        self._machine = machine or Machine()
        self._put_here_ms = round(software.put_here_s() * MS_PER_S)
        self._next_ns = clock.mono_ns() + FIRST_AFTER_S * NS_PER_S
        self._told = (0, b"")
        self._begin()

    def _begin(self) -> None:
        self._from_ms = self._clock.utc_ms()
        self._hottest_c: float | None = None
        self._look_ms: float | None = None
        self._dropped = 0
        self._last: Observation | None = None

    def saw(self, seen: Observation) -> None:
        """An eye's word, while the camera may be open."""
        if self._last is not None and seen.frames_dropped >= self._last.frames_dropped:
            self._dropped += seen.frames_dropped - self._last.frames_dropped
        self._last = seen
        if seen.look_ms is not None:
            self._look_ms = max(seen.look_ms, self._look_ms or 0.0)

    def tick(self) -> None:
        """Tell, where it is time to, or another configuration is in force."""
        hot = self._heat.hottest_c
        if hot is not None:
            self._hottest_c = hot if self._hottest_c is None else max(hot, self._hottest_c)
        configuration = (self._configuration.version, self._configuration.hash)
        if configuration == self._told and self._clock.mono_ns() < self._next_ns:
            return
        self._next_ns = self._clock.mono_ns() + EVERY_S * NS_PER_S
        self._told = configuration
        self._outbox.add(self._clock.utc_ms(), self._telemetry())
        self._judge_age()
        self._begin()

    def _telemetry(self) -> Telemetry:
        throttled = self._machine.throttled().value
        worn = self._machine.wear(self._outbox.folder).value
        version, hashed = self._configuration.version, self._configuration.hash
        return Telemetry(
            from_ms=min(self._from_ms, self._clock.utc_ms()),
            until_ms=self._clock.utc_ms(),
            celsius=None if self._hottest_c is None else round(self._hottest_c, 1),
            throttled=None if throttled is None else int(throttled),
            frames_per_s=None if self._last is None else round(self._last.frames_per_s, 2),
            frames_dropped=self._dropped,
            look_ms=None if self._look_ms is None else round(self._look_ms, 1),
            waiting=self._outbox.waiting,
            free_mb=self._free_mb(),
            card_worn=None if worn is None else min(worn, 1.0),
            software=__version__,
            software_ms=self._put_here_ms,
            configuration=version,
            configuration_hash=hashed or None,
            roster=self._roster_version(),
        )

    def _free_mb(self) -> int:
        try:
            return self._outbox.space().free_bytes // MB
        except OSError:
            return 0

    def _judge_age(self) -> None:
        """Of the program, by a clock that is known: nobody is to be called for because a clock stands wrong."""
        if self._clock.known().source == "unsure":
            return
        days = (self._clock.utc_ms() - self._put_here_ms) / DAY_MS
        limit = self._config.software_old_days
        why = f"version {__version__} was put here {days:.0f} days ago; limit {limit:g}"
        self._faults.say("software-old", days > limit, why)
