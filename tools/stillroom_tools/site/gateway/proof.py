"""What an entry becomes that must stay for good when its time, or somebody's wish, has taken the rest."""

import msgspec

from stillroom.events import Audited
from stillroom_tools.site.audit_file import link_of
from stillroom_tools.site.gateway.erased import decode, erase

FOR_GOOD = "for-good"
"""In the place of a class: nothing is left there that could go."""
STAY = ("audit", "lost")
"""Kinds of which something stays: a chain is not cut, and says what is missing of it."""


def proof_alone(event: bytes) -> bytes:
    """Of a link (JSON) its place and proof; whole what tells of nobody: starts, damages, losses, erased links."""
    link = decode(event)
    if not isinstance(link, Audited) or link_of(link).must_keep_words:
        return event
    return msgspec.json.encode(erase(link))
