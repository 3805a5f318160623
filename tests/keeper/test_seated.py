"""Who sits down on the floor behind the bed is not in it; who gets into it from there is."""

import pytest

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig, Zones
from stillroom.keeper.occupancy import judge
from stillroom.keeper.state import RoomStateMachine
from stillroom.observation import Blob, Box, Observation, Person, Reading

ZONES = Zones(bed=((0.0, 0.8), (0.65, 0.8), (0.62, 0.5), (0.1, 0.5)))
STOOD = Box(0.35, 0.13, 0.45, 0.6)
SINKS = [Box(0.36, top, 0.5, 0.6) for top in (0.2, 0.23, 0.28, 0.32, 0.36, 0.4, 0.42)]
SITS = Box(0.35, 0.42, 0.55, 0.6)
STIRS = Box(0.38, 0.44, 0.45, 0.52)
LIES_DOWN = [Box(0.3, 0.37, 0.6, 0.73), Box(0.2, 0.45, 0.55, 0.75), Box(0.1, 0.55, 0.4, 0.77)]
LIES = Box(0.08, 0.52, 0.6, 0.8)
LEANS = [Box(0.36, top, 0.5, 0.6) for top in (0.2, 0.24)]


def seen(box: Box, posture="upright", moves: Box | None = None) -> Observation:
    return Observation(
        frame_ns=0, captured_mono_ns=0, luma_mean=100.0, clipped=0.0, dark=False, light_changed=False,
        background="learning", motion=0.03 if moves else 0.0, motion_box=moves, blobs=(Blob(box, 0.03, 0.5),),
        breathing_box=None, breathing=Reading(), pulse=Reading(), frames_per_s=30.0, frames_dropped=0,
        model="blazepose", people=1, people_certainty=0.95, persons=(Person(box, posture, 0.95),),
    )  # fmt: skip


class Behind:
    """Somebody who has come to stand behind the bed; five observations a second."""

    def __init__(self) -> None:
        self.machine, self.now = RoomStateMachine(RoomConfig()), 0
        assert self.sees(*[seen(STOOD, moves=STOOD)] * 10, *[seen(STOOD)] * 10) == "occupied"

    def sees(self, *observations: Observation) -> str:
        for each in observations:
            self.now += 1
            self.machine.feed(self.now * NS_PER_S // 5, judge(each, ZONES))
        return self.machine.state


@pytest.mark.parametrize("posture", ["sitting", "lying", "unsure"])
def test_who_sits_down_behind_the_bed_is_not_in_it_however_long(posture):
    behind = Behind()
    assert judge(seen(SITS, posture), ZONES).place == "bed"
    behind.sees(*[seen(STOOD, moves=each) for each in SINKS])
    assert behind.sees(*[seen(SITS, posture)] * 100) == "occupied"
    assert behind.sees(*[seen(SITS, posture, STIRS)] * 5, *[seen(SITS, posture)] * 100) == "occupied"
    assert behind.sees(*[seen(STOOD, moves=each) for each in [*reversed(SINKS), STOOD]]) == "occupied"


@pytest.mark.parametrize("before", [[], SINKS], ids=["standing", "sitting"])
def test_who_gets_into_bed_from_behind_it_moves_lower_on_it(before):
    behind = Behind()
    behind.sees(*[seen(STOOD, moves=each) for each in before], *[seen(SITS, "sitting")] * 10 * bool(before))
    behind.sees(*[seen(each, "sitting", each) for each in LIES_DOWN])
    assert behind.sees(*[seen(LIES, "lying")] * 20) == "in-bed"


def test_who_sits_down_on_its_far_edge_comes_down_by_less_and_is_on_it():
    behind = Behind()
    behind.sees(*[seen(STOOD, moves=each) for each in LEANS])
    assert behind.sees(*[seen(LIES, "sitting")] * 20) == "in-bed"
