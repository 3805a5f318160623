"""Sixty-four units' ends of their looks in one process: couriers as they are, keeper and eye played by one hand."""

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from parties import body

from stillroom import config
from stillroom.clock import NS_PER_S, SystemClock
from stillroom.courier.main import Courier
from stillroom.errors import LinkError
from stillroom.keeper.roster import load_roster
from stillroom.keeper.seal import Sealer
from stillroom.keys import load_unit_keys
from stillroom.link import CourierHears, CourierSays, Link, Look, Network, Up
from stillroom.view_forms import FRAMES_PER_S
from stillroom.view_seal import PIXELS_AT, PLAIN_BYTES, FrameSealer
from stillroom.view_wire import sign, view_id
from tests.patience import WITHIN_S

SECONDS = 15
FRAMES = SECONDS * FRAMES_PER_S
FRAME_NS = NS_PER_S // FRAMES_PER_S
SLOT_FRAMES = 2 * FRAMES_PER_S
STARTS_IN_NS = 2 * NS_PER_S


class Unit:
    """A keeper's end of one courier: real keys, frames for one viewer, and a record a slot."""

    def __init__(self, folder: Path, session: bytes) -> None:
        settings = config.load(folder / "unit.toml")
        clock = SystemClock()
        self._keys = load_unit_keys(settings.path(settings.paths.keys))
        self._up = Sealer(self._keys, load_roster(settings, clock), 1, clock)
        self._plain = bytearray(PLAIN_BYTES)
        self._frames = FrameSealer(self._keys.signing.verify_key.id, view_id(session), session, self._plain)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._link = Link(ours, CourierSays)
        self._courier = Courier(settings, Link(theirs, CourierHears))
        self.connected = False
        for work in (self._forward, self._hear):
            threading.Thread(target=work, daemon=True).start()

    def _forward(self) -> None:
        try:
            self._courier.run()
        except LinkError:
            self._courier.stop()

    def _hear(self) -> None:
        try:
            while (message := self._link.receive(wait=True)) is not None:
                if isinstance(message, Network):
                    self.connected = message.connected
        except LinkError:
            return

    def frame(self, number: int) -> bytes:
        """Sealed and signed, as eye and keeper do together."""
        self._plain[PIXELS_AT:] = bytes([number % 256]) * (PLAIN_BYTES - PIXELS_AT)
        sealed = self._frames.seal(number, "picture", 16, "shown", 1000 * SECONDS)
        return sign(sealed, self._keys.signing)

    def hand_over(self, frame: bytes) -> bool:
        return self._link.send(Look(frame))

    def tell(self, slot: int) -> None:
        holding = body()
        self._link.send(Up(slot, self._up.seal(holding), time.monotonic_ns()))

    def end(self) -> None:
        self._link.close()


def send(folders: list[Path], sessions: list[bytes], looks: int, file: Path) -> None:
    """A process: all units. Writes when each frame was handed over, ns of the monotonic clock, (units, frames)."""
    handed = np.zeros((looks, FRAMES), np.int64)
    units = [Unit(*each) for each in zip(folders, sessions, strict=True)]
    wait_for(lambda: all(unit.connected for unit in units), "all couriers connected")
    (file.parent / "connected").touch()
    wait_for((file.parent / "go").exists, "viewers")
    start = time.monotonic_ns() + STARTS_IN_NS
    for number in range(FRAMES):
        for place, unit in enumerate(units):
            due = start + number * FRAME_NS + place * FRAME_NS // len(units)
            if place < looks:
                frame = unit.frame(number)
            time.sleep(max(0, due - time.monotonic_ns()) / NS_PER_S)
            if place < looks:
                handed[place, number] = time.monotonic_ns()
                assert unit.hand_over(frame), "the courier does not keep up"
            if number % SLOT_FRAMES == place % SLOT_FRAMES:
                unit.tell(number // SLOT_FRAMES)
    np.save(file, handed)
    time.sleep(2)  # what is under way arrives
    for unit in units:
        unit.end()


def wait_for(done: Callable[[], object], what: str) -> None:
    give_up = time.monotonic() + WITHIN_S
    while not done():
        assert time.monotonic() < give_up, f"not within {WITHIN_S} s: {what}"
        time.sleep(0.05)
