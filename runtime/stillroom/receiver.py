"""The one way to verify and open a unit's records; everything on the facility's side uses it.

Order: form, sender, signature, recipient, replay, opening, content. Whatever is refused changes nothing, and is
counted by unit and reason.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from stillroom.bodies import decode_up
from stillroom.documents import Enrolment
from stillroom.errors import TrustError, WireError
from stillroom.events import Body
from stillroom.keys import BoxKey
from stillroom.public_keys import VerifyKey
from stillroom.replay import Seen, advance, given_up
from stillroom.wire import Lane, Record, Verified, open_body, open_head, parse, unwrap, verify

UNKNOWN_UNIT = "?"

T = TypeVar("T")


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
    sender: bytes = b""
    """Key id that it was signed with."""
    given_up: int = 0
    """How many more records are missing for good now, beyond what reordering explains; -1: one came after all."""


@dataclass(frozen=True, slots=True)
class ToldHead:
    """What a record that is true tells an advocate."""

    unit: str
    head: bytes
    """The newest head of the unit's audit chain, 32 bytes; zero bytes before the first."""
    late: bool
    """It came after one with a higher sequence, which told a newer head or the same."""


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
        return self._counted(record, unit, self._open)

    def tell_head(self, record: bytes, unit: str | None = None) -> ToldHead:
        """What a record tells this recipient, who is an advocate; its body stays shut. As `open` otherwise."""
        return self._counted(record, unit, self._tell_head)

    def _counted(self, record: bytes, unit: str | None, then: Callable[[str, Verified], T]) -> T:
        name = UNKNOWN_UNIT
        try:
            parsed = parse(record)
            name, key = self._sender(parsed.sender, unit)
            return then(name, verify(parsed, key, Lane.UP))
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
        late = _late(before, record)
        return Opened(
            unit,
            record.boot.number,
            record.epoch_index,
            record.sequence,
            skipped,
            late,
            body,
            record.sender,
            given_up(before, seen),
        )

    def _tell_head(self, unit: str, verified: Verified) -> ToldHead:
        before = self._store.load(unit)
        head = open_head(verified, self._box_keys)
        seen, _ = advance(before, verified.record)
        self._store.save(unit, seen)
        return ToldHead(unit, head, _late(before, verified.record))


def _late(before: Seen | None, record: Record) -> bool:
    return (
        before is not None
        and before.is_of(record.sender)
        and before.boot == record.boot.number
        and record.sequence < before.top
    )


def _by_key_id(enrolments: Iterable[Enrolment]) -> dict[bytes, tuple[str, VerifyKey]]:
    units: dict[bytes, tuple[str, VerifyKey]] = {}
    names: set[str] = set()
    for enrolment in enrolments:
        key = VerifyKey(enrolment.sign)
        if key.id in units or enrolment.unit in names:
            raise TrustError(f"unit '{enrolment.unit}' is enrolled twice, or shares its key with another")
        units[key.id] = (enrolment.unit, key)
        names.add(enrolment.unit)
    return units
