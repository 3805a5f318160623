"""The audit chain's arithmetic, for the unit that writes it and for whoever checks it.

    leaf(n) = H("stillroom/1 audit leaf", salt || body)
    head(n) = H("stillroom/1 audit head", head(n-1) || leaf(n)),   head(0) = 32 zero bytes
    signature(n) = Ed25519 of the unit over "stillroom/1 audit link" 0x00 || n (8 bytes, big-endian) || head(n)

H is the BLAKE2b-256 of WIRE.md. Each link can be checked by itself against the unit's key, and all of them
against each other. The leaf is salted: body and salt can be erased, and the chain still verifies by the leaf.
"""

from collections.abc import Iterable

from stillroom.events import Audited
from stillroom.keys import VerifyKey, digest

FIRST_HEAD = bytes(32)


def leaf_of(salt: bytes, body: bytes) -> bytes:
    return digest(b"stillroom/1 audit leaf", salt + body)


def head_of(head_before: bytes, leaf: bytes) -> bytes:
    return digest(b"stillroom/1 audit head", head_before + leaf)


def signed_part(index: int, head: bytes) -> bytes:
    """What the unit signs of a link."""
    return b"stillroom/1 audit link\0" + index.to_bytes(8, "big") + head


def verify(links: Iterable[Audited], key: VerifyKey) -> bytes:
    """The head after these links, from the first of a unit's life. Raises ValueError naming the first that is wrong."""
    head = FIRST_HEAD
    for index, link in enumerate(links, 1):
        if link.index != index:
            raise ValueError(f"link {index} is not there: {link.index} stands in its place")
        head = head_of(head, leaf_of(link.salt, link.body))
        if head != link.head:
            raise ValueError(f"link {index}: its head does not follow from the one before")
        if not key.verifies(signed_part(index, head), link.signature):
            raise ValueError(f"link {index}: not signed by this unit")
    return head
