"""What goes about and is nobody, wheelchairs, light that grows, and a camera without power."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from stillroom.clock import NS_PER_S
from stillroom.errors import ConfigError
from stillroom_tools.lab.scenario import (
    Act,
    Furniture,
    Light,
    Movement,
    Scenario,
    Somebody,
    Thing,
    load_scenario,
)
from stillroom_tools.lab.scenario_life import Life
from stillroom_tools.lab.scene import BED_X_M, BED_Z_M, ROOM_BACK_M, ROOM_LEFT_M, ROOM_RIGHT_M
from stillroom_tools.lab.scene_bodies import Bodies, Body
from stillroom_tools.lab.simulated import SimulatedCamera

CAT, ROBOT = Thing(name="cat", kind="pet"), Thing(name="robot", kind="robot")
STILL = Movement(fidgets_per_min=0.0)
FPS = 10.0


def scenario(*acts: Act, **keys: object) -> Scenario:
    made = {"title": "test", "things": (CAT, ROBOT), "begins": "bed", "movement": STILL, "acts": acts, **keys}
    return Scenario(**made)  # type: ignore[arg-type]


def named(room: Bodies, at_s: float) -> dict[str, Body]:
    return {body.name: body for body in room.at(at_s).bodies}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[acts]]\nat_s = 1.0\ndo = 'fall'\nwho = 'cat'", "'acts.0.do' = 'fall': a pet does not do that; allowed: "),
        ("[[acts]]\nat_s = 1.0\ndo = 'to-bed'\nwho = 'robot'", "a robot does not do that; allowed: roam, rest"),
        ("[[acts]]\nat_s = 1.0\ndo = 'roam'\nwho = 'dog'", "nobody of that name; allowed: resident, cat, robot"),
        ("[[things]]\nname = 'cat'\nkind = 'pet'", "'things.2.name' = 'cat': there already"),
        ("[[things]]\nname = 'x'\nkind = 'ghost'", "'things.2.kind' = 'ghost'"),
        ("[[things]]\nname = 'x'\nkind = 'pet'\nm_per_s = 9.0", "'things.2.m_per_s' = 9.0"),
        ("[[acts]]\nat_s = 1.0\ndo = 'power-off'\nwho = 'robot'", "'power-off' is nobody's act"),
    ],
)  # fmt: skip
def test_refuses_with_file_key_value_and_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.toml"
    things = "[[things]]\nname = 'cat'\nkind = 'pet'\n[[things]]\nname = 'robot'\nkind = 'robot'\n"
    path.write_text("title = 'x'\n" + things + text)
    with pytest.raises(ConfigError) as refused:
        load_scenario(path)
    assert str(refused.value).startswith(f"{path}: key ")
    assert said in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("seed", range(4))
def test_things_go_about_on_the_free_floor_without_a_jump_and_change_nothing_of_the_truth(seed: int) -> None:
    acts = [Act(1.0, "roam", who="cat"), Act(1.0, "roam", who="robot")]
    acts += [Act(100.0, "to-bed", who="cat"), Act(140.0, "roam", who="cat")]
    acts += [Act(200.0, "rest", who="robot"), Act(240.0, "leave", who="cat")]
    life = Life(scenario(*acts), seed)
    moments = [life.moment(index / FPS) for index in range(2800)]
    assert {moment.state for moment in moments} == {"in-bed"}
    for name, fastest_m_per_s in (("cat", 3.5), ("robot", 0.3)):
        ways = [moment.things[name].at_m for moment in moments]
        for (x, y, z), before in zip(ways[1:], ways, strict=False):
            assert math.dist((x, y, z), before) <= fastest_m_per_s / FPS + 1e-9
            assert ROOM_LEFT_M < x < ROOM_RIGHT_M and z < ROOM_BACK_M + 1.0
            inside = BED_X_M[0] < x < BED_X_M[1] and BED_Z_M[0] < z < BED_Z_M[1]
            assert y > 0.4 or not inside, "never through the bed"
        gone_m = sum(math.dist(a, b) for a, b in itertools.pairwise(ways))
        assert gone_m > 10.0
    assert moments[1390].things["cat"].place == "bed"
    assert moments[-1].things["cat"].place == "outside"
    assert not moments[-1].things["robot"].moving


def test_things_are_where_the_seed_says_in_any_order_and_no_people() -> None:
    acts = (Act(1.0, "roam", who="cat"), Act(1.0, "roam", who="robot"))
    forwards, backwards = Bodies(scenario(*acts), 640, 480, 3), Bodies(scenario(*acts), 640, 480, 3)
    times = [index * 0.7 for index in range(200)]
    one = {at_s: forwards.at(at_s).bodies for at_s in times}
    assert all(backwards.at(at_s).bodies == one[at_s] for at_s in reversed(times))
    assert Bodies(scenario(*acts), 640, 480, 4).at(60.0).bodies != forwards.at(60.0).bodies
    assert [(body.role, body.is_person) for body in one[times[-1]]] == [
        ("resident", True),
        ("pet", False),
        ("robot", False),
    ]


def test_a_robot_that_rests_is_at_its_dock_and_nothing_moves() -> None:
    room = Bodies(scenario(), 640, 480, 1)
    docked = named(room, 0.0)["robot"]
    assert docked.still and docked.box is not None
    assert named(room, 500.0)["robot"] is docked
    moved = Bodies(scenario(Act(1.0, "roam", who="robot"), Act(60.0, "rest", who="robot")), 640, 480, 1)
    assert not named(moved, 30.0)["robot"].still
    again = named(moved, 120.0)["robot"].box
    assert again is not None and (again.x0, again.y1) == (docked.box.x0, docked.box.y1), (
        "its lamp may face elsewhere"
    )


def test_in_a_wheelchair_somebody_sits_wherever_others_stand_and_leaves_it_beside_the_bed() -> None:
    acts = (Act(5.0, "get-up"), Act(40.0, "leave"), Act(60.0, "enter"), Act(80.0, "lie-down"))
    room = Bodies(
        scenario(*acts, movement=Movement(fidgets_per_min=0.0, wheelchair=True), things=()), 640, 480, 1
    )
    lying, up, back = (named(room, at_s) for at_s in (0.0, 30.0, 120.0))
    assert [room.at(at_s).state for at_s in (0.0, 30.0, 55.0, 120.0)] == [
        "in-bed",
        "out-of-bed",
        "empty",
        "in-bed",
    ]
    assert (up["resident"].posture, up["resident"].place) == ("sitting", "standing")
    chair = "resident's wheelchair"
    assert lying[chair].still and not lying[chair].is_person and lying[chair].box is not None
    assert up[chair].box != lying[chair].box
    assert back[chair].box is not None and lying["resident"].box == back["resident"].box
    assert named(room, 55.0) == {}


def test_rolling_is_smooth() -> None:
    acts = (
        Act(1.0, "get-up"),
        Act(20.0, "to-bathroom"),
        Act(50.0, "come-back"),
        Act(70.0, "fall"),
        Act(90.0, "get-up"),
    )
    made = scenario(*acts, movement=Movement(wheelchair=True), room=Furniture(bathroom=True))
    life = Life(made, 1)
    spots = [life.moment(index / 30).resident.wheelchair for index in range(30 * 110)]
    seen = [spot for spot in spots if spot is not None]
    assert len(seen) > 2000
    assert all(math.dist(a[:2], b[:2]) < 0.1 for a, b in itertools.pairwise(spots) if a and b)


def test_a_sunrise_takes_its_time_and_a_switch_does_not() -> None:
    acts = (Act(10.0, "light", lux=100.0, over_s=1000.0), Act(2000.0, "light", lux=1.0))
    life = Life(scenario(*acts, light=Light(lux=1.0)), 1)
    lux = [life.moment(at_s).lux for at_s in (9.0, 10.0, 510.0, 1010.0, 1999.0, 2000.0)]
    assert lux == pytest.approx([1.0, 1.0, 10.0, 100.0, 100.0, 1.0])
    slow = life.moment(1500.0 - 600.0)
    assert slow.lux_before == slow.lux, "exposure has followed"
    assert life.moment(2000.1).lux_before == 100.0


def test_light_that_is_switched_while_it_still_grows_starts_from_where_it_was() -> None:
    acts = (Act(0.0, "light", lux=100.0, over_s=100.0), Act(50.0, "light", lux=1.0))
    life = Life(scenario(*acts, light=Light(lux=1.0)), 1)
    assert life.moment(50.01).lux_before == pytest.approx(10.0)
    assert life.moment(50.01).lux == 1.0


def test_a_sunrise_brightens_the_picture_little_by_little() -> None:
    made = scenario(Act(1.0, "light", lux=60.0, over_s=60.0), light=Light(lux=0.5), things=())
    camera = SimulatedCamera(made, width_px=96, height_px=64, frames_per_s=1.0)
    means = [float(camera.frame(index).y.mean()) for index in range(62)]
    assert means[-1] > means[0] + 40.0
    assert max(np.diff(means)) < 12.0


def test_without_power_there_are_no_frames_and_afterwards_the_room_has_gone_on() -> None:
    made = scenario(Act(2.0, "power-off"), Act(3.0, "get-up"), Act(20.0, "power-on"))
    camera = SimulatedCamera(made, width_px=32, height_px=24, frames_per_s=FPS)
    times = [frame.frame_ns / NS_PER_S for frame in itertools.islice(camera.frames(), 60)]
    gaps = [(a, b) for a, b in itertools.pairwise(times) if b - a > 1.5 / FPS]
    assert gaps == [(1.9, 20.0)]
    assert camera.truth_at(20 * NS_PER_S).state == "out-of-bed"


def test_a_still_room_with_things_is_drawn_once() -> None:
    """The same picture as when every frame is painted anew, up to rounding."""
    people = (Somebody(name="other"),)
    still, painted = (
        SimulatedCamera(scenario(people=each), width_px=160, height_px=120, frames_per_s=FPS)
        for each in (people, ())
    )
    scene = still.scene(5.0)
    assert scene.figure is not None and scene.figure.still is not None
    assert len(scene.figure.layers) == 1, "the robot at its dock"
    assert np.array_equal(still.frame(50).y, painted.frame(50).y)
