"""More people than one in a scenario: what the file may say, what becomes of it, and what is refused."""

import itertools
import tomllib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from stillroom.clock import NS_PER_S
from stillroom.errors import ConfigError
from stillroom_tools.lab.scenario import (
    Act,
    Furniture,
    Lens,
    Light,
    Looks,
    Movement,
    Scenario,
    Somebody,
    Thing,
    load_scenario,
)
from stillroom_tools.lab.scenario_life import Life
from stillroom_tools.lab.scenario_physics import Curtain, Television
from stillroom_tools.lab.scenario_stance import IN_BED
from stillroom_tools.lab.scenario_verbs import BODY, PLACED, RESIDENT
from stillroom_tools.lab.scene import BED_TOP_M, BED_X_M, BED_Z_M, zones_of
from stillroom_tools.lab.scene_bodies import Bodies, Body
from stillroom_tools.lab.scene_sensor import FINE
from stillroom_tools.lab.simulated import SimulatedCamera

ROOM = Furniture(bathroom=True, chair=True)
NURSE = Somebody(name="nurse", role="nurse")
STILL = Movement(fidgets_per_min=0.0)


def bodies(*acts: Act, seed: int = 1, **keys: object) -> Bodies:
    made = Scenario(**{"title": "test", "room": ROOM, "people": (NURSE,), "acts": acts, **keys})  # type: ignore[arg-type]
    return Bodies(made, 640, 480, seed)


def who(room: Bodies, at_s: float) -> dict[str, Body]:
    return {body.name: body for body in room.at(at_s).bodies}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[acts]]\nat_s = 1.0\ndo = 'enter'\nwho = 'nurze'", "'acts.0.who' = 'nurze': nobody of that name; allowed: "),
        ("[[acts]]\nat_s = 1.0\ndo = 'dance'", "'acts.0.do' = 'dance'"),
        ("[[acts]]\nat_s = 1.0\ndo = 'roam'", "'acts.0.do' = 'roam': a person does not do that; allowed: enter, "),
        ("[[acts]]\nat_s = 1.0\ndo = 'cover'\nwho = 'nurse'", "'acts.0.who' = 'nurse': 'cover' is nobody's act"),
        ("[[acts]]\nat_s = 1.0\ndo = 'sit-chair'", "'acts.0.do' = 'sit-chair': the room has none; add 'room.chair"),
        ("[[acts]]\nat_s = 1.0\ndo = 'come-back'", "the room has none; add 'room.bathroom = true'"),
        ("[[acts]]\nat_s = 1.0\ndo = 'turn'\nwhere = 'room'", "'acts.0.where' = 'room': allowed with fall, sit-floor"),
        ("[[acts]]\nat_s = 1.0\ndo = 'crawl'\nwhere = 'bed-edge'", "'acts.0.where' = 'bed-edge': of 'crawl' allowed: "),
        ("[[acts]]\nat_s = 1.0\ndo = 'drop-curtain'", "'acts.0.do' = 'drop-curtain': the room has none; add a table"),
        ("[[acts]]\nat_s = 1.0\ndo = 'enter'\nover_s = 2.0", "'acts.0.over_s' = 2.0: allowed with 'light' alone"),
        ("[[acts]]\nat_s = 1.0\ndo = 'enter'\njitter_s = -1.0", "'acts.0.jitter_s' = -1.0"),
        ("[[people]]\nname = 'nurse'", "'people.1.name' = 'nurse': there already; each needs a name of its own"),
        ("[[people]]\nname = 'resident'", "'people.1.name' = 'resident': there already"),
        ("[[people]]\nname = 'Ann B'", "'people.1.name' = 'Ann B'"),
        ("[[people]]\nrole = 'nurse'", "'people.1.name' is missing"),
        ("[[people]]\nname = 'a'\nrole = 'cook'", "'people.1.role' = 'cook'"),
        ("[[people]]\nname = 'a'\nbegins = 'chair'", "'people.1.begins' = 'chair': the room has none"),
        ("[room]\nbathroom = true\n[television]", "'room.bathroom' = true: its door is where the television hangs"),
        ("[room]\nkitchen = true", "'room.kitchen'"),
    ],
)  # fmt: skip
def test_refuses_with_file_key_value_and_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("title = 'x'\n[[people]]\nname = 'nurse'\n" + text)
    with pytest.raises(ConfigError) as refused:
        load_scenario(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_ward_shows_every_key_of_people_things_and_acts() -> None:
    path = Path(__file__).resolve().parents[2] / "config" / "scenarios" / "ward.toml"
    written = tomllib.loads(path.read_text())
    assert set(written["people"][0]) == set(Somebody.__struct_fields__)
    assert set(written["things"][0]) == set(Thing.__struct_fields__)
    assert set(written["room"]) == set(Furniture.__struct_fields__)
    assert set().union(*written["acts"]) == set(Act.__struct_fields__) - {"turn_deg"}, (
        "that one is in the day"
    )


def test_a_nurse_comes_attends_and_goes() -> None:
    room = bodies(
        Act(5.0, "enter", who="nurse"),
        Act(10.0, "attend", who="nurse"),
        Act(40.0, "leave", who="nurse"),
        begins="bed",
    )
    assert [room.at(at_s).state for at_s in (4.0, 20.0, 60.0)] == ["in-bed", "several-people", "in-bed"]
    assert set(who(room, 4.0)) == {"resident"} == set(who(room, 60.0))
    nurse = who(room, 30.0)["nurse"]
    assert (nurse.role, nurse.place, nurse.posture, nurse.is_person) == (
        "nurse",
        "attending",
        "upright",
        True,
    )
    assert 0.5 < nurse.shown < 1.0, "her legs are behind the bed"


def test_who_is_in_the_bathroom_is_not_in_the_room_and_not_gone() -> None:
    room = bodies(Act(5.0, "to-bathroom"), Act(60.0, "come-back"), Act(90.0, "leave"), begins="bed")
    states = [room.at(at_s).state for at_s in (4.0, 30.0, 70.0, 110.0)]
    assert states == ["in-bed", "bathroom", "out-of-bed", "empty"]
    assert who(room, 30.0) == {}


def test_a_visitor_alone_while_the_resident_is_in_the_bathroom_is_somebody_in_the_room() -> None:
    room = bodies(Act(1.0, "enter", who="nurse"), begins="bathroom")
    assert (room.at(0.0).state, room.at(20.0).state) == ("bathroom", "occupied")


@pytest.mark.parametrize(
    ("verb", "state", "posture"),
    [
        ("sit-chair", "out-of-bed", "sitting"),
        ("sit-floor", "out-of-bed", "sitting"),
        ("crawl", "on-floor", "lying"),
        ("fall", "on-floor", "lying"),
        ("sit-up", "bed-edge", "sitting"),
        ("sit-in-bed", "in-bed", "sitting"),
        ("cover-head", "in-bed", "lying"),
    ],
)
def test_the_truth_of_what_somebody_does_alone(verb: str, state: str, posture: str) -> None:
    room = bodies(Act(1.0, verb), begins="bed")  # type: ignore[arg-type]
    assert room.at(30.0).state == state
    assert who(room, 30.0)["resident"].posture == posture


def test_a_blanket_over_the_head_covers_all_and_comes_off_again() -> None:
    room = bodies(
        Act(2.0, "cover-head"), Act(10.0, "uncover-head"), begins="bed", looks=Looks(blanket="chest")
    )
    covered = [who(room, at_s)["resident"].covered for at_s in (1.0, 8.0, 20.0)]
    assert covered == [0.68, 1.0, 0.68]


def test_behind_the_bed_somebody_who_fell_hardly_shows_and_in_the_open_all_of_him_does() -> None:
    hidden = who(bodies(Act(1.0, "fall", where="behind-bed"), begins="bed"), 30.0)["resident"]
    seen = who(bodies(Act(1.0, "fall"), begins="bed"), 30.0)["resident"]
    assert hidden.shown < 0.3 and seen.shown == 1.0
    assert (hidden.place, hidden.posture) == (seen.place, seen.posture) == ("fallen", "lying")


def test_who_rolls_out_of_bed_lies_behind_it_and_who_slides_off_its_edge_before_it() -> None:
    rolled = bodies(Act(1.0, "fall", where="behind-bed"), begins="bed")
    slid = bodies(Act(1.0, "fall", where="bed-edge"), begins="bed")
    assert [rolled.at(at_s).state for at_s in (1.5, 3.0, 20.0)] == ["in-bed", "on-floor", "on-floor"]
    assert "out-of-bed" not in {slid.at(index / 10).state for index in range(200)}, "he never stands"
    assert slid.at(20.0).state == "on-floor"
    assert who(rolled, 20.0)["resident"].shown < 0.3 < 0.7 < who(slid, 20.0)["resident"].shown


def test_somebody_carried_out_lies_all_the_way_and_is_gone() -> None:
    room = bodies(Act(1.0, "carried-out"), begins="bed")
    seen = [who(room, index / 5).get("resident") for index in range(100)]
    assert {body.posture for body in seen if body is not None} == {"lying"}
    assert [room.at(at_s).state for at_s in (0.0, 6.0, 19.0)] == ["in-bed", "out-of-bed", "empty"]
    assert seen[-1] is None


_PLACES: list[tuple[str, str | None]] = [
    (verb, where) for verb in BODY for where in (None, *PLACED.get(verb, ()))
]


@pytest.mark.parametrize(("verb", "where"), _PLACES)
def test_nobody_is_ever_inside_the_bed(verb: str, where: str | None) -> None:
    """Nor below it but with a hand, whoever does it, from wherever, on the way too."""
    for begins, number in itertools.product(("bed", "room", "chair", "bathroom", "outside"), (0, 1, 4)):
        people = tuple(Somebody(name=f"p{each}", begins=begins, movement=STILL) for each in (1, 2, 3, 4))  # type: ignore[arg-type]
        act = Act(0.5, verb, where=where, who=f"p{number}" if number else None)  # type: ignore[arg-type]
        made = Scenario(title="test", room=ROOM, begins=begins, movement=STILL, people=people, acts=(act,))  # type: ignore[arg-type]
        life = Life(made, 1)
        for index in range(100):
            being = life.moment(index / 5).beings[act.who or RESIDENT]
            if being.pose is None or being.place in IN_BED:
                continue
            x, y, z = being.pose.T
            sides = (x - BED_X_M[0], BED_X_M[1] - x, z - BED_Z_M[0], BED_Z_M[1] - z, BED_TOP_M - y)
            assert np.minimum.reduce(sides).max() < 0.2, (begins, number, index / 5)


def test_two_residents_each_live_their_own_life() -> None:
    other = Somebody(name="other", role="resident", begins="chair", movement=STILL)
    room = bodies(Act(10.0, "leave", who="other"), begins="bed", people=(other,))
    assert [room.at(at_s).state for at_s in (0.0, 40.0)] == ["several-people", "in-bed"]
    assert who(room, 0.0)["other"].place == "chair"


def test_while_nothing_moves_the_same_bodies_come_back() -> None:
    room = bodies(begins="bed", movement=STILL)
    first = room.at(0.0).bodies
    assert all(
        body is again
        for at_s in (0.2, 7.0, 500.0)
        for body, again in zip(first, room.at(at_s).bodies, strict=True)
    )


def test_the_seed_moves_acts_by_as_much_as_they_say_and_keeps_their_order() -> None:
    acts = (Act(100.0, "get-up", jitter_s=50.0), Act(110.0, "leave", jitter_s=50.0))
    left = []
    for seed in range(20):
        room = bodies(*acts, seed=seed, begins="bed")
        states = [room.at(at_s / 2).state for at_s in range(400)]
        left.append(states.index("empty") / 2)
        assert states[0] == "in-bed"
    assert min(left) < 110.0 < 130.0 < max(left) < 175.0
    assert (
        bodies(*acts, seed=3, begins="bed").at(40.0).bodies
        == bodies(*acts, seed=3, begins="bed").at(40.0).bodies
        != ()
    )


def test_turns_in_bed_come_at_the_rate_asked_for_and_only_there() -> None:
    def turns(begins: str) -> int:
        restless = Movement(fidgets_per_min=0.0, turns_per_h=12.0)
        room = bodies(begins=begins, movement=restless)
        moving = [any(body.moving for body in room.at(index * 0.5).bodies) for index in range(2 * 3600 * 8)]
        return sum(now and not before for before, now in itertools.pairwise(moving))

    assert 60 < turns("bed") < 132, "twelve an hour, eight hours"
    assert turns("chair") == 0


def test_a_curtain_falls_as_anything_does_and_stays_down() -> None:
    made = Scenario(
        title="test", lens=Lens(noise=0.0), curtain=Curtain(sway_mm=0.0), acts=(Act(2.0, "drop-curtain"),)
    )
    hung, bare = (
        SimulatedCamera(each, width_px=160, height_px=120, frames_per_s=10.0)
        for each in (made, msgspec.structs.replace(made, curtain=None, acts=()))
    )
    empty = bare.frame(0).y.astype(int)
    rows = [
        np.flatnonzero((abs(hung.frame(index).y - empty) > 15).any(axis=1)) for index in (10, 23, 25, 40, 90)
    ]
    tops = [int(found[0]) for found in rows]
    assert tops[0] < tops[1] < tops[2] < tops[3] == tops[4]
    assert hung.truth_at(NS_PER_S).state == hung.truth_at(9 * NS_PER_S).state == "empty"


def test_a_television_in_the_dark_is_bright_itself_and_lights_the_room_whatever_the_lamps_do() -> None:
    def brightness(**keys: float) -> tuple[float, float]:
        screen = Television(**keys)  # type: ignore[arg-type]
        made = Scenario(title="test", lens=Lens(noise=0.0), light=Light(lux=0.5), television=screen)
        frame = SimulatedCamera(made, width_px=160, height_px=120, frames_per_s=10.0).frame(30)
        return float(frame.y[8:18, 74:88].mean()), float(frame.y[80:110].mean())

    dim_screen, dim_room = brightness(glow=0.0)
    screen, room = brightness(glow_lux=5.0)
    assert screen > 3 * dim_screen and screen > 2 * room
    assert 1.2 * dim_room < room < 4 * dim_room


def test_several_who_lie_still_are_drawn_as_if_each_frame_were_painted_anew() -> None:
    """What each changes is added up; they overlap little, so that the sum is as good as the picture itself."""
    other = Somebody(name="other", begins="chair", movement=STILL)
    made = Scenario(
        title="test", lens=Lens(noise=0.0), room=ROOM, begins="bed", movement=STILL, people=(other,)
    )
    camera = SimulatedCamera(made, width_px=320, height_px=240, frames_per_s=10.0)
    alone = SimulatedCamera(
        msgspec.structs.replace(made, people=()), width_px=320, height_px=240, frames_per_s=10.0
    )
    for index in (10, 13, 27):
        scene = camera.scene(index / 10)
        assert scene.figure is not None and scene.figure.still is not None and len(scene.figure.vitals) == 2
        still = camera.frame(index).y.astype(int)
        moves = msgspec.structs.replace(scene, figure=msgspec.structs.replace(scene.figure, still=None))
        moving = camera.paint(moves).planes[0] / FINE
        assert np.abs(still - moving).max() < 2.0
        assert np.abs(still - alone.frame(index).y).max() > 20, "he is there"


def test_a_room_with_more_in_it_has_the_zones_for_it() -> None:
    lens = Scenario(title="x").lens
    plain, bare, full = (zones_of(lens, room=room) for room in (None, Furniture(), ROOM))
    assert (plain.bed_edge, plain.chair, plain.bathroom_door) == (None, None, None)
    assert bare.bed_edge is not None and bare.chair is None and bare.bathroom_door is None
    assert full.chair is not None and full.bathroom_door is not None
    assert plain.bed == full.bed and plain.floor == full.floor
