"""An outbox that is too full, on a card that is too full: who gives way, that it is told."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stillroom.chain import proof_of, verify
from stillroom.errors import StorageError
from stillroom.events import Audited, ConditionChanged, GateChanged, Lost, StateChanged, Summary
from stillroom.keeper import outbox as module
from stillroom.keeper.audit import AuditChain
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.storage import CardWatch
from stillroom.keys import SigningKey

NOW = 1_800_000_000_000
MB = 1_000_000
KEY = SigningKey(bytes(32))


def state(why: str = "x") -> StateChanged:
    return StateChanged("in-bed", "occupied", why)


def alert(why: str = "") -> ConditionChanged:
    return ConditionChanged("left-bed", "high", True, why)


def summary(minute: int) -> Summary:
    start = NOW + minute * 60_000
    return Summary(start, start + 60_000, "empty", 0.0, 1.0, None, 0.0, None, 0.0)


def account(box: Outbox) -> tuple[set[int], set[int]]:
    """Numbers that are here, and numbers told as lost."""
    entries = box.take(NOW, 10**6)
    lost = {
        n for e in entries if isinstance(e.event, Lost) for a, b in e.event.ranges for n in range(a, b + 1)
    }
    return {e.number for e in entries}, lost


@pytest.mark.parametrize("kinds", ["changes", "mixed", "alerts"])
def test_overflow_without_end_forgets_no_number(tmp_path: Path, kinds: str):
    """What told of a loss must not itself get lost, however long nobody listens."""
    box = Outbox(tmp_path, 100)
    for number in range(2500):
        event = {
            "changes": state(),
            "alerts": alert(),
            "mixed": (state(), alert(), summary(number))[number % 3],
        }
        box.add(NOW, event[kinds])
        if number % 5 == 0:
            box.commit(NOW)
    box.commit(NOW)
    present, lost = account(box)
    assert present | lost == set(range(1, box.accepted + 1))
    assert not present & lost
    assert box.waiting <= 100 + 5
    box.close()


def test_alerts_are_the_last_to_go_and_losses_are_told_early(tmp_path: Path):
    box = Outbox(tmp_path, 100)
    for number in range(90):
        box.add(NOW, alert(str(number)))
    box.commit(NOW)
    for number in range(400):
        box.add(NOW, state(str(number)))
        box.commit(NOW)
    entries = box.take(NOW, 1000)
    assert sum(e.event == alert(str(n)) for n in range(90) for e in entries) == 90
    assert isinstance(entries[90].event, Lost), "after the alerts, before all else"
    box.close()


def test_links_of_the_chain_give_way_after_changes_and_go_later(tmp_path: Path):
    """With one of them missing for good the chain would not verify, though the unit says that it was dropped."""
    box = Outbox(tmp_path, 40)
    box.next_boot()
    chain = AuditChain(box, KEY)
    for number in range(30):
        chain.append(NOW, f"link-{number}")
        box.add(NOW, state())
        box.commit(NOW)
    kept = [e.event.index for e in box.take(NOW, 100) if isinstance(e.event, Audited)]
    assert len(kept) >= 30, "changes have gone"
    for number in range(60):
        box.add(NOW, alert(str(number)))
        box.commit(NOW)
    assert sum(isinstance(e.event, Audited) for e in box.take(NOW, 100)) < 30, "the control: some had to go"
    assert box.held_link[0] == 0, "and none of them counts as delivered"
    arrived: dict[int, Audited] = {}
    for _ in range(10):
        entries = box.take(NOW, 100)
        arrived |= {e.event.index: e.event for e in entries if isinstance(e.event, Audited)}
        box.settle(box.accepted)
        box.add(NOW, state("one more"))
        box.commit(NOW)
    assert verify(map(proof_of, (arrived[n] for n in range(1, 31))), KEY.verify_key) == arrived[30].head
    assert box.dropped_links is None
    box.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB. Needs root; skipped by name otherwise."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small file system can only be mounted as root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path, leave_bytes: int) -> None:
    with (disk / "ballast").open("wb", buffering=0) as file:
        while (disk_free := os.statvfs(disk)).f_bavail * disk_free.f_frsize > leave_bytes:
            file.write(bytes(4096))


def test_a_nearly_full_card_thins_summaries_before_it_is_full(disk: Path):
    box = Outbox(disk, 10**6, reserve_bytes=2 * MB)
    for minute in range(4000):
        box.add(NOW, summary(minute))
        if minute % 1000 == 999:
            box.commit(NOW)
    box.add(NOW, GateChanged("open", "a-1"))
    box.commit(NOW)
    assert box.waiting == 4001, "nothing is dropped while there is room"
    fill(disk, 1 * MB)
    size = (disk / "outbox.db").stat().st_size
    for number in range(600):
        box.add(NOW, state(f"{number} " + "y" * 80))
        box.commit(NOW)
        assert box.fault is None
    assert (disk / "outbox.db").stat().st_size <= size + 300_000
    present, lost = account(box)
    assert present | lost == set(range(1, box.accepted + 1)) and lost
    assert lost <= set(range(1, 8001)), "summaries alone, and what told of them, gave way"
    reasons = {e.event.reason for e in box.take(NOW, 10**6) if isinstance(e.event, Lost)}
    assert reasons == {"card-nearly-full"}
    box.close()


def test_without_a_reserve_the_same_card_gets_full(disk: Path):
    """The control: it is the thinning that keeps the card from filling up."""
    box = Outbox(disk, 10**6)
    for minute in range(4000):
        box.add(NOW, summary(minute))
        if minute % 1000 == 999:
            box.commit(NOW)
    fill(disk, 0)
    faults = set()
    for number in range(9000):
        box.add(NOW, state(f"{number} " + "y" * 80))
        if number % 1000 == 0:
            box.commit(NOW)
            faults.add(box.fault)
    assert faults & {"storage-full", "storage-failing"}
    box.close()


def test_the_condition_tells_numbers_begins_once_and_ends_once(disk: Path):
    box = Outbox(disk, 1000, reserve_bytes=2 * MB)
    watch = CardWatch(box, 2 * MB)
    look = lambda: {code: (active, why) for code, active, why in watch.look()}["storage-nearly-full"]  # noqa: E731
    assert not look()[0]
    fill(disk, 1 * MB)
    active, why = look()
    assert active and "MB free of 8 MB; reserve 2 MB; 0 entries wait" in why
    (disk / "ballast").unlink()
    fill(disk, 2_200_000)
    assert look()[0], "on the edge it stays"
    (disk / "ballast").unlink()
    assert not look()[0]
    box.close()


def test_what_waits_in_memory_is_bounded_and_alerts_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MAX_WAITING_IN_MEMORY", 50)
    box = Outbox(tmp_path, 1000)
    watch = CardWatch(box, 0)
    box.fault = "storage-failing"
    for number in range(40):
        box.add(NOW, alert(str(number)))
    for number in range(200):
        box.add(NOW, state(str(number)))
    assert box.forgotten == 190
    assert ("events-forgotten", True) in {(code, active) for code, active, _ in watch.look()}
    assert box.commit(NOW) == 50
    assert sum(isinstance(e.event, ConditionChanged) for e in box.take(NOW, 100)) == 40
    assert ("events-forgotten", True) not in {(code, active) for code, active, _ in watch.look()}
    box.close()


def test_a_card_that_forgot_commits_goes_on_behind_the_gateways_cursor(tmp_path: Path):
    """It said flushed and was not: numbers of this start may have been used before, so they are given anew."""
    box = Outbox(tmp_path, 1000)
    box.next_boot()
    for number in range(30):
        box.add(NOW, state(f"kept {number}"))
    box.commit(NOW)
    box.close()
    box = Outbox(tmp_path, 1000)
    box.next_boot()
    for number in range(5):
        box.add(NOW, state(f"after {number}"))
    box.commit(NOW)
    promised = box._marks.state.numbers
    box.settle(20, [(26, 50)])
    entries = box.take(NOW, 1000)
    by_why = {e.event.why: e.number for e in entries if isinstance(e.event, StateChanged)}
    assert [by_why[f"after {n}"] for n in range(5)] == list(range(promised + 1, promised + 6))
    assert [by_why[f"kept {n - 1}"] for n in range(21, 26)] == list(range(21, 26))
    assert len(by_why) == 10
    assert account(box)[1] == set(range(51, promised + 1))
    assert box.damage
    box.close()
    again = Outbox(tmp_path, 1000)
    assert {e.number for e in again.take(NOW, 1000)} == {e.number for e in entries}
    with pytest.raises(StorageError, match="beyond"):
        again.settle(10**9)
    again.close()
