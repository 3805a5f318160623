"""The manager's rules for looks, as they lie in the trust folder: verified by the roster, never older than before.

Without them, or where they cannot be believed, nobody looks: a refusal here is a technical condition, and no way in.
"""

from stillroom.config import UnitConfig
from stillroom.documents import Roster, ViewPolicy
from stillroom.errors import TrustError
from stillroom.files import file_stamp, read_bounded
from stillroom.keeper.outbox import Outbox
from stillroom.note_reading import NoteError
from stillroom.permits import authority_of, open_paper

POLICY_FILE = "view-policy.note"
POLICY_VERSION = "view_policy_version"
"""Under which the unit remembers the highest version that it accepted."""


class PolicyWatch:
    """`poll` twice a second; `policy` is the one that was believed last."""

    def __init__(self, unit: UnitConfig, outbox: Outbox) -> None:
        self._path = unit.path(unit.paths.trust) / POLICY_FILE
        self._unit, self._authority, self._outbox = unit.unit, authority_of(unit), outbox
        self._looked: object = ...
        self._refusal: TrustError | None = None
        self.policy: ViewPolicy | None = None
        self.note = b""
        """Of that policy: for the eye, which believes nothing else."""

    def poll(self, roster: Roster) -> bool:
        """Whether it is another one now. Raises TrustError, each time: what is there cannot be accepted."""
        looked = (file_stamp(self._path), roster.version)
        if looked != self._looked:
            self._looked, self._refusal = looked, None
            before, self.policy = self.policy, None
            try:
                self.policy = self._read(roster)
            except TrustError as error:
                self._refusal = error
                raise
            return self.policy != before
        if self._refusal is not None:
            raise self._refusal
        return False

    def _read(self, roster: Roster) -> ViewPolicy | None:
        newest = self._outbox.recall(POLICY_VERSION)
        if not self._path.exists():
            return None
        note = read_bounded(self._path)
        try:
            found, _ = open_paper(note, ViewPolicy, roster, self._authority, self._unit)
        except NoteError as error:
            raise TrustError(f"{self._path}: {error}") from None
        if found.version < newest:
            raise TrustError(f"{self._path}: version {found.version}, but {newest} was accepted before")
        self._outbox.remember(POLICY_VERSION, found.version, lasting=True)
        self.note = note
        return found
