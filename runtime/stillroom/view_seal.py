"""Sealing the frames of a view, as the eye does: to a public key, with no key of ours and no way to a key file.

The bytes are in `view_wire.py`, for those who sign and open.
"""

import os
import struct

from nacl import bindings, exceptions
from nacl._sodium import (  # below `bindings`, which take bytes alone: a copy of a picture that cannot be wiped
    ffi,
    lib,
)

from stillroom.errors import TrustError
from stillroom.hashes import digest
from stillroom.view_forms import BLANKS, HEIGHT_PX, LEVELS, VIEW_ID_BYTES, WIDTH_PX, Blank, ViewLevel

MAGIC = b"STLV"
VERSION = SUITE = 1
HEAD = struct.Struct(">4sBBH8s16s")
INNER = struct.Struct(">BBBxI56x")
PIXELS = WIDTH_PX * HEIGHT_PX
PIXELS_AT = INNER.size
"""In the plain bytes: rows of luma from there on, without gaps."""
PLAIN_BYTES = PIXELS_AT + PIXELS
KEY_BYTES = 32
BOX_BYTES = KEY_BYTES + bindings.crypto_box_SEALBYTES
NONCE = bytes(bindings.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
_TAG_BYTES = bindings.crypto_aead_xchacha20poly1305_ietf_ABYTES
OPEN_BYTES = HEAD.size + BOX_BYTES
SEALED_BYTES = OPEN_BYTES + PLAIN_BYTES + _TAG_BYTES
_ID_DOMAIN = b"stillroom/1 view id"
_KEY_DOMAIN = b"stillroom/1 view frame key"
_ZEROS = bytes(PLAIN_BYTES)


def view_id(session: bytes) -> bytes:
    """By which both sides know one view: of the session key in its request, which is made for it alone."""
    return digest(_ID_DOMAIN, session, VIEW_ID_BYTES)


def frame_key(view_key: bytes, head: bytes) -> bytes:
    """Of one frame: its head holds sender, view and number, so that no key is used twice."""
    return digest(_KEY_DOMAIN, head, KEY_BYTES, view_key)


class FrameSealer:
    """Seals the frames of one view. Use each number once."""

    def __init__(self, sender_id: bytes, view: bytes, session: bytes, plain: bytearray | memoryview) -> None:
        """plain: PLAIN_BYTES; pixels are written into it before each `seal`, which leaves zeros. Locked, in the eye.

        Raises TrustError: a session key that nobody can be sealed to.
        """
        self._sender_id, self._view, self._plain = sender_id, view, plain
        self._key = os.urandom(KEY_BYTES)
        try:
            self._box = bindings.crypto_box_seal(self._key, session)
        except (exceptions.CryptoError, exceptions.TypeError, exceptions.ValueError):
            raise TrustError("the session key of a view cannot be sealed to") from None

    def seal(self, number: int, level: ViewLevel, block: int, blank: Blank, left_ms: int) -> bytes:
        """SEALED_BYTES, without a signature. Where it is blank, no pixel is sealed, whatever was written."""
        head = HEAD.pack(MAGIC, VERSION, SUITE, number, self._sender_id, self._view)
        if blank != "shown":
            self._plain[:] = _ZEROS
        INNER.pack_into(
            self._plain, 0, LEVELS.index(level), block, BLANKS.index(blank), min(max(0, left_ms), 2**32 - 1)
        )
        associated = head + self._box
        cipher = ffi.new("unsigned char[]", PLAIN_BYTES + _TAG_BYTES)
        failed = lib.crypto_aead_xchacha20poly1305_ietf_encrypt(
            cipher,
            ffi.NULL,
            ffi.from_buffer(self._plain),
            PLAIN_BYTES,
            associated,
            len(associated),
            ffi.NULL,
            NONCE,
            frame_key(self._key, head),
        )
        self._plain[:] = _ZEROS
        if failed:
            raise RuntimeError("libsodium did not encrypt")
        return associated + bytes(ffi.buffer(cipher))
