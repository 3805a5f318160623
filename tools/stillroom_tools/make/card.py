"""What lies on a unit's card between the team and the unit: a ticket downwards, an answer upwards, papers downwards.

A ticket says which unit this is to be, and holds a token for one answer. The answer is public; the token proves that it
comes from this card, and is taken off the card once the answer is there. Whoever copies a card before its first start
can answer in its place: until then keep cards as you keep keys.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from stillroom.config import Name
from stillroom.errors import InputError, TrustError
from stillroom.files import make_folder, read_bounded, replace_file
from stillroom.hashes import digest, same

TICKET, ANSWER, REPORT, PAPERS = "ticket.json", "answer.json", "selftest.json", "papers"
TOKEN_BYTES = 16

Serial = Annotated[
    str,
    Meta(pattern=r"\A[A-Z0-9][A-Z0-9-]{0,23}\Z", description="1 to 24 of A-Z 0-9 -, not beginning with -"),
]
Model = Serial
Token = Annotated[str, Meta(pattern=r"\A([0-9a-f]{32})?\Z")]
S = TypeVar("S", bound=Struct)


class Ticket(Struct, frozen=True, forbid_unknown_fields=True):
    """Which unit this card makes."""

    stillroom: Literal["ticket/1"]
    site: Name
    unit: Name
    serial: Serial
    model: Model
    token: Token
    """Hexadecimal; empty once the unit has answered."""
    camera: Literal["picamera2", "stand"] = "picamera2"
    source: str = ""
    """stand: the file that describes what stands in front of the simulated camera."""


class Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """What the unit says of itself: nothing of it is secret."""

    stillroom: Literal["answer/1"]
    serial: Serial
    enrolment: str
    """The note of an enrolment, signed by the unit alone."""
    request: str
    """For a certificate, as PEM."""
    proof: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    """That whoever answers had the ticket's token."""


def new_token() -> str:
    return os.urandom(TOKEN_BYTES).hex()


def proof_of(token: str, serial: str, enrolment: str, request: str) -> str:
    """Keyed BLAKE2b-256 over what is answered, in hexadecimal."""
    said = msgspec.json.encode([serial, enrolment, request])
    return digest(b"stillroom/1 provisioning answer", said, 32, bytes.fromhex(token)).hex()


def is_proven(answer: Answer, token: str) -> bool:
    """Whether this answer was made with that token."""
    wanted = proof_of(token, answer.serial, answer.enrolment, answer.request) if token else ""
    return same(wanted.encode(), answer.proof.encode())


def read_ticket(folder: Path) -> Ticket:
    """Raises InputError, TrustError."""
    path = folder / TICKET
    if not path.exists():
        raise InputError(
            f"{path}: no ticket here: copy the folder that `stillroom make batch run` wrote for this card"
        )
    return _read(path, Ticket)


def read_answer(folder: Path) -> Answer | None:
    """None where the unit has not answered yet. Raises InputError, TrustError."""
    path = folder / ANSWER
    return _read(path, Answer) if path.exists() else None


def write(folder: Path, name: str, value: Struct, mode: int = 0o644) -> None:
    """Whole and on the disk. Raises StorageError."""
    make_folder(folder)
    replace_file(folder / name, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n", mode)


def _read(path: Path, schema: type[S]) -> S:
    try:
        return msgspec.json.decode(read_bounded(path), type=schema)
    except TrustError as error:
        raise InputError(str(error)) from None
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: damaged, or not what it should be: {error}: copy it again") from None
