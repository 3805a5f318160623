"""The table of states: whole, obeyed, shown in README. Whoever is still is held; whoever was carried out is not."""

from pathlib import Path
from typing import get_args

import pytest

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig
from stillroom.events import RoomState
from stillroom.keeper.occupancy import Evidence
from stillroom.keeper.state import MAX_WHY, RoomStateMachine
from stillroom.keeper.states import ALL, ARROWS, HELD, MEANINGS, SOMEBODY, UNSEEN_S, Cause
from stillroom.observation import Box
from stillroom_tools.states import diagram

README = Path(__file__).resolve().parents[2] / "README.md"
NIGHT_S = 8 * 3600


def test_readme_holds_the_diagram_of_this_table():
    assert f"```\n{diagram()}```" in README.read_text(encoding="utf-8"), (
        "README: put there what `.venv/bin/python -m stillroom_tools.states` prints"
    )


def test_the_table_is_whole():
    assert set(MEANINGS) == set(ALL) == set(get_args(RoomState)) and set(ARROWS) == set(get_args(Cause))
    for arrow in ARROWS.values():
        assert arrow.to not in arrow.after and arrow.after
        assert not arrow.dwell or getattr(RoomConfig(), arrow.dwell) > 0
    for state in ALL:
        assert any(arrow.to == state for arrow in ARROWS.values()), f"no way to {state}"
        assert any(state in arrow.after for arrow in ARROWS.values()), f"no way out of {state}"


def test_what_is_held_is_ended_by_no_silence():
    assert not ARROWS["unseen"].after & HELD and HELD < SOMEBODY
    assert ARROWS["doubt"].after == {"empty"} and ARROWS["still"].after == {"unknown"}


class Night:
    """Evidence, five a second, into a machine; keeps every change."""

    def __init__(self, bathroom: bool = False, **config) -> None:
        self.machine = RoomStateMachine(RoomConfig(**config), bathroom)
        self.now = 0
        self.changes: list = []

    def feed(self, seconds: float, *, place="nowhere", moving=False, door=None, known=False, **more) -> str:
        seen = Evidence(place, moving, door, known, "numbers", **more)
        for _ in range(round(seconds * 5)):
            change = self.machine.feed(self.now * NS_PER_S // 5, seen)
            self.changes += [change] if change else []
            self.now += 1
        return self.machine.state

    def quiet(self, seconds: float, **more) -> str:
        return self.feed(seconds, **more)

    def walks(self, seconds: float, **more) -> str:
        return self.feed(seconds, place="off-bed", moving=True, **more)

    def asleep(self) -> "Night":
        self.walks(2, door="door")
        assert self.feed(5, place="bed", moving=True) == "in-bed"
        assert self.quiet(60) == "in-bed"
        return self


def test_a_still_person_under_covers_is_held_all_night_with_the_detector_silent():
    for silent in ({}, {"people": 0, "sure": True}, {"people": 0, "sure": False}, {"people": None}):
        night = Night().asleep()
        before = len(night.changes)
        assert night.quiet(NIGHT_S, **silent) == "in-bed"
        assert len(night.changes) == before


def test_whoever_goes_out_by_himself_is_not_held():
    night = Night().asleep()
    assert night.walks(3) == "out-of-bed"
    night.walks(1, door="door")
    assert night.quiet(8) == "empty"
    assert "door" in night.changes[-1].why


def test_a_nurse_who_looks_in_and_goes_leaves_the_sleeper_in_bed():
    night = Night().asleep()
    for _ in range(6):
        before = len(night.changes)
        night.walks(1, door="door")
        assert night.walks(20) == "in-bed"
        night.walks(1, door="door")
        assert night.quiet(600) == "in-bed"
        assert len(night.changes) == before


def test_two_whom_a_model_is_sure_of_and_one_goes():
    night = Night().asleep()
    night.walks(1, door="door")
    assert night.walks(5, people=2, sure=True) == "several-people"
    night.walks(1, door="door")
    assert night.quiet(8) == "in-bed"
    assert "a visitor left" in night.changes[-1].why


def test_somebody_carried_out_of_the_door_is_not_held():
    night = Night().asleep()
    night.walks(1, door="door")
    night.walks(5)
    assert night.feed(20, place="bed", moving=True) == "in-bed"
    night.walks(5)
    night.walks(2, door="door")
    assert night.quiet(8) == "unknown"
    assert "a visitor was at the bed and left by the door" in night.changes[-1].why
    known = Night().asleep()
    known.walks(1, door="door")
    known.feed(20, place="bed", moving=True)
    known.walks(2, door="door")
    known.feed(2, known=True)
    assert known.feed(8, known=True) in ("empty", "unknown")


def test_after_a_visitor_at_the_bed_whoever_breathes_there_is_in_bed_again():
    night = Night().asleep()
    night.walks(1, door="door")
    night.feed(20, place="bed", moving=True)
    night.walks(2, door="door")
    night.quiet(8)
    assert night.feed(5, place="bed") == "in-bed"


def test_a_sleeper_who_is_helped_up_is_out_of_bed_after_a_minute():
    night = Night().asleep()
    night.walks(1, door="door")
    night.feed(10, place="bed", moving=True)
    assert night.walks(55) == "in-bed"
    assert night.walks(10) == "out-of-bed"


@pytest.mark.parametrize(("seen", "state"), [(2, "out-of-bed"), (3, "in-bed")])
def test_two_off_the_bed_are_no_sleeper_who_is_up_where_three_were_seen(seen, state):
    """Two nurses turn a sleeper, and he is not found behind them: one of the two is found alone then, off the bed."""
    night = Night().asleep()
    night.walks(1, door="door")
    night.walks(4, people=seen, sure=True, abed=1)
    night.walks(1, people=2, sure=True)
    night.feed(5, place="bed", moving=True, people=1, sure=True, abed=1)
    assert night.walks(5, people=1, sure=True) == state


def test_half_a_minute_after_the_last_movement_who_moves_is_the_sleeper():
    night = Night().asleep()
    night.walks(1, door="door")
    night.walks(5)
    assert night.quiet(31) == "in-bed"
    assert night.walks(3) == "out-of-bed"


def test_who_lies_on_the_floor_is_held_until_seen_up():
    night = Night()
    night.walks(2)
    assert night.feed(3, place="floor", people=1, posture="lying") == "on-floor"
    assert night.quiet(NIGHT_S) == "on-floor"


def test_who_lay_on_the_floor_when_the_camera_stopped_is_not_gone_because_nothing_stirs():
    """No look finds him any more; once somebody has moved whole, stillness counts as it does elsewhere."""
    night = Night()
    night.walks(2)
    assert night.feed(3, place="floor", people=1, posture="lying") == "on-floor"
    change = night.machine.lose_sight(night.now * NS_PER_S // 5, "stopped")
    assert change is not None and change.state == "unknown"
    nobody = {"people": 0, "sure": True}
    assert night.quiet(NIGHT_S, **nobody) == "unknown"
    night.walks(1, moves=Box(0.7, 0.8, 0.75, 0.85), **nobody)
    assert night.quiet(120, **nobody) == "unknown", "a hand that moves is not he who has gone"
    night.walks(1, moves=Box(0.7, 0.2, 0.8, 0.8), door="door", **nobody)
    assert night.quiet(120, **nobody) == "empty"


def test_who_is_not_found_any_more_goes_out_by_the_door_at_which_he_moved_last():
    """Two doors side by side: he walks past the one to the other, and no look finds him there."""
    night = Night(bathroom=True).asleep()
    night.walks(3, people=1, sure=True)
    night.walks(1, door="door", people=1, sure=True)
    night.walks(0.4, door="bathroom-door", people=0, sure=True)
    assert night.quiet(8, people=0, sure=True) == "bathroom"


def test_the_bathroom_holds_whoever_went_in_and_visitors_do_not_end_it():
    night = Night(bathroom=True).asleep()
    night.walks(3)
    night.walks(1, door="bathroom-door")
    assert night.quiet(8) == "bathroom"
    assert night.quiet(NIGHT_S) == "bathroom"
    assert night.quiet(60, known=True) == "bathroom"
    assert night.walks(3, door="bathroom-door") == "out-of-bed"
    night.walks(1, door="door")
    assert night.quiet(8) == "empty"


def test_a_visitor_while_somebody_is_in_the_bathroom():
    night = Night(bathroom=True)
    night.walks(2, door="door")
    night.walks(1, door="bathroom-door")
    night.quiet(8)
    night.walks(1, door="door")
    assert night.walks(5) == "occupied"
    night.walks(1, door="door")
    assert night.quiet(8) == "bathroom"
    night.walks(1, door="door")
    assert night.feed(5, place="bed", moving=True) == "in-bed", "he came back unseen: what is seen counts"
    night.walks(3)
    night.walks(1, door="door")
    assert night.quiet(8) == "empty"


def test_a_room_with_a_bathroom_stays_unknown_after_a_start_until_somebody_is_seen():
    assert Night(bathroom=True).quiet(NIGHT_S) == "unknown"
    assert Night().quiet(60) == "empty"


def test_the_edge_of_the_bed_and_up_and_back():
    night = Night().asleep()
    assert night.feed(2, place="bed-edge", moving=True) == "bed-edge"
    assert night.walks(3) == "out-of-bed"
    assert night.feed(2, place="bed-edge", moving=True) == "bed-edge"
    assert night.feed(4, place="bed", moving=True) == "in-bed"


def test_in_a_chair_after_bed_is_out_of_bed_and_before_it_occupied():
    assert Night().asleep().feed(3, place="chair", moving=True) == "out-of-bed"
    assert Night().feed(3, place="chair", moving=True) == "occupied"


@pytest.mark.parametrize("dwell", [0.2, 0.6, 30.0])
def test_blind_is_unknown_within_a_second_whatever_the_dwells(dwell):
    night = Night(enter_dwell_s=dwell, bed_dwell_s=2.0)
    night.feed(5, place="bed", moving=True)
    assert night.feed(UNSEEN_S + 0.4, place="unseen") == "unknown"


def test_after_a_restart_unknown_until_seen():
    night = Night().asleep()
    night.machine.lose_sight(night.now * NS_PER_S // 5, "the unit stops")
    assert night.machine.state == "unknown"
    assert night.feed(0.4, place="bed") == "unknown"
    assert night.feed(5, place="bed") == "in-bed"


def test_every_change_says_why_in_numbers_and_follows_the_table():
    night = Night(bathroom=True).asleep()
    night.walks(3)
    night.walks(1, door="bathroom-door")
    night.quiet(8)
    night.walks(3, door="bathroom-door")
    night.feed(3, place="unseen")
    assert len(night.changes) == 6
    for change in night.changes:
        assert any(change.before in a.after and change.state == a.to for a in ARROWS.values())
        assert any(letter.isdigit() for letter in change.why) and len(change.why) <= MAX_WHY


def test_a_long_why_is_cut_and_keeps_its_seconds():
    machine = RoomStateMachine(RoomConfig())
    evidence = Evidence("off-bed", True, None, False, "x" * 200)
    changes = [machine.feed(at * NS_PER_S, evidence) for at in range(3)]
    (change,) = [each for each in changes if each]
    assert len(change.why) == MAX_WHY and change.why.endswith(", for 1.0 s")


def test_who_gets_out_of_bed_before_the_doors_zone_is_no_visitor():
    """A door's zone reaches far into the picture: whoever stands up may reach it at his first step."""
    night = Night().asleep()
    night.feed(1, place="bed", moving=True, bed_stirs=True)
    assert night.walks(3, door="door") == "out-of-bed"
    quiet = Night().asleep()
    quiet.feed(1, place="bed", moving=True)  # by the door
    assert quiet.walks(20, door="door") == "in-bed", "nothing had moved on the bed: somebody came"


def test_a_model_that_finds_nobody_is_a_second_witness_for_the_bathroom_too():
    for people, within_s in ((0, 1.0), (None, 6.0)):
        night = Night(bathroom=True).asleep()
        night.feed(1, place="bed", moving=True, bed_stirs=True)
        night.walks(3)
        night.walks(1, door="bathroom-door")
        assert night.quiet(within_s, people=people, sure=True) == "bathroom"
    night = Night(bathroom=True).asleep()
    night.feed(1, place="bed", moving=True, bed_stirs=True)
    night.walks(3)
    night.walks(1, door="bathroom-door")
    assert night.quiet(1.0, people=None) == "out-of-bed"


def test_something_small_before_the_bed_puts_nobody_into_it_however_long_it_goes_about():
    night = Night()
    for _ in range(30):
        night.feed(2, place="off-bed", moving=True, people=0, sure=True, known=True)
        assert night.feed(2, place="bed", moving=True, people=0, sure=True, known=True) == "unknown"
    assert night.feed(20, place="bed", moving=True, people=0, sure=True, known=True, small=True) == "unknown"
    assert night.feed(4, place="bed", moving=True, people=0, sure=True, known=True) == "in-bed"
