"""Leave to record for a while, and its end: documents that people of the roster sign. Who may is in `release_rules`."""

from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta

from stillroom.document_forms import Code, Dated, Time, Timed, whole_seconds_utc
from stillroom.public_keys import PlainName, RawKey, can_receive
from stillroom.release_forms import MAX_MB, SIZES

MAX_RELEASE = timedelta(days=7)
MAX_KEPT = timedelta(days=90)
"""After the end of its time."""


class Release(Timed, frozen=True, forbid_unknown_fields=True):
    """Two people let one unit record one room for a purpose, sealed to a custodian. No free text."""

    id: Code
    site: PlainName
    unit: PlainName
    room: Code
    purpose: Code
    custodian: PlainName
    """Of the roster; he alone opens what is recorded."""
    box: RawKey
    """His X25519 key, as the roster has it."""
    width_px: int
    height_px: int
    frames_per_s: Literal[1, 2, 5]
    max_mb: Annotated[int, Meta(ge=1, le=MAX_MB)]
    """Of the card, for all that is recorded under this release (10^6 bytes)."""
    expires: Time
    """From then on the unit deletes what it recorded, and the custodian's tool opens it no more."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_seconds_utc(self.expires)
        if self.until - self.start > MAX_RELEASE:
            raise ValueError(f"longer than {MAX_RELEASE.days} days")
        if not self.until <= self.expires <= self.until + MAX_KEPT:
            raise ValueError(f"'expires' must not be before 'until', nor {MAX_KEPT.days} days after it")
        if (self.width_px, self.height_px) not in SIZES:
            raise ValueError(f"a picture of {', '.join(f'{w}x{h}' for w, h in SIZES)}")
        if not can_receive(self.box):
            raise ValueError("a custodian's key that nobody can seal to")


class ReleaseWithdrawal(Dated, frozen=True, forbid_unknown_fields=True):
    """The end of a release, for good. What was recorded before stays until it expires."""

    release: Code
    site: PlainName
    unit: PlainName
