"""Scenario files, what they refuse, and the life that follows from one."""

import itertools
import tomllib
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest

from stillroom.errors import ConfigError
from stillroom.keeper.zones import contains
from stillroom_tools.lab.scenario import CUES, Act, CameraCue, Lens, Movement, Scenario, load_scenario
from stillroom_tools.lab.scenario_cues import CueFile
from stillroom_tools.lab.scenario_life import Life
from stillroom_tools.lab.scene import pinhole, zones_of
from stillroom_tools.lab.scene_room import paint_room
from stillroom_tools.lab.scene_vitals import beat, breath, rhythm

SCENARIOS = Path(__file__).resolve().parents[2] / "config" / "scenarios"
MOVES = [verb for verb in CUES if verb not in get_args(CameraCue)]
ENDS_AT = {
    "enter": "standing",
    "lie-down": "bed",
    "turn": "bed",
    "sit-up": "bed-end",
    "get-up": "standing",
    "fall": "fallen",
    "leave": "outside",
    "sit-in-bed": "bed-upright",
    "sit-chair": "chair",
    "sit-floor": "floor",
    "crawl": "crawling",
    "to-bathroom": "bathroom",
    "cover-head": "bed",
    "attend": "attending",
    "carried-out": "outside",
}
NO_WAY = ("get-up", "come-back", "uncover-head")
"""Verbs that change nothing for somebody who is outside."""


def life(*acts: tuple[float, str], seed: int = 1, **tables: object) -> Life:
    made = tuple(Act(at_s=at_s, do=verb) for at_s, verb in acts)  # type: ignore[arg-type]
    return Life(Scenario(title="test", acts=made, **tables), seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_scenarios_load_and_their_zones_are_those_of_the_room(path: Path) -> None:
    scenario = load_scenario(path)
    assert scenario.zones == zones_of(scenario.lens, room=scenario.room)


def test_the_day_shows_every_key() -> None:
    written = tomllib.loads((SCENARIOS / "day.toml").read_text())
    for table in ("lens", "light", "looks", "breathing", "pulse", "movement"):
        known = msgspec.to_builtins(getattr(Scenario(title="x"), table))
        assert set(written[table]) == set(known)
        assert msgspec.convert(written[table], type(getattr(Scenario(title="x"), table)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "key 'title' is missing"),
        ("title = 3", "key 'title' = 3"),
        ("title = 'x'\nwalk = 1", "unknown key 'walk'"),
        ("title = 'x'\n[breathing]\nbreaths_per_minute = 3", "did you mean 'breaths_per_min'"),
        ("title = 'x'\n[pulse]\npulse_bpm = 500.0", "key 'pulse.pulse_bpm' = 500.0"),
        ("title = 'x'\n[looks]\nskin = 'blue'", "key 'looks.skin' = 'blue'"),
        ("title = 'x'\n[[acts]]\nat_s = 1.0\ndo = 'fly'", "key 'acts.0.do' = 'fly'"),
        (
            "title = 'x'\n[[acts]]\nat_s = 2.0\ndo = 'enter'\n[[acts]]\nat_s = 1.0\ndo = 'leave'",
            "acts.1.at_s' = 1.0",
        ),
        ("title = 'x'\nrepeat_s = 5.0\n[[acts]]\nat_s = 5.0\ndo = 'enter'", "must be below repeat_s = 5.0"),
        ("title = 'x'\n[[acts]]\nat_s = 2.0\ndo = 'light'", "acts.0.lux'"),
        ("title = 'x'\n[[acts]]\nat_s = 2.0\ndo = 'enter'\nlux = 3.0", "acts.0.lux'"),
        ("title = ", "not valid TOML"),
    ],
)
def test_refuses_with_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load_scenario(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_scenario(tmp_path / "none.toml")


@pytest.mark.parametrize("verb", MOVES)
@pytest.mark.parametrize("before", MOVES)
def test_any_act_after_any_other_ends_where_it_should_without_a_jump(before: str, verb: str) -> None:
    room = life((0.0, before), (10.0, verb))
    poses = [room.moment(index / 30).resident.pose for index in range(30 * 22)]
    place = room.moment(22.0).resident.place
    assert place == _expected(before, verb)
    for a, b in itertools.pairwise(poses):
        if a is not None and b is not None:
            assert np.linalg.norm(a - b, axis=1).max() < 0.3


def _expected(before: str, verb: str) -> str:
    """Where `verb` ends: some change nothing where they make no sense."""
    at = "outside" if before in NO_WAY else ENDS_AT[before]
    stays = {
        "enter": at != "outside",
        "get-up": at in ("outside", "bathroom"),
        "fall": at == "bathroom",
        "carried-out": at in ("outside", "bathroom"),
        "come-back": at != "bathroom",
        "uncover-head": True,
    }
    return at if stays.get(verb) else ENDS_AT.get(verb, "standing")


@pytest.mark.parametrize("verb", MOVES)
def test_an_act_in_the_middle_of_a_walk_does_not_wait_for_its_end(verb: str) -> None:
    room = life((0.0, "enter"), (2.0, verb))
    room.moment(2.5)
    assert room.moment(16.0).resident.place == ("standing" if verb in NO_WAY else ENDS_AT[verb])


def test_an_act_is_prompt() -> None:
    room = life((0.0, "enter"), (10.0, "lie-down"), (20.0, "fall"))
    assert room.moment(4.0).state == "occupied"
    assert room.moment(14.5).state == "in-bed"
    assert room.moment(25.0).state == "on-floor"


def test_states_tell_a_visit_from_a_bed_exit() -> None:
    room = life((0.0, "enter"), (8.0, "lie-down"), (20.0, "get-up"), (30.0, "leave"), (40.0, "enter"))
    states = [room.moment(at_s).state for at_s in (0.0, 6.0, 18.0, 28.0, 38.0, 48.0)]
    assert states == ["empty", "occupied", "in-bed", "out-of-bed", "empty", "occupied"]


def test_a_cue_drops_what_the_scenario_still_had_to_say_but_covering_the_camera_does_not() -> None:
    room = life((0.0, "enter"), (10.0, "leave"))
    room.cue("cover", 5.0)
    assert room.moment(20.0).resident.place == "outside"
    room = life((0.0, "enter"), (10.0, "leave"))
    room.cue("lie-down", 5.0)
    assert room.moment(20.0).resident.place == "bed"


def test_cover_and_uncover() -> None:
    room = life((1.0, "cover"), (2.0, "cover"), (3.0, "uncover"), (4.0, "uncover"))
    covered = [room.moment(at_s).covered for at_s in (0.9, 1.5, 2.05, 3.5, 4.05)]
    assert covered == [0.0, 1.0, 1.0, 0.0, 0.0]


def test_moments_do_not_depend_on_the_order_in_which_they_are_asked_for() -> None:
    acts = ((0.0, "enter"), (6.0, "lie-down"), (30.0, "turn"), (40.0, "leave"))
    times = [index * 0.37 for index in range(160)]
    forwards, backwards = life(*acts), life(*acts)
    one = {at_s: forwards.moment(at_s) for at_s in times}
    for at_s in reversed(times):
        other = backwards.moment(at_s)
        assert other.state == one[at_s].state
        assert (other.resident.pose is None) == (one[at_s].resident.pose is None)
        if other.resident.pose is not None:
            np.testing.assert_array_equal(other.resident.pose, one[at_s].resident.pose)


def test_small_movements_come_at_the_rate_asked_for_and_not_at_all_at_zero() -> None:
    for per_min, least, most in ((0.0, 0, 0), (3.0, 5, 25)):
        room = life((0.0, "lie-down"), movement=Movement(fidgets_per_min=per_min))
        poses = [room.moment(20.0 + index * 0.5).resident.pose for index in range(600)]
        moving = [
            not np.array_equal(a, b) for a, b in itertools.pairwise(poses) if a is not None and b is not None
        ]
        begun = sum(now and not before for before, now in itertools.pairwise([False, *moving]))
        assert least <= begun <= most


def test_a_long_life_keeps_no_more_than_ten_minutes() -> None:
    room = life((0.0, "enter"), (5.0, "lie-down"), (20.0, "leave"), repeat_s=30.0)
    room.moment(700.0)
    kept = len(room._actors["resident"]._steps)
    room.moment(20_000.0)
    assert len(room._actors["resident"]._steps) <= kept + 8
    assert room.moment(20_000.0 - 500.0).state in ("empty", "occupied", "bed-edge", "in-bed", "out-of-bed")


def test_rhythm_wanders_around_its_mean_and_its_turns_are_the_integral_of_its_rate() -> None:
    steady, wandering = rhythm(15.0, 0.0, 90.0, 1), rhythm(15.0, 0.05, 90.0, 1)
    assert steady.rate_per_min(33.0) == 15.0
    assert steady.mean_per_min(0.0, 60.0) == pytest.approx(15.0)
    rates = np.array([wandering.rate_per_min(at_s) for at_s in np.arange(0, 3600, 0.5)])
    assert rates.mean() == pytest.approx(15.0, abs=0.1)
    assert rates.std() == pytest.approx(0.05 * 15.0, rel=0.3)
    between = [wandering.rate_per_min(at_s) for at_s in np.arange(100.0, 130.0, 0.01)]
    assert wandering.mean_per_min(100.0, 130.0) == pytest.approx(np.mean(between), rel=1e-3)


def test_breath_and_beat_stay_in_their_range_and_repeat_with_each_turn() -> None:
    breaths = [breath(turns) for turns in np.arange(0, 60, 0.01)]
    beats = [beat(turns) for turns in np.arange(0, 60, 0.01)]
    assert -0.75 < min(breaths) < -0.49 and 0.4 < max(breaths) < 0.75
    assert 0.9 < max(beats) - min(beats) < 1.1
    assert breath(7.0) == pytest.approx(-0.5)


def test_cue_file_reads_whole_new_lines_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[tuple[str, float]] = []
    path = tmp_path / "cues"
    cues = CueFile(path)
    assert cues.open(lambda verb, at_s: heard.append((verb, at_s))) == 0.0
    path.write_text("enter\nlie-")
    cues.read(3.0, lambda verb, at_s: heard.append((verb, at_s)))
    with path.open("a") as file:
        file.write("down\n# a remark\n\nfly\nfall now\n")
    cues.read(4.0, lambda verb, at_s: heard.append((verb, at_s)))
    cues.read(5.0, lambda verb, at_s: heard.append((verb, at_s)))
    assert heard == [("enter", 3.0), ("lie-down", 4.0)]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and "'fly' is no cue; allowed: enter, lie-down" in said[0]


def test_cue_file_with_a_start_tells_a_later_camera_what_was_before(tmp_path: Path) -> None:
    heard: list[tuple[str, float]] = []
    path = tmp_path / "cues"
    path.write_text("start 1000000\nfall\nlie-down 1005000\n")
    elapsed_s = CueFile(path).open(lambda verb, at_s: heard.append((verb, at_s)))
    assert heard == [("lie-down", 5.0)]
    assert elapsed_s > 1_000_000


def test_zones_lie_within_the_picture_whatever_the_lens() -> None:
    for lens in (Lens(), Lens(view_deg=102.0), Lens(distance_scale=2.0), Lens(pitch_deg=45.0, height_m=3.0)):
        zones = zones_of(lens)
        for polygon in (zones.bed, zones.door, zones.floor):
            assert polygon is not None
            assert all(0.0 <= x <= 1.0 and 0.0 <= y <= 1.0 for x, y in polygon)


@pytest.mark.parametrize("height_m", [2.0, 2.4, 2.5, 2.7, 3.0])
def test_a_lens_looks_into_the_room_and_not_onto_its_ceiling_however_high_it_hangs(height_m: float) -> None:
    lens = Lens(height_m=height_m, view_deg=85.0, pitch_deg=30.0)
    room, zones = paint_room(pinhole(lens, 160, 120), 0), zones_of(lens)
    for seen, outline in ((room.bed, zones.bed), (room.doorway, zones.door)):
        places = np.argwhere(seen) / seen.shape
        assert outline is not None and len(places) > 200
        assert np.mean([contains(outline, x, y) for y, x in places]) > 0.5
