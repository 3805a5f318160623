"""The trust folder, looked at twice a second: what it says goes to the gate, the sealer, and the room."""

import sys
from collections.abc import Callable, Mapping

from stillroom.config import UnitConfig
from stillroom.errors import TrustError
from stillroom.keeper.audit import AuditChain
from stillroom.keeper.authorisation import Papers, TrustFolder
from stillroom.keeper.delivery import Delivery
from stillroom.keeper.faults import Faults
from stillroom.keeper.known import KnownTime
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.settings import ConfigurationWatch, RolledBack
from stillroom.keeper.trial import Trial
from stillroom.keeper.watch import GateWatch
from stillroom.note_reading import NoteError


class TrustWatch:
    """`read` twice a second. `adopt(settings)` is called with those that are in force from then on."""

    def __init__(
        self,
        settings: UnitConfig,
        outbox: Outbox,
        audit: AuditChain,
        clock: KnownTime,
        faults: Faults,
        gate: GateWatch,
        adopt: Callable[[UnitConfig], None],
    ) -> None:
        trust = settings.path(settings.paths.trust)
        self._folder = TrustFolder(settings)
        self.changes = ConfigurationWatch(trust, settings, outbox)
        self.trial = Trial(self.changes, audit, clock, faults)
        self.notes: Mapping[str, bytes] = {}
        """Of the authorisations that were believed last, by id."""
        self._refusal: TrustError | None = None
        self._version = 0
        self._audit, self._clock, self._faults, self._gate, self._adopt = audit, clock, faults, gate, adopt

    def read(self, delivery: Delivery) -> None:
        """Each document that has changed since; what is refused is a condition, and allows nothing."""
        try:
            papers = self._folder.poll(delivery.roster.approver_signers)
        except TrustError as error:
            self._faults.say("trust-unreadable", True, str(error))
            papers = Papers()
        else:
            self._faults.say("trust-unreadable", False, "")
        self._clock.has_gateway = delivery.roster.delivery == "cursor"
        self.notes = papers.notes
        self._gate.take_papers(papers)
        version = delivery.renew_roster()
        if version is not None:
            self._audit.append(self._clock.utc_ms(), "roster-replaced", version=version)
        self._read_configuration()

    def _read_configuration(self) -> None:
        """What the authority has changed of this unit from afar: all of it from now on, or nothing."""
        changed, version = self.changes.poll(self._gate.room), self.changes.version
        refusal = self.changes.refusal
        self._faults.say("configuration-refused", refusal is not None, str(refusal or ""))
        if refusal is not None and refusal is not self._refusal and not isinstance(refusal, RolledBack):
            print(f"keeper: {refusal}", file=sys.stderr, flush=True)
            code = refusal.reason if isinstance(refusal, NoteError) else "file"
            self._audit.append(self._clock.utc_ms(), "document-refused", file="configuration", reason=code)
        self._refusal = refusal
        if changed is None:
            return
        before, self._version = self._version, version
        self._adopt(changed)
        self._audit.append(
            self._clock.utc_ms(), "configuration-changed", version=version, room=self._gate.room
        )
        if version != before and self.changes.is_new:
            self.trial.begin()
