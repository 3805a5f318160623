"""Recordings under a release: announced, sealed, whole, ended by whatever closes the gate, and gone in their time."""

import resource
from datetime import timedelta
from pathlib import Path

import pytest
from tests.recorded import ADVOCATE, CUSTODIAN, MANAGER, STRANGER, Recorded

from stillroom.document_forms import now
from stillroom.errors import WireError
from stillroom.orders import Halt
from stillroom.release_wire import how_it_ended, open_chunk


@pytest.fixture
def unit(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def test_the_light_first_then_chunks_then_an_end_that_is_signed(unit: Recorded):
    assert unit.release(until=now(unit.rig.clock) + timedelta(seconds=8)) == "done"
    assert unit.light == "record" and unit.asked is None, "a second of light alone"
    unit.beat(0.6)
    assert unit.asked is None and not unit.files()
    unit.beat(10.0)
    assert unit.asked is None and unit.light == "steady"
    (file,) = unit.files()
    blocks = unit.blocks(file)
    assert [block.what for block in blocks] == [1] * (len(blocks) - 1) + [2] and 5 <= len(blocks) - 1 <= 8
    assert how_it_ended(blocks[-1]) == "over"
    shown = open_chunk(blocks[0], CUSTODIAN.boxes[0])
    assert (shown.width_px, shown.height_px, len(shown.luma), shown.missed) == (192, 144, 5, 0)
    assert {bytes(set(luma)) for luma in shown.luma} == {bytes([200])}
    assert list(shown.at_ms) == sorted(shown.at_ms) and shown.at_ms[-1] < 2_000
    assert unit.story() == [("release-seen", None), ("release-started", None), ("release-ended", "over")]
    started, ended = unit.links()[1:]
    assert started.items() >= {"file": 1, "level": "192x144/5", "by": "matron ann"}.items()
    assert ended["chunks"] == len(blocks) - 1 and ended["link"] == blocks[-1].link.hex()
    unit.beat(3.0)
    assert len(unit.files()) == 1


def test_nobody_but_the_custodian_opens_it_and_nothing_lies_there_in_clear(unit: Recorded):
    unit.release()
    unit.beat(4.0)
    unit.withdraw()
    (file,) = unit.files()
    block = unit.blocks(file)[0]
    with pytest.raises(WireError, match="wrap"):
        open_chunk(block, STRANGER.boxes[0])
    for path in (unit.rig.folder / "state").rglob("*"):
        assert path.is_dir() or bytes([200]) * 32 not in path.read_bytes(), path


def test_no_release_no_recording(unit: Recorded):
    unit.beat(5.0)
    assert unit.asked is None and not unit.folder.exists() and unit.recorder is None


@pytest.mark.parametrize("close", ["button", "halt", "withdraw", "authorisation", "lapse", "light"])
def test_whatever_closes_the_gate_ends_it_at_once(unit: Recorded, close: str):
    unit.release(until=now(unit.rig.clock) + timedelta(days=6))
    unit.beat(4.0)
    assert unit.asked is not None
    if close == "button":
        unit.rig.unit.button()
    elif close == "halt":
        unit.command(unit.told.sign(Halt(now(unit.rig.clock), "h-1", "test", "u-1")))
    elif close == "withdraw":
        assert unit.withdraw() == "done"
    elif close == "authorisation":
        unit.command(unit.told.end("a-0"))
    elif close == "lapse":
        unit.rig.clock.pass_time(timedelta(days=3))
    else:
        (unit.rig.folder / "run" / "indicator").unlink()
        (unit.rig.folder / "run" / "indicator.new").mkdir()
    unit.rig.beat(0.8)
    chunks = unit.links()[-1]["chunks"]
    assert unit.story()[-1][0] == "release-ended" and not unit.recorder.announced
    assert unit.rig.may_start == (close == "withdraw")
    unit.beat(3.0)
    assert unit.recorder._running is None and len(unit.blocks(unit.files()[0])) == chunks + 1


def test_after_a_pause_it_goes_on_in_another_file_and_is_announced_anew(unit: Recorded):
    unit.release()
    unit.beat(4.0)
    unit.rig.unit.button()
    unit.beat(1.0)
    unit.rig.unit.button()
    assert unit.light == "record" and unit.asked is None
    unit.beat(4.0)
    unit.withdraw()
    assert [how for what, how in unit.story() if what == "release-ended"] == ["paused", "withdrawn"]
    assert [unit.opened(path) > 0 for path in unit.files()] == [True, True]


def test_an_eye_that_died_is_followed_by_another_file(unit: Recorded):
    unit.release()
    unit.beat(4.0)
    unit.kill_eye()
    unit.beat(4.0)
    unit.withdraw()
    assert [path.name for path in unit.files()] == ["r-1-0001.stlc", "r-1-0002.stlc"]
    assert ("release-ended", "camera-closed") in unit.story()


def test_a_withdrawn_release_never_comes_back(unit: Recorded):
    note = unit.sign(unit.paper(), (MANAGER, ADVOCATE))
    assert unit.command(note) == "done"
    unit.beat(3.0)
    assert unit.withdraw() == "done"
    assert unit.command(note) == "withdrawn"
    (unit.told.trust / "release-withdrawals" / "r-1.note").unlink()
    unit.rig.unit.close()
    unit.rig.start()
    unit.rig.beat(2.0)
    assert not unit.recorder.announced


def test_no_more_than_its_size_is_written(unit: Recorded):
    unit.release(max_mb=1)
    unit.beat(20.0)
    (file,) = unit.files()
    assert file.stat().st_size <= 1_000_000 and how_it_ended(unit.blocks(file)[-1]) == "used-up"
    assert unit.story()[-2:] == [("release-ended", "used-up"), ("release-refused", "used-up")]


def test_a_release_without_space_is_refused_and_begins_when_there_is_some(unit: Recorded, monkeypatch):
    unit.recorder or unit.put(b"x", "nothing")
    unit.rig.beat()
    monkeypatch.setattr(unit.recorder, "_free_bytes", lambda: 70_000_000)
    unit.release(max_mb=20)
    unit.beat(2.0)
    assert unit.story()[-1] == ("release-refused", "space") and unit.asked is None and not unit.files()
    monkeypatch.undo()
    unit.beat(3.0)
    assert unit.asked is not None and unit.files()


def test_a_card_that_fills_ends_it_and_leaves_what_was_written_whole(unit: Recorded):
    """The limit of a file's size stands for a full card: the write itself fails, in the middle of a block."""
    unit.release()
    unit.beat(4.0)
    (file,) = unit.files()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = file.stat().st_size
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100_000, before[1]))
        unit.beat(1.4)
        unit.recorder.settle()
        unit.beat(0.4)
        unit.recorder.settle()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    blocks = unit.blocks(file)
    assert how_it_ended(blocks[-1]) == "card-full" and file.stat().st_size < size + 1_000
    assert unit.opened(file) == 5 * (len(blocks) - 1)
    ended = next(link for link in unit.links() if link["what"] == "release-ended")
    assert ended["how"] == "card-full" and ended["chunks"] == len(blocks) - 1


def test_less_than_the_reserve_ends_it(unit: Recorded, monkeypatch):
    unit.release()
    unit.beat(4.0)
    monkeypatch.setattr(unit.recorder, "_free_bytes", lambda: 1_000_000)
    unit.beat(0.4)
    assert unit.story()[-2:] == [("release-ended", "card-full"), ("release-refused", "space")]


def test_what_a_power_cut_broke_off_gets_its_end_at_the_next_start(unit: Recorded):
    unit.release()
    unit.beat(5.0)
    (file,) = unit.files()
    unit.rig.unit._outbox.commit(unit.rig.clock.utc_ms())
    unit.rig.unit._outbox.close()  # no goodbye
    whole = file.stat().st_size
    with file.open("ab") as torn:
        torn.write(file.read_bytes()[:5_000])
    unit.rig.start()
    unit.rig.beat()
    blocks = unit.blocks(file)
    assert how_it_ended(blocks[-1]) == "interrupted" and file.stat().st_size < whole + 1_000
    ended = next(link for link in unit.links() if link.get("how") == "interrupted")
    assert (ended["chunks"], ended["link"]) == (len(blocks) - 1, blocks[-1].link.hex())
    unit.beat(4.0)
    assert len(unit.files()) == 2, "and it goes on in another file"


@pytest.mark.parametrize("how", ["running", "restart", "clock"])
def test_what_expired_is_deleted_while_it_runs_or_at_the_next_start(unit: Recorded, how: str):
    unit.release(until=now(unit.rig.clock) + timedelta(seconds=6))
    unit.beat(8.0)
    assert unit.files()
    if how == "running":
        unit.rig.clock.pass_time(timedelta(days=6, hours=23))
        unit.rig.beat()
        assert unit.files()
        unit.rig.clock.pass_time(timedelta(hours=1))
        unit.rig.beat()
    else:
        unit.rig.unit.close()
        unit.rig.clock.boot(timedelta(days=8))
        if how == "clock":
            unit.rig.hear_time = lambda: None  # type: ignore[method-assign]
        unit.rig.start()
        unit.rig.beat()
    assert not (unit.folder / "r-1").exists()
    deleted = unit.links()[-1]
    assert deleted.items() >= {"what": "release-deleted", "files": 1, "why": "expired"}.items()
    assert deleted["clock"] == ("grace" if how == "clock" else "gateway")


def test_a_clock_that_is_behind_keeps_it_until_the_gateway_has_told_the_time(unit: Recorded):
    unit.release(until=now(unit.rig.clock) + timedelta(seconds=6))
    unit.beat(8.0)
    unit.rig.unit.close()
    unit.rig.clock.boot(timedelta(days=8))
    unit.rig.clock.turn(-timedelta(days=8))
    hear, unit.rig.hear_time = unit.rig.hear_time, lambda: None  # type: ignore[method-assign]
    unit.rig.start()
    unit.rig.beat(2.0)
    assert (unit.folder / "r-1").exists(), "nobody knows how long it was off"
    unit.rig.clock.turn(timedelta(days=8))
    hear()
    unit.rig.beat()
    assert not (unit.folder / "r-1").exists()


def test_a_note_on_the_card_cannot_make_it_last_longer(unit: Recorded):
    unit.release(until=now(unit.rig.clock) + timedelta(seconds=6))
    unit.beat(8.0)
    longer = unit.paper(expires=now(unit.rig.clock) + timedelta(days=60))
    (unit.folder / "r-1" / "release.note").write_bytes(unit.sign(longer, (MANAGER,)))
    unit.rig.clock.pass_time(timedelta(days=8))
    unit.rig.beat()
    assert not (unit.folder / "r-1").exists()


def test_half_a_minute_without_a_picture_is_written_down_once(unit: Recorded):
    unit.release()
    unit.beat(3.0)
    unit.eye_works = False
    unit.beat(70.0)
    assert [what for what, _ in unit.story()].count("release-no-pictures") == 1
    assert unit.light == "record", "they may come again"


def test_many_releases_one_after_another_are_no_burden_to_the_unit(unit: Recorded):
    """What it must remember of each lies in its database alone: the page beside it holds a few things."""
    for number in range(20):
        assert unit.release(f"r-{number}", until=now(unit.rig.clock) + timedelta(seconds=3)) == "done"
        unit.beat(3.0)
    unit.rig.unit.close()
    unit.rig.start()
    unit.rig.beat()
    assert unit.rig.unit._outbox.damage == ""
    assert len(unit.rig.unit._outbox._marks.state.kept) < 12


def test_a_card_that_forgot_its_files_writes_over_none(unit: Recorded):
    unit.release()
    unit.beat(3.0)
    unit.rig.unit.button()
    (first,) = unit.files()
    before = first.read_bytes()
    unit.rig.unit._outbox.remember("release files r-1", 0)
    unit.rig.unit.button()
    unit.beat(4.0)
    assert [path.name[-9:] for path in unit.files()] == ["0001.stlc", "0002.stlc"]
    assert first.read_bytes() == before
