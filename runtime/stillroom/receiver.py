"""The one way to verify and open a unit's records; everything on the facility's side uses it.

Order: form, sender, signature, recipient, replay, opening, content. Whatever is refused changes nothing, and is
counted by unit and reason.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from stillroom.bodies import decode_up
from stillroom.documents import Enrolment
from stillroom.errors import TrustError, WireError
from stillroom.events import Body
from stillroom.keys import BoxKey, VerifyKey
from stillroom.replay import Seen, advance, given_up
from stillroom.wire import Lane, Verified, open_body, parse, unwrap, verify

UNKNOWN_UNIT = "?"


class ReplayStore(Protocol):
    """Where the caller keeps what was seen of each unit, in the transaction in which it keeps the content."""

    def load(self, unit: str) -> Seen | None: ...

    def save(self, unit: str, seen: Seen) -> None: ...


class MemoryStore:
    """Forgets at the end of the process: for a live view, which keeps nothing either."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    def load(self, unit: str) -> Seen | None:
        return self._seen.get(unit)

    def save(self, unit: str, seen: Seen) -> None:
        self._seen[unit] = seen


@dataclass(frozen=True, slots=True)
class Opened:
    """A record that is true: of this unit, unaltered, not seen before."""

    unit: str
    boot: int
    epoch_index: int
    sequence: int
    skipped: int
    """Records between this one and the newest before that have not come: lost, late or withheld."""
    late: bool
    """It came after one with a higher sequence."""
    body: Body
    given_up: int = 0
    """How many more records are missing for good now, beyond what reordering explains; -1: one came after all."""


class Receiver:
    """Opens records of enrolled units with this recipient's box keys."""

    def __init__(
        self, enrolments: Iterable[Enrolment], box_keys: Sequence[BoxKey], store: ReplayStore
    ) -> None:
        """Raises TrustError where two enrolments share a unit or a key."""
        self._units = _by_key_id(enrolments)
        self._box_keys = tuple(box_keys)
        self._ids = frozenset(key.public.id for key in box_keys)
        self._store = store
        self._epoch_keys: dict[str, tuple[tuple[tuple[bytes, bytes], ...], bytes]] = {}
        self.refusals: Counter[tuple[str, str]] = Counter()
        """(unit or `?`, reason) to how many were refused."""

    def open(self, record: bytes, unit: str | None = None) -> Opened:
        """Open one record upwards. `unit`: whom the topic names, where the caller knows; another's is refused.

        Raises WireError; the store is then unchanged.
        """
        name = UNKNOWN_UNIT
        try:
            parsed = parse(record)
            name, key = self._sender(parsed.sender, unit)
            return self._open(name, verify(parsed, key, Lane.UP))
        except WireError as error:
            self.refusals[name, error.reason] += 1
            raise

    def _sender(self, sender: bytes, expected: str | None) -> tuple[str, VerifyKey]:
        name, key = self._units.get(sender, (None, None))
        if name is None or key is None:
            raise WireError("sender", f"{sender.hex()} is not enrolled")
        if expected is not None and expected != name:
            raise WireError("sender", f"a record of {name} on the topic of {expected}")
        return name, key

    def _open(self, unit: str, verified: Verified) -> Opened:
        record = verified.record
        before = self._store.load(unit)
        # By our own wrap alone: an advocate's is another in every record.
        ours = tuple(wrap for wrap in record.wraps if wrap[0] in self._ids)
        wraps, epoch_key = self._epoch_keys.get(unit, ((), b""))
        if not ours or wraps != ours:
            epoch_key = unwrap(verified, self._box_keys)
        seen, skipped = advance(before, record)
        body = decode_up(open_body(verified, epoch_key))
        self._store.save(unit, seen)
        self._epoch_keys[unit] = (ours, epoch_key)
        late = before is not None and before.boot == record.boot.number and record.sequence < before.top
        return Opened(
            unit,
            record.boot.number,
            record.epoch_index,
            record.sequence,
            skipped,
            late,
            body,
            given_up(before, seen),
        )


def _by_key_id(enrolments: Iterable[Enrolment]) -> dict[bytes, tuple[str, VerifyKey]]:
    units: dict[bytes, tuple[str, VerifyKey]] = {}
    for enrolment in enrolments:
        key = VerifyKey(enrolment.sign)
        if key.id in units or any(name == enrolment.unit for name, _ in units.values()):
            raise TrustError(f"unit '{enrolment.unit}' is enrolled twice, or shares its key with another")
        units[key.id] = (enrolment.unit, key)
    return units
