"""While the store cannot be used: said once, tried again now and then, and said again when a commit went through.

A server that is down and a full disk pass. Nothing is taken meanwhile, so units keep what they have and say it again;
what a batch had changed in memory is forgotten, and read anew from the disk.
"""

from stillroom.clock import NS_PER_S, Clock
from stillroom_tools.site.gateway.connecting import StoreAway
from stillroom_tools.site.gateway.notices import Notice, Tell
from stillroom_tools.site.gateway.store import Store

RETRY_S = 5.0


class Outage:
    """`begin` at a StoreAway, `is_open_again` until it is, `end` after each commit."""

    def __init__(self, store: Store, clock: Clock, tell: Tell) -> None:
        self._store, self._clock, self._tell = store, clock, tell
        self._since_ns: int | None = None
        self._next_ns = 0

    def begin(self, error: StoreAway) -> None:
        """Not said again for one that opens and fails, as a disk that is almost full does."""
        self._next_ns = self._clock.mono_ns() + round(RETRY_S * NS_PER_S)
        if self._since_ns is None:
            self._since_ns = self._clock.mono_ns()
            self._say("away", f"{error}; tried again every {RETRY_S:.0f} s")

    def is_open_again(self) -> bool:
        """Tries where it is time to. Raises StorageError: what is there now is not this gateway's."""
        if self._clock.mono_ns() < self._next_ns:
            return False
        try:
            self._store.reopen()
        except StoreAway:
            self._next_ns = self._clock.mono_ns() + round(RETRY_S * NS_PER_S)
            return False
        return True

    def end(self) -> None:
        """Something is on the disk again."""
        if self._since_ns is not None:
            seconds = (self._clock.mono_ns() - self._since_ns) / NS_PER_S
            self._since_ns = None
            self._say("back", f"the store takes what units say again, after {seconds:.0f} s")

    def _say(self, what: str, text: str) -> None:
        self._tell(Notice("store", self._clock.utc_ms(), "", what, 0, text))
