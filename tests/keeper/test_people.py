"""What models add to evidence and state: confirmed, doubted, several, on the floor; and what stays as without them."""

import pytest

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig, Zones
from stillroom.keeper.occupancy import Evidence, judge
from stillroom.keeper.state import RoomStateMachine
from stillroom.keeper.states import DOUBT_S
from stillroom.observation import Blob, Box, Observation, Person, Reading

ZONES = Zones(
    bed=((0.5, 0.5), (0.9, 0.5), (0.9, 0.9), (0.5, 0.9)),
    door=((0.0, 0.1), (0.1, 0.1), (0.1, 0.8), (0.0, 0.8)),
    floor=((0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (0.0, 1.0)),
)
IN_BED, ON_FLOOR, STANDING = Box(0.55, 0.6, 0.85, 0.8), Box(0.1, 0.75, 0.45, 0.95), Box(0.2, 0.2, 0.3, 0.9)


def seen(**changes) -> Observation:
    values = {
        "frame_ns": 0, "captured_mono_ns": 0, "luma_mean": 100.0, "clipped": 0.0, "dark": False,
        "light_changed": False, "background": "learned", "motion": 0.0, "motion_box": None, "blobs": (),
        "breathing_box": None, "breathing": Reading(), "pulse": Reading(), "frames_per_s": 30.0, "frames_dropped": 0,
        "model": "blazepose", "people": 0, "people_certainty": 1.0,
    }  # fmt: skip
    return Observation(**(values | changes))


def with_people(*persons: Person, certainty: float = 0.95, **changes) -> Observation:
    return seen(people=len(persons), people_certainty=certainty, persons=persons, **changes)


def person(box: Box, posture="upright", certainty=0.95) -> Person:
    return Person(box, posture, certainty)


@pytest.mark.parametrize(
    ("observation", "place", "doubted"),
    [
        (with_people(person(STANDING)), "off-bed", False),
        (with_people(person(IN_BED, "lying")), "bed", False),
        (with_people(person(ON_FLOOR, "lying")), "floor", False),
        (with_people(person(ON_FLOOR, "sitting")), "off-bed", False),
        (with_people(person(ON_FLOOR, "unsure")), "off-bed", False),
        (with_people(person(IN_BED, "lying"), person(STANDING)), "off-bed", False),
        (seen(blobs=(Blob(STANDING, 0.05, 0.9),), motion=0.03), "off-bed", True),
        (seen(blobs=(Blob(STANDING, 0.05, 0.9),), motion=0.03, people_certainty=0.3), "off-bed", True),
        (seen(blobs=(Blob(STANDING, 0.05, 0.9),), people=None, people_certainty=None), "off-bed", False),
        (seen(motion=0.4, motion_box=STANDING), "nowhere", False),
        (seen(motion=0.4, motion_box=STANDING, people_certainty=0.3), "off-bed", True),
        (seen(motion=0.4, motion_box=STANDING, background="none"), "off-bed", True),
        (seen(), "nowhere", False),
    ],
)
def test_where_and_whether_doubted(observation, place, doubted):
    evidence = judge(observation, ZONES)
    assert (evidence.place, evidence.doubted) == (place, doubted)


def test_lying_beside_the_bed_is_the_floor_only_where_a_floor_was_drawn():
    lying = with_people(person(ON_FLOOR, "lying"))
    assert judge(lying, Zones(bed=ZONES.bed)).place == "off-bed"
    assert judge(lying, Zones()).place == "somewhere"


def test_what_differs_from_the_known_room_is_newer_than_the_last_look():
    up = with_people(person(IN_BED, "lying"), blobs=(Blob(Box(0.3, 0.2, 0.72, 0.9), 0.1, 0.9),))
    assert judge(up, ZONES).place == "off-bed"
    chair = with_people(person(IN_BED, "lying"), blobs=(Blob(STANDING, 0.2, 0.0),))
    assert judge(chair, ZONES).place == "bed"


def test_a_picture_that_differs_everywhere_moves_nobody_out_of_bed():
    """A knocked or smeared camera: for some seconds nothing else is known of it."""
    everywhere = (Blob(Box(0.0, 0.0, 1.0, 1.0), 0.97, 0.9),)
    knocked = judge(with_people(person(IN_BED, "lying"), blobs=everywhere, motion=0.9), ZONES)
    assert knocked.place == "bed" and not knocked.background_known
    alone = judge(seen(blobs=everywhere, motion=0.9, motion_box=Box(0.0, 0.0, 1.0, 1.0)), ZONES)
    assert alone.place == "nowhere"


@pytest.mark.parametrize(("area", "small"), [(0.01, True), (0.1, False)])
def test_what_differs_by_less_than_a_sleeper_is_small(area, small):
    assert judge(seen(blobs=(Blob(IN_BED, area, 0.9),), motion=0.01), ZONES).small == small


class Run:
    """Observations, five a second, into a machine."""

    def __init__(self, **config) -> None:
        self.machine = RoomStateMachine(RoomConfig(**config))
        self.now = 0

    def feed(self, seconds: float, observation: Observation) -> str:
        for _ in range(round(seconds * 5)):
            self.machine.feed(self.now * NS_PER_S // 5, judge(observation, ZONES))
            self.now += 1
        return self.machine.state

    def empty(self) -> "Run":
        assert self.feed(51, seen()) == "empty"
        return self


MOVES = seen(blobs=(Blob(STANDING, 0.05, 0.9),), motion=0.03, motion_box=STANDING)


def test_in_an_empty_room_only_who_is_confirmed_is_a_resident():
    run = Run().empty()
    assert run.feed(2, MOVES) == "empty"
    assert run.feed(0.2, with_people(person(STANDING), motion=0.03)) == "occupied"


def test_what_goes_on_unconfirmed_makes_the_room_unknown_never_occupied_and_never_silently_empty():
    run = Run().empty()
    assert run.feed(DOUBT_S - 1, MOVES) == "empty"
    assert run.feed(3, MOVES) == "unknown"
    assert run.feed(300, MOVES) == "unknown"


def test_a_flicker_of_doubt_is_forgotten():
    run = Run().empty()
    for _ in range(30):
        run.feed(2, MOVES)
        assert run.feed(2, seen()) == "empty"


def test_whoever_was_believed_is_not_doubted_away():
    run = Run()
    assert run.feed(2, with_people(person(STANDING), motion=0.03)) == "occupied"
    assert run.feed(590, seen(blobs=(Blob(STANDING, 0.05, 0.0),))) == "occupied"
    assert run.feed(20, seen(blobs=(Blob(STANDING, 0.05, 0.0),))) == "unknown"


def test_a_sleeper_whom_the_model_does_not_see_stays_in_bed_all_night():
    run = Run()
    assert run.feed(5, with_people(person(IN_BED, "lying"), motion=0.03)) == "in-bed"
    assert run.feed(8 * 3600, seen(blobs=(Blob(IN_BED, 0.05, 0.0),))) == "in-bed"


def test_without_an_empty_room_before_the_bed_needs_no_model():
    run = Run()
    assert (
        run.feed(5, seen(background="none", motion=0.03, motion_box=IN_BED, people_certainty=0.6)) == "in-bed"
    )


def test_two_witnesses_make_a_room_empty_ten_times_sooner_than_one():
    run = Run(leave_dwell_s=5.0)
    run.feed(2, with_people(person(STANDING), motion=0.03))
    assert run.feed(0.8, seen()) == "empty"
    alone = Run(leave_dwell_s=5.0)
    alone.feed(2, with_people(person(STANDING), motion=0.03))
    assert alone.feed(4, seen(people=None, people_certainty=None)) == "occupied"
    assert alone.feed(2, seen(people=None, people_certainty=None)) == "empty"


def test_a_model_that_fires_although_nothing_agrees_keeps_a_room_from_being_called_empty():
    run = Run()
    assert run.feed(600, seen(background="none", people_certainty=0.05)) == "unknown"


def test_somebody_found_on_the_floor_stays_there_until_seen_up():
    run = Run()
    run.feed(2, with_people(person(STANDING), motion=0.03))
    assert run.feed(1.2, with_people(person(ON_FLOOR, "lying"))) == "occupied", "one look is not yet a fall"
    assert run.feed(1, with_people(person(ON_FLOOR, "lying"))) == "on-floor"
    assert run.feed(60, with_people(person(ON_FLOOR, "unsure"))) == "on-floor"
    assert run.feed(600, seen(blobs=(Blob(ON_FLOOR, 0.05, 0.0),))) == "on-floor"
    assert run.feed(2, with_people(person(STANDING, "upright"), motion=0.03)) == "occupied"


def test_out_of_bed_and_on_the_floor_and_up_again():
    run = Run()
    run.feed(5, with_people(person(IN_BED, "lying")))
    assert run.feed(3, with_people(person(STANDING), motion=0.03)) == "out-of-bed"
    assert run.feed(3, with_people(person(ON_FLOOR, "lying"))) == "on-floor"
    assert run.feed(3, with_people(person(STANDING), motion=0.03)) == "out-of-bed"


def test_several_only_where_that_is_sure_and_lasts():
    both = (person(STANDING), person(IN_BED, "lying"))
    unsure = (person(STANDING, certainty=0.7), person(IN_BED, "lying"))
    run = Run()
    assert run.feed(10, with_people(*unsure, certainty=0.5, motion=0.03)) == "occupied"
    assert run.feed(3, with_people(*both, motion=0.03)) == "occupied"
    assert run.feed(1, with_people(*both, motion=0.03)) == "several-people"
    assert run.feed(4, with_people(person(IN_BED, "lying"))) == "in-bed"


def test_of_several_the_one_found_in_bed_is_not_up_for_what_differs_beside_him():
    """A visitor sits by the bed, where the model takes the two for one; what differs joins them."""
    run = Run()
    both = (person(STANDING), person(IN_BED, "lying"))
    assert run.feed(6, with_people(person(IN_BED, "lying"))) == "in-bed"
    assert run.feed(6, with_people(*both, motion=0.03)) == "several-people"
    joined = Blob(Box(0.2, 0.2, 0.85, 0.8), 0.15, 0.0)
    assert run.feed(60, with_people(person(IN_BED, "lying"), blobs=(joined,))) == "several-people"
    assert run.feed(6, with_people(person(STANDING), motion=0.03)) == "out-of-bed"


def test_who_is_carried_out_has_not_fallen_while_those_who_carry_him_walk():
    """They are taken for one with him, who lies; once nobody walks around him, he lies on the floor."""
    run = Run()
    both = (person(STANDING), person(IN_BED, "lying"))
    assert run.feed(6, with_people(*both, motion=0.03)) == "several-people"
    carried = with_people(person(ON_FLOOR, "lying"), motion=0.08, motion_box=Box(0.1, 0.2, 0.4, 0.9))
    assert run.feed(0.6, with_people(person(ON_FLOOR, "lying"))) == "several-people"
    assert run.feed(8, carried) == "several-people"
    assert run.feed(0.8, with_people(person(ON_FLOOR, "lying"))) == "several-people", "since then, not before"
    assert run.feed(3, with_people(person(ON_FLOOR, "lying"))) == "on-floor"


def test_that_there_are_several_is_sure_where_two_are_whatever_else_is_fired_on():
    """A corner that a model takes for half a person makes a third of them unsure, and not the two."""
    two = person(IN_BED, "lying"), person(STANDING)
    assert judge(with_people(*two, certainty=0.45), ZONES).sure
    assert not judge(with_people(two[0], certainty=0.45), ZONES).sure
    assert not judge(with_people(two[0], person(STANDING, certainty=0.6), certainty=0.3), ZONES).sure


def test_evidence_without_models_is_never_doubted():
    assert not Evidence("off-bed", True, None, True, "numbers").doubted
