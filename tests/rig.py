"""A keeper without its sockets: real keys, real papers, a clock moved by hand, two doors that remember."""

import atexit
import shutil
import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path

import msgspec

from stillroom import cli, config
from stillroom.clock import SystemClock
from stillroom.document_forms import from_ms
from stillroom.events import Body, Entry
from stillroom.keeper.unit import Unit
from stillroom.link import EYE_START, Network, Up
from stillroom.observation import Box, Observation, Reading
from stillroom.receiver import MemoryStore, Receiver
from stillroom_tools.site.layout import open_site
from tests.parties import HandClock

PERIOD = timedelta(seconds=0.2)


class Recorder:
    """A door: what was sent through it, and whether somebody is there."""

    def __init__(self) -> None:
        self.sent: list[msgspec.Struct] = []
        self.occupied = False
        self.put_outs = 0

    def send(self, message: msgspec.Struct) -> bool:
        self.sent.append(message)
        return True

    def put_out(self) -> None:
        self.put_outs += 1
        self.occupied = False

    def last(self, kind: type) -> msgspec.Struct | None:
        return next((m for m in reversed(self.sent) if isinstance(m, kind)), None)


@cache
def freshly_made() -> Path:
    """A site and a unit as the commands make them: once for all tests of a process, since each test copies them."""
    folder = Path(tempfile.mkdtemp(prefix="sr-rig-"))
    atexit.register(shutil.rmtree, folder)
    site = folder / "site"
    run("site", "new", site, "--site", "test", "--no-tls")
    run("make", "unit", folder / "unit", "--site", site, "--unit", "u-1", "--profile", "lab")
    return folder


class Rig:
    """One unit of one site, and the site's gateway key to open what it sends."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.site_folder = folder / "unit", folder / "site"
        shutil.copytree(freshly_made(), folder, dirs_exist_ok=True)
        # Ahead of the machine's, so that what is signed while a slow test runs is not of the future.
        self.clock = HandClock(from_ms(SystemClock().utc_ms()) + timedelta(minutes=2))
        self.start()

    def start(self) -> None:
        self.settings = config.load(self.folder / "unit.toml")
        (self.folder / "run").mkdir(exist_ok=True)
        self.unit = Unit(self.settings, self.clock)
        self.eye, self.courier = Recorder(), Recorder()
        self.courier.occupied = True
        self.unit.connect(self.eye, self.courier)
        self.hear_time()
        site = open_site(self.site_folder)
        self.receiver = Receiver(site.enrolments(), site.keys("gateway").boxes, MemoryStore())

    def hear_time(self) -> None:
        """The gateway's answer to something that was said just now."""
        self.unit._clock.hear(self.clock.utc_ms(), self.clock.mono_ns())

    def authorise(self, days: float = 1, scopes: str = "status,breathing,pulse", *more: object) -> None:
        run(
            "site", "authorise", "new", self.folder, "--site", self.site_folder, "--room", "r-1", "--days", days,
            "--scopes", scopes, *more,
        )  # fmt: skip

    def withdraw(self) -> None:
        run("site", "authorise", "withdraw", self.folder, "--site", self.site_folder)

    def beat(self, seconds: float = 0.2) -> None:
        """Let time pass, a lease period at a time."""
        for _ in range(max(round(seconds / 0.2), 1)):
            self.clock.pass_time(PERIOD)
            self.unit.read_trust()
            self.unit.lease()
            self.unit.tick()

    def slot(self) -> Body:
        """One slot: the body as the gateway opens it."""
        self.speak()
        up = self.courier.last(Up)
        assert isinstance(up, Up)
        return self.receiver.open(up.record).body

    def speak(self) -> None:
        """One slot. Where there is no broker, it is there for this slot, and lost again."""
        before = self.unit._delivery.network
        self.unit.from_courier(Network(True, "connected"))
        self.unit.slot()
        self.unit.from_courier(before)

    def entries(self) -> list[Entry]:
        """What is waiting, taken slot by slot, in the order of its numbers."""
        self.unit.from_courier(Network(True, "connected"))
        found: list[Entry] = []
        while taken := self.slot().entries:
            found += taken
        return sorted(found, key=lambda entry: entry.number)

    def see(self, box: Box | None, seconds: float = 6.0, motion: float = 0.02) -> None:
        """Observations for a while: something moves in `box`, or nothing does."""
        for _ in range(round(seconds / 0.2)):
            self.beat()
            self.unit.from_eye(observation(self.clock, box, motion if box else 0.0))

    @property
    def may_start(self) -> bool:
        return (self.folder / "run" / EYE_START).exists()


def run(*arguments: object) -> None:
    assert cli.main([str(a) for a in arguments]) == 0


def observation(clock: HandClock, box: Box | None, motion: float) -> Observation:
    return Observation(
        frame_ns=clock.mono_ns(),
        captured_mono_ns=clock.mono_ns(),
        luma_mean=90.0,
        clipped=0.0,
        dark=False,
        light_changed=False,
        background="none",
        motion=motion,
        motion_box=box,
        blobs=(),
        breathing_box=None,
        breathing=Reading(15.0, 0.9, None, "cells", 30.0),
        pulse=Reading(60.0, 0.9, None, "pos", 10.0),
        frames_per_s=30.0,
        frames_dropped=0,
    )


SOMEWHERE = Box(0.4, 0.4, 0.6, 0.9)
