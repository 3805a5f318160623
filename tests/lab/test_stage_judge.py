"""Nights that are made up, counted by hand: what is in time, what is false, what is missed."""

import pytest

from stillroom.config_conditions import ConditionsConfig, Row
from stillroom_tools.lab.scenario import Scenario
from stillroom_tools.lab.scenario_expect import Expected, Never
from stillroom_tools.lab.stage_figures import figures
from stillroom_tools.lab.stage_judge import Tally, dwell_s, judge
from stillroom_tools.lab.stage_run import Night, Told
from stillroom_tools.lab.stage_ward import AlertTold

TRUTH = [(0.2, "empty"), (100.0, "occupied"), (110.0, "bed-edge"), (111.0, "in-bed"), (500.0, "on-floor")]
IN_TIME = [(0.2, "unknown"), (45.0, "empty"), (101.0, "occupied"), (115.0, "in-bed"), (502.0, "on-floor")]


def night(believed=None, told=(), due=(), alerts=(), truth=None, blind=()) -> Night:
    made = Night("x", 0, 600.0, truth=list(truth or TRUTH), believed=list(believed or IN_TIME))
    made.told, made.due, made.alerts, made.blind = list(told), list(due), list(alerts), list(blind)
    return made


def value(tally: Tally, name: str) -> float | None:
    return next(row.value for row in figures(tally) if row.name == name)


def tally(*args, **kwargs) -> Tally:
    return judge(night(*args, **kwargs), Scenario(title="x"))


def test_a_night_told_in_time_is_right_throughout():
    found = tally()
    assert value(found, "macro recall over states") == pytest.approx(1.0, abs=0.02)
    assert (found.changes, found.in_time, found.in_dwell) == (3, 3, 3)
    assert (found.false_changes, found.dropped) == (0, 0)
    assert found.problems == []


def test_what_only_passes_is_not_due_and_what_lasts_is():
    """A second on the bed's edge while somebody lies down, against ten."""
    assert "bed-edge" not in tally().true_s
    truth = [*TRUTH[:2], (110.0, "bed-edge"), (120.0, "in-bed"), TRUTH[4]]
    assert tally(truth=truth).true_s["bed-edge"] == pytest.approx(10.0 - dwell_s("bed-edge"))


def test_a_change_told_late_counts_against_time_and_not_as_false():
    believed = [*IN_TIME[:3], (121.0, "in-bed"), IN_TIME[4]]
    found = tally(believed)
    assert (found.changes, found.in_time, found.in_dwell, found.false_changes) == (3, 2, 2, 0)


def test_a_sleeper_who_vanishes_is_dropped_and_false_and_his_return_is_neither():
    believed = [*IN_TIME[:4], (300.0, "empty"), (310.0, "in-bed"), IN_TIME[4]]
    found = tally(believed)
    assert (found.dropped, found.false_changes) == (1, 1)


def test_an_unknown_after_the_start_costs_nothing_for_a_minute_and_then_does():
    late = [(0.2, "unknown"), (90.0, "empty"), *IN_TIME[2:]]
    assert tally(IN_TIME).right_s["empty"] == tally(IN_TIME).true_s["empty"]
    found = tally(late)
    assert found.true_s["empty"] - found.right_s["empty"] == pytest.approx(30.0, abs=6.0)


def test_a_camera_that_sees_nothing_makes_unknown_true_and_anything_else_wrong():
    truth = [(0.2, "in-bed"), (300.0, "unknown"), (400.0, "in-bed")]
    blind = [(300.0, 400.0)]
    quick = tally([(0.2, "in-bed"), (305.0, "unknown"), (404.0, "in-bed")], truth=truth, blind=blind)
    assert quick.right_s["unknown"] == quick.true_s["unknown"] and quick.false_changes == 0
    never = tally([(0.2, "in-bed")], truth=truth, blind=blind)
    assert never.right_s["unknown"] == 0.0


FALL = Told(500.0, "on-floor", "high")


def test_a_fall_is_timed_from_the_truth_and_its_dwell():
    found = tally(told=[Told(503.0, "on-floor", "high")], due=[FALL])
    assert found.late_s["on-floor"] == [pytest.approx(1.5)] and found.missed == {}
    assert value(found, "falls: median after truth and dwell") == pytest.approx(1.5)


def test_a_fall_that_nobody_tells_is_missed_and_one_that_was_none_is_false():
    missed = tally(due=[FALL])
    assert missed.missed == {"on-floor": 1} and missed.missed_levels == {"high": 1}
    assert missed.never_told == {"on-floor": 1} and missed.told_late == {}
    late = tally(told=[Told(565.0, "on-floor", "high")], due=[FALL])
    assert late.never_told == {} and late.told_late == {"on-floor": 1}
    alert = AlertTold(200_000, "on-floor", "high", "raised", True)
    false = tally(told=[Told(200.0, "on-floor", "high")], alerts=[alert], due=[FALL])
    assert false.false == {"on-floor": 1} and false.false_high == 1


def test_an_alert_that_goes_on_is_counted_once():
    alerts = [
        AlertTold(501_000, "on-floor", "high", state, state == "raised") for state in ("raised", "escalated")
    ]
    assert tally(told=[Told(501.0, "on-floor", "high")], due=[FALL], alerts=alerts).alerts == {"high": 1}


def test_covering_the_camera_justifies_its_condition_and_nothing_else_does():
    covered = Told(305.0, "camera-covered", "technical")
    assert tally(told=[covered]).false_levels == {"technical": 1}
    assert tally(told=[covered], blind=[(300.0, 400.0)]).false_levels == {}


def test_nights_add_up():
    whole = Tally()
    for _ in range(3):
        whole.add(tally(told=[Told(503.0, "on-floor", "high")], due=[FALL]))
    assert (whole.nights, whole.changes, whole.due["on-floor"]) == (3, 9, 3)
    assert len(whole.late_s["on-floor"]) == 3 and whole.hours == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (Expected("state:in-bed", 111.0), None),
        (Expected("state:in-bed", 116.0), "told at 115.0 s"),
        (Expected("state:bathroom", 111.0), "never told"),
        (Expected("on-floor", 500.0, level="high"), None),
        (Expected("on-floor", 500.0, level="low"), "told at 503.0 s"),
        (Expected("on-floor", 500.0, ends=True), "never told"),
    ],
)
def test_what_is_expected_is_found_or_named(row, said):
    states = [Told(at_s, f"state:{state}") for at_s, state in IN_TIME]
    scenario = Scenario(title="x", expects=(row,), conditions=ConditionsConfig(on_floor=(Row("high"),)))
    problems = judge(night(told=[*states, Told(503.0, "on-floor", "high")]), scenario).problems
    assert (problems == []) if said is None else (said in problems[0])


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (Never("state:in-bed", 0.0, 100.0), False),
        (Never("state:in-bed", 0.0, 120.0), True),
        (Never("state:in-bed", 200.0, 210.0), True),  # it was entered before, and is believed
        (Never("on-floor", 0.0, 500.0), False),
        (Never("on-floor"), True),
        (Never("on-floor", level="medium"), False),
    ],
)
def test_what_must_not_be_is_named(row, wrong):
    told = [Told(503.0, "on-floor", "high")]
    problems = judge(night(told=told), Scenario(title="x", never=(row,))).problems
    assert bool(problems) == wrong
