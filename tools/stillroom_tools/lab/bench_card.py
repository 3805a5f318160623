"""What a unit writes to its card: the real keeper lives through a day on a clock moved by hand, and the kernel counts.

`write_bytes` of /proc/self/io is what the process caused to be sent to the block layer; a file system in memory counts
nothing, so the folder must lie on a real one. The journal of the file system itself is not in it.
"""

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from stillroom import cli, config
from stillroom.clock import MS_PER_S, NS_PER_MS
from stillroom.epochs import Stream
from stillroom.errors import SetupError
from stillroom.events import DownBody, StateChanged
from stillroom.keeper.unit import Unit
from stillroom.link import Down, Network, Up
from stillroom.public_keys import RecipientKey
from stillroom.receiver import MemoryStore, Receiver
from stillroom.wire import Lane, parse
from stillroom_tools.site.gateway.cursor import Cursor
from stillroom_tools.site.layout import open_site

DAY_S = 86_400
HOURS = 12.0
"""Simulated, and scaled to a day: long enough for the log to be written back more than once."""
CHANGES = {"quiet": 24, "busy": 2_880}
"""State changes a day. Busy: one every half minute, day and night."""


class HandClock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self._utc_ms = int(datetime.now(UTC).timestamp()) * MS_PER_S
        self._mono_ns = NS_PER_MS

    def mono_ns(self) -> int:
        return self._mono_ns

    def boot_id(self) -> bytes:
        return bytes(16)

    def utc_ms(self) -> int:
        return self._utc_ms

    def pass_time(self, time: timedelta) -> None:
        self._utc_ms += round(time.total_seconds() * MS_PER_S)
        self._mono_ns += round(time.total_seconds() * 1e9)


class _Door:
    """A door of the keeper that keeps the newest record."""

    occupied = False

    def __init__(self) -> None:
        self.up: Up | None = None

    def send(self, message: Struct) -> bool:
        if isinstance(message, Up):
            self.up = message
        return True

    def put_out(self) -> None:
        """Nobody is there."""


class Life:
    """One unit with its site's gateway at the other end of two doors."""

    def __init__(self, folder: Path) -> None:
        site_folder = folder / "site"
        quietly("site", "new", site_folder, "--site", "bench", "--no-tls")
        quietly("make", "unit", folder / "unit", "--site", site_folder, "--unit", "u-1", "--profile", "lab")
        quietly(
            "site", "authorise", "new", folder / "unit", "--site", site_folder, "--room", "r-1", "--days", 7
        )
        site = open_site(site_folder)
        settings = _run_in_memory(config.load(folder / "unit" / "unit.toml"), folder)
        self._run = settings.path(settings.paths.run)
        self.clock, self._courier = HandClock(), _Door()
        self._unit = Unit(settings, self.clock)
        self._unit.connect(_Door(), self._courier)
        self._unit.from_courier(Network(True, "connected"))
        self._receiver = Receiver(site.enrolments(), site.keys("gateway").boxes, MemoryStore())
        box = RecipientKey(site.enrolment("u-1").box)
        self._down = Stream(Lane.DOWN, site.keys("gateway").signing, 1, self.clock, [box])
        self._cursor = Cursor()
        self._slot = timedelta(seconds=settings.slots.period_s)

    def live(self, seconds: int, changes_a_day: int) -> None:
        """Slots, beats and the gateway's word for so long; a state change now and then."""
        slots = round(seconds / self._slot.total_seconds())
        every = DAY_S / changes_a_day / self._slot.total_seconds()
        for slot in range(slots):
            self.clock.pass_time(self._slot)
            self._unit.read_trust()
            self._unit.tick()
            if slot % round(every) == 0:
                why = "bed zone 0.62 for 3.1 s, breathing seen there"
                self._unit._outbox.add(self.clock.utc_ms(), StateChanged("in-bed", "occupied", why))
            self._unit.lease()
            self._unit._safe.sees(self.clock.mono_ns())  # an eye that never comes is a crash loop
            self._unit.slot()
            self._answer()

    def _answer(self) -> None:
        assert self._courier.up is not None
        for entry in self._receiver.open(self._courier.up.record).body.entries:
            self._cursor = self._cursor.add(entry.number)
        heard = parse(self._courier.up.record).boot.id
        down = DownBody(self.clock.utc_ms(), self._cursor.contiguous, self._cursor.told(0), None, heard)
        self._unit.from_courier(Down(self._down.seal(msgspec.msgpack.encode(down))))

    @property
    def accepted(self) -> int:
        return self._unit._outbox.accepted

    @property
    def waiting(self) -> int:
        return self._unit._outbox.waiting

    def end(self) -> None:
        self._unit.close()
        shutil.rmtree(self._run)


def _run_in_memory(settings: config.UnitConfig, folder: Path) -> config.UnitConfig:
    """As on a unit, where sockets and the status of each slot lie on a tmpfs and cost the card nothing."""
    run = Path("/dev/shm") / f"{folder.name}-run"
    run.mkdir(mode=0o700)
    return replace(settings, paths=replace(settings.paths, run=str(run)))


def written_bytes() -> int:
    """By this process so far."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("write_bytes")))


def megabytes_a_day(room: str, hours: float, folder: Path | None = None) -> dict[str, float]:
    """`room`: quiet or busy. Raises SetupError where the kernel does not count what is written there."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        life = Life(Path(name))
        life.live(600, CHANGES[room])
        before, entries = written_bytes(), life.accepted
        life.live(round(hours * 3600), CHANGES[room])
        written, entries = written_bytes() - before, life.accepted - entries
        life.end()
    if not written:
        raise SetupError(f"{name}: what is written there is not counted: set TMPDIR to a folder on a disk")
    scale = 24 / hours
    return {"mb_a_day": round(written * scale / 1e6, 2), "entries_a_day": round(entries * scale)}


def quietly(*words: object) -> None:
    """A command of ours, without what it says."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        code = cli.main([str(word) for word in words])
    if code:
        raise SetupError(said.getvalue().strip())
