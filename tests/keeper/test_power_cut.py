"""Power cuts: a writer on an ext4 image is stopped, the image is copied as the disk has it, and the copy is mounted.

What lies in the page cache of the mounted file system is not in the copy, as it would not be on a card after a cut.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stillroom.events import StateChanged
from stillroom.keeper.outbox import Outbox

CUTS, CUTS_LONG = 6, 100
IMAGE_BYTES = 24 << 20
WRITER = """
import sys
from pathlib import Path
from stillroom.events import ConditionChanged, StateChanged
from stillroom.keeper.outbox import Outbox
folder, synchronous = Path(sys.argv[1]), sys.argv[2]
box = Outbox(folder, 10**6)
box._database.execute(f"PRAGMA synchronous={synchronous}")
boot = box.next_boot()
while True:
    for more in range(1 + box.accepted % 3):
        box.add(1, StateChanged("empty", "unknown", f"boot {boot} " + "x" * (box.accepted % 90)))
    box.commit(1)
    box.settle(box.accepted - 400 if box.accepted > 400 else 0)
    print(boot, box.accepted, max(box.accepted - 400, 0), flush=True)
"""


def shell(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


class Disk:
    """An ext4 file system in a file, mounted; `cut` gives what would be found after the power had failed."""

    def __init__(self, folder: Path) -> None:
        self.image, self.copy = folder / "disk.img", folder / "copy.img"
        self.mounted, self.found = folder / "mounted", folder / "found"
        for place in (self.mounted, self.found):
            place.mkdir()
        with self.image.open("wb") as file:
            file.truncate(IMAGE_BYTES)
        shell("mkfs.ext4", "-q", "-F", self.image)
        shell("mount", "-o", "loop", self.image, self.mounted)

    def cut(self, look: Callable[[Path], None]) -> None:
        shutil.copyfile(self.image, self.copy)
        shell("mount", "-o", "loop", self.copy, self.found)
        try:
            look(self.found / "state")
        finally:
            # Lazily: where looking failed, something in there may still be open.
            shell("umount", "-l", self.found)

    def end(self) -> None:
        subprocess.run(["umount", "-l", self.mounted], check=False, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Skipped by name where no loop device can be had: it takes root, and a kernel that has them."""
    if os.geteuid() or not shutil.which("mkfs.ext4"):
        pytest.skip("an ext4 image can only be mounted as root, with e2fsprogs")
    try:
        made = Disk(tmp_path)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no loop device here: {error.stderr.decode().strip()}")
    yield made
    made.end()


class Writer:
    """A process that accepts as fast as it can, and says on a pipe what it has accepted."""

    def __init__(self, folder: Path, synchronous: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), synchronous], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self._pipe = self._process.stdout.fileno()
        self._heard = b""
        self.said = (0, 0, 0)

    def run(self, lines: int) -> None:
        """Let it accept so many times more, then stop it wherever it is."""
        self._process.send_signal(signal.SIGCONT)
        for _ in range(lines):
            while b"\n" not in self._heard:
                more = os.read(self._pipe, 4096)
                assert more, "the writer has ended"
                self._heard += more
            self._take()
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)
        os.set_blocking(self._pipe, False)
        try:
            while more := os.read(self._pipe, 65536):
                self._heard += more
        except BlockingIOError:
            pass
        os.set_blocking(self._pipe, True)
        while b"\n" in self._heard:
            self._take()

    def _take(self) -> None:
        line, _, self._heard = self._heard.partition(b"\n")
        boot, accepted, settled = map(int, line.split())
        self.said = boot, accepted, settled

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def after_cut(state: Path, said: tuple[int, int, int]) -> int:
    """How many of the entries that were accepted and not settled are gone. Numbers and boots never go back."""
    boot, accepted, settled = said
    box = Outbox(state, 10**6)
    here = {e.number for e in box.take(1, 10**6) if isinstance(e.event, StateChanged)}
    gone = set(range(settled + 1, accepted + 1)) - here
    if not gone:
        assert not box.damage and box.accepted >= accepted
        assert box.next_boot() == boot + 1
    box.close()
    return len(gone)


def cuts(disk: Disk, count: int, synchronous: str) -> list[int]:
    """Entries lost at each of so many cuts at random moments; every tenth time the writer is started anew."""
    chance = random.Random(6)
    state = disk.mounted / "state"
    lost: list[int] = []
    writer = Writer(state, synchronous)
    try:
        for cut in range(count):
            writer.run(chance.randint(1, 60))
            disk.cut(lambda found, said=writer.said: lost.append(after_cut(found, said)))
            if cut % 10 == 9:
                writer.kill()
                writer = Writer(state, synchronous)
    finally:
        writer.kill()
    return lost


def test_nothing_accepted_is_lost_at_a_few_power_cuts(disk: Disk):
    assert cuts(disk, CUTS, "FULL") == [0] * CUTS


@pytest.mark.long
def test_nothing_accepted_is_lost_at_a_hundred_power_cuts(disk: Disk):
    assert cuts(disk, CUTS_LONG, "FULL") == [0] * CUTS_LONG


def test_the_control_without_flushing_does_lose_some(disk: Disk):
    """Else the cuts above would prove nothing."""
    assert sum(cuts(disk, CUTS, "OFF")) > 0


def test_a_power_cut_right_after_the_button_keeps_the_pause(disk: Disk):
    """What is lasting is on the card at once, before any commit."""
    state = disk.mounted / "state"
    box = Outbox(state, 100)
    box.next_boot()
    box.remember("paused_until_ms", 77, lasting=True)
    found: list[int] = []

    def look(folder: Path) -> None:
        again = Outbox(folder, 100)
        found.append(again.recall("paused_until_ms"))
        again.close()

    disk.cut(look)
    box.close()
    assert found == [77]
