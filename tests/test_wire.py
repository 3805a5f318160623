"""The bytes of a record: one size, opened by its recipients alone, and no bit of it free."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parties import (
    BOARD,
    COMMITMENT_BYTES,
    GATEWAY,
    HEAD_BYTES,
    OTHER_UNIT,
    SIGNATURE_BYTES,
    STRANGER,
    UNIT,
    WRAP_BYTES,
    body,
    epoch,
    packed,
    record,
    resealed,
    resign,
    ring,
)

from stillroom import wire
from stillroom.errors import TrustError, WireError
from stillroom.hashes import digest
from stillroom.keys import KeyRing
from stillroom.public_keys import RecipientKey, VerifyKey
from stillroom.wire import MAX_WRAPS, RECORD_BYTES, Boot, Lane, SealError

UP = Lane.UP
CIPHER_AT = HEAD_BYTES + 2 * WRAP_BYTES + COMMITMENT_BYTES
SECRETS = [UNIT, GATEWAY, BOARD]


def opened(data: bytes, by: KeyRing = UNIT, to: KeyRing = GATEWAY, lane: Lane = UP) -> bytes:
    return wire.open_record(wire.verify(wire.parse(data), by.signing.verify_key, lane), to.boxes)


def reason(data: bytes, by: KeyRing = UNIT, to: KeyRing = GATEWAY, lane: Lane = UP) -> str:
    with pytest.raises(WireError) as caught:
        opened(data, by, to, lane)
    return caught.value.reason


def changed(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


@pytest.mark.parametrize("lane", list(Lane))
@pytest.mark.parametrize("to", [GATEWAY, BOARD])
def test_each_recipient_opens_what_was_sealed(lane: Lane, to: KeyRing) -> None:
    assert opened(record(b"hello", lane=lane), to=to, lane=lane) == b"hello"


@pytest.mark.parametrize("recipients", range(1, MAX_WRAPS + 1))
def test_one_size_whatever_the_body(recipients: int) -> None:
    parties = tuple(ring("board", f"b-{i}") for i in range(recipients))
    under = epoch(to=parties)
    capacity = wire.body_capacity(recipients)
    for sequence, size in enumerate((0, 1, 2, capacity // 2, capacity - 1, capacity)):
        data = record(b"x" * size, under=under, sequence=sequence) if size else empty(under, sequence)
        assert len(data) == RECORD_BYTES
        assert all(opened(data, to=party) == b"x" * size for party in parties)
    with pytest.raises(SealError, match=f"{capacity} fit"):
        record(b"x" * (capacity + 1), under=under)


def empty(under: wire.Epoch, sequence: int) -> bytes:
    return wire.seal(UP, UNIT.signing, under, sequence, b"")


def test_capacity_for_three_recipients_leaves_room_for_a_slot() -> None:
    assert wire.body_capacity(3) == 1622


@pytest.mark.parametrize("count", [0, MAX_WRAPS + 1])
def test_an_epoch_needs_one_to_eight_recipients(count: int) -> None:
    keys = [ring("board", f"b-{i}").boxes[0].public for i in range(count)]
    with pytest.raises(TrustError, match="1 to 8"):
        wire.new_epoch(keys, Boot(1, bytes(16)), 0)


def test_a_recipient_named_twice_gets_one_wrap() -> None:
    key = GATEWAY.boxes[0].public
    assert len(wire.new_epoch([key, key], Boot(1, bytes(16)), 0).wraps) == WRAP_BYTES


@pytest.mark.parametrize("raw", [bytes(32), b"\1" + bytes(31)])
def test_a_weak_recipient_key_is_refused(raw: bytes) -> None:
    with pytest.raises(TrustError, match="not usable"):
        wire.new_epoch([RecipientKey(raw)], Boot(1, bytes(16)), 0)


@pytest.mark.parametrize("raw", [bytes(32), b"\1" + bytes(31), b"\xff" * 32, bytes(31)])
def test_a_weak_signing_key_is_refused(raw: bytes) -> None:
    with pytest.raises(TrustError, match="not a point"):
        VerifyKey(raw)


def test_no_two_records_share_a_key_or_look_alike() -> None:
    under = epoch()
    first, second = record(b"same", under=under, sequence=0), record(b"same", under=under, sequence=1)
    commitment = slice(CIPHER_AT - COMMITMENT_BYTES, CIPHER_AT)
    assert first[commitment] != second[commitment]
    same = sum(a == b for a, b in zip(first[CIPHER_AT:], second[CIPHER_AT:], strict=True))
    assert same < 40  # 8 of 2,048 by chance


def test_every_bit_counts() -> None:
    data = record()
    assert opened(data) == packed(body())
    view = bytearray(data)
    seen = set()
    for position in range(RECORD_BYTES * 8):
        view[position // 8] ^= 1 << position % 8
        seen.add(reason(bytes(view)))
        view[position // 8] ^= 1 << position % 8
    assert seen == {"magic", "version", "suite", "lane", "wraps", "sender", "sequence", "signature"}


def test_every_byte_counts_even_for_the_sender_himself() -> None:
    """Signed anew after each change: what the signature no longer holds, commitment and cipher hold."""
    data = record()
    own_wrap = own_wrap_span(data)
    for at in range(RECORD_BYTES - SIGNATURE_BYTES):
        found = reason(resign(changed(data, at, bytes([data[at] ^ 0x80]))))
        assert found in expected(at, own_wrap), (at, found)


def own_wrap_span(data: bytes) -> range:
    wraps = wire.parse(data).wraps
    index = [name for name, _ in wraps].index(GATEWAY.boxes[0].public.id)
    return range(HEAD_BYTES + index * WRAP_BYTES, HEAD_BYTES + (index + 1) * WRAP_BYTES)


def expected(at: int, own_wrap: range) -> set[str]:
    if at < 8:
        return {"magic", "version", "suite", "lane", "wraps"}
    if at < HEAD_BYTES:
        return {"sender", "commitment", "sequence"}
    if at in own_wrap:
        return {"wrap", "recipient", "wraps"}
    if at < CIPHER_AT - COMMITMENT_BYTES:
        return {"ciphertext", "wraps"}
    return {"commitment"} if at < CIPHER_AT else {"ciphertext"}


def test_cut_or_longer_is_refused_at_every_length() -> None:
    data = record()
    for size in range(RECORD_BYTES):
        assert reason(data[:size]) == ("magic" if size < 4 else "size")
        if size >= 48 + SIGNATURE_BYTES:
            assert reason(resign(data[:size])) == "size"
    for more in (b"\0", b"x" * 2048, b"x" * 10**6):
        assert reason(data + more) == "size"
    assert opened(data) == packed(body())


PARTS = {
    "head": slice(0, HEAD_BYTES),
    "wraps": slice(HEAD_BYTES, CIPHER_AT - COMMITMENT_BYTES),
    "commitment": slice(CIPHER_AT - COMMITMENT_BYTES, CIPHER_AT),
    "ciphertext": slice(CIPHER_AT, -SIGNATURE_BYTES),
    "signature": slice(-SIGNATURE_BYTES, None),
}


def other_records() -> dict[str, bytes]:
    """Each differs from the record under attack in one way."""
    shared = epoch()
    return {
        "sequence": record(b"two", under=shared, sequence=1),
        "lane": record(b"two", lane=Lane.DOWN, under=shared),
        "unit": record(b"two", by=OTHER_UNIT, under=shared),
        "epoch": record(b"two", under=epoch(index=1)),
        "boot": record(b"two", under=epoch(boot=2, boot_id=b"C" * 16)),
    }


@pytest.mark.parametrize("what", ["sequence", "lane", "unit", "epoch", "boot"])
@pytest.mark.parametrize("part", PARTS)
def test_no_part_of_another_record_fits(part: str, what: str) -> None:
    data, other = record(), other_records()[what]
    spliced = bytearray(data)
    spliced[PARTS[part]] = other[PARTS[part]]
    assert bytes(spliced) != data
    for by in (UNIT, OTHER_UNIT):
        for lane in (Lane.UP, Lane.DOWN):
            assert reason(bytes(spliced), by=by, lane=lane) in {"signature", "sender", "lane"}
    assert opened(data) == packed(body())


@pytest.mark.parametrize("part", ["head", "wraps", "commitment", "ciphertext"])
@pytest.mark.parametrize("what", ["sequence", "epoch", "boot"])
def test_nor_does_it_fit_under_a_right_signature(part: str, what: str) -> None:
    data, other = record(), other_records()[what]
    spliced = bytearray(data)
    spliced[PARTS[part]] = other[PARTS[part]]
    assert reason(resign(spliced)) in {"commitment", "ciphertext"}
    assert opened(resign(data)) == packed(body())


def test_a_unit_cannot_take_over_anothers_record() -> None:
    """It signs the stolen bytes as its own: the commitment was made for another sender."""
    stolen = resign(changed(record(), 8, OTHER_UNIT.signing.verify_key.id), OTHER_UNIT)
    assert reason(stolen, by=OTHER_UNIT) == "commitment"


@pytest.mark.parametrize("forger", [BOARD, STRANGER])
def test_a_recipient_cannot_speak_for_a_unit(forger: KeyRing) -> None:
    """The board knows the epoch key; it still has not the unit's signature."""
    under = epoch()
    genuine = record(b"genuine", under=under)
    forged = changed(record(b"forged", by=forger, under=under), 8, UNIT.signing.verify_key.id)
    assert reason(record(b"forged", by=forger, under=under)) == "sender"
    assert reason(forged) == "signature"
    assert reason(resign(forged, forger)) == "signature"
    assert opened(genuine) == b"genuine"


def test_epochs_of_a_boot_end_with_the_counter() -> None:
    wire.new_epoch([GATEWAY.boxes[0].public], Boot(1, bytes(16)), 2**32 - 1)
    with pytest.raises(TrustError, match="no epoch is left"):
        wire.new_epoch([GATEWAY.boxes[0].public], Boot(1, bytes(16)), 2**32)


def test_a_record_of_one_lane_is_none_of_another() -> None:
    data = record(lane=Lane.DOWN)
    assert reason(data, lane=Lane.UP) == "lane"
    assert opened(data, lane=Lane.DOWN) == packed(body())


def test_who_has_no_wrap_opens_nothing() -> None:
    assert reason(record(), to=STRANGER) == "recipient"
    assert reason(record(), to=ring("gateway", "later", 0)) == "recipient"


def test_two_recipients_never_read_two_things() -> None:
    """A sender wraps another key for the board. It may be kept from reading, but not be told another story."""
    one, two = epoch(), epoch()
    gateway, board = (wire.parse(record(under=e)).wraps for e in (one, two))
    index = [name for name, _ in board].index(BOARD.boxes[0].public.id)
    mixed = list(gateway)
    mixed[index] = board[index]
    two_faced = wire.Epoch(one.boot, one.index, one.key, b"".join(name + box for name, box in mixed))
    data = record(b"to the gateway", under=two_faced)
    assert opened(data, to=GATEWAY) == b"to the gateway"
    assert reason(data, to=BOARD) == "commitment"


ONE_FAULT = [
    ("magic", 0, b"STLQ", "magic"),
    ("version 0", 4, b"\0", "version"),
    ("version 2", 4, b"\2", "version"),
    ("suite 0", 5, b"\0", "suite"),
    ("suite 2", 5, b"\2", "suite"),
    ("lane 0", 6, b"\0", "lane"),
    ("lane 4", 6, b"\4", "lane"),
    ("no wraps", 7, b"\0", "wraps"),
    ("nine wraps", 7, b"\x09", "wraps"),
    ("255 wraps", 7, b"\xff", "wraps"),
    ("one wrap less", 7, b"\1", "recipient"),
    ("sequence 2**53", 40, (2**53).to_bytes(8, "big"), "sequence"),
    ("sequence 2**64 - 1", 40, b"\xff" * 8, "sequence"),
]


@pytest.mark.parametrize(
    ("at", "new", "expected_reason"), [row[1:] for row in ONE_FAULT], ids=[r[0] for r in ONE_FAULT]
)
def test_one_fault_under_a_right_signature(at: int, new: bytes, expected_reason: str) -> None:
    assert reason(resign(changed(record(), at, new))) == expected_reason


def test_wraps_come_in_one_order_and_once() -> None:
    data = record()
    first, second = data[HEAD_BYTES:][:WRAP_BYTES], data[HEAD_BYTES + WRAP_BYTES :][:WRAP_BYTES]
    assert reason(resign(changed(data, HEAD_BYTES, second + first))) == "wraps"
    assert reason(resign(changed(data, HEAD_BYTES, first + first))) == "wraps"


def length(size: int, plain: bytes) -> bytes:
    return size.to_bytes(2, "big") + plain[2:]


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain[:-1] + b"\1",
        lambda plain: plain[: 2 + 5] + b"\1" + plain[2 + 6 :],
        lambda plain: length(4, plain),
        lambda plain: length(len(plain) - 1, plain),
        lambda plain: length(65535, plain),
    ],
    ids=["last byte", "first byte", "shorter than it is", "longer than the record", "largest"],
)
def test_padding_is_zeros_and_nothing_else(change) -> None:
    under = epoch()
    assert reason(resealed(change, under, b"hello")) == "padding"
    assert opened(resealed(lambda plain: plain, under, b"hello")) == b"hello"


def test_a_wrap_that_holds_no_key_is_refused() -> None:
    key = GATEWAY.boxes[0].public
    under = epoch(to=(GATEWAY,))
    short = wire.Epoch(under.boot, 0, under.key, key.id + key.seal(b"x" * 32)[:-1] + b"\0")
    assert reason(record(under=short)) == "wrap"


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=4096))
def test_junk_is_refused_by_name(junk: bytes) -> None:
    assert reason(junk) in {"magic", "size", "version"}


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=RECORD_BYTES - 5, max_size=RECORD_BYTES - 5), st.integers(0, 3))
def test_junk_that_looks_right_is_refused(junk: bytes, lane: int) -> None:
    data = b"STLR\1" + junk
    assert reason(data) in {"suite", "lane", "wraps", "sequence", "sender"}
    assert reason(changed(data, 5, bytes([1, lane, 1]))) in {"lane", "sequence", "sender"}


@settings(max_examples=50, deadline=None)
@given(
    st.binary(max_size=wire.body_capacity(2)), st.integers(0, wire.MAX_SEQUENCE), st.integers(0, 2**32 - 1)
)
def test_whatever_is_sealed_comes_back(data: bytes, sequence: int, index: int) -> None:
    under = epoch(boot=2**32 - 1, index=index)
    sealed = wire.seal(UP, UNIT.signing, under, sequence, data)
    parsed = wire.parse(sealed)
    assert opened(sealed) == data
    assert (parsed.sequence, parsed.epoch_index, parsed.boot) == (sequence, index, under.boot)


@pytest.mark.parametrize("sequence", [-1, 2**53])
def test_a_sequence_beyond_its_range_is_never_sealed(sequence: int) -> None:
    with pytest.raises(ValueError, match="sequence"):
        record(sequence=sequence)


def test_no_secret_shows() -> None:
    under = epoch()
    verified = wire.verify(wire.parse(record(under=under)), UNIT.signing.verify_key, UP)
    shown = " ".join(repr(thing) for thing in (under, verified, *SECRETS, UNIT.signing, UNIT.boxes[0]))
    for party in SECRETS:
        for secret in (party.signing.seed(), *(box.secret() for box in party.boxes), under.key):
            assert not any(form in shown for form in (repr(secret)[2:-1], secret.hex()))
    assert UNIT.signing.verify_key.id.hex() in shown


def test_no_domain_gives_what_another_gives() -> None:
    rng = random.Random(1)
    data = rng.randbytes(32)
    domains = [b"stillroom/1 key id ed25519", b"stillroom/1 key id x25519", b"stillroom/1 fingerprint"]
    assert len({digest(domain, data) for domain in domains}) == len(domains)
    assert digest(b"a", b"b\0c") == digest(b"a\0b", b"c")  # why no domain may hold a zero byte
    assert not any(b"\0" in domain for domain in domains)
