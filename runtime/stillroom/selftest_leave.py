"""May a self-test open the camera? In the factory, before a site has the unit; else for maintenance that is signed for.

The rule is the running unit's (promise 2), with one case more: a unit whose folders hold nothing of any site hangs in
no room that somebody could be in. From the first paper on it needs an authorisation whose purpose is `maintenance`,
judged by the keeper's own gate: time, halts, pauses, withdrawals; and its audit chain says that the camera was open.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from stillroom.clock import Clock
from stillroom.config import UnitConfig
from stillroom.explain import CLOSED
from stillroom.files import lock_folder
from stillroom.keeper.asks import Asks
from stillroom.keeper.audit import AuditChain
from stillroom.keeper.authorisation import Papers, TrustFolder
from stillroom.keeper.delivery import roster_in_force
from stillroom.keeper.gate import Decision
from stillroom.keeper.known import KnownTime
from stillroom.keeper.open_time import OpenTime
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.storage import MB
from stillroom.keeper.watch import GateWatch
from stillroom.keys import KeyRing
from stillroom.orders import ViewRequest
from stillroom.permits import Refusal

PURPOSE = "maintenance"
_LOCK = "keeper.lock"


class Leave(Protocol):
    """Asked before each lease of the camera's process."""

    @property
    def words(self) -> str:
        """Why it may be opened, for the report."""
        ...

    def against(self) -> str:
        """Why the camera may not be open now; empty: it may."""
        ...

    def press(self) -> None:
        """The room's pause button was pressed."""
        ...

    def reads(self) -> bool:
        """Whether breathing and pulse of a phantom may be read."""
        ...

    def opened(self, camera: str) -> None: ...

    def closed(self) -> None: ...

    def tested(self, passed: bool) -> None: ...


def untouched(unit: UnitConfig) -> bool:
    """Nothing of a site is there, and no keeper ever ran: it obeys nobody yet, `paths.trust` is empty, `paths.state`
    has a lock at most.
    """
    trust, state = unit.path(unit.paths.trust), unit.path(unit.paths.state)
    kept = [path for path in _files_below(state) if path.name != _LOCK]
    return not unit.authority and not kept and not any(_files_below(trust))


def _files_below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


@contextmanager
def leave_of(unit: UnitConfig, ring: KeyRing, clock: Clock) -> Iterator[Leave]:
    """For as long as the block lasts no keeper can start. Raises StorageError: one runs; TrustError: its papers."""
    if untouched(unit):
        lock = lock_folder(unit.path(unit.paths.state), _LOCK, "keeper", "paths.state")
        try:
            yield Factory(unit)
        finally:
            os.close(lock)
        return
    maintenance = Maintenance(unit, ring, clock)
    try:
        yield maintenance
    finally:
        maintenance.end()


class Factory:
    """No site has it yet."""

    words = "no site has this unit yet, and no keeper ever ran on it"

    def __init__(self, unit: UnitConfig) -> None:
        self._unit = unit
        self._pressed = False

    def against(self) -> str:
        """Papers that come meanwhile end it, and so does the button."""
        if self._pressed:
            return "its pause button was pressed"
        return "" if untouched(self._unit) else "this unit has become a site's meanwhile"

    def press(self) -> None:
        """Until this self-test is over: there is no room whose pause would have to be kept."""
        self._pressed = True

    def reads(self) -> bool:
        return True

    def opened(self, camera: str) -> None:
        """Nobody to tell."""

    def closed(self) -> None:
        """Nobody to tell."""

    def tested(self, passed: bool) -> None:
        """Nobody to tell."""


class Maintenance:
    """A site has it: its authority must have signed for maintenance, and the keeper's gate must be open for that."""

    def __init__(self, unit: UnitConfig, ring: KeyRing, clock: Clock) -> None:
        sizes, self._trust = unit.outbox, unit.path(unit.paths.trust)
        self._outbox = Outbox(unit.path(unit.paths.state), sizes.max_entries, round(sizes.reserve_mb * MB))
        try:
            self._clock = known = KnownTime(clock, self._outbox)
            roster, _ = roster_in_force(unit, self._outbox, known)
            known.has_gateway = roster.delivery == "cursor"
            self._approvers = roster.approver_signers
            self._papers = TrustFolder(unit)
            self._audit = AuditChain(self._outbox, ring.signing)
            asks = Asks(self._outbox, self._audit, known, _no_look)
            self._gate = GateWatch(self._outbox, self._audit, known, unit.pause, asks)
            self._open = OpenTime(self._audit, known)
            self._read: object = None
        except BaseException:
            self._outbox.close()
            raise

    @property
    def words(self) -> str:
        paper = self._gate.decision.authorisation
        return f"authorisation {paper.id}, for {PURPOSE}" if paper else "nobody has signed for maintenance"

    def against(self) -> str:
        """As the gate decides, of authorisations for maintenance alone."""
        papers = self._papers.poll(self._approvers)
        if papers is not self._read:
            self._read = papers
            meant = tuple(one for one in papers.authorisations if one.purpose == PURPOSE)
            self._gate.take_papers(replace(papers, authorisations=meant))
        decision = self._gate.decide(_nothing)
        if decision.authorisation is not None and decision.open:
            self._open.still(decision.authorisation.id)
            return ""
        return f"{self._closed(papers, decision.reason)}: {_ADVICE}"

    def press(self) -> None:
        """As for a keeper: on the card at once, and the keeper that starts next still pauses."""
        self._gate.press()
        self._outbox.commit(self._clock.utc_ms())

    @staticmethod
    def _closed(papers: Papers, reason: str) -> str:
        """In words: where only another purpose is signed for, that too."""
        if reason != "no-authorisation":
            return f"{CLOSED.get(reason, reason)} ({reason})"
        others = any(one.purpose != PURPOSE for one in papers.authorisations)
        but = "; what is signed is for another purpose" if others else ""
        return f"nobody has authorised it for {PURPOSE}, which a self-test needs ({reason}){but}"

    def reads(self) -> bool:
        paper = self._gate.decision.authorisation
        return paper is not None and {"breathing", "pulse"} <= set(paper.scopes)

    def opened(self, camera: str) -> None:
        """On the card before the camera opens."""
        self._open.opened(camera)
        self._outbox.commit(self._clock.utc_ms())

    def closed(self) -> None:
        self._open.closed()

    def tested(self, passed: bool) -> None:
        self._audit.append(self._clock.utc_ms(), "self-test", passed="yes" if passed else "no")

    def end(self) -> None:
        self._outbox.commit(self._clock.utc_ms())
        self._outbox.close()


_ADVICE = f"`stillroom site authorise new UNIT --purpose {PURPOSE} ...`, and keep `run` stopped"


def _nothing(_: Decision) -> None:
    """A change of the gate is in the audit chain; nobody else waits for it here."""


def _no_look(_: ViewRequest, __: str, ___: bytes) -> None:
    raise Refusal("busy")
