"""What this unit knows of UTC, and how: its system clock alone opens nothing and revives nothing.

Two bounds, which monotonic time carries on. `earliest_ms`: UTC is not before it. It begins at the floor on the card,
and is raised by monotonic time and by the gateway's signed time, never by the system clock. `latest_ms`: UTC is not
after it. A record of the gateway that shows that it answers something which this boot said at T was made after T: UTC
is now at most its time and all that has passed since T. However long somebody holds it back, both bounds stay true.

After a boot of the machine, until such an answer has come, the floor and the system clock must *both* be inside an
authorisation, and only for a bounded grace, which is shared by all boots without an answer. Then nothing is allowed.
A keeper that is only started anew has the boot's clock still, and knows what it knew.

A site without a gateway (`delivery: puback` in the roster that its authority signed) has nobody who could answer:
there the system clock counts where it is not behind the floor, and raises it.
"""

from dataclasses import dataclass

from stillroom.clock import MS_PER_S, NS_PER_MS, Clock
from stillroom.events import ClockSource
from stillroom.keeper.outbox import Outbox

GRACE_MS = 15 * 60 * MS_PER_S
GRACE_STEP_MS = 60 * MS_PER_S
"""Grace is paid for in such steps, each written down before it is used: a power cut gives none of it back."""
TOLERANCE_MS = 5_000
"""Without a gateway: a system clock that is behind the floor by more than this is not believed."""
_GRACE = "grace_used_ms"
_ANCHOR = "time_anchor"


@dataclass(frozen=True, slots=True)
class Known:
    """UTC is from `earliest_ms` to `latest_ms`; `source` says how that is known, `unsure`: not well enough."""

    earliest_ms: int
    latest_ms: int
    source: ClockSource


class KnownTime:
    """A clock whose UTC is what is known. One for each start of the keeper; `outbox` remembers."""

    def __init__(self, clock: Clock, outbox: Outbox) -> None:
        self._clock, self._outbox = clock, outbox
        self.has_gateway = True
        """Whether there is somebody who answers; as the roster says."""
        self._began_ns = clock.mono_ns()
        # Both bounds as what is to be added to the monotonic clock, in ms.
        self._earliest = outbox.utc_floor_ms - self._mono_ms()
        self._latest: int | None = None
        self._take_up_anchor()
        self._grace_paid_ms = 0
        self._grace_left_ms = 0 if self.answered else max(GRACE_MS - outbox.recall(_GRACE), 0)

    @property
    def answered(self) -> bool:
        """Whether signed time has come since the machine was started."""
        return self._latest is not None

    def mono_ns(self) -> int:
        return self._clock.mono_ns()

    def boot_id(self) -> bytes:
        return self._clock.boot_id()

    def utc_ms(self) -> int:
        """What to write down as the time: signed time carried on; before it came the system's, not before the floor."""
        floor = self._earliest + self._mono_ms()
        return floor if self.answered else max(self._clock.utc_ms(), floor)

    def system_ms(self) -> int:
        """What the machine's own clock says."""
        return self._clock.utc_ms()

    def hear(self, utc_ms: int, since_ns: int) -> None:
        """Signed time, in a record that was made after `since_ns` of the monotonic clock."""
        mono_ms = self._mono_ms()
        latest = utc_ms + (self._clock.mono_ns() - since_ns) // NS_PER_MS - mono_ms
        self._earliest = max(self._earliest, utc_ms - mono_ms)
        self._latest = max(self._earliest, latest if self._latest is None else min(latest, self._latest))
        self._grace_left_ms = 0
        if self._outbox.recall(_GRACE):
            self._outbox.remember(_GRACE, 0, lasting=True)
        self._outbox.remember(_ANCHOR, self._anchor())

    def known(self) -> Known:
        """What is known now. Raises the floor, and pays for the grace that is used."""
        mono_ms, system_ms = self._mono_ms(), self._clock.utc_ms()
        earliest = self._earliest + mono_ms
        if self._latest is not None:
            found = Known(earliest, self._latest + mono_ms, "gateway")
        elif not self.has_gateway:
            found = self._by_system(earliest, system_ms)
        else:
            source: ClockSource = "grace" if self._pay_grace() else "unsure"
            found = Known(earliest, max(earliest, system_ms), source)
        self._outbox.raise_floor(found.earliest_ms)
        return found

    def _by_system(self, earliest: int, system_ms: int) -> Known:
        if system_ms < earliest - TOLERANCE_MS:
            return Known(earliest, earliest, "unsure")
        self._earliest += max(system_ms - earliest, 0)
        now = max(system_ms, earliest)
        return Known(now, now, "system")

    def _pay_grace(self) -> bool:
        """Whether there is grace for this moment; each step is on the card before it begins."""
        used_ms = (self._clock.mono_ns() - self._began_ns) // NS_PER_MS
        while used_ms >= self._grace_paid_ms and self._grace_paid_ms < self._grace_left_ms:
            self._grace_paid_ms += GRACE_STEP_MS
            already = GRACE_MS - self._grace_left_ms
            self._outbox.remember(_GRACE, already + self._grace_paid_ms, lasting=True)
        return used_ms < min(self._grace_paid_ms, self._grace_left_ms)

    def _mono_ms(self) -> int:
        return self._clock.mono_ns() // NS_PER_MS

    def _anchor(self) -> bytes:
        numbers = (self._earliest, self._latest or 0)
        return self._clock.boot_id() + b"".join(n.to_bytes(8, "big", signed=True) for n in numbers)

    def _take_up_anchor(self) -> None:
        """What the keeper before this one knew, where the machine was not started anew since."""
        written = self._outbox.recall_bytes(_ANCHOR) or b""
        boot_id = self._clock.boot_id()
        if len(written) == len(boot_id) + 16 and written.startswith(boot_id):
            earliest, latest = (int.from_bytes(written[at:][:8], "big", signed=True) for at in (-16, -8))
            self._earliest = max(self._earliest, earliest)
            self._latest = max(self._earliest, latest)
