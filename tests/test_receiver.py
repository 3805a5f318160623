"""The facility's side: each record once, in or out of order, never an old one again, and clones are told."""

import random
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parties import (
    BOARD,
    GATEWAY,
    OTHER_UNIT,
    STRANGER,
    UNIT,
    body,
    enrolment,
    epoch,
    packed,
    record,
    resealed,
)

from stillroom.errors import StorageError, TrustError, WireError
from stillroom.keys import KeyRing
from stillroom.receiver import MemoryStore, Opened, Receiver
from stillroom.replay import MAX_OLDER, MAX_SKIP, WINDOW, Seen, advance
from stillroom.wire import MAX_SEQUENCE, Boot, Epoch, Lane, Record

UNITS = [enrolment(UNIT), enrolment(OTHER_UNIT)]


class Bench:
    """A receiver, its store, and a count of what was written."""

    def __init__(self, keys: KeyRing = GATEWAY) -> None:
        self.store = MemoryStore()
        self.receiver = Receiver(UNITS, keys.boxes, self.store)

    def restart(self) -> None:
        """Another process with the same store."""
        self.receiver = Receiver(UNITS, GATEWAY.boxes, self.store)

    def open(self, data: bytes) -> Opened:
        return self.receiver.open(data)

    def reason(self, data: bytes, unit: str | None = None) -> str:
        before = [self.store.load(e.unit) for e in UNITS]
        with pytest.raises(WireError) as caught:
            self.receiver.open(data, unit)
        assert [self.store.load(e.unit) for e in UNITS] == before, "a refused record changed something"
        return caught.value.reason


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("keys", [GATEWAY, BOARD])
def test_opens_a_body(keys: KeyRing) -> None:
    opened = Bench(keys).open(record(sequence=5))
    assert opened == Opened("u-1", 1, 0, 5, 0, False, body(), UNIT.signing.verify_key.id)


def test_each_record_once(bench: Bench) -> None:
    under = epoch()
    records = [record(under=under, sequence=i) for i in range(10)]
    for data in records:
        bench.open(data)
    for data in records:
        assert bench.reason(data) == "duplicate"
    assert bench.open(record(under=under, sequence=10)).sequence == 10


def test_any_order_inside_the_window(bench: Bench) -> None:
    under = epoch()
    order = list(range(WINDOW))
    random.Random(7).shuffle(order)
    opened = [bench.open(record(under=under, sequence=i)) for i in order]
    assert [o.sequence for o in opened] == order
    highest = -1
    for o in opened:
        assert o.late == (o.sequence < highest)
        highest = max(highest, o.sequence)


def test_behind_the_window_is_a_replay(bench: Bench) -> None:
    under = epoch()
    bench.open(record(under=under, sequence=WINDOW))
    assert bench.reason(record(under=under, sequence=0)) == "replay"
    assert bench.open(record(under=under, sequence=1)).late


def test_what_is_missing_is_told(bench: Bench) -> None:
    under = epoch()
    assert bench.open(record(under=under, sequence=3)).skipped == 0
    assert bench.open(record(under=under, sequence=4)).skipped == 0
    assert bench.open(record(under=under, sequence=9)).skipped == 4
    assert bench.open(record(under=under, sequence=7)).skipped == 0


def test_epochs_follow_one_another_in_one_sequence(bench: Bench) -> None:
    first, second = epoch(index=0), epoch(index=1)
    late = record(under=first, sequence=1)
    bench.open(record(under=first, sequence=0))
    bench.open(record(under=second, sequence=2))
    assert bench.open(late).late
    assert bench.reason(late) == "duplicate"


def test_an_epoch_out_of_step_is_refused(bench: Bench) -> None:
    bench.open(record(under=epoch(index=1), sequence=5))
    assert bench.reason(record(under=epoch(index=0), sequence=6)) == "order"
    assert bench.reason(record(under=epoch(index=2), sequence=4)) == "order"
    assert bench.open(record(under=epoch(index=2), sequence=6)).epoch_index == 2


def test_a_restart_of_the_receiver_accepts_no_replay(bench: Bench) -> None:
    under = epoch()
    records = [record(under=under, sequence=i) for i in range(3)]
    for data in records:
        bench.open(data)
    bench.restart()
    assert [bench.reason(data) for data in records] == ["duplicate"] * 3
    assert bench.open(record(under=under, sequence=3)).sequence == 3


def boot(number: int, letter: bytes = b"") -> Epoch:
    return epoch(boot=number, boot_id=(letter or bytes([number])) * 16)


def test_a_new_boot_begins_anew_and_the_old_one_is_over(bench: Bench) -> None:
    old = [record(under=boot(1), sequence=i) for i in range(3)]
    bench.open(old[0])
    bench.open(old[1])
    assert bench.open(record(under=boot(2), sequence=0)).boot == 2
    assert [bench.reason(data) for data in old] == ["replay", "replay", "stale"]


def test_a_copied_key_or_a_card_put_back_is_told(bench: Bench) -> None:
    bench.open(record(under=boot(5), sequence=100))
    bench.open(record(under=boot(7), sequence=0))
    assert bench.reason(record(under=boot(7, b"X"), sequence=1)) == "cloned"
    assert bench.reason(record(under=boot(5, b"X"), sequence=101)) == "cloned"
    assert bench.reason(record(under=boot(6), sequence=0)) == "rolled-back"
    assert bench.reason(record(under=boot(4), sequence=0)) == "rolled-back"
    assert bench.open(record(under=boot(7), sequence=1)).boot == 7


def test_boots_long_past_are_replays(bench: Bench) -> None:
    for number in range(1, MAX_OLDER + 5):
        bench.open(record(under=boot(number)))
    assert bench.reason(record(under=boot(1))) == "replay"
    assert bench.reason(record(under=boot(1, b"X"))) == "replay"


def test_a_broken_counter_cannot_burn_the_window(bench: Bench) -> None:
    bench.open(record(sequence=0))
    assert bench.reason(record(sequence=MAX_SKIP + 1)) == "skip"
    assert bench.reason(record(under=boot(2), sequence=MAX_SKIP + 1)) == "skip"
    assert bench.open(record(sequence=MAX_SKIP)).skipped == MAX_SKIP - 1


def test_units_do_not_disturb_one_another(bench: Bench) -> None:
    bench.open(record(by=UNIT, sequence=9))
    assert bench.open(record(by=OTHER_UNIT, under=boot(3), sequence=1)).unit == "u-2"
    assert bench.open(record(by=UNIT, sequence=10)).unit == "u-1"


def test_strangers_and_wrong_topics_are_refused(bench: Bench) -> None:
    assert bench.reason(record(by=STRANGER)) == "sender"
    assert bench.reason(record(by=UNIT), unit="u-2") == "sender"
    assert bench.receiver.open(record(by=UNIT), unit="u-1").unit == "u-1"


def test_a_unit_with_new_keys_and_a_fresh_card_is_no_rolled_back_one(bench: Bench) -> None:
    """The alarm's own remedy: what was seen of the old key is nothing to the new one, and keeps out its own replays."""
    bench.open(record(under=boot(7), sequence=9))
    anew = KeyRing("demo", "unit", "u-1", OTHER_UNIT.signing, OTHER_UNIT.boxes)
    bench.receiver = Receiver([enrolment(anew)], GATEWAY.boxes, bench.store)
    first = record(by=anew, under=boot(1), sequence=0)
    opened = bench.open(first)
    assert (opened.boot, opened.late, opened.given_up) == (1, False, 0)
    assert bench.reason(first) == "duplicate"
    assert bench.reason(record(by=anew, under=boot(1, b"X"), sequence=1)) == "cloned"
    assert bench.reason(record(under=boot(8))) == "sender", "and the old key is nobody's"


def test_a_revoked_unit_is_a_stranger() -> None:
    receiver = Receiver([enrolment(OTHER_UNIT)], GATEWAY.boxes, MemoryStore())
    with pytest.raises(WireError, match="not enrolled"):
        receiver.open(record(by=UNIT))
    assert receiver.open(record(by=OTHER_UNIT)).unit == "u-2"


def test_records_downwards_are_refused_upwards(bench: Bench) -> None:
    assert bench.reason(record(lane=Lane.DOWN)) == "lane"
    assert bench.reason(record(lane=Lane.VIEW)) == "lane"


def test_a_record_for_others_changes_nothing(bench: Bench) -> None:
    """Replay is judged after the wrap is found: a record led astray raises no alarm about clones."""
    bench.open(record(sequence=0))
    assert bench.reason(record(under=epoch(to=(STRANGER,), boot_id=b"X" * 16), sequence=1)) == "recipient"


@pytest.mark.parametrize(
    "data",
    [
        b"\xc1",
        b"\x80",
        packed(body())[:-1],
        packed(body()) + b"\0",
        b"\x91" * 1500,
        packed({"sealed_ms": 1}),
        packed(body()).replace(b"\xa6room-1", b"\xa6room-\xff"),
        packed(body()).replace(b"\xaasealed_ms"[:1], b"\xaa", 1).replace(b"sealed_ms", b"sealed_m\xff"),
    ],
    ids=[
        "no msgpack",
        "empty map",
        "cut",
        "longer",
        "deep",
        "fields missing",
        "no text",
        "a key that is no text",
    ],
)
def test_a_body_that_does_not_decode_changes_nothing(bench: Bench, data: bytes) -> None:
    assert bench.reason(record(data)) == "body"
    assert bench.open(record()).sequence == 0


def test_a_body_with_more_in_it_is_refused(bench: Bench) -> None:
    plain = msgspec.to_builtins(body(), builtin_types=(bytes,))
    assert bench.reason(record(packed({**plain, "note": 1}))) == "body"
    assert bench.reason(record(packed({**plain, "sealed_ms": -1}))) == "body"
    assert bench.open(record(packed(plain))).body == body()


def test_a_refusal_repeats_nothing_of_the_body(bench: Bench) -> None:
    plain = msgspec.to_builtins(body(), builtin_types=(bytes,))
    plain["snapshot"]["state"] = "on-floor-secret"
    with pytest.raises(WireError) as caught:
        bench.receiver.open(record(packed(plain)))
    assert "secret" not in str(caught.value)
    assert "snapshot.state" in str(caught.value)


def test_a_second_key_under_one_epoch_is_not_taken_from_memory(bench: Bench) -> None:
    """The receiver keeps one unwrapped key a unit; other wraps are unwrapped anew, also within one epoch."""
    one, two = epoch(), epoch()
    assert bench.open(record(under=one, sequence=0)).sequence == 0
    assert bench.open(record(under=two, sequence=1)).sequence == 1
    assert bench.open(record(under=one, sequence=2)).sequence == 2


def test_refusals_are_counted_by_unit_and_reason(bench: Bench) -> None:
    data = record()
    bench.open(data)
    junk = [b"", b"x" * 2048, record(by=STRANGER), data, data[:-1] + bytes([data[-1] ^ 1])]
    for refused in junk:
        bench.reason(refused)
    counted = {("?", "magic"): 2, ("?", "sender"): 1, ("u-1", "duplicate"): 1, ("u-1", "signature"): 1}
    assert bench.receiver.refusals == counted


def test_a_flood_of_junk_hides_nothing(bench: Bench) -> None:
    rng = random.Random(3)
    under = epoch()
    for sequence in range(20):
        for _ in range(50):
            bench.reason(b"STLR\1\1\1\1" + rng.randbytes(2040))
        assert bench.open(record(under=under, sequence=sequence)).sequence == sequence
    assert sum(bench.receiver.refusals.values()) == 1000
    assert len(bench.receiver.refusals) <= 4


def test_two_units_share_nothing() -> None:
    same_key = msgspec.structs.replace(enrolment(OTHER_UNIT), sign=enrolment(UNIT).sign)
    for other in (enrolment(UNIT), same_key):
        with pytest.raises(TrustError, match="twice"):
            Receiver([enrolment(UNIT), other], GATEWAY.boxes, MemoryStore())


def test_padding_of_a_right_sender_is_checked_too(bench: Bench) -> None:
    under = epoch()
    assert bench.reason(resealed(lambda plain: plain[:-1] + b"\1", under)) == "padding"
    assert bench.open(record(under=under)).sequence == 0


# the window alone, against a model that remembers everything


def at(sequence: int, index: int = 0, number: int = 1) -> Record:
    return Record(Lane.UP, b"s" * 8, Boot(number, bytes([number]) * 16), index, sequence, (), b"")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 400), max_size=120), st.integers(0, MAX_SEQUENCE - 400))
def test_window_agrees_with_a_perfect_memory(steps: list[int], base: int) -> None:
    seen: Seen | None = None
    known: set[int] = set()
    for step in steps:
        sequence = base + step
        expected = (
            "duplicate" if sequence in known and max(known) - sequence < WINDOW
            else "replay" if known and max(known) - sequence >= WINDOW
            else "ok"
        )  # fmt: skip
        try:
            seen, _ = advance(seen, at(sequence))
            outcome = "ok"
            known.add(sequence)
        except WireError as error:
            outcome = error.reason
        assert outcome == expected


def test_state_survives_as_bytes() -> None:
    seen = None
    for number in range(1, 12):
        seen, _ = advance(seen, at(MAX_SKIP - number, number=number))
    assert seen is not None
    data = seen.to_bytes()
    assert Seen.from_bytes(data) == seen
    assert len(data) <= 350
    for damaged in (b"", data[:-1], data + b"\0", b"\x90", b"\xc0"):
        with pytest.raises(StorageError):
            Seen.from_bytes(damaged)


def test_a_month_offline_is_no_broken_counter() -> None:
    slots_of_half_a_second = timedelta(days=31) // timedelta(seconds=0.5)
    _, skipped = advance(advance(None, at(0))[0], at(slots_of_half_a_second))
    assert skipped == slots_of_half_a_second - 1
