"""The one hash of the protocol, and a comparison that tells nothing: for whoever holds no key file, too."""

from nacl import bindings


def digest(domain: bytes, data: bytes, size_bytes: int = 32, key: bytes = b"") -> bytes:
    """BLAKE2b of `domain`, a zero byte and `data`; keyed where a key is given. No two domains ever agree."""
    return bindings.crypto_generichash_blake2b_salt_personal(
        domain + b"\0" + data, digest_size=size_bytes, key=key
    )


def same(left: bytes, right: bytes) -> bool:
    """Equality in a time that tells nothing about where they differ."""
    return len(left) == len(right) and bindings.sodium_memcmp(left, right)
