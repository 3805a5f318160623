"""How long the camera is open, as the audit chain tells it: it opened, it is still open, it closed.

Without a word in between, a unit that loses its power would leave a camera that was open for nobody knows how long.
So the chain gets a link each quarter of an hour while the camera stays open. That is the most that can be unknown,
and 96 links a day at most, of 1.4 kB on the card while they wait (measured) and 0.3 kB after: in a month without a
network 4 MB, beside 43,200 summaries.
"""

from stillroom.clock import NS_PER_S, Clock
from stillroom.keeper.audit import AuditChain

LEASE_LINK_S = 900


class OpenTime:
    """Writes these links. The pace is of monotonic time, which nobody sets."""

    def __init__(self, audit: AuditChain, clock: Clock) -> None:
        self._audit, self._clock = audit, clock
        self._since_ms: int | None = None
        self._next_ns = 0

    def opened(self, camera: str) -> None:
        """An eye has said that its camera is open; one that opens it again has not closed it for anybody to rely on."""
        now_ms = self._clock.utc_ms()
        if self._since_ms is None:
            self._since_ms, self._next_ns = now_ms, self._in_a_while()
        self._audit.append(now_ms, "camera-opened", camera=camera)

    def still(self, authorisation: str) -> None:
        """At each lease that is lent under this authorisation: a link, where it is time for one."""
        if self._since_ms is None or self._clock.mono_ns() < self._next_ns:
            return
        self._next_ns = self._in_a_while()
        terms: dict[str, str | int] = {"since_ms": self._since_ms, "authorisation": authorisation}
        self._audit.append(self._clock.utc_ms(), "lease", **terms)

    def closed(self) -> None:
        """The eye is gone."""
        self._since_ms = None
        self._audit.append(self._clock.utc_ms(), "camera-closed")

    def _in_a_while(self) -> int:
        return self._clock.mono_ns() + LEASE_LINK_S * NS_PER_S
