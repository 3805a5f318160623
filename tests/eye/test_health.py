"""Camera health on simulated rooms: what befalls a camera is said within ten seconds, what goes on in a room is not."""

from dataclasses import dataclass

import numpy as np
import pytest

from stillroom.eye.analysis import Analysis
from stillroom.eye.frame import Frame
from stillroom.eye.health import CameraHealth
from stillroom.eye.traces import Fifth
from stillroom.observation import Health
from stillroom_tools.lab.scenario import Act, Lens, Light, Scenario
from stillroom_tools.lab.simulated import SimulatedCamera

FRAMES_PER_S = 6.0
AT_S = 9.0
WITHIN_S = 10.0
ENTERED = (Act(0.0, "enter"), Act(3.0, "lie-down"))


@dataclass(frozen=True)
class Change:
    at_s: float
    health: Health


def changes(
    acts: tuple[Act, ...], seconds: float, lux: float = 200.0, lens: Lens | None = None
) -> list[Change]:
    """Each change of what the eye says of its camera."""
    scenario = Scenario(title="health", acts=acts, light=Light(lux=lux), lens=lens or Lens())
    camera = SimulatedCamera(scenario, frames_per_s=FRAMES_PER_S, seed=4)
    analysis = Analysis(camera.width, camera.height)
    analysis.allow(breathing=False, pulse=False)
    found: list[Change] = []
    for index in range(round(seconds * FRAMES_PER_S)):
        seen = analysis.feed(camera.frame(index), 0)
        if seen is not None and (not found or seen.health != found[-1].health):
            found.append(Change(seen.frame_ns / 1e9, seen.health))
    return found


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (Act(AT_S, "cover"), "covered"),
        (Act(AT_S, "light", lux=0.25), "dark"),
        (Act(AT_S, "dazzle"), "blinded"),
        (Act(AT_S, "blur"), "blurred"),
        (Act(AT_S, "freeze"), "frozen"),
        (Act(AT_S, "knock", turn_deg=1.0), "moved"),
        (Act(AT_S, "knock", turn_deg=-3.0), "moved"),
        (Act(AT_S, "knock"), "moved"),
        (Act(AT_S, "knock", turn_deg=17.0), "moved"),
    ],
    ids=lambda value: f"{value.do} {value.turn_deg or value.lux or ''}" if isinstance(value, Act) else "",
)
@pytest.mark.parametrize("before", [(), ENTERED], ids=["nobody", "somebody"])
def test_what_happens_to_a_camera_is_said_within_ten_seconds(
    before: tuple[Act, ...], act: Act, expected: Health
) -> None:
    found = changes((*before, act), AT_S + WITHIN_S + 1.0)
    assert [change.health for change in found] == ["unsure", "good", expected]
    assert AT_S < found[-1].at_s <= AT_S + WITHIN_S


def test_a_knock_while_somebody_walks_about_is_said_too() -> None:
    walk = (Act(2.0, "enter"), Act(8.0, "lie-down"), Act(14.0, "get-up"), Act(17.0, "leave"))
    acts = sorted((*walk, Act(AT_S, "knock", turn_deg=-8.0)), key=lambda act: act.at_s)
    found = changes(tuple(acts), AT_S + WITHIN_S + 1.0)
    assert found[-1].health == "moved" and found[-1].at_s <= AT_S + WITHIN_S


def test_when_it_is_over_it_is_good_again() -> None:
    acts = (Act(8.0, "cover"), Act(12.0, "uncover"), Act(18.0, "dazzle"), Act(24.0, "mend"))
    found = changes(acts, 30.0)
    assert [change.health for change in found] == ["unsure", "good", "covered", "good", "blinded", "good"]


VISIT = (
    Act(8.0, "enter"),
    Act(12.0, "lie-down"),
    Act(22.0, "get-up"),
    Act(26.0, "fall"),
    Act(34.0, "get-up"),
    Act(38.0, "leave"),
)


@pytest.mark.parametrize(
    ("acts", "lux", "lens"),
    [
        (
            (Act(10.0, "light", lux=800.0), Act(20.0, "light", lux=5.0), Act(30.0, "light", lux=200.0)),
            60.0,
            None,
        ),
        (tuple(Act(8.0 + 0.4 * i, "light", lux=1.0 * 1.08**i) for i in range(90)), 1.0, None),
        (VISIT, 200.0, None),
        (VISIT, 4.0, None),
        (VISIT, 200.0, Lens(distance_scale=0.5, view_deg=40.0)),
    ],
    ids=["lamps", "sunrise", "a visit", "a visit by a night light", "a visit that fills the picture"],
)
def test_what_happens_in_a_room_is_no_matter_of_the_camera(
    acts: tuple[Act, ...], lux: float, lens: Lens | None
) -> None:
    assert [change.health for change in changes(acts, 46.0, lux, lens)] == ["unsure", "good"]


# What the simulated room has not got, on made-up cells.

ROWS, COLS = 30, 40
PLAIN = np.full(256, 10, np.uint32)


def room(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(60, 180, (ROWS, COLS)).astype(np.float32)


def feed(health: CameraHealth, luma: np.ndarray, moving: np.ndarray | None = None, seed: int = 0) -> Health:
    random = np.random.default_rng(seed)
    noisy = (luma + random.normal(0, 0.3, luma.shape)).astype(np.float32).reshape(-1)
    flat = np.full(noisy.size, 128, np.float32)
    still = np.zeros(noisy.size, bool) if moving is None else moving.reshape(-1)
    return health.feed(Fifth(0.0, noisy, flat, flat, np.ones(noisy.size, np.float32), 6), PLAIN, still)


def settled(luma: np.ndarray, allowed: np.ndarray | None = None) -> CameraHealth:
    health = CameraHealth(
        (ROWS, COLS), np.ones(ROWS * COLS, bool) if allowed is None else allowed.reshape(-1)
    )
    for number in range(40):
        feed(health, luma, seed=number)
    assert health.state == "good"
    return health


def test_a_curtain_that_waves_for_minutes_is_not_the_camera() -> None:
    health = settled(room())
    for number in range(600):
        waving = room()
        waving[:, 24:] = np.roll(room(1)[:, 24:], number % 7, axis=1)
        moving = np.zeros((ROWS, COLS), bool)
        moving[:, 24:] = True
        assert feed(health, waving, moving, number) == "good"


def test_somebody_who_stands_in_front_of_the_lens_and_moves_is_not_a_moved_camera() -> None:
    health = settled(room())
    for number in range(100):
        assert feed(health, room(50 + number), np.ones((ROWS, COLS), bool), number) == "good"


def test_another_room_that_holds_still_is_a_moved_camera() -> None:
    health = settled(room())
    said = [feed(health, room(2), seed=number) for number in range(50)]
    assert said[-1] == "moved"


def test_furniture_moved_in_a_third_of_the_picture_is_learned() -> None:
    health = settled(room())
    after = room()
    after[:, 28:] = room(3)[:, 28:]
    for number in range(100):
        assert feed(health, after, seed=number) == "good"


def test_a_black_picture_from_the_first_on_is_said() -> None:
    health = CameraHealth((ROWS, COLS), np.ones(ROWS * COLS, bool))
    histogram = np.zeros(256, np.uint32)
    histogram[0] = 1000
    dark = Fifth(0.0, *(np.zeros(ROWS * COLS, np.float32) for _ in range(4)), 6)
    for _ in range(20):
        health.feed(dark, histogram, np.zeros(ROWS * COLS, bool))
    assert health.state == "dark"


def test_private_cells_say_nothing() -> None:
    allowed = np.ones((ROWS, COLS), bool)
    allowed[:, :30] = False
    health = settled(np.where(allowed, room(), 0).astype(np.float32), allowed)
    other = np.where(allowed, room(), room(7)).astype(np.float32)
    for number in range(60):
        assert feed(health, other, seed=number) == "good"


def test_the_smallest_picture_has_a_health_too() -> None:
    y, u, v = (np.full(shape, 90, np.uint8) for shape in ((16, 16), (8, 8), (8, 8)))
    analysis = Analysis(16, 16)
    said = [analysis.feed(Frame(y, u, v, index * 100_000_000), 0) for index in range(40)]
    assert {each.health for each in said if each is not None} <= {"unsure", "covered"}
