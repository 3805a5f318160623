"""Signed documents: only what the authority signed, in its one form, of the right kind, and of bounded size."""

import base64
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parties import (
    AUTHORITY,
    BOARD,
    DAY,
    GATEWAY,
    NOON,
    UNIT,
    authorisation,
    enrolment,
    recipient,
    ring,
    roster,
)

from stillroom.documents import Authorisation, BoxPeriod, Enrolment, Recipient, Roster, Withdrawal
from stillroom.errors import TrustError
from stillroom.keys import KeyRing
from stillroom.note_reading import MAX_NOTE_BYTES, NoteError, Signer, encode, open_note, parse_signer
from stillroom.notes import sign_note, signer_of
from stillroom.public_keys import VerifyKey

BY_AUTHORITY = [signer_of(AUTHORITY)]
PAPER = authorisation(until=NOON + 28 * DAY, scopes=("status", "breathing"))
NOTE = sign_note("authorisation", PAPER, [AUTHORITY])


def reason(
    note: bytes, kind: str = "authorisation", schema: type = Authorisation, signers=BY_AUTHORITY
) -> str:
    with pytest.raises(NoteError) as caught:
        open_note(note, kind, schema, signers)
    assert "\n" not in str(caught.value)
    return caught.value.reason


def signed(text: bytes, by: KeyRing = AUTHORITY) -> bytes:
    """A right signature over any text."""
    signature = base64.b64encode(signer_of(by).hash + by.signing.sign(text)).decode()
    return text + f"\n— {by.note_name} {signature}\n".encode()


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("authorisation", PAPER),
        ("roster", roster()),
        ("enrolment", enrolment(UNIT)),
        ("withdrawal", Withdrawal(authorisation="a-1", site="demo", unit="u-1", at=NOON)),
    ],
)
def test_what_was_signed_comes_back(kind: str, document) -> None:
    note = sign_note(kind, document, [AUTHORITY])
    assert open_note(note, kind, type(document), BY_AUTHORITY) == document
    assert note == signed(encode(kind, document))


def test_every_byte_counts() -> None:
    """Whatever is changed, nothing but the document that was signed ever comes out."""
    view = bytearray(NOTE)
    for at in range(len(NOTE)):
        view[at] ^= 1
        assert reason(bytes(view)) in {"form", "signer", "signature"}, at
        view[at] ^= 1


def test_every_cut_is_refused() -> None:
    for size in range(len(NOTE)):
        assert reason(NOTE[:size]) in {"form", "signer", "signature"}, size


@pytest.mark.parametrize("by", [GATEWAY, UNIT, ring("authority", "authority", 0, site="other")])
def test_nobody_else_may_sign(by: KeyRing) -> None:
    assert reason(sign_note("authorisation", PAPER, [by])) == "signer"


def test_the_name_of_the_authority_is_not_its_key() -> None:
    impostor = KeyRing("demo", "authority", "authority", GATEWAY.signing)
    assert reason(sign_note("authorisation", PAPER, [impostor])) == "signer"
    text = encode("authorisation", PAPER)
    line = base64.b64encode(BY_AUTHORITY[0].hash + GATEWAY.signing.sign(text)).decode()
    assert reason(text + f"\n— demo/authority {line}\n".encode()) == "signature"


def test_a_second_signature_is_ignored_unless_asked_for() -> None:
    both = sign_note("enrolment", enrolment(UNIT), [AUTHORITY, UNIT])
    unit = signer_of(UNIT)
    assert open_note(both, "enrolment", Enrolment, BY_AUTHORITY) == enrolment(UNIT)
    assert open_note(both, "enrolment", Enrolment, [*BY_AUTHORITY, unit]) == enrolment(UNIT)
    one = sign_note("enrolment", enrolment(UNIT), [AUTHORITY])
    assert reason(one, "enrolment", Enrolment, [*BY_AUTHORITY, unit]) == "signer"


def test_no_signer_asked_for_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="at least one"):
        open_note(NOTE, "authorisation", Authorisation, [])


@pytest.mark.parametrize("kind", ["roster", "withdrawal", "enrolment", "authorisation2", "record"])
def test_one_kind_is_not_another(kind: str) -> None:
    assert reason(sign_note(kind, PAPER, [AUTHORITY])) == "kind"


TEXT = encode("authorisation", PAPER).decode()
CONTENT = [
    ("unknown field", '"purpose": "safety"', '"purpose": "safety",\n  "extra": 1'),
    ("missing field", ',\n  "purpose": "safety"', ""),
    ("unknown scope", '"breathing"', '"video"'),
    ("a scope twice", '"breathing"', '"status"'),
    ("free text", '"safety"', '"because we want to"'),
    ("longer than 28 days", "2026-12-20T12:00:00Z", "2026-12-20T12:00:01Z"),
    ("ends before it begins", "2026-12-20T12:00:00Z", "2026-11-22T11:59:59Z"),
    ("ends as it begins", "2026-12-20T12:00:00Z", "2026-11-22T12:00:00Z"),
    ("no time zone", "2026-12-20T12:00:00Z", "2026-12-20T12:00:00"),
    ("another time zone", "2026-12-20T12:00:00Z", "2026-12-20T13:00:00+01:00"),
    ("a fraction of a second", "2026-12-20T12:00:00Z", "2026-12-19T12:00:00.5Z"),
    ("no time", '"2026-12-20T12:00:00Z"', "null"),
    ("a number for text", '"u-1"', "1"),
    ("path in a name", '"u-1"', '"../u-1"'),
    ("empty name", '"u-1"', '""'),
]
CANONICAL = [
    ("a field twice", '"unit": "u-1"', '"unit": "u-9",\n  "unit": "u-1"'),
    ("UTC spelt otherwise", "2026-12-20T12:00:00Z", "2026-12-20T12:00:00+00:00"),
    ("a fraction of nothing", "2026-12-20T12:00:00Z", "2026-12-20T12:00:00.000Z"),
    ("a space more", '"unit": "u-1"', '"unit":  "u-1"'),
    ("an escape", '"u-1"', '"\\u0075-1"'),
    ("another order", '"id": "a-1",\n  "site": "demo"', '"site": "demo",\n  "id": "a-1"'),
    ("on one line", '[\n    "status",\n    "breathing"\n  ]', '["status", "breathing"]'),
]


@pytest.mark.parametrize(("old", "new"), [row[1:] for row in CONTENT], ids=[row[0] for row in CONTENT])
def test_content_is_strict(old: str, new: str) -> None:
    assert old in TEXT
    assert reason(signed(TEXT.replace(old, new).encode())) == "content"


@pytest.mark.parametrize(("old", "new"), [row[1:] for row in CANONICAL], ids=[row[0] for row in CANONICAL])
def test_one_document_has_one_form(old: str, new: str) -> None:
    assert old in TEXT
    assert reason(signed(TEXT.replace(old, new).encode())) == "canonical"


@pytest.mark.parametrize(
    "body", ["", "[]\n", "null\n", "[" * 8000 + "\n", "{\n"], ids=["empty", "array", "null", "deep", "open"]
)
def test_what_is_no_document_is_refused(body: str) -> None:
    assert reason(signed(b"stillroom/1 authorisation\n" + body.encode())) == "content"


FORMS = [
    ("empty", b""),
    ("no signature", TEXT.encode()),
    ("blank lines", TEXT.encode() + b"\n\n\n"),
    ("no newline at the end", NOTE[:-1]),
    ("a tab", signed(TEXT.replace("  ", "\t").encode())),
    ("a zero byte", signed(TEXT.encode() + b"\0\n")),
    ("a blank line in the text", signed(TEXT.replace("{\n", "{\n\n").encode())),
    ("not UTF-8", signed(TEXT.encode() + b"\xff\n")),
    ("carriage returns", NOTE.replace(b"\n", b"\r\n")),
    ("signed twice by one", NOTE + NOTE.rpartition(b"\n\n")[2]),
    ("nine signatures", NOTE + NOTE.rpartition(b"\n\n")[2] * 8),
    ("a hyphen for the dash", NOTE.replace("—".encode(), b"-")),
    ("something after it", NOTE + b"x"),
    ("a loose end in base64", NOTE[:-3] + bytes([NOTE[-3] + 1]) + b"=\n"),
]


@pytest.mark.parametrize("note", [row[1] for row in FORMS], ids=[row[0] for row in FORMS])
def test_form_is_strict(note: bytes) -> None:
    assert reason(note) == "form"


def test_size_is_bounded_both_ways() -> None:
    padding = b"x" * (MAX_NOTE_BYTES - len(NOTE))
    assert reason(padding + NOTE) == "signature"
    assert reason(b"x" + padding + NOTE) == "size"
    assert reason(b"[" * 10**7) == "size"
    people = tuple(ring("viewer", f"v-{i}", 32) for i in range(14))
    periods = [(NOON, NOON + DAY)] * 32
    with pytest.raises(TrustError, match="16384 bytes"):
        sign_note(
            "roster", roster(recipient(GATEWAY), *(recipient(p, *periods) for p in people)), [AUTHORITY]
        )


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2000))
def test_junk_is_refused_by_name(junk: bytes) -> None:
    assert reason(junk) == "form"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=1000))
def test_junk_under_a_right_signature_is_refused(junk: bytes) -> None:
    note = signed(b"stillroom/1 authorisation\n" + junk + b"\n")
    assert reason(note) in {"form", "content", "signature"}


def test_verifier_keys_as_the_world_writes_them() -> None:
    signer = signer_of(AUTHORITY)
    name, hash_hex, key = signer.text.split("+", 2)
    assert (name, hash_hex) == ("demo/authority", signer.hash.hex())
    assert base64.b64decode(key) == b"\1" + AUTHORITY.signing.verify_key.raw
    assert parse_signer(signer.text + "\n") == signer


def test_the_c2sp_example_key() -> None:
    """From the specification of signed notes: its hash must come out as printed there."""
    example = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    raw = base64.b64decode(example.split("+", 2)[2])
    signer = Signer("PeterNeumann", VerifyKey(raw[1:]))
    assert signer.text == example


VKEYS = ["", "demo/authority", "a+b+c", "demo/authority+00000000+" + "A" * 44]


@pytest.mark.parametrize(
    "text", [*VKEYS, signer_of(AUTHORITY).text.replace("demo", "dema"), "ü/x+00000000+AAAA"]
)
def test_a_miscopied_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(TrustError):
        parse_signer(text)


def test_a_roster_is_consistent() -> None:
    with pytest.raises(ValueError, match="names one twice"):
        roster(recipient(GATEWAY), recipient(GATEWAY))
    with pytest.raises(ValueError, match="needs a gateway"):
        roster(recipient(BOARD))
    assert roster(recipient(BOARD), delivery="puback").delivery == "puback"
    many = [recipient(ring("board", f"b-{i}")) for i in range(8)]
    with pytest.raises(ValueError, match="at most 8"):
        roster(recipient(GATEWAY), *many)
    with pytest.raises(ValueError, match="after 'from'"):
        Roster(
            start=NOON,
            until=NOON,
            site="demo",
            version=1,
            recipients=(recipient(GATEWAY),),
            delivery="cursor",
            approvers=(),
        )


def test_the_newest_key_that_is_valid_is_used() -> None:
    first, second = (box.public for box in GATEWAY.boxes)
    hour = timedelta(hours=1)
    periods = (
        BoxPeriod(NOON, NOON + 2 * hour, first.raw),
        BoxPeriod(NOON + hour, NOON + 3 * hour, second.raw),
    )
    who = Recipient("gateway", "gateway", GATEWAY.signing.verify_key.raw, periods)
    at = {
        minutes: who.key_at(round((NOON + timedelta(minutes=minutes)).timestamp() * 1000))
        for minutes in EDGES
    }
    assert at == {-1: None, 0: first, 59: first, 60: second, 120: second, 179: second, 180: None}


EDGES = (-1, 0, 59, 60, 120, 179, 180)
