"""The empty room in changing light: nobody is seen in a lamp or a sunrise, and somebody still is after it."""

import pytest

from stillroom.eye.analysis import Analysis
from stillroom.observation import Observation
from stillroom_tools.lab.scenario import Act, Light, Scenario
from stillroom_tools.lab.scenario_physics import Steps
from stillroom_tools.lab.simulated import SimulatedCamera

FRAMES_PER_S = 6.0
LEAST_AREA = 0.004
"""What the keeper takes for somebody."""

LAMPS = tuple(
    Act(10.0 + 7 * number, "light", lux=lux) for number, lux in enumerate((500.0, 30.0, 400.0, 2.0))
)


def watch(acts: tuple[Act, ...], seconds: float, lux: float) -> list[Observation]:
    scenario = Scenario(title="light", acts=acts, light=Light(lux=lux))
    camera = SimulatedCamera(scenario, frames_per_s=FRAMES_PER_S, seed=3)
    analysis = Analysis(camera.width, camera.height)
    analysis.allow(breathing=False, pulse=False)
    analysis.room_is_empty(True)
    found = []
    for index in range(round(seconds * FRAMES_PER_S)):
        seen = analysis.feed(camera.frame(index), 0)
        if seen is not None:
            found.append(seen)
            # As the keeper does: what stands out is not learned.
            analysis.room_is_empty(not somebody(seen))
    return found


def somebody(seen: Observation) -> bool:
    return any(blob.area >= LEAST_AREA for blob in seen.blobs)


@pytest.mark.parametrize(
    ("acts", "lux"),
    [
        (LAMPS, 200.0),
        (tuple(Act(6.0 + 0.4 * i, "light", lux=1.0 * 1.09**i) for i in range(75)), 1.0),
        (tuple(Act(6.0 + 0.4 * i, "light", lux=500.0 / 1.08**i) for i in range(75)), 500.0),
    ],
    ids=["lamps", "sunrise", "sunset"],
)
def test_light_alone_is_nobody(acts: tuple[Act, ...], lux: float) -> None:
    seen = watch(acts, 40.0, lux)
    assert seen[-1].background == "learned"
    longest = run = 0
    for each in seen:
        run = run + 1 if somebody(each) else 0
        longest = max(longest, run)
    assert longest <= 2, "not longer than the light itself takes to settle"


@pytest.mark.parametrize(("before", "after"), [(20.0, 500.0), (500.0, 20.0)])
def test_somebody_who_comes_in_after_the_lamp_is_seen(before: float, after: float) -> None:
    seen = watch((Act(8.0, "light", lux=after), Act(11.0, "enter")), 18.0, before)
    late = [each for each in seen if each.frame_ns > 15e9]
    assert len(late) > 10 and all(somebody(each) for each in late)


def test_an_exposure_that_steps_moves_nothing_and_hides_nobody_who_walks() -> None:
    still, walks = (
        SimulatedCamera(
            Scenario(title="steps", steps=Steps(every_s=3.0), acts=acts), frames_per_s=FRAMES_PER_S, seed=3
        )
        for acts in ((), (Act(12.0, "enter"),))
    )
    said = []
    for camera in (still, walks):
        analysis = Analysis(camera.width, camera.height)
        analysis.allow(breathing=False, pulse=False)
        seen = [analysis.feed(camera.frame(index), 0) for index in range(round(16 * FRAMES_PER_S))]
        said.append([each for each in seen if each is not None and not each.light_changed])
    assert sum(each.motion > 0.003 for each in said[0]) <= 1
    assert sum(each.motion > 0.003 for each in said[1] if each.frame_ns > 12e9) >= 8
