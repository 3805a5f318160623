"""Sealing a second of frames, as the eye does: to the custodian's public key, each under a key of its own.

That key is made in memory of ours, sealed to the custodian, used once and overwritten: from then on the unit itself
cannot open what it has written. libsodium does the same to the ephemeral key of the box. The bytes are in WIRE.md.
"""

from typing import TYPE_CHECKING

from nacl._sodium import (  # below `bindings`, which take bytes alone: copies of key and pictures that cannot be wiped
    ffi,
    lib,
)

from stillroom.errors import TrustError
from stillroom.release_forms import BOX_BYTES, INNER, KEY_BYTES, TAG_BYTES, TIME_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

NONCE = bytes(24)
"""A key seals one chunk."""


def put_inner(
    plain: memoryview, width_px: int, height_px: int, missed: int, times_ms: "Sequence[int]"
) -> None:
    """What stands before the pixels."""
    INNER.pack_into(plain, 0, width_px, height_px, len(times_ms), min(missed, 65_535))
    for i, at_ms in enumerate(times_ms):
        place = INNER.size + TIME_BYTES * i
        plain[place : place + TIME_BYTES] = min(at_ms, 2**32 - 1).to_bytes(TIME_BYTES, "big")


def seal_chunk(head: bytes, plain: memoryview, custodian: bytes) -> bytes:
    """Box and ciphertext; plain is zeros when this returns. Raises TrustError: a key that nobody can be sealed to."""
    size = len(plain)
    body = ffi.new("unsigned char[]", BOX_BYTES + size + TAG_BYTES)
    key = ffi.new("unsigned char[]", KEY_BYTES)
    try:
        lib.randombytes(key, KEY_BYTES)
        if lib.crypto_box_seal(body, key, KEY_BYTES, custodian):
            raise TrustError("the custodian's key cannot be sealed to")
        associated = head + bytes(ffi.buffer(body, BOX_BYTES))
        failed = lib.crypto_aead_xchacha20poly1305_ietf_encrypt(
            body + BOX_BYTES,
            ffi.NULL,
            ffi.from_buffer(plain),
            size,
            associated,
            len(associated),
            ffi.NULL,
            NONCE,
            key,
        )
    finally:
        lib.sodium_memzero(key, KEY_BYTES)
        lib.sodium_memzero(ffi.from_buffer(plain), size)
    if failed:
        raise RuntimeError("libsodium did not encrypt")
    return bytes(ffi.buffer(body))
