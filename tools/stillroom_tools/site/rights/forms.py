"""What is signed of somebody's rights: the order to erase, and the receipt of what was done."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from stillroom.document_forms import Code, Time, Timed, to_ms, whole_seconds_utc
from stillroom.public_keys import PlainName
from stillroom_tools.site.gateway.erasures import Wish
from stillroom_tools.site.layout import Site

ORDER_KIND = "erasure-order"
RECEIPT_KIND = "rights-receipt"
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Id = Annotated[str, Meta(pattern=r"\A[a-z]-[0-9a-f]{16}\Z")]


class _Asked(Timed, frozen=True, forbid_unknown_fields=True):
    """`from`, `until`: of what was seen then. asked_by: a code for whoever wished it. by: the manager who signed."""

    at: Time
    id: Id
    site: PlainName
    room: Code
    asked_by: Code
    by: PlainName

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_seconds_utc(self.at)


class ErasureOrder(_Asked, frozen=True, forbid_unknown_fields=True):
    """Signed by a manager; carried out by whoever holds the store, which is the gateway where one runs."""

    audit: bool
    """The record of who looked goes too."""

    @property
    def about(self) -> str:
        """For a line of the log."""
        return f"{self.room} {self.id} {self.asked_by}"

    @property
    def wish(self) -> Wish:
        return Wish(self.id, self.room, to_ms(self.start), to_ms(self.until), self.audit)


class Counted(Struct, frozen=True, forbid_unknown_fields=True):
    what: str
    count: Count


class Receipt(_Asked, frozen=True, forbid_unknown_fields=True):
    """What was handed out or erased. A copy is signed by manager and gateway, an erasure by the gateway.

    hash: SHA-256 of the file that was handed out, or of the manager's order. There is none of what was erased: it would
    tell whether a guess at it is right.
    """

    what: Literal["export", "erase"]
    counts: tuple[Counted, ...]
    hash: Sha256
    log_line: Count = 0
    log_head: Sha256 | None = None
    """Of the line of `rights/log` that tells of it; older receipts have none."""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def folder_of(site: Site) -> Path:
    """Receipts, the log of who asked for what, and in `orders/` what waits to be carried out."""
    return site.folder / "rights"
