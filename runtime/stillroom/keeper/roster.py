"""The site's roster as the unit has it: signed by the authority that its `unit.toml` names, in time, never older."""

from collections.abc import Sequence

from stillroom.clock import Clock, utc_text
from stillroom.config import UnitConfig
from stillroom.document_forms import to_ms
from stillroom.documents import Recipient, Roster, read_document
from stillroom.errors import TrustError
from stillroom.keys import RecipientKey
from stillroom.notes import Signer, parse_signer

ROSTER_FILE = "roster.note"


def load_authority(unit: UnitConfig) -> Signer:
    """The key that signs everything this unit obeys. Raises TrustError: none yet, damaged, or of another site."""
    path = unit.path("unit.toml")
    if not unit.authority:
        raise TrustError(f"{path}: key 'authority' is empty: this unit is of no site yet: give it its papers")
    try:
        authority = parse_signer(unit.authority)
    except TrustError as error:
        raise TrustError(f"{path}: key 'authority': {error}") from None
    if authority.site != unit.site:
        raise TrustError(f"{path}: key 'authority': of site '{authority.site}', and 'site' is '{unit.site}'")
    return authority


def load_roster(
    unit: UnitConfig, clock: Clock, newest_version: int = 0, approvers: Sequence[Signer] = ()
) -> Roster:
    """The roster in force. `newest_version`: the highest that this unit ever accepted, from its own state.

    `approvers`: of that one. Raises TrustError: absent, forged, of another site, older than one that was accepted,
    with other approvers and signed by none of those before, or out of its time.
    """
    path = unit.path(unit.paths.trust) / ROSTER_FILE
    authority = load_authority(unit)
    roster = read_document(path, Roster, [authority])
    read_document(path, Roster, [authority], needed_for(roster, approvers))
    if roster.site != authority.site:
        raise TrustError(f"{path}: of site '{roster.site}', but the authority is of '{authority.site}'")
    if roster.version < newest_version:
        raise TrustError(f"{path}: version {roster.version}, but {newest_version} was accepted before")
    try:
        check_time(roster, clock.utc_ms())
    except TrustError as error:
        raise TrustError(f"{path}: {error}") from None
    return roster


def needed_for(roster: Roster, approvers: Sequence[Signer]) -> Sequence[Signer]:
    """Of whom one must have signed this roster, beside the authority; `approvers` are those of the one before.

    Whoever has the authority's key alone can go on with the approvers there are, and cannot be rid of them.
    """
    return () if set(roster.approver_signers) == set(approvers) else approvers


def check_time(roster: Roster, utc_ms: int) -> None:
    """Raises TrustError outside the roster's time."""
    if utc_ms >= to_ms(roster.until):
        raise TrustError(f"roster expired on {utc_text(to_ms(roster.until))}: put a renewed one in its place")
    if utc_ms < to_ms(roster.start):
        start, now = utc_text(to_ms(roster.start)), utc_text(utc_ms)
        raise TrustError(f"roster is valid from {start}, and the clock says {now}: check the clock")


def keys_at(roster: Roster, utc_ms: int) -> tuple[dict[str, RecipientKey], int]:
    """To whom a unit seals now (name to key), and until when (UTC, ms) that holds.

    A recipient whose box keys have all expired gets nothing. Raises TrustError where nobody is left.
    """
    check_time(roster, utc_ms)
    keys = {r.name: key for r in roster.of_unit if (key := r.key_at(utc_ms)) is not None}
    if not keys:
        raise TrustError("roster: no gateway or board has a box key valid now: sign a roster with new keys")
    return keys, min(
        to_ms(roster.until), *(_next_change(r, utc_ms) for r in (*roster.of_unit, *roster.advocates))
    )


def advocate_keys_at(roster: Roster, utc_ms: int) -> tuple[RecipientKey, ...]:
    """To whom the audit chain's newest head is sealed now; who has no key of this time gets none."""
    return tuple(key for r in roster.advocates if (key := r.key_at(utc_ms)) is not None)


def _next_change(recipient: Recipient, utc_ms: int) -> int:
    """When the key to use may become another: the next start or end of any of its periods."""
    edges = (to_ms(edge) for box in recipient.boxes for edge in (box.start, box.until))
    return min((edge for edge in edges if edge > utc_ms), default=2**53)
