"""Sixty-four looks at once at one broker, with TLS: does any frame come late? Their records go to a gateway.

Real: broker, certificates, the courier's own code and session for each unit, sealed and signed frames, 64 viewers who
open them, the gateway. Simulated: a unit's keeper and eye, which one process plays for all. A frame is late where it is
opened more than a frame's time after it was handed to its courier.
`pytest tests/bench/test_bench_views_at_once.py -m long -s` prints the figures.
"""

import json
import multiprocessing
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from gateway_process import GatewayProcess, gateway
from unit_sender import SITE, command
from view_senders import FRAMES, send, wait_for

from stillroom.clock import NS_PER_S
from stillroom.keys import BoxKey
from stillroom.public_keys import VerifyKey
from stillroom.view_forms import FRAMES_PER_S
from stillroom.view_wire import FRAME_BYTES, open_frame, view_id
from stillroom_tools.lab.broker import LocalBroker, find_program
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.subscriber import Subscriber

VIEWS = 64


class Viewer:
    """Opens the frames of one unit, as `site view` does."""

    def __init__(self, site: Site, unit: str, session: BoxKey) -> None:
        self._key, self._session = VerifyKey(site.enrolment(unit).sign), session
        self._view = view_id(session.public.raw)
        self.came: dict[int, int] = {}
        self._ended = threading.Event()
        self.subscriber = Subscriber(
            site.broker("board"), site.folder, f"{SITE}-view-{unit}", [f"stillroom/1/{SITE}/{unit}/view"],
            persistent=False, keep_bytes=FRAME_BYTES + 1, tell=lambda _text: None,
        )  # fmt: skip
        self.subscriber.start()
        threading.Thread(target=self._open, daemon=True).start()

    def _open(self) -> None:
        while not self._ended.is_set():
            for message in self.subscriber.take(16, 0.5):
                number, shown = open_frame(message.payload, self._key, self._view, self._session)
                assert shown.blank == "shown" and set(shown.luma) == {number % 256}
                self.came[number] = time.monotonic_ns()

    def end(self) -> None:
        self._ended.set()
        self.subscriber.stop()


@dataclass(frozen=True)
class Lateness:
    """From the courier to the viewer's eyes, s; and by how much frames were off their pace when they came."""

    frames: int
    lost: int
    median_s: float
    most_s: float
    jitter_s: float


@contextmanager
def ward(folder: Path) -> Iterator[tuple[Site, list[Path], GatewayProcess]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command("site", "new", folder / "site", "--site", SITE, "--broker-port", port)
    units = [folder / f"u-{number:02}" for number in range(VIEWS)]
    for unit in units:
        command("make", "unit", unit, "--site", folder / "site", "--unit", unit.name)
    broker = LocalBroker("mosquitto", site=folder / "site")
    broker.port = port
    broker.start()
    try:
        with gateway(folder / "site", folder) as running:
            yield open_site(folder / "site"), units, running
    finally:
        broker.stop()


def measured(site: Site, units: list[Path], looks: int, folder: Path) -> Lateness:
    folder.mkdir()
    sessions = [BoxKey.generate() for _ in units]
    with ExitStack() as ends:
        viewers = [
            Viewer(site, unit.name, each) for unit, each in list(zip(units, sessions, strict=True))[:looks]
        ]
        for viewer in viewers:
            ends.callback(viewer.end)
        raw = [each.public.raw for each in sessions]
        sender = multiprocessing.get_context("spawn").Process(
            target=send, args=(units, raw, looks, folder / "handed.npy")
        )
        sender.start()
        ends.callback(sender.join)
        wait_for((folder / "connected").exists, "couriers")
        wait_for(lambda: all(viewer.subscriber.connected for viewer in viewers), "viewers connected")
        (folder / "go").touch()
        sender.join()
        assert sender.exitcode == 0
        return lateness(np.load(folder / "handed.npy"), viewers)


def lateness(handed: "np.ndarray", viewers: list[Viewer]) -> Lateness:
    came = np.array([[viewer.came.get(n, 0) for n in range(FRAMES)] for viewer in viewers])
    there = came > 0
    took = (came - handed)[there] / NS_PER_S
    pace = np.diff(came, axis=1)[there[:, 1:] & there[:, :-1]] / NS_PER_S
    return Lateness(
        came.size, int((~there).sum()), float(np.median(took)), float(took.max()),
        float(np.percentile(np.abs(pace - 1 / FRAMES_PER_S), 99)),
    )  # fmt: skip


@pytest.mark.long
@pytest.mark.timeout(900)
def test_sixty_four_looks_at_once_come_in_time(tmp_path: Path) -> None:
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    with ward(tmp_path) as (site, units, running):
        alone = measured(site, units, 1, tmp_path / "alone")
        all_of_them = measured(site, units, VIEWS, tmp_path / "all")
        heard = {
            line["unit"]
            for line in map(json.loads, running.lines.read_bytes().splitlines())
            if line.get("unit")
        }
    for name, found in (("1 look", alone), (f"{VIEWS} looks", all_of_them)):
        print(
            f"{name}: {found.frames} frames, {found.lost} lost; opened after median {found.median_s * 1000:.1f} ms, "
            f"most {found.most_s * 1000:.0f} ms; pace off by {found.jitter_s * 1000:.0f} ms (99 %)"
        )
    print(
        f"ratio of the medians {all_of_them.median_s / alone.median_s:.1f}; the gateway heard {len(heard)} units"
    )
    assert all_of_them.lost == 0 == alone.lost
    assert all_of_them.most_s <= 1 / FRAMES_PER_S, "none late by more than a frame"
    assert len(heard) == VIEWS
