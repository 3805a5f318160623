"""Writes the audit chain (`chain.py`): what was done with the camera, each link signed and kept in one commit.

Each link stays on the unit and goes out as a durable entry. Its body holds codes and numbers, no free text.
"""

import os
from collections.abc import Mapping

import msgspec

from stillroom.chain import FIRST_HEAD, SALT_BYTES, STORAGE_DAMAGED, head_of, leaf_of, signed_part
from stillroom.events import Audited
from stillroom.keeper.outbox import Outbox
from stillroom.keys import SigningKey


class AuditChain:
    """Appends links; the head lives in the database, so that a restart goes on where it stopped."""

    def __init__(self, outbox: Outbox, key: SigningKey) -> None:
        self._outbox = outbox
        self._key = key
        self._stand()

    def append(self, at_ms: int, what: str, **details: str | int) -> None:
        """Add one link: what happened (a code) and its details.

        Where the card has lost where the chain stood, it goes on behind every number used, and a link before says so.
        """
        if self._outbox.began_anew != self._began_anew:
            self._stand()
        if self._index > 0 and self._head == FIRST_HEAD:
            held, head = self._outbox.held_link
            found = (self._outbox.damage or "in an earlier run")[:60]
            self._link(at_ms, {"what": STORAGE_DAMAGED, "found": found, "after": held, "head": head.hex()})
        self._link(at_ms, {"what": what, **details})

    def _stand(self) -> None:
        self._began_anew = self._outbox.began_anew
        self._index, self._head = self._outbox.last_link() or (0, FIRST_HEAD)

    def _link(self, at_ms: int, said: Mapping[str, str | int]) -> None:
        body = msgspec.json.encode(said)
        salt = os.urandom(SALT_BYTES)
        self._index += 1
        self._head = head_of(self._head, self._index, at_ms, leaf_of(salt, body))
        signature = self._key.sign(signed_part(self._index, self._head))
        self._outbox.add(at_ms, Audited(self._index, at_ms, body, salt, self._head, signature))
