"""Every attack on the wire that we know, through the real receiver: it is refused by its name, it changes nothing, and
what an honest unit says opens right after it. Each row has its control: the same without the attack must succeed.
"""

import random
from collections.abc import Callable, Iterable
from datetime import timedelta

import pytest
from parties import (
    BOARD,
    GATEWAY,
    HEAD_BYTES,
    NOON,
    OTHER_UNIT,
    STRANGER,
    UNIT,
    WRAP_BYTES,
    HandClock,
    body,
    enrolment,
    epoch,
    packed,
    recipient,
    record,
    resign,
    roster,
)

from stillroom.errors import TrustError, WireError
from stillroom.keeper.seal import Sealer
from stillroom.keys import KeyRing
from stillroom.receiver import MemoryStore, Receiver
from stillroom.replay import REORDERED, WINDOW, given_up
from stillroom.wire import RECORD_BYTES, Lane

UNDER = epoch()
BOOT_8 = {"boot": 8, "boot_id": b"H" * 16}
COMMITMENT_AT = HEAD_BYTES + 2 * WRAP_BYTES


class Target:
    """The gateway's receiver, which has heard an honest record; `refuses` holds for whatever comes after."""

    def __init__(self, keys: KeyRing = GATEWAY) -> None:
        self.store, self.keys = MemoryStore(), keys
        self.restart()
        self.next = 0
        self.hears()

    def restart(self) -> None:
        self.receiver = Receiver([enrolment(UNIT), enrolment(OTHER_UNIT)], self.keys.boxes, self.store)

    def hears(self) -> bytes:
        """The control: the honest unit's next record opens. Its bytes."""
        data = record(under=UNDER, sequence=self.next)
        assert self.receiver.open(data, "u-1").body == body()
        self.next += 1
        return data

    def refuses(self, data: bytes, *reasons: str) -> None:
        """By one of these names, counted once, with the state as it was."""
        state, counted = self._state(), sum(self.receiver.refusals.values())
        with pytest.raises(WireError) as caught:
            self.receiver.open(data, "u-1")
        assert caught.value.reason in reasons
        assert self._state() == state and sum(self.receiver.refusals.values()) == counted + 1

    def _state(self) -> list[object]:
        return [self.store.load(unit) for unit in ("u-1", "u-2")]


def flips(target: Target) -> None:
    honest = record(under=UNDER, sequence=1)
    names = ("magic", "version", "suite", "lane", "wraps", "sender", "sequence", "signature")
    for place in range(RECORD_BYTES * 8):
        flipped = bytearray(honest)
        flipped[place // 8] ^= 1 << place % 8
        target.refuses(bytes(flipped), *names)


def cuts(target: Target) -> None:
    honest = record(under=UNDER, sequence=1)
    for size in range(RECORD_BYTES):
        target.refuses(honest[:size], "magic", "size")
        if size > HEAD_BYTES + 64:
            target.refuses(resign(honest[:size]), "size")
    for more in (b"\0", honest):
        target.refuses(honest + more, "size")


def splices(target: Target) -> None:
    honest = record(under=UNDER, sequence=1)
    others = {
        "lane": record(lane=Lane.DOWN, under=UNDER, sequence=1),
        "unit": record(by=OTHER_UNIT, under=UNDER, sequence=1),
        "epoch": record(under=epoch(index=1), sequence=1),
        "sequence": record(under=UNDER, sequence=2),
    }
    parts = (
        slice(0, HEAD_BYTES),
        slice(HEAD_BYTES, COMMITMENT_AT),
        slice(COMMITMENT_AT, -64),
        slice(-64, None),
    )
    for other in others.values():
        for part in parts:
            spliced = bytearray(honest)
            spliced[part] = other[part]
            if bytes(spliced) in (honest, other):
                continue  # they are alike there
            target.refuses(bytes(spliced), "signature", "sender", "lane")
            if part.stop is not None:  # and by the unit's own hand
                target.refuses(resign(spliced), "commitment", "ciphertext", "lane", "sender", "signature")


def whole_of_others(target: Target) -> None:
    target.refuses(record(lane=Lane.DOWN, under=UNDER, sequence=1), "lane")
    target.refuses(record(by=OTHER_UNIT, under=UNDER, sequence=1), "sender")


def duplicates(target: Target) -> None:
    for _ in range(3):
        last = target.hears()
        for _ in range(3):
            target.refuses(last, "duplicate")


def replays(target: Target) -> None:
    old = [target.hears() for _ in range(5)]
    while target.next < WINDOW + 10:
        target.hears()
    for data in old:
        target.refuses(data, "replay")


def reordering(target: Target) -> None:
    """Inside the window any order is honest; what comes later than that is a replay, also where it is new."""
    late = target.next
    target.next += 1
    for _ in range(WINDOW - 1):
        target.hears()
    assert target.receiver.open(record(under=UNDER, sequence=late)).late
    target.refuses(record(under=UNDER, sequence=late), "duplicate")
    late = target.next
    target.next += 1
    for _ in range(WINDOW):
        target.hears()
    target.refuses(record(under=UNDER, sequence=late), "replay")


def restarts(target: Target) -> None:
    heard = [target.hears() for _ in range(4)]
    target.restart()
    for data in heard:
        target.refuses(data, "duplicate")


def card_put_back(target: Target) -> None:
    target.receiver.open(record(under=epoch(**BOOT_8)))
    target.refuses(record(under=epoch(boot=5, boot_id=b"E" * 16)), "rolled-back")
    target.refuses(record(under=UNDER, sequence=target.next), "stale")
    assert target.receiver.open(record(under=epoch(**BOOT_8), sequence=1)).boot == 8
    target.restart()
    target.refuses(record(under=epoch(boot=5, boot_id=b"E" * 16)), "rolled-back")
    _go_on_as(target, BOOT_8)


def cloned_key(target: Target) -> None:
    copy = epoch(boot=1, boot_id=b"X" * 16)
    for sequence in (0, 1, 50):
        target.refuses(record(under=copy, sequence=sequence), "cloned")


def another_recipients_forgery(target: Target) -> None:
    """The board knows the epoch's key. It signs with its own, with the unit's id in the head, or with junk."""
    forged = bytearray(record(packed(body("forged")), by=BOARD, under=UNDER, sequence=1))
    target.refuses(bytes(forged), "sender")
    forged[8:16] = UNIT.signing.verify_key.id
    target.refuses(bytes(forged), "signature")
    target.refuses(resign(forged, BOARD), "signature")


def unknown_versions(target: Target) -> None:
    honest = record(under=UNDER, sequence=1)
    for at, name in ((4, "version"), (5, "suite")):
        for value in (0, 2, 255):
            target.refuses(resign(honest[:at] + bytes([value]) + honest[at + 1 :]), name)
    target.refuses(honest[:4] + b"\2" + honest[5:1500], "version")


def junk(target: Target) -> None:
    rng = random.Random(6)
    for number in range(2000):
        data = rng.randbytes(rng.choice((0, 7, RECORD_BYTES, 60_000)))
        if number % 2:
            data = b"STLR\1\1\1\2" + UNIT.signing.verify_key.id + data[16:RECORD_BYTES].ljust(2032, b"\0")
        target.refuses(data, "magic", "signature", "wraps", "sequence")
        if number % 200 == 0:
            target.hears()
    assert len(target.receiver.refusals) <= 8, "the counters do not grow with it"


def withheld(target: Target) -> None:
    """Nothing to refuse, and something to say: exactly those that never came are missing."""
    while target.next <= REORDERED:
        target.hears()
    target.next += 5
    missing = 0
    for _ in range(2 * REORDERED):
        data = record(under=UNDER, sequence=target.next)
        before = target.store.load("u-1")
        missing += target.receiver.open(data).given_up
        assert given_up(before, target.store.load("u-1")) >= 0
        target.next += 1
    assert missing == 5


def revoked_unit(target: Target) -> None:
    """The receiver is made anew without it; the other one is heard."""
    target.receiver = Receiver([enrolment(OTHER_UNIT)], GATEWAY.boxes, target.store)
    target.refuses(record(under=UNDER, sequence=target.next), "sender")
    assert target.receiver.open(record(by=OTHER_UNIT), "u-2").unit == "u-2"
    target.restart()


def _go_on_as(target: Target, boot: dict[str, object]) -> None:
    """The honest unit has started again meanwhile."""
    under = epoch(**boot)  # type: ignore[arg-type]

    def hears() -> bytes:
        data = record(under=under, sequence=7)
        assert target.receiver.open(data).boot == boot["boot"]
        return data

    target.hears = hears  # type: ignore[method-assign]


ATTACKS: Iterable[Callable[[Target], None]] = (
    flips, cuts, splices, whole_of_others, duplicates, replays, reordering, restarts, card_put_back, cloned_key,
    another_recipients_forgery, unknown_versions, junk, withheld, revoked_unit,
)  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_attack_fails_by_its_name_and_the_honest_unit_is_heard_after_it(
    attack: Callable[[Target], None],
) -> None:
    target = Target()
    attack(target)
    target.hears()


# recipients: the roster decides who opens, and only what was sealed while they were in it


def opens(sealer: Sealer, keys: KeyRing) -> str:
    try:
        Receiver([enrolment(UNIT)], keys.boxes, MemoryStore()).open(sealer.seal(body()))
    except WireError as error:
        return error.reason
    return "ok"


def test_a_revoked_recipient_opens_nothing_from_the_next_record_on() -> None:
    sealer = Sealer(UNIT, roster(), 1, HandClock())
    assert [opens(sealer, keys) for keys in (GATEWAY, BOARD, STRANGER)] == ["ok", "ok", "recipient"]
    sealer.replace_roster(roster(recipient(GATEWAY), version=2))
    assert [opens(sealer, keys) for keys in (GATEWAY, BOARD)] == ["ok", "recipient"]


@pytest.mark.parametrize("wrong", [{"version": 1}, {"version": 3, "site": "other"}])
def test_a_stale_or_foreign_roster_brings_nobody_back(wrong: dict[str, object]) -> None:
    sealer = Sealer(UNIT, roster(recipient(GATEWAY), version=2), 1, HandClock())
    with pytest.raises(TrustError, match="cannot follow"):
        sealer.replace_roster(roster(**wrong))
    assert [opens(sealer, keys) for keys in (GATEWAY, BOARD)] == ["ok", "recipient"]
    sealer.replace_roster(roster(version=3))
    assert opens(sealer, BOARD) == "ok", "the control"


def test_todays_sub_key_opens_nothing_of_last_month_and_the_old_one_nothing_of_today() -> None:
    month = timedelta(days=30)
    periods = (NOON - month, NOON), (NOON, NOON + month)
    papers = roster(recipient(GATEWAY, *periods), start=NOON - month)
    clock = HandClock(NOON - timedelta(seconds=1))
    sealer = Sealer(UNIT, papers, 1, clock)
    old, new = (KeyRing("demo", "gateway", "gateway", GATEWAY.signing, (box,)) for box in GATEWAY.boxes)
    assert (opens(sealer, old), opens(sealer, new)) == ("ok", "recipient")
    clock.pass_time(timedelta(seconds=1))
    assert (opens(sealer, old), opens(sealer, new)) == ("recipient", "ok")
    assert opens(sealer, GATEWAY) == "ok", "who still has both opens both"
