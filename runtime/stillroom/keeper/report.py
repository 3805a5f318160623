"""What the keeper says of the whole unit: the snapshot in every record, and the status beside its sockets."""

import os

from stillroom import status
from stillroom.chain import FIRST_HEAD
from stillroom.config import UnitConfig
from stillroom.events import Snapshot
from stillroom.keeper.delivery import Delivery
from stillroom.keeper.faults import Faults
from stillroom.keeper.known import KnownTime
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.room import Room
from stillroom.keeper.upkeep import Upkeep
from stillroom.keeper.watch import GateWatch
from stillroom.link import Guarded


class Report:
    """Reads the keeper's parts, and changes none of them."""

    def __init__(
        self,
        settings: UnitConfig,
        clock: KnownTime,
        outbox: Outbox,
        gate: GateWatch,
        room: Room,
        faults: Faults,
        upkeep: Upkeep,
        delivery: Delivery,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._outbox = outbox
        self._gate = gate
        self._room = room
        self._faults = faults
        self._upkeep = upkeep
        self._delivery = delivery

    def snapshot(self, camera: str, model: str) -> Snapshot:
        """The room now, in the words of a camera and a model that the eye named last."""
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
            camera=camera,
            model=model,
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

    def write_status(self, guards: dict[str, Guarded], *, recorded: bool) -> None:
        """Into the run folder; a full disk loses a status, never the keeper."""
        network = self._delivery.network
        light = self._room.last if self._gate.decision.open else None
        status.write(
            self._settings.path(self._settings.paths.run),
            status.Status(
                unit=self._settings.unit,
                pid=os.getpid(),
                gate=self._gate.decision.reason,
                clock=self._clock.known().source,
                state=self._room.state,
                accepted=self._outbox.accepted,
                waiting=self._outbox.waiting,
                connected=network.connected,
                network=network.why,
                faults=self._faults.names,
                camera={row.name: f"{row.got} (asked: {row.asked})" for row in self._upkeep.view.settings},
                refused_down=self._delivery.refused_down,
                answered_ms=self._delivery.answered_ms,
                hottest_c=self._upkeep.heat.hottest_c,
                luma_mean=light.luma_mean if light else None,
                clipped=light.clipped if light else None,
                recorded=recorded,
                guards={
                    name: {row.name: status.HOLDS if row.held else row.why for row in found.rows}
                    for name, found in guards.items()
                },
            ),
        )
