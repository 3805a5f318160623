"""Zero persistence, attacked: a canary in the picture, a unit that runs, and a search for its traces everywhere.

First each search is shown to find the canary where it is put: in a process, in a file, in swap, on the wire, and in the
eye while it lives. Then it must be nowhere else; and, once the eye has ended, in no process at all.
"""

import ctypes
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stillroom.config import BrokerConfig, CameraConfig
from stillroom.eye.analysis import Analysis
from stillroom.eye.distil import Grid, distil
from stillroom.eye.worker import Buffers, Job, Result
from stillroom.link import RecordAsked
from stillroom.mqtt import Handlers, Session
from stillroom_release.eye import Recorder
from stillroom_tools.lab.broker import find_program
from tests.conftest import SWAP_ON
from tests.live import CANARY, LiveSite, command, plug_in, processes_below, until
from tests.parties import release
from tests.test_end_to_end_release import sign_for_release

sys.path.insert(0, str(CANARY))

from canary_camera import HEIGHT, MARKS, WIDTH, Pattern, open_camera

from tests.patience import WITHIN_S
from tests.traces import Found, Search, on_disk

RUN_S = 8.0
LONG_RUN_S = 180.0
MADV_PAGEOUT = 21
SYS_PROCESS_MADVISE = 440
ANYWHERE = [
    Path(place) for place in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/var/log", "/var/lib/systemd/coredump")
]

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="only root can read the memory of undumpable processes"),
    pytest.mark.skipif(find_program("mosquitto") is None, reason="mosquitto is not installed"),
]


class Capture:
    """Models that look at nothing and keep what they were given: the detector's own pictures."""

    name = "blazepose"

    def __init__(self) -> None:
        self._buffers = Buffers()
        self.pictures: list[np.ndarray] = []

    def borrow(self, kind):
        return self._buffers.borrow(kind)

    def submit(self, job: Job) -> None:
        if job.kind == "people":
            self.pictures.append(job.picture.copy())
        self._buffers.give_back(job.picture)

    def give_up(self, picture) -> None:
        self._buffers.give_back(picture)

    def take(self) -> Result | None:
        return None


class Scene:
    """A unit whose camera shows the canary, its site and broker; and all that the broker passed on."""

    def __init__(self, folder: Path, models: Path | None) -> None:
        self.folder = folder
        self.seed = secrets.randbelow(2**32)
        self.site = LiveSite(folder, tls=False)
        self.unit = self.site.add_unit(
            kind="canary", width_px=WIDTH, height_px=HEIGHT, frames_per_s=10.0, seed=self.seed
        )
        if models is not None:
            shutil.copytree(models, self.unit.folder / "models", dirs_exist_ok=True)
        self.wire: list[bytes] = []
        self.began_ns = time.time_ns()

    def start(self) -> None:
        self.site.start()
        handlers = Handlers(
            lambda topic, data: self.wire.append(topic.encode() + data), lambda _: None, lambda *_: None
        )
        broker = BrokerConfig(port=self.site.broker.port, tls=False)
        self._ear = Session(broker, self.folder, "ear", ["#"], handlers, persistent=False)
        self._ear.start()

    def publish(self, data: bytes) -> None:
        until(lambda: self._ear.publish("elsewhere", data), "a broker to publish to")

    def pid(self, process: str) -> int:
        until(lambda: self.site.pid_of(self.unit, process), f"a running {process}")
        pid = self.site.pid_of(self.unit, process)
        assert pid is not None
        return pid

    def end(self) -> None:
        self._ear.stop()
        self.site.end()

    def search(self) -> Search:
        """For this canary, made from the eye's own pipeline: what its detector would be given is among the traces."""
        camera, capture = self._camera(), Capture()
        analysis = Analysis(WIDTH, HEIGHT, models=capture)
        for frame in camera.frames():
            analysis.feed(frame, 0)
            if len(capture.pictures) == 2:
                break
        search = Search(Pattern(self.seed), capture.pictures)
        search.also("recorded row", self.recorded_row)
        return search

    @property
    def recorded_row(self) -> bytes:
        """Of the marks, as a recording under a release holds them."""
        across, down = MARKS[1].start * 192 // WIDTH, (MARKS[0].start + 40) * 144 // HEIGHT
        return self.recorded()[down, across + 8 : across + 32].tobytes()

    def recorded(self) -> np.ndarray:
        """A frame of a recording, 192x144."""
        recorder = Recorder(
            RecordAsked(bytes(8), bytes(16), bytes(16), 0, 0), release(bytes(range(32))), WIDTH, HEIGHT
        )
        (order,) = recorder.orders(0)
        frame = next(self._camera().frames())
        distil(frame, None, None, Grid(WIDTH, HEIGHT), (replace(order, decided_ns=frame.frame_ns),))
        return order.destination

    def planted(self) -> bytes:
        """What a careless eye would leave: a frame, its cells, a detector's picture as uint8 and as float32."""
        camera, capture = self._camera(), Capture()
        analysis = Analysis(WIDTH, HEIGHT, models=capture)
        frames = camera.frames()
        while len(capture.pictures) < 2:
            frame = next(frames)
            analysis.feed(frame, 0)
        grid = Grid(WIDTH, HEIGHT)
        distil(frame, None, None, grid)
        sums = grid.y.copy()
        parts = [frame.y.tobytes(), self.recorded().tobytes()]
        parts += [sums.astype(kind).tobytes() for kind in (np.uint16, np.uint32, np.float32, np.float64)]
        parts += [(sums / np.float32(64)).astype(np.float32).tobytes()]
        for picture in capture.pictures:
            parts += [picture.tobytes(), *(_input(picture, low) for low in (0.0, -1.0))]
        return b"x".join(parts)  # at odd alignments

    def _camera(self):
        config = CameraConfig(
            kind="canary", source="life.toml", width_px=WIDTH, height_px=HEIGHT, frames_per_s=10.0,
            seed=self.seed, speed="max",
        )  # fmt: skip
        return open_camera(config, self.folder)


def _input(picture: np.ndarray, low: float) -> bytes:
    """As `interpreter.Net` fills a model's input."""
    view = np.empty(picture.shape, np.float32)
    np.multiply(picture, np.float32((1.0 - low) / 255.0), out=view, casting="unsafe")
    if low:
        view += np.float32(low)
    return view.tobytes()


@pytest.fixture
def scene(monkeypatch, request) -> Iterator[Scene]:
    from tests.conftest import MODELS

    folder = Path(tempfile.mkdtemp(prefix="sr-", dir="/tmp"))
    plug_in(monkeypatch, folder, "canary", "canary_camera:open_camera")
    made = Scene(folder, MODELS if MODELS.is_dir() and any(MODELS.iterdir()) else None)
    try:
        made.start()
        yield made
    finally:
        made.end()
        print(made.site.logs())
        assert not processes_below(folder)
        shutil.rmtree(folder)


class Careless:
    """A process that holds what it was given, in ordinary memory."""

    CODE = "import sys; kept = sys.stdin.buffer.read(int(sys.argv[1])); print(len(kept), flush=True); sys.stdin.read()"

    def __init__(self, data: bytes) -> None:
        command = [sys.executable, "-c", self.CODE, str(len(data))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(data)
        self.process.stdin.flush()
        assert int(self.process.stdout.readline()) == len(data)

    def end(self) -> None:
        self.process.communicate()


def anywhere(search: Search) -> dict[int, Found]:
    """The memory of every process that this test has started, and of what they started.

    With STILLROOM_ALL_PROCESSES set, of every process of the machine but the searcher, which knows the pattern.
    """
    everybody = {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()} - {os.getpid()}
    found = {}
    for pid in everybody if "STILLROOM_ALL_PROCESSES" in os.environ else filter(is_ours, everybody):
        try:
            found[pid] = search.in_memory(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
        except PermissionError:
            found[pid] = Found(unread=[f"{pid}: all of it"])
    return found


def is_ours(pid: int) -> bool:
    while pid > 1:
        if pid == os.getpid():
            return True
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            return False
    return False


def page_out(pid: int) -> None:
    """Have the kernel swap out whatever of a process it may, as it would under pressure."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.pidfd_open(pid)
    try:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            first, last = (int(place, 16) for place in line.split()[0].split("-"))
            piece = (ctypes.c_size_t * 2)(first, last - first)
            libc.syscall(
                SYS_PROCESS_MADVISE, handle, ctypes.byref(piece), ctypes.c_size_t(1), MADV_PAGEOUT, 0
            )
    finally:
        os.close(handle)


def run_and_search(scene: Scene, seconds: float, in_eye: Sequence[str] = ("row A", "cells u16")) -> None:
    search, planted = scene.search(), scene.planted()
    in_planted = Found()
    search.in_bytes(planted, in_planted)
    assert set(in_planted.traces) == search.names, "each trace is one that an eye could leave"

    eye, seen = scene.pid("eye"), Found()
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s or not set(in_eye) <= set(seen.traces):
        assert time.monotonic() < end_s + WITHIN_S, f"not found in the eye itself: {seen}"
        seen += search.in_memory(eye)
        time.sleep(1.0)
    print(f"in the eye while it ran: {dict(seen.traces)}, {seen.read_bytes >> 20} MiB read")
    assert not seen.unread

    careless = Careless(planted)
    assert set(search.in_memory(careless.process.pid).traces) == search.names
    careless.end()

    for process in ("keeper", "courier", "run"):
        found = search.in_memory(scene.pid(process))
        assert found.read_bytes > 5 << 20
        assert not found.traces and not found.unread, f"{process}: {found}"

    left = scene.folder / "left"
    left.write_bytes(b"y" + planted)
    assert set(search.in_files_since([scene.folder], scene.began_ns).traces) == search.names
    left.unlink()
    found = search.in_files_since([*ANYWHERE, scene.site.units[0].folder, Path.cwd()], scene.began_ns)
    assert not found.traces, found
    print(f"files written since: {found.read_bytes >> 20} MiB, not readable: {found.unread}")

    on_wire = Found()
    search.in_bytes(b"".join(scene.wire), on_wire)
    assert on_wire.read_bytes > 2048 * seconds / 4 and not on_wire.traces
    scene.unit.press_button()
    until(lambda: scene.site.pid_of(scene.unit, "eye") is None, "the eye's end")
    everybody = anywhere(search)
    assert len(everybody) >= 5, "unit's supervisor, keeper, courier; gateway; broker"
    for pid, found in everybody.items():
        assert not found.traces, f"process {pid}: {found}"
    whole = sum((found.read_bytes for found in everybody.values()), 0) >> 20
    unread = [name for found in everybody.values() for name in found.unread]
    print(f"{len(everybody)} processes after the eye's end: {whole} MiB read, not readable: {unread}")

    # Last, since the broker now has the canary.
    scene.publish(planted[MARKS[0].start * WIDTH :][: 60 << 10])
    until(lambda: any(len(data) > 50 << 10 for data in scene.wire), "what was published")
    search.in_bytes(b"".join(scene.wire), on_wire)
    assert on_wire.traces["row A"]


def test_the_picture_is_in_the_eye_alone_and_gone_with_it(scene):
    run_and_search(scene, RUN_S)


@pytest.mark.long
def test_a_recording_is_in_the_eye_and_for_its_custodian_and_nowhere_else(scene, tmp_path):
    unit, keys = scene.unit, scene.folder / "keys"
    sign_for_release(scene.site)
    command("site", "release", "deliver", scene.folder / "draft", unit.folder, "--site", scene.site.site)
    files = unit.folder / "state" / "releases"
    until(
        lambda: any(path.stat().st_size > 300_000 for path in files.rglob("*.stlc")), "some seconds recorded"
    )
    run_and_search(scene, 1.0, ("row A", "cells u16", "recorded row"))
    found = files.rglob("*.stlc")
    command(
        "site", "release", "open", *found, "--site", scene.site.site, "--key", keys / "archivist.key", "--out", tmp_path
    )  # fmt: skip
    film = next(tmp_path.glob("*.y4m")).read_bytes()
    assert scene.recorded_row in film, "so it was there to be found"


@pytest.mark.long
def test_the_same_for_minutes(scene):
    run_and_search(scene, LONG_RUN_S)


def test_swap_holds_nothing_of_the_picture(scene, swap_file):
    search, planted = scene.search(), scene.planted()
    until(lambda: search.in_memory(scene.pid("eye")).traces["cells u16"], "a grid in the eye")
    careless = Careless(planted)
    page_out(careless.process.pid)
    until(lambda: set(search.in_file(swap_file, direct=True).traces) == search.names, "all of it in the swap")
    careless.end()
    blank(swap_file)
    for process in ("eye", "keeper", "courier"):
        page_out(scene.pid(process))
    until_written(swap_file)
    found = search.in_file(swap_file, direct=True)
    assert found.read_bytes >= 32 << 20
    assert not found.traces
    assert search.in_memory(scene.pid("eye")).traces["row A"]


def until_written(swap_file: Path) -> None:
    """The kernel writes when it likes, in the order it was asked in: wait for something of our own, asked last."""
    last = secrets.token_bytes(1 << 20)
    careless = Careless(last)
    page_out(careless.process.pid)
    until(lambda: last[1 << 19 :][:64] in on_disk(swap_file), "what was swapped out last")
    careless.end()


def blank(swap_file: Path) -> None:
    """The same file as fresh swap: what was there before is gone."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    for words in (["swapoff"], ["shred", "-n", "0", "-z"], ["mkswap"], SWAP_ON):
        subprocess.run([*words, swap_file], check=True, capture_output=True, env={"PATH": path})
