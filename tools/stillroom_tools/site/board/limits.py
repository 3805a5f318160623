"""How often something may be tried: a bucket for each key, which fills again with time. Bounded in memory."""

from collections import OrderedDict
from collections.abc import Hashable

from stillroom.clock import NS_PER_S, Clock

MOST_KEYS = 4_096


class Limiter:
    """`burst` tries at once, then one each `refill_s` seconds, for each key."""

    def __init__(self, clock: Clock, burst: int, refill_s: float) -> None:
        self._clock, self._burst = clock, burst
        self._refill_ns = round(refill_s * NS_PER_S)
        self._full_ns: OrderedDict[Hashable, int] = OrderedDict()
        """When the bucket of a key is full again."""

    def wait_s(self, key: Hashable) -> int:
        """Count a try: 0 where it is allowed, else the seconds until the next one is; those are not counted."""
        now_ns = self._clock.mono_ns()
        full_ns = max(self._full_ns.get(key, now_ns), now_ns) + self._refill_ns
        over_ns = full_ns - now_ns - self._burst * self._refill_ns
        if over_ns > 0:
            return -(-over_ns // NS_PER_S)
        self._full_ns[key] = full_ns
        self._full_ns.move_to_end(key)
        while len(self._full_ns) > MOST_KEYS:
            self._full_ns.popitem(last=False)
        return 0

    def forgive(self, key: Hashable) -> None:
        """It was right: its bucket is full again."""
        self._full_ns.pop(key, None)
