"""Cells without frames, held to what the kernel makes of the frames of the same room."""

import numpy as np
import pytest

from stillroom.eye.analysis import Analysis
from stillroom.eye.breathing import Breathing
from stillroom.eye.distil import Grid, distil
from stillroom.eye.traces import Fifth, Traces
from stillroom_tools.lab.scenario import Act, BreathingLife, Lens, Light, Scenario
from stillroom_tools.lab.simulated import SimulatedCamera
from stillroom_tools.lab.simulated_cells import CELL_PX, CellCamera

WIDTH, HEIGHT = 320, 240
ACTS = tuple(Act(at_s=at_s, do=do) for at_s, do in ((1.0, "enter"), (12.0, "cover"), (16.0, "uncover")))


def from_frames(scenario: Scenario, seconds: float) -> list[Fifth]:
    camera = SimulatedCamera(scenario, width_px=WIDTH, height_px=HEIGHT, frames_per_s=10.0, seed=3)
    grid, spare, traces = Grid(WIDTH, HEIGHT), Grid(WIDTH, HEIGHT), Traces(HEIGHT // 8, WIDTH // 8)
    found = []
    for index in range(round(seconds * 10) + 1):
        frame = camera.frame(index)
        traces.pace.feed(frame.frame_ns)
        distil(frame, spare.y if index else None, None, grid)
        fifth = traces.feed(grid, frame.frame_ns)
        grid, spare = spare, grid
        if fifth is not None:
            found.append(fifth)
    return found


def from_cells(scenario: Scenario, seconds: float) -> list[Fifth]:
    camera = CellCamera(scenario, 3, width_px=WIDTH, height_px=HEIGHT)
    return [camera.at(index).fifth for index in range(round(seconds * 5))]


def test_someone_who_comes_in_and_a_covered_camera_look_as_they_do_from_frames():
    scenario = Scenario(title="x", acts=ACTS)
    pairs = list(zip(from_frames(scenario, 18.0), from_cells(scenario, 18.0), strict=True))
    grain = pairs[0][0].luma - pairs[0][1].luma  # of a quarter's texture; it stays as it is
    assert np.abs(grain).mean() < 2.0
    for frames, cells in pairs:
        assert cells.time_s == pytest.approx(frames.time_s) and cells.frames == frames.frames
        lit = frames.luma.mean() / pairs[0][0].luma.mean()
        away = np.abs(frames.luma - cells.luma - lit * grain)
        assert away.mean() < 0.6 and np.percentile(away, 98) < 7.0, f"luma at {cells.time_s:.1f} s"
        assert max(np.abs(frames.u - cells.u).mean(), np.abs(frames.v - cells.v).mean()) < 0.8
    moving = [sum((fifth.moved > 2.0).sum() for fifth, _ in pairs[10:30]), 0]
    moving[1] = sum((fifth.moved > 2.0).sum() for _, fifth in pairs[10:30])
    assert moving[1] == pytest.approx(moving[0], rel=0.15) and moving[0] > 300


@pytest.mark.parametrize("lux", [10.0, 200.0])
def test_noise_is_that_of_means_over_cells(lux):
    """Of an empty room, from fifth to fifth and from frame to frame; 8-bit rounding is in the frames alone."""
    scenario = Scenario(title="x", light=Light(lux=lux))
    stacks = [[each(scenario, 8.0)[2:] for each in (from_frames, from_cells)][k] for k in (0, 1)]
    for name in ("luma", "u", "moved"):
        frames, cells = (np.stack([getattr(fifth, name) for fifth in stack]) for stack in stacks)
        if name == "moved":
            assert np.median(cells.mean(axis=0)) == pytest.approx(np.median(frames.mean(axis=0)), rel=0.2)
        else:
            assert np.median(cells.std(axis=0)) == pytest.approx(np.median(frames.std(axis=0)), rel=0.25)


def test_a_chest_moves_cells_as_much_as_in_frames_and_its_rate_is_read():
    """Without sensor noise: what breathing does to the cells. A fine weave adds to it in frames alone."""
    breathing = BreathingLife(breaths_per_min=15.0, variability=0.0)
    scenario = Scenario(title="x", begins="bed", breathing=breathing, lens=Lens(noise=0.0))
    stacks = [np.stack([f.luma for f in each(scenario, 20.0)]) for each in (from_frames, from_cells)]
    swings = [np.sort(stack.std(axis=0))[-60:] for stack in stacks]
    assert 0.65 < swings[1].mean() / swings[0].mean() < 1.05
    read = Breathing(stacks[1].shape[1], WIDTH // CELL_PX)
    fifths = from_cells(Scenario(title="x", begins="bed", breathing=breathing), 40.0)
    values = []
    for index, fifth in enumerate(fifths):
        read.feed(fifth)
        if index > 100 and index % 10 == 0:
            values.append(read.read().value)
    assert values[-1] == pytest.approx(15.0, abs=1.0)


def test_a_frozen_camera_gives_the_same_cells_and_the_same_seed_the_same_night():
    scenario = Scenario(title="x", begins="bed", acts=(Act(at_s=2.0, do="freeze"),))
    one, other = from_cells(scenario, 4.0), from_cells(scenario, 4.0)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.luma, b.luma)
    assert all(fifth.moved.max() == 0.0 for fifth in one[11:])
    np.testing.assert_array_equal(one[11].luma, one[-1].luma)


def test_the_analysis_sees_somebody_come_in_and_lie_down_from_cells_alone():
    scenario = Scenario(title="x", acts=(Act(at_s=6.0, do="enter"),))
    camera, analysis = CellCamera(scenario, 1), Analysis(WIDTH, HEIGHT)
    analysis.allow(breathing=True, pulse=False)
    seen = []
    for index in range(60):
        shown = camera.at(index)
        seen.append(analysis.feed_cells(shown.fifth, shown.histogram, shown.clipped, shown.frame_ns, 0))
    assert max(each.motion for each in seen[:25]) < 0.003
    assert max(each.motion for each in seen[40:]) > 0.01
    assert seen[-1].health == "good" and seen[-1].pulse.withheld == "unsupported"
