"""What was taken back for good: withdrawn authorisations, halts and their ends, over restarts and without their files.

Each name is kept beside the entries of the outbox; what all of them are together is in the marks, which outlive a
damaged database. One that has forgotten names is noticed by that: then nothing is believed that was to begin before the
newest of them was seen, until the gateway has told them again, the authority has signed anew, or 28 days have passed.
"""

from stillroom.clock import MS_PER_S
from stillroom.document_forms import to_ms
from stillroom.documents import MAX_AUTHORISATION, Authorisation
from stillroom.hashes import digest
from stillroom.keeper.authorisation import Papers
from stillroom.keeper.outbox import Outbox

_WITHDRAWN, _HALTED, _LIFTED = "withdrawn ", "halted ", "lifted "
_ALL = "taken_back"
_NEWEST = "taken_back_ms"
_DOMAIN = b"stillroom/1 taken back"
_LONGEST_MS = round(MAX_AUTHORISATION.total_seconds() * MS_PER_S)

New = tuple[tuple[str, str, str], ...]
"""What the audit chain calls it, by which key, and its name."""


class TakenBack:
    """One for each start of the keeper."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self.withdrawn = outbox.recall_names(_WITHDRAWN)
        self._halts, self._lifted = outbox.recall_names(_HALTED), outbox.recall_names(_LIFTED)
        self.forgot = not self._is_whole()
        """The card has lost some of it."""

    @property
    def halted(self) -> bool:
        """A halt stands that no lift names."""
        return bool(self._halts - self._lifted)

    def believes(self, paper: Authorisation) -> bool:
        """Whether what the card has forgotten cannot be about this one."""
        return not self.forgot or to_ms(paper.start) > self._outbox.recall(_NEWEST)

    def learn(self, papers: Papers, now_ms: int) -> New:
        """What these papers say for the first time, sorted; it is kept."""
        new = (
            *self._keep(_WITHDRAWN, "withdrawal-seen", "authorisation", papers.withdrawn - self.withdrawn),
            *self._keep(_HALTED, "halt-seen", "halt", papers.halts - self._halts),
            *self._keep(_LIFTED, "lift-seen", "halt", papers.lifted - self._lifted),
        )
        self.withdrawn |= papers.withdrawn
        self._halts, self._lifted = self._halts | papers.halts, self._lifted | papers.lifted
        if self.forgot:
            self.forgot = not self._is_whole() and now_ms < self._outbox.recall(_NEWEST) + _LONGEST_MS
        if new:
            newest_ms = max(now_ms, self._outbox.recall(_NEWEST))
            self._outbox.remember(_NEWEST, newest_ms, lasting=True)
        if not self.forgot:
            self._outbox.remember(_ALL, self._digest(), lasting=True)
        return new

    def _keep(self, kept_as: str, what: str, key: str, names: frozenset[str]) -> New:
        for name in names:
            self._outbox.remember(kept_as + name, 1)
        return tuple((what, key, name) for name in sorted(names))

    def _is_whole(self) -> bool:
        return self._outbox.is_as_kept(_ALL, self._digest())

    def _digest(self) -> bytes:
        sets = (self.withdrawn, self._halts, self._lifted)
        return digest(_DOMAIN, "\n\n".join("\n".join(sorted(names)) for names in sets).encode())
