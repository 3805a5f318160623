"""What recording costs: sealing a second against cutting its frames out, and signing and writing it in the keeper."""

import time

import numpy as np
import pytest
from tests.parties import release

from stillroom.eye.distil import Grid, distil
from stillroom.eye.frame import Frame
from stillroom.keys import BoxKey, SigningKey
from stillroom.link import RecordAsked
from stillroom.release_forms import SIZES, body_bytes, chunk_head
from stillroom.release_wire import FIRST_LINK, write_block
from stillroom_release.eye import Recorder

CHUNKS = 20


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_sealing_is_a_small_part_of_what_the_kernel_does_for_a_second(size):
    custodian, unit = BoxKey.generate(), SigningKey.generate()
    asked = RecordAsked(unit.verify_key.id, bytes(16), bytes(16), 0, 0)
    paper = release(custodian.public.raw, width_px=size[0], height_px=size[1])
    recorder, grid = Recorder(asked, paper, 640, 480), Grid(640, 480)
    luma = np.random.default_rng(0).integers(0, 255, (480, 640)).astype(np.uint8)
    chroma = np.full((240, 320), 128, np.uint8)
    distilled, sealed, signed = [], [], []
    for number in range(30 * CHUNKS):
        frame_ns = number * 33_333_334
        frame = Frame(luma, chroma, chroma, frame_ns)
        orders = recorder.orders(frame_ns)
        began = time.thread_time()
        served = distil(frame, None, None, grid, orders)
        between = time.thread_time()
        recorder.took(served, frame_ns)
        recorder.send(lambda _piece: True)
        distilled.append(between - began)
        sealed.append(time.thread_time() - between)
    body = bytes(body_bytes(*size, 5))
    head = chunk_head(unit.verify_key.id, bytes(16), bytes(16), 0, len(body))
    for _ in range(CHUNKS):
        began = time.thread_time()
        write_block(head, body, FIRST_LINK, 0, unit)
        signed.append(time.thread_time() - began)
    a_second = sum(sealed) / CHUNKS
    ratio = sum(sealed) / sum(distilled)
    print(
        f"{size[0]}x{size[1]}, 5 a second: sealed in {a_second * 1e3:.2f} ms a second, {ratio:.0%} of the kernel's "
        f"time; signed by the keeper in {np.median(signed) * 1e3:.2f} ms"
    )
    assert ratio < 0.5
