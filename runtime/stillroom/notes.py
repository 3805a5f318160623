"""Signing documents, for whoever holds a key; reading them, from `note_reading.py`, is beside it."""

import base64
from collections.abc import Sequence

from msgspec import Struct

from stillroom.errors import TrustError
from stillroom.keys import KeyRing, SigningKey
from stillroom.note_reading import MAX_NOTE_BYTES, MAX_SIGNATURES, Signer, encode, signatures, split


def signer_of(ring: KeyRing) -> Signer:
    """The public side of a key ring."""
    return Signer(ring.note_name, ring.signing.verify_key)


def sign_note(kind: str, document: Struct, signers: Sequence[KeyRing]) -> bytes:
    """The note of `document`, signed by each. Raises TrustError where it would be too large to be read."""
    note = encode(kind, document)
    for ring in signers:
        note = add_signature(note, ring)
    return note


def add_signature(note: bytes, ring: KeyRing, limit: int = MAX_NOTE_BYTES) -> bytes:
    """The note with one more signature; or the first, under the text that `encode` made.

    Raises NoteError for what is no note; TrustError: signed already by this key, by eight others, or too large.
    """
    text, lines = split(note, unsigned=True, limit=limit)
    signer = signer_of(ring)
    if (signer.name, signer.hash) in signatures(lines):
        raise TrustError(f"signed already by {signer.name}")
    lines = [*lines, _signature_line(signer, ring.signing, text)]
    signed = text + b"\n" + "".join(f"{line}\n" for line in lines).encode()
    if len(signed) > limit or len(lines) > MAX_SIGNATURES:
        raise TrustError(f"a document of {len(signed)} bytes: at most {limit}")
    return signed


def _signature_line(signer: Signer, key: SigningKey, text: bytes) -> str:
    return f"— {signer.name} {base64.b64encode(signer.hash + key.sign(text)).decode()}"
