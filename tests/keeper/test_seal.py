"""The keeper's sealing: epochs in time, expired recipients left out, the gateway heard once and nobody else."""

import re
from datetime import timedelta

import msgspec
import pytest
from parties import (
    BOARD,
    DAY,
    DOWN,
    GATEWAY,
    NOON,
    OTHER_UNIT,
    STRANGER,
    UNIT,
    HandClock,
    body,
    enrolment,
    packed,
    recipient,
    record,
    ring,
    roster,
)

from stillroom.documents import Recipient
from stillroom.epochs import Stream
from stillroom.errors import TrustError, WireError
from stillroom.keeper.seal import Sealer, encoded
from stillroom.keys import KeyRing
from stillroom.receiver import MemoryStore, Receiver
from stillroom.wire import RECORD_BYTES, Lane, SealError, open_head, open_record, parse, verify

HOUR = timedelta(hours=1)


def sealer(clock: HandClock, *recipients: Recipient, boot: int = 1) -> Sealer:
    return Sealer(UNIT, roster(*recipients), boot, clock)


def receiver(of: KeyRing = GATEWAY) -> Receiver:
    return Receiver([enrolment(UNIT)], of.boxes, MemoryStore())


def recipients_of(data: bytes) -> set[bytes]:
    return {name for name, _ in parse(data).wraps}


def key_id(of: KeyRing, index: int = 0) -> bytes:
    return of.boxes[index].public.id


def test_gateway_and_board_read_what_the_keeper_says() -> None:
    data = sealer(HandClock()).seal(body())
    assert len(data) == RECORD_BYTES
    assert receiver(GATEWAY).open(data).body == receiver(BOARD).open(data).body == body()


def test_viewers_are_no_recipients_of_records_and_an_advocate_of_a_head_alone() -> None:
    advocate = ring("advocate", "advocate")
    others = [recipient(ring("viewer", "viewer")), recipient(advocate)]
    data = sealer(HandClock(), recipient(GATEWAY), *others).seal(body())
    assert recipients_of(data) == {key_id(GATEWAY), key_id(advocate)}
    record = verify(parse(data), UNIT.signing.verify_key, Lane.UP)
    assert open_head(record, advocate.boxes) == body().snapshot.head
    with pytest.raises(WireError, match="commitment"):
        open_record(record, advocate.boxes)
    assert open_record(record, GATEWAY.boxes) == packed(body())


def test_an_advocate_with_the_gateways_key_spoils_no_record() -> None:
    twin = recipient(KeyRing("demo", "advocate", "advocate", STRANGER.signing, GATEWAY.boxes))
    data = sealer(HandClock(), recipient(GATEWAY), twin).seal(body())
    assert open_record(verify(parse(data), UNIT.signing.verify_key, Lane.UP), GATEWAY.boxes) == packed(body())


def test_the_sequence_never_repeats_and_an_epoch_lasts_an_hour() -> None:
    clock = HandClock()
    seal = sealer(clock)
    records = []
    for _ in range(12):
        records.append(parse(seal.seal(body())))
        clock.pass_time(timedelta(minutes=20))
    assert [r.sequence for r in records] == list(range(12))
    assert [r.epoch_index for r in records] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert len({r.wraps for r in records}) == 4
    assert len({r.boot for r in records}) == 1


def test_each_start_is_another_boot() -> None:
    first, second = (parse(sealer(HandClock(), boot=b).seal(body())) for b in (1, 2))
    assert (first.boot.number, second.boot.number) == (1, 2)
    assert first.boot.id != second.boot.id
    assert first.wraps != second.wraps


def test_too_large_a_body_is_refused_and_its_number_burnt() -> None:
    seal = sealer(HandClock())
    fitting = max(n for n in range(1, 100) if len(encoded(body("", n))) <= seal.capacity_bytes)
    assert len(seal.seal(body("", fitting))) == RECORD_BYTES
    with pytest.raises(SealError):
        seal.seal(body("", fitting + 1))
    assert parse(seal.seal(body())).sequence == 2


def test_the_largest_body_that_fits_is_exactly_the_capacity() -> None:
    seal = sealer(HandClock())
    room = seal.capacity_bytes - len(encoded(body("", 1)))
    pad = body("", 1)
    pad = msgspec.structs.replace(pad, snapshot=msgspec.structs.replace(pad.snapshot, faults=faults(room)))
    assert len(encoded(pad)) == seal.capacity_bytes
    assert receiver().open(seal.seal(pad)).body == pad


def faults(size: int) -> tuple[str, ...]:
    """Codes whose msgpack is `size` bytes longer than none: 3 for the list, 2 for a code of 32 to 48."""
    whole, rest = divmod(size - 2, 50)
    lengths = [48] * (whole - 1) + [48 + rest - 50 + 2 if rest < 2 else 48]
    left = size - 2 - sum(n + 2 for n in lengths)
    return tuple("a" * n for n in [*lengths, *([left - (1 if left <= 32 else 2)] if left > 1 else [])])


PERIODS = [(NOON - DAY, NOON + 2 * HOUR), (NOON + HOUR, NOON + 4 * HOUR)]


def test_the_newest_key_is_used_and_an_expired_one_gets_no_wrap() -> None:
    clock = HandClock()
    seal = sealer(clock, recipient(GATEWAY, *PERIODS), recipient(BOARD, (NOON - DAY, NOON + 3 * HOUR)))
    told = []
    for _ in range(4):
        clock.pass_time(timedelta(minutes=30))
        told.append((recipients_of(seal.seal(body())), seal.without_key))
        clock.pass_time(timedelta(minutes=30))
    old, new, board = key_id(GATEWAY, 0), key_id(GATEWAY, 1), key_id(BOARD)
    assert told == [({old, board}, ()), ({new, board}, ()), ({new, board}, ()), ({new}, ("board",))]


def test_a_key_ends_to_the_millisecond() -> None:
    clock = HandClock()
    seal = sealer(clock, recipient(GATEWAY), recipient(BOARD, (NOON - DAY, NOON + HOUR / 2)))
    clock.pass_time(HOUR / 2 - timedelta(milliseconds=1))
    assert key_id(BOARD) in recipients_of(seal.seal(body()))
    clock.pass_time(timedelta(milliseconds=1))
    assert recipients_of(seal.seal(body())) == {key_id(GATEWAY)}


def test_capacity_does_not_change_when_a_key_expires() -> None:
    clock = HandClock()
    seal = sealer(clock, recipient(GATEWAY), recipient(BOARD, (NOON - DAY, NOON + HOUR)))
    before = seal.capacity_bytes
    clock.pass_time(2 * HOUR)
    assert len(seal.seal(body())) == RECORD_BYTES
    assert seal.capacity_bytes == before


def test_nobody_left_to_seal_to_is_said() -> None:
    clock = HandClock()
    seal = sealer(clock, recipient(GATEWAY, (NOON - DAY, NOON + HOUR)))
    seal.seal(body())
    clock.pass_time(HOUR)
    with pytest.raises(TrustError, match="no gateway or board has a box key valid now"):
        seal.seal(body())
    with pytest.raises(TrustError, match="no gateway or board"):
        sealer(clock, recipient(GATEWAY, (NOON - DAY, NOON + HOUR)))
    seal.replace_roster(roster(version=2))
    assert receiver().open(seal.seal(body())).body == body()


def test_an_expired_roster_seals_nothing() -> None:
    clock = HandClock()
    seal = Sealer(UNIT, roster(until=NOON + DAY), 1, clock)
    clock.pass_time(DAY - timedelta(milliseconds=1))
    seal.seal(body())
    clock.pass_time(timedelta(milliseconds=1))
    with pytest.raises(TrustError, match=r"roster expired on 2026-11-23T12:00:00Z"):
        seal.seal(body())
    with pytest.raises(TrustError, match="check the clock"):
        Sealer(UNIT, roster(), 1, HandClock(NOON - 2 * DAY))


def test_a_roster_of_another_site_is_refused() -> None:
    with pytest.raises(TrustError, match="site 'other'"):
        Sealer(UNIT, roster(site="other"), 1, HandClock())


def test_revocation_is_a_new_epoch_at_once() -> None:
    seal = sealer(HandClock())
    before = seal.seal(body())
    seal.replace_roster(roster(recipient(GATEWAY), version=2))
    after = seal.seal(body())
    assert parse(before).epoch_index + 1 == parse(after).epoch_index
    assert recipients_of(after) == {key_id(GATEWAY)}
    board = receiver(BOARD)
    assert board.open(before).body == body()
    with pytest.raises(WireError, match="recipient"):
        board.open(after)


def test_the_same_roster_again_changes_nothing() -> None:
    seal = sealer(HandClock())
    seal.replace_roster(roster())
    assert parse(seal.seal(body())).epoch_index == 0


@pytest.mark.parametrize("wrong", [{"version": 1}, {"version": 3, "site": "other"}])
def test_an_older_or_foreign_roster_cannot_follow(wrong: dict[str, object]) -> None:
    seal = Sealer(UNIT, roster(version=2), 1, HandClock())
    with pytest.raises(TrustError, match="cannot follow"):
        seal.replace_roster(roster(**wrong))
    assert parse(seal.seal(body())).epoch_index == 0


def test_a_roster_without_any_valid_key_leaves_the_one_before() -> None:
    seal = sealer(HandClock())
    with pytest.raises(TrustError, match="no gateway or board"):
        seal.replace_roster(roster(recipient(GATEWAY, (NOON - 2 * DAY, NOON - DAY)), version=2))
    assert receiver().open(seal.seal(body())).body == body()


# what comes down


def stream(by: KeyRing = GATEWAY, to: KeyRing = UNIT, lane: Lane = Lane.DOWN, boot: int = 1) -> Stream:
    return Stream(lane, by.signing, boot, HandClock(), [to.boxes[0].public])


def refused(seal: Sealer, data: bytes) -> str:
    before = seal.down_seen
    with pytest.raises(WireError) as caught:
        seal.open_down(data)
    assert seal.down_seen == before
    return caught.value.reason


def test_the_gateway_is_heard_once() -> None:
    seal, down = sealer(HandClock()), stream()
    records = [down.seal(packed(DOWN)) for _ in range(3)]
    assert [seal.open_down(data) for data in (records[0], records[2])] == [DOWN, DOWN]
    assert refused(seal, records[0]) == "duplicate"
    assert seal.open_down(records[1]) == DOWN


def test_a_restart_with_what_was_seen_accepts_no_replay() -> None:
    first, down = sealer(HandClock()), stream()
    old = down.seal(packed(DOWN))
    first.open_down(old)
    again = Sealer(UNIT, roster(), 2, HandClock(), first.down_seen)
    assert refused(again, old) == "duplicate"
    assert again.open_down(down.seal(packed(DOWN))) == DOWN


def test_a_gateway_that_started_again_is_heard_and_its_past_is_not() -> None:
    seal, old = sealer(HandClock()), stream(boot=1)
    before = old.seal(packed(DOWN))
    seal.open_down(before)
    assert seal.open_down(stream(boot=2).seal(packed(DOWN))) == DOWN
    assert refused(seal, before) == "replay"


def test_only_the_gateway_of_the_roster_is_heard() -> None:
    seal = sealer(HandClock())
    for by in (BOARD, STRANGER, UNIT):
        assert refused(seal, stream(by=by).seal(packed(DOWN))) == "sender"
    assert seal.open_down(stream().seal(packed(DOWN))) == DOWN


def test_anothers_record_raises_no_false_alarm() -> None:
    """A broker that mixes up units: no wrap for us, so no word of clones."""
    seal = sealer(HandClock())
    seal.open_down(stream().seal(packed(DOWN)))
    assert refused(seal, stream(to=OTHER_UNIT).seal(packed(DOWN))) == "recipient"


def test_other_lanes_and_other_bodies_are_refused() -> None:
    seal = sealer(HandClock())
    assert refused(seal, stream(lane=Lane.UP).seal(packed(DOWN))) == "lane"
    assert refused(seal, record(by=UNIT)) == "sender"
    for data in (b"\xc1", b"\x80", packed(body()), packed(DOWN) + b"\0"):
        assert refused(seal, stream().seal(data)) == "body"
    many = msgspec.structs.replace(DOWN, ranges=((1, 2),) * 33)
    assert refused(seal, stream().seal(packed(many))) == "body"


def test_a_replaced_gateway_is_not_heard_any_more() -> None:
    seal = sealer(HandClock())
    seal.replace_roster(roster(recipient(STRANGER), version=2))
    assert refused(seal, stream().seal(packed(DOWN))) == "sender"
    assert seal.open_down(stream(by=STRANGER).seal(packed(DOWN))) == DOWN


def test_a_gateway_with_a_new_key_may_count_from_one() -> None:
    seal = sealer(HandClock())
    seal.open_down(stream(boot=1_700_000_000).seal(packed(DOWN)))
    seal.replace_roster(roster(recipient(STRANGER), version=2))
    first = stream(by=STRANGER, boot=1).seal(packed(DOWN))
    assert seal.open_down(first) == DOWN
    assert refused(seal, first) == "duplicate"


def test_records_downwards_have_the_same_size_whatever_they_say() -> None:
    down = stream()
    for ranges in ((), ((5, 9),), tuple((2**53 - i, 2**53) for i in range(32))):
        assert len(down.seal(packed(msgspec.structs.replace(DOWN, ranges=ranges)))) == RECORD_BYTES


def test_nothing_secret_in_what_is_shown() -> None:
    seal = sealer(HandClock())
    text = repr(seal) + repr(vars(seal))
    assert not re.search(UNIT.signing.seed().hex(), text)
    assert repr(UNIT.boxes[0].secret())[2:-1] not in text
