"""What people have signed, and what that permits: the one place where it is verified and judged, by keeper and eye.

The keeper asks it of what lies in its trust folder and of what a gateway brings; the eye of what the keeper hands over
(`eye/papers.py`), before it seals a frame. It holds no secret and opens no file: bytes in, documents or a refusal out.
"""

from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct

from stillroom.clock import MS_PER_S, utc_text
from stillroom.config import UnitConfig
from stillroom.document_forms import to_ms
from stillroom.documents import KINDS, Authorisation, ConsumerRole, Roster, ViewLimits, ViewPolicy
from stillroom.errors import TrustError
from stillroom.note_reading import NoteError, Signer, open_by_one, open_note, parse_signer
from stillroom.orders import Acknowledgement, Pause, Resume, ViewRequest
from stillroom.release_papers import Release, ReleaseWithdrawal
from stillroom.release_rules import custodian, open_release, signers

EARLIER_FILE = "authority.pub"
"""In the trust folder of a unit of an earlier version: whom it obeyed. It counts no more (`pinning.py`)."""
FRESH_MS = 60_000
"""A request that was signed longer ago, or so far ahead, is none of now."""

WHO_MAY: dict[type[Struct], tuple[ConsumerRole, ...]] = {
    Pause: ("board", "viewer", "advocate"),
    Resume: ("board", "viewer", "advocate"),
    Acknowledgement: ("board", "viewer"),
    ViewRequest: ("viewer",),
    ViewPolicy: ("manager",),
    Release: ("manager",),
}
"""Roles of the roster, of whom one must have signed; a release another person too (`release_rules.py`). The gateway
carries what they sign, and may sign none of it."""

D = TypeVar("D", bound=Struct)


class Refusal(Exception):
    """Why a command is not carried out, or a frame not sealed: the code of its receipt."""


def authority_of(unit: UnitConfig) -> Signer:
    """The key that signs everything this unit obeys. Raises TrustError: none yet, damaged, or of another site."""
    path = unit.path("unit.toml")
    if not unit.authority:
        why = "this unit is of no site yet: give it its papers"
        earlier = unit.path(unit.paths.trust) / EARLIER_FILE
        if earlier.exists():
            why = f"earlier versions kept it in '{earlier}': 'stillroom check {path} --authority FINGERPRINT' moves it"
        raise TrustError(f"{path}: key 'authority' is empty: {why}")
    try:
        authority = parse_signer(unit.authority)
    except TrustError as error:
        raise TrustError(f"{path}: key 'authority': {error}") from None
    if authority.site != unit.site:
        raise TrustError(f"{path}: key 'authority': of site '{authority.site}', and 'site' is '{unit.site}'")
    return authority


def open_roster(note: bytes, authority: Signer, approvers: Sequence[Signer] = ()) -> Roster:
    """`approvers`: of the roster before. Raises TrustError (a NoteError): forged, of another site, or with other
    approvers and signed by none of those. Time and version are the caller's to judge: he knows what was before.
    """
    roster = open_note(note, KINDS[Roster], Roster, [authority])
    open_note(note, KINDS[Roster], Roster, [authority], needed_for(roster, approvers))
    if roster.site != authority.site:
        raise TrustError(f"of site '{roster.site}', but the authority is of '{authority.site}'")
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


def open_signed(
    note: bytes,
    schema: type[D],
    who: Sequence[Signer],
    site: str,
    unit: str,
    approvers: Sequence[Signer] = (),
) -> tuple[D, Signer]:
    """A document for this unit that one of `who` has signed, and one of `approvers`, where there are any; who it was.

    Raises NoteError as `open_by_one` does; `unit`: it is for another one.
    """
    document, signer = open_by_one(note, KINDS[schema], schema, who)
    open_note(note, KINDS[schema], schema, [signer], approvers)
    check_ours(document, site, unit)
    return document, signer


def check_ours(document: Struct, site: str, unit: str) -> None:
    """Raises NoteError `unit`. What may be for a whole site (halts, their ends, policies) then names no unit."""
    of_site, of_unit = getattr(document, "site", ""), getattr(document, "unit", "")
    if of_site != site or of_unit not in (None, unit):
        raise NoteError("unit", f"for unit '{of_site}/{of_unit}', not for this one")


def open_paper(note: bytes, schema: type[D], roster: Roster, authority: Signer, unit: str) -> tuple[D, str]:
    """A document of any kind but a roster, by whoever may sign it, and his name in the roster (of a release: both).

    Raises NoteError as `open_signed` does.
    """
    approvers = roster.approver_signers if issubclass(schema, Authorisation) else ()
    who = _who_may(schema, roster, authority)
    document, signer = open_signed(note, schema, who, authority.site, unit, approvers)
    both = open_release(note, roster)[1] if issubclass(schema, Release) else (signer,)
    return document, " ".join(one.name.partition("/")[2] for one in both)


def _who_may(schema: type[Struct], roster: Roster, authority: Signer) -> Sequence[Signer]:
    """Of whom one must have signed a document of this kind."""
    if schema is ReleaseWithdrawal:
        return (*signers(roster), authority)
    roles = WHO_MAY.get(schema)
    return (authority,) if roles is None else roster.people(*roles)


def judge_look(
    request: ViewRequest, allowed: Authorisation, policy: ViewPolicy | None, utc_ms: int
) -> tuple[ViewPolicy, ViewLimits]:
    """Policy and limits under which it may be; the narrower of each counts. Raises Refusal."""
    limits = allowed.view
    if limits is None or f"view-{request.level}" not in allowed.scopes:
        raise Refusal("not-authorised")
    if policy is None or not policy.covers(utc_ms):
        raise Refusal("no-policy")
    if request.level not in policy.levels:
        raise Refusal("level")
    if request.level == "picture" and request.block < policy.least_block:
        raise Refusal("block")
    if request.seconds > min(policy.seconds, limits.seconds):
        raise Refusal("seconds")
    return policy, limits


def look_ends_ms(request: ViewRequest, policy: ViewPolicy) -> int:
    """When the last frame of a look has left for certain, if it was fresh when it was granted (UTC)."""
    return to_ms(request.at) + FRESH_MS + policy.announce_ms + request.seconds * MS_PER_S


def against_release(
    paper: Release, allowed: Authorisation, roster: Roster, utc_ms: int, latest_ms: int
) -> str:
    """Why a room may not be recorded under it now; empty where it may. latest_ms: UTC is not after that."""
    if latest_ms >= to_ms(paper.until):
        return "over"
    if "release" not in allowed.scopes:
        return "not-authorised"
    if allowed.room != paper.room:
        return "room"
    if custodian(paper, roster, utc_ms) is None:
        return "custodian"
    return ""
