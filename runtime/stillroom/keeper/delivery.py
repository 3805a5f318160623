"""The way to the gateway and back: roster, sealing, slots upwards; cursor, time and commands downwards.

What goes up is composed by `Slots` and sealed here; what comes down is believed only as far as it is signed by the
roster's gateway and about this boot's own records.
"""

import sys
from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from stillroom.clock import Clock
from stillroom.config import UnitConfig
from stillroom.config_technical import TECHNICAL
from stillroom.documents import Roster
from stillroom.errors import StorageError, TrustError, WireError
from stillroom.events import Body, Command, DownBody, Snapshot
from stillroom.files import file_stamp
from stillroom.keeper.faults import Faults
from stillroom.keeper.known import KnownTime
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.roster import ROSTER_FILE, read_roster
from stillroom.keeper.seal import Sealer
from stillroom.keeper.slots import Slots, fits
from stillroom.keys import KeyRing
from stillroom.link import Down, Network, Sent, Up
from stillroom.note_reading import parse_signer
from stillroom.replay import Seen

UNHEARD_DOWNS = 8
"""After a start the gateway speaks of the boot before until it has opened a record of this one."""
CLOCK_DIFFERENCE_MS = 10_000
MAX_MARKS = 1024
"""Of what was said when; with older ones forgotten the bounds of time are wider, and still true."""
_DOWN_SEEN = "down_seen"
_ROSTER_VERSION = "roster_version"
_APPROVERS = "approvers"


class Courier(Protocol):
    """The courier's door."""

    def send(self, message: Struct) -> bool: ...


class Said:
    """When what was said: the number of the newest entry, slot by slot. A cursor beyond it was made after that,
    where its entry is one that the gateway can only have from this boot."""

    def __init__(self, now_ns: int) -> None:
        self._began_ns = now_ns
        self._marks: deque[tuple[int, int]] = deque(maxlen=MAX_MARKS)
        self._had: int | None = None
        """The highest number that may be another's: the gateway had it when it was first heard, or before we did."""

    def note(self, accepted: int, now_ns: int) -> None:
        if self._marks and self._marks[-1][0] == accepted:
            self._marks[-1] = (accepted, now_ns)
        else:
            self._marks.append((accepted, now_ns))

    def before(self, cursor: int) -> int:
        """The latest moment known (monotonic, ns) that a record of this boot with this cursor was made after."""
        return next((at_ns for number, at_ns in reversed(self._marks) if number < cursor), self._began_ns)

    def made_after(self, down: DownBody, accepted: int) -> int:
        """The same of a record about this boot. `accepted`: the newest entry, before the record has changed anything.

        What a copied key or a card that forgot commits left at the gateway was not made after anything said here:
        a cursor counts only beyond all that the gateway had at its first answer, and beyond all it cannot have.
        """
        highest = max((down.cursor, *(last for _, last in down.ranges)))
        if self._had is None or highest > accepted:
            self._had = max(highest, self._had or 0)
        return self.before(down.cursor) if down.cursor > self._had else self._began_ns


def _lines_of(roster: Roster) -> bytes:
    """Its approvers, in any order the same."""
    return "\n".join(sorted(signer.text for signer in roster.approver_signers)).encode()


def roster_in_force(unit: UnitConfig, outbox: Outbox, clock: Clock) -> tuple[Roster, bytes]:
    """The roster in the trust folder, where it follows the one that this unit knows; its note. Raises TrustError."""
    known = outbox.recall_bytes(_APPROVERS) or b""
    forgotten = not outbox.is_as_kept(_APPROVERS, known)
    approvers = [] if forgotten else [parse_signer(line) for line in known.decode().splitlines()]
    roster, note = read_roster(unit, clock, outbox.recall(_ROSTER_VERSION), approvers)
    if forgotten and not outbox.is_as_kept(_APPROVERS, _lines_of(roster)):
        raise TrustError(
            f"{unit.path(unit.paths.trust) / ROSTER_FILE}: names other approvers than before, and the damaged card "
            "has forgotten who those were: put the roster that was in force in its place first"
        )
    return roster, note


class Delivery:
    """One for each boot. `obey(command)` is called with what the gateway asks for, `answered()` when it heard us."""

    def __init__(
        self,
        unit: UnitConfig,
        keys: KeyRing,
        boot: int,
        outbox: Outbox,
        faults: Faults,
        clock: KnownTime,
        obey: Callable[[Command], None],
        answered: Callable[[], None],
    ) -> None:
        """Raises TrustError: no roster, forged, out of its time, or of another site."""
        self._unit, self._outbox, self._faults, self._clock = unit, outbox, faults, clock
        self._roster_file = unit.path(unit.paths.trust) / ROSTER_FILE
        self._obey, self._answered = obey, answered
        self._stamp = file_stamp(self._roster_file)
        self.roster, self.roster_note = roster_in_force(unit, outbox, clock)
        self._remember_roster()
        seen = outbox.recall_bytes(_DOWN_SEEN)
        self._sealer = Sealer(keys, self.roster, boot, clock, Seen.from_bytes(seen) if seen else None)
        self._slots = Slots(outbox, unit.slots.period_s)
        self._slot = 0
        self.network = Network(False, "not connected yet")
        self._said = Said(clock.mono_ns())
        self._unheard = 0
        self.stands_still = False
        """The gateway's cursor has come, and what it has was not deleted."""
        self.refused_down = self.answered_ms = 0
        self._refused: Counter[str] = Counter()

    # upwards

    def send(self, courier: Courier, snapshot: Snapshot, send_ns: int) -> None:
        """One record of one size, to leave at `send_ns` (0: at once), with the entries that fit.

        Nothing while there is no broker: one that is counted and never leaves is missing to whoever listens.
        """
        if not self.network.connected:
            return
        self._slot += 1
        self._said.note(self._outbox.accepted, self._clock.mono_ns())
        now_ns, utc_ms = self._clock.mono_ns(), self._clock.utc_ms()
        body = self._slots.compose(self._slot, now_ns, utc_ms, snapshot, fits(self._sealer.capacity_bytes))
        if not self._hand_over(courier, body, send_ns):
            self._slots.lost_broker()

    def _hand_over(self, courier: Courier, body: Body, send_ns: int) -> bool:
        """Seal and send; False where nobody took it. A roster out of its time is a condition, not an end."""
        try:
            record = self._sealer.seal(body)
        except TrustError as error:
            self._faults.say("cannot-seal", True, str(error))
            return False
        self._faults.say("cannot-seal", False, "")
        return courier.send(Up(self._slot, record, send_ns))

    def renew_roster(self) -> int | None:
        """Look for another roster in the trust folder. Its version where it was accepted, else None."""
        stamp = file_stamp(self._roster_file)
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        try:
            roster, note = roster_in_force(self._unit, self._outbox, self._clock)
            self._sealer.replace_roster(roster)
        except TrustError as error:
            print(f"keeper: {error}", file=sys.stderr, flush=True)
            self._faults.say("roster-refused", True, str(error))
            return None
        self.roster, self.roster_note = roster, note
        self._remember_roster()
        self._faults.say("roster-refused", False, "")
        return roster.version

    def _remember_roster(self) -> None:
        self._outbox.remember(_ROSTER_VERSION, self.roster.version, lasting=True)
        self._outbox.remember(_APPROVERS, _lines_of(self.roster), lasting=True)

    # what the courier says

    def hear(self, message: Struct) -> None:
        if isinstance(message, Down):
            self._take_down(message.record)
        elif isinstance(message, Sent):
            carried = self._slots.entries_of(message.slot)
            if self.roster.delivery == "puback":
                self._settle(0, tuple((n, n) for n in carried))
        elif isinstance(message, Network):
            self.network = message
            if not message.connected:
                self._slots.lost_broker()

    def courier_gone(self) -> None:
        self.network = Network(False, "the courier is not running")
        self._slots.lost_broker()

    def _take_down(self, record: bytes) -> None:
        try:
            down = self._sealer.open_down(record)
        except WireError as error:
            self.refused_down += 1
            self._tell_refused(error.reason)
            return
        if self._sealer.down_seen is not None:
            self._outbox.remember(_DOWN_SEEN, self._sealer.down_seen.to_bytes())
        if down.heard == self._sealer.boot_id:
            made_after_ns = self._said.made_after(down, self._outbox.accepted)
            self._clock.hear(down.utc_ms, made_after_ns)
        self._hear_cursor(down)
        self._compare_clocks(down.utc_ms)
        if down.command is not None:
            self._obey(down.command)

    def _tell_refused(self, reason: str) -> None:
        """The first, the second, the fourth of a kind, and so on: whoever sends junk fills no log with it."""
        self._refused[reason] += 1
        count = self._refused[reason]
        if count & (count - 1) == 0:
            said = f"keeper: a record from the gateway was refused: {reason} ({count} of that kind)"
            print(said, file=sys.stderr, flush=True)

    def _hear_cursor(self, down: DownBody) -> None:
        """Cursor and ranges count only where they are about this boot's records, not about a copied key's."""
        if down.heard == self._sealer.boot_id:
            self._unheard = 0
            self._settle(down.cursor, down.ranges)
            self._answered()
            self.answered_ms = self._clock.system_ms()
            self._faults.say("another-with-this-key", False, "")
        elif down.heard:
            self._unheard += 1
            if self._unheard >= UNHEARD_DOWNS:
                self._faults.say("another-with-this-key", True, TECHNICAL["another-with-this-key"])

    def _compare_clocks(self, utc_ms: int) -> None:
        differs = abs(utc_ms - self._clock.system_ms()) > CLOCK_DIFFERENCE_MS
        self._faults.say("clock-differs", differs, TECHNICAL["clock-differs"])

    def _settle(self, cursor: int, ranges: tuple[tuple[int, int], ...]) -> None:
        try:
            self._outbox.settle(cursor, ranges)
        except StorageError as error:
            self._faults.say("cursor-beyond", True, str(error))
        else:
            self._faults.say("cursor-beyond", False, "")
            self.stands_still = self._outbox.settled < cursor
