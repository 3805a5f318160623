"""The camera's process of a self-test, seen from the side that has the keys: started, lent leases, listened to, ended.

As the keeper does with an eye: the light is on before the first lease, each lease is asked for anew, and whatever is
against it ends the process within a second.
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from stillroom.clock import SystemClock
from stillroom.config import UnitConfig
from stillroom.errors import LinkError
from stillroom.files import make_folder
from stillroom.keeper.eye_life import LEASE_TTL_MS
from stillroom.keeper.indicator import Indicator
from stillroom.link import Fault, Guarded, Halt, Lease, Link, Listener
from stillroom.run import SMALL
from stillroom.selftest_leave import Leave
from stillroom.selftest_link import SOCKET, Beat, CameraSays, Job, Kernel, Look, Models, Ready, Soaked

LEASE_S = 0.2
START_WITHIN_S, SILENT_S = 60.0, 10.0
"""Until it has looked at models and kernel; from one word to the next while there should be frames."""
END_WITHIN_S = 3.0


@dataclass
class Seen:
    """What the camera's process has said, as far as it came."""

    guards: Guarded | str = "it said nothing"
    models: Models | None = None
    kernels: list[Kernel] = field(default_factory=list)
    look: Look | None = None
    soaked: Soaked | None = None
    against: str = ""
    """Why the camera could not be open, or not any more."""
    fault: str = ""
    """Why there were no frames, or no more."""


class CameraProcess:
    """One life of it. `run` returns what it said; the process is gone then."""

    def __init__(
        self,
        unit: UnitConfig,
        job: Job,
        leave: Leave,
        light: Indicator,
        tell: Callable[[Soaked], None],
        first_s: float,
    ) -> None:
        """tell: hears how far a soak is. first_s: how long the first frame may take before it is called silent."""
        self._unit, self._job, self._leave, self._light, self._tell = unit, job, leave, light, tell
        self._first_s = first_s + SILENT_S
        self._clock = SystemClock()
        self._link: Link | None = None
        self._lent = False
        self._done = False
        self.seen = Seen()

    def run(self) -> Seen:
        """Raises LinkError where the run folder cannot be used."""
        run = self._unit.path(self._unit.paths.run)
        make_folder(run)
        listener = Listener(run / SOCKET, CameraSays, os.getuid())
        process = self._start()
        try:
            self._talk(listener, process)
        finally:
            self._end(process, listener)
        return self.seen

    def _start(self) -> "subprocess.Popen[bytes]":
        words = msgspec.json.encode(self._job).decode()
        # A group of its own: Ctrl-C reaches this process alone, which ends the other in order.
        return subprocess.Popen(
            [sys.executable, "-m", "stillroom.eye.selftest", words],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            process_group=0,
            env=os.environ | SMALL,
        )

    def _talk(self, listener: Listener, process: "subprocess.Popen[bytes]") -> None:
        until_s = time.monotonic() + START_WITHIN_S
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            while not self._done:
                if time.monotonic() > until_s:
                    self.seen.fault = self.seen.fault or "it was silent for too long: no frames came"
                    return
                if (
                    selector.select(LEASE_S)
                    and self._link is None
                    and (link := listener.accept()) is not None
                ):
                    self._link = link
                    selector.register(link, selectors.EVENT_READ)
                if self._listen():
                    until_s = time.monotonic() + (self._first_s if self._waits else SILENT_S)
                if self._link is None and process.poll() is not None:
                    return
                self._lend()

    @property
    def _waits(self) -> bool:
        """For the first frame, or for what comes before it."""
        return self._lent and self.seen.look is None

    def _listen(self) -> bool:
        """Whether it has said something."""
        heard = False
        try:
            while self._link is not None and (message := self._link.receive()) is not None:
                heard = True
                self._take(message)
        except LinkError:
            told_to, self._done = self._done, True
            if not told_to and (self.seen.look is None or (self._job.soak_s and self.seen.soaked is None)):
                self.seen.fault = self.seen.fault or "it ended without a word"
        return heard

    def _take(self, message: Struct) -> None:
        seen = self.seen
        match message:
            case Guarded():
                seen.guards = message
            case Models():
                seen.models = message
            case Kernel():
                seen.kernels.append(message)
            case Ready():
                self._begin()
            case Look():
                seen.look = message
                seen.kernels.append(message.kernel)
                self._done = not self._job.soak_s
            case Soaked():
                self._tell(message)
                if message.last:
                    seen.soaked, self._done = message, True
            case Fault():
                seen.fault, self._done = message.text, True
            case Beat():
                pass

    def _begin(self) -> None:
        """The light first, then the audit chain, then the lease."""
        if self._against():
            return
        self._leave.opened(self._unit.camera.kind)
        self._lent = True

    def _lend(self) -> None:
        """A lease more, or the end."""
        if not self._lent or self._link is None or self._done or self._against():
            return
        self._say(Lease(LEASE_TTL_MS, True, True, room_empty=False))

    def _against(self) -> bool:
        """Whether it may not be open. The room's button is looked at first, as before a keeper's lease."""
        if self._light.pressed():
            self._leave.press()
        why = self._leave.against()
        if not why and not self._light.show("steady", self._clock.mono_ns()) and self._unit.panel.required:
            why = "its light does not work"
        if why:
            self.seen.against = why
            self._say(Halt())
            self._done = True
        return bool(why)

    def _say(self, message: Struct) -> None:
        try:
            if self._link is not None:
                self._link.send(message)
        except LinkError:
            self._done = True

    def _end(self, process: "subprocess.Popen[bytes]", listener: Listener) -> None:
        """The process first, then the light: it is on for as long as a camera may be open."""
        self._say(Halt())
        if self._link is not None:
            self._link.close()
        try:
            process.wait(END_WITHIN_S if self._lent else 0.5)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        last = process.stderr.read().decode("utf-8", "replace").strip().splitlines() if process.stderr else []
        if process.stderr:
            process.stderr.close()
        if isinstance(self.seen.guards, str) and last:
            self.seen.guards = last[-1][:200]
        if self._lent:
            self._leave.closed()
        self._light.show("off", self._clock.mono_ns())
        listener.close()
