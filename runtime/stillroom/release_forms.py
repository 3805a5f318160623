"""What recordings are made of, for all who speak of them: sizes, pace, and the head of each block of a file.

Nothing here takes, seals or writes a picture: that is in the package `stillroom_release`, a distribution of its own.
WIRE.md, "Releases", says the same.
"""

import struct
from typing import Any, Literal

SIZES = ((192, 144), (320, 240), (480, 360))
"""Of every frame, width and height in pixels of luma."""
RATES = (1, 2, 5)
"""Frames a second; a chunk holds one second."""
MAX_MB = 64_000
ANNOUNCE_MS = 1_000
"""So long the room's light says that somebody records, before the first frame is taken."""

MAGIC = b"STLC"
VERSION = SUITE = 1
CHUNK, END = 1, 2
"""What a block is: a second of sealed frames, or how the recording ended."""
RELEASE_BYTES = RECORDING_BYTES = 16
HEAD = struct.Struct(">4sBBBx8s16s16sII")
"""Magic, version, suite, what, sender, release, recording, number, bytes of the body."""
INNER = struct.Struct(">HHHH8x")
"""Width, height, frames, frames missed before these; then a time a frame, then their pixels."""
TIME_BYTES = 4
KEY_BYTES = 32
BOX_BYTES = KEY_BYTES + 48
TAG_BYTES = 16
PIECE_BYTES = 24_576
"""Of a sealed chunk, in one message from the eye to the keeper."""
MAX_BODY_BYTES = 1_000_000

INTERRUPTED = "interrupted"
"""How a recording ended that a power cut or a kill broke off; the unit signs it at its next start."""
SUFFIX = ".stlc"
NOTE_FILE = "release.note"
PAPERS, WITHDRAWALS, RECORDINGS = "releases", "release-withdrawals", "releases"
"""Folders: the first two in the trust folder, the third in the keeper's state."""
GROUP = "stillroom.release"
"""Entry points of the package that records: `eye` and `keeper`."""


def pixels_at(frames_per_s: int) -> int:
    """Where the first frame's pixels begin in the plain bytes of a chunk."""
    return INNER.size + TIME_BYTES * frames_per_s


def plain_bytes(width_px: int, height_px: int, frames_per_s: int) -> int:
    return pixels_at(frames_per_s) + width_px * height_px * frames_per_s


def body_bytes(width_px: int, height_px: int, frames_per_s: int) -> int:
    """Of a chunk: box and ciphertext."""
    return BOX_BYTES + plain_bytes(width_px, height_px, frames_per_s) + TAG_BYTES


def chunk_head(sender_id: bytes, release: bytes, recording: bytes, number: int, size: int) -> bytes:
    return HEAD.pack(MAGIC, VERSION, SUITE, CHUNK, sender_id, release, recording, number, size)


def end_head(sender_id: bytes, release: bytes, recording: bytes, number: int, size: int) -> bytes:
    return HEAD.pack(MAGIC, VERSION, SUITE, END, sender_id, release, recording, number, size)


def part(name: Literal["eye", "keeper"]) -> Any | None:
    """What the installed package gives for this process; None where it is not installed."""
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP, name=name):
        return point.load()
    return None
