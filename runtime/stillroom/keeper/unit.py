"""The unit without its sockets: what the keeper does with each message and at each beat.

Time comes from a `Clock`, messages from two doors. Everything that must last goes through the outbox.
"""

import sys

from msgspec import Struct

from stillroom import __version__
from stillroom.clock import Clock
from stillroom.config import UnitConfig
from stillroom.documents import Authorisation
from stillroom.errors import StillroomError
from stillroom.events import Command
from stillroom.keeper.asks import Asks
from stillroom.keeper.audit import AuditChain
from stillroom.keeper.commands import Commands
from stillroom.keeper.delivery import Delivery
from stillroom.keeper.eye_life import EyeLife, Notes, Peer
from stillroom.keeper.faults import Faults
from stillroom.keeper.gate import Decision
from stillroom.keeper.indicator import Indicator, opener
from stillroom.keeper.known import KnownTime
from stillroom.keeper.open_time import OpenTime
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.own_keys import own_keys
from stillroom.keeper.papers import TrustWatch
from stillroom.keeper.releases import Means, Releases
from stillroom.keeper.report import Report
from stillroom.keeper.restraint import Restraint
from stillroom.keeper.room import Room
from stillroom.keeper.rotated import tell_rotation
from stillroom.keeper.standing import KeptConditions
from stillroom.keeper.starts import SafeMode, Starts
from stillroom.keeper.storage import MB
from stillroom.keeper.telemetry import Telling
from stillroom.keeper.upkeep import Upkeep
from stillroom.keeper.view_policy import PolicyWatch
from stillroom.keeper.views import Views
from stillroom.keeper.watch import GateWatch
from stillroom.keys import KeyRing
from stillroom.link import CameraSettings, Fault, Guarded, Hello, Piece, Unbelieved, ViewFrame
from stillroom.observation import Observation
from stillroom.orders import ViewRequest
from stillroom.permits import authority_of

NOT_GUARDED = Guarded(())


def _reserve_bytes(settings: UnitConfig) -> int:
    return round(settings.outbox.reserve_mb * MB)


class Unit:
    """All of a unit's state but its sockets. One instance a process."""

    def __init__(
        self,
        settings: UnitConfig,
        clock: Clock,
        guarded: Guarded = NOT_GUARDED,
        safe: SafeMode | None = None,
    ) -> None:
        self._settings = settings
        keys = own_keys(settings)
        state = settings.path(settings.paths.state)
        self._outbox = Outbox(state, settings.outbox.max_entries, _reserve_bytes(settings))
        self._safe = safe or SafeMode(Starts(state), clock.mono_ns())
        boot = self._outbox.next_boot()
        self._clock = KnownTime(clock, self._outbox)
        kept = KeptConditions(self._outbox)
        self._open_ways(settings, keys, boot, kept)
        tell_rotation(self._outbox, state, keys, self._clock.utc_ms())
        self._take_orders(settings, keys)
        self._watch(settings, kept)
        self._camera = self._model = "none"
        self._refused = ""
        """What the eye refused last: camera, look or release."""
        self._guards = {"keeper": guarded}
        names = {"site": settings.site, "unit": settings.unit}
        self._audit.append(
            self._clock.utc_ms(),
            "start",
            version=__version__,
            boot=boot,
            guards_missing=guarded.missing,
            **names,
        )

    def _open_ways(self, settings: UnitConfig, keys: KeyRing, boot: int, kept: KeptConditions) -> None:
        """How the unit itself is, and what brings all of it to those who may know."""
        clock = self._clock
        self._faults = Faults(kept.tell, clock, settings, kept.of_the_unit)
        self._upkeep = Upkeep(settings, self._faults, self._outbox, clock)
        self._delivery = Delivery(
            settings,
            keys,
            boot,
            self._outbox,
            self._faults,
            clock,
            self._obey,
            lambda: self._upkeep.silence.heard_gateway(clock.mono_ns()),
        )

    def _take_orders(self, settings: UnitConfig, keys: KeyRing) -> None:
        """What people have signed and what is done by it, with the record of that."""
        outbox, clock, trust = self._outbox, self._clock, settings.path(settings.paths.trust)
        self._audit = AuditChain(outbox, keys.signing)
        self._open_time = OpenTime(self._audit, clock)
        policy = PolicyWatch(settings, outbox)
        self._views = Views(outbox, self._audit, clock, keys.signing, policy, self._faults)
        self._releases = Releases(
            Means(
                outbox,
                self._audit,
                clock,
                keys.signing,
                trust,
                settings.path(settings.paths.state),
                settings.unit,
                authority_of(settings),
                _reserve_bytes(settings),
            )
        )
        asks = Asks(outbox, self._audit, clock, self._look)
        self._restraint = Restraint(self._audit, clock)
        self._commands = Commands(outbox, trust, settings, clock, asks)
        self._gate = GateWatch(outbox, self._audit, clock, settings.pause, asks)

    def _watch(self, settings: UnitConfig, kept: KeptConditions) -> None:
        """The room, the eye and its light, and what is told of them."""
        outbox, clock, run = self._outbox, self._clock, settings.path(settings.paths.run)
        self._room = Room(settings, kept.tell, clock.utc_ms(), kept.of_persons)
        self._papers = TrustWatch(settings, outbox, self._audit, clock, self._faults, self._gate, self._adopt)
        self._telling = Telling(
            settings.technical,
            outbox,
            clock,
            self._faults,
            self._upkeep.heat,
            self._papers.changes,
            lambda: self._delivery.roster.version,
        )
        self._light = Indicator(opener(settings.panel, run), self._faults.say)
        self._life = EyeLife(run, clock, self._light)
        self._report = Report(
            settings, clock, outbox, self._gate, self._room, self._faults, self._upkeep, self._delivery
        )

    def connect(self, eye: Peer, courier: Peer) -> None:
        """The doors through which this unit speaks."""
        self._courier = courier
        self._life.connect(eye)

    # what the eye says

    def from_eye(self, message: Struct) -> None:
        if isinstance(message, Observation):
            self._model = message.model
            if self._gate.decision.open:
                self._safe.sees(self._clock.mono_ns())
                self._upkeep.looks.look(message.model, message.frame_ns)
                self._telling.saw(message)
                self._papers.trial.saw()
                self._room.observe(message, self._clock.mono_ns(), self._clock.utc_ms())
                self._upkeep.view.take_health(message.health)
                if message.health == "moved":
                    self._gate.note_moved_camera()
                    self.lease()
        elif isinstance(message, CameraSettings):
            self._upkeep.view.take_settings(message)
            opened = {"profile": message.profile, "opened": message.opened}
            self._audit.append(
                self._clock.utc_ms(), "camera-settings", **opened, differ=" ".join(message.differ)[:120]
            )
        elif isinstance(message, Guarded):
            self._take_guards("eye", message)
        elif isinstance(message, ViewFrame):
            self._faults.say("eye-refuses", False, "")
            self._views.took(message)
        elif isinstance(message, Piece):
            self._faults.say("eye-refuses", False, "")
            self._releases.took(message)
        elif isinstance(message, Unbelieved):
            self._eye_refuses(message)
        elif isinstance(message, Hello):
            self._camera, self._model = message.camera, message.model
            self._faults.say("camera-failed", False, "")
            self._faults.say("eye-refuses", False, "")
            self._open_time.opened(message.camera)
        elif isinstance(message, Fault):
            self._eye_failed(message)
        self._commit_urgent()

    def _eye_failed(self, fault: Fault) -> None:
        print(f"keeper: eye: {fault.text}", file=sys.stderr, flush=True)
        self._faults.say(fault.code, True, fault.text)
        if fault.code == "recording-ended":
            self._gate.refuse_camera()

    def _eye_refuses(self, message: Unbelieved) -> None:
        """It does not believe what this keeper does: another clock, papers that changed in between, or worse."""
        self._refused = message.what
        print(f"keeper: the eye refuses a {message.what}: {message.text}", file=sys.stderr, flush=True)
        if not self._faults.stands("eye-refuses"):
            self._audit.append(self._clock.utc_ms(), "eye-refused", of=message.what, why=message.why)
        self._faults.say("eye-refuses", True, f"it refuses a {message.what}: {message.why}")

    def eye_gone(self) -> None:
        """The eye's link has ended, and with it all that was known of the room."""
        self._life.gone()
        self._safe.lost_eye()
        self._releases.eye_gone()
        self._open_time.closed()
        self._upkeep.view.gone()
        self._room.lose_sight(self._clock.utc_ms(), "the camera is closed")

    # what the courier says

    def from_courier(self, message: Struct) -> None:
        self._upkeep.silence.heard_courier(self._clock.mono_ns())
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

    def _look(self, request: ViewRequest, by: str, note: bytes) -> None:
        """Somebody wants to look into the room. Raises Refusal."""
        decision = self._gate.decision
        allowed = decision.authorisation if decision.open else None
        self._views.ask(request, by, note, allowed, not self._light.dead)

    def _obey(self, command: Command) -> None:
        """Carry it out, once; then the trust folder is read as if somebody had put a file there.

        None in safe mode, which it may have brought about: the gateway brings it again until it hears of it.
        """
        if self._safe.on:
            return
        utc_ms = self._clock.utc_ms()
        receipt = self._commands.carry_out(command, self._delivery.roster)
        if receipt is None:
            return
        self._outbox.add(utc_ms, receipt)
        self._restraint.note(utc_ms, receipt, self._commands.in_vain)
        self._commit(utc_ms)
        self.read_trust()
        self.lease()

    # the beats

    def lease(self) -> None:
        """Five times a second: ask the gate; let the eye live, or end it."""
        if self._light.pressed():
            self._gate.press()
        self._gate.safe_mode = self._safe.on
        decision = self._gate.decide(self._gate_changed)
        self._releases.judge(decision.authorisation if decision.open else None, not self._light.dead)
        if not self._show(decision):
            decision = self._gate.decide(self._gate_changed)
        self._upkeep.view.moved(self._gate.camera_moved)
        if not decision.open or decision.authorisation is None:
            self._views.stop(decision.reason)
            self._releases.stop(decision.reason)
            self._life.end()
            self._safe.withhold()
            self._commit_urgent()
            return
        self._safe.lend(self._clock.mono_ns())
        frame = self._views.leaves()
        if frame is not None:
            self._courier.send(frame)
        room = self._room
        asked, record = self._views.asked(lambda: room.seen), self._releases.asked()
        self._life.show_papers(self._signed(decision.authorisation))
        self._life.lend(decision.authorisation.scopes, room.is_empty, room.everybody_left, asked, record)
        self._open_time.still(decision.authorisation.id)
        self._commit_urgent()

    def _signed(self, allowed: Authorisation) -> Notes:
        """What the eye must have seen to open its camera, and to seal frames; the roster, who may sign it, first."""
        wanted = (*self._views.notes, *self._releases.notes)
        if not wanted and self._refused != "camera":
            self._faults.say("eye-refuses", False, "")
        standing = self._papers.notes.get(allowed.id, b"")
        return (("roster", self._delivery.roster_note), ("authorisation", standing), *wanted)

    def _show(self, decision: Decision) -> bool:
        """The light; false where it must work and does not: the camera may not open then."""
        failed = "camera-failed" in self._faults.names
        seen = {"viewed": self._views.announced, "recorded": self._releases.announced}
        works = self._life.show(decision, failed, **seen)
        self._gate.indicator_dead = not works and self._settings.panel.required
        return not (decision.open and self._gate.indicator_dead)

    def read_trust(self) -> None:
        """Twice a second: the documents that the site has put there."""
        self._papers.read(self._delivery)
        self._views.read_policy(self._delivery.roster)
        self._releases.read(self._delivery.roster)

    def _adopt(self, settings: UnitConfig) -> None:
        """The authority has changed them from afar, or the room has another name."""
        self._room.adopt(settings)
        self._faults.adopt(settings)

    def tick(self) -> None:
        """Twice a second: the room's own time, and what can be noticed by time alone."""
        now_ns, sensing = self._clock.mono_ns(), self._gate.decision.open
        self._safe.pass_time(now_ns)
        self._faults.say("crash-loop", bool(self._safe.trouble), self._safe.trouble)
        if sensing:
            self._room.tick(now_ns, self._clock.utc_ms())
        else:
            self._room.pass_time(self._clock.utc_ms())
        silent = sensing and self._room.silent(now_ns)
        self._faults.say("camera-silent", silent, "no picture for two seconds")
        self._upkeep.tick(self._courier.occupied, self._delivery.network)
        self._telling.tick()
        self._papers.trial.tick(sensing)

    def slot(self, send_ns: int = 0) -> None:
        """Once a slot: accept what is queued, then seal one record of one size to be sent at `send_ns` (0: at once)."""
        self._commit(self._clock.utc_ms())
        self._delivery.send(self._courier, self._report.snapshot(self._camera, self._model), send_ns)
        self._report.write_status(self._guards, recorded=self._releases.announced)

    @property
    def gets_on(self) -> bool:
        """Of the slot that is just over: what was queued is on the card, and what the gateway has is off it.

        Or the card has failed, which is said: what waits in memory then would be lost with this process.
        """
        return self._outbox.fault is not None or not self._delivery.stands_still

    @property
    def safe(self) -> bool:
        """It has failed too often: it senses nothing, and whatever of it still fails is passed over."""
        return self._safe.on

    def button(self) -> None:
        """The room's pause button was pressed."""
        self._gate.press()
        self._commit(self._clock.utc_ms())
        self.lease()

    def close(self) -> None:
        """End the eye, accept what waits, send one last record."""
        self._views.stop("stop")
        self._releases.close()
        self._room.lose_sight(self._clock.utc_ms(), "the unit stops")
        self._life.end()
        self._papers.changes.rest()
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
        self._upkeep.card()

    def _gate_changed(self, decision: Decision) -> None:
        if decision.open:
            self._room.expect(self._clock.mono_ns())
            return
        self._room.lose_sight(self._clock.utc_ms(), f"not sensing: {decision.reason}")
        self._life.end()
