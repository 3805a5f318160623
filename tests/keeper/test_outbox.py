"""The outbox: accepted is on the card, numbers are gapless, what is dropped is said."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from stillroom import chain
from stillroom.errors import StorageError
from stillroom.events import ConditionChanged, GateChanged, Lost, StateChanged, Summary
from stillroom.keeper.audit import AuditChain
from stillroom.keeper.outbox import Outbox
from stillroom.keys import SigningKey

NOW = 1_800_000_000_000
KEY = SigningKey(bytes(32))
OTHER_KEY = SigningKey(b"1" * 32)


def state(why: str = "x") -> StateChanged:
    return StateChanged("in-bed", "occupied", why)


def alert(kind: str = "left-bed") -> ConditionChanged:
    return ConditionChanged(kind, "high", True, "")


def summary(minute: int = 0) -> Summary:
    start = NOW + minute * 60_000
    return Summary(start, start + 60_000, "empty", 0.0, 1.0, None, 0.0, None, 0.0)


@pytest.fixture
def outbox(tmp_path: Path):
    box = Outbox(tmp_path, 100)
    yield box
    box.close()


def test_numbers_rise_from_one_without_a_gap_and_over_restarts(tmp_path: Path):
    for boot in (1, 2):
        box = Outbox(tmp_path, 100)
        assert box.next_boot() == boot
        box.add(NOW, state())
        box.add(NOW, state())
        assert box.commit(NOW) == 2
        assert box.accepted == boot * 2
        box.settle(box.accepted)
        box.close()


def test_what_is_not_committed_has_no_number(outbox):
    outbox.add(NOW, state())
    assert (outbox.accepted, outbox.waiting, outbox.take(NOW, 9)) == (0, 0, [])


def test_alerts_first_and_newest_first_then_in_order(outbox):
    for event in (
        summary(),
        state("1"),
        alert("left-bed"),
        GateChanged("open", "a-1"),
        alert("on-floor"),
        state("2"),
    ):
        outbox.add(NOW, event)
    outbox.commit(NOW)
    assert [e.number for e in outbox.take(NOW, 9)] == [5, 3, 2, 4, 6, 1]
    assert [e.number for e in outbox.take(NOW, 2, without=[5, 2])] == [3, 4]


def test_old_entries_say_that_they_are_late(outbox):
    outbox.add(NOW, state())
    outbox.commit(NOW)
    assert [outbox.take(NOW + age, 1)[0].late for age in (60_000, 60_001)] == [False, True]


def test_cursor_and_ranges_delete_and_repeat_harmlessly(outbox):
    for _ in range(10):
        outbox.add(NOW, state())
    outbox.commit(NOW)
    for _ in range(2):
        outbox.settle(3, [(5, 6), (9, 9)])
        assert [e.number for e in outbox.take(NOW, 99)] == [4, 7, 8, 10]


@pytest.mark.parametrize("claim", [(9_999, ()), (0, ((5, 9_999),))])
def test_a_cursor_beyond_every_number_promised_is_refused_and_deletes_nothing(outbox, claim):
    for _ in range(10):
        outbox.add(NOW, state())
    outbox.commit(NOW)
    with pytest.raises(StorageError, match="beyond"):
        outbox.settle(*claim)
    assert outbox.waiting == 10


def test_when_full_summaries_go_first_and_each_lost_number_is_named(outbox):
    for minute in range(60):
        outbox.add(NOW, summary(minute))
    for _ in range(70):
        outbox.add(NOW, state())
    outbox.commit(NOW)
    left = outbox.take(NOW, 1000)
    lost = [e for e in left if isinstance(e.event, Lost)]
    gone = {n for e in lost for first, last in e.event.ranges for n in range(first, last + 1)}
    assert outbox.waiting <= 100
    assert sum(isinstance(e.event, StateChanged) for e in left) == 70
    assert gone == set(range(1, outbox.accepted + 1)) - {e.number for e in left}


def test_scattered_losses_are_named_too(tmp_path: Path):
    box = Outbox(tmp_path, 100)
    for minute in range(90):
        box.add(NOW, summary(minute))
        box.add(NOW, state())
        box.commit(NOW)
    left = box.take(NOW, 1000)
    gone = {n for e in left if isinstance(e.event, Lost) for a, b in e.event.ranges for n in range(a, b + 1)}
    assert box.waiting <= 100 + 5
    assert gone | {e.number for e in left} == set(range(1, box.accepted + 1))
    box.close()


def test_a_full_card_keeps_events_in_memory_and_numbers_gapless(outbox):
    outbox.add(NOW, state())
    outbox.commit(NOW)
    pages = outbox._database.execute("PRAGMA page_count").fetchone()[0]
    outbox._database.execute(f"PRAGMA max_page_count={pages}")
    for _ in range(200):
        outbox.add(NOW, state("y" * 100))
    assert outbox.commit(NOW) == 0
    assert outbox.fault == "storage-full"
    assert outbox.accepted == 1
    outbox._database.execute("PRAGMA max_page_count=1000000")
    outbox._max_entries = 1000
    assert outbox.commit(NOW) == 200
    assert (outbox.fault, outbox.accepted, outbox.waiting) == (None, 201, 201)


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 1 MiB. Needs root; skipped by name otherwise."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small file system can only be mounted as root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_midway_loses_nothing(small_disk: Path):
    box = Outbox(small_disk, 10_000)
    box.add(NOW, state())
    assert box.commit(NOW) == 1
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(bytes(4096))
    refused = 0
    for number in range(300):
        box.add(NOW, state(f"{number} " + "z" * 100))
        refused += box.commit(NOW) == 0
    assert refused and box.fault in {"storage-full", "storage-failing"}
    ballast.unlink()
    box.commit(NOW)
    assert box.fault is None
    assert [e.number for e in box.take(NOW, 1000)] == list(range(1, 302))
    box.close()


def test_two_keepers_cannot_share_a_folder(outbox, tmp_path: Path):
    with pytest.raises(StorageError, match="another keeper"):
        Outbox(tmp_path, 100)


def test_a_file_that_is_no_database_is_refused_in_one_line(tmp_path: Path):
    (tmp_path / "outbox.db").write_bytes(b"no database" * 100)
    with pytest.raises(StorageError, match="move it away and give this unit new keys"):
        Outbox(tmp_path, 100)


def test_kill_in_the_middle_loses_nothing_that_was_accepted(tmp_path: Path):
    script = (
        "import sys; from pathlib import Path\n"
        "from stillroom.keeper.outbox import Outbox\nfrom stillroom.events import StateChanged\n"
        "box = Outbox(Path(sys.argv[1]), 10**6)\n"
        "while True:\n"
        "    box.add(1, StateChanged('empty', 'unknown', ''))\n"
        "    box.commit(1)\n"
        "    print(box.accepted, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    said = [int(process.stdout.readline()) for _ in range(50)]
    os.kill(process.pid, signal.SIGKILL)
    said += [int(line) for line in process.stdout.read().split("\n")[:-1] if line]
    process.wait()
    box = Outbox(tmp_path, 10**6)
    numbers = [e.number for e in box.take(1, 10**6)]
    assert numbers == list(range(1, box.accepted + 1))
    assert box.accepted >= said[-1] >= 50
    box.close()


def test_the_audit_chain_verifies_and_goes_on_after_a_restart(tmp_path: Path):
    for _ in range(2):
        box = Outbox(tmp_path, 100)
        written = AuditChain(box, KEY)
        written.append(NOW, "start", boot=1)
        written.append(NOW, "stop")
        box.commit(NOW)
        box.close()
    box = Outbox(tmp_path, 100)
    links = [e.event for e in box.take(NOW, 99)]
    assert [link.index for link in links] == [1, 2, 3, 4]
    assert chain.verify(map(chain.proof_of, links), KEY.verify_key) == links[-1].head
    box.close()


@pytest.mark.parametrize(
    "change", ["body", "time", "salt", "head", "signature", "another key", "missing", "swapped"]
)
def test_a_chain_that_was_touched_does_not_verify(outbox, change):
    written = AuditChain(outbox, KEY)
    for what in ("start", "gate", "stop"):
        written.append(NOW, what)
    outbox.commit(NOW)
    links = [e.event for e in outbox.take(NOW, 9)]
    chain.verify(map(chain.proof_of, links), KEY.verify_key)
    one = links[1]
    forged = OTHER_KEY.sign(chain.signed_part(2, one.head))
    touched = {
        "body": [links[0], replace(one, body=one.body + b" "), links[2]],
        "time": [links[0], replace(one, at_ms=one.at_ms + 1), links[2]],
        "salt": [links[0], replace(one, salt=bytes(16)), links[2]],
        "head": [links[0], replace(one, head=bytes(32)), links[2]],
        "signature": [links[0], replace(one, signature=bytes(64)), links[2]],
        "another key": [links[0], replace(one, signature=forged), links[2]],
        "missing": [links[0], links[2]],
        "swapped": [links[1], links[0], links[2]],
    }[change]
    with pytest.raises(ValueError, match="link"):
        chain.verify(map(chain.proof_of, touched), KEY.verify_key)


def test_links_and_entries_share_one_commit(tmp_path: Path):
    box = Outbox(tmp_path, 100)
    AuditChain(box, KEY).append(NOW, "start")
    box._database.rollback()
    box.commit(NOW)
    box.close()
    database = sqlite3.connect(tmp_path / "outbox.db")
    assert database.execute("SELECT count(*) FROM audit").fetchone() == (1,)
