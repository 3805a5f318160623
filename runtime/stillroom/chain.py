"""The audit chain's arithmetic, for the unit that writes it and for whoever checks it.

    leaf(n) = H("stillroom/1 audit leaf", body) keyed by the link's salt
    head(n) = H("stillroom/1 audit head", head(n-1) || n (8) || time in ms (8) || leaf(n)),   head(0) = 32 zero bytes
    signature(n) = Ed25519 of the unit over "stillroom/1 audit link" 0x00 || n (8) || head(n)

A card that was damaged has forgotten the newest head. The chain then begins anew: n goes on behind every number that
may have been used, the head before is 32 zero bytes again, and the first link's body says `storage-damaged`, and up to
which link, with its head, the unit knew the chain to be delivered: that far nothing may be missing. What lies between
may be, and that it may is signed.

H is the BLAKE2b-256 of WIRE.md, numbers are big-endian. Each link can be checked by itself against the unit's key, and
all of them against each other. Body and salt can be erased: the chain still verifies by the leaf, and without
the salt nobody can find out by trying whether a leaf was of a body that he guesses.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from stillroom.events import Audited
from stillroom.hashes import digest
from stillroom.public_keys import VerifyKey

FIRST_HEAD = bytes(32)
SALT_BYTES = 16
STORAGE_DAMAGED = "storage-damaged"
"""What the first link of a chain that begins anew says."""
KEYS_ROTATED = "keys-rotated"
"""What the last link of a key says: `before`, itself, and `key`, which signs all links behind, both in hexadecimal."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What of a link is left when its words are erased, and enough to check it."""

    index: int
    at_ms: int
    leaf: bytes
    head: bytes
    signature: bytes


def leaf_of(salt: bytes, body: bytes) -> bytes:
    return digest(b"stillroom/1 audit leaf", body, 32, salt)


def head_of(head_before: bytes, index: int, at_ms: int, leaf: bytes) -> bytes:
    numbers = index.to_bytes(8, "big") + at_ms.to_bytes(8, "big")
    return digest(b"stillroom/1 audit head", head_before + numbers + leaf)


def signed_part(index: int, head: bytes) -> bytes:
    """What the unit signs of a link."""
    return b"stillroom/1 audit link\0" + index.to_bytes(8, "big") + head


def proof_of(link: Audited) -> Proof:
    return Proof(link.index, link.at_ms, leaf_of(link.salt, link.body), link.head, link.signature)


def follow(before: bytes, index: int, link: Proof, key: VerifyKey) -> bytes:
    """The head of link `index`, which comes after the head `before`. Raises ValueError naming what is wrong."""
    if link.index != index:
        raise ValueError(f"link {index} is not there: link {link.index} stands in its place")
    head = head_of(before, index, link.at_ms, link.leaf)
    if head != link.head:
        raise ValueError(f"link {index} was changed, or does not follow from the one before")
    if not key.verifies(signed_part(index, head), link.signature):
        raise ValueError(f"link {index} was not signed by this unit")
    return head


def follow_on(
    heads: dict[int, bytes], link: Proof, key: VerifyKey, after: tuple[int, bytes] | None = None
) -> None:
    """Add the head of `link` to `heads`: of each link before (index to head), in order, from {0: FIRST_HEAD} on.

    after: index and head that its body names, where it says `storage-damaged`: it may begin the chain anew, where
    that link is there. Raises ValueError naming what is wrong.
    """
    index = next(reversed(heads))
    head = heads[index]
    if after is not None and link.index > index + 1:
        if heads.get(after[0]) != after[1]:
            raise ValueError(
                f"link {after[0]}, which was delivered before the damage at {link.index}, is not there"
            )
        index, head = link.index - 1, FIRST_HEAD
    heads[index + 1] = follow(head, index + 1, link, key)


def verify(links: Iterable[Proof], key: VerifyKey) -> bytes:
    """The head after these links, from the first of a unit's life. Raises ValueError naming the first that is wrong."""
    head = FIRST_HEAD
    for index, link in enumerate(links, 1):
        head = follow(head, index, link, key)
    return head
