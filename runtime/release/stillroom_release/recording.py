"""One recording, from its announcement to its end: what the eye is asked for, and what becomes of what it seals.

The keeper puts the sealed pieces together, adds which block was before, signs, and hands the block to the writer. It
cannot open any of it.
"""

import os
from pathlib import Path

from stillroom.clock import NS_PER_MS, NS_PER_S, Clock
from stillroom.keys import SigningKey
from stillroom.link import Piece, RecordAsked
from stillroom.release_forms import ANNOUNCE_MS, RECORDING_BYTES, body_bytes, chunk_head, end_head
from stillroom.release_papers import Release
from stillroom.release_rules import release_id
from stillroom.release_wire import FIRST_LINK, write_block
from stillroom_release.shelf import Writer, number_of

MB = 1_000_000
SILENT_S = 30
LAST_BYTES = 4_096
"""Kept free of the release's size for the end of each file."""


class Recording:
    """At each lease `asked`; `took` for each piece; `end` once."""

    def __init__(
        self, paper: Release, note: bytes, path: Path, before_bytes: int, clock: Clock, key: SigningKey
    ) -> None:
        """note: the paper as it was signed. before_bytes: what was recorded under this release before."""
        self.paper, self.note, self.path = paper, note, path
        self._clock, self._key = clock, key
        self._id, self._release = os.urandom(RECORDING_BYTES), release_id(paper)
        self._began_ns = clock.mono_ns() + ANNOUNCE_MS * NS_PER_MS
        self._body_bytes = body_bytes(paper.width_px, paper.height_px, paper.frames_per_s)
        self._writer: Writer | None = None
        self._sealed = bytearray()
        self._wrong = ""
        self._last_ns = self._began_ns
        self.chunks, self.link = 0, FIRST_LINK
        self.total_bytes = before_bytes
        """Under this release: on the card, or on their way to it."""

    @property
    def wrong(self) -> str:
        """Why it cannot go on; empty while it can."""
        failed = self._writer.failed if self._writer is not None else ""
        return failed or self._wrong

    @property
    def file(self) -> int:
        """Its number among those of the release."""
        return number_of(self.path)

    @property
    def silent(self) -> bool:
        """No chunk has come for so long that none can be expected."""
        return self._clock.mono_ns() - self._last_ns >= SILENT_S * NS_PER_S

    def asked(self) -> RecordAsked | None:
        """None while the light alone says that it begins."""
        if self._clock.mono_ns() < self._began_ns:
            return None
        return RecordAsked(
            sender_id=self._key.verify_key.id,
            release=self._release,
            recording=self._id,
            first=self.chunks,
            began_ns=self._began_ns,
        )

    def took(self, piece: Piece) -> None:
        """The next piece of the next chunk; anything else is of another recording, or makes its chunk be left out."""
        if piece.recording != self._id or piece.number != self.chunks or self.wrong:
            return
        if piece.at == 0:
            self._sealed.clear()
        if piece.at != len(self._sealed) or piece.at + len(piece.data) > self._body_bytes:
            return
        self._sealed += piece.data
        if len(self._sealed) == self._body_bytes:
            head = chunk_head(self._key.verify_key.id, self._release, self._id, self.chunks, self._body_bytes)
            self._put(head, bytes(self._sealed))
            self._sealed.clear()

    def _put(self, head: bytes, body: bytes) -> None:
        block, link = write_block(head, body, self.link, self._clock.utc_ms(), self._key)
        if self.total_bytes + len(block) + LAST_BYTES > self.paper.max_mb * MB:
            self._wrong = "used-up"
            return
        if self._writer is None:
            self._writer = Writer(self.path)
        if self._writer.behind:
            self._wrong = "card-slow"
            return
        self._writer.put(block, self.link, link)
        self._last_ns = self._clock.mono_ns()
        self.chunks, self.link, self.total_bytes = self.chunks + 1, link, self.total_bytes + len(block)

    def end(self, how: str) -> None:
        """The file's last block says how; without a chunk there is no file. Does not wait for the card."""
        if self._writer is None:
            return
        if self._writer.failed:
            self._writer.wait()  # what does not follow is left out at once
            lost = self.chunks - self._writer.blocks
            self.chunks, self.link = self._writer.blocks, self._writer.link
            self.total_bytes -= lost * self._body_bytes
        block, link = end_block(self._key, self._release, self._id, self.chunks, self.link, how, self._clock)
        self._writer.put(block, self.link, link)
        self.link = link
        self._writer.finish()

    def settle(self) -> None:
        """Until all of it is on the card, or never will be."""
        if self._writer is not None:
            self._writer.wait()


def end_block(
    key: SigningKey, release: bytes, recording: bytes, chunks: int, before: bytes, how: str, clock: Clock
) -> tuple[bytes, bytes]:
    """The last block of a file, and its link."""
    body = how.encode()
    head = end_head(key.verify_key.id, release, recording, chunks, len(body))
    return write_block(head, body, before, clock.utc_ms(), key)
