"""Rooms from frames: a covered camera is unknown in time, and a replay tells the same whatever the clocks say."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from stillroom.config import CameraConfig, UnitConfig
from stillroom.config_conditions import ConditionsConfig, LongRow, Row
from stillroom.events import Event
from stillroom.eye.analysis import Analysis
from stillroom.keeper.room import Room
from stillroom.observation import Observation
from stillroom_tools.lab import simulated
from stillroom_tools.lab.scenario import load_scenario

SCENE = """\
title = "in bed; the camera is covered, or the light goes out"
begins = "bed"
acts = [{ at_s = 2, do = "turn" }, { at_s = 20, do = DO }]
"""
DAY = Path(__file__).resolve().parents[1] / "config" / "scenarios" / "day.toml"
AT_S = 20.0
FRAMES_PER_S = 10.0


def observed(source: Path, until_s: float) -> Iterable[Observation]:
    config = CameraConfig(kind="simulated", source=str(source), speed="max", frames_per_s=FRAMES_PER_S)
    analysis = None
    for frame in simulated.open_camera(config, source.parent).frames():
        if frame.frame_ns > until_s * 1e9:
            return
        analysis = analysis or Analysis(frame.width, frame.height)
        seen = analysis.feed(frame, frame.frame_ns)
        if seen is not None:
            yield seen


class Told:
    """A room with what it told, in the camera's seconds."""

    def __init__(self, mono_ns: int = 0, utc_ms: int = 0) -> None:
        self.events: list[tuple[float, Event]] = []
        self._mono_ns, self._utc_ms, self._now_s = mono_ns, utc_ms, 0.0
        rows = ConditionsConfig(
            left_bed=(Row("high"),), no_movement=(LongRow("low", 30.0),), entered=(Row("low"),)
        )
        config = UnitConfig("a", "b", zones=load_scenario(DAY).zones, conditions=rows)
        self.room = Room(config, lambda at_ms, event: self.events.append((self._now_s, event)), utc_ms)

    def watch(self, seen: Observation) -> str:
        self._now_s = seen.frame_ns / 1e9
        self.room.observe(seen, self._mono_ns + seen.frame_ns, self._utc_ms + seen.frame_ns // 1_000_000)
        return self.room.state


@pytest.mark.parametrize("do", ['"cover"', '"light", lux = 0.1', '"freeze"'])
def test_from_bed_a_camera_that_sees_nothing_is_unknown_within_ten_seconds(tmp_path, do):
    path = tmp_path / "scene.toml"
    zones = DAY.read_text()[DAY.read_text().index("[zones]") :]
    path.write_text(SCENE.replace("DO", do) + zones.split("\n\n")[0] + "\n")
    told, states = Told(), []
    for seen in observed(path, AT_S + 10.0):
        states.append((seen.frame_ns / 1e9, told.watch(seen)))
    assert [state for at_s, state in states if at_s < AT_S][-1] == "in-bed"
    assert states[-1][1] == "unknown"
    assert all(state in ("in-bed", "unknown") for at_s, state in states if at_s >= AT_S)


def test_a_lens_that_blurs_gets_nobody_out_of_bed(tmp_path):
    path = tmp_path / "scene.toml"
    zones = DAY.read_text()[DAY.read_text().index("[zones]") :]
    path.write_text(SCENE.replace("DO", '"blur"') + zones.split("\n\n")[0] + "\n")
    told = Told()
    states = [told.watch(seen) for seen in observed(path, AT_S + 10.0)]
    assert set(states[-100:]) == {"in-bed"}, "from ten seconds before it on"


def test_a_replay_tells_the_same_whatever_the_clocks_say():
    seen = list(observed(DAY, 90.0))
    first, again = Told(), Told(mono_ns=12_345_678_901, utc_ms=1_700_000_000_000)
    for each in seen:
        first.watch(each)
        again.watch(each)
    changes = [(at_s, event) for at_s, event in first.events if type(event).__name__ != "Summary"]
    assert len(changes) >= 3
    assert changes == [(at_s, event) for at_s, event in again.events if type(event).__name__ != "Summary"]
