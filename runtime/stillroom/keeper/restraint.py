"""How many links of the audit chain a gateway can cause that brings documents in vain: a burst, then one now and then.

Each document that is refused, or that changes nothing because it came before, is answered and written down. Whoever
has taken the gateway over could bring one a slot for ever; the chain then says how many more there were.
"""

from stillroom.clock import NS_PER_S, Clock
from stillroom.events import Receipt
from stillroom.keeper.audit import AuditChain

BURST = 30
ONE_EACH_S = 120


class Restraint:
    """Writes down what became of commands. What it knows it forgets at a restart, which no gateway can cause."""

    def __init__(self, audit: AuditChain, clock: Clock) -> None:
        self._audit, self._clock = audit, clock
        self._full_ns = 0
        """When the whole burst is to be had again."""
        self._held_back = 0

    def note(self, utc_ms: int, receipt: Receipt, in_vain: bool) -> None:
        """Into the audit chain; of those in vain only so many."""
        held_back = self._let() if in_vain else 0
        if held_back is None:
            return
        what = {"kind": receipt.kind, "document": receipt.document or "none", "outcome": receipt.outcome}
        more = {"more": held_back} if held_back else {}
        self._audit.append(utc_ms, "command", number=receipt.command, **what, **more)

    def _let(self) -> int | None:
        """How many were held back since the last one that was let; None where this one is."""
        now_ns, each_ns = self._clock.mono_ns(), ONE_EACH_S * NS_PER_S
        full_ns = max(self._full_ns, now_ns) + each_ns
        if full_ns - now_ns > BURST * each_ns:
            self._held_back += 1
            return None
        self._full_ns, held_back, self._held_back = full_ns, self._held_back, 0
        return held_back
