"""How many links of the audit chain a gateway can cause that brings documents in vain: a burst, then one now and then.

Each document that is refused, or that changes nothing because it came before, is answered and written down. Whoever
has taken the gateway over could bring one a slot for ever; the chain then says how many more there were.
"""

from stillroom.clock import NS_PER_S, Clock

BURST = 30
ONE_EACH_S = 120


class Restraint:
    """`let` before each link. What it knows it forgets at a restart, which no gateway can cause."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._full_ns = 0
        """When the whole burst is to be had again."""
        self._held_back = 0

    def let(self) -> int | None:
        """How many were held back since the last one that was let; None where this one is."""
        now_ns, each_ns = self._clock.mono_ns(), ONE_EACH_S * NS_PER_S
        full_ns = max(self._full_ns, now_ns) + each_ns
        if full_ns - now_ns > BURST * each_ns:
            self._held_back += 1
            return None
        self._full_ns, held_back, self._held_back = full_ns, self._held_back, 0
        return held_back
