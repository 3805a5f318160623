"""From frames, with the real models: rooms that differ in who is there alone give the same figure, byte for byte."""

from pathlib import Path

import numpy as np
import pytest

from stillroom.config import CameraConfig, UnitConfig
from stillroom.eye.analysis import Analysis
from stillroom.eye.detect import Detector
from stillroom.eye.empty_picture import EmptyPicture
from stillroom.eye.figure import FILL, draw
from stillroom.eye.worker import Inline
from stillroom.keeper.room import Room
from stillroom.view_forms import HEIGHT_PX, WIDTH_PX
from stillroom_tools.lab import simulated
from stillroom_tools.lab.scenario import load_scenario

DAY = (Path(__file__).parents[1] / "config" / "scenarios" / "day.toml").read_text()
ZONES = DAY[DAY.index("[zones]") :].split("\n\n")[0]
GETS_UP_AND_LIES_DOWN = """
{ at_s = 4, do = "turn" }, { at_s = 12, do = "get-up" }, { at_s = 18, do = "leave" }, { at_s = 88, do = "enter" },
{ at_s = 100, do = "lie-down" }"""
SLEEPS_ON = '{ at_s = 4, do = "turn" }'
PEOPLE = (
    'skin = "light"\nshirt_rgb = [176, 164, 150]\ntrousers_rgb = [40, 44, 60]',
    'skin = "very-dark"\nshirt_rgb = [40, 90, 140]\ntrousers_rgb = [120, 60, 60]',
)
SCENE = """
title = "one of two people"
begins = "bed"
acts = [{acts}]
[movement]
fidgets_per_min = 0.0
[looks]
{looks}
{zones}
"""


def shown(
    folder: Path, models: Path, acts: str, looks: str, until_s: float
) -> tuple[EmptyPicture, list[bytes]]:
    """What figures each fifth of a second would be made of; blank ones are empty."""
    path = folder / "scene.toml"
    path.write_text(SCENE.format(acts=acts, looks=looks, zones=ZONES))
    config = CameraConfig(kind="simulated", source=str(path), speed="max", frames_per_s=5.0)
    zones = load_scenario(path).zones
    room = Room(UnitConfig(site="a", unit="b", zones=zones), lambda _at_ms, _event: None, 0)
    analysis = Analysis(640, 480, models=Inline(Detector(models)), doors=zones.doors)
    found = []
    for frame in simulated.open_camera(config, folder).frames():
        if frame.frame_ns > until_s * 1e9:
            break
        analysis.room_is_empty(room.is_empty, room.everybody_left)
        observation = analysis.feed(frame, frame.frame_ns)
        if observation is not None:
            room.observe(observation, frame.frame_ns, frame.frame_ns // 1_000_000)
        seen = room.seen
        picture = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
        if analysis.empty_picture.known and seen.blank == "shown":
            picture[:] = analysis.empty_picture.luma(HEIGHT_PX, WIDTH_PX)
            draw(picture, seen.figures)
        found.append(picture.tobytes())
    return analysis.empty_picture, found


def test_two_people_who_differ_in_all_but_what_they_do_are_drawn_alike(models, tmp_path):
    (_, first), (_, second) = (
        shown(tmp_path, models, GETS_UP_AND_LIES_DOWN, looks, 118.0) for looks in PEOPLE
    )
    lying = slice(-30, None)
    assert first[lying] == second[lying], "in bed, six seconds long"
    assert bytes([FILL]) in first[-1] and any(first[-1]), "a figure is there"
    differ = sum(a != b for a, b in zip(first, second, strict=True))
    assert differ <= 30, "a change of posture may be seen some fifths of a second sooner in one of them"


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_sleeper_who_lies_still_for_an_hour_never_becomes_the_room(models, tmp_path):
    empty, pictures = shown(tmp_path, models, SLEEPS_ON, PEOPLE[0], 3600.0)
    assert not empty.known and not any(map(any, pictures))
