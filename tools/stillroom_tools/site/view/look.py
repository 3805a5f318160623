"""One look: the request signed and left for the gateway, frames opened as they come. Nothing of it is kept here."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from stillroom.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from stillroom.document_forms import now
from stillroom.documents import KINDS
from stillroom.errors import StillroomError, TrustError, WireError
from stillroom.events import Receipt
from stillroom.keys import BoxKey, KeyRing
from stillroom.notes import sign_note
from stillroom.orders import ViewRequest
from stillroom.public_keys import VerifyKey
from stillroom.view_forms import Blank, ViewLevel
from stillroom.view_wire import FRAME_BYTES, Shown, open_frame, view_id
from stillroom_tools.site.gateway.reader import open_reader
from stillroom_tools.site.layout import Site
from stillroom_tools.site.send import send
from stillroom_tools.site.subscriber import Subscriber

FIRST_WITHIN_S = 12.0
"""Gateway, slots and announcement take about four."""
LATE_S = 0.6
"""After the last moment that was announced nothing comes."""
WORDS = {
    "closed": "the camera is closed",
    "not-authorised": "the room's authorisation allows no look at this level",
    "no-policy": "no manager's policy is in force at the unit: stillroom site view-policy",
    "level": "the policy does not allow this level",
    "block": "the policy asks for larger squares",
    "seconds": "longer than policy or authorisation allow",
    "busy": "somebody else looks",
    "too-many": "looked too often within an hour",
    "too-soon": "the last look is not over for as long as it lasted",
    "indicator": "the room's light does not work, so nobody could be told",
    "signer": "the unit's roster names no viewer with this key",
    "time": "the unit's clock and this one differ by more than a minute",
    "stale": "this request was answered before",
    "signature": "the request was changed on its way",
    "unit": "the request is for another unit or site",
    "session": "nothing can be sealed to the request's key",
}
BLANK_WORDS: dict[Blank, str] = {
    "starting": "the camera is starting",
    "no-background": "no empty room has been learned yet: nothing is drawn over one",
    "no-model": "no model looks for people in this room: no figure can be drawn",
    "unsure": "unsure: nothing is drawn",
    "dark": "the camera sees nothing",
    "late": "the unit was late",
}
"""Why a frame shows nothing."""


class LookRefused(StillroomError):
    """The unit has said no, and kept that it was asked."""

    exit_code = TrustError.exit_code


@dataclass(frozen=True)
class Frame:
    """One that came. late_ms: after it was due, by the pace of the first one."""

    number: int
    shown: Shown


class Look:
    """Make it, iterate `frames`; it ends by itself."""

    def __init__(
        self,
        site: Site,
        unit: str,
        viewer: KeyRing,
        level: ViewLevel,
        seconds: int,
        block: int,
        reason: str,
        clock: Clock | None = None,
    ) -> None:
        """Raises TrustError: the unit is not enrolled."""
        self._site, self.unit, self.seconds, self.viewer = site, unit, seconds, viewer.name
        self._key = VerifyKey(site.enrolment(unit).sign)
        self._session = BoxKey.generate()
        self._view = view_id(self._session.public.raw)
        self._clock = clock or SystemClock()
        self._request = ViewRequest(
            at=now(self._clock),
            id=f"v-{secrets.token_hex(6)}",
            site=site.name,
            unit=unit,
            level=level,
            seconds=seconds,
            reason=reason,
            block=block,
            session=self._session.public.raw,
        )
        self._note = sign_note(KINDS[ViewRequest], self._request, [viewer])
        self.refused = 0
        """Frames that were not true, or came again."""

    @property
    def id(self) -> str:
        return self._request.id

    def frames(self) -> Iterator[Frame]:
        """As they come, in order. Raises LookRefused, StillroomError where none comes, BrokerError."""
        topic = f"stillroom/1/{self._site.name}/{self.unit}/view"
        subscriber = Subscriber(
            self._site.broker("board"),
            self._site.folder,
            f"{self._site.name}-view-{secrets.token_hex(4)}",
            [topic],
            persistent=False,
            keep_bytes=FRAME_BYTES + 1,
            tell=lambda _text: None,
        )
        with subscriber:
            self._wait_for(subscriber)
            send(self._site, self.unit, f"view-{self.id}", self._note)
            yield from self._opened(subscriber)

    def _wait_for(self, subscriber: Subscriber) -> None:
        end = time.monotonic() + FIRST_WITHIN_S
        while not subscriber.connected:
            if time.monotonic() > end:
                raise StillroomError(f"no broker: {subscriber.status}")
            time.sleep(0.02)

    def _opened(self, subscriber: Subscriber) -> Iterator[Frame]:
        last, end_ns = -1, self._clock.mono_ns() + round(FIRST_WITHIN_S * NS_PER_S)
        answers = _Answers(self._site, self.unit, self.id, self._clock.utc_ms())
        while (now_ns := self._clock.mono_ns()) < end_ns:
            for message in subscriber.take(16, 0.1):
                try:
                    number, shown = open_frame(message.payload, self._key, self._view, self._session)
                except WireError:
                    self.refused += 1
                    continue
                if number <= last:
                    self.refused += 1
                    continue
                last = number
                end_ns = self._clock.mono_ns() + shown.left_ms * NS_PER_MS + round(LATE_S * NS_PER_S)
                yield Frame(number, shown)
            if last < 0:
                answers.look(now_ns)
        if last < 0:
            raise StillroomError(
                f"no frame came within {FIRST_WITHIN_S:g} s: does the gateway run, and the unit?"
            )


class _Answers:
    """What the unit has answered, from the gateway's store where it can be read from here."""

    EVERY_NS = NS_PER_S // 2

    def __init__(self, site: Site, unit: str, view: str, asked_ms: int) -> None:
        self._site, self._unit, self._view, self._asked_ms = site, unit, view, asked_ms
        self._next_ns = 0

    def look(self, now_ns: int) -> None:
        """Raises LookRefused."""
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + self.EVERY_NS
        try:
            outcome = self._outcome()
        except StillroomError:
            return
        if outcome not in (None, "done"):
            raise LookRefused(f"unit {self._unit}: refused: {WORDS.get(str(outcome), outcome)} ({outcome})")

    def _outcome(self) -> str | None:
        with open_reader(self._site) as reader:
            for kept in reader.newest(self._unit, "receipt", 16):
                receipt = msgspec.json.decode(kept.event, type=Receipt)
                unnamed = receipt.document is None and kept.at_ms >= self._asked_ms
                if receipt.kind == KINDS[ViewRequest] and (receipt.document == self._view or unnamed):
                    return receipt.outcome
        return None
