"""The chain of what was done with the camera. Salted leaves: a leaf's body can be erased and the chain still verifies.

    leaf(n) = BLAKE2b-256("stillroom/1 audit leaf" || salt || body)
    head(n) = BLAKE2b-256("stillroom/1 audit head" || head(n-1) || leaf(n)),   head(0) = 32 zero bytes
Each link is kept on the unit and goes out as a durable entry in the same commit. The table has a column for
the bare leaf: it is filled when salt and body are erased.
"""

import hashlib
import os
from collections.abc import Iterable

import msgspec

from stillroom.events import Audited
from stillroom.keeper.outbox import Outbox

FIRST_HEAD = bytes(32)


def leaf_of(salt: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(b"stillroom/1 audit leaf" + salt + body, digest_size=32).digest()


def head_of(head_before: bytes, leaf: bytes) -> bytes:
    return hashlib.blake2b(b"stillroom/1 audit head" + head_before + leaf, digest_size=32).digest()


def verify(links: Iterable[Audited], head_before: bytes = FIRST_HEAD, index_before: int = 0) -> bytes:
    """The head after these links. Raises ValueError naming the first link that does not fit."""
    for link in links:
        if link.index != index_before + 1:
            raise ValueError(f"link {link.index} follows {index_before}: one is missing or doubled")
        head_before = head_of(head_before, leaf_of(link.salt, link.body))
        if head_before != link.head:
            raise ValueError(f"link {link.index}: its head does not follow from the one before")
        index_before = link.index
    return head_before


class AuditChain:
    """Appends links; the head lives in the database, so that a restart goes on where it stopped."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._index, self._head = outbox.last_link() or (0, FIRST_HEAD)

    def append(self, at_ms: int, what: str, **details: str | int) -> None:
        """Add one link: what happened (a code) and its details (codes and numbers, no free text)."""
        body = msgspec.json.encode({"what": what, "at_ms": at_ms, **details})
        salt = os.urandom(16)
        self._index, self._head = self._index + 1, head_of(self._head, leaf_of(salt, body))
        self._outbox.add(at_ms, Audited(self._index, body, salt, self._head))
