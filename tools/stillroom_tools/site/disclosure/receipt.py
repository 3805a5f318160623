"""What was let out: signed by the manager who answers for it, and by the gateway, whose numbers they are."""

from datetime import date
from pathlib import Path

from stillroom.document_forms import Code, Time, Timed
from stillroom.errors import TrustError
from stillroom.files import read_bounded
from stillroom.note_reading import open_note
from stillroom.public_keys import PlainName
from stillroom_tools.site.disclosure.settings import Column
from stillroom_tools.site.layout import Site
from stillroom_tools.site.rights.forms import Count, Id, Sha256, folder_of

KIND = "export-receipt"


class ExportReceipt(Timed, frozen=True, forbid_unknown_fields=True):
    """`from`, `until`: of the weeks, in UTC; `first`, `until_day`: as the site's calendar has them, Mondays.

    hash: SHA-256 of the file. risks: of each attack, what it gained over chance.
    """

    at: Time
    id: Id
    site: PlainName
    by: PlainName
    purpose: Code
    columns: tuple[Column, ...]
    first: date
    until_day: date
    numbers: Count
    left_out: Count
    hash: Sha256
    risks: tuple[tuple[str, float], ...]
    log_line: Count = 0
    log_head: Sha256 | None = None
    """Of the line of `rights/log` that tells of it; older receipts have none."""


def read_all(site: Site) -> list[tuple[Path, ExportReceipt]]:
    """Of all that was let out, with its file. Raises TrustError."""
    paths = sorted((folder_of(site) / "exports").glob("*.note"))
    return [(path, read_receipt(path, site)) for path in paths]


def read_receipt(path: Path, site: Site) -> ExportReceipt:
    """Raises TrustError: not signed by the site's gateway, or altered."""
    try:
        return open_note(read_bounded(path), KIND, ExportReceipt, site.roster().people("gateway"))
    except TrustError as error:
        raise TrustError(f"{path}: {error}") from None
