"""A new configuration is on trial for half a minute: where the unit does worse with it, the one before is in force.

The quick part of a self-test, without the camera: the card takes events, records can be sealed, the light works, the
documents can be read, eye and keeper stand. And where the camera may be open, frames must come. What does not pass is
rolled back, for good: a higher version is needed. A keeper that ends within a trial, but for a stop in good order, has
failed it: so one that falls over a configuration starts without it (and a power cut in that half minute is that too).
"""

from stillroom.clock import NS_PER_S
from stillroom.keeper.audit import AuditChain
from stillroom.keeper.faults import Faults
from stillroom.keeper.known import KnownTime
from stillroom.keeper.settings import ConfigurationWatch

LASTS_S, FRAMES_WITHIN_S = 30, 20
BREAKS = (
    *("storage-full", "storage-failing", "cannot-seal", "indicator-dead", "trust-unreadable"),
    *("camera-failed", "camera-settings", "crash-loop"),
)
"""Conditions of the unit that must not begin while a configuration is on trial."""


class Trial:
    """`begin` when another version is in force, `saw` each observation, `tick` twice a second."""

    def __init__(
        self, changes: ConfigurationWatch, audit: AuditChain, clock: KnownTime, faults: Faults
    ) -> None:
        self._changes, self._audit, self._clock, self._faults = changes, audit, clock, faults
        self._since_ns: int | None = None
        self._sensing_ns: int | None = None
        self._before: frozenset[str] = frozenset()
        self._seen = False

    def begin(self) -> None:
        """What stood before is not held against it."""
        self._since_ns, self._sensing_ns, self._seen = self._clock.mono_ns(), None, False
        self._before = frozenset(self._faults.names)

    def saw(self) -> None:
        """A frame came, as an observation of the eye's shows."""
        self._seen = True

    def tick(self, sensing: bool) -> None:
        """Judge it. sensing: the camera may be open now."""
        if self._since_ns is None:
            return
        now_ns = self._clock.mono_ns()
        if not sensing:
            self._sensing_ns = None
        elif self._sensing_ns is None:
            self._sensing_ns = now_ns
        began = sorted((set(self._faults.names) - self._before) & set(BREAKS))
        if began:
            self._fail(began[0], f"{began[0]} began")
        elif self._waits_s(now_ns) > FRAMES_WITHIN_S and not self._seen:
            self._fail("no-frames", f"no frame came in {FRAMES_WITHIN_S} s")
        elif now_ns - self._since_ns >= LASTS_S * NS_PER_S and (self._seen or not sensing):
            self._since_ns = None
            self._changes.keep()
            self._audit.append(self._clock.utc_ms(), "configuration-kept", version=self._changes.version)

    def _waits_s(self, now_ns: int) -> float:
        """For a frame."""
        return 0.0 if self._sensing_ns is None else (now_ns - self._sensing_ns) / NS_PER_S

    def _fail(self, code: str, why: str) -> None:
        self._since_ns, version = None, self._changes.version
        self._changes.roll_back(why)
        self._audit.append(self._clock.utc_ms(), "configuration-rolled-back", version=version, reason=code)
