"""Which of a unit's keys signed which links of its chain: where keys were rotated, a link of the old one names the new.

A chain is one unit's from its first key to its last. Whoever knows one of them, from a label, knows it by that: links
before are bound by the heads that this key signed, links after by the link in which it named the next.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from stillroom.errors import TrustError
from stillroom.public_keys import VerifyKey
from stillroom_tools.site.audit_file import Link


@dataclass(frozen=True)
class Keys:
    """Each with the index of the link after which it signs; the first with 0."""

    since: tuple[tuple[int, VerifyKey], ...]

    @classmethod
    def of(cls, links: Iterable[Link], newest: VerifyKey) -> "Keys":
        """As the links say; `newest` alone where none does. Nothing of it is verified yet."""
        changes: list[tuple[int, VerifyKey]] = []
        for link in links:
            named = _named(link)
            if named is not None:
                changes = changes or [(0, named[0])]
                changes.append((link.index, named[1]))
        return cls(tuple(changes) or ((0, newest),))

    def at(self, index: int) -> VerifyKey:
        """With which link `index` must be signed."""
        return next(key for after, key in reversed(self.since) if after < index or after == 0)

    @property
    def newest(self) -> VerifyKey:
        return self.since[-1][1]

    @property
    def fingerprints(self) -> list[str]:
        """Of all, the oldest first."""
        return [key.fingerprint for _, key in self.since]

    def knows(self, fingerprint: str, last: int) -> bool:
        """Whether a key with this fingerprint signed any of the links up to `last`."""
        return any(key.fingerprint == fingerprint and after < last for after, key in self.since)


def _named(link: Link) -> tuple[VerifyKey, VerifyKey] | None:
    """Old and new key, of a link that says so."""
    said = link.said()
    both = [said.get(name) for name in ("before", "key")]
    if not link.says_rotated or not all(
        isinstance(one, str) and re.fullmatch("[0-9a-f]{64}", one) for one in both
    ):
        return None
    try:
        before, key = (VerifyKey(bytes.fromhex(str(one))) for one in both)
    except TrustError:
        return None
    return before, key
