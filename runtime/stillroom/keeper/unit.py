"""The unit without its sockets: what the keeper does with each message and at each beat.

Time comes from a `Clock`, messages from two doors. Everything that must last goes through the outbox.
"""

import sys
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from stillroom import __version__, keys
from stillroom.clock import NS_PER_S, Clock
from stillroom.config import UnitConfig
from stillroom.errors import StillroomError, StorageError, TrustError, WireError
from stillroom.events import Body, Command, ConditionChanged, DownBody, Snapshot
from stillroom.keeper.audit import AuditChain
from stillroom.keeper.authorisation import Papers, TrustFolder
from stillroom.keeper.camera import CameraWatch
from stillroom.keeper.commands import Commands
from stillroom.keeper.gate import Decision
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.room import Room
from stillroom.keeper.roster import ROSTER_FILE, load_roster
from stillroom.keeper.seal import Sealer
from stillroom.keeper.slots import Slots, fits
from stillroom.keeper.storage import MB, CardWatch
from stillroom.keeper.watch import GateWatch
from stillroom.link import EYE_START, CameraSettings, Down, Fault, Halt, Hello, Lease, Network, Sent, Up
from stillroom.observation import Observation
from stillroom.replay import Seen

LEASE_TTL_MS = 900
"""Less than the second within which the camera must be dead; four and a half lease periods."""
STATUS = "keeper.json"
GATEWAY_TIME_GOOD_FOR_S = 600
UNHEARD_DOWNS = 8
"""After a start the gateway speaks of the boot before until it has opened a record of this one."""
CLOCK_DIFFERENCE_MS = 10_000
_DOWN_SEEN = "down_seen"
_ROSTER_VERSION = "roster_version"


class Peer(Protocol):
    """One of the keeper's doors."""

    @property
    def occupied(self) -> bool: ...

    def send(self, message: Struct) -> bool: ...

    def put_out(self) -> None: ...


class Unit:
    """All of a unit's state but its sockets. One instance a process."""

    def __init__(self, settings: UnitConfig, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._run = settings.path(settings.paths.run)
        self._trust = settings.path(settings.paths.trust)
        unit_keys = _own_keys(settings)
        reserve_bytes = round(settings.outbox.reserve_mb * MB)
        state = settings.path(settings.paths.state)
        self._outbox = Outbox(state, settings.outbox.max_entries, reserve_bytes)
        self._card = CardWatch(self._outbox, reserve_bytes)
        boot = self._outbox.next_boot()
        self._roster_stamp = _stamp(self._trust / ROSTER_FILE)
        self._roster = load_roster(self._trust, clock, self._outbox.recall(_ROSTER_VERSION))
        seen = self._outbox.recall_bytes(_DOWN_SEEN)
        self._sealer = Sealer(unit_keys, self._roster, boot, clock, Seen.from_bytes(seen) if seen else None)
        self._folder = TrustFolder(self._trust, settings.unit)
        self._commands = Commands(self._outbox, self._trust, settings.unit, clock)
        self._audit = AuditChain(self._outbox, unit_keys.signing)
        self._gate = GateWatch(self._outbox, self._audit, clock, settings.pause)
        self._room = Room(settings, self._outbox.add, clock.utc_ms())
        self._slots = Slots(self._outbox, settings.slots.period_s)
        self._slot = 0
        self._camera = self._model = "none"
        self._view = CameraWatch(self._condition)
        self._faults: set[str] = set()
        self._network = Network(False, "not connected yet")
        self._gateway_time_until_ns = 0
        self._refused_down = 0
        self._unheard = 0
        (self._run / EYE_START).unlink(missing_ok=True)
        self._outbox.remember(_ROSTER_VERSION, self._roster.version, lasting=True)
        names = {"site": settings.site, "unit": settings.unit}
        self._audit.append(clock.utc_ms(), "start", version=__version__, boot=boot, **names)
        if self._outbox.damage:
            self._audit.append(clock.utc_ms(), "storage-damaged", found=self._outbox.damage[:60])

    def connect(self, eye: Peer, courier: Peer) -> None:
        """The doors through which this unit speaks."""
        self._eye, self._courier = eye, courier

    # what the eye says

    def from_eye(self, message: Struct) -> None:
        if isinstance(message, Observation):
            self._model = message.model
            if self._gate.decision.open:
                self._room.observe(message, self._clock.mono_ns(), self._clock.utc_ms())
                self._view.take_health(message.health)
                if message.health == "moved":
                    self._gate.note_moved_camera()
                    self.lease()
        elif isinstance(message, CameraSettings):
            self._view.take_settings(message)
            opened = {"profile": message.profile, "opened": message.opened}
            self._audit.append(
                self._clock.utc_ms(), "camera-settings", **opened, differ=" ".join(message.differ)[:120]
            )
        elif isinstance(message, Hello):
            self._camera, self._model = message.camera, message.model
            self._condition("camera-failed", False, "")
            self._audit.append(self._clock.utc_ms(), "camera-opened", camera=message.camera)
        elif isinstance(message, Fault):
            self._eye_failed(message)
        self._commit_urgent()

    def _eye_failed(self, fault: Fault) -> None:
        print(f"keeper: eye: {fault.text}", file=sys.stderr, flush=True)
        self._condition(fault.code, True, fault.text)
        if fault.code == "recording-ended":
            self._gate.refuse_camera()

    def eye_gone(self) -> None:
        """The eye's link has ended, and with it all that was known of the room."""
        self._audit.append(self._clock.utc_ms(), "camera-closed")
        self._view.gone()
        self._room.lose_sight(self._clock.utc_ms(), "the camera is closed")

    # what the courier says

    def from_courier(self, message: Struct) -> None:
        if isinstance(message, Down):
            self._take_down(message.record)
        elif isinstance(message, Sent):
            carried = self._slots.entries_of(message.slot)
            if self._roster.delivery == "puback":
                self._settle(0, tuple((n, n) for n in carried))
        elif isinstance(message, Network):
            self._network = message
            if not message.connected:
                self._slots.lost_broker()

    def courier_gone(self) -> None:
        self._network = Network(False, "the courier is not running")
        self._slots.lost_broker()

    def _take_down(self, record: bytes) -> None:
        try:
            down = self._sealer.open_down(record)
        except WireError as error:
            self._refused_down += 1
            print(
                f"keeper: a record from the gateway was refused: {error.reason}", file=sys.stderr, flush=True
            )
            return
        if self._sealer.down_seen is not None:
            self._outbox.remember(_DOWN_SEEN, self._sealer.down_seen.to_bytes())
        self._hear_cursor(down)
        differs = abs(down.utc_ms - self._clock.utc_ms()) > CLOCK_DIFFERENCE_MS
        if not differs:
            self._gateway_time_until_ns = self._clock.mono_ns() + GATEWAY_TIME_GOOD_FOR_S * NS_PER_S
        self._condition("clock-differs", differs, "system clock and gateway differ by more than 10 s")
        if down.command is not None:
            self._obey(down.command)

    def _hear_cursor(self, down: DownBody) -> None:
        """Cursor and ranges count only where they are about this boot's records, not about a copied key's."""
        if down.heard == self._sealer.boot_id:
            self._unheard = 0
            self._settle(down.cursor, down.ranges)
        elif down.heard:
            self._unheard += 1
        why = "the gateway hears another unit with this one's key"
        self._condition("another-with-this-key", self._unheard >= UNHEARD_DOWNS, why)

    def _obey(self, command: Command) -> None:
        """Carry it out, once; then the trust folder is read as if somebody had put a file there."""
        utc_ms = self._clock.utc_ms()
        receipt = self._commands.carry_out(command, self._roster)
        if receipt is None:
            return
        self._outbox.add(utc_ms, receipt)
        what = {"kind": receipt.kind, "document": receipt.document or "none", "outcome": receipt.outcome}
        self._audit.append(utc_ms, "command", number=command.number, **what)
        self._commit(utc_ms)
        self.read_trust()

    def _settle(self, cursor: int, ranges: tuple[tuple[int, int], ...]) -> None:
        try:
            self._outbox.settle(cursor, ranges)
        except StorageError as error:
            self._condition("cursor-beyond", True, str(error))

    # the beats

    def lease(self) -> None:
        """Five times a second: ask the gate; let the eye live, or end it."""
        decision = self._gate.decide(self._gate_changed)
        self._view.moved(self._gate.camera_moved)
        if not decision.open or decision.authorisation is None:
            self._close_eye()
            self._commit_urgent()
            return
        self._allow_start()
        scopes = decision.authorisation.scopes
        self._eye.send(
            Lease(LEASE_TTL_MS, "breathing" in scopes, "pulse" in scopes, room_empty=self._room.is_empty)
        )
        self._commit_urgent()

    def read_trust(self) -> None:
        """Twice a second: the documents that the site has put there."""
        try:
            papers = self._folder.poll()
        except TrustError as error:
            self._condition("trust-unreadable", True, str(error))
            papers = Papers()
        else:
            self._condition("trust-unreadable", False, "")
        self._gate.take_papers(papers)
        stamp = _stamp(self._trust / ROSTER_FILE)
        if stamp != self._roster_stamp:
            self._roster_stamp = stamp
            self._replace_roster()

    def _replace_roster(self) -> None:
        """Another roster lies in the trust folder: seal to its recipients from now on, or keep the one before."""
        try:
            roster = load_roster(self._trust, self._clock, self._outbox.recall(_ROSTER_VERSION))
            self._sealer.replace_roster(roster)
        except TrustError as error:
            print(f"keeper: {error}", file=sys.stderr, flush=True)
            self._condition("roster-refused", True, str(error))
            return
        self._roster = roster
        self._outbox.remember(_ROSTER_VERSION, roster.version, lasting=True)
        self._condition("roster-refused", False, "")
        self._audit.append(self._clock.utc_ms(), "roster-replaced", version=roster.version)

    def tick(self) -> None:
        """Twice a second: the room's own time."""
        if self._gate.decision.open:
            self._room.tick(self._clock.mono_ns(), self._clock.utc_ms())
            silent = self._room.silent(self._clock.mono_ns())
            self._condition("camera-silent", silent, "no picture for two seconds")
        else:
            self._room.pass_time(self._clock.utc_ms())

    def slot(self, send_ns: int = 0) -> None:
        """Once a slot: accept what is queued, then seal one record of one size to be sent at `send_ns` (0: at once)."""
        self._slot += 1
        utc_ms = self._clock.utc_ms()
        self._commit(utc_ms)
        body = self._slots.compose(
            self._slot, self._clock.mono_ns(), utc_ms, self._snapshot(), fits(self._sealer.capacity_bytes)
        )
        if not self._send(body, send_ns) or not self._network.connected:
            self._slots.lost_broker()
        self._write_status()

    def _send(self, body: Body, send_ns: int) -> bool:
        """Seal and hand over; False where nobody took it. A roster out of time is a condition, not an end."""
        try:
            record = self._sealer.seal(body)
        except TrustError as error:
            self._condition("cannot-seal", True, str(error))
            return False
        self._condition("cannot-seal", False, "")
        return self._courier.send(Up(self._slot, record, send_ns))

    def button(self) -> None:
        """The room's pause button was pressed."""
        self._gate.press()
        self._commit(self._clock.utc_ms())
        self.lease()

    def close(self) -> None:
        """End the eye, accept what waits, send one last record."""
        self._room.lose_sight(self._clock.utc_ms(), "the unit stops")
        self._close_eye()
        self._audit.append(self._clock.utc_ms(), "stop")
        try:
            self.slot()
        except StillroomError as error:
            print(f"keeper: {error}", file=sys.stderr, flush=True)
        self._outbox.close()

    # helpers

    def _commit_urgent(self) -> None:
        if self._outbox.urgent and self._outbox.fault is None:
            self._commit(self._clock.utc_ms())

    def _commit(self, utc_ms: int) -> None:
        self._outbox.commit(utc_ms)
        for code, active, why in self._card.look():
            self._condition(code, active, why)

    def _gate_changed(self, decision: Decision) -> None:
        if decision.open:
            self._room.expect(self._clock.mono_ns())
            return
        self._room.lose_sight(self._clock.utc_ms(), f"not sensing: {decision.reason}")
        self._close_eye()

    def _allow_start(self) -> None:
        start = self._run / EYE_START
        if not start.exists():
            start.touch(mode=0o600)

    def _close_eye(self) -> None:
        (self._run / EYE_START).unlink(missing_ok=True)
        if self._eye.occupied:
            self._eye.send(Halt())
            self._eye.put_out()

    def _condition(self, code: str, active: bool, why: str) -> None:
        """A technical condition begins or ends; said once each."""
        if active == (code in self._faults):
            return
        (self._faults.add if active else self._faults.discard)(code)
        event = ConditionChanged(code, "technical", active, why[:120] if active else "")
        self._outbox.add(self._clock.utc_ms(), event)

    def _snapshot(self) -> Snapshot:
        room = self._room
        last = room.last
        return Snapshot(
            room=self._gate.room,
            state=room.state,
            state_since_ms=room.state_since_ms,
            gate=self._gate.decision.reason,
            breathing=room.breathing,
            pulse=room.pulse,
            motion=room.motion,
            camera=self._camera,
            model=self._model,
            frames_per_s=last.frames_per_s if last else 0.0,
            frames_dropped=last.frames_dropped if last else 0,
            faults=tuple(sorted(self._faults)),
            accepted=self._outbox.accepted,
            waiting=self._outbox.waiting,
            clock="gateway" if self._clock.mono_ns() < self._gateway_time_until_ns else "system",
        )

    def _write_status(self) -> None:
        """What this unit would tell somebody standing beside it; no reading, no key."""
        status = {
            "unit": self._settings.unit,
            "gate": self._gate.decision.reason,
            "state": self._room.state,
            "accepted": self._outbox.accepted,
            "waiting": self._outbox.waiting,
            "connected": self._network.connected,
            "network": self._network.why,
            "faults": sorted(self._faults),
            "camera": {row.name: f"{row.got} (asked: {row.asked})" for row in self._view.settings},
            "refused_down": self._refused_down,
        }
        _replace(self._run / STATUS, msgspec.json.encode(status))


def _own_keys(settings: UnitConfig) -> keys.KeyRing:
    """The unit's keys. Raises TrustError where they are another unit's: papers and topics would not fit them."""
    folder = settings.path(settings.paths.keys)
    ring = keys.load_unit_keys(folder)
    if (ring.site, ring.name) != (settings.site, settings.unit):
        raise TrustError(
            f"{folder / keys.UNIT_KEY_FILE}: the key of unit '{ring.name}' of site '{ring.site}', but the "
            f"configuration is of unit '{settings.unit}' of site '{settings.site}': put the unit's own key there, "
            "or correct 'unit'"
        )
    return ring


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Something that changes when the file does; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _replace(path: Path, data: bytes) -> None:
    """Write by temporary file and rename; a full disk loses a status, never the keeper."""
    temporary = path.with_suffix(".new")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        print(f"keeper: {path}: {error.strerror}", file=sys.stderr, flush=True)
