"""The eye lives by the keeper's lease. The kernel ends it: no handler, nothing that Python or C could delay.

ITIMER_REAL is the timer behind alarm(2), with finer grain. SIGALRM keeps its default action, so that the
process is gone even when it is stuck in native code and even when this thread never runs again.
"""

import math
import signal
import threading
import time
from collections.abc import Callable

from stillroom.errors import LinkError
from stillroom.link import Halt, Lease, Link, Note

FIRST_LEASE_WITHIN_S = 5.0
_LAST_WORDS_S = 0.3


def arm(seconds: float) -> None:
    """Be killed by the kernel in so many seconds, unless armed again before."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def arm_for_start() -> None:
    """To be called first: an eye that gets no lease does not stay. Makes sure that nothing stands in its way."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    arm(FIRST_LEASE_WITHIN_S)


class LeaseHolder:
    """Reads the keeper's messages in a thread of its own and re-arms the timer at each lease."""

    def __init__(
        self, link: Link, on_lease: Callable[[Lease], None], on_note: Callable[[Note], None] = lambda _: None
    ) -> None:
        self._link = link
        self._on_lease, self._on_note = on_lease, on_note
        self._lent = False
        self.ended = threading.Event()
        self._ends_s = math.inf

    def wait_for_first(self) -> None:
        """Block until the first lease: before it the camera must not be opened. The timer bounds the wait."""
        while not self._lent:
            if not self._next():
                return
        threading.Thread(target=self._read, name="lease", daemon=True).start()

    def end_within(self, seconds: float) -> None:
        """The process is about to end by itself: whatever hangs on the way, no lease lets it live longer."""
        self._ends_s = time.monotonic() + seconds

    def _read(self) -> None:
        while self._next():
            pass

    def _next(self) -> bool:
        try:
            message = self._link.receive(wait=True)
        except LinkError:
            message = None
        if isinstance(message, Lease):
            arm(max(1e-3, min(message.ttl_ms / 1000, self._ends_s - time.monotonic())))
            self._lent = True
            self._on_lease(message)
            return True
        if message is None or isinstance(message, Halt):
            arm(_LAST_WORDS_S)
            self.ended.set()
            return False
        if isinstance(message, Note):
            self._on_note(message)
        return True
