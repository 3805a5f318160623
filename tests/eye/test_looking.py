"""When it looks: the duty of each model in still and moving rooms, and what of the picture it gets to see."""

from collections.abc import Iterator

import numpy as np
import pytest

from stillroom.eye.agreement import Cells
from stillroom.eye.analysis import Analysis
from stillroom.eye.detect import SIDE_PX, Body, Detector, Held
from stillroom.eye.frame import Frame
from stillroom.eye.looking import Looking
from stillroom.eye.worker import Inline, Job, Result

WIDTH, HEIGHT = 320, 240


class Watched(Inline):
    """The real models; keeps when each was asked, and how bright what they saw was."""

    def __init__(self, detector: Detector) -> None:
        super().__init__(detector)
        self.asked: list[tuple[str, float]] = []
        self.brightest: list[int] = []
        self.answers: list[Result] = []

    def submit(self, job: Job) -> None:
        self.asked.append((job.kind, job.decided_ns / 1e9))
        self.brightest.append(int(job.picture.max()))
        super().submit(job)


def frames(seconds: float, *, moving: bool, frames_per_s: float = 10.0, level: int = 90) -> Iterator[Frame]:
    """A grey room with noise, and a bright block that goes about in it, or not."""
    random = np.random.default_rng(2)
    noise = random.integers(-2, 3, (8, HEIGHT, WIDTH))
    for index in range(round(seconds * frames_per_s)):
        y = level + noise[index % 8]
        if moving:
            x = 20 + index * 7 % 260
            y[80:160, x : x + 30] = 180
        u = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
        yield Frame(y.astype(np.uint8), u, u.copy(), round(index / frames_per_s * 1e9))


@pytest.fixture
def watched(models) -> Watched:
    return Watched(Detector(models))


def play(watched: Watched, pictures: Iterator[Frame], **changes) -> list:
    analysis = Analysis(WIDTH, HEIGHT, models=watched, **changes)
    return [seen for frame in pictures if (seen := analysis.feed(frame, 0)) is not None]


def test_a_still_room_is_looked_at_once_in_ten_seconds(watched):
    observations = play(watched, frames(95.0, moving=False))
    assert [kind for kind, _ in watched.asked] == ["people"] * 10
    times = [at for _, at in watched.asked]
    assert np.diff(times) == pytest.approx(10.0, abs=0.3)
    assert observations[0].people is None and observations[-1].people == 0
    assert {seen.model for seen in observations} == {"blazepose"}


def test_a_moving_room_is_looked_at_once_a_second_and_the_block_is_nobody(watched):
    observations = play(watched, frames(40.0, moving=True))
    people = [at for kind, at in watched.asked if kind == "people"]
    assert 36 <= len(people) <= 41 and min(np.diff(people)) > 0.9
    assert {seen.people for seen in observations} <= {None, 0}


def test_in_the_dark_nobody_is_asked_and_nobody_counted(watched):
    observations = play(watched, frames(30.0, moving=False, level=4))
    assert watched.asked == [] and {seen.people for seen in observations} == {None}


def test_no_model_sees_a_private_zone(watched):
    """The bright block moves inside it; outside the room is dim."""
    zone = ((0.0, 0.2), (1.0, 0.2), (1.0, 0.8), (0.0, 0.8))
    play(watched, frames(15.0, moving=True), private=(zone,))
    assert watched.brightest and max(watched.brightest) < 120


def test_a_replay_says_the_same(models):
    first, second = (
        play(Watched(Detector(models)), frames(12.0, moving=True, frames_per_s=15.0)) for _ in range(2)
    )
    assert first == second


class Scripted:
    """A model that finds a body on each bright block, as the real one would on people."""

    name = "blazepose"

    def __init__(self) -> None:
        self._picture = np.zeros((256, 256, 3), np.uint8)
        self._results: list[Result] = []

    def borrow(self, kind):
        side = SIDE_PX[kind]
        return self._picture.reshape(-1)[: side * side * 3].reshape(side, side, 3)

    def give_up(self, picture) -> None:
        pass

    def submit(self, job: Job) -> None:
        bodies = []
        if job.kind == "people":
            bright = (job.picture[..., 0] > 150).any(axis=0)
            edges = np.flatnonzero(np.diff(np.concatenate([[0], bright, [0]])))
            for first, last in edges.reshape(-1, 2):
                x, _ = job.square.place((first + last) / 2 / 224, 0.5)
                bodies.append(Body(0.97, x, 120.0, 0.0, -50.0))
        held = Held(0.99, "upright", None) if job.kind == "landmarks" else None
        self._results.append(Result(job.kind, job.square, job.decided_ns, tuple(bodies), held))

    def take(self) -> Result | None:
        return self._results.pop(0) if self._results else None


def two_walk_about() -> Iterator[Frame]:
    """One comes in from the left; ten seconds later another from the right. Both stand and sway."""
    for frame in frames(40.0, moving=False):
        at_s = frame.frame_ns / 1e9
        sway = 4 * (int(at_s * 5) % 2)
        left = int(min(20 * at_s, 80)) + sway
        frame.y[70:170, left : left + 30] = 180
        if at_s > 10:
            right = int(max(290 - 20 * (at_s - 10), 220)) + sway
            frame.y[70:170, right : right + 30] = 180
        yield frame


def test_whose_breath_it_is_cannot_be_said_of_two():
    observations = play(Scripted(), two_walk_about())
    alone = [seen for seen in observations if 6e9 < seen.frame_ns < 10e9]
    both = [seen for seen in observations if seen.frame_ns > 16e9]
    assert {seen.people for seen in alone} == {1} and {seen.people for seen in both} == {2}
    assert {seen.breathing.withheld for seen in alone}.isdisjoint({"several-people"})
    assert {seen.breathing.withheld for seen in both[5:]} == {"several-people"}
    assert {seen.pulse.withheld for seen in both[5:]} == {"several-people"}


def test_a_jump_in_time_begins_anew_and_looks_again(watched):
    pictures = [*frames(3.0, moving=False)]
    later = [Frame(f.y, f.u, f.v, f.frame_ns + 3_600_000_000_000) for f in frames(3.0, moving=False)]
    play(watched, iter([*pictures, *later]))
    assert [round(at) for _, at in watched.asked] == [0, 3600]


def test_frames_that_come_too_slowly_are_not_cut_out_stale(watched):
    """At two frames a second what was decided on one frame is too old for the next."""
    play(watched, frames(20.0, moving=True, frames_per_s=2.0))
    assert watched.asked == []


def test_who_has_come_down_is_looked_at_in_a_hurry_for_two_seconds_more():
    """Whoever sits down on the floor is sought there before one look that erred has been believed for long enough."""
    shape, asked = (60, 80), []

    class Finds(Scripted):
        def submit(self, job: Job) -> None:
            asked.append((job.kind, job.decided_ns / 1e9))
            bodies = (Body(0.97, 300.0, 240.0, 0.0, -160.0),) if job.kind == "people" else ()
            held = Held(0.99, "upright", None, True, 90.0) if job.kind == "landmarks" else None
            self._results.append(Result(job.kind, job.square, job.decided_ns, bodies, held))

    looking = Looking(640, 480, shape, Finds())
    tops = [*[0.2] * 25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.6]
    for fifth in range(60):
        moving = np.zeros(shape, bool)
        if fifth < len(tops):
            moving[round(tops[fifth] * 60) : 54, 33:42] = True
        now_s = 1.0 + fifth / 5
        looking.feed(Cells(now_s, round(now_s * 1e9), moving.reshape(-1), None, False, None, False))
        looking.served(("served",) * len(looking.orders()))
    down_s = 7.0
    looks = [at - down_s for kind, at in asked if kind == "people" and at > down_s - 0.1]
    assert looks[:5] == pytest.approx([0.0, 0.4, 0.8, 1.2, 1.6]), "in a hurry"
    assert looks[5] - looks[4] == pytest.approx(1.0), "and no longer"
