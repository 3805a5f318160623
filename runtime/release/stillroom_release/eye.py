"""The eye's part: frames of the size and at the pace that the release says, a second of them sealed at once.

Luma is cut out of the borrowed frame straight into locked memory, private zones black, and overwritten when it is
sealed. What is sealed goes to the keeper in pieces, a few a frame, so that readings find their place between them;
where the keeper does not keep up, frames are left out, and the next chunk says how many.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from stillroom.clock import NS_PER_MS, NS_PER_S
from stillroom.eye.order import Order
from stillroom.link import Piece, RecordAsked
from stillroom.locked import locked_arrays, wipe
from stillroom.release_forms import PIECE_BYTES, body_bytes, chunk_head, pixels_at, plain_bytes
from stillroom.release_papers import Release
from stillroom_release.seal import put_inner, seal_chunk

if TYPE_CHECKING:
    from stillroom.eye.order import Served

PIECES_A_FRAME = 6
MOST_CHUNKS_WAITING = 2


class Recorder:
    """One recording; for each camera frame `orders`, then `took`, then `send`."""

    def __init__(self, asked: RecordAsked, paper: Release, width_px: int, height_px: int) -> None:
        """paper: as two have signed it. width_px, height_px: the camera's. Raises SetupError: no locked memory."""
        form = paper.width_px, paper.height_px, paper.frames_per_s
        (self._plain,) = locked_arrays([((plain_bytes(*form),), np.uint8)])
        shape = (paper.frames_per_s, paper.height_px, paper.width_px)
        self._pixels = self._plain[pixels_at(paper.frames_per_s) :].reshape(shape)
        self._asked, self._paper, self._body_bytes = asked, paper, body_bytes(*form)
        self._scale = width_px / paper.width_px, height_px / paper.height_px
        self._period_ns = NS_PER_S // paper.frames_per_s
        self._due_ns: int | None = None
        self._times_ms: list[int] = []
        self._missed = 0
        self._number = asked.first
        self._waiting: deque[Piece] = deque()
        self.recording = asked.recording

    def orders(self, frame_ns: int) -> tuple[Order, ...]:
        """What is to be cut out of the next frame; nothing where none is due, or too much waits."""
        if self._due_ns is not None and frame_ns < self._due_ns:
            return ()
        late = self._due_ns is None or frame_ns - self._due_ns >= self._period_ns
        self._due_ns = (frame_ns if late or self._due_ns is None else self._due_ns) + self._period_ns
        if len(self._waiting) * PIECE_BYTES > MOST_CHUNKS_WAITING * self._body_bytes:
            self._missed += 1
            return ()
        across, down = self._scale
        affine = (across, 0.0, 0.0, 0.0, down, 0.0)
        return (Order(affine, self._pixels[len(self._times_ms)], frame_ns),)

    def took(self, served: "tuple[Served, ...]", captured_ns: int) -> None:
        """What became of the order; the last frame of a chunk seals it. captured_ns: of the monotonic clock."""
        if not served:
            return
        if served[0] == "stale":
            self._missed += 1
            return
        before = self._times_ms[-1] if self._times_ms else 0
        self._times_ms.append(max(before, (captured_ns - self._asked.began_ns) // NS_PER_MS))
        if len(self._times_ms) == self._paper.frames_per_s:
            self._seal()

    def _seal(self) -> None:
        asked, paper = self._asked, self._paper
        head = chunk_head(asked.sender_id, asked.release, asked.recording, self._number, self._body_bytes)
        put_inner(self._plain.data, paper.width_px, paper.height_px, self._missed, self._times_ms)
        body = seal_chunk(head, self._plain.data, paper.box)
        for at in range(0, len(body), PIECE_BYTES):
            self._waiting.append(Piece(asked.recording, self._number, at, body[at : at + PIECE_BYTES]))
        self._number += 1
        self._missed = 0
        self._times_ms.clear()

    def send(self, send: Callable[[Piece], bool]) -> None:
        """As many pieces as fit beside all else. send: False where the keeper does not keep up."""
        for _ in range(PIECES_A_FRAME):
            if not self._waiting or not send(self._waiting[0]):
                return
            self._waiting.popleft()

    def end(self) -> None:
        """Nothing more is recorded: what is not sealed yet is overwritten."""
        wipe(self._plain)
        self._times_ms.clear()
        self._waiting.clear()
