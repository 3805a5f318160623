"""The site's roster as the unit has it: signed by the authority that its `unit.toml` names, in time, never older."""

from collections.abc import Sequence

from stillroom.clock import Clock
from stillroom.config import UnitConfig
from stillroom.document_forms import to_ms
from stillroom.documents import Recipient, Roster
from stillroom.errors import TrustError
from stillroom.files import read_bounded
from stillroom.note_reading import Signer
from stillroom.permits import authority_of, check_time, open_roster
from stillroom.public_keys import RecipientKey

ROSTER_FILE = "roster.note"


def load_roster(
    unit: UnitConfig, clock: Clock, newest_version: int = 0, approvers: Sequence[Signer] = ()
) -> Roster:
    """The roster in force, as `read_roster` finds it."""
    return read_roster(unit, clock, newest_version, approvers)[0]


def read_roster(
    unit: UnitConfig, clock: Clock, newest_version: int, approvers: Sequence[Signer]
) -> tuple[Roster, bytes]:
    """The roster in force, and its note. `newest_version`: the highest that this unit ever accepted, by its own state.

    `approvers`: of that one. Raises TrustError: absent, forged, of another site, older than one that was accepted,
    with other approvers and signed by none of those before, or out of its time.
    """
    path, authority = unit.path(unit.paths.trust) / ROSTER_FILE, authority_of(unit)
    note = read_bounded(path)
    try:
        roster = open_roster(note, authority, approvers)
        if roster.version < newest_version:
            raise TrustError(f"version {roster.version}, but {newest_version} was accepted before")
        check_time(roster, clock.utc_ms())
    except TrustError as error:
        raise TrustError(f"{path}: {error}") from None
    return roster, note


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
