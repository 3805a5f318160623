"""Who came down behind something is on the floor; who bends down, sits down or leaves is not, nor is a curtain."""

import pytest
from msgspec.structs import replace

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig
from stillroom.keeper.occupancy import Evidence
from stillroom.keeper.state import RoomStateMachine
from stillroom.keeper.sunk import BENT_S
from stillroom.observation import Box

EDGE = 0.6
"""The bed's far edge on the picture: nothing of who is behind it shows lower."""
FALL_S, SIT_S = 0.8, 2.6
UP = Evidence("off-bed", True, None, True, "1 seen", people=1, sure=True, posture="upright")
STRIP = Box(0.4, 0.53, 0.55, EDGE)
NOTHING = Evidence("nowhere", False, None, True, "nothing", people=0, sure=True)


def figure(top: float, x: float = 0.45) -> Box:
    return Box(x - 0.08, top, x + 0.08, EDGE)


def moving(top: float, x: float = 0.45, people: int = 1, **changes) -> Evidence:
    box = figure(top, x)
    posture = "upright" if people else None
    values = {"people": people, "posture": posture, "box": box, "moves": box, "differs": (box,)}
    return _people_at(replace(UP, **(values | changes)))


def _people_at(evidence: Evidence) -> Evidence:
    """Where one is seen he is where the evidence is, unless the test says where."""
    one = evidence.people == 1 and evidence.box is not None and not evidence.boxes
    return replace(evidence, boxes=(evidence.box,)) if one and evidence.box is not None else evidence


def still(box: Box | None, people: int = 0, **changes) -> Evidence:
    """Where nothing moves. box: around what differs from the known room."""
    values = {
        "moving": False,
        "moves": None,
        "people": people,
        "box": box,
        "differs": () if box is None else (box,),
    }
    place = "bed" if box == STRIP else "nowhere" if box is None else "off-bed"
    return _people_at(replace(UP, **({"place": place, "posture": None} | values | changes)))


class Life:
    """Evidence by evidence, five times a second, from somebody who has come in and is up."""

    def __init__(self, **changes) -> None:
        self.machine, self.now_s = RoomStateMachine(RoomConfig()), 0.0
        self.run(lambda s: NOTHING, 60.0)
        self.run(lambda s: moving(0.13, **changes), 5.0)
        assert self.machine.state == "occupied"

    def run(self, evidence, seconds: float) -> list[str]:
        """evidence: of seconds since now. The states."""
        states = []
        for step in range(round(seconds * 5)):
            self.machine.feed(round((self.now_s + step / 5) * NS_PER_S), evidence(step / 5))
            states.append(self.machine.state)
        self.now_s += seconds
        return states

    def come_down(self, in_s: float = FALL_S, to: float = 0.53, x: float = 0.45, **changes) -> list[str]:
        """As whoever falls does: faster and faster."""
        return self.run(
            lambda s: moving(0.13 + (to - 0.13) * min(1.0, s / in_s) ** 2, x, **changes), in_s + 0.3
        )


@pytest.mark.parametrize("place", ["bed", "off-bed"])
def test_who_lies_down_from_sitting_in_bed_is_not_behind_it(place):
    """The upper end comes down as fast, and the lower end stays; but he moves on the bed, and lies there."""
    life = Life()
    lies = Box(0.1, 0.53, 0.65, 0.8)

    def down(s: float) -> Evidence:
        moves = Box(0.25, 0.38 + 0.2 * min(1.0, s / 0.6), 0.58, 0.72)
        seen = moving(0.13, place=place, box=moves, moves=moves, differs=(), bed_stirs=True)
        return replace(seen, background_known=False, posture="sitting" if s < 0.3 else "lying")

    life.run(lambda s: down(0.0), 3.0)
    life.run(down, 1.0)
    asleep = replace(still(lies, 1, place="bed", posture="lying"), background_known=False, differs=())
    life.run(lambda s: asleep, 30.0)
    assert life.machine.state == "in-bed"


@pytest.mark.parametrize("people", [0, 1])
@pytest.mark.parametrize("shows", [STRIP, None])
def test_who_fell_behind_something_is_on_the_floor_and_stays_there(people, shows):
    """Whether or not a strip of him shows, and whether or not the track of who stood there is still believed."""
    life = Life()
    life.come_down()
    seen = replace(still(shows), people=people, box=figure(0.13) if people else shows)
    states = life.run(lambda s: seen, 12.0)
    assert set(states) == {"occupied", "on-floor"}
    assert BENT_S - 1.0 <= states.index("on-floor") / 5 <= BENT_S + 0.5
    assert set(life.run(lambda s: still(shows), 600.0)) == {"on-floor"}


def test_the_reason_is_said_in_numbers():
    life = Life()
    life.come_down()
    changes = [life.machine.feed(round((life.now_s + k / 5) * NS_PER_S), still(STRIP)) for k in range(60)]
    (change,) = [each for each in changes if each]
    assert (
        "out of sight, from 84% to 47% of the picture's height in 0.4 s" in change.why
        and "s, not up since" in change.why
    )


def test_who_bends_down_for_something_is_not_on_the_floor():
    life = Life()
    states = life.come_down()
    states += life.run(lambda s: still(STRIP), 2.4)
    states += life.run(lambda s: moving(max(0.13, 0.53 - 0.4 * s)), 3.0)
    states += life.run(lambda s: still(figure(0.13), people=1, posture="upright"), 30.0)
    assert set(states) == {"occupied"}


def test_who_bends_over_another_and_goes_on_moving_there_is_at_work():
    """A nurse at the bed; who fell there beside another is told once nothing moves."""
    life = Life()
    other = Box(0.1, 0.5, 0.6, 0.8)
    two = {"people": 2, "posture": None, "boxes": (other, figure(0.13))}
    life.run(lambda s: moving(0.13, **two), 5.0)
    life.come_down(**two)
    hands = {**two, "posture": "lying", "differs": (), "background_known": False, "bed_stirs": True}
    assert "on-floor" not in life.run(lambda s: moving(0.53, **hands), 30.0)
    gone = replace(
        still(STRIP), people=2, boxes=two["boxes"], posture="lying", differs=(), background_known=False
    )
    assert "on-floor" in life.run(lambda s: gone, BENT_S + 1.0)


def test_who_sits_down_there_slowly_is_not_on_the_floor():
    life = Life()
    states = life.run(lambda s: moving(0.13 + 0.4 * min(1.0, s / SIT_S)), SIT_S + 0.3)
    assert "on-floor" not in states + life.run(lambda s: still(STRIP), 60.0)


def test_who_stands_still_and_moves_a_foot_last_is_not_on_the_floor():
    """What moves comes down, and what differs from the room does not."""
    life = Life()
    tall = (figure(0.13),)
    life.come_down(differs=tall, box=tall[0])
    states = life.run(lambda s: still(tall[0], people=1, posture="unsure"), 60.0)
    assert set(states) == {"occupied"}


def test_where_the_room_is_not_known_standing_still_is_not_lying():
    life = Life(background_known=False, differs=())
    life.come_down(background_known=False, differs=())
    states = life.run(
        lambda s: replace(still(figure(0.13), people=1), differs=(), background_known=False), 60.0
    )
    assert "on-floor" not in states


def test_where_the_room_is_not_known_who_is_seen_to_lie_after_he_came_down_does():
    """The last look before says how he stood; the next one that he lies."""
    life = Life(background_known=False, differs=())
    life.come_down(background_known=False, differs=(), posture="upright")
    lies = replace(
        still(STRIP, people=1, posture="lying", place="off-bed"), differs=(), background_known=False
    )
    assert life.run(lambda s: lies, 12.0)[-1] == "on-floor"


def test_who_comes_to_rest_before_he_falls_moves_his_feet_no_more():
    life = Life()
    life.run(lambda s: moving(0.13, moves=Box(0.37, 0.13, 0.53, 0.5)), 0.2)
    life.run(lambda s: moving((0.2, 0.3, 0.45, 0.5)[round(5 * s)]), 0.8)
    assert life.run(lambda s: still(STRIP), 12.0)[-1] == "on-floor"


def test_a_curtain_that_comes_down_beside_somebody_is_not_he():
    life = Life()
    at_him = figure(0.13, 0.8)
    drop = lambda top: moving(top, 0.3, box=at_him, differs=(at_him, figure(top, 0.3)))  # noqa: E731
    life.run(lambda s: still(at_him, people=1, posture="sitting"), 10.0)
    states = life.run(lambda s: drop(0.13 + 0.4 * min(1.0, s / FALL_S) ** 2), FALL_S + 0.2)
    states += life.run(lambda s: still(at_him, people=1, posture="sitting"), 30.0)
    assert "on-floor" not in states and "several-people" not in states


def test_who_stirs_in_bed_while_another_goes_out_has_not_come_down():
    """What moves reaches from one to the other, and then is the sleeper's alone: lower, and nobody came down."""
    life = Life()
    sleeper, nurse = Box(0.1, 0.5, 0.4, EDGE), figure(0.13)
    both = Box(0.1, 0.13, nurse.x1, EDGE)
    two = {"people": 2, "boxes": (sleeper, nurse), "differs": (sleeper, nurse)}
    one = {"people": 1, "boxes": (sleeper,), "place": "bed", "posture": "lying"}
    states = life.run(lambda s: moving(0.13, **two, moves=both), 4.0)
    states += life.run(lambda s: moving(0.5, **one, box=sleeper, moves=sleeper), 0.4)
    states += life.run(lambda s: still(sleeper, **one), BENT_S + 6.0)
    assert "on-floor" not in states and states[-1] == "in-bed"


def test_who_walks_out_under_the_camera_or_through_a_door_has_not_come_down():
    life = Life()
    under = lambda s: Box(0.4, min(0.95, 0.3 + 0.6 * s), 0.6, 1.0)  # noqa: E731
    life.run(lambda s: moving(0.3, box=under(s), moves=under(s), differs=(under(s),), at_side=True), 1.4)
    assert "on-floor" not in life.run(lambda s: still(None), 60.0)
    life = Life()
    life.run(lambda s: moving(0.13, 0.45 + 0.25 * s, door="door"), 1.6)
    assert life.run(lambda s: still(None), 60.0)[-1] == "empty"


def test_on_floor_that_the_camera_sees_models_say_who_lies():
    life = Life()
    life.come_down(floor_stirs=True)
    assert "on-floor" not in life.run(lambda s: still(figure(0.5), people=1, posture="sitting"), 30.0)


def test_who_comes_to_help_makes_two_and_who_fell_is_still_there_when_he_has_gone():
    life = Life()
    life.come_down()
    life.run(lambda s: still(STRIP), 10.0)
    by_door = lambda top, x, **more: moving(top, x, differs=(figure(top, x), STRIP), **more)  # noqa: E731
    life.run(lambda s: by_door(0.1, 0.85, door="door"), 3.0)
    states = life.run(lambda s: by_door(0.1, 0.75), 10.0)
    assert states[-1] == "several-people"
    life.run(lambda s: by_door(0.1, 0.85, door="door"), 3.0)
    states = life.run(lambda s: still(STRIP), 60.0)
    assert states[-1] == "on-floor" and "empty" not in states
    assert life.run(lambda s: moving(max(0.13, 0.53 - 0.3 * s)), 6.0)[-1] == "occupied"


def test_he_is_no_second_one_up_where_he_is_still_believed_to_lie_while_somebody_helps():
    life = Life()
    life.come_down()
    lies = still(STRIP, people=1, posture="lying")
    life.run(lambda s: lies, 10.0)
    two = lambda x, **more: moving(  # noqa: E731
        0.1, x, people=2, differs=(figure(0.1, x), STRIP), boxes=(figure(0.1, x), STRIP), **more
    )
    life.run(lambda s: two(0.85, moves_at="door"), 3.0)
    assert life.run(lambda s: two(0.75), 10.0)[-1] == "several-people"
    life.run(lambda s: two(0.85, door="door"), 3.0)
    assert life.run(lambda s: lies, 60.0)[-1] == "on-floor"


def test_who_gets_up_again_is_up():
    life = Life()
    life.come_down()
    assert life.run(lambda s: still(STRIP), 20.0)[-1] == "on-floor"
    states = life.run(lambda s: moving(max(0.13, 0.53 - 0.3 * s)), 6.0)
    assert states[-1] == "occupied"


def test_who_goes_out_by_a_door_and_shows_a_foot_last_has_not_come_down_behind_it():
    """The door hides him from one side on, so that what moves last may be as low as who fell."""
    for door, state in (("bathroom-door", "bathroom"), ("door", "empty")):
        life = Life(moves_at=door, door=door)
        life.come_down(moves_at=door, door=door)
        states = life.run(lambda s: still(None), 20.0)
        assert "on-floor" not in states and states[-1] == state


def test_who_walks_away_from_a_door_and_comes_down_elsewhere_is_on_the_floor():
    life = Life(moves_at="door", door="door")
    life.come_down()
    assert life.run(lambda s: still(STRIP), 12.0)[-1] == "on-floor"


def test_a_speck_above_somebody_is_not_how_high_he_stood():
    """Noise in dim light, once: who lies down on the bed afterwards has come down by little."""
    life = Life()
    life.run(lambda s: moving(0.32), 2.6)
    life.run(lambda s: moving(0.05), 0.2)
    life.run(lambda s: moving(0.32), 0.6)
    life.run(lambda s: moving(0.32 + 0.12 * min(1.0, s / 0.6)), 0.8)
    assert "on-floor" not in life.run(lambda s: still(STRIP), 12.0)
