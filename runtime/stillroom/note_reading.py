"""Signed documents: C2SP signed notes (https://c2sp.org/signed-note) whose text is a kind line and strict JSON.

The signature covers the whole text, and so the kind: no document passes for one of another kind, nor for a record
(whose signed bytes hold a zero byte where a note's have a newline). The text must be exactly what `encode` makes
of what it says, so that one document has one form: no doubled keys, no second spelling of a number.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct
from nacl import bindings

from stillroom.errors import TrustError
from stillroom.files import MAX_FILE_BYTES
from stillroom.public_keys import SIGNATURE_BYTES, VerifyKey

MAX_NOTE_BYTES = MAX_FILE_BYTES
MAX_SIGNATURES = 8

_ED25519 = b"\x01"
_HASH_BYTES = 4
_NAME = re.compile(r"[a-z0-9-]{1,32}/[a-z0-9-]{1,32}")
_SIGNATURE_LINE = re.compile(r"— ([!-*,-~]{1,80}) ([A-Za-z0-9+/]{91}=)")
"""Name, and 68 bytes in base64: key hash and Ed25519 signature."""

Reason = Literal["size", "form", "signer", "signature", "kind", "content", "canonical", "unit"]

D = TypeVar("D", bound=Struct)


class NoteError(TrustError):
    """A note that is not accepted. `reason` is a stable short code for counters and the audit chain."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Signer:
    """Who may sign: a name of the form site/party and a public key."""

    name: str
    key: VerifyKey

    @property
    def hash(self) -> bytes:
        """C2SP's key id: 4 bytes that find the key, and prove nothing."""
        return bindings.crypto_hash_sha256(self.name.encode() + b"\n" + _ED25519 + self.key.raw)[:_HASH_BYTES]

    @property
    def site(self) -> str:
        return self.name.partition("/")[0]

    @property
    def text(self) -> str:
        """C2SP's verifier key: name+hash+key, one line, for `authority.pub`."""
        return f"{self.name}+{self.hash.hex()}+{base64.b64encode(_ED25519 + self.key.raw).decode()}"

    @property
    def fingerprint(self) -> str:
        return self.key.fingerprint


def parse_signer(text: str) -> Signer:
    """Read C2SP's verifier key. Raises TrustError."""
    name, _, rest = text.strip().partition("+")
    _, _, encoded = rest.partition("+")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:
        raw = b""
    if not _NAME.fullmatch(name) or raw[:1] != _ED25519 or len(raw) != 33:
        raise TrustError("not a verifier key (name+hash+key)")
    signer = Signer(name, VerifyKey(raw[1:]))
    if signer.text != text.strip():
        raise TrustError("a verifier key whose hash does not fit: copied wrongly")
    return signer


def signed_by(note: bytes, signers: Iterable[Signer]) -> tuple[list[Signer], int]:
    """Which of these have signed a note or a draft, and how many others. Raises NoteError: size, form, signature."""
    text, lines = split(note, unsigned=True)
    found = signatures(lines)
    present = [signer for signer in signers if (signer.name, signer.hash) in found]
    for signer in present:
        _require(signer, found, text)
    return present, len(found) - len(present)


def open_note(
    note: bytes,
    kind: str,
    schema: type[D],
    signers: Iterable[Signer],
    one_of: Sequence[Signer] = (),
    limit: int = MAX_NOTE_BYTES,
) -> D:
    """What a note says, once every one of `signers` is seen to have signed it; others' signatures are ignored.

    `one_of`: of these, where there are any, one must have signed too.

    Raises NoteError: size, form (no signed note), signer (one is missing), signature (altered), kind, content
    (not what the schema allows), canonical (not in its one form).
    """
    text, lines = split(note, limit=limit)
    required = tuple(signers)
    if not required:
        raise ValueError("a note is opened against at least one signer")
    found = signatures(lines)
    for signer in required:
        _require(signer, found, text)
    if one_of:
        _require_one(one_of, found, text)
    return decode(text, kind, schema)


def open_by_one(
    note: bytes, kind: str, schema: type[D], signers: Sequence[Signer], limit: int = MAX_NOTE_BYTES
) -> tuple[D, Signer]:
    """What a note says, and the first of `signers` who signed it. Raises NoteError as `open_note` does."""
    for signer in signers:
        try:
            return open_note(note, kind, schema, [signer], limit=limit), signer
        except NoteError as error:
            if error.reason != "signer":
                raise
    raise NoteError("signer", f"not signed by any of {', '.join(s.name for s in signers) or 'nobody'}")


def encode(kind: str, document: Struct) -> bytes:
    """The signed text: kind line, JSON indented by two in the order of the schema, newline."""
    body = msgspec.json.format(msgspec.json.encode(document), indent=2)
    return f"stillroom/1 {kind}\n".encode() + body + b"\n"


def decode(text: bytes, kind: str, schema: type[D]) -> D:
    """Read a text that `encode` made. Raises NoteError: kind, content, canonical. Not for unsigned texts."""
    first, _, body = text.partition(b"\n")
    if first != f"stillroom/1 {kind}".encode():
        raise NoteError("kind", f"not a document of kind 'stillroom/1 {kind}'")
    try:
        document = msgspec.json.decode(body, type=schema, strict=True)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NoteError("content", f"not a valid {kind}: {error}") from None
    if encode(kind, document) != text:
        raise NoteError("canonical", f"a {kind} that is not in its one form: sign it with this software")
    return document


def split(note: bytes, *, unsigned: bool = False, limit: int = MAX_NOTE_BYTES) -> tuple[bytes, list[str]]:
    """The text of a note and its lines of signatures. `unsigned`: a text alone, which nobody has signed yet, will do.

    Raises NoteError: size, form.
    """
    if len(note) > limit:
        raise NoteError("size", f"larger than {limit} bytes, which no document is")
    text, middle, signatures = note.rpartition(b"\n\n")
    if unsigned and not middle:
        text, middle, signatures = note.rpartition(b"\n")
    try:
        lines = signatures.decode().split("\n")
        text.decode()
    except UnicodeDecodeError:
        raise NoteError("form", "not a signed document: not UTF-8") from None
    least = 0 if unsigned else 1
    if not middle or lines[-1] != "" or not least <= len(lines) - 1 <= MAX_SIGNATURES:
        raise NoteError("form", "not a signed document, or cut short: no signature at its end")
    if any(byte < 0x20 and byte != 0x0A for byte in text) or b"\n\n" in text:
        raise NoteError("form", "not a signed document: control characters or blank lines in its text")
    return text + b"\n", lines[:-1]


def signatures(lines: list[str]) -> dict[tuple[str, bytes], bytes]:
    found: dict[tuple[str, bytes], bytes] = {}
    for line in lines:
        match = _SIGNATURE_LINE.fullmatch(line)
        data = base64.b64decode(match[2]) if match else b""
        if (
            match is None
            or base64.b64encode(data).decode() != match[2]
            or len(data) != _HASH_BYTES + SIGNATURE_BYTES
        ):
            raise NoteError(
                "form", "not a signed document, or cut short: a signature line that cannot be read"
            )
        name = (match[1], data[:_HASH_BYTES])
        if name in found:
            raise NoteError("form", "signed twice by one key")
        found[name] = data[_HASH_BYTES:]
    return found


def _require_one(signers: Sequence[Signer], found: dict[tuple[str, bytes], bytes], text: bytes) -> None:
    present = [signer for signer in signers if (signer.name, signer.hash) in found]
    if not present:
        raise NoteError("signer", f"not signed by any of {', '.join(signer.name for signer in signers)}")
    for signer in present:
        _require(signer, found, text)


def _require(signer: Signer, found: dict[tuple[str, bytes], bytes], text: bytes) -> None:
    signature = found.get((signer.name, signer.hash))
    if signature is None:
        raise NoteError("signer", f"not signed by {signer.name} ({signer.fingerprint})")
    if not signer.key.verifies(text, signature):
        raise NoteError("signature", f"altered: the signature of {signer.name} is not over this text")
