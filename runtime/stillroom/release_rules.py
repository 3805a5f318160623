"""Who may let a unit record, by the roster: a manager, and another person who is a manager, an advocate or an approver.

Two people: other names, and other keys. The custodian, who opens what is recorded, is neither of them.
"""

from stillroom.document_forms import to_ms
from stillroom.documents import KINDS, Recipient, Roster
from stillroom.hashes import digest
from stillroom.note_reading import NoteError, Signer, encode, open_by_one, signed_by
from stillroom.release_forms import RELEASE_BYTES
from stillroom.release_papers import Release

_ID_DOMAIN = b"stillroom/1 release id"


def release_id(paper: Release) -> bytes:
    """By which blocks name it: of all that it says, so that none passes for one of another release of that name."""
    return digest(_ID_DOMAIN, encode(KINDS[Release], paper), RELEASE_BYTES)


def signers(roster: Roster) -> tuple[Signer, ...]:
    """Whose word counts."""
    return (*roster.people("manager", "advocate"), *roster.approver_signers)


def open_release(note: bytes, roster: Roster) -> tuple[Release, tuple[Signer, Signer]]:
    """What it says, and which two have signed. Raises NoteError, as `open_note` does; `signer`: not by two."""
    paper, manager = open_by_one(note, KINDS[Release], Release, roster.people("manager"))
    present, _ = signed_by(note, signers(roster))
    managers = roster.people("manager")
    pairs = [(first, second) for first in present for second in present if first in managers]
    pair = next((pair for pair in pairs if _are_two(pair, paper, roster)), None)
    if pair is None:
        who = "another manager, an advocate or an approver"
        raise NoteError("signer", f"signed by {manager.name}, and by nobody else who may: {who}")
    return paper, pair


def _are_two(pair: tuple[Signer, Signer], paper: Release, roster: Roster) -> bool:
    """Other names and other keys, and neither the custodian."""
    first, second = pair
    apart = first.name != second.name and first.key != second.key
    return apart and not any(is_custodian(one, paper, roster) for one in pair)


def is_custodian(signer: Signer, paper: Release, roster: Roster) -> bool:
    """By his name, or by the key of any custodian whom the roster names."""
    custodians = {one.key.raw for one in roster.people("custodian")}
    return signer.key.raw in custodians or signer.name == f"{paper.site}/{paper.custodian}"


def custodian(paper: Release, roster: Roster, utc_ms: int) -> Recipient | None:
    """Whom the roster names under that name with that key, of this time; None: nobody."""
    for one in roster.recipients:
        fits = one.role == "custodian" and one.name == paper.custodian
        if fits and any(box.key == paper.box and box.covers(utc_ms) for box in one.boxes):
            return one
    return None


def expired(paper: Release, utc_ms: int) -> bool:
    return utc_ms >= to_ms(paper.expires)
