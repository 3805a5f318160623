"""The gateway's queue: a command is told until its receipt came, withdrawals first, numbers only rise."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from parties import GATEWAY, NOON, UNIT, HandClock, body, enrolment, recipient, roster
from unit_sender import command

from stillroom import cli
from stillroom.document_forms import to_ms
from stillroom.events import MAX_PART_BYTES, MAX_PARTS, DownBody, Entry, Receipt
from stillroom.keeper.parts import Parts
from stillroom.keeper.seal import Sealer
from stillroom.note_reading import MAX_NOTE_BYTES
from stillroom.receiver import Receiver
from stillroom.wire import RECORD_BYTES
from stillroom_tools.site.gateway.arrived import Arrived
from stillroom_tools.site.gateway.down import Downwards
from stillroom_tools.site.gateway.outgoing import collect
from stillroom_tools.site.gateway.store import Store
from stillroom_tools.site.layout import Site, open_site

T0 = to_ms(NOON)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()


class Pair:
    """A gateway's end and a unit's end, on one clock."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock = store, HandClock()
        self.sent: list[bytes] = []
        self.down = Downwards(
            GATEWAY.signing, store, self.clock, 2.0, lambda _u, record, _at: self.sent.append(record)
        )
        self.down.enrol({"u-1": enrolment(UNIT)})
        self.unit = Sealer(UNIT, roster(recipient(GATEWAY)), 1, self.clock)
        self.receiver = Receiver([enrolment(UNIT)], GATEWAY.boxes, store)
        self.numbers = 0

    def told(self) -> DownBody:
        self.sent.clear()
        while not self.sent:
            self.clock.pass_time(timedelta(milliseconds=50))
            self.down.send_due()
        assert {len(r) for r in self.sent} == {RECORD_BYTES}
        return self.unit.open_down(self.sent[-1])

    def answer(self, number: int, outcome: str = "done") -> None:
        self.numbers += 1
        entry = Entry(self.numbers, T0, T0, Receipt(number, "authorisation", "a-1", outcome))
        said = msgspec.structs.replace(body(), entries=(entry,))
        opened = self.receiver.open(self.unit.seal(said))
        self.store.commit([Arrived(opened, self.clock.utc_ms())])


@pytest.fixture
def pair(store: Store) -> Pair:
    return Pair(store)


def test_a_command_is_told_until_its_receipt_came_and_then_not_again(pair: Pair):
    assert pair.told().command is None
    pair.store.commands.queue("u-1", "authorisation", b"a", T0)
    first = [pair.told().command for _ in range(4)]
    assert {c.note for c in first} == {b"a"} and len({c.number for c in first}) == 1
    pair.answer(first[0].number + 1)
    assert pair.told().command == first[0], "the receipt of another command is none of this one"
    pair.answer(first[0].number)
    assert pair.told().command is None
    assert pair.store.commands.waiting("u-1") == 0


def test_withdrawals_go_first_and_numbers_only_rise(pair: Pair):
    queue = pair.store.commands.queue
    for note in (b"a", b"b"):
        queue("u-1", "authorisation", note, T0)
    heard = [pair.told().command]
    queue("u-1", "withdrawal", b"w", T0)
    while (said := pair.told().command) is not None:
        heard.append(said)
        pair.answer(said.number)
    assert [c.note for c in heard] == [b"a", b"w", b"a", b"b"]
    numbers = [c.number for c in heard]
    assert numbers == sorted(set(numbers))


def test_one_document_is_queued_once(pair: Pair):
    assert pair.store.commands.queue("u-1", "authorisation", b"a", T0)
    assert not pair.store.commands.queue("u-1", "authorisation", b"a", T0)
    assert pair.store.commands.queue("u-2", "authorisation", b"a", T0)


@pytest.mark.parametrize(
    ("kind", "outcome", "again"),
    [
        ("authorisation", "full", True),
        ("authorisation", "done", False),
        ("pause", "done", False),
        ("withdrawal", "full", True),
        ("withdrawal", "done", True),
        ("halt", "done", True),
    ],
)
def test_sent_again_what_was_refused_is_told_again_and_of_what_was_done_what_closes_for_good(
    pair: Pair, kind: str, outcome: str, again: bool
):
    queue = pair.store.commands.queue
    queue("u-1", kind, b"w", T0)
    first = pair.told().command
    assert not queue("u-1", kind, b"w", T0) and pair.told().command == first, "it waits: nothing changes"
    pair.answer(first.number, outcome)
    assert pair.told().command is None
    assert queue("u-1", kind, b"w", T0) is again
    second = pair.told().command
    assert (second is not None) is again
    if second is not None:
        assert second.number > first.number and second.note == b"w"


def test_the_word_of_a_card_put_back_counts_though_its_number_was_another_entrys(pair: Pair):
    pair.store.commands.queue("u-1", "withdrawal", b"w", T0)
    pair.answer(pair.told().command.number - 1, "done")
    pair.numbers = 0
    pair.answer(pair.told().command.number)
    assert pair.told().command is None


def test_the_queue_outlives_a_restart_and_a_database_put_back(tmp_path: Path):
    store = Store(tmp_path)
    store.commands.queue("u-1", "authorisation", b"a", T0)
    before = store.commands.to_tell("u-1", T0)
    store.close()
    store = Store(tmp_path)
    assert store.commands.to_tell("u-1", T0 + 5000) == before
    store.close()
    (tmp_path / "put back").mkdir()
    empty = Store(tmp_path / "put back")
    empty.commands.queue("u-1", "authorisation", b"b", T0 + 60_000)
    assert empty.commands.to_tell("u-1", T0 + 60_000).number > before.number
    empty.close()


def test_the_largest_command_fits_beside_scattered_ranges(pair: Pair):
    for number in range(2**52, 2**52 + 400, 2):
        said = msgspec.structs.replace(
            body(), entries=(msgspec.structs.replace(body().entries[0], number=number),)
        )
        pair.store.commit([Arrived(pair.receiver.open(pair.unit.seal(said)), T0)])
    assert len(pair.told().ranges) == 32
    pair.store.commands.queue("u-1", "roster", b"r" * MAX_PART_BYTES, T0)
    seen = set()
    for _ in range(30):
        down = pair.told()
        assert len(down.command.note) == MAX_PART_BYTES
        seen |= set(down.ranges)
    assert len(seen) == 200, "and all ranges are told in time"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    command("site", "new", tmp_path / "site", "--site", "test")
    command("make", "unit", tmp_path / "unit", "--site", tmp_path / "site", "--unit", "u-1")
    return open_site(tmp_path / "site")


def send(site: Site, *words: object) -> None:
    command("site", "authorise", words[0], words[1], "--site", site.folder, *words[2:], "--send")


def test_send_leaves_it_for_the_gateway_and_nothing_in_the_units_folder(
    site: Site, store: Store, tmp_path: Path
):
    send(site, "new", "u-1", "--room", "r-1", "--days", 1)
    send(site, "withdraw", tmp_path / "unit")
    assert not list((tmp_path / "unit" / "trust" / "authorisations").iterdir())
    lines = list(collect(site, ["u-1"], store.commands, T0))
    assert len(lines) == 2 and store.commands.waiting("u-1") == 2
    assert not list((site.commands_dir / "u-1").iterdir())
    assert store.commands.to_tell("u-1", T0).note.startswith(b"stillroom/1 withdrawal\n")
    assert list(collect(site, ["u-1"], store.commands, T0)) == []


def test_a_kill_between_queue_and_removal_queues_once(site: Site, store: Store):
    send(site, "new", "u-1", "--room", "r-1", "--days", 1)
    (path,) = (site.commands_dir / "u-1").iterdir()
    note = path.read_bytes()
    list(collect(site, ["u-1"], store.commands, T0))
    path.write_bytes(note)
    list(collect(site, ["u-1"], store.commands, T0))
    assert store.commands.waiting("u-1") == 1


def test_for_a_unit_that_is_not_enrolled_nothing_is_sent(site: Site, store: Store):
    words = [
        "site",
        "authorise",
        "new",
        "u-9",
        "--site",
        str(site.folder),
        "--room",
        "r-1",
        "--days",
        "1",
        "--send",
    ]
    assert cli.main(words) == 6
    (site.commands_dir / "u-9").mkdir(parents=True)
    (site.commands_dir / "u-9" / "x.note").write_bytes(b"x")
    assert list(collect(site, ["u-1"], store.commands, T0)) == []


def test_what_is_no_document_by_its_size_is_put_aside_and_named_once(site: Site, store: Store):
    folder = site.commands_dir / "u-1"
    folder.mkdir(parents=True)
    (folder / "roster.note").write_bytes(bytes(MAX_NOTE_BYTES + 1))
    (line,) = collect(site, ["u-1"], store.commands, T0)
    assert "larger than 16384 bytes" in line
    assert [p.name for p in folder.iterdir()] == ["roster.note.refused"]
    assert store.commands.waiting("u-1") == 0
    assert list(collect(site, ["u-1"], store.commands, T0)) == []


@pytest.mark.parametrize("size", [0, 1, MAX_PART_BYTES, MAX_PART_BYTES + 1, 4_700, MAX_NOTE_BYTES])
def test_whatever_its_size_a_document_goes_in_parts_that_are_told_in_turn(pair: Pair, size: int):
    note = random.Random(size).randbytes(size)
    pair.store.commands.queue("u-1", "roster", note, T0)
    heard = [pair.told().command for _ in range(2 * MAX_PARTS)]
    parts = Parts()
    whole = [done for command in heard if (done := parts.take(command)) is not None]
    assert set(whole) == {note} and {c.number for c in heard} == {heard[0].number}
    assert {c.parts for c in heard} == {max(-(-size // MAX_PART_BYTES), 1)}
    pair.answer(heard[0].number)
    assert pair.told().command is None


def test_what_closes_a_camera_goes_before_the_rest_of_a_roster(pair: Pair):
    pair.store.commands.queue("u-1", "roster", bytes(3 * MAX_PART_BYTES), T0)
    first = [pair.told().command for _ in range(2)]
    pair.store.commands.queue("u-1", "pause", b"p", T0)
    pair.store.commands.queue("u-1", "halt", b"h", T0)
    said = []
    while (command := pair.told().command).note in {b"h", b"p"}:
        said.append(command.note)
        pair.answer(command.number)
    assert said == [b"h", b"p"]
    assert command.number > first[0].number and command.parts == 3, (
        "the roster begins anew, under a new number"
    )


def test_renew_sends_the_roster_to_every_unit_or_to_those_named(site: Site, store: Store, tmp_path: Path):
    command("make", "unit", tmp_path / "unit-2", "--site", site.folder, "--unit", "u-2")
    command("site", "renew", site.folder, "--send")
    command("site", "renew", site.folder, tmp_path / "unit-2", "--send")
    assert len(list(collect(site, ["u-1", "u-2"], store.commands, T0))) == 3
    assert (store.commands.waiting("u-1"), store.commands.waiting("u-2")) == (1, 2)
    assert store.commands.to_tell("u-1", T0).part(0).parts == 4, "a usual roster"
    assert site.roster().version == 3
    assert cli.main(["site", "renew", str(site.folder), "u-9", "--send"]) == 6
    assert site.roster().version == 3, "and for one that is not enrolled nothing is signed"
