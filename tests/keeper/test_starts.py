"""Crash loops: what counts as a failure, what ten of them bring about, and how it becomes good again."""

from pathlib import Path

import pytest
from tests.rig import SOMEWHERE, Rig, observation

from stillroom.clock import NS_PER_S
from stillroom.keeper.starts import COMES_WITHIN_NS, FILE, GOOD_AFTER_NS, MOST, SafeMode, Starts
from stillroom.link import EYE_END

BEAT_NS = NS_PER_S // 5


class Life:
    """A `SafeMode` and its clock, beat by beat."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now_ns = folder, 0
        self.start()

    def start(self) -> None:
        self.starts = Starts(self.folder)
        self.safe = SafeMode(self.starts, self.now_ns)

    def lend(self, beats: int = 1, *, sees: bool = False) -> None:
        for _ in range(beats):
            self.now_ns += BEAT_NS
            self.safe.pass_time(self.now_ns)
            if self.safe.on:
                self.safe.withhold()
            else:
                self.safe.lend(self.now_ns)
                if sees:
                    self.safe.sees(self.now_ns)

    def fail(self) -> None:
        self.lend(sees=True)
        self.safe.lost_eye()
        self.lend()


MINUTE = GOOD_AFTER_NS // BEAT_NS + 1


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


def test_nine_are_forgiven_after_a_minute(life: Life):
    for _ in range(MOST - 1):
        life.fail()
    assert not life.safe.on and life.starts.failures["eye"] == MOST - 1
    life.lend(MINUTE + 1, sees=True)
    assert life.starts.failures["eye"] == 0
    for _ in range(MOST - 1):
        life.fail()
    assert not life.safe.on


def test_the_tenth_makes_it_safe_and_each_trial_is_one(life: Life):
    for _ in range(MOST):
        life.fail()
    assert life.safe.on and "the eye 10" in life.safe.trouble
    life.lend(MINUTE - 3)
    assert life.safe.on, "not yet a minute"
    life.lend(4)
    assert not life.safe.on and life.safe.trouble, "one trial; what happened is not forgotten"
    life.fail()
    assert life.safe.on
    life.lend(MINUTE + 1)
    life.lend(MINUTE + 1, sees=True)
    assert not life.safe.on and not life.safe.trouble


def test_it_is_known_after_a_reboot(life: Life):
    for _ in range(MOST):
        life.fail()
    life.start()
    assert life.safe.on


def test_an_eye_that_had_to_end_has_not_failed(life: Life):
    for _ in range(2 * MOST):
        life.lend(sees=True)
        life.safe.lost_eye()
        life.safe.withhold()  # the gate has closed
    assert life.starts.failures["eye"] == 0


def test_an_eye_that_never_comes_has_failed_in_its_time(life: Life):
    life.lend(COMES_WITHIN_NS // BEAT_NS)
    assert life.starts.failures["eye"] == 0
    life.lend(2)
    assert life.starts.failures["eye"] == 1


def test_a_keeper_that_crashes_is_counted_and_one_that_ends_in_order_is_not(life: Life):
    for _ in range(MOST):
        life.start()
        assert not life.safe.on
        life.safe.begin()
    life.start()
    assert life.safe.on and "the keeper 10" in life.safe.trouble
    life.safe.begin()
    life.safe.end()
    life.start()
    assert life.starts.failures["keeper"] == MOST, "and as before"
    life.safe.begin()
    life.lend(2 * MINUTE + 2, sees=True)
    assert life.starts.failures["keeper"] == 0, "a minute safe, and a minute tried"


@pytest.mark.parametrize("data", [b"", b"nonsense", b'{"keeper":-1}', b'{"who":3}', b'{"keeper":"9"}', b"[]"])
def test_a_file_that_is_no_count_is_none(tmp_path: Path, data: bytes):
    (tmp_path / FILE).write_bytes(data)
    assert Starts(tmp_path).failures == {"keeper": 0, "eye": 0}


def test_a_card_that_takes_nothing_counts_in_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    starts = Starts(tmp_path / "absent")
    starts.set("eye", MOST)
    assert starts.trouble and "absent" in capsys.readouterr().err


def test_ten_failures_of_the_eye_and_what_follows(tmp_path: Path):
    """In a whole keeper: dark, told as a condition and as the gate's word, obeying nothing; then good again."""
    rig = Rig(tmp_path)
    rig.authorise()
    for _ in range(MOST):
        rig.beat(1.0)
        assert rig.may_start
        rig.unit.eye_gone()
    rig.beat(1.0)
    assert not rig.may_start
    snapshot = rig.slot().snapshot
    assert (snapshot.gate, "crash-loop" in snapshot.faults) == ("safe-mode", True)
    told = [entry.event for entry in rig.entries()]
    assert any(getattr(event, "kind", "") == "crash-loop" and event.active for event in told)
    assert any(getattr(event, "gate", "") == "safe-mode" for event in told)
    rig.beat(61.0)
    assert rig.may_start, "one trial"
    assert "crash-loop" in rig.slot().snapshot.faults
    for _ in range(310):
        rig.beat()
        rig.unit.from_eye(observation(rig.clock, SOMEWHERE, 0.02))
    snapshot = rig.slot().snapshot
    assert (snapshot.gate, "crash-loop" in snapshot.faults) == ("open", False)


def test_systemd_is_told_that_no_eye_may_live_once_the_last_lease_is_over(tmp_path: Path):
    rig = Rig(tmp_path)
    end = rig.folder / "run" / EYE_END
    rig.authorise()
    rig.beat(1.0)
    assert rig.may_start and not end.exists()
    rig.withdraw()
    rig.beat(0.4)
    assert not rig.may_start and not end.exists(), "it may still end in order"
    rig.beat(1.0)
    assert end.exists()
    rig.authorise()
    rig.beat(1.0)
    assert rig.may_start and not end.exists()


def test_a_cursor_that_is_not_obeyed_is_no_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The keeper's watchdog is not petted then; a card that fails, which is said, is another matter."""
    rig = Rig(tmp_path)
    rig.beat(1.0)
    rig.slot()
    delivery, outbox = rig.unit._delivery, rig.unit._outbox
    delivery._settle(1, ())
    assert rig.unit.gets_on
    monkeypatch.setattr(outbox, "settle", lambda cursor, ranges: None)
    delivery._settle(2, ())
    assert not rig.unit.gets_on
    outbox.fault = "storage-failing"
    assert rig.unit.gets_on
    outbox.fault = None
    monkeypatch.undo()
    delivery._settle(2, ())
    assert rig.unit.gets_on
