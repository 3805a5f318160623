"""An authorisation in words, for whoever is to sign it or wants to know what was signed."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from stillroom.documents import Authorisation
from stillroom.note_reading import signed_by
from stillroom_tools.site.drafts import who_signed
from stillroom_tools.site.layout import Site


def brief(paper: Authorisation) -> str:
    """One line."""
    return f"unit {paper.unit} may sense room {paper.room} ({', '.join(paper.scopes)}) until {_time(paper.until)}"


def lines(paper: Authorisation) -> Iterator[str]:
    """All that it says, a line each."""
    yield f"Authorisation {paper.id} of site {paper.site}"
    yield f"  unit {paper.unit} may sense room {paper.room}, for the purpose '{paper.purpose}'"
    yield f"  from {_time(paper.start)} until {_time(paper.until)}"
    yield f"  somebody reviews it by {_time(paper.review_by)}, or sensing ends then"
    yield f"  scopes: {', '.join(paper.scopes)}"
    if "release" in paper.scopes:
        yield "  it may be recorded under a release that two people sign, and in no other way"
    if paper.view:
        yield f"  a look lasts {paper.view.seconds} s at most; {paper.view.looks_per_hour} an hour at most"
    yield f"  consent: {paper.consent or 'none is named'}"
    yield f"  impact assessment (SHA-256): {paper.assessment or 'none is named'}"


def signatures(path: Path, note: bytes, site: Site | None) -> Iterator[str]:
    """Who has signed, and what is missing; without the site only how many. Raises TrustError: one is not right."""
    if site is None:
        _, others = signed_by(note, [])
        yield f"  signatures: {others}, not checked: give --site to see whose they are"
        return
    roster, authority = site.roster(), site.authority()
    present, others = who_signed(path, note, [authority, *roster.approver_signers])
    yield f"  signed by: {', '.join(signer.name for signer in present) or 'nobody'}"
    if others:
        yield f"  and by {others} whom this site does not know; they count for nothing"
    if authority not in present:
        yield f"  missing: {authority.name}"
    approvers = roster.approver_signers
    if approvers and not set(approvers) & set(present):
        yield f"  missing: one of {', '.join(signer.name for signer in approvers)}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
