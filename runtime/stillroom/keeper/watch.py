"""The decision about the camera, kept current: documents, clock, pauses; each change goes into the audit chain."""

from collections.abc import Callable, Sequence

from stillroom.clock import MS_PER_S, NS_PER_MS, utc_text
from stillroom.config import PauseConfig
from stillroom.document_forms import to_ms
from stillroom.documents import Authorisation
from stillroom.events import GateChanged
from stillroom.keeper.asks import Asks
from stillroom.keeper.audit import AuditChain
from stillroom.keeper.authorisation import Papers, Refused, told_name
from stillroom.keeper.gate import Decision, Situation, decide
from stillroom.keeper.known import KnownTime
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.taken_back import TakenBack

_PAUSED_UNTIL = "paused_until_ms"
_SEEN = "seen "
_ROOM = "room"
MAX_REFUSED_TOLD = 8
_MOVED = "camera_moved_ms"


class GateWatch:
    """Holds what the gate looks at. `decide` is asked before every lease."""

    def __init__(
        self, outbox: Outbox, audit: AuditChain, clock: KnownTime, pause: PauseConfig, asks: Asks
    ) -> None:
        self._outbox = outbox
        self._audit = audit
        self._clock = clock
        self._asks = asks
        self._pause_ms = round(pause.duration_s * MS_PER_S)
        self._papers = Papers((), frozenset(), ())
        self._taken_back = TakenBack(outbox)
        self._seen = outbox.recall_names(_SEEN)
        self._told_forgotten = False
        self._camera_refused = False
        self.indicator_dead = False
        """Set by the unit: its light does not work, and it must have one."""
        self.safe_mode = False
        """Set by the unit: keeper or eye failed too often."""
        self._moved_ms = outbox.recall(_MOVED)
        # Against the floor, which no wrong clock moves: a restart may lengthen a pause, and never cuts it short.
        left_ms = outbox.recall(_PAUSED_UNTIL) - clock.known().earliest_ms
        self._paused_until_ns = self._in_ms(min(left_ms, self._pause_ms)) if left_ms > 0 else 0
        self.decision = Decision("no-authorisation")
        self.room = (outbox.recall_bytes(_ROOM) or b"none").decode()
        """The pseudonym of the room that was last authorised; a room that is dark keeps its name."""
        self._told = False

    @property
    def paused(self) -> bool:
        """By the button of the room, or by somebody of the roster."""
        return self._pressed or self._asks.paused

    @property
    def _pressed(self) -> bool:
        return self._clock.mono_ns() < self._paused_until_ns

    def refuse_camera(self) -> None:
        """The camera cannot be used any more (a recording that has ended): closed until the next start."""
        self._camera_refused = True

    @property
    def camera_moved(self) -> bool:
        """The camera was moved, and nobody has accepted since what it looks at. Survives a restart."""
        return self._moved_ms > 0

    def note_moved_camera(self) -> None:
        """The eye says so: closed until somebody signs that the new view is right."""
        if not self.camera_moved:
            self._moved_ms = self._clock.utc_ms()
            self._outbox.remember(_MOVED, self._moved_ms, lasting=True)
            self._audit.append(self._moved_ms, "camera-moved")

    def _accept_view(self, now_ms: int) -> None:
        """An acceptance counts from its own time on, for what was noticed before it; it is used up by that."""
        accepted = [at_ms for at_ms in self._papers.views_ms if self._moved_ms < at_ms <= now_ms]
        if self._moved_ms and accepted:
            self._moved_ms = 0
            self._outbox.remember(_MOVED, 0, lasting=True)
            self._audit.append(now_ms, "view-accepted", accepted_ms=accepted[0])

    def take_papers(self, papers: Papers) -> None:
        """New documents from the trust folder; what is new or refused goes into the audit chain."""
        if papers is self._papers:
            return
        now = self._clock.utc_ms()
        for authorisation in {paper.id: paper for paper in papers.authorisations}.values():
            if authorisation.id not in self._seen:
                self._note_authorisation(authorisation, now)
                self._outbox.remember(_SEEN + authorisation.id, 1)
        self._seen |= frozenset(authorisation.id for authorisation in papers.authorisations)
        for what, key, name in self._taken_back.learn(papers, now):
            self._audit.append(now, what, **{key: name})
        if self._taken_back.forgot and not self._told_forgotten:
            self._told_forgotten = True
            self._audit.append(now, "withdrawals-forgotten")
        self._note_refused([one for one in papers.refused if one not in self._papers.refused], now)
        self._papers = papers

    def _note_authorisation(self, paper: Authorisation, now_ms: int) -> None:
        """Once in a unit's life. One whose time is over when it is first seen is refused as such."""
        if to_ms(paper.until) <= self._clock.known().earliest_ms:
            self._audit.append(now_ms, "document-refused", file=paper.id, reason="expired")
            return
        terms = {"scopes": " ".join(paper.scopes), "until": utc_text(to_ms(paper.until))}
        self._audit.append(now_ms, "authorisation-seen", authorisation=paper.id, **terms)

    def _note_refused(self, refused: Sequence[Refused], now_ms: int) -> None:
        """A few by name, where it can name nobody; the rest as a number: a full folder must not fill the chain."""
        for one in refused[:MAX_REFUSED_TOLD]:
            self._audit.append(now_ms, "document-refused", file=told_name(one.file), reason=one.code)
        more = len(refused) - MAX_REFUSED_TOLD
        if more > 0:
            self._audit.append(now_ms, "documents-refused", more=more)

    def press(self) -> None:
        """The button: pause at once; pressed again while it pauses, that ends. It ends no other pause."""
        now = self._clock.utc_ms()
        if self._pressed:
            self._paused_until_ns = 0
            self._outbox.remember(_PAUSED_UNTIL, 0, lasting=True)
            self._audit.append(now, "resumed-by-button")
        else:
            self._paused_until_ns = self._in_ms(self._pause_ms)
            until_ms = self._clock.known().earliest_ms + self._pause_ms
            self._outbox.remember(_PAUSED_UNTIL, until_ms, lasting=True)
            self._audit.append(now, "paused-by-button", seconds=self._pause_ms // MS_PER_S)

    def decide(self, on_change: Callable[[Decision], None]) -> Decision:
        """The decision now; `on_change` is called first where it is another than before."""
        utc_ms = self._clock.utc_ms()
        self._accept_view(utc_ms)
        situation = Situation(
            self._clock.known(),
            self.paused,
            self._camera_refused,
            self.indicator_dead,
            self.camera_moved,
            halted=self._taken_back.halted,
            safe_mode=self.safe_mode,
        )
        papers, taken_back = self._papers.authorisations, self._taken_back
        ended = {paper.id for paper in papers if not taken_back.believes(paper)}
        decision = decide(situation, papers, taken_back.withdrawn | ended)
        before, self.decision = self.decision, decision
        if decision != before or not self._told:
            self._told = True
            self._name(decision)
            on_change(decision)
            name = decision.authorisation.id if decision.authorisation else None
            self._outbox.add(utc_ms, GateChanged(decision.reason, name))
            self._audit.append(utc_ms, "gate", gate=decision.reason, authorisation=name or "none")
        return decision

    def _name(self, decision: Decision) -> None:
        if decision.authorisation and decision.authorisation.room != self.room:
            self.room = decision.authorisation.room
            self._outbox.remember(_ROOM, self.room.encode())

    def _in_ms(self, milliseconds: int) -> int:
        return self._clock.mono_ns() + milliseconds * NS_PER_MS
