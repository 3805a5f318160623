"""What a frame of a view costs, sealing against making it; and how soon the first one comes, on the real chain.

`pytest tests/bench/test_bench_view.py -m long -s` prints the second one's figures.
"""

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from tests.view_site import ready

from stillroom.eye import papers
from stillroom.eye.distil import Grid, distil
from stillroom.eye.empty_picture import CHUNK_FIFTHS, EmptyPicture
from stillroom.eye.frame import Frame
from stillroom.eye.view import View
from stillroom.keys import BoxKey, SigningKey, load_keys
from stillroom.link import Drawn, ViewAsked
from stillroom.view_wire import view_id
from stillroom_tools.lab.broker import find_program
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.view.look import Look

ROUNDS = 150
LOOKS, LOOK_S, REST_S = 24, 1, 2.2
FIRST_S, ANNOUNCED_S = 4.0, 1.0


@pytest.mark.parametrize(("level", "block"), [("figure", 1), ("picture", 16)])
def test_sealing_is_a_small_part_of_making_a_frame(level, block):
    session, unit = BoxKey.generate(), SigningKey.generate().verify_key
    figures = (Drawn("upright", 500, 900, 600),) if level == "figure" else ()
    luma = np.random.default_rng(0).integers(0, 255, (480, 640)).astype(np.uint8)
    chroma = np.full((240, 320), 128, np.uint8)
    grid, empty, view = Grid(640, 480), EmptyPicture((60, 80)), None
    for fifth in range(2 * CHUNK_FIFTHS + 1):
        empty.feed(np.full(4800, 100.0, np.float32), True, fifth)
    allowed = papers.Look(view_id(session.public.raw), session.public.raw, level, block, ROUNDS, 2**53)
    made, sealed = [], []
    for number in range(ROUNDS):
        asked = ViewAsked(allowed.view, unit.id, number, 5_000, "shown", figures)
        view = view or View(allowed, unit.id, 640, 480)
        began = time.thread_time()
        distil(Frame(luma, chroma, chroma, number * 10**8), None, None, grid, view.order(number * 10**8))
        blank = view._compose(asked, empty, True)
        between = time.thread_time()
        view._sealer.seal(number, level, block, blank, 5_000)
        made.append(between - began)
        sealed.append(time.thread_time() - between)
    ratio = float(np.median(sealed) / np.median(made))
    print(
        f"{level}: made in {np.median(made) * 1e6:.0f} us, sealed in {np.median(sealed) * 1e6:.0f} us, {ratio:.0%}"
    )
    assert ratio <= 0.15, "10 % asked; a busy machine shows more"


class Light:
    """When the room's light began to show each look: a file, as a board without a lamp has it."""

    def __init__(self, file: Path) -> None:
        self._file, self._ended = file, threading.Event()
        self.began: list[float] = []
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        before = ""
        while not self._ended.wait(0.005):
            now = self._file.read_text()
            if now == "view" != before:
                self.began.append(time.monotonic())
            before = now

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("slot_s", [0.5, 2.0])
def test_the_first_frame_of_each_look_comes_soon_and_after_the_light(tmp_path, slot_s):
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    live = ready(tmp_path, "--seconds", LOOK_S, looks_per_hour=60, slot_s=slot_s)
    light = Light(tmp_path / "unit-1" / "run" / "indicator")
    site, viewer = open_site(live.site), load_keys(tmp_path / "keys" / "carer.key", "viewer")
    asked, first = [], []
    try:
        for _ in range(LOOKS):
            asked.append(time.monotonic())
            frames = Look(site, "unit-1", viewer, "figure", LOOK_S, 1, "bench").frames()
            next(frames)
            first.append(time.monotonic())
            assert list(frames), "and others after it"
            time.sleep(REST_S)
    finally:
        light.end()
        live.end()
    assert len(light.began) == LOOKS
    took, shown = np.subtract(first, asked), np.subtract(first, light.began)
    print(
        f"{LOOKS} looks, slots of {slot_s:g} s: request to first frame median {np.median(took):.2f} s, "
        f"most {took.max():.2f} s; "
        f"light before it least {shown.min():.2f} s, median {np.median(shown):.2f} s"
    )
    assert shown.min() >= ANNOUNCED_S
    assert np.median(took) <= FIRST_S
