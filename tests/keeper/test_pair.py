"""Of two, one of whom was in bed: who stays when the other has gone by the door."""

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig, Zones
from stillroom.keeper.occupancy import judge
from stillroom.keeper.state import RoomStateMachine
from stillroom.observation import Box, Observation, Person, Reading

ZONES = Zones(
    bed=((0.0, 0.5), (0.6, 0.5), (0.6, 0.9), (0.0, 0.9)),
    door=((0.65, 0.0), (0.8, 0.0), (0.8, 0.5), (0.65, 0.5)),
)
SLEEPER, RISES, UP = Box(0.1, 0.55, 0.55, 0.8), Box(0.45, 0.35, 0.65, 0.95), Box(0.8, 0.2, 0.95, 0.8)
OTHER, AGAIN = Box(0.25, 0.2, 0.4, 0.65), Box(0.26, 0.22, 0.4, 0.65)
AT_DOOR, OTHER_AT_DOOR = Box(0.65, 0.05, 0.8, 0.5), Box(0.66, 0.1, 0.78, 0.5)


def seen(*persons: Person) -> Observation:
    return Observation(
        frame_ns=0, captured_mono_ns=0, luma_mean=100.0, clipped=0.0, dark=False, light_changed=False,
        background="learning", motion=0.03, motion_box=persons[0].box, blobs=(), breathing_box=None,
        breathing=Reading(), pulse=Reading(), frames_per_s=30.0, frames_dropped=0, model="blazepose",
        people=len(persons), people_certainty=0.95, persons=persons,
    )  # fmt: skip


def up(*boxes: Box) -> Observation:
    return seen(*[Person(box, "upright", 0.95) for box in boxes])


class Two:
    """Somebody in bed and another, who sits beside it; five observations a second."""

    def __init__(self) -> None:
        self.machine, self.now = RoomStateMachine(RoomConfig()), 0
        lies = Person(SLEEPER, "lying", 0.95)
        assert self.sees(*[seen(lies)] * 20) == "in-bed"
        assert self.sees(*[seen(lies, Person(OTHER, "sitting", 0.95))] * 20) == "several-people"

    def sees(self, *observations: Observation) -> str:
        for each in observations:
            self.now += 1
            self.machine.feed(self.now * NS_PER_S // 5, judge(each, ZONES))
        return self.machine.state


def test_who_was_in_bed_left_by_the_door_so_that_the_other_was_not():
    assert Two().sees(up(RISES, OTHER), up(UP, AGAIN), up(AT_DOOR, AGAIN), *[up(OTHER)] * 20) == "occupied"
    assert Two().sees(up(OTHER, RISES), up(AGAIN, UP), up(AGAIN, AT_DOOR), *[up(OTHER)] * 20) == "occupied"


def test_the_other_left_so_that_who_stays_was_in_bed():
    assert Two().sees(up(RISES, OTHER), up(UP, AGAIN), up(UP, AT_DOOR), *[up(UP)] * 20) == "out-of-bed"


def test_who_is_not_found_any_more_has_not_left_unless_he_was_at_the_door():
    assert Two().sees(up(RISES, OTHER), up(UP, AGAIN), *[up(OTHER)] * 20) == "out-of-bed"


def test_the_other_went_out_past_the_sleeper_who_stands_before_the_door():
    walks = up(AT_DOOR, Box(0.3, 0.2, 0.45, 0.65))
    assert Two().sees(up(RISES, OTHER), up(AT_DOOR, AGAIN), walks, *[up(AT_DOOR)] * 20) == "out-of-bed"


def test_of_two_who_both_walked_or_both_are_at_the_door_nobody_knows_who_is_who():
    walk = up(RISES, OTHER), up(UP, Box(0.5, 0.2, 0.64, 0.65)), up(AT_DOOR, UP)
    assert Two().sees(*walk, *[up(UP)] * 20) == "out-of-bed"
    both = up(RISES, OTHER), up(AT_DOOR, OTHER), up(AT_DOOR, OTHER_AT_DOOR)
    assert Two().sees(*both, *[up(OTHER_AT_DOOR)] * 20) == "out-of-bed"


def test_of_three_nobody_is_followed():
    three = up(RISES, OTHER, Box(0.0, 0.1, 0.1, 0.5))
    assert Two().sees(three, up(AT_DOOR, OTHER), *[up(OTHER)] * 20) == "out-of-bed"


def test_who_comes_back_is_two_again_and_what_was_known_ends():
    two = Two()
    two.sees(up(RISES, OTHER), up(UP, OTHER), up(AT_DOOR, OTHER), up(OTHER), up(AT_DOOR, OTHER))
    assert two.sees(*[up(OTHER)] * 20) == "out-of-bed"
