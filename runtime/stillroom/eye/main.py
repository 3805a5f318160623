"""eye: camera -> frame -> grid -> readings -> observation. No key, no network, and no life without a lease."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from stillroom import config, guard, link
from stillroom.clock import SystemClock
from stillroom.config import OWN_CAMERA, UnitConfig
from stillroom.errors import LinkError, StillroomError
from stillroom.eye import lease
from stillroom.eye.papers import Against, Papers, Recorded
from stillroom.guard_files import Files
from stillroom.link import EyeHears, Fault, Hello, Lease, Link, Piece, RecordAsked, Unbelieved, ViewAsked
from stillroom.notify import Notifier
from stillroom.release_forms import part
from stillroom.release_papers import Release

if TYPE_CHECKING:
    from stillroom.eye.analysis import Analysis
    from stillroom.eye.frame import Camera, TellsSettings
    from stillroom.eye.order import Order, Served
    from stillroom.eye.view import View
    from stillroom.eye.worker import Worker

DEVICES = ("video*", "media*", "v4l-subdev*", "v4l", "dma_heap", "udmabuf")
"""What libcamera opens under /dev; it looks them up in /run/udev, or in /sys where it may not ask udev."""
WAIT_S = 0.05
"""From one look at the papers to the next, before the camera is open."""
MOST_TOLD = 32
"""Refusals in one life: a keeper that was taken over fills no log."""
CLOSE_WITHIN_S = 5.0
"""A camera that does not let go ends with the process."""


def main(config_path: Path, parent: int | None = None, opener: str = "", keeper_user: str = "") -> int:
    """Run until the lease ends. Returns 0 after a halt; a lapse ends the process by signal instead.

    keeper_user: whose socket it is; empty: our own user's.
    """
    lease.arm_for_start()
    notifier = Notifier()
    guard.forbid(parent=parent)
    unit = config.load(config_path)
    keeper_uid = link.uid_of(keeper_user)
    guarded = guard.confine("eye", unit, files(unit, opener))
    models = _models(unit)
    keeper = link.connect(unit.path(unit.paths.run) / link.EYE_SOCKET, EyeHears, keeper_uid)
    guard.connected("eye")
    keeper.send(guarded)
    eye = Eye(unit, keeper, opener, models, notifier)
    try:
        eye.run()
    except LinkError:
        return 0
    except StillroomError as error:
        eye.report(error)
        raise
    return 0


def files(unit: UnitConfig, opener: str) -> Files:
    """Models, the camera, and what a camera of the lab reads. No key, no state, nothing to write to."""
    from stillroom.eye.weights import cache

    # A folder that comes to be later is out of reach: weights may be fetched while this eye runs.
    with suppress(OSError):
        cache().mkdir(parents=True, exist_ok=True)
    paths, camera = unit.paths, unit.camera
    own = camera.kind == OWN_CAMERA
    return Files(
        read=(unit.path(unit.detector.models), cache().parent, Path("/run/udev"), *_packages(opener)),
        devices=tuple(path for name in DEVICES for path in Path("/dev").glob(name)) if own else (),
        hidden=tuple(unit.path(name) for name in (paths.keys, paths.state, paths.trust)),
        also=tuple(unit.path(name) for name in (camera.source, camera.cues) if name and not own),
    )


def _packages(opener: str) -> Iterator[Path]:
    """Where a camera of the lab may be imported from; not the folder that somebody stands in."""
    here = str(Path.cwd())
    yield from (Path(place) for place in sys.path if opener and place not in {"", here})


def _models(unit: UnitConfig) -> "Worker | None":
    """Who looks, now or as soon as the weights are there: every observation says whether they are."""
    if not unit.detector.models:
        return None
    from stillroom.eye.worker import Worker

    return Worker(unit.path(unit.detector.models))


class Recorder(Protocol):
    """What the package that records makes of what the keeper asks for, where it is installed (`stillroom.release`)."""

    recording: bytes

    def orders(self, frame_ns: int) -> "tuple[Order, ...]": ...

    def took(self, served: "tuple[Served, ...]", captured_ns: int) -> None: ...

    def send(self, send: Callable[[Piece], bool]) -> None: ...

    def end(self) -> None: ...


class Eye:
    """One camera, one analysis, one link to the keeper."""

    def __init__(
        self, unit: UnitConfig, keeper: Link, opener: str, models: "Worker | None", notifier: Notifier
    ) -> None:
        self._unit = unit
        self._notifier = notifier
        self._models = models
        self._opener = opener
        self._keeper = keeper
        self._papers = Papers(unit, SystemClock())
        self._holder = lease.LeaseHolder(keeper, self._take, self._papers.take)
        self._lease: Lease | None = None
        self._view: View | None = None
        self._recorder: Recorder | None = None
        self._not_recorded: bytes | None = None
        self._told: set[tuple[bytes, str]] = set()
        self._scopes: tuple[str, ...] = ()

    def run(self) -> None:
        """Wait for the first lease and what allows it, open the camera, distil until told to stop, or it is over."""
        self._holder.wait_for_first()
        if not self._wait_for_leave():
            return
        from stillroom.eye.analysis import Analysis
        from stillroom.eye.camera import open_camera
        from stillroom.eye.frame import TellsSettings

        camera = open_camera(self._unit.camera, self._unit.folder, self._opener)
        models = self._models
        try:
            self._keeper.send(Hello(camera.kind, "none"))
            zones = self._unit.zones
            analysis = Analysis(
                camera.width, camera.height, private=zones.private, models=models, doors=zones.doors
            )
            clock = SystemClock()
            for frame in camera.frames():
                if self._holder.ended.is_set() or not self._may_sense():
                    return
                self._instruct(analysis)
                asked, recorder = self._asked(camera), self._recording(camera)
                looks = () if asked is None or self._view is None else self._view.order(frame.frame_ns)
                recorded = () if recorder is None else recorder.orders(frame.frame_ns)
                captured_ns = clock.mono_ns()
                observation = analysis.feed(frame, captured_ns, (*looks, *recorded))
                del frame  # it is the camera's own memory
                if asked is not None and self._view is not None:
                    served = analysis.served[: len(looks)] == ("served",)
                    self._papers.sealed(self._view.look, asked.number)
                    self._keeper.send(self._view.frame(asked, analysis.empty_picture, served))
                if recorder is not None:
                    recorder.took(analysis.served[len(looks) :], captured_ns)
                    recorder.send(self._keeper.send)
                if observation is not None:
                    self._keeper.send(observation)
                    self._notifier.ready()
                    self._notifier.progress()
                    if isinstance(camera, TellsSettings):
                        self._pass_on(camera, analysis)
            self._keeper.send(Fault("recording-ended", "the recording has ended"))
        finally:
            self._holder.end_within(CLOSE_WITHIN_S)
            camera.close()
            if self._recorder is not None:
                self._recorder.end()
            if models is not None:
                models.close()

    def _wait_for_leave(self) -> bool:
        """Until the papers shown allow an open camera; False: told to end before."""
        while not self._holder.ended.is_set():
            if self._may_sense():
                return True
            self._holder.ended.wait(WAIT_S)
        return False

    def _may_sense(self) -> bool:
        allowed = self._papers.sensed()
        if isinstance(allowed, Against):
            self._say_unbelieved("camera", b"", allowed)
            return False
        self._scopes = allowed.scopes
        return True

    def _asked(self, camera: "Camera") -> ViewAsked | None:
        """The frame of a view that is to be made now. What draws and seals is imported when somebody first looks."""
        asked = self._lease.view if self._lease is not None else None
        if asked is None:
            self._view = None
            return None
        look = self._papers.look(asked)
        if isinstance(look, Against):
            self._view = None
            self._say_unbelieved("look", asked.view, look)
            return None
        if self._view is None or self._view.look != look:
            from stillroom.eye.view import View

            self._view = View(look, asked.sender_id, camera.width, camera.height)
        return asked if asked.number > self._papers.last_sealed(look) else None

    def _recording(self, camera: "Camera") -> Recorder | None:
        """Who records, while the keeper asks for it and the papers allow it; what does so is a package of its own, and
        may not be here.
        """
        asked = self._lease.record if self._lease is not None else None
        allowed = None if asked is None else self._papers.recorded(asked)
        if asked is not None and isinstance(allowed, Against):
            self._say_unbelieved("release", asked.recording, allowed)
            asked = None
        if self._recorder is not None and (asked is None or asked.recording != self._recorder.recording):
            self._recorder.end()
            self._recorder = None
        is_new = asked is not None and self._recorder is None and asked.recording != self._not_recorded
        if is_new and asked is not None and isinstance(allowed, Recorded):
            self._begin_recording(asked, allowed, camera)
        return self._recorder

    def _begin_recording(self, asked: RecordAsked, allowed: Recorded, camera: "Camera") -> None:
        """Or not, and not tried again for each frame: readings go on, and the keeper sees that nothing comes."""
        make: Callable[[RecordAsked, Release, int, int], Recorder] | None = part("eye")
        try:
            self._recorder = None if make is None else make(asked, allowed.paper, camera.width, camera.height)
        except StillroomError as error:
            print(f"eye: nothing can be recorded: {error}", file=sys.stderr, flush=True)
        if self._recorder is None:
            self._not_recorded = asked.recording

    def _say_unbelieved(self, what: Literal["camera", "look", "release"], name: bytes, why: Against) -> None:
        """Once for each look or recording and reason: on our own log, which no keeper writes, and to the keeper."""
        if (name, why.why) in self._told or len(self._told) >= MOST_TOLD:
            return
        self._told.add((name, why.why))
        done = "the camera stays closed" if what == "camera" else f"no frame of a {what} is sealed"
        print(f"eye: {done}: {why.text}", file=sys.stderr, flush=True)
        self._keeper.send(Unbelieved(what, why.why, why.text[:240]))

    def _pass_on(self, tells: "TellsSettings", analysis: "Analysis") -> None:
        """What the camera says of its settings; another pace of frames begins the readings anew."""
        settings = tells.news()
        if settings is not None:
            self._keeper.send(settings)
            analysis.begin_anew()

    def report(self, error: StillroomError) -> None:
        """Say to the keeper why this eye ends."""
        try:
            self._keeper.send(Fault("camera-failed", str(error)[:240]))
            time.sleep(0.05)
        except LinkError:
            pass

    def _take(self, message: Lease) -> None:
        self._lease = message
        self._papers.again()

    def _instruct(self, analysis: "Analysis") -> None:
        current = self._lease
        if current is not None:
            signed = self._scopes
            analysis.allow(
                breathing=current.breathing and "breathing" in signed,
                pulse=current.pulse and "pulse" in signed,
            )
            analysis.room_is_empty(current.room_empty, current.everybody_left)
