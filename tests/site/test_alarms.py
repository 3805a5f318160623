"""What nobody may miss at the site: a copied key, a card put back, records that never came. And what is no alarm."""

import random
from datetime import timedelta
from pathlib import Path

import pytest
from parties import GATEWAY, OTHER_UNIT, UNIT, HandClock, enrolment, epoch, record

from stillroom.errors import WireError
from stillroom.receiver import MemoryStore, Receiver
from stillroom.replay import REORDERED, WINDOW
from stillroom_tools.site.gateway.alarms import REPEAT_S, STALE_AFTER, WITHHELD_STANDS_S, Alarms
from stillroom_tools.site.gateway.enrolled import unit_of

BOOT = epoch()


class Bench:
    """A receiver and the alarms that it feeds, as `Enrolled` does."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.alarms = Alarms(self.clock)
        self.store = MemoryStore()
        self.receiver = Receiver([enrolment(UNIT), enrolment(OTHER_UNIT)], GATEWAY.boxes, self.store)

    def feed(self, *sequences: int, under=BOOT) -> None:
        for sequence in sequences:
            try:
                self.alarms.opened(self.receiver.open(record(under=under, sequence=sequence)))
            except WireError as error:
                self.alarms.refused("u-1", error.reason)

    def join(self) -> None:
        """Hear the first record ever, and then as many as may have overtaken it."""
        self.feed(*range(REORDERED + 1))

    @property
    def missing(self) -> int:
        return self.alarms.of("u-1").get("withheld", 0)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_what_comes_in_any_order_is_not_missing(bench: Bench) -> None:
    rng = random.Random(2)
    for start in range(0, 300, REORDERED):
        part = list(range(start, start + REORDERED))
        rng.shuffle(part)
        bench.feed(*part)
    assert bench.missing == 0 and bench.alarms.news() == []


def test_a_record_is_missing_when_later_ones_can_no_longer_explain_it(bench: Bench) -> None:
    bench.feed(*range(40), *range(41, 40 + REORDERED))
    assert bench.missing == 0
    bench.feed(40 + REORDERED)
    assert bench.missing == 1
    assert "withheld: 1 records never came" in bench.alarms.news()[0].text
    bench.feed(40)
    assert bench.missing == 0, "it came after all"


@pytest.mark.parametrize("gap", [1, 5, REORDERED - 1, REORDERED, REORDERED + 1, WINDOW, 1000])
def test_every_one_of_a_gap_is_counted_once(bench: Bench, gap: int) -> None:
    bench.join()
    bench.feed(*range(40), *range(40 + gap, 40 + gap + 2 * REORDERED))
    assert bench.missing == gap


@pytest.mark.parametrize("seed", range(5))
def test_withheld_at_random_is_counted_exactly(bench: Bench, seed: int) -> None:
    rng = random.Random(seed)
    kept = [n for n in range(REORDERED + 1, 400) if rng.random() > 0.1]
    bench.join()
    bench.feed(*kept, *range(400, 400 + REORDERED))
    assert bench.missing == 399 - REORDERED - len(kept)


def test_the_first_record_ever_leaves_nothing_behind_but_a_new_boot_begins_at_zero(bench: Bench) -> None:
    bench.feed(*range(500, 600))
    assert bench.missing == 0
    bench.feed(*range(40, 80), under=epoch(boot=2, boot_id=b"C" * 16))
    assert bench.missing == 40


@pytest.mark.parametrize("joined", [0, 1, 55])
def test_what_had_overtaken_the_first_record_ever_is_not_missing(bench: Bench, joined: int) -> None:
    """A watch that starts under way hears the late ones of a reordered stream, not those that passed them before."""
    sent = list(range(joined + 2 * REORDERED))
    heard = [n for n in sent if n <= joined or n > joined + 6]
    bench.feed(joined, *heard, *range(len(sent), len(sent) + WINDOW))
    assert bench.missing == 0


@pytest.mark.parametrize("jump", [1, REORDERED, REORDERED + 1, WINDOW])
def test_what_is_withheld_after_joining_is_missing(bench: Bench, jump: int) -> None:
    """The control: from the first number that cannot have overtaken on, each one counts."""
    bench.feed(55, *range(55 + REORDERED + jump, 55 + 2 * REORDERED + jump + 1))
    assert bench.missing == jump


def test_holes_of_a_boot_that_is_over_are_missing_at_once(bench: Bench) -> None:
    bench.join()
    bench.feed(REORDERED + 1, REORDERED + 4)
    bench.feed(0, under=epoch(boot=2, boot_id=b"C" * 16))
    assert bench.missing == 2


def test_a_restart_of_the_receiver_forgets_no_hole(bench: Bench) -> None:
    bench.join()
    bench.feed(REORDERED + 2)
    bench.receiver = Receiver([enrolment(UNIT)], GATEWAY.boxes, bench.store)
    bench.feed(*range(REORDERED + 3, 2 * REORDERED + 3))
    assert bench.missing == 1


def test_while_we_did_not_listen_nobody_is_blamed(bench: Bench) -> None:
    bench.feed(*range(10))
    bench.alarms.excuse()
    bench.feed(*range(20, 20 + 2 * REORDERED))
    assert bench.missing == 0
    bench.feed(*range(21 + 2 * REORDERED, 21 + 4 * REORDERED))
    assert bench.missing == 1, "and afterwards they are again"


def test_copied_keys_and_cards_put_back_are_named_and_stand(bench: Bench) -> None:
    bench.feed(0, under=epoch(boot=5, boot_id=b"A" * 16))
    bench.feed(0, under=epoch(boot=7, boot_id=b"B" * 16))
    bench.feed(1, 2, under=epoch(boot=7, boot_id=b"X" * 16))
    bench.feed(0, under=epoch(boot=6, boot_id=b"C" * 16))
    assert bench.alarms.of("u-1") == {"cloned": 2, "rolled-back": 1}
    lines = [notice.text for notice in bench.alarms.news()]
    assert len(lines) == 2 and all("ALARM: unit u-1" in line and "make it new keys" in line for line in lines)
    bench.clock.pass_time(timedelta(days=1))
    assert bench.alarms.of("u-1") == {"cloned": 2, "rolled-back": 1}


def test_a_copy_that_starts_once_more_does_not_silence_the_unit_unnoticed(bench: Bench) -> None:
    """A copied key under the next boot number: all that the unit itself says is stale from then on."""
    unit, copy = epoch(boot=5, boot_id=b"A" * 16), epoch(boot=6, boot_id=b"B" * 16)
    bench.feed(*range(3), under=unit)
    bench.feed(*range(STALE_AFTER), under=copy)
    bench.feed(3, 4, under=unit)
    assert bench.alarms.of("u-1") == {}, "they were under way"
    bench.feed(STALE_AFTER, under=copy)
    bench.feed(5, 6, under=unit)
    assert bench.alarms.of("u-1") == {"stale": 2}
    assert "make it new keys" in bench.alarms.news()[0].text


def test_a_flood_of_alarms_is_a_line_now_and_then(bench: Bench) -> None:
    bench.feed(0)
    bench.feed(*range(50), under=epoch(boot_id=b"X" * 16))
    assert len(bench.alarms.news()) == 1
    bench.feed(*range(50), under=epoch(boot_id=b"X" * 16))
    assert bench.alarms.news() == []
    bench.clock.pass_time(timedelta(seconds=REPEAT_S + 1))
    assert "cloned: 100 records" in bench.alarms.news()[0].text


def test_missing_records_are_shown_for_a_while(bench: Bench) -> None:
    bench.join()
    bench.feed(*range(REORDERED + 2, 2 * REORDERED + 2))
    assert bench.missing == 1
    bench.clock.pass_time(timedelta(seconds=WITHHELD_STANDS_S + 1))
    assert bench.missing == 0


def test_duplicates_and_junk_are_no_alarm(bench: Bench) -> None:
    bench.feed(0, 0, 0)
    for reason in ("magic", "signature", "sender", "replay", "stale", "body"):
        bench.alarms.refused("u-1", reason)
    assert bench.alarms.of("u-1") == {} and bench.alarms.news() == []


@pytest.mark.parametrize(
    ("topic", "unit"),
    [
        ("stillroom/1/demo/u-1/up", "u-1"),
        ("stillroom/1/demo/u-1", "u-1"),
        ("a/b/c", ""),
        ("", ""),
        ("////", ""),
    ],
)
def test_whose_topic_it_is(topic: str, unit: str) -> None:
    assert unit_of(topic) == unit


def test_nothing_here_grows_with_what_is_sent(bench: Bench, tmp_path: Path) -> None:
    for number in range(2, 60):
        bench.feed(number, under=epoch(boot=number, boot_id=bytes([number]) * 16))
    assert set(bench.alarms._units) == {"u-1"} and len(bench.alarms._units["u-1"].counts) <= 3
