"""A release in words, for whoever is to sign it or wants to know what was signed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from stillroom.documents import Roster
from stillroom.errors import TrustError
from stillroom.note_reading import Signer
from stillroom.public_keys import VerifyKey, fingerprint
from stillroom.release_papers import Release
from stillroom.release_rules import is_custodian, open_release, signers
from stillroom_tools.site.drafts import who_signed
from stillroom_tools.site.layout import Site

WHO = "a manager, and another manager, an advocate or an approver; neither may be the custodian"

SECOND = "another manager, an advocate or an approver; none may be the custodian"


def brief(paper: Release) -> str:
    """One line."""
    return (
        f"unit {paper.unit} may record room {paper.room} for {paper.custodian} until {_time(paper.until)}, "
        f"while an authorisation with the scope 'release' is in force there"
    )


def lines(paper: Release) -> Iterator[str]:
    """All that it says, a line each."""
    yield f"Release {paper.id} of site {paper.site}"
    yield f"  unit {paper.unit} may record pictures of room {paper.room}, for the purpose '{paper.purpose}'"
    yield f"  from {_time(paper.start)} until {_time(paper.until)}"
    yield f"  {paper.width_px}x{paper.height_px} grey pixels, clear, {paper.frames_per_s} a second, without sound"
    yield f"  at most {paper.max_mb} MB of the unit's card"
    yield f"  {paper.custodian} alone can open it, with the box key {fingerprint(paper.box)}"
    yield f"  deleted at the unit, and opened no more, from {_time(paper.expires)}"


def signatures(path: Path, note: bytes, paper: Release, site: Site | None) -> Iterator[str]:
    """Whose that box key is, who has signed, and what is missing. Raises TrustError: a signature is not right."""
    if site is None:
        _, others = who_signed(path, note, [])
        yield f"  signatures: {others}, not checked: give --site to see whose they are"
        return
    roster = site.roster()
    yield _whose(paper, roster)
    present, others = who_signed(path, note, signers(roster))
    yield f"  signed by: {', '.join(signer.name for signer in present) or 'nobody'}"
    if others:
        yield f"  and by {others} who may not sign a release; they count for nothing"
    try:
        open_release(note, roster)
    except TrustError:
        yield f"  missing: {_missing(present, paper, roster)}"


def _whose(paper: Release, roster: Roster) -> str:
    """The box key beside the key that the custodian is compared by when he hands it over."""
    for one in roster.recipients:
        if (one.role, one.name) == ("custodian", paper.custodian) and paper.box in (b.key for b in one.boxes):
            return f"  that box key is of custodian {one.name}, key {VerifyKey(one.sign).fingerprint}"
    return f"  the roster names no custodian {paper.custodian} with that box key: it cannot be delivered"


def _missing(present: Sequence[Signer], paper: Release, roster: Roster) -> str:
    """Beside those whose signature counts."""
    count = [one for one in present if not is_custodian(one, paper, roster)]
    if not count:
        return WHO
    managers = roster.people("manager")
    return SECOND if any(one in managers for one in count) else "a manager; he may not be the custodian"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
