"""What a unit knows of UTC: each way to turn a clock, and that none of them opens what is not allowed now."""

import shutil
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.parties import NOON, HandClock
from tests.rig import Rig, run

from stillroom.document_forms import from_ms, to_ms
from stillroom.documents import KINDS, Roster
from stillroom.epochs import Stream
from stillroom.events import DownBody, StateChanged
from stillroom.keeper.delivery import MAX_MARKS, Said
from stillroom.keeper.known import GRACE_MS, GRACE_STEP_MS, TOLERANCE_MS, KnownTime
from stillroom.keeper.outbox import Outbox
from stillroom.link import Down
from stillroom.notes import sign_note
from stillroom.public_keys import RecipientKey
from stillroom.wire import Lane
from stillroom_tools.site.layout import open_site

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
GRACE = timedelta(milliseconds=GRACE_MS)


class Box:
    """Known time on a real outbox, with a clock moved by hand and true time beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, self.error = folder, HandClock(), timedelta(0)
        self.start()

    def start(self) -> None:
        self.outbox = Outbox(self.folder, 1000)
        self.outbox.next_boot()
        self.time = KnownTime(self.clock, self.outbox)

    def end(self) -> None:
        """With an entry that takes the floor to the card, as a unit's summaries do each minute."""
        self.outbox.add(0, StateChanged("empty", "unknown", "nobody"))
        self.outbox.commit(0)
        self.outbox.close()

    def boot(self, off: timedelta = timedelta(0), turned: timedelta = timedelta(0)) -> None:
        """Power off, and on again with a system clock that somebody has turned."""
        self.end()
        self.clock.boot(off)
        self.turn(turned)
        self.start()

    def turn(self, by: timedelta) -> None:
        self.clock.turn(by)
        self.error += by

    @property
    def true_ms(self) -> int:
        return self.clock.utc_ms() - round(self.error.total_seconds() * 1000)

    def hear(self) -> None:
        self.time.hear(self.true_ms, self.clock.mono_ns())

    @property
    def bounds(self) -> tuple[int, int]:
        """How far the bounds are from true time, in ms."""
        known = self.time.known()
        return known.earliest_ms - self.true_ms, known.latest_ms - self.true_ms


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_before_anything_was_heard_nothing_has_begun(box):
    known = box.time.known()
    assert (known.earliest_ms, known.source) == (0, "grace")
    assert known.latest_ms == to_ms(NOON)


def test_signed_time_is_carried_on_by_the_monotonic_clock(box):
    box.hear()
    for turned in (DAY, -3 * DAY, timedelta(days=3650), timedelta(days=-3650)):
        box.turn(turned)
        box.clock.pass_time(HOUR)
        assert box.bounds == (0, 0)
        assert box.time.known().source == "gateway"
        assert box.time.utc_ms() == box.true_ms


def test_an_answer_that_was_held_back_moves_neither_bound_past_the_truth(box):
    asked_ns, signed_ms = box.clock.mono_ns(), box.true_ms
    box.clock.pass_time(HOUR)
    box.time.hear(signed_ms, asked_ns)
    earliest, latest = box.bounds
    assert (earliest, latest) == (-3_600_000, 0)
    box.hear()
    assert box.bounds == (0, 0)


@pytest.mark.parametrize("off_by", [-DAY, -MINUTE, MINUTE])
def test_a_gateway_that_says_less_later_on_takes_nothing_back(box, off_by):
    box.hear()
    box.clock.pass_time(HOUR)
    box.time.hear(box.true_ms + round(off_by.total_seconds() * 1000), box.clock.mono_ns())
    earliest, latest = box.bounds
    assert earliest >= 0 and latest >= earliest


def test_a_clock_turned_forward_does_not_raise_the_floor(box):
    box.turn(timedelta(days=3650))
    for _ in range(20):
        box.time.known()
        box.clock.pass_time(timedelta(seconds=10))
    box.boot()
    assert box.outbox.utc_floor_ms < 10 * 60_000
    box.boot(turned=timedelta(days=-3650))
    box.hear()
    assert box.bounds == (0, 0)


@pytest.mark.parametrize("turned", [timedelta(0), -2 * DAY, timedelta(days=-20_000), 2 * DAY])
def test_after_a_boot_the_earlier_bound_is_the_floor_whatever_the_clock_says(box, turned):
    box.hear()
    box.clock.pass_time(HOUR)
    box.time.known()
    box.boot(off=DAY, turned=turned)
    known = box.time.known()
    assert known.source == "grace"
    assert known.earliest_ms == box.true_ms - to_ms(from_ms(86_400_000))
    assert known.latest_ms == max(known.earliest_ms, box.clock.utc_ms())
    assert box.time.utc_ms() >= known.earliest_ms


def test_the_grace_is_bounded_and_then_it_is_dark(box):
    box.hear()
    box.boot()
    box.clock.pass_time(GRACE - timedelta(seconds=1))
    assert box.time.known().source == "grace"
    box.clock.pass_time(timedelta(seconds=1))
    assert box.time.known().source == "unsure"
    box.hear()
    assert box.time.known().source == "gateway"


def test_boots_share_one_grace_however_short_they_are(box):
    """A power cut each time before anything could be committed."""
    box.hear()
    boots = 0
    while True:
        box.boot()
        if box.time.known().source == "unsure":
            break
        boots += 1
        assert boots <= GRACE_MS / GRACE_STEP_MS
        box.outbox._database.rollback()
    assert boots == GRACE_MS / GRACE_STEP_MS
    box.hear()
    box.boot()
    assert box.time.known().source == "grace"


def test_a_keeper_that_is_started_anew_knows_what_it_knew(box):
    box.hear()
    box.end()
    box.turn(-DAY)
    box.clock.pass_time(HOUR)
    box.start()
    assert box.time.known().source == "gateway" and box.bounds == (0, 0)


def test_a_card_put_back_knows_less_and_nothing_that_is_not_true(box, tmp_path):
    box.hear()
    box.time.known()
    box.end()
    copy = tmp_path.with_name("copy")
    shutil.copytree(tmp_path, copy)
    box.clock.pass_time(10 * DAY)
    box.clock.boot()
    box.folder = copy
    box.turn(-10 * DAY)
    box.start()
    earliest, _ = box.bounds
    assert box.time.known().source == "grace" and earliest == round(-10 * DAY.total_seconds() * 1000)
    box.clock.pass_time(GRACE)
    assert box.time.known().source == "unsure"
    box.hear()
    assert box.bounds == (0, 0)


def test_without_a_gateway_the_system_clock_counts_where_it_is_not_behind_the_floor(box):
    box.time.has_gateway = False
    assert box.time.known().source == "system" and box.bounds == (0, 0)
    box.clock.pass_time(HOUR)
    assert box.bounds == (0, 0)
    box.turn(timedelta(milliseconds=-TOLERANCE_MS))
    assert box.time.known().source == "system"
    box.turn(timedelta(milliseconds=-1))
    assert box.time.known().source == "unsure"
    box.boot(off=HOUR)
    box.time.has_gateway = False
    assert box.time.known().source == "system"


def test_a_cursor_tells_after_what_it_was_made():
    said = Said(5)
    for number, at_ns in ((3, 10), (3, 20), (7, 30), (9, 40)):
        said.note(number, at_ns)
    assert [said.before(cursor) for cursor in (0, 3, 4, 7, 8, 9, 10)] == [5, 5, 20, 20, 30, 30, 40]
    for number in range(10, 10 + 2 * MAX_MARKS):
        said.note(number, number * 100)
    assert said.before(10) == 5


def a_down(cursor: int, *ranges: tuple[int, int]) -> DownBody:
    return DownBody(0, cursor, ranges, None, b"b" * 16)


def test_a_cursor_that_is_not_of_this_boots_entries_tells_only_that_it_was_made_after_the_start():
    """Another's entries under the same numbers: a copied key, a card put back, or one that has lost commits."""
    said = Said(5)
    said.note(4, 10)
    said.note(4, 90)
    assert said.made_after(a_down(5000), 4) == 5, "beyond what was accepted"
    for number, at_ns in ((4999, 100), (5000, 110), (5001, 120)):
        said.note(number, at_ns)
    assert said.made_after(a_down(5000), 5001) == 5, "our numbers have come there, its entries were others"
    assert said.made_after(a_down(5001), 5001) == 110
    assert said.made_after(a_down(5001, (9000, 9001)), 5001) == 5


def test_what_the_gateway_had_at_its_first_answer_is_not_of_this_boot():
    said = Said(5)
    for number, at_ns in ((3, 10), (6, 20), (8, 30)):
        said.note(number, at_ns)
    assert said.made_after(a_down(4, (6, 7)), 8) == 5
    assert [said.made_after(a_down(cursor), 8) for cursor in (3, 4, 7)] == [5, 5, 5]
    assert said.made_after(a_down(8), 8) == 20


@pytest.mark.parametrize("cursor", [0, 4, 5000])
def test_a_held_back_record_moves_no_bound_past_the_truth_whatever_its_cursor(box, cursor):
    said, down, signed_ms = Said(box.clock.mono_ns()), a_down(cursor), box.true_ms
    for _ in range(300):
        said.note(4, box.clock.mono_ns())
        box.clock.pass_time(MINUTE)
    box.time.hear(signed_ms, said.made_after(down, 4))
    earliest, latest = box.bounds
    assert earliest <= 0 <= latest


# the whole keeper, with the gateway's own records


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    made = Rig(tmp_path)
    made.gateway_boots = 0
    return made


def reboot(rig: Rig, off: timedelta = timedelta(0), turned: timedelta = timedelta(0)) -> None:
    """The machine off and on; nobody tells it the time."""
    rig.slot()
    rig.unit.close()
    rig.clock.boot(off)
    rig.clock.turn(turned)
    rig.hear_time = lambda: None
    rig.start()
    rig.beat()


def answer(rig: Rig, utc_ms: int, heard: bytes | None = None, cursor: int = 0) -> None:
    """A record of the gateway, sealed and signed: its time, and whose records it has heard."""
    rig.gateway_boots += 1
    site = open_site(rig.site_folder)
    box = RecipientKey(site.enrolment("u-1").box)
    stream = Stream(Lane.DOWN, site.keys("gateway").signing, rig.gateway_boots, rig.clock, [box])
    body = DownBody(utc_ms, cursor, (), None, rig.unit._delivery._sealer.boot_id if heard is None else heard)
    rig.unit.from_courier(Down(stream.seal(msgspec.msgpack.encode(body))))
    rig.beat()


def gate(rig: Rig) -> str:
    return rig.slot().snapshot.gate


def test_an_expired_authorisation_is_not_revived_by_a_clock_turned_back_while_the_unit_was_off(rig):
    rig.authorise(days=1)
    rig.beat()
    assert gate(rig) == "open"
    rig.clock.pass_time(DAY)
    rig.beat()
    assert gate(rig) == "expired"
    reboot(rig, off=HOUR, turned=-2 * DAY)
    assert gate(rig) != "open" and not rig.may_start
    rig.beat(GRACE_MS / 1000)
    assert gate(rig) == "clock-unsure"


def test_one_that_expired_while_the_unit_was_off_lives_no_longer_than_the_grace(rig):
    """Nothing on the unit can tell; the first answer of the gateway can."""
    rig.authorise(days=1)
    rig.beat()
    reboot(rig, off=2 * DAY, turned=-2 * DAY)
    assert gate(rig) == "open"
    true_ms = rig.clock.utc_ms() + round((2 * DAY).total_seconds() * 1000)
    answer(rig, true_ms)
    assert gate(rig) == "expired" and not rig.may_start
    reboot(rig, turned=-2 * DAY)
    assert gate(rig) != "open"


def test_and_without_an_answer_it_is_dark_after_the_grace(rig):
    rig.authorise(days=1)
    rig.beat()
    reboot(rig, off=2 * DAY, turned=-2 * DAY)
    rig.see(None, 0.2)  # an eye has come: one that never does is a crash loop
    rig.beat(GRACE_MS / 1000 - 1.2)
    assert gate(rig) == "open"
    rig.beat(1)
    assert gate(rig) == "clock-unsure" and not rig.may_start


def test_a_clock_turned_forward_opens_nothing_early_and_ends_nothing_for_good(rig):
    start = from_ms(rig.clock.utc_ms()) + 10 * DAY
    rig.authorise(1, "status", "--from", f"{start:%Y-%m-%dT%H:%M:%SZ}")
    rig.clock.turn(10 * DAY + HOUR)
    rig.beat()
    assert gate(rig) == "not-yet-valid"
    reboot(rig)
    assert gate(rig) == "clock-unsure"
    reboot(rig, turned=-10 * DAY - HOUR)
    rig.authorise(days=1)
    answer(rig, rig.clock.utc_ms())
    assert gate(rig) == "open"


def test_a_clock_that_is_absent_after_a_boot_opens_by_the_gateways_word_alone(rig):
    rig.authorise(days=1)
    rig.beat()
    true_ms = rig.clock.utc_ms()
    reboot(rig, off=2 * DAY, turned=timedelta(milliseconds=-true_ms) - 2 * DAY)
    assert rig.clock.utc_ms() < 10_000
    assert gate(rig) == "open", "the grace"
    answer(rig, true_ms + 2 * 86_400_000)
    assert gate(rig) == "expired"


def test_a_record_made_before_this_boot_tells_no_time(rig):
    rig.authorise(days=1)
    rig.beat()
    before = rig.unit._delivery._sealer.boot_id
    reboot(rig, off=2 * DAY, turned=-2 * DAY)
    for heard in (before, b"", b"x" * 16):
        answer(rig, rig.clock.utc_ms(), heard)
        assert rig.slot().snapshot.clock == "grace"
    answer(rig, rig.clock.utc_ms())
    assert rig.slot().snapshot.clock == "gateway"


def test_an_expired_authorisation_stays_closed_when_a_record_with_anothers_cursor_was_held_back(rig):
    rig.authorise(days=2)
    rig.beat()
    reboot(rig, off=DAY, turned=-DAY)
    signed_ms = rig.clock.utc_ms() + 86_400_000
    for _ in range(3):
        rig.slot()
        rig.clock.pass_time(DAY / 2)
    answer(rig, signed_ms, cursor=rig.unit._outbox.accepted + 5000)
    assert gate(rig) == "expired" and not rig.may_start


def test_a_pause_is_not_cut_short_by_a_clock_turned_forward(rig):
    rig.authorise()
    rig.beat()
    rig.unit.button()
    reboot(rig, turned=DAY)
    answer(rig, rig.clock.utc_ms() - 86_400_000)
    assert gate(rig) == "paused"


def test_a_site_without_a_gateway_opens_by_the_system_clock(rig):
    site = open_site(rig.site_folder)
    roster = msgspec.structs.replace(site.roster(), version=2, delivery="puback")
    (rig.folder / "trust/roster.note").write_bytes(sign_note(KINDS[Roster], roster, [site.authority_keys()]))
    run("site", "authorise", "new", rig.folder, "--site", rig.site_folder, "--room", "r-1", "--days", 1)
    reboot(rig)
    assert (gate(rig), rig.slot().snapshot.clock) == ("open", "system")
    reboot(rig, turned=-HOUR)
    assert gate(rig) == "clock-unsure"
