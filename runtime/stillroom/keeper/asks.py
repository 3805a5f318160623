"""What people of the roster may ask of a unit, beside what the authority signs: a pause, its end, a look, a word.

A pause from afar closes the camera as the room's button does, but each ends its own: no signature from outside ends
the pause of somebody in the room. It ends by itself, and a copy of it that comes again neither prolongs it nor revives
it. A look is judged in `views.py`. Whatever was signed is done and written down once.
"""

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from stillroom.clock import NS_PER_MS, Clock
from stillroom.document_forms import to_ms
from stillroom.keeper.audit import AuditChain
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.signed_before import SignedBefore
from stillroom.orders import Acknowledgement, Pause, Resume, ViewRequest
from stillroom.permits import Refusal

Ask = Pause | Resume | Acknowledgement | ViewRequest

CLOCKS_DIFFER_MS = 60_000
"""A pause that begins so little later begins now: a signer's clock may be ahead of the unit's."""
_PAUSE = "pause by "
_UNTIL = "paused_from_afar_until_ms"


class _Paused(Struct, frozen=True, array_like=True):
    """The newest pause of one signer; `until_ms` is 0 once he has ended it."""

    id: Annotated[str, Meta(max_length=48)]
    from_ms: int
    until_ms: int


class Asks:
    """Carries out what was verified; remembers the pauses over a restart."""

    def __init__(
        self, outbox: Outbox, audit: AuditChain, clock: Clock, look: Callable[[ViewRequest, str, bytes], None]
    ) -> None:
        """look: gives the look that somebody asks for, or raises Refusal."""
        self._outbox, self._audit, self._clock, self._look = outbox, audit, clock, look
        self._before = SignedBefore(outbox)
        left_ms = outbox.recall(_UNTIL) - clock.utc_ms()
        self._until_ns = clock.mono_ns() + left_ms * NS_PER_MS if left_ms > 0 else 0

    @property
    def paused(self) -> bool:
        """A pause of somebody's stands."""
        return self._clock.mono_ns() < self._until_ns

    def carry_out(self, ask: Ask, by: str, note: bytes) -> None:
        """`by`: the name in the roster whose signature `note`, which says so, bears. Raises Refusal."""
        if isinstance(ask, Pause):
            self._pause(ask, by)
        elif isinstance(ask, Resume):
            self._resume(ask, by)
        elif isinstance(ask, Acknowledgement):
            self._acknowledge(ask, by)
        else:
            self._look(ask, by, note)

    def _pause(self, ask: Pause, by: str) -> None:
        """`time`: not now; `stale`: it came before, or he has signed a later one."""
        utc_ms, asked = self._clock.utc_ms(), _Paused(ask.id, to_ms(ask.start), to_ms(ask.until))
        if not asked.from_ms - CLOCKS_DIFFER_MS <= utc_ms < asked.until_ms:
            raise Refusal("time")
        known = self._known(by)
        if known is not None and (asked.from_ms <= known.from_ms or asked.id == known.id):
            raise Refusal("stale")
        self._keep(by, asked)
        self._audit.append(
            utc_ms, "paused-by-command", by=by, pause=ask.id, until=f"{ask.until:%Y-%m-%dT%H:%M:%SZ}"
        )

    def _resume(self, ask: Resume, by: str) -> None:
        """`unknown`: not his newest pause; `stale`: that one was ended before."""
        known = self._known(by)
        if known is None or known.id != ask.pause:
            raise Refusal("unknown")
        if not known.until_ms:
            raise Refusal("stale")
        self._keep(by, _Paused(known.id, known.from_ms, 0))
        self._audit.append(self._clock.utc_ms(), "resumed-by-command", by=by, pause=ask.pause)

    def _acknowledge(self, ask: Acknowledgement, by: str) -> None:
        """`unknown`: no entry had this number yet."""
        if ask.entry > self._outbox.accepted:
            raise Refusal("unknown")
        self._once("acknowledgement", by, ask)
        self._audit.append(self._clock.utc_ms(), "acknowledged", by=by, entry=ask.entry)

    def _once(self, kind: str, by: str, ask: Acknowledgement) -> None:
        """`stale`: it came before."""
        at_ms = to_ms(ask.at)
        if self._before.has(kind, by, at_ms, ask):
            raise Refusal("stale")
        self._before.add(kind, by, at_ms, ask)

    def _known(self, by: str) -> _Paused | None:
        """None also where a bad card has changed it: how long the unit stays closed is kept elsewhere."""
        kept = self._outbox.recall_bytes(_PAUSE + by)
        try:
            return msgspec.msgpack.decode(kept, type=_Paused) if kept else None
        except msgspec.MsgspecError:
            return None

    def _keep(self, by: str, paused: _Paused) -> None:
        """And how long the longest of all stands, also where the database is lost."""
        self._outbox.remember(_PAUSE + by, msgspec.msgpack.encode(paused))
        everybody = (self._known(name) for name in self._outbox.recall_names(_PAUSE))
        until_ms = max((one.until_ms for one in everybody if one), default=0)
        self._outbox.remember(_UNTIL, until_ms, lasting=True)
        left_ms = until_ms - self._clock.utc_ms()
        self._until_ns = self._clock.mono_ns() + left_ms * NS_PER_MS if left_ms > 0 else 0
