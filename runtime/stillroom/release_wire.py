"""The blocks of a recording's file: read, followed, verified, opened. What makes them is in `stillroom_release`.

Each block says which one was before it and is signed by the unit's keeper, which cannot open what the eye has sealed:
one that is missing, in another place, altered, or of another recording shows.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from nacl import bindings, exceptions

from stillroom.errors import WireError
from stillroom.hashes import digest
from stillroom.keys import BoxKey, SigningKey
from stillroom.public_keys import SIGNATURE_BYTES, VerifyKey
from stillroom.release_forms import (
    BOX_BYTES,
    CHUNK,
    END,
    HEAD,
    INNER,
    KEY_BYTES,
    MAGIC,
    MAX_BODY_BYTES,
    RATES,
    SIZES,
    SUITE,
    TIME_BYTES,
    VERSION,
    body_bytes,
    pixels_at,
)

FIRST_LINK = bytes(32)
LINK_BYTES = 32
NONCE = bytes(bindings.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
_AT = struct.Struct(">Q")
TRAILER_BYTES = LINK_BYTES + _AT.size + SIGNATURE_BYTES
_LINK_DOMAIN = b"stillroom/1 release link"
_SIGN_DOMAIN = b"stillroom/1 release block\0"


@dataclass(frozen=True, slots=True)
class Block:
    """One block as it lies in a file; nothing is known of it but its form."""

    head: bytes
    body: bytes
    before: bytes
    """The link of the block before; zeros in the first one."""
    at_ms: int
    """When the keeper signed it (UTC)."""
    signature: bytes

    @property
    def what(self) -> int:
        return self.head[6]

    @property
    def sender_id(self) -> bytes:
        return self.head[8:16]

    @property
    def release(self) -> bytes:
        return self.head[16:32]

    @property
    def recording(self) -> bytes:
        return self.head[32:48]

    @property
    def number(self) -> int:
        return int.from_bytes(self.head[48:52], "big")

    @property
    def link(self) -> bytes:
        return digest(_LINK_DOMAIN, self.before + self.head + _AT.pack(self.at_ms) + self.body, LINK_BYTES)


@dataclass(frozen=True, slots=True)
class Frames:
    """What a chunk holds: `luma[i]` was taken `at_ms[i]` after the recording began."""

    width_px: int
    height_px: int
    missed: int
    """Frames that the eye had to leave out before these."""
    at_ms: tuple[int, ...]
    luma: tuple[bytes, ...]


def write_block(head: bytes, body: bytes, before: bytes, at_ms: int, unit: SigningKey) -> tuple[bytes, bytes]:
    """The block as it lies in the file, and its link."""
    link = Block(head, body, before, at_ms, b"").link
    return head + body + before + _AT.pack(at_ms) + unit.sign(_SIGN_DOMAIN + link), link


def read_block(file: BinaryIO) -> Block | None:
    """The next block; None at the end. Raises WireError: `cut`, magic, version, suite, what, size."""
    head = file.read(HEAD.size)
    if not head:
        return None
    if len(head) < HEAD.size:
        raise WireError("cut", "the file ends inside a block")
    magic, version, suite, what, _, _, _, _, size = HEAD.unpack(head)
    if magic != MAGIC:
        raise WireError("magic", "not a block of a recording")
    if version != VERSION:
        raise WireError("version", f"{version}; this software knows {VERSION}")
    if suite != SUITE:
        raise WireError("suite", f"{suite}; this software knows {SUITE}")
    if what not in (CHUNK, END) or head[7]:
        raise WireError("what", f"{what}")
    if not 0 < size <= MAX_BODY_BYTES:
        raise WireError("size", f"{size} bytes")
    rest = file.read(size + TRAILER_BYTES)
    if len(rest) < size + TRAILER_BYTES:
        raise WireError("cut", "the file ends inside a block")
    before, at = rest[size : size + LINK_BYTES], rest[size + LINK_BYTES : -SIGNATURE_BYTES]
    return Block(head, rest[:size], before, _AT.unpack(at)[0], rest[-SIGNATURE_BYTES:])


def read_blocks(file: BinaryIO) -> Iterator[Block]:
    """All of them. Raises WireError, as `read_block` does."""
    while (block := read_block(file)) is not None:
        yield block


def verify(block: Block, unit: VerifyKey, release: bytes) -> None:
    """Raises WireError: sender, release, signature."""
    if block.sender_id != unit.id:
        raise WireError("sender", block.sender_id.hex())
    if block.release != release:
        raise WireError("release", "of another release")
    if not unit.verifies(_SIGN_DOMAIN + block.link, block.signature):
        raise WireError("signature", f"not by {block.sender_id.hex()}")


def open_chunk(block: Block, box: BoxKey) -> Frames:
    """What a verified chunk holds. Raises WireError: what, wrap, ciphertext, body."""
    if block.what != CHUNK:
        raise WireError("what", "no chunk")
    key = box.open(block.body[:BOX_BYTES])
    if key is None or len(key) != KEY_BYTES:
        raise WireError("wrap", "the custodian's key does not open")
    try:
        plain = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
            block.body[BOX_BYTES:], block.head + block.body[:BOX_BYTES], NONCE, key
        )
    except exceptions.CryptoError:
        raise WireError("ciphertext", "altered") from None
    return _frames(plain, len(block.body))


def _frames(plain: bytes, size: int) -> Frames:
    if len(plain) < INNER.size:
        raise WireError("body", "not as a unit writes it")
    width, height, count, missed = INNER.unpack_from(plain)
    known = (width, height) in SIZES and count in RATES and not any(plain[8 : INNER.size])
    if not known or size != body_bytes(width, height, count):
        raise WireError("body", "not as a unit writes it")
    times = tuple(
        int.from_bytes(plain[at : at + TIME_BYTES], "big")
        for at in range(INNER.size, pixels_at(count), TIME_BYTES)
    )
    if list(times) != sorted(times):
        raise WireError("body", "its times do not rise")
    first, each = pixels_at(count), width * height
    luma = tuple(plain[first + i * each : first + (i + 1) * each] for i in range(count))
    return Frames(width, height, missed, times, luma)


def how_it_ended(block: Block) -> str:
    """Of an end: its code. Raises WireError: what, body."""
    if block.what != END:
        raise WireError("what", "no end")
    text = block.body.decode("ascii", "replace")
    if not (text.replace("-", "").isalnum() and text.islower() and len(text) <= 48):
        raise WireError("body", "not as a unit writes it")
    return text
