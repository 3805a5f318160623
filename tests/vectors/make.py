"""Writes records.json, notes.json and replay.json beside itself: python tests/vectors/make.py

Run by hand when the format changes, never by tests: sealed boxes are random, so each run gives other bytes. Then
read what changed, and WIRE.md with it.
"""

import base64
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "runtime")]

import msgspec  # noqa: E402
import parties as p  # noqa: E402
from nacl import bindings  # noqa: E402
from parties import BOARD, DOWN, GATEWAY, HEAD_BYTES, OTHER_UNIT, STRANGER, UNIT, WRAP_BYTES  # noqa: E402

from stillroom import wire  # noqa: E402
from stillroom.documents import KINDS, Recipient, ViewAcceptance, ViewLimits, ViewPolicy, Withdrawal  # noqa: E402
from stillroom.events import Audited, Command, Receipt  # noqa: E402
from stillroom.hashes import digest  # noqa: E402
from stillroom.keys import KeyRing  # noqa: E402
from stillroom.note_reading import encode  # noqa: E402
from stillroom.notes import sign_note, signer_of  # noqa: E402
from stillroom.orders import (  # noqa: E402
    Acknowledgement,
    ConditionRows,
    Configuration,
    Halt,
    Lift,
    OrderedRow,
    Pause,
    Resume,
    RoomConditions,
    ViewRequest,
)
from stillroom.release_papers import Release, ReleaseWithdrawal  # noqa: E402
from stillroom.wire import Boot, Lane  # noqa: E402

Vector = dict[str, Any]
LANES = {Lane.UP: "up", Lane.DOWN: "down", Lane.VIEW: "view"}
UNDER = p.epoch()
COMMAND = Command(1_795_348_800, 1, 1, b"stillroom/1 withdrawal\n... and the rest of the signed note\n")
COMMITMENT_AT = HEAD_BYTES + 2 * WRAP_BYTES


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def vector(
    name: str, data: bytes, expect: str, *, lane: Lane = Lane.UP, by: KeyRing = UNIT, to: KeyRing = GATEWAY
) -> Vector:
    about = {"name": name, "lane": LANES[lane], "sender": by.name, "recipient": to.name}
    return about | {"expect": expect, "record": b64(data)}


def good(name: str, body: bytes, data: bytes, *, opaque: bool = False, **more: Any) -> Vector:
    """`opaque`: the record is right, what it holds is no message."""
    return vector(name, data, "ok", **more) | {"opaque": opaque, "body": b64(body)}


def put(at: int, new: bytes, data: bytes | None = None) -> bytes:
    """The record with some bytes changed, signed anew."""
    data = data or p.record(under=UNDER)
    return p.resign(data[:at] + new + data[at + len(new) :])


def flipped(at: int) -> bytes:
    data = bytearray(p.record(under=UNDER))
    data[at] ^= 1
    return bytes(data)


def good_records() -> Iterable[Vector]:
    body, down = p.packed(p.body()), p.packed(DOWN)
    up = p.record(body, under=UNDER, sequence=41)
    yield good("a unit's record, opened by the gateway", body, up)
    yield good("the same record, opened by the board", body, up, to=BOARD)
    yield good("the next record of the epoch", body, p.record(body, under=UNDER, sequence=42))
    to_unit = p.epoch(boot=7, to=(UNIT,))
    record = p.record(down, lane=Lane.DOWN, by=GATEWAY, under=to_unit)
    yield good("the gateway's record", down, record, lane=Lane.DOWN, by=GATEWAY, to=UNIT)
    command = p.packed(msgspec.structs.replace(DOWN, command=COMMAND))
    record = p.record(command, lane=Lane.DOWN, by=GATEWAY, under=to_unit, sequence=1)
    yield good("the gateway's record with a command", command, record, lane=Lane.DOWN, by=GATEWAY, to=UNIT)
    last = p.packed(msgspec.structs.replace(DOWN, command=Command(2**53, 11, 11, bytes(1_536))))
    record = p.record(last, lane=Lane.DOWN, by=GATEWAY, under=to_unit, sequence=2)
    yield good("the last part of the largest command", last, record, lane=Lane.DOWN, by=GATEWAY, to=UNIT)
    entry = msgspec.structs.replace(
        p.body().entries[0], event=Receipt(COMMAND.number, "roster", None, "version")
    )
    receipt = p.packed(msgspec.structs.replace(p.body(), entries=(entry,)))
    yield good("a unit's receipt", receipt, p.record(receipt, under=UNDER, sequence=43))
    advocate = p.ring("advocate", "advocate").boxes[0].public
    with_head = wire.with_heads(UNDER, [advocate], bytes(range(32)))
    told = p.record(body, under=with_head, sequence=44)
    yield good("one that tells an advocate the newest head", body, told)
    yield good("lane view", b"x", p.record(b"x", lane=Lane.VIEW, under=UNDER), opaque=True, lane=Lane.VIEW)
    one = p.epoch(to=(GATEWAY,))
    empty = wire.seal(Lane.UP, UNIT.signing, one, 0, b"")
    yield good("no body at all, one recipient", b"", empty, opaque=True)
    full = bytes(i % 251 for i in range(wire.body_capacity(1)))
    yield good("the largest body, one recipient", full, p.record(full, under=one), opaque=True)
    eight = p.epoch(to=(GATEWAY, *(p.ring("board", f"b-{i}") for i in range(7))))
    full = bytes(i % 251 for i in range(wire.body_capacity(8)))
    yield good("the largest body, eight recipients", full, p.record(full, under=eight), opaque=True)
    top = p.epoch(boot=2**32 - 1, index=2**32 - 1, boot_id=b"\xff" * 16)
    yield good("the largest counters", b"top", p.record(b"top", under=top, sequence=2**53 - 1), opaque=True)


def bad_form() -> Iterable[Vector]:
    whole = p.record(under=UNDER)
    yield vector("nothing", b"", "magic")
    yield vector("another magic", put(0, b"STLQ"), "magic")
    yield vector("cut by one byte", whole[:-1], "size")
    yield vector("longer by one byte", whole + b"\0", "size")
    yield vector("version 0", put(4, b"\0"), "version")
    yield vector("version 2", put(4, b"\2"), "version")
    yield vector("version 2 of another size", put(4, b"\2")[:1024], "version")
    yield vector("suite 0", put(5, b"\0"), "suite")
    yield vector("suite 2", put(5, b"\2"), "suite")
    yield vector("lane 0", put(6, b"\0"), "lane")
    yield vector("lane 4", put(6, b"\4"), "lane")
    yield vector("no wraps", put(7, b"\0"), "wraps")
    yield vector("nine wraps", put(7, b"\x09"), "wraps")
    first, second = whole[HEAD_BYTES:][:WRAP_BYTES], whole[HEAD_BYTES + WRAP_BYTES :][:WRAP_BYTES]
    yield vector("wraps in descending order", put(HEAD_BYTES, second + first, whole), "wraps")
    yield vector("one wrap twice", put(HEAD_BYTES, first + first, whole), "wraps")
    yield vector("sequence 2**53", put(40, (2**53).to_bytes(8, "big")), "sequence")


def bad_sender() -> Iterable[Vector]:
    yield vector("a record of lane down on lane up", p.record(lane=Lane.DOWN, under=UNDER), "lane")
    yield vector("an unknown sender", p.record(by=STRANGER, under=UNDER), "sender")
    data = p.record(by=BOARD, under=UNDER)
    forged = data[:8] + UNIT.signing.verify_key.id + data[16:]
    yield vector("a recipient in the name of the unit", p.resign(forged, BOARD), "signature")
    for name, at in {
        "sequence": 47,
        "wrap": 60,
        "commitment": COMMITMENT_AT,
        "ciphertext": 1000,
        "signature": 2047,
    }.items():
        yield vector(f"one bit of the {name} changed", flipped(at), "signature")


def bad_seal() -> Iterable[Vector]:
    """Under a right signature: what only the sender himself could do wrong."""
    yield vector("for others only", p.record(under=p.epoch(to=(BOARD,))), "recipient")
    key = GATEWAY.boxes[0].public
    short = wire.Epoch(UNDER.boot, 0, UNDER.key, key.id + key.seal(UNDER.key)[:-1] + b"\0")
    yield vector("a wrap that does not open", p.record(under=short), "wrap")
    yield vector("another sequence, signed anew", put(40, (9).to_bytes(8, "big")), "commitment")
    yield vector("another boot, signed anew", put(16, (2).to_bytes(4, "big")), "commitment")
    yield vector("another commitment, signed anew", put(COMMITMENT_AT, bytes(32)), "commitment")
    stolen = p.record(under=UNDER)
    stolen = p.resign(stolen[:8] + OTHER_UNIT.signing.verify_key.id + stolen[16:], OTHER_UNIT)
    yield vector("taken over by another unit", stolen, "commitment", by=OTHER_UNIT)
    yield vector("one story for the gateway, another for the board", two_faced(), "commitment", to=BOARD)
    yield vector("ciphertext changed, signed anew", put(1000, b"\0\0\0\0\0\0\0\0"), "ciphertext")
    changes: dict[str, Callable[[bytes], bytes]] = {
        "padding not zero at its end": lambda plain: plain[:-1] + b"\1",
        "padding not zero at its beginning": lambda plain: plain[:7] + b"\1" + plain[8:],
        "a length beyond the record": lambda plain: b"\xff\xff" + plain[2:],
        "a length one too large": lambda plain: (len(plain) - 1).to_bytes(2, "big") + plain[2:],
    }
    for name, change in changes.items():
        yield vector(name, p.resealed(change, UNDER, b"hello"), "padding")


def two_faced() -> bytes:
    other = p.epoch()
    ours, theirs = (dict(wire.parse(p.record(under=e)).wraps) for e in (UNDER, other))
    ours[BOARD.boxes[0].public.id] = theirs[BOARD.boxes[0].public.id]
    return p.record(under=wire.Epoch(UNDER.boot, 0, UNDER.key, b"".join(k + ours[k] for k in sorted(ours))))


def bad_body() -> Iterable[Vector]:
    plain = msgspec.to_builtins(p.body(), builtin_types=(bytes,))
    for name, body in {
        "no msgpack": b"\xc1",
        "an empty map": b"\x80",
        "a byte after the body": p.packed(p.body()) + b"\0",
        "an unknown field": p.packed({**plain, "note": 1}),
        "a time before 1970": p.packed({**plain, "sealed_ms": -1}),
        "an audit link 0": audit_link(0),
        "a state that there is not": p.packed(
            {**plain, "snapshot": {**plain["snapshot"], "state": "asleep"}}
        ),
        "a key twice": b"\x84" + p.packed(p.body())[1:] + p.packed("entries") + b"\x90",
        "keys in another order": p.packed(dict(reversed(plain.items()))),
        "a key missing that could be guessed": p.packed({**plain, "entries": [without_late(plain)]}),
        "a number longer than it need be": p.packed({**plain, "sealed_ms": 5}).replace(
            p.packed("sealed_ms") + b"\5", p.packed("sealed_ms") + b"\xcd\0\5"
        ),
        "a whole number for a fraction": with_motion(plain, 1),
        "a fraction of 32 bits": with_motion(plain, 0.5).replace(
            b"\xcb\x3f\xe0" + bytes(6), b"\xca\x3f\0\0\0"
        ),
        "a fraction that is none": with_motion(plain, float("nan")),
    }.items():
        yield vector(name, p.record(body, under=UNDER), "body")


def bad_down() -> Iterable[Vector]:
    plain = msgspec.to_builtins(msgspec.structs.replace(DOWN, command=COMMAND), builtin_types=(bytes,))
    under = p.epoch(boot=7, to=(UNIT,))
    for name, body in {
        "no word of a command, not even null": {k: v for k, v in plain.items() if k != "command"},
        "a command numbered 0": {**plain, "command": {**plain["command"], "number": 0}},
        "a part beyond the last": {**plain, "command": {**plain["command"], "part": 2}},
        "a part numbered 0": {**plain, "command": {**plain["command"], "part": 0}},
        "twelve parts": {**plain, "command": {**plain["command"], "parts": 12}},
        "a command without its parts": {**plain, "command": {"number": 1, "note": b"x"}},
        "a part larger than 1,536 bytes": {**plain, "command": {**plain["command"], "note": bytes(1537)}},
        "a command of text": {**plain, "command": {**plain["command"], "note": "note"}},
        "a boot id of 15 bytes": {**plain, "heard": bytes(15)},
        "33 ranges": {**plain, "ranges": [[i, i] for i in range(33)]},
    }.items():
        data = p.record(p.packed(body), lane=Lane.DOWN, by=GATEWAY, under=under)
        yield vector(name, data, "body", lane=Lane.DOWN, by=GATEWAY, to=UNIT)


def audit_link(index: int) -> bytes:
    link = Audited(1, p.to_ms(p.NOON), b"{}", bytes(16), bytes(32), bytes(64))
    plain = msgspec.to_builtins(p.body(), builtin_types=(bytes,))
    event = {**msgspec.to_builtins(link, builtin_types=(bytes,)), "index": index}
    return p.packed({**plain, "entries": [{**plain["entries"][0], "event": event}]})


def with_motion(plain: Vector, motion: float) -> bytes:
    return p.packed({**plain, "snapshot": {**plain["snapshot"], "motion": motion}})


def without_late(plain: Vector) -> Vector:
    return {name: value for name, value in plain["entries"][0].items() if name != "late"}


def keys() -> dict[str, Vector]:
    return {
        ring.name: {
            "sign_seed": ring.signing.seed().hex(),
            "sign_public": ring.signing.verify_key.raw.hex(),
            "sign_id": ring.signing.verify_key.id.hex(),
            "box_secret": ring.boxes[0].secret().hex(),
            "box_public": ring.boxes[0].public.raw.hex(),
            "box_id": ring.boxes[0].public.id.hex(),
            "fingerprint": ring.signing.verify_key.fingerprint,
        }
        for ring in (UNIT, OTHER_UNIT, GATEWAY, BOARD)
    }


def derivation() -> Vector:
    epoch = wire.Epoch(Boot(1, b"B" * 16), 0, bytes(range(32)), UNDER.wraps)
    head = p.record(under=epoch, sequence=5)[:HEAD_BYTES]
    both = digest(b"stillroom/1 record key", head, 64, epoch.key)
    return {
        "epoch_key": epoch.key.hex(),
        "head": head.hex(),
        "record_key": both[:32].hex(),
        "commitment": both[32:].hex(),
    }


PAPER = p.authorisation(until=p.NOON + 28 * p.DAY, scopes=("status", "breathing"))
FULL = p.authorisation(
    scopes=("status", "view-figure", "release"),
    review_by=p.NOON + p.DAY / 2,
    assessment="0123456789abcdef" * 4,
    consent="form-7.2",
    view=ViewLimits(seconds=15, looks_per_hour=4),
)


SITE_OF = {"site": "demo", "unit": "u-1"}
DOCUMENTS = (
    p.roster(),
    p.enrolment(UNIT),
    PAPER,
    Withdrawal(authorisation="a-1", **SITE_OF, at=p.NOON),
    ViewAcceptance(**SITE_OF, at=p.NOON),
    Halt(at=p.NOON, id="h-1", site="demo", unit=None),
    Lift(at=p.NOON, halt="h-1", **SITE_OF),
    Pause(start=p.NOON, until=p.NOON + p.DAY / 3, id="p-1", **SITE_OF),
    Resume(at=p.NOON, pause="p-1", **SITE_OF),
    Acknowledgement(at=p.NOON, entry=2**53 - 1, **SITE_OF),
    ViewPolicy(
        start=p.NOON, until=p.NOON + 28 * p.DAY, site="demo", unit=None, version=1, levels=("figure", "picture"),
        least_block=12, seconds=15, looks_per_hour=4, announce_ms=1_000,
    ),
    ViewRequest(
        at=p.NOON, id="v-1", **SITE_OF, level="figure", seconds=15, reason="fall-check", block=1,
        session=bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
    ),
    Release(
        start=p.NOON, until=p.NOON + 7 * p.DAY, id="r-1", **SITE_OF, room="room-1", purpose="seizure-study",
        custodian="archivist", width_px=320, height_px=240, frames_per_s=5, max_mb=64_000,
        expires=p.NOON + 97 * p.DAY,
        box=bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
    ),
    ReleaseWithdrawal(at=p.NOON, release="r-1", **SITE_OF),
    Configuration(
        at=p.NOON, **SITE_OF, version=1, enter_dwell_ms=None, bed_dwell_ms=3_000, leave_dwell_ms=None, summary_s=10,
        bed=((300, 0), (700, 300), (700, 1000)), floor=None,
        conditions=RoomConditions(
            "room-1", "Europe/London",
            (
                ConditionRows("left-bed", (
                    OrderedRow("high", 5_000, "21:00", "07:00"), OrderedRow("low", 0, "00:00", "24:00"),
                )),
                ConditionRows("bathroom-long", ()),
            ),
        ),
    ),
)  # fmt: skip
BEYOND = [
    ("a pause of more than eight hours", "pause", "T20:00:00Z", "T20:00:01Z"),
    ("a pause that ends before it begins", "pause", "2026-11-22T20", "2026-11-22T11"),
    ("a pause of every unit", "pause", '"u-1"', "null"),
    ("a resume of every unit", "resume", '"u-1"', "null"),
    ("entry 0", "acknowledgement", str(2**53 - 1), "0"),
    ("an entry of text", "acknowledgement", str(2**53 - 1), '"7"'),
    ("a fraction of an entry", "acknowledgement", str(2**53 - 1), "7.5"),
    ("a look of 61 seconds", "view-request", "15", "61"),
    ("a look at another level", "view-request", '"figure"', '"video"'),
    ("a look without a reason", "view-request", '"fall-check"', '""'),
    ("a figure that is averaged", "view-request", '"block": 1', '"block": 12'),
    ("a policy of squares that do not fit", "view-policy", '"least_block": 12', '"least_block": 5'),
    ("a policy without an announcement", "view-policy", "1000", "999"),
    ("a policy of one level twice", "view-policy", '"figure",', '"picture",'),
    ("a release of more than seven days", "release", "2026-11-29T12:00:00Z", "2026-11-29T12:00:01Z"),
    ("a release that ends before it begins", "release", '"until": "2026-11-29', '"until": "2026-11-21'),
    (
        "a release kept for too long",
        "release",
        '"expires": "2027-02-27T12:00:00Z',
        '"expires": "2027-02-27T12:00:01Z',
    ),
    ("a release kept for too short", "release", '"expires": "2027-02-27', '"expires": "2026-11-28'),
    ("a release of another size", "release", '"height_px": 240', '"height_px": 144'),
    ("a release at another pace", "release", '"frames_per_s": 5', '"frames_per_s": 25'),
    ("a release of more than a card", "release", "64000", "64001"),
    ("a release of every unit", "release", '"u-1"', "null"),
    ("a release for no purpose", "release", '"seizure-study"', '""'),
    ("a release for nobody", "release", '"archivist"', "null"),
    ("the end of no release", "release-withdrawal", '"r-1"', "null"),
    ("a configuration of version 0", "configuration", '"version": 1', '"version": 0'),
    ("a dwell of half a millisecond", "configuration", "3000", "3000.5"),
    ("a dwell that is too short", "configuration", "3000", "499"),
    ("a bed of two corners", "configuration", ",\n    [\n      700,\n      1000\n    ]", ""),
    ("a corner outside the picture", "configuration", "1000", "1001"),
    ("a corner of three numbers", "configuration", "      1000\n", "      1000,\n      5\n"),
    ("a row at a level that there is not", "configuration", '"low"', '"technical"'),
    ("a row after a fraction of a millisecond", "configuration", "5000", "5000.5"),
    ("a row after more than a day", "configuration", "5000", "86400001"),
    ("a row from an hour that there is not", "configuration", '"21:00"', '"24:00"'),
    ("a row until one minute past the day", "configuration", '"24:00"', '"24:01"'),
    ("a condition twice", "configuration", "bathroom-long", "left-bed"),
    ("conditions for no room", "configuration", '"room-1"', "null"),
    ("a time zone in words", "configuration", "Europe/London", "over there"),
    ("private zones from afar", "configuration", '"floor": null', '"floor": null,\n  "private": null'),
    ("a halt of no site", "halt", '"demo"', "null"),
    ("a lift of nothing", "lift", '"h-1"', "null"),
    ("a time with a fraction of a second", "halt", "12:00:00Z", "12:00:00.5Z"),
]
"""Name, kind, what stands in the good document, and what takes its place."""
NO_POINT, SMALL = b"\2" + bytes(31), b"\1" + bytes(31)
MIXED = bindings.crypto_core_ed25519_add(
    GATEWAY.signing.verify_key.raw, bytes.fromhex("ec" + "ff" * 30 + "7f")
)
"""A right key and the point of order two."""
SMALL_BOX = bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")


def text_of(recipient: Recipient) -> str:
    return json.dumps(msgspec.to_builtins(recipient))


def signed(text: str, by: KeyRing = p.AUTHORITY) -> str:
    data = text.encode()
    return f"{text}\n— {by.note_name} {b64(signer_of(by).hash + by.signing.sign(data))}\n"


def line_of(name: str) -> str:
    """Of somebody whom nobody here knows."""
    return f"— {name} {b64(bytes(68))}\n"


def notes() -> Iterable[Vector]:
    for document in DOCUMENTS:
        kind = KINDS[type(document)]
        yield note(f"a good {kind}", kind, "ok", sign_note(kind, document, [p.AUTHORITY]).decode())
        text = encode(kind, document).decode()
        yield note(
            f"a {kind} with a field too many", kind, "content", signed(text.replace("{", '{\n  "x": 1,', 1))
        )
        yield note(f"a {kind} of text", kind, "content", signed(f'stillroom/1 {kind}\n"x"\n'))
    for name, kind, was, wrong in BEYOND:
        (document,) = (one for one in DOCUMENTS if KINDS[type(one)] == kind)
        text = encode(kind, document).decode()
        assert was in text, name
        yield note(name, kind, "content", signed(text.replace(was, wrong)))
    two = (p.recipient(GATEWAY), p.recipient(p.ring("gateway", "gateway-2")))
    text = encode("roster", p.roster(two[0])).decode()
    both = text.replace('"recipients": [', '"recipients": [' + text_of(two[1]) + ",")
    yield note("a roster of two gateways", "roster", "content", signed(both))
    roster, enrolled = encode("roster", p.roster()).decode(), encode("enrolment", p.enrolment(UNIT)).decode()
    for what, wrong in (
        ("no point", NO_POINT),
        ("a point of small order", SMALL),
        ("a point of mixed order", MIXED),
    ):
        for raw, text, kind in ((p.GATEWAY, roster, "roster"), (UNIT, enrolled, "enrolment")):
            bad = text.replace(b64(raw.signing.verify_key.raw), b64(wrong))
            yield note(f"a {kind} with a signing key that is {what}", kind, "content", signed(bad))
    for what, wrong in (("zero", bytes(32)), ("a point of small order", SMALL_BOX)):
        for raw, text, kind in ((p.GATEWAY, roster, "roster"), (UNIT, enrolled, "enrolment")):
            bad = text.replace(b64(raw.boxes[0].public.raw), b64(wrong))
            yield note(f"a {kind} with a box key that is {what}", kind, "content", signed(bad))
    both = sign_note("enrolment", p.enrolment(UNIT), [p.AUTHORITY, UNIT]).decode()
    yield note("signed by two", "enrolment", "ok", both)
    full = sign_note("authorisation", FULL, [p.AUTHORITY]).decode()
    yield note("an authorisation with all that it can say", "authorisation", "ok", full)
    yield from approvals()
    text, whole = encode("authorisation", PAPER).decode(), signed(encode("authorisation", PAPER).decode())
    for name, expect, changed in (
        ("by another", "signer", signed(text, GATEWAY)),
        (
            "under the authority's name by another key",
            "signer",
            signed(text, KeyRing("demo", "authority", "authority", UNIT.signing)),
        ),
        ("one letter changed", "signature", whole.replace("room-1", "room-2")),
        ("of another kind", "kind", signed(text.replace("authorisation", "roster", 1))),
        ("of another version", "kind", signed(text.replace("stillroom/1", "stillroom/2"))),
        ("an unknown field", "content", signed(text.replace('"u-1"', '"u-1",\n  "also": "u-2"'))),
        ("an unknown scope", "content", signed(text.replace("breathing", "video"))),
        ("without scope status", "content", signed(text.replace('"status"', '"pulse"'))),
        ("a scope twice", "content", signed(text.replace('"breathing"', '"status"'))),
        ("view limits where no view is", "content", signed(text.replace('"view": null', VIEW))),
        ("a view without limits", "content", signed(text.replace("breathing", "view-figure"))),
        ("a look of 61 s", "content", signed(encode("authorisation", FULL).decode().replace(": 15", ": 61"))),
        ("a review after its end", "content", signed(text.replace('by": "2026-12-20', 'by": "2026-12-21'))),
        (
            "a review before it begins",
            "content",
            signed(text.replace('by": "2026-12-20', 'by": "2026-11-22')),
        ),
        (
            "a hash that is none",
            "content",
            signed(text.replace('"assessment": null', '"assessment": "0123"')),
        ),
        ("a consent in words", "content", signed(text.replace('"consent": null', '"consent": "Mrs Smith"'))),
        ("29 days", "content", signed(text.replace("2026-12-20", "2026-12-21"))),
        (
            "a field twice",
            "canonical",
            signed(text.replace('"unit": "u-1"', '"unit": "u-2",\n  "unit": "u-1"')),
        ),
        ("other spaces", "canonical", signed(text.replace('": "', '":"'))),
        ("no signature", "form", text),
        ("cut short", "form", whole[:-5]),
        ("a control character", "form", signed(text.replace("  ", "\t"))),
        ("carriage returns", "form", whole.replace("\n", "\r\n")),
        ("signed twice by one", "form", whole + whole.rpartition("\n\n")[2]),
        ("another's name in any printable ASCII", "ok", whole + line_of("Witness/!~#1")),
        ("another's name with a plus", "form", whole + line_of("witness+1")),
        ("another's name with a control character", "form", whole + line_of("witness\x7f")),
        ("another's name with a letter beyond ASCII", "form", whole + line_of("witn\u00e9ss")),
        ("another's name with a space of Unicode", "form", whole + line_of("witness\ufeff")),
        ("too large", "size", whole + "x" * 16384),
    ):
        yield note(name, "authorisation", expect, changed)


def approvals() -> Iterable[Vector]:
    """One of two approvers must sign as well as the authority."""
    first, second = p.APPROVERS
    of = tuple(signer_of(ring).text for ring in p.APPROVERS)
    whole = {
        "authority and first approver": ("ok", (p.AUTHORITY, first)),
        "authority and both approvers": ("ok", (second, p.AUTHORITY, first)),
        "the authority alone": ("signer", (p.AUTHORITY,)),
        "an approver alone": ("signer", (first,)),
        "the authority and another": ("signer", (p.AUTHORITY, STRANGER)),
    }
    for name, (expect, signers) in whole.items():
        yield note(name, "authorisation", expect, sign_note("authorisation", PAPER, signers).decode(), of)
    lines = sign_note("authorisation", PAPER, (p.AUTHORITY, first)).decode().splitlines(keepends=True)
    other = sign_note("authorisation", FULL, (first,)).decode().splitlines(keepends=True)
    taken = "".join([*lines[:-1], other[-1]])
    yield note("the approver's signature of another document", "authorisation", "signature", taken, of)


VIEW = '"view": {\n    "seconds": 15,\n    "looks_per_hour": 4\n  }'


def note(name: str, kind: str, expect: str, text: str, one_of: tuple[str, ...] = ()) -> Vector:
    about = {"name": name, "kind": kind, "signer": signer_of(p.AUTHORITY).text, "one_of": list(one_of)}
    return about | {"expect": expect, "note": text}


def step(boot: int, letter: str, epoch: int, sequence: int, expect: str, sender: str = "k") -> Vector:
    return {
        "sender": (sender * 8).encode().hex(),
        "boot": boot,
        "boot_id": (letter * 16).encode().hex(),
        "epoch": epoch,
        "sequence": sequence,
        "expect": expect,
    }


REPLAY = {
    "in order, then each again": [step(1, "a", 0, s, e) for e in ("ok", "duplicate") for s in (0, 1, 2)],
    "out of order inside the window": [step(1, "a", 0, s, "ok") for s in (127, 0, 64, 126, 1)],
    "the edge of the window": [
        step(1, "a", 0, 128, "ok"), step(1, "a", 0, 1, "ok"), step(1, "a", 0, 0, "replay"),
        step(1, "a", 0, 1, "duplicate"),
    ],
    "an epoch within a boot": [
        step(1, "a", 0, 0, "ok"), step(1, "a", 1, 2, "ok"), step(1, "a", 0, 1, "ok"), step(1, "a", 0, 3, "order"),
        step(1, "a", 2, 1, "order"),
    ],
    "a new boot ends the old one": [
        step(1, "a", 0, 5, "ok"), step(2, "b", 0, 0, "ok"), step(1, "a", 0, 5, "replay"), step(1, "a", 0, 6, "stale"),
    ],
    "a copied key or a card put back": [
        step(5, "a", 0, 0, "ok"), step(7, "b", 0, 0, "ok"), step(7, "c", 0, 1, "cloned"), step(5, "c", 0, 1, "cloned"),
        step(6, "d", 0, 0, "rolled-back"), step(7, "b", 0, 1, "ok"),
    ],
    "epochs are judged before distances": [
        step(1, "a", 1, 200, "ok"), step(1, "a", 2, 0, "order"), step(1, "a", 0, 200 + 2**26 + 1, "order"),
        step(1, "a", 0, 200, "duplicate"), step(1, "a", 0, 199, "ok"),
    ],
    "a boot that begins late": [step(1, "a", 0, 0, "ok"), step(2, "b", 0, 2**26 + 1, "skip"), step(2, "b", 3, 7, "ok")],
    "nine boots, the first forgotten": [
        *(step(b, "a", 0, 0, "ok") for b in range(10, 20)), step(10, "a", 0, 0, "replay"),
        step(10, "b", 0, 0, "replay"), step(11, "a", 0, 0, "replay"), step(11, "a", 0, 1, "stale"),
        step(9, "a", 0, 0, "replay"),
    ],
    "another key under the same name": [
        step(7, "a", 0, 5, "ok"), step(1, "b", 0, 0, "ok", "m"), step(1, "b", 0, 0, "duplicate", "m"),
    ],
    "a broken counter": [step(1, "a", 0, 0, "ok"), step(1, "a", 0, 2**26 + 1, "skip"), step(1, "a", 0, 2**26, "ok")],
}  # fmt: skip


def save(name: str, content: Any) -> None:
    (HERE / name).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    groups = (good_records, bad_form, bad_sender, bad_seal, bad_body, bad_down)
    save(
        "records.json",
        {"keys": keys(), "derivation": derivation(), "records": [v for g in groups for v in g()]},
    )
    save("notes.json", list(notes()))
    save("replay.json", [{"name": name, "steps": steps} for name, steps in REPLAY.items()])
