"""A unit's TLS key and its request for a certificate (PKCS#10, RFC 2986), made on the unit: Ed25519, RFC 8410.

Written out by hand, since a unit carries nothing that speaks X.509: both are a few fields of one fixed shape. Who signs
the certificate checks the request with a library, and so do the tests.
"""

import base64

from stillroom.keys import SigningKey

_SEQUENCE, _SET, _INTEGER, _BITS, _OCTETS, _UTF8, _ATTRIBUTES = 0x30, 0x31, 0x02, 0x03, 0x04, 0x0C, 0xA0
_ED25519 = bytes.fromhex("06032b6570")
_COMMON_NAME = bytes.fromhex("0603550403")


def key_pem(key: SigningKey) -> bytes:
    """The secret key as PKCS#8."""
    secret = _der(_OCTETS, _der(_OCTETS, key.seed()))
    return _pem("PRIVATE KEY", _der(_SEQUENCE, _der(_INTEGER, b"\0") + _der(_SEQUENCE, _ED25519) + secret))


def request_pem(key: SigningKey, identity: str) -> bytes:
    """A request for `identity`, signed with the key to show that it is held; the same bytes each time."""
    name = _der(_SEQUENCE, _COMMON_NAME + _der(_UTF8, identity.encode()))
    subject = _der(_SEQUENCE, _der(_SET, name))
    algorithm = _der(_SEQUENCE, _ED25519)
    public = _der(_SEQUENCE, algorithm + _der(_BITS, b"\0" + key.verify_key.raw))
    asked = _der(_SEQUENCE, _der(_INTEGER, b"\0") + subject + public + _der(_ATTRIBUTES, b""))
    signature = _der(_BITS, b"\0" + key.sign(asked))
    return _pem("CERTIFICATE REQUEST", _der(_SEQUENCE, asked + algorithm + signature))


def key_of(pem: bytes) -> SigningKey | None:
    """The key that `key_pem` wrote; None for anything else."""
    try:
        raw = base64.b64decode(b"".join(pem.split(b"\n")[1:-2]), validate=True)
    except ValueError:
        return None
    key = SigningKey(raw[-32:]) if len(raw) == 48 else None
    return key if key is not None and key_pem(key) == pem else None


def _der(kind: int, inside: bytes) -> bytes:
    size = len(inside)
    length = (
        bytes([size])
        if size < 128
        else bytes([0x81, size])
        if size < 256
        else b"\x82" + size.to_bytes(2, "big")
    )
    return bytes([kind]) + length + inside


def _pem(what: str, der: bytes) -> bytes:
    text = base64.b64encode(der).decode()
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {what}-----", *lines, f"-----END {what}-----", ""]).encode()
