"""Public keys: what verifies and what is sealed to, and how they are named. No secret, and no way to a file of them.

Whoever must not come to hold a secret, as the eye, loads this and not `keys.py`. Thin classes over libsodium (through
`nacl.bindings`, which costs 3 MiB where `nacl.public` and `hashlib` cost more).
"""

import base64
import re
from typing import Annotated

from msgspec import Meta
from nacl import bindings, exceptions

from stillroom.errors import ConfigError, TrustError
from stillroom.hashes import digest

KEY_BYTES = 32
KEY_ID_BYTES = 8
SIGNATURE_BYTES = bindings.crypto_sign_BYTES
SEALED_OVERHEAD_BYTES = bindings.crypto_box_SEALBYTES

_ANY_SCALAR = bytes([64] * KEY_BYTES)

RawKey = Annotated[bytes, Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]
PlainName = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,31}\Z")]


def fingerprint(data: bytes) -> str:
    """160 bits for a label and for reading aloud: eight groups of four of a-z 2-7."""
    return _grouped(base64.b32encode(digest(b"stillroom/1 fingerprint", data, 20)).decode().lower())


def check_fingerprint(
    text: str, where: str = "they stand on the unit's label", option: str = "--fingerprint"
) -> str:
    """As `fingerprint` gives it, of one that was typed with or without its hyphens. Raises ConfigError: none at all.

    where: it is found, in words that follow "as".
    """
    letters = "".join(text.split()).replace("-", "").lower()
    if not re.fullmatch(r"[a-z2-7]{32}", letters):
        raise ConfigError(f"{option} '{text}': not a fingerprint: 32 of a-z 2-7 are needed, as {where}")
    return _grouped(letters)


def _grouped(letters: str) -> str:
    return "-".join(letters[i : i + 4] for i in range(0, 32, 4))


def can_sign(raw: bytes) -> bool:
    """Whether 32 bytes are a public key of Ed25519: a point in its one encoding, of the group of prime order."""
    return len(raw) == KEY_BYTES and bindings.crypto_core_ed25519_is_valid_point(raw)


def can_receive(raw: bytes) -> bool:
    """Whether 32 bytes are a public key of X25519 that can be sealed to: no point of small order."""
    try:
        bindings.crypto_scalarmult(_ANY_SCALAR, raw)
    except exceptions.RuntimeError:
        return False
    return True


class VerifyKey:
    """An Ed25519 public key. `id` is what records carry: the first 8 bytes of a hash of kind and key."""

    __slots__ = ("id", "raw")

    def __init__(self, raw: bytes) -> None:
        if not can_sign(raw):
            raise TrustError("a signing key that is not a point of Ed25519: make the keys again")
        self.raw = raw
        self.id = digest(b"stillroom/1 key id ed25519", raw)[:KEY_ID_BYTES]

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` (64 bytes) is this key's over `message`."""
        try:
            bindings.crypto_sign_open(signature + message, self.raw)
        except exceptions.CryptoError:
            return False
        return len(signature) == SIGNATURE_BYTES

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyKey) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"VerifyKey({self.id.hex()})"


class RecipientKey:
    """An X25519 public key that things are sealed to."""

    __slots__ = ("id", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.id = digest(b"stillroom/1 key id x25519", raw)[:KEY_ID_BYTES]

    def seal(self, plain: bytes) -> bytes:
        """A sealed box (ephemeral X25519, XSalsa20-Poly1305), 48 bytes longer. Raises TrustError for a weak key."""
        try:
            return bindings.crypto_box_seal(plain, self.raw)
        except (exceptions.CryptoError, exceptions.TypeError, exceptions.ValueError):
            raise TrustError(f"recipient key {self.id.hex()} is not usable: make it again") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecipientKey) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"RecipientKey({self.id.hex()})"
