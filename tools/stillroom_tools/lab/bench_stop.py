"""How long from the button to the eye's death, from a fresh authorisation to its first window, and what leases cost.

The keeper runs here, in a thread, with all it does on a unit; the eye is the real process. Every fourth is stuck in
native code with the interpreter's lock held, as a library that never comes back would be. Death is told by the kernel.
"""

import os
import random
import re
import select
import shutil
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from stillroom import config
from stillroom.clock import SystemClock
from stillroom.config import CameraConfig
from stillroom.documents import KINDS, Roster
from stillroom.errors import SetupError
from stillroom.eye.frame import Frame
from stillroom.eye.lease import LeaseHolder, arm
from stillroom.files import replace_file
from stillroom.keeper.eye_life import LEASE_TTL_MS
from stillroom.keeper.main import LEASE_PERIOD_S, Keeper, Wishes
from stillroom.keeper.unit import Unit
from stillroom.link import EYE_START, EyeHears, EyeSays, Lease, Link
from stillroom.notes import sign_note
from stillroom.observation import Observation
from stillroom.run import POLL_S, Child
from stillroom_tools.lab.bench_card import quietly
from stillroom_tools.lab.simulated import SimulatedCamera
from stillroom_tools.lab.simulated import open_camera as open_simulated
from stillroom_tools.make.toml import to_toml
from stillroom_tools.site.layout import open_site

EXPLAINED = {
    "stop_median_s": "s from the button to the eye's death, median",
    "stop_stuck_median_s": "s where the eye is stuck in native code, median",
    "stop_worst_s": "s, the longest of all",
    "stops": "times",
    "start_median_s": "s from a fresh authorisation to the first window, median",
    "start_worst_s": "s, the longest",
    "lease_eye_cpu_percent": "% of a core for what the link and the timer cost",
    "lease_keeper_cpu_percent": "% of a core for the keeper's gate, five times a second",
}
STARTS = 5
STUCK_EVERY = 4
WITHIN_S = 20.0
LEASES = 4_000
CAMERAS = {
    "living": "stillroom_tools.lab.simulated:open_camera",
    "stuck": "stillroom_tools.lab.bench_stop:open_stuck",
}


class StuckCamera:
    """Gives a few frames, and then never comes back from C."""

    kind = "simulated"

    def __init__(self, camera: SimulatedCamera) -> None:
        self._camera = camera
        self.width, self.height, self.frames_per_s = camera.width, camera.height, camera.frames_per_s

    def frames(self) -> Iterator[Frame]:
        for count, frame in enumerate(self._camera.frames()):
            if count == 12:
                re.match(r"(a+)+$", "a" * 64 + "b")  # longer than anybody lives, and Python's lock is held
            yield frame

    def close(self) -> None:
        self._camera.close()


def open_stuck(settings: CameraConfig, folder: Path) -> StuckCamera:
    """For `--camera`. Raises as the simulated camera does."""
    camera = open_simulated(settings, folder)
    assert isinstance(camera, SimulatedCamera)
    return StuckCamera(camera)


@dataclass
class Heard:
    """When the keeper heard what, by the monotonic clock; reset before each start."""

    first: threading.Event = field(default_factory=threading.Event)
    first_s: float = 0.0

    def take(self, message: Struct) -> None:
        """The first observation says of its readings that they are warming up: their window is open."""
        if isinstance(message, Observation) and not self.first.is_set():
            self.first_s = time.monotonic()
            self.first.set()


class Bench:
    """One unit in a folder of its own. Make, start and stop eyes, `end`."""

    def __init__(self, folder: Path) -> None:
        self._site, self._unit = folder / "site", folder / "unit"
        quietly("site", "new", self._site, "--site", "bench", "--no-tls")
        (folder / "room.toml").write_text('title = "nobody"\n', encoding="utf-8")
        more = ("--profile", "lab", "--camera", "simulated", "--source", folder / "room.toml")
        quietly("make", "unit", self._unit, "--site", self._site, "--unit", "u-1", *more)
        self._trust_the_clock()
        self._path = self._unit / "unit.toml"
        settings = config.load(self._path)
        camera = replace(settings.camera, width_px=320, height_px=240)
        self._path.write_text(to_toml(replace(settings, camera=camera)), encoding="utf-8")
        self._wishes, self.heard = Wishes(), Heard()
        self.leases_s: list[float] = []
        self._trouble: list[BaseException] = []
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()

    def _trust_the_clock(self) -> None:
        """A site without a gateway, as its roster says: nobody here answers a unit that asks for the time."""
        site = open_site(self._site)
        roster = site.roster()
        roster = replace(roster, version=roster.version + 1, delivery="puback")
        note = sign_note(KINDS[Roster], roster, [site.authority_keys()])
        replace_file(self._unit / "trust" / "roster.note", note)

    def _keep(self) -> None:
        try:
            settings = config.load(self._path)
            run = settings.path(settings.paths.run)
            run.mkdir(exist_ok=True)
            unit = Unit(settings, SystemClock())
            self._listen(unit)
            keeper = Keeper(settings, run, unit, self._wishes)
            try:
                keeper.loop()
            finally:
                keeper.close()
        except BaseException as error:
            self._trouble.append(error)
            raise

    def _listen(self, unit: Unit) -> None:
        """Note what the keeper hears and what its leases cost, before its loop takes hold of them."""
        hear, lease = unit.from_eye, unit.lease

        def timed() -> None:
            began_s = time.thread_time()
            lease()
            self.leases_s.append(time.thread_time() - began_s)

        def heard(message: Struct) -> None:
            self.heard.take(message)
            hear(message)

        unit.from_eye, unit.lease = heard, timed  # type: ignore[method-assign]

    def authorise(self) -> None:
        """By a file, as the site's own command puts it there."""
        quietly("site", "authorise", "new", self._unit, "--site", self._site, "--room", "r-1", "--days", 1)

    def withdraw(self) -> None:
        quietly("site", "authorise", "withdraw", self._unit, "--site", self._site)

    def press(self) -> None:
        """The button in the room."""
        self._wishes.press()

    def eye(self, kind: str) -> Child:
        """An eye that has given its first observation, started as `stillroom run` starts one."""
        self.heard.first.clear()
        self._until((self._unit / "run" / EYE_START).exists, "a start signal")
        child = Child("eye", self._path, "--camera", CAMERAS[kind])
        child.start(time.monotonic())
        self._until(self.heard.first.is_set, "the first observation")
        return child

    def _until(self, done: Callable[[], bool], what: str) -> None:
        end_s = time.monotonic() + WITHIN_S
        while not done():
            if self._trouble or time.monotonic() > end_s:
                raise SetupError(f"bench: no {what} within {WITHIN_S:g} s {self._trouble or ''}")
            time.sleep(POLL_S)

    def end(self) -> None:
        self._wishes.stop()
        self._thread.join(WITHIN_S)


def measure(rounds: int, say: Callable[[str], None]) -> dict[str, float]:
    """Seconds, and shares of one core. rounds: stops timed. Raises SetupError where an eye does not start."""
    folder = Path(tempfile.mkdtemp(prefix="sr-", dir="/tmp"))
    bench = Bench(folder)
    try:
        starts = [_start_s(bench) for _ in range(STARTS)]
        bench.authorise()
        stops: dict[str, list[float]] = {"living": [], "stuck": []}
        for number in range(rounds):
            kind = "stuck" if number % STUCK_EVERY == STUCK_EVERY - 1 else "living"
            stops[kind].append(_stop_s(bench, kind))
            if number % 10 == 0:
                say(f"stop {number} of {rounds}")
    finally:
        bench.end()
        shutil.rmtree(folder)
    return {
        "stop_median_s": round(statistics.median(stops["living"]), 3),
        "stop_stuck_median_s": round(statistics.median(stops["stuck"]), 3),
        "stop_worst_s": round(max(stops["living"] + stops["stuck"]), 3),
        "stops": rounds,
        "start_median_s": round(statistics.median(starts), 2),
        "start_worst_s": round(max(starts), 2),
        "lease_eye_cpu_percent": round(100 * link_share(), 3),
        "lease_keeper_cpu_percent": round(100 * statistics.median(bench.leases_s) / LEASE_PERIOD_S, 3),
    }


def _start_s(bench: Bench) -> float:
    """From the command that signs to the first observation."""
    began_s = time.monotonic()
    bench.authorise()
    eye = bench.eye("living")
    bench.withdraw()
    eye.finish(WITHIN_S)
    return bench.heard.first_s - began_s


def _stop_s(bench: Bench, kind: str) -> float:
    """From the press, at a random moment of the lease's round, to the death; then the pause is ended."""
    eye = bench.eye(kind)
    assert eye.pid is not None
    death = os.pidfd_open(eye.pid)
    try:
        # The first observation comes with the sixth frame, stuck is it at the twelfth, 0.2 s later.
        time.sleep(0.3 + random.uniform(0.0, LEASE_PERIOD_S))
        pressed_s = time.monotonic()
        bench.press()
        if not select.select([death], [], [], WITHIN_S)[0]:
            raise SetupError("bench: an eye outlived its lease")
        died_s = time.monotonic()
    finally:
        os.close(death)
    eye.finish(WITHIN_S)
    bench.press()
    return died_s - pressed_s


def link_share() -> float:
    """Of one core: both ends of a lease, sent, received, and the timer armed, five times a second."""
    ours, theirs = (Link(end, hears) for end, hears in zip(_pair(), (EyeSays, EyeHears), strict=True))
    holder = LeaseHolder(theirs, lambda _: None)
    began_s = time.process_time()
    for _ in range(LEASES):
        ours.send(Lease(LEASE_TTL_MS, True, True, False))
        holder._next()
    spent_s = time.process_time() - began_s
    arm(0)
    for link in (ours, theirs):
        link.close()
    return spent_s / LEASES / LEASE_PERIOD_S


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
