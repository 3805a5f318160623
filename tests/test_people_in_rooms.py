"""Eye and keeper together, with the real models, on rooms in which people come and go."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from stillroom.config import CameraConfig, UnitConfig, Zones
from stillroom.events import StateChanged
from stillroom.eye.frame import Frame
from stillroom.observation import Observation
from stillroom_tools.lab import simulated
from stillroom_tools.lab.evaluate_room import cropped
from stillroom_tools.lab.evaluate_truth import Roi
from stillroom_tools.lab.program import Program, load_detector
from stillroom_tools.lab.recorded import RecordedCamera
from stillroom_tools.lab.scenario import load_scenario

SCENARIOS = Path(__file__).resolve().parents[1] / "config" / "scenarios"
ENTER_S = (6.0, 22.8, 50.2, 74.6, 92.2, 123.6)
"""First part of each person in the picture, and the last part out of it, by eye, to a fifth of a second."""
LEAVE_S = (19.8, 45.1, 69.9, 86.8, 120.0, 136.1)
LATE_S = 2.0


class Unit:
    """The whole program, and all that it said."""

    def __init__(self, models: Path | None, zones: Zones) -> None:
        self.changes: list[tuple[float, StateChanged]] = []
        self.seen: list[Observation] = []
        self._program = Program(
            UnitConfig(site="a", unit="b", zones=zones), load_detector(models), self._tell
        )

    def _tell(self, at_ms: int, event: object) -> None:
        if isinstance(event, StateChanged):
            self.changes.append((at_ms / 1000, event))

    def watch(self, frames: Iterable[Frame], until_s: float = 1e9) -> None:
        for frame in frames:
            if frame.frame_ns > until_s * 1e9:
                break
            seen = self._program.feed(frame)
            if seen is not None:
                self.seen.append(seen)

    def states(self) -> list[str]:
        return [event.state for _, event in self.changes]


def simulated_frames(name: str, frames_per_s: float = 10.0) -> Iterable[Frame]:
    source = str(SCENARIOS / f"{name}.toml")
    config = CameraConfig(kind="simulated", source=source, speed="max", frames_per_s=frames_per_s)
    return simulated.open_camera(config, SCENARIOS).frames()


def test_people_who_come_one_by_one_are_all_counted_none_invented_none_late(models, real):
    """No zones at all: six in, six out, in order, each within two seconds."""
    unit = Unit(models, Zones())
    unit.watch(RecordedCamera(real("room-people-one-by-one.mp4")).frames())
    came = [at for at, event in unit.changes if event.state == "occupied"]
    left = [at for at, event in unit.changes if event.state == "empty"]
    assert unit.states() == ["occupied", "empty"] * 6
    assert all(0 <= at - truth <= LATE_S for at, truth in zip(came, ENTER_S, strict=True)), came
    assert all(0 <= at - truth <= LATE_S for at, truth in zip(left, LEAVE_S, strict=True)), left
    for seen in unit.seen:
        at = seen.frame_ns / 1e9
        empty = any(a + LATE_S <= at < b for a, b in zip((-LATE_S, *LEAVE_S), (*ENTER_S, 1e9), strict=True))
        assert not (empty and seen.people), f"somebody believed in the empty room at {at:.1f} s"


def test_posture_of_people_who_fall_becomes_lying_and_nobody_upright_is_said_to_lie(models, real):
    labels = [line.split(",") for line in real("falls/labels.csv").read_text().splitlines()[1:]]
    said: Counter[tuple[int, str]] = Counter()
    for clip in ("fall-02", "fall-05", "fall-07"):
        known = {int(frame): int(posture) for name, frame, posture in labels if name == clip}
        unit = Unit(models, Zones())
        camera = RecordedCamera(real(f"falls/{clip}.mp4"))
        unit.watch(cropped(camera, Roi.parse("0.5,0,0.5,1")))
        for seen in unit.seen:
            label = known.get(round(seen.frame_ns * 30 / 1e9) + 1, 0)
            said.update((label, person.posture) for person in seen.persons)
    assert said[-1, "lying"] == 0 and said[1, "lying"] > 3 * said[1, "upright"]


@pytest.mark.long
def test_a_simulated_day_with_a_fall_is_told_as_it_happened(models):
    unit = Unit(models, load_scenario(SCENARIOS / "day.toml").zones)
    unit.watch(simulated_frames("day"), until_s=170.0)
    assert unit.states() == ["occupied", "in-bed", "out-of-bed", "on-floor", "out-of-bed", "empty"]
    fell_s = next(at for at, event in unit.changes if event.state == "on-floor")
    assert 118.0 < fell_s < 125.0


@pytest.mark.long
def test_in_an_hour_of_an_empty_room_nobody_is_ever_believed(models):
    unit = Unit(models, load_scenario(SCENARIOS / "empty.toml").zones)
    unit.watch(simulated_frames("empty", 5.0), until_s=3600.0)
    assert {seen.people for seen in unit.seen} <= {None, 0}
    assert set(unit.states()) <= {"empty", "unknown"}
