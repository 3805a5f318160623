"""After a unit's keys were rotated: the keys before sign one link more, which names the new ones. Then they go.

The link comes before anything that the new keys sign, and is written once: what remembers it is in the same commit. The
keys before wait in `paths.state`: a keeper cannot write where its own are.
"""

from pathlib import Path

from stillroom.chain import KEYS_ROTATED
from stillroom.errors import StorageError
from stillroom.keeper.audit import AuditChain
from stillroom.keeper.outbox import Outbox
from stillroom.keys import KeyRing, load_keys
from stillroom.overwrite import GONE, destroy
from stillroom.public_keys import VerifyKey

BEFORE_FILE = "before.key"
_TOLD = "keys-told"


def tell_rotation(outbox: Outbox, state: Path, ring: KeyRing, utc_ms: int) -> None:
    """At a start. Raises TrustError: a key file that cannot be read; StorageError: the card takes nothing."""
    path = state / BEFORE_FILE
    if path.exists() and not is_told(outbox, ring.signing.verify_key):
        _tell(outbox, path, ring, utc_ms)
    if is_told(outbox, ring.signing.verify_key):
        for place in (path, path.with_name(path.name + GONE)):  # the second: interrupted while it went
            if place.exists():
                destroy(place)


def _tell(outbox: Outbox, path: Path, ring: KeyRing, utc_ms: int) -> None:
    before, own = load_keys(path, "unit"), ring.signing.verify_key
    if before.signing.verify_key == own:  # interrupted before the new key was in its place
        return
    if outbox.last_link() is not None:
        keys = {"before": before.signing.verify_key.raw.hex(), "key": own.raw.hex()}
        AuditChain(outbox, before.signing).append(utc_ms, KEYS_ROTATED, **keys)
    outbox.remember(_TOLD, own.raw)
    outbox.commit(utc_ms)
    if outbox.fault:
        raise StorageError(
            f"{path}: the card takes nothing, so the new keys cannot be told of: make room on it"
        )


def is_told(outbox: Outbox, key: VerifyKey) -> bool:
    """Whether the chain says that this is the unit's key now."""
    return outbox.recall_bytes(_TOLD) == key.raw
