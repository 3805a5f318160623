"""The bytes of one frame of a view: one size, opened by itself with the viewer's session key. WIRE.md says the same.

The eye seals it (`view_seal.py`), to the key that the signed request names; the keeper, which cannot open it, signs it.
Whoever watches the broker sees that a view runs and for how long, not who looks, why, or at which level.
"""

from dataclasses import dataclass

from nacl import bindings, exceptions

from stillroom.errors import WireError
from stillroom.hashes import digest
from stillroom.keys import BoxKey, SigningKey
from stillroom.public_keys import SIGNATURE_BYTES, VerifyKey
from stillroom.view_forms import BLANKS, BLOCKS, LEVELS, Blank, ViewLevel
from stillroom.view_seal import (
    HEAD,
    INNER,
    KEY_BYTES,
    MAGIC,
    NONCE,
    OPEN_BYTES,
    PIXELS_AT,
    SEALED_BYTES,
    SUITE,
    VERSION,
    frame_key,
)
from stillroom.view_seal import view_id as view_id

FRAME_BYTES = SEALED_BYTES + SIGNATURE_BYTES
_SIGN_DOMAIN = b"stillroom/1 view frame\0"
_HASH_DOMAIN = b"stillroom/1 view frame hash"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a frame holds. luma: HEIGHT_PX rows of WIDTH_PX bytes, zeros where `blank` is not `shown`."""

    level: ViewLevel
    block: int
    """Side of the squares that were averaged, in pixels of this picture; 1: none."""
    blank: Blank
    left_ms: int
    """Of the time that was announced."""
    luma: bytes


def is_frame_of(sealed: bytes, sender_id: bytes, view: bytes, number: int) -> bool:
    """Whether these are the bytes before the signature of that frame; nothing is known of what they hold."""
    head = HEAD.pack(MAGIC, VERSION, SUITE, number, sender_id, view)
    return len(sealed) == SEALED_BYTES and sealed[: HEAD.size] == head


def sign(sealed: bytes, unit: SigningKey) -> bytes:
    """The frame as it leaves."""
    return sealed + unit.sign(_signed(sealed))


def open_frame(frame: bytes, unit: VerifyKey, view: bytes, session: BoxKey) -> tuple[int, Shown]:
    """Its number and what it holds. Raises WireError: magic, size, version, suite, sender, view, signature, wrap,
    ciphertext, body. Whether the number was seen before is for the caller.
    """
    if frame[:4] != MAGIC:
        raise WireError("magic", "not a frame of a view")
    if len(frame) != FRAME_BYTES:
        raise WireError("size", f"{len(frame)} bytes")
    _, version, suite, number, sender_id, of_view = HEAD.unpack_from(frame)
    if version != VERSION:
        raise WireError("version", f"{version}; this software knows {VERSION}")
    if suite != SUITE:
        raise WireError("suite", f"{suite}; this software knows {SUITE}")
    if sender_id != unit.id:
        raise WireError("sender", sender_id.hex())
    if of_view != view:
        raise WireError("view", "of another view")
    sealed, signature = frame[:SEALED_BYTES], frame[SEALED_BYTES:]
    if not unit.verifies(_signed(sealed), signature):
        raise WireError("signature", f"not by {sender_id.hex()}")
    key = session.open(sealed[HEAD.size : OPEN_BYTES])
    if key is None or len(key) != KEY_BYTES:
        raise WireError("wrap", "the view's key does not open")
    try:
        plain = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
            sealed[OPEN_BYTES:],
            sealed[:OPEN_BYTES],
            NONCE,
            frame_key(key, sealed[: HEAD.size]),
        )
    except exceptions.CryptoError:
        raise WireError("ciphertext", "altered") from None
    return number, _shown(plain)


def _signed(sealed: bytes) -> bytes:
    """A hash of it: Ed25519 reads what it signs twice."""
    return _SIGN_DOMAIN + digest(_HASH_DOMAIN, sealed, 64)


def _shown(plain: bytes) -> Shown:
    level, block, blank, left_ms = INNER.unpack_from(plain)
    known = level < len(LEVELS) and blank < len(BLANKS) and block in BLOCKS
    if not known or plain[8:PIXELS_AT].strip(b"\0") or plain[3]:
        raise WireError("body", "not as a unit writes it")
    return Shown(LEVELS[level], block, BLANKS[blank], left_ms, plain[PIXELS_AT:])
