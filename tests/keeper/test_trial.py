"""A configuration from afar is on trial first: kept where the unit does well with it, else rolled back, for good."""

from pathlib import Path

import pytest
from tests.commanded import Commanded
from tests.keeper.test_configuration import BED, changed
from tests.rig import SOMEWHERE, observation

from stillroom.keeper.settings import CONFIGURATION_FILE, KEPT_FILE
from stillroom.keeper.trial import FRAMES_WITHIN_S, LASTS_S
from stillroom.link import Fault


@pytest.fixture
def told(tmp_path: Path) -> Commanded:
    return Commanded(tmp_path)


def dwell_s(told: Commanded) -> float:
    return told.rig.unit._room._machine._config.bed_dwell_s


def trials(told: Commanded) -> list[tuple[str, int]]:
    return [
        (link["what"], link["version"])
        for link in told.audited("configuration-kept", "configuration-rolled-back")
    ]


def test_one_with_which_frames_come_is_kept(told: Commanded) -> None:
    told.tell(1, told.paper())
    told.rig.see(SOMEWHERE, 2)
    told.tell(2, told.sign(changed(told, bed_dwell_ms=9_000)))
    assert dwell_s(told) == 9.0, "at once"
    told.rig.see(SOMEWHERE, LASTS_S - 2)
    assert trials(told) == []
    told.rig.see(SOMEWHERE, 4)
    assert trials(told) == [("configuration-kept", 1)] and dwell_s(told) == 9.0
    assert (told.trust / KEPT_FILE).read_bytes() == (told.trust / CONFIGURATION_FILE).read_bytes()


def test_where_no_camera_may_be_open_no_frame_is_asked_for(told: Commanded) -> None:
    told.tell(1, told.sign(changed(told, bed_dwell_ms=9_000)))
    told.rig.beat(LASTS_S + 2)
    assert trials(told) == [("configuration-kept", 1)]


def kept_first(told: Commanded) -> None:
    """Version 1 has passed; the camera is open, and frames come."""
    told.tell(1, told.paper())
    told.tell(2, told.sign(changed(told, bed_dwell_ms=9_000)))
    told.rig.see(SOMEWHERE, LASTS_S + 2)


def test_without_frames_the_one_before_is_in_force_again(told: Commanded) -> None:
    kept_first(told)
    told.tell(3, told.sign(changed(told, 2, bed_dwell_ms=5_000, bed=BED)))
    assert dwell_s(told) == 5.0
    told.rig.beat(FRAMES_WITHIN_S + 2)
    assert dwell_s(told) == 9.0 and told.rig.unit._room._zones.bed is None, "whole"
    assert trials(told)[-1] == ("configuration-rolled-back", 2)
    snapshot = told.rig.slot().snapshot
    assert "configuration-refused" in snapshot.faults


def test_a_condition_that_begins_rolls_it_back_and_one_that_stood_does_not(told: Commanded) -> None:
    kept_first(told)
    told.rig.unit.from_eye(Fault("camera-failed", "no camera"))
    told.tell(3, told.sign(changed(told, 2, bed_dwell_ms=5_000)))
    told.rig.see(SOMEWHERE, LASTS_S + 2)
    assert trials(told)[-1] == ("configuration-kept", 2)
    told.rig.unit._faults.say("camera-failed", False, "")
    told.tell(4, told.sign(changed(told, 3, bed_dwell_ms=6_000)))
    told.rig.see(SOMEWHERE, 2)
    told.rig.unit.from_eye(Fault("camera-failed", "no camera"))
    told.rig.see(SOMEWHERE, 2)
    assert trials(told)[-1] == ("configuration-rolled-back", 3) and dwell_s(told) == 5.0


def restart(told: Commanded, *, orderly: bool) -> None:
    if orderly:
        told.rig.unit.close()
    else:  # killed: nothing is said, and what was not committed is gone
        told.rig.unit._outbox._database.rollback()
        told.rig.unit._outbox.close()
    told.rig.start()
    told.rig.beat()


def test_what_was_rolled_back_stays_so_over_a_restart_until_a_higher_version(told: Commanded) -> None:
    kept_first(told)
    told.tell(3, told.sign(changed(told, 2, bed_dwell_ms=5_000)))
    told.rig.beat(FRAMES_WITHIN_S + 2)
    restart(told, orderly=True)
    assert dwell_s(told) == 9.0 and told.rig.unit._faults.stands("configuration-refused")
    told.tell(4, told.sign(changed(told, 2, bed_dwell_ms=5_000)))
    told.rig.beat()
    assert dwell_s(told) == 9.0, "the same once more is not a new one"
    told.tell(5, told.sign(changed(told, 3, bed_dwell_ms=6_000)))
    told.rig.beat()
    assert dwell_s(told) == 6.0 and not told.rig.unit._faults.stands("configuration-refused")


def test_a_keeper_that_falls_over_within_a_trial_starts_without_it(told: Commanded) -> None:
    kept_first(told)
    told.rig.unit._commit(told.rig.clock.utc_ms())
    told.tell(3, told.sign(changed(told, 2, bed_dwell_ms=5_000)))
    assert dwell_s(told) == 5.0
    restart(told, orderly=False)
    assert dwell_s(told) == 9.0 and told.rig.unit._faults.stands("configuration-refused")


def test_a_stop_in_good_order_is_no_failure(told: Commanded) -> None:
    told.tell(1, told.sign(changed(told, bed_dwell_ms=5_000)))
    restart(told, orderly=True)
    assert dwell_s(told) == 5.0
    told.rig.beat(LASTS_S + 2)
    assert trials(told)[-1] == ("configuration-kept", 1)


def test_the_first_one_is_rolled_back_to_what_was_installed(told: Commanded) -> None:
    told.tell(1, told.paper())
    told.tell(2, told.sign(changed(told, bed_dwell_ms=9_000)))
    told.rig.beat(FRAMES_WITHIN_S + 2)
    assert dwell_s(told) == told.rig.settings.room.bed_dwell_s
    assert told.rig.unit._papers.changes.version == 0


BAD = {
    "cut short": (lambda told, note: note[:-40], "form"),
    "by the wrong key": (lambda told, _: told.sign(changed(told, 2), told.site.keys("board")), "signer"),
    "for another unit": (lambda told, _: told.sign(changed(told, 2, unit="u-2")), "file"),
    "of a lower version": (lambda told, _: told.sign(changed(told, 1, bed_dwell_ms=700)), "file"),
    "not one at all": (lambda told, _: b"\x00" * 100, "form"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_one_put_there_by_hand_is_one_line_and_a_link_once(
    told: Commanded, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told.tell(1, told.sign(changed(told, 2, bed_dwell_ms=9_000)))
    spoil, code = BAD[what]
    path = told.trust / CONFIGURATION_FILE
    path.write_bytes(spoil(told, path.read_bytes()))
    capsys.readouterr()
    told.rig.beat(4)
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and str(path) in err and "Traceback" not in err
    refused = [link for link in told.audited("document-refused") if link["file"] == "configuration"]
    assert [link["reason"] for link in refused] == [code] and dwell_s(told) == 9.0


def test_observations_alone_end_no_trial_early(told: Commanded) -> None:
    told.tell(1, told.paper())
    told.tell(2, told.sign(changed(told, bed_dwell_ms=9_000)))
    told.rig.beat()
    told.rig.unit.from_eye(observation(told.rig.clock, SOMEWHERE, 0.02))
    told.rig.beat(FRAMES_WITHIN_S + 2)
    assert trials(told) == []
