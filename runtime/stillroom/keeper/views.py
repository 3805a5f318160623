"""Looks into the room: asked for with a signature, judged here, announced by the light, counted, over by themselves.

    refused                                       (why; in the audit chain too)
    granted -> announced -> frames -> over        each in the audit chain

A frame a lease, five a second: the eye is asked for number n, and what it sealed leaves one lease later, signed. Where
it sealed nothing in time a blank one leaves in its place: the broker sees one pace for the whole announced time, at
every level and whoever looks. After a look its viewer waits for as long as it lasted: none is renewed without a pause.
Whatever closes the gate ends a look with the eye.
"""

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from stillroom.clock import MS_PER_S, NS_PER_MS, NS_PER_S, Clock
from stillroom.document_forms import to_ms
from stillroom.documents import Authorisation, Roster, ViewPolicy
from stillroom.errors import TrustError
from stillroom.keeper.audit import AuditChain
from stillroom.keeper.eye_life import Notes
from stillroom.keeper.faults import Faults
from stillroom.keeper.figures import Seen
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.signed_before import SignedBefore
from stillroom.keeper.view_policy import PolicyWatch
from stillroom.keys import SigningKey
from stillroom.link import Look, ViewAsked, ViewFrame
from stillroom.orders import ViewRequest
from stillroom.permits import FRESH_MS, Refusal, judge_look
from stillroom.view_forms import Blank
from stillroom.view_seal import PLAIN_BYTES, FrameSealer
from stillroom.view_wire import is_frame_of, sign, view_id

HOUR_MS = 3_600 * MS_PER_S
_KEPT = "looks of "
_Looks = Annotated[tuple[tuple[int, int], ...], Meta(max_length=60)]
"""When each of an hour's looks began (UTC, ms), and for how long it was."""


class Views:
    """One look at a time. `ask`, then at each lease `asked` and `leaves`."""

    def __init__(
        self,
        outbox: Outbox,
        audit: AuditChain,
        clock: Clock,
        key: SigningKey,
        policy: PolicyWatch,
        faults: Faults,
    ) -> None:
        self._outbox, self._audit, self._clock, self._key = outbox, audit, clock, key
        self._policy, self._faults = policy, faults
        self._before = SignedBefore(outbox)
        self._running: _Running | None = None

    def read_policy(self, roster: Roster) -> None:
        """Twice a second: what a manager allows viewers."""
        try:
            changed = self._policy.poll(roster)
        except TrustError as error:
            self._faults.say("view-policy-refused", True, str(error))
            return
        self._faults.say("view-policy-refused", False, "")
        if changed and self._policy.policy is not None:
            version = self._policy.policy.version
            self._audit.append(self._clock.utc_ms(), "view-policy-changed", version=version)

    @property
    def announced(self) -> bool:
        """A look runs, or will begin: the room's light says so."""
        return self._running is not None

    def ask(
        self, request: ViewRequest, by: str, note: bytes, allowed: Authorisation | None, light_works: bool
    ) -> None:
        """note: the request as it was signed. allowed: what the gate stands open by; None: it is closed.

        Raises Refusal, and has written that down too.
        """
        said: dict[str, str | int] = {
            "view": request.id,
            "by": by,
            "level": request.level,
            "seconds": request.seconds,
            "block": request.block,
            "reason": request.reason,
        }
        utc_ms = self._clock.utc_ms()
        if self._before.has("view-request", by, to_ms(request.at), request):
            raise Refusal("stale")  # written down when it came first: a gateway fills no chain with it
        self._before.add("view-request", by, to_ms(request.at), request)
        try:
            if not light_works:
                raise Refusal("indicator")
            policy = self._judge(request, by, allowed, utc_ms)
        except Refusal as refusal:
            self._audit.append(utc_ms, "view-refused", **said, why=str(refusal))
            raise
        self._audit.append(utc_ms, "view-granted", **said, announced_ms=policy.announce_ms)
        self._outbox.remember(_KEPT + by, self._with_this(by, utc_ms, request))
        first_ns = self._clock.mono_ns() + policy.announce_ms * NS_PER_MS
        self._running = _Running(request, by, note, first_ns, self._key)

    def _judge(self, request: ViewRequest, by: str, allowed: Authorisation | None, utc_ms: int) -> ViewPolicy:
        looks = self._looks(by, utc_ms)
        if abs(utc_ms - to_ms(request.at)) > FRESH_MS:
            raise Refusal("time")
        if allowed is None:
            raise Refusal("closed")
        policy, limits = judge_look(request, allowed, self._policy.policy, utc_ms)
        if self._running is not None:
            raise Refusal("busy")
        if len(looks) >= min(policy.looks_per_hour, limits.looks_per_hour):
            raise Refusal("too-many")
        if any(utc_ms < began + policy.announce_ms + 2 * length for began, length in looks):
            raise Refusal("too-soon")
        return policy

    def _looks(self, by: str, utc_ms: int) -> _Looks:
        """Of the last hour; all that a bad card has left where it was changed: none."""
        kept = self._outbox.recall_bytes(_KEPT + by)
        try:
            found = msgspec.msgpack.decode(kept, type=_Looks) if kept else ()
        except msgspec.MsgspecError:
            found = ()
        return tuple(look for look in found if abs(utc_ms - look[0]) < HOUR_MS)

    def _with_this(self, by: str, utc_ms: int, request: ViewRequest) -> bytes:
        looks = (*self._looks(by, utc_ms), (utc_ms, request.seconds * MS_PER_S))
        return msgspec.msgpack.encode(looks[-60:])

    @property
    def notes(self) -> Notes:
        """What the eye must have seen before it seals a frame, beside roster and authorisation."""
        running = self._running
        return () if running is None else (("view-policy", self._policy.note), ("view-request", running.note))

    def asked(self, seen: Callable[[], Seen]) -> ViewAsked | None:
        """What the eye is to make at this lease; None: nobody looks (yet). seen: asked only while somebody does."""
        running = self._running
        if running is None:
            return None
        return running.ask(self._clock.mono_ns(), seen)

    def leaves(self) -> Look | None:
        """The frame that is to leave at this lease. Before `asked`; the last one ends the look."""
        running = self._running
        if running is None:
            return None
        look = running.leave()
        if running.is_over(self._clock.mono_ns()):
            self._end("over")
        return look

    def took(self, frame: ViewFrame) -> None:
        """What the eye has sealed; of another look, or too late: dropped."""
        if self._running is not None:
            self._running.take(frame)

    def stop(self, why: str) -> None:
        """The gate has closed, or the eye is gone for good."""
        if self._running is not None:
            self._end(why)

    def _end(self, how: str) -> None:
        running, self._running = self._running, None
        assert running is not None
        said: dict[str, str | int] = {
            "view": running.id,
            "by": running.by,
            "frames": running.left,
            "blank": running.blank,
        }
        self._audit.append(self._clock.utc_ms(), "view-ended", **said, how=how)


class _Running:
    """One look, from its announcement to its last frame."""

    def __init__(self, request: ViewRequest, by: str, note: bytes, first_ns: int, key: SigningKey) -> None:
        self.id, self.by, self.note = request.id, by, note
        self._request, self._key, self._first_ns = request, key, first_ns
        self._until_ns = first_ns + request.seconds * NS_PER_S
        self._sender_id, self._view = key.verify_key.id, view_id(request.session)
        try:
            self._own = FrameSealer(self._sender_id, self._view, request.session, bytearray(PLAIN_BYTES))
        except TrustError:  # the request's own check lets no such key through
            raise Refusal("session") from None
        self._asked: ViewAsked | None = None
        self._sealed: bytes | None = None
        self.left = self.blank = 0
        """Frames that left; of these, ones that were sealed here since the eye gave none."""

    def ask(self, now_ns: int, seen: Callable[[], Seen]) -> ViewAsked | None:
        if now_ns < self._first_ns or now_ns >= self._until_ns:
            self._asked = None
            return None
        number, shown = self.left, seen()
        self._sealed = None
        self._asked = ViewAsked(
            view=self._view,
            sender_id=self._sender_id,
            number=number,
            left_ms=(self._until_ns - now_ns) // NS_PER_MS,
            blank=shown.blank_at(self._request.level),
            figures=shown.figures if self._request.level == "figure" else (),
        )
        return self._asked

    def take(self, frame: ViewFrame) -> None:
        asked = self._asked
        if asked is not None and is_frame_of(frame.sealed, self._sender_id, self._view, asked.number):
            self._sealed = frame.sealed

    def leave(self) -> Look | None:
        asked, sealed = self._asked, self._sealed
        if asked is None:
            return None
        if sealed is None:
            late: Blank = "late" if self.left else "starting"
            request = self._request
            sealed = self._own.seal(asked.number, request.level, request.block, late, asked.left_ms)
            self.blank += 1
        self.left += 1
        self._asked = self._sealed = None
        return Look(sign(sealed, self._key))

    def is_over(self, now_ns: int) -> bool:
        return now_ns >= self._until_ns
