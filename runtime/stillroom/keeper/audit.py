"""Writes the audit chain (`chain.py`): what was done with the camera, each link signed and kept in one commit.

Each link stays on the unit and goes out as a durable entry. Its body holds codes and numbers, no free text.
"""

import os

import msgspec

from stillroom.chain import FIRST_HEAD, SALT_BYTES, head_of, leaf_of, signed_part
from stillroom.events import Audited
from stillroom.keeper.outbox import Outbox
from stillroom.keys import SigningKey


class AuditChain:
    """Appends links; the head lives in the database, so that a restart goes on where it stopped."""

    def __init__(self, outbox: Outbox, key: SigningKey) -> None:
        self._outbox = outbox
        self._key = key
        self._index, self._head = outbox.last_link() or (0, FIRST_HEAD)
        self.begins_anew = self._index > 0 and self._head == FIRST_HEAD
        """The card has lost where the chain stood: it goes on behind every number used, and its first link says why."""

    def append(self, at_ms: int, what: str, **details: str | int) -> None:
        """Add one link: what happened (a code) and its details."""
        body = msgspec.json.encode({"what": what, **details})
        salt = os.urandom(SALT_BYTES)
        self._index += 1
        self._head = head_of(self._head, self._index, at_ms, leaf_of(salt, body))
        signature = self._key.sign(signed_part(self._index, self._head))
        self._outbox.add(at_ms, Audited(self._index, at_ms, body, salt, self._head, signature))
