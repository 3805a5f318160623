"""What a site's authority signs about who there is and what is allowed; and every kind of document by its name.

Strict: no free text, nothing unknown. What a unit is told to do besides is in `orders`.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct

from stillroom.document_forms import MAX_WRAPS, Code, Time, Timed, to_ms, whole_seconds_utc
from stillroom.errors import TrustError
from stillroom.files import read_bounded
from stillroom.note_reading import NoteError, Signer, open_note, parse_signer
from stillroom.orders import (
    Acknowledgement,
    Configuration,
    Halt,
    Lift,
    Pause,
    Resume,
    ViewRequest,
)
from stillroom.public_keys import PlainName, RawKey, RecipientKey, VerifyKey, can_receive, can_sign
from stillroom.release_papers import Release, ReleaseWithdrawal
from stillroom.view_forms import BLOCKS, ViewLevel

MAX_AUTHORISATION = timedelta(days=28)
MAX_BOX_KEYS = 32
MAX_APPROVERS = 8

Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Scope = Literal["status", "breathing", "pulse", "view-figure", "view-picture", "release"]
VIEWS: tuple[Scope, ...] = ("view-figure", "view-picture")
ConsumerRole = Literal["gateway", "board", "viewer", "advocate", "manager", "custodian"]

UNIT_RECIPIENTS = ("gateway", "board")
"""Roles to which every record of a unit is sealed."""


def _differ(what: str, values: Sequence[object]) -> None:
    if len(set(values)) != len(values):
        raise ValueError(f"'{what}' names one twice")


# One key that is none would keep a unit from sealing to anybody, or from starting.


def _can_sign(raw: bytes) -> None:
    if not can_sign(raw):
        raise ValueError("a signing key that is not a point of Ed25519")


def _can_receive(raw: bytes) -> None:
    if not can_receive(raw):
        raise ValueError("a box key that nobody can be sealed to: a point of small order")


class BoxPeriod(Timed, frozen=True, forbid_unknown_fields=True):
    """A recipient's X25519 key and when it may be sealed to. Its secret is destroyed after it."""

    key: RawKey

    def __post_init__(self) -> None:
        super().__post_init__()
        _can_receive(self.key)


class Recipient(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody that the authority names: what he signs with, and what is sealed to."""

    name: PlainName
    role: ConsumerRole
    sign: RawKey
    boxes: Annotated[tuple[BoxPeriod, ...], Meta(max_length=MAX_BOX_KEYS)]

    def __post_init__(self) -> None:
        _can_sign(self.sign)

    def key_at(self, utc_ms: int) -> RecipientKey | None:
        """The newest key that may be sealed to now, or None."""
        valid = [box for box in self.boxes if box.covers(utc_ms)]
        return RecipientKey(max(valid, key=lambda box: box.start).key) if valid else None


class Approver(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody whose signature an authorisation may need beside the authority's."""

    name: PlainName
    sign: RawKey

    def __post_init__(self) -> None:
        _can_sign(self.sign)


class Roster(Timed, frozen=True, forbid_unknown_fields=True):
    """Who receives, how delivery is known, who must sign. A higher version replaces a lower, never the other way."""

    site: PlainName
    version: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    recipients: Annotated[tuple[Recipient, ...], Meta(min_length=1, max_length=16)]
    delivery: Literal["cursor", "puback"]
    approvers: Annotated[tuple[Approver, ...], Meta(max_length=MAX_APPROVERS)]
    """Where there are any, one of them must sign each authorisation too; none: the authority's word is enough."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _differ("recipients", [recipient.name for recipient in self.recipients])
        _differ("approvers", [approver.name for approver in self.approvers])
        _differ("approvers", [approver.sign for approver in self.approvers])
        if len(self.of_unit) + len(self.advocates) > MAX_WRAPS:
            raise ValueError(f"at most {MAX_WRAPS} recipients of records, with advocates")
        gateways = sum(r.role == "gateway" for r in self.recipients)
        if gateways > 1:
            # A unit keeps one window for what comes down, and one number for commands.
            raise ValueError("a roster names one gateway at most")
        if self.delivery == "cursor" and not gateways:
            raise ValueError("delivery by cursor needs a gateway")

    @property
    def of_unit(self) -> tuple[Recipient, ...]:
        """To whom a unit seals its records."""
        return tuple(r for r in self.recipients if r.role in UNIT_RECIPIENTS)

    @property
    def advocates(self) -> tuple[Recipient, ...]:
        """Who is told the newest head of the audit chain in every record, and can open nothing else of it."""
        return tuple(r for r in self.recipients if r.role == "advocate")

    def people(self, *roles: ConsumerRole) -> tuple[Signer, ...]:
        """With what these recipients sign."""
        return tuple(
            Signer(f"{self.site}/{r.name}", VerifyKey(r.sign)) for r in self.recipients if r.role in roles
        )

    @property
    def approver_signers(self) -> tuple[Signer, ...]:
        """Of whom one must have signed an authorisation; empty where none need."""
        return tuple(Signer(f"{self.site}/{a.name}", VerifyKey(a.sign)) for a in self.approvers)

    @property
    def gateway_keys(self) -> dict[bytes, VerifyKey]:
        """Who may speak to a unit: key id to key."""
        keys = [VerifyKey(r.sign) for r in self.recipients if r.role == "gateway"]
        return {key.id: key for key in keys}


class Enrolment(Struct, frozen=True, forbid_unknown_fields=True):
    """A unit of the site. Signed by the authority, and by the unit to show that it holds the key."""

    site: PlainName
    unit: PlainName
    sign: RawKey
    box: RawKey
    made: Time

    def __post_init__(self) -> None:
        whole_seconds_utc(self.made)
        _can_sign(self.sign)
        _can_receive(self.box)


class ViewLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """How long one look lasts at most, and how many there may be in an hour."""

    seconds: Annotated[int, Meta(ge=1, le=60)]
    looks_per_hour: Annotated[int, Meta(ge=1, le=60)]


class Authorisation(Timed, frozen=True, forbid_unknown_fields=True):
    """Leave for one unit to sense one room for a while, for a purpose. Codes, hashes and times; no free text."""

    id: Code
    site: PlainName
    unit: PlainName
    room: Code
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1)]
    purpose: Code
    review_by: Time
    """From then on it allows nothing: somebody has to look whether it is still right, and sign another."""
    assessment: Sha256 | None
    """Of the impact assessment that it rests on: the SHA-256 of the file, in hex."""
    consent: Code | None
    """Where the facility keeps the consent: its own reference, which means nothing elsewhere."""
    view: ViewLimits | None
    """There where a view is allowed, and only there."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_seconds_utc(self.review_by)
        if self.until - self.start > MAX_AUTHORISATION:
            raise ValueError(f"longer than {MAX_AUTHORISATION.days} days")
        if not self.start < self.review_by <= self.until:
            raise ValueError("'review_by' must be after 'from' and not after 'until'")
        _differ("scopes", self.scopes)
        if "status" not in self.scopes:
            raise ValueError("scope 'status' is missing: a unit that senses always says it")
        if (self.view is not None) != any(scope in VIEWS for scope in self.scopes):
            raise ValueError("'view' belongs to the scopes view-figure and view-picture, and to no other")

    def overdue(self, utc_ms: int) -> bool:
        """Nobody has looked at it again in time."""
        return utc_ms >= to_ms(self.review_by)


class Withdrawal(Struct, frozen=True, forbid_unknown_fields=True):
    """The end of an authorisation, for good."""

    authorisation: Code
    site: PlainName
    unit: PlainName
    at: Time

    def __post_init__(self) -> None:
        whole_seconds_utc(self.at)


class ViewPolicy(Timed, frozen=True, forbid_unknown_fields=True):
    """A manager's rules for looks into rooms: without one there are none. A higher version replaces a lower."""

    site: PlainName
    unit: PlainName | None
    """None: of every unit of the site."""
    version: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    levels: Annotated[tuple[ViewLevel, ...], Meta(min_length=1)]
    least_block: Annotated[int, Meta(ge=1, le=48)]
    """Of a picture: the smallest square that may be averaged over; 1 lets clear pictures be seen."""
    seconds: Annotated[int, Meta(ge=1, le=60)]
    looks_per_hour: Annotated[int, Meta(ge=1, le=60)]
    """Of one viewer into one room."""
    announce_ms: Annotated[int, Meta(ge=1_000, le=30_000)]
    """So long the room's light says that somebody will look, before he does."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _differ("levels", self.levels)
        if self.least_block not in BLOCKS:
            raise ValueError(f"'least_block' is one of {', '.join(map(str, BLOCKS))}")


class ViewAcceptance(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody has looked where a moved camera looks now: what was noticed before `at` no longer keeps it off."""

    site: PlainName
    unit: PlainName
    at: Time

    def __post_init__(self) -> None:
        whole_seconds_utc(self.at)


KINDS: dict[type[Struct], str] = {
    Roster: "roster",
    Enrolment: "enrolment",
    Authorisation: "authorisation",
    Withdrawal: "withdrawal",
    ViewAcceptance: "view-acceptance",
    ViewPolicy: "view-policy",
    Halt: "halt",
    Lift: "lift",
    Pause: "pause",
    Resume: "resume",
    Acknowledgement: "acknowledgement",
    ViewRequest: "view-request",
    Configuration: "configuration",
    Release: "release",
    ReleaseWithdrawal: "release-withdrawal",
}

D = TypeVar("D", bound=Struct)


def read_document(path: Path, schema: type[D], signers: Iterable[Signer], one_of: Sequence[Signer] = ()) -> D:
    """A signed document from its file. Raises TrustError (a NoteError, where it could be read) naming the file.

    `one_of`: of these, where there are any, one must have signed too.
    """
    note = read_bounded(path)
    try:
        return open_note(note, KINDS[schema], schema, signers, one_of)
    except NoteError as error:
        raise NoteError(error.reason, f"{path}: {error}") from None


def read_enrolment(path: Path, authority: Signer) -> Enrolment:
    """A unit's enrolment, signed by the authority and by the unit itself. Raises TrustError that names the file."""
    enrolment = read_document(path, Enrolment, [authority])
    unit = Signer(f"{enrolment.site}/{enrolment.unit}", VerifyKey(enrolment.sign))
    return read_document(path, Enrolment, [authority, unit])


def read_signer(path: Path) -> Signer:
    """A public key file such as `authority.pub`. Raises TrustError that names the file."""
    try:
        return parse_signer(read_bounded(path).decode("ascii", "replace"))
    except TrustError as error:
        raise TrustError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
