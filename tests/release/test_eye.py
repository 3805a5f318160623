"""The eye's part of a recording: its pace, what is cut out and masked, what is wiped, and what is left out and said."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import parties

from stillroom.errors import TrustError, WireError
from stillroom.eye.distil import Grid, Mask, distil
from stillroom.eye.frame import Frame
from stillroom.keys import BoxKey, SigningKey
from stillroom.link import Piece, RecordAsked
from stillroom.release_forms import body_bytes, chunk_head
from stillroom.release_papers import Release
from stillroom.release_wire import FIRST_LINK, Frames, open_chunk, read_block, verify, write_block
from stillroom_release import seal
from stillroom_release.eye import MOST_CHUNKS_WAITING, Recorder

UNIT, CUSTODIAN = SigningKey.generate(), BoxKey.generate()
RELEASE, RECORDING = b"R" * 16, b"r" * 16
STEP_NS = 100_000_000


def paper(frames_per_s: int = 5, size: tuple[int, int] = (192, 144)) -> Release:
    width, height = size
    level = {"width_px": width, "height_px": height, "frames_per_s": frames_per_s}
    return parties.release(CUSTODIAN.public.raw, **level)


class Told:
    """The keeper's end of the link: puts chunks together, opens them as the custodian would."""

    def __init__(self, of: Release, first: int = 0) -> None:
        self.asked = RecordAsked(UNIT.verify_key.id, RELEASE, RECORDING, first, 10**9)
        self.of, self.pieces, self.full = of, [], False

    def __call__(self, piece: Piece) -> bool:
        if not self.full:
            self.pieces.append(piece)
        return not self.full

    @property
    def chunks(self) -> list[Frames]:
        of, found = self.of, []
        size = body_bytes(of.width_px, of.height_px, of.frames_per_s)
        for number in sorted({piece.number for piece in self.pieces}):
            body = b"".join(piece.data for piece in self.pieces if piece.number == number)
            if len(body) == size:
                head = chunk_head(UNIT.verify_key.id, RELEASE, RECORDING, number, size)
                block = read_block(io.BytesIO(write_block(head, body, FIRST_LINK, 5, UNIT)[0]))
                assert block is not None
                verify(block, UNIT.verify_key, RELEASE)
                found.append(open_chunk(block, CUSTODIAN))
        return found


def run(recorder: Recorder, told: Told, frames: int, begin: int = 0, shade: int = 77) -> None:
    """Camera frames, ten a second."""
    for number in range(begin, begin + frames):
        orders = recorder.orders(number * STEP_NS)
        for order in orders:
            order.destination[:] = shade
        recorder.took(("served",) * len(orders), 10**9 + number * STEP_NS)
        recorder.send(told)


@pytest.mark.parametrize("frames_per_s", [1, 2, 5])
def test_frames_come_at_the_pace_of_the_release_whatever_the_cameras(frames_per_s: int):
    told = Told(paper(frames_per_s))
    run(Recorder(told.asked, told.of, 640, 480), told, 60)
    assert len(told.chunks) in (5, 6) and {len(chunk.luma) for chunk in told.chunks} == {frames_per_s}
    times = [at for chunk in told.chunks for at in chunk.at_ms]
    assert set(np.diff(times)) <= {1000 // frames_per_s}


def test_what_is_recorded_is_the_frame_in_the_size_of_the_release_with_private_zones_black():
    told = Told(paper(1, (320, 240)))
    recorder, grid = Recorder(told.asked, told.of, 640, 480), Grid(640, 480)
    luma = np.tile(np.arange(640, dtype=np.uint16) // 4, (480, 1)).astype(np.uint8)
    chroma = np.full((240, 320), 128, np.uint8)
    mask = Mask.from_polygons(640, 480, [((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))])
    served = distil(Frame(luma, chroma, chroma, 0), None, mask, grid, recorder.orders(0))
    recorder.took(served, 10**9)
    for _ in range(4):
        recorder.send(told)
    shown = np.frombuffer(told.chunks[0].luma[0], np.uint8).reshape(240, 320)
    assert not shown[:, 160:].any()
    assert np.abs(shown[:, :150].astype(int) - luma[::2, :300:2].astype(int)).max() <= 1


def test_pixels_and_key_are_overwritten_once_they_are_sealed(monkeypatch: pytest.MonkeyPatch):
    keys, new = [], seal.ffi.new

    class Spy:
        def __getattr__(self, name: str):
            return getattr(real, name)

        def new(self, kind: str, size: int):
            made = new(kind, size)
            if size == 32:
                keys.append(made)
            return made

    real = seal.ffi
    monkeypatch.setattr(seal, "ffi", Spy())
    told = Told(paper())
    recorder = Recorder(told.asked, told.of, 640, 480)
    run(recorder, told, 9)
    assert len(told.chunks) == 1 and told.chunks[0].luma[0] == bytes([77]) * 192 * 144
    assert not recorder._plain.any(), "sealed, and nothing taken since"
    (key,) = keys
    assert bytes(real.buffer(key)) == bytes(32)


def test_what_is_not_sealed_at_the_end_is_overwritten():
    told = Told(paper())
    recorder = Recorder(told.asked, told.of, 640, 480)
    run(recorder, told, 3)
    assert recorder._plain.any()
    recorder.end()
    assert not recorder._plain.any() and not told.pieces


def test_a_keeper_that_does_not_keep_up_costs_frames_and_the_next_chunk_says_how_many():
    told = Told(paper())
    recorder = Recorder(told.asked, told.of, 640, 480)
    told.full = True
    run(recorder, told, 100)
    waiting = len(recorder._waiting)
    assert waiting * 24_576 < (MOST_CHUNKS_WAITING + 2) * body_bytes(192, 144, 5), "bounded"
    told.full = False
    run(recorder, told, 40, 100)
    missed = [chunk.missed for chunk in told.chunks]
    assert sum(missed) >= 20 and missed[0] == 0
    assert [piece.number for piece in told.pieces] == sorted(piece.number for piece in told.pieces)


def test_an_order_that_came_too_late_is_a_frame_left_out():
    told = Told(paper())
    recorder = Recorder(told.asked, told.of, 640, 480)
    recorder.took(("stale",) * len(recorder.orders(0)), 10**9)
    run(recorder, told, 20, 2)
    assert told.chunks[0].missed == 1


def test_no_two_chunks_have_one_key_and_another_eye_goes_on_with_the_number():
    told = Told(paper(1), first=7)
    run(Recorder(told.asked, told.of, 640, 480), told, 30)
    assert {piece.number for piece in told.pieces} == {7, 8, 9}
    boxes = {piece.data[:80] for piece in told.pieces if piece.at == 0}
    assert len(boxes) == 3
    assert len({piece.data[100:400] for piece in told.pieces if piece.at == 0}) == 3


def test_a_key_that_nobody_can_be_sealed_to_seals_nothing():
    plain = bytearray(100)
    plain[:] = b"x" * 100
    with pytest.raises(TrustError):
        seal.seal_chunk(b"head", memoryview(plain), bytes(32))
    assert not any(plain)


def good_block() -> bytes:
    told = Told(paper(1))
    run(Recorder(told.asked, told.of, 640, 480), told, 9)
    body = b"".join(piece.data for piece in told.pieces)
    head = chunk_head(UNIT.verify_key.id, RELEASE, RECORDING, 0, len(body))
    return write_block(head, body, FIRST_LINK, 5, UNIT)[0]


GOOD = good_block()


@given(st.binary(max_size=400) | st.binary(max_size=300).map(lambda data: b"STLC\1\1\1\0" + data))
def test_whatever_lies_there_is_a_block_or_refused_by_a_name(data: bytes):
    try:
        block = read_block(io.BytesIO(data))
        if block is not None:
            verify(block, UNIT.verify_key, RELEASE)
    except WireError as error:
        assert error.reason in (
            "cut",
            "magic",
            "version",
            "suite",
            "what",
            "size",
            "sender",
            "release",
            "signature",
        )
    else:
        assert block is None and not data


@given(at=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
def test_every_bit_counts(at: int, bit: int):
    changed = bytearray(GOOD)
    changed[at] ^= 1 << bit
    with pytest.raises(WireError):
        block = read_block(io.BytesIO(bytes(changed)))
        assert block is not None
        verify(block, UNIT.verify_key, RELEASE)


@given(
    plain=st.binary(max_size=200),
    form=st.tuples(st.sampled_from((192, 320, 7)), st.sampled_from((144, 240, 0)), st.integers(0, 9)),
)
def test_whatever_an_eye_seals_opens_to_frames_or_is_refused(plain: bytes, form: tuple[int, int, int]):
    """An eye that was taken over seals what it likes, under a right key and the keeper's signature."""
    width, height, count = form
    text = bytearray(width.to_bytes(2, "big") + height.to_bytes(2, "big") + count.to_bytes(2, "big") + plain)
    head = chunk_head(UNIT.verify_key.id, RELEASE, RECORDING, 0, 96 + len(text))
    body = seal.seal_chunk(head, memoryview(text), CUSTODIAN.public.raw)
    block = read_block(io.BytesIO(write_block(head, body, FIRST_LINK, 5, UNIT)[0]))
    assert block is not None
    with pytest.raises(WireError, match="body"):
        open_chunk(block, CUSTODIAN)
