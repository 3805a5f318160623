"""What stays of a link of an audit chain whose time is over: its place and its proof, and none of its words.

The chain verifies with the leaf as it did with words and salt, and a guess at the words cannot be tried without the
salt.
"""

import msgspec

from stillroom.chain import leaf_of
from stillroom.events import Audited, Event


class Erased(msgspec.Struct, frozen=True, tag="erased"):
    """In the place of an `Audited`. leaf: 32 bytes."""

    index: int
    at_ms: int
    leaf: bytes
    head: bytes
    signature: bytes


Chained = Audited | Erased
Told = Event | Erased
"""What an entry that is kept may tell."""
decode = msgspec.json.Decoder(Told).decode


def erase(link: Audited) -> Erased:
    return Erased(link.index, link.at_ms, leaf(link), link.head, link.signature)


def leaf(link: Chained) -> bytes:
    return link.leaf if isinstance(link, Erased) else leaf_of(link.salt, link.body)
