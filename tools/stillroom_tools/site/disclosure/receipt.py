"""What was let out: signed by the manager who answers for it, and by the gateway, whose numbers they are."""

from datetime import date

from stillroom.document_forms import Code, Time, Timed
from stillroom.keys import PlainName
from stillroom_tools.site.disclosure.settings import Column
from stillroom_tools.site.rights.forms import Count, Id, Sha256

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
