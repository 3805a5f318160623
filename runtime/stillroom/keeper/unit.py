"""The unit without its sockets: what the keeper does with each message and at each beat.

Time comes from a `Clock`, messages from two doors. Everything that must last goes through the outbox.
"""

import sys
from typing import Protocol

from msgspec import Struct

from stillroom import __version__, keys, status
from stillroom.chain import FIRST_HEAD, STORAGE_DAMAGED
from stillroom.clock import NS_PER_MS, Clock
from stillroom.config import UnitConfig
from stillroom.errors import StillroomError, TrustError
from stillroom.events import Command, Snapshot
from stillroom.keeper.asks import Asks
from stillroom.keeper.audit import AuditChain
from stillroom.keeper.authorisation import Papers, TrustFolder
from stillroom.keeper.camera import CameraWatch
from stillroom.keeper.commands import Commands
from stillroom.keeper.delivery import Delivery
from stillroom.keeper.faults import Faults
from stillroom.keeper.gate import Decision
from stillroom.keeper.indicator import Indicator, Pattern, opener
from stillroom.keeper.known import KnownTime
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.room import Room
from stillroom.keeper.settings import ConfigurationWatch
from stillroom.keeper.storage import MB, CardWatch
from stillroom.keeper.watch import GateWatch
from stillroom.link import EYE_START, CameraSettings, Fault, Guarded, Halt, Hello, Lease
from stillroom.observation import Observation

LEASE_TTL_MS = 900
"""Less than the second within which the camera must be dead; four and a half lease periods."""


class Peer(Protocol):
    """One of the keeper's doors."""

    @property
    def occupied(self) -> bool: ...

    def send(self, message: Struct) -> bool: ...

    def put_out(self) -> None: ...


FAULTS = ("clock-unsure", "indicator-fault", "camera-refused", "camera-moved")
"""Reasons of the gate that somebody should look after; the light says so."""
NOT_GUARDED = Guarded(())


class Unit:
    """All of a unit's state but its sockets. One instance a process."""

    def __init__(self, settings: UnitConfig, clock: Clock, guarded: Guarded = NOT_GUARDED) -> None:
        self._settings = settings
        self._run = settings.path(settings.paths.run)
        self._trust = settings.path(settings.paths.trust)
        unit_keys = _own_keys(settings)
        reserve_bytes = round(settings.outbox.reserve_mb * MB)
        state = settings.path(settings.paths.state)
        self._outbox = Outbox(state, settings.outbox.max_entries, reserve_bytes)
        self._card = CardWatch(self._outbox, reserve_bytes)
        boot = self._outbox.next_boot()
        self._clock = clock = KnownTime(clock, self._outbox)
        self._faults = Faults(lambda event: self._outbox.add(clock.utc_ms(), event))
        self._delivery = Delivery(
            self._trust,
            unit_keys,
            boot,
            settings.slots.period_s,
            self._outbox,
            self._faults,
            clock,
            self._obey,
        )
        self._folder = TrustFolder(self._trust, settings.unit)
        self._audit = AuditChain(self._outbox, unit_keys.signing)
        asks = Asks(self._outbox, self._audit, clock)
        self._commands = Commands(self._outbox, self._trust, settings.unit, clock, asks)
        self._gate = GateWatch(self._outbox, self._audit, clock, settings.pause, asks)
        self._room = Room(settings, self._outbox.add, clock.utc_ms())
        self._changes = ConfigurationWatch(self._trust, settings, self._outbox)
        self._camera = self._model = "none"
        self._view = CameraWatch(self._faults.say)
        self._guards = {"keeper": guarded}
        self._light = Indicator(opener(settings.panel, self._run), self._faults.say)
        self._lit_until_ns = 0
        (self._run / EYE_START).unlink(missing_ok=True)
        names = {"site": settings.site, "unit": settings.unit}
        missing = guarded.missing
        if self._audit.begins_anew or self._outbox.damage:
            found = self._outbox.damage or "in an earlier run"
            self._audit.append(clock.utc_ms(), STORAGE_DAMAGED, found=found[:60])
        self._audit.append(
            clock.utc_ms(), "start", version=__version__, boot=boot, guards_missing=missing, **names
        )

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
        elif isinstance(message, Guarded):
            self._take_guards("eye", message)
        elif isinstance(message, Hello):
            self._camera, self._model = message.camera, message.model
            self._faults.say("camera-failed", False, "")
            self._audit.append(self._clock.utc_ms(), "camera-opened", camera=message.camera)
        elif isinstance(message, Fault):
            self._eye_failed(message)
        self._commit_urgent()

    def _eye_failed(self, fault: Fault) -> None:
        print(f"keeper: eye: {fault.text}", file=sys.stderr, flush=True)
        self._faults.say(fault.code, True, fault.text)
        if fault.code == "recording-ended":
            self._gate.refuse_camera()

    def eye_gone(self) -> None:
        """The eye's link has ended, and with it all that was known of the room."""
        self._audit.append(self._clock.utc_ms(), "camera-closed")
        self._view.gone()
        self._room.lose_sight(self._clock.utc_ms(), "the camera is closed")

    # what the courier says

    def from_courier(self, message: Struct) -> None:
        if isinstance(message, Guarded):
            self._take_guards("courier", message)
        else:
            self._delivery.hear(message)

    def _take_guards(self, process: str, found: Guarded) -> None:
        """What a process forbids itself: into the status, and into the audit chain where that has changed."""
        before = self._guards.get(process)
        self._guards[process] = found
        if before is None or before.missing != found.missing:
            self._audit.append(self._clock.utc_ms(), "guards", process=process, missing=found.missing)

    def courier_gone(self) -> None:
        self._delivery.courier_gone()

    def _obey(self, command: Command) -> None:
        """Carry it out, once; then the trust folder is read as if somebody had put a file there."""
        utc_ms = self._clock.utc_ms()
        receipt = self._commands.carry_out(command, self._delivery.roster)
        if receipt is None:
            return
        self._outbox.add(utc_ms, receipt)
        what = {"kind": receipt.kind, "document": receipt.document or "none", "outcome": receipt.outcome}
        self._audit.append(utc_ms, "command", number=command.number, **what)
        self._commit(utc_ms)
        self.read_trust()
        self.lease()

    # the beats

    def lease(self) -> None:
        """Five times a second: ask the gate; let the eye live, or end it."""
        if self._light.pressed():
            self._gate.press()
        decision = self._gate.decide(self._gate_changed)
        if not self._show(decision):
            decision = self._gate.decide(self._gate_changed)
        self._view.moved(self._gate.camera_moved)
        if not decision.open or decision.authorisation is None:
            self._close_eye()
            self._commit_urgent()
            return
        self._allow_start()
        self._lit_until_ns = self._clock.mono_ns() + LEASE_TTL_MS * NS_PER_MS
        scopes = decision.authorisation.scopes
        self._eye.send(
            Lease(LEASE_TTL_MS, "breathing" in scopes, "pulse" in scopes, room_empty=self._room.is_empty)
        )
        self._commit_urgent()

    def _show(self, decision: Decision) -> bool:
        """The light: before a camera opens, until no eye can live any more. False where it must work and does not."""
        now_ns = self._clock.mono_ns()
        if decision.open or now_ns < self._lit_until_ns:
            pattern: Pattern = "steady"
        else:
            fault = decision.reason in FAULTS or "camera-failed" in self._faults.names
            pattern = "fault" if fault else "off"
        works = self._light.show(pattern, now_ns)
        self._gate.indicator_dead = not works and self._settings.panel.required
        return not (decision.open and self._gate.indicator_dead)

    def read_trust(self) -> None:
        """Twice a second: the documents that the site has put there."""
        try:
            papers = self._folder.poll(self._delivery.roster.approver_signers)
        except TrustError as error:
            self._faults.say("trust-unreadable", True, str(error))
            papers = Papers()
        else:
            self._faults.say("trust-unreadable", False, "")
        self._clock.has_gateway = self._delivery.roster.delivery == "cursor"
        self._gate.take_papers(papers)
        version = self._delivery.renew_roster()
        if version is not None:
            self._audit.append(self._clock.utc_ms(), "roster-replaced", version=version)
        self._read_configuration()

    def _read_configuration(self) -> None:
        """What the authority has changed of this unit from afar: all of it from now on, or nothing."""
        try:
            changed = self._changes.poll()
        except TrustError as error:
            self._faults.say("configuration-refused", True, str(error))
            return
        self._faults.say("configuration-refused", False, "")
        if changed is not None:
            self._room.adopt(changed)
            self._audit.append(self._clock.utc_ms(), "configuration-changed", version=self._changes.version)

    def tick(self) -> None:
        """Twice a second: the room's own time."""
        if self._gate.decision.open:
            self._room.tick(self._clock.mono_ns(), self._clock.utc_ms())
            silent = self._room.silent(self._clock.mono_ns())
            self._faults.say("camera-silent", silent, "no picture for two seconds")
        else:
            self._room.pass_time(self._clock.utc_ms())

    def slot(self, send_ns: int = 0) -> None:
        """Once a slot: accept what is queued, then seal one record of one size to be sent at `send_ns` (0: at once)."""
        self._commit(self._clock.utc_ms())
        self._delivery.send(self._courier, self._snapshot(), send_ns)
        self._write_status()

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
        self._light.show("off", self._clock.mono_ns())
        self._light.close()
        self._outbox.close()

    # helpers

    def _commit_urgent(self) -> None:
        if self._outbox.urgent and self._outbox.fault is None:
            self._commit(self._clock.utc_ms())

    def _commit(self, utc_ms: int) -> None:
        self._outbox.commit(utc_ms)
        for code, active, why in self._card.look():
            self._faults.say(code, active, why)

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

    def _snapshot(self) -> Snapshot:
        room = self._room
        last = room.last
        links, head = self._outbox.last_link() or (0, FIRST_HEAD)
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
            faults=self._faults.names,
            accepted=self._outbox.accepted,
            waiting=self._outbox.waiting,
            clock=self._clock.known().source,
            refused=self._delivery.refused_down,
            links=links,
            head=head,
        )

    def _write_status(self) -> None:
        network = self._delivery.network
        status.write(
            self._run,
            status.Status(
                unit=self._settings.unit,
                gate=self._gate.decision.reason,
                clock=self._clock.known().source,
                state=self._room.state,
                accepted=self._outbox.accepted,
                waiting=self._outbox.waiting,
                connected=network.connected,
                network=network.why,
                faults=self._faults.names,
                camera={row.name: f"{row.got} (asked: {row.asked})" for row in self._view.settings},
                refused_down=self._delivery.refused_down,
                guards={
                    name: {row.name: status.HOLDS if row.held else row.why for row in found.rows}
                    for name, found in self._guards.items()
                },
            ),
        )


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
