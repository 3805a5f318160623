"""`make unit DIR --card CARD`: what a unit does at its first start, and again when the site's papers lie on its card.

Needs nothing but what a unit has. Each step can be repeated: keys are made once, the same answer is written, papers are
taken once. A card that is full leaves the keys where they are, and the answer is written the next time.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from stillroom.errors import ConfigError, TrustError
from stillroom.keys import KeyRing
from stillroom.public_keys import VerifyKey
from stillroom_tools.make import card, identity, papers
from stillroom_tools.make.card import Answer, Ticket
from stillroom_tools.site.admit import read_request

Tell = Callable[[str], None]


def run(folder: Path, place: Path, wanted: str | None, tell: Tell) -> KeyRing:
    """The unit of this card. Raises ConfigError, InputError, TrustError, StorageError."""
    ticket = card.read_ticket(place)
    if wanted not in (None, ticket.unit):
        raise ConfigError(f"--unit '{wanted}': this card is for unit '{ticket.unit}': leave --unit out")
    if not ticket.token and not identity.is_made(folder):
        raise _used(place, ticket, card.read_answer(place))
    unit = _keys(folder, ticket, tell)
    _answer(folder, place, ticket, unit, tell)
    if (place / card.PAPERS).is_dir():
        new = papers.install(folder, papers.read(place / card.PAPERS))
        tell(f"papers: {'done: taken from the card' if new else 'again: nothing new'}")
    else:
        tell("papers: none on the card yet: they come from the facility")
    return unit


def _keys(folder: Path, ticket: Ticket, tell: Tell) -> KeyRing:
    if identity.is_made(folder):
        unit = identity.existing(folder, ticket.site, ticket.unit)
        tell(f"keys: again: unit '{unit.name}' is here already, and nothing was changed")
        return unit
    from stillroom_tools.make.unit import wish_for

    wish = wish_for(ticket.unit, ticket.camera, ticket.source)
    unit = identity.build(folder, ticket.site, wish, lambda _building, _ring: None)
    tell(f"keys: done: unit '{unit.name}' of site '{ticket.site}', serial {ticket.serial}")
    return unit


def _answer(folder: Path, place: Path, ticket: Ticket, unit: KeyRing, tell: Tell) -> None:
    """Flushed before the token goes: whoever is interrupted between has both, and the same answer holds."""
    given = card.read_answer(place)
    if given is None or not _is_of(given, unit):
        if not ticket.token:
            raise _used(place, ticket, given)
        given = _new_answer(folder, ticket, unit)
        card.write(place, card.ANSWER, given)
        tell("public part: done: written to the card")
    else:
        tell("public part: again: it lies on the card")
    if ticket.token:
        if not card.is_proven(given, ticket.token):  # a new ticket, for a unit that answered the one before
            card.write(place, card.ANSWER, _new_answer(folder, ticket, unit))
        card.write(place, card.TICKET, msgspec.structs.replace(ticket, token=""))


def _used(place: Path, ticket: Ticket, given: Answer | None) -> TrustError:
    """Before any key is made: no unit can answer with it any more."""
    what = "the answer is gone" if given is None else f"the answer on it is another unit's ({_key_in(given)})"
    return TrustError(
        f"{place}: {what}, and its ticket was used: `stillroom make batch card BATCH {ticket.serial}` gives a new one"
    )


def _key_in(answer: Answer) -> str:
    try:
        return VerifyKey(read_request(answer.enrolment.encode()).sign).fingerprint
    except TrustError:
        return "damaged"


def _new_answer(folder: Path, ticket: Ticket, unit: KeyRing) -> Answer:
    enrolment = identity.request(unit).decode()
    request = identity.certificate_asked(folder, unit.name).decode()
    proof = card.proof_of(ticket.token, ticket.serial, enrolment, request)
    return Answer("answer/1", ticket.serial, enrolment, request, proof)


def _is_of(answer: Answer, unit: KeyRing) -> bool:
    return _key_in(answer) == unit.signing.verify_key.fingerprint
