"""What sealing costs beyond libsodium, and how many records a receiver takes on one core.

Rounds of both sides alternate, so that what else the machine does falls on both; the least of many rounds counts.
`pytest tests/bench/test_bench_wire.py -s` prints the figures.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from nacl import bindings
from parties import BOARD, GATEWAY, OTHER_UNIT, UNIT, body, enrolment, epoch, packed, record, ring

from stillroom import wire
from stillroom.receiver import MemoryStore, Receiver
from stillroom.replay import Seen
from stillroom.wire import RECORD_BYTES, Epoch, Lane

ROUNDS = 60
RECORDS = 40
MOST_OF_LIBSODIUM = 1.5
LEAST_PER_S = 2_000
THIRD = ring("board", "b-3")
BODY = packed(body(entries=8))


def least_s(*acts: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """The shortest CPU time of each, taken in turns."""
    found = [float("inf")] * len(acts)
    for _ in range(rounds):
        for i, act in enumerate(acts):
            began = time.process_time()
            act()
            found[i] = min(found[i], time.process_time() - began)
    return found


def libsodium_alone(under: Epoch) -> Callable[[], object]:
    """The calls that sealing makes, on inputs of the same sizes, RECORDS times."""
    whole = record(BODY, under=under)
    head, start = whole[:48], 48 + len(under.wraps) + 32
    associated, plain = whole[:start], bytes(RECORD_BYTES - start - 16 - 64)
    hashed, signed = b"stillroom/1 record key\0" + head, b"stillroom/1 record\0" + whole[:-64]
    secret = bindings.crypto_sign_seed_keypair(UNIT.signing.seed())[1]

    def act() -> None:
        for _ in range(RECORDS):
            key = bindings.crypto_generichash_blake2b_salt_personal(hashed, digest_size=64, key=under.key)[
                :32
            ]
            bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, associated, bytes(24), key)
            bindings.crypto_sign(signed, secret)

    return act


def test_sealing_costs_little_more_than_libsodium(benchmark: Any) -> None:
    under = epoch(to=(GATEWAY, BOARD, THIRD))

    def seal() -> None:
        for sequence in range(RECORDS):
            wire.seal(Lane.UP, UNIT.signing, under, sequence, BODY)

    alone_s, seal_s = least_s(libsodium_alone(under), seal)
    benchmark.pedantic(seal, rounds=5)
    benchmark.extra_info["times of libsodium's own"] = ratio = seal_s / alone_s
    print(f"\nseal and sign {seal_s / RECORDS * 1e6:.0f} us, {ratio:.2f} times its libsodium calls")
    assert ratio <= MOST_OF_LIBSODIUM


def open_all(receiver: Receiver, records: Sequence[bytes]) -> Callable[[], object]:
    return lambda: [receiver.open(data) for data in records]


class Forgetful(MemoryStore):
    """Lets one batch of records be opened again and again."""

    def save(self, unit: str, seen: Seen) -> None:
        pass


def test_a_receiver_takes_thousands_of_records_a_second(benchmark: Any) -> None:
    """Verified, opened, decoded, judged for replay: records of two units with eight entries each."""
    under = epoch(to=(GATEWAY, BOARD, THIRD))
    records = [
        record(BODY, by=by, under=under, sequence=i) for i in range(RECORDS // 2) for by in (UNIT, OTHER_UNIT)
    ]
    units = [enrolment(UNIT), enrolment(OTHER_UNIT)]
    receiver = Receiver(units, GATEWAY.boxes, Forgetful())
    (open_s,) = least_s(open_all(receiver, records))
    benchmark.pedantic(open_all(receiver, records), rounds=5)
    benchmark.extra_info["records a second"] = per_s = RECORDS / open_s
    print(f"\n{per_s:.0f} records/s on one core ({open_s / RECORDS * 1e6:.0f} us each)")
    assert per_s >= LEAST_PER_S


@pytest.mark.parametrize(
    ("what", "most"), [("junk", 0.2), ("signature", 1.0), ("duplicate", 1.0), ("wraps", 3.0)]
)
def test_no_junk_costs_much_more_than_a_good_record(what: str, most: float) -> None:
    """In times of a good record's cost. Fresh wraps in each record make a receiver open a sealed box for each."""
    under = epoch()
    good = [record(BODY, under=under, sequence=i) for i in range(RECORDS)]
    bad = {
        "junk": [b"STLR\1\1\1\1" + bytes(2040)] * RECORDS,
        "signature": [data[:-1] + bytes([data[-1] ^ 1]) for data in good],
        "duplicate": good,
        "wraps": [record(BODY, under=epoch(), sequence=i) for i in range(RECORDS)],
    }[what]
    opening = Receiver([enrolment(UNIT)], GATEWAY.boxes, Forgetful())
    refusing = Receiver([enrolment(UNIT)], GATEWAY.boxes, MemoryStore())
    if what == "duplicate":
        open_all(refusing, good)()

    def refuse() -> None:
        for data in bad:
            try:
                refusing.open(data)
            except wire.WireError:
                pass

    good_s, bad_s = least_s(open_all(opening, good), refuse, rounds=20)
    assert bad_s <= most * good_s, f"{bad_s / good_s:.2f} times a good record"


def test_three_recipients_fit_into_two_kibibytes_with_room_for_a_slot() -> None:
    under = epoch(to=(GATEWAY, BOARD, THIRD))
    assert len(record(BODY, under=under)) == RECORD_BYTES <= 2048
    assert len(BODY) <= wire.body_capacity(3)
