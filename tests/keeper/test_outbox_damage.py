"""A damaged card: put aside, told, and no number and no boot is ever used twice."""

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from stillroom.chain import head_of, leaf_of
from stillroom.errors import StorageError
from stillroom.events import Audited, Lost, StateChanged
from stillroom.keeper.audit import AuditChain
from stillroom.keeper.marks import BLOCK, FILE, PLACE_BYTES, Marks
from stillroom.keeper.outbox import Outbox
from stillroom.keys import SigningKey

NOW = 1_800_000_000_000
KEY = SigningKey(bytes(32))


def filled(folder: Path, count: int = 300, settled: int = 10) -> int:
    """An outbox with entries, closed; the highest number used."""
    box = Outbox(folder, 10_000)
    box.next_boot()
    chain = AuditChain(box, KEY)
    chain.append(NOW, "start")
    box.remember("room", b"r-1")
    box.remember("paused", 7, lasting=True)
    for number in range(count - 1):
        box.add(NOW, StateChanged("in-bed", "occupied", f"reading {number} " + "x" * 60))
        if number % 1000 == 999:
            box.commit(NOW)
    box.commit(NOW)
    box.settle(settled)
    accepted = box.accepted
    box.close()
    return accepted


def told_lost(box: Outbox) -> set[int]:
    box.commit(NOW)
    entries = box.take(NOW, 100_000)
    return {
        n for e in entries if isinstance(e.event, Lost) for a, b in e.event.ranges for n in range(a, b + 1)
    }


def here(box: Outbox) -> set[int]:
    return {e.number for e in box.take(NOW, 100_000)}


def header(path: Path) -> None:
    path.write_bytes(b"\xa5" * 100 + path.read_bytes()[100:])


def middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    page = len(data) // 4096 // 2 * 4096
    data[page : page + 4096] = os.urandom(4096)
    path.write_bytes(data)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut_to_nothing(path: Path) -> None:
    os.truncate(path, 0)


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize("ruin", [header, middle, cut, cut_to_nothing, zeros, Path.unlink])
def test_a_damaged_file_is_put_aside_and_each_number_is_here_or_told_lost(tmp_path: Path, ruin):
    used = filled(tmp_path)
    file = tmp_path / "outbox.db"
    ruin(file)
    spoilt = file.read_bytes() if file.exists() else None
    box = Outbox(tmp_path, 10_000)
    assert box.damage
    assert [(tmp_path / name).read_bytes() for name in box.put_aside] == (
        [spoilt] if spoilt is not None else []
    )
    present, lost = here(box), told_lost(box)
    assert set(range(1, used + 1)) <= present | lost
    assert not present & lost
    box.add(NOW, StateChanged("empty", "in-bed", ""))
    before = box.accepted
    assert box.commit(NOW) == 1
    assert min(here(box) - present) > used and box.accepted == before + 1
    assert box.next_boot() == 2
    assert box.recall("paused") == 7, "what is lasting outlives the file"
    box.close()


def test_most_of_a_file_with_one_bad_page_is_saved_as_it_was(tmp_path: Path):
    filled(tmp_path)
    box = Outbox(tmp_path, 10_000)
    before = {e.number: e.event for e in box.take(NOW, 1000)}
    box.close()
    middle(tmp_path / "outbox.db")
    box = Outbox(tmp_path, 10_000)
    after = {e.number: e.event for e in box.take(NOW, 1000) if not isinstance(e.event, Lost)}
    assert len(after) > len(before) / 2
    assert after.items() <= before.items()
    assert box.recall_bytes("room") == b"r-1"
    box.close()


def test_a_second_start_after_damage_finds_nothing_wrong(tmp_path: Path):
    filled(tmp_path)
    middle(tmp_path / "outbox.db")
    box = Outbox(tmp_path, 10_000)
    assert box.next_boot() == 2
    present, accepted = here(box), box.accepted
    box.close()
    box = Outbox(tmp_path, 10_000)
    assert (box.damage, here(box), box.accepted, box.next_boot()) == ("", present, accepted, 3)
    assert box.put_aside, "the file still lies there for somebody to see"
    box.close()


def test_a_power_cut_while_the_new_file_takes_its_place(tmp_path: Path):
    """Between the two renames: the damaged one is aside, the new one has not yet its name."""
    used = filled(tmp_path)
    middle(tmp_path / "outbox.db")
    box = Outbox(tmp_path, 10_000)
    present = here(box)
    box.close()
    (tmp_path / "outbox.db").rename(tmp_path / "outbox.new.db")
    box = Outbox(tmp_path, 10_000)
    assert here(box) == present and box.accepted > used
    box.close()


def test_the_audit_chain_begins_anew_behind_every_index_that_was_used(tmp_path: Path):
    used = filled(tmp_path)
    header(tmp_path / "outbox.db")
    box = Outbox(tmp_path, 10_000)
    index, head = box.last_link() or (0, b"")
    assert index > used and head == bytes(32)
    AuditChain(box, KEY).append(NOW, "start")
    box.commit(NOW)
    assert (box.last_link() or (0, b""))[0] == index + 2, "what was damaged, and the link itself"
    box.close()


def links(box: Outbox) -> list[Audited]:
    return [e.event for e in box.take(NOW, 100_000) if isinstance(e.event, Audited)]


def a_chain(folder: Path, *whats: str) -> list[Audited]:
    """Links written in one start, and all that wait at its end."""
    box = Outbox(folder, 10_000)
    box.next_boot()
    chain = AuditChain(box, KEY)
    for what in whats:
        chain.append(NOW, what)
        box.commit(NOW)
    found = links(box)
    box.close()
    return found


def database_of(folder: Path, to: Path) -> None:
    """The database without its marks: what a card that has lost the last commits comes back with."""
    to.mkdir(exist_ok=True)
    for path in folder.glob("outbox.db*"):
        shutil.copy(path, to)


def test_a_card_that_forgot_links_signs_none_of_them_again(tmp_path: Path):
    state, kept = tmp_path / "state", tmp_path / "kept"
    state.mkdir()
    a_chain(state, "a", "b")
    box = Outbox(state, 10_000)
    box.next_boot()
    database_of(state, kept)
    chain = AuditChain(box, KEY)
    chain.append(NOW, "c")
    box.commit(NOW)
    before = links(box)
    box.close()
    for path in state.glob("outbox.db*"):
        path.unlink()
    database_of(kept, state)
    after = a_chain(state, "d")
    heads = {(link.index, link.head) for link in (*before, *after)}
    assert len(heads) == len({index for index, _ in heads}), "one head for each index"
    assert b"storage-damaged" in after[-2].body and after[-2].index > 4096


def test_commits_that_only_the_gateway_remembers_begin_the_chain_anew_at_once(tmp_path: Path):
    """The marks have forgotten them too: from when the gateway tells, nothing is signed twice."""
    a_chain(tmp_path, "a", "b")
    box = Outbox(tmp_path, 10_000)
    box.next_boot()
    chain = AuditChain(box, KEY)
    chain.append(NOW, "c")
    box.commit(NOW)
    box.settle(9)
    chain.append(NOW, "d")
    box.commit(NOW)
    begun, last = links(box)[-2:]
    assert b"storage-damaged" in begun.body and begun.index > 4096 and last.index == begun.index + 1
    assert begun.head == head_of(bytes(32), begun.index, NOW, leaf_of(begun.salt, begun.body))
    box.close()
    assert a_chain(tmp_path, "e")[-1].index == last.index + 1, "and a restart goes on"


def test_a_chain_that_begins_anew_names_the_newest_link_that_was_delivered(tmp_path: Path):
    box = Outbox(tmp_path, 10_000)
    box.next_boot()
    chain = AuditChain(box, KEY)
    heads = {0: bytes(32)}
    for number in range(1, 6):
        chain.append(NOW, f"link-{number}")
        box.commit(NOW)
        heads[number] = links(box)[-1].head
        box.settle(max(number - 1, 0))
    assert box.held_link == (3, heads[3]), "as of the commit of the fifth, when the fourth still waited"
    box.settle(5)
    assert box.held_link == (5, heads[5]), "at once, where no other link waits"
    box.close()
    header(tmp_path / "outbox.db")
    began = next(link for link in a_chain(tmp_path, "start") if b"storage-damaged" in link.body)
    said = msgspec.json.decode(began.body)
    assert (said["after"], bytes.fromhex(said["head"])) == (5, heads[5])


def test_damage_found_while_running_loses_nothing_that_waits_in_memory(tmp_path: Path):
    used = filled(tmp_path, 6000, settled=0)
    box = Outbox(tmp_path, 10_000)
    box.next_boot()
    middle(tmp_path / "outbox.db")
    box.add(NOW, StateChanged("empty", "in-bed", "said meanwhile"))
    box.take(NOW, 10_000)
    assert box.damage and box.put_aside
    box.commit(NOW)
    present, lost = here(box), told_lost(box)
    assert set(range(1, used + 1)) <= present | lost
    assert any(getattr(e.event, "why", "") == "said meanwhile" for e in box.take(NOW, 100_000))
    box.close()


def test_one_bit_inside_an_entry_is_found_and_told(tmp_path: Path):
    filled(tmp_path)
    file = tmp_path / "outbox.db"
    data = bytearray(file.read_bytes())
    data[data.index(b"reading 200 ") + 8] ^= 1
    file.write_bytes(data)
    box = Outbox(tmp_path, 10_000)
    assert not box.damage, "SQLite sees nothing wrong"
    before = box.take(NOW, 1000)
    assert box.damage
    lost = told_lost(box)
    assert len(lost) == 1 and not lost & {e.number for e in before}
    box.close()


def test_an_earlier_copy_of_the_file_uses_no_number_again(tmp_path: Path):
    filled(tmp_path)
    shutil.copy(tmp_path / "outbox.db", tmp_path / "copy")
    for _ in range(3):
        box = Outbox(tmp_path, 10_000)
        box.next_boot()
        for _ in range(20):
            box.add(NOW, StateChanged("empty", "in-bed", ""))
        box.commit(NOW)
        used, boot = box.accepted, box.recall("boot")
        box.close()
    (tmp_path / "copy").replace(tmp_path / "outbox.db")
    box = Outbox(tmp_path, 10_000)
    assert "earlier copy" in box.damage
    assert box.accepted > used and box.next_boot() == boot + 1
    assert set(range(1, used + 1)) <= here(box) | told_lost(box)
    box.close()


def test_damaged_files_are_kept_but_not_without_end(tmp_path: Path):
    filled(tmp_path)
    for _ in range(6):
        header(tmp_path / "outbox.db")
        box = Outbox(tmp_path, 10_000)
        box.next_boot()
        box.close()
    assert len(box.put_aside) == 3


def test_without_file_and_marks_nobody_knows_the_numbers_and_it_is_refused(tmp_path: Path):
    filled(tmp_path)
    header(tmp_path / "outbox.db")
    (tmp_path / FILE).write_bytes(bytes(2 * PLACE_BYTES))
    for _ in range(2):
        with pytest.raises(StorageError, match="new keys"):
            Outbox(tmp_path, 10_000)


@pytest.mark.parametrize("marks", [None, b"", b"junk", bytes(2 * PLACE_BYTES)])
def test_marks_are_made_again_from_a_sound_file(tmp_path: Path, marks):
    used = filled(tmp_path)
    (tmp_path / FILE).unlink() if marks is None else (tmp_path / FILE).write_bytes(marks)
    box = Outbox(tmp_path, 10_000)
    assert (box.damage, box.accepted, box.next_boot()) == ("", used, 2)
    box.close()
    assert Marks(tmp_path).state.numbers == used + BLOCK


@pytest.mark.parametrize("place", [0, PLACE_BYTES])
def test_one_ruined_place_of_the_marks_takes_nothing_away(tmp_path: Path, place: int):
    filled(tmp_path)
    whole = (tmp_path / FILE).read_bytes()
    state = Marks(tmp_path).state
    for at in range(200):
        data = bytearray(whole)
        data[place + at] ^= 0x10
        (tmp_path / FILE).write_bytes(data)
        assert Marks(tmp_path).state == state
    (tmp_path / FILE).write_bytes(whole[:place] + bytes(PLACE_BYTES) + whole[place + PLACE_BYTES :])
    assert Marks(tmp_path).state == state


def test_marks_cut_off_while_writing_are_the_ones_before_or_after(tmp_path: Path):
    filled(tmp_path)
    before = Marks(tmp_path)
    old = (tmp_path / FILE).read_bytes()
    before.write(boot=9)
    new = (tmp_path / FILE).read_bytes()
    states = []
    for done in range(0, 2 * PLACE_BYTES + 1, 64):
        (tmp_path / FILE).write_bytes(new[:done] + old[done:])
        states.append(Marks(tmp_path).state.boot)
    assert set(states) == {1, 9} and states == sorted(states)
