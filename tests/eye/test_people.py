"""Who is believed: scenes in which a model fires on people, pictures, screens, coats and dogs, and the cells on theirs.

The model is a script with the scores that were measured on such things; the cells are drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from stillroom.eye.agreement import Agreement, Cells
from stillroom.eye.detect import Body, Held, Square
from stillroom.eye.falling import Descent, Falling
from stillroom.eye.people import People
from stillroom.eye.track import Track, box_in, within
from stillroom.observation import Box, Posture

WIDTH, HEIGHT = 640, 480
ROWS, COLS = HEIGHT // 8, WIDTH // 8
WHOLE = Square(WIDTH / 2, HEIGHT / 2, WIDTH)


def body(x: float, y: float = 250.0, score: float = 0.97, radius: float = 150.0) -> Body:
    return Body(score, x, y, 0.0, -radius)


def flags(x: float, y: float = 250.0, radius: float = 150.0) -> np.ndarray:
    """Cells of an upright shape."""
    found = np.zeros((ROWS, COLS), bool)
    wide = 0.3 * radius
    rows = slice(max(0, int((y - radius) / 8)), int((y + radius) / 8))
    found[rows, max(0, int((x - wide) / 8)) : max(0, int((x + wide) / 8))] = True
    return found.reshape(-1)


NOTHING = np.zeros(ROWS * COLS, bool)


@dataclass
class Scene:
    """Runs fifths; looks once a second with whatever the script gives."""

    learned: bool = True
    empty: bool = True
    present: float = 0.99
    at: int = 0
    breathing: Box | None = None
    agreement: Agreement = field(default_factory=lambda: Agreement((ROWS, COLS)))

    def __post_init__(self) -> None:
        self.people = People(WIDTH, HEIGHT, self.agreement)

    def run(
        self,
        seconds: float,
        bodies: Callable[[float], list[Body]] = lambda s: [],
        moving: Callable[[float], np.ndarray] = lambda s: NOTHING,
        figure: Callable[[float], np.ndarray] = lambda s: NOTHING,
        every_s: float = 1.0,
    ) -> list[int]:
        """The number believed after each fifth."""
        counts = []
        for step in range(round(seconds * 5)):
            since, now = step / 5, self.at / 5
            shown = figure(since) if self.learned else None
            self.agreement.feed(
                Cells(now, round(now * 1e9), moving(since), shown, self.learned, self.breathing, self.empty)
            )
            if step % round(every_s * 5) == 0:
                self.people.looked(bodies(since), WHOLE, now, empty=self.empty)
                asked = self.people.wants_posture()
                if asked is not None:
                    self.people.held(Held(self.present, "upright", None), asked.square(), now)
            self.people.feed(now)
            counts.append(len(self.people.believed))
            self.at += 1
        return counts

    @property
    def now_s(self) -> float:
        return self.at / 5

    @property
    def one(self) -> Track:
        (track,) = self.people.believed
        return track


def walk(since: float) -> float:
    return 40.0 + 90.0 * since


def walker(scene: Scene) -> None:
    """Somebody comes in from the left edge and stops at 400."""
    scene.run(4.0, lambda s: [body(walk(s))], lambda s: flags(walk(s)), lambda s: flags(walk(s)))
    scene.empty = False


def test_somebody_who_comes_in_is_believed_within_two_seconds_and_stays_one():
    scene = Scene()
    counts = scene.run(4.0, lambda s: [body(walk(s))], lambda s: flags(walk(s)), lambda s: flags(walk(s)))
    assert counts.index(1) <= 10 and set(counts[counts.index(1) :]) == {1}
    assert scene.one.certainty(scene.now_s) > 0.9 and scene.one.posture == "upright"


def test_whoever_stands_still_or_is_missed_by_the_model_stays_and_certainty_falls():
    scene = Scene()
    walker(scene)
    still = scene.run(
        120.0, lambda s: [body(400)] if s < 30 else [], figure=lambda s: flags(400), every_s=10.0
    )
    assert set(still) == {1}
    assert 0.5 < scene.one.certainty(scene.now_s) < 0.9


def test_whoever_leaves_is_gone_within_a_second_of_a_known_room():
    scene = Scene()
    walker(scene)
    counts = scene.run(3.0)
    assert counts.index(0) <= 5 and counts[-1] == 0


def test_without_a_known_room_only_looks_take_somebody_away():
    scene = Scene(learned=False)
    scene.run(4.0, lambda s: [body(walk(s))], lambda s: flags(walk(s)))
    assert set(scene.run(60.0, lambda s: [body(400)], every_s=10.0)) == {1}
    counts = scene.run(5.0)
    assert counts[1] == 1 and counts[-1] == 0


def test_two_people_are_two_and_one_when_one_has_left():
    scene = Scene()
    walker(scene)
    both = lambda s: flags(400) | flags(walk(s) - 40)  # noqa: E731
    counts = scene.run(2.5, lambda s: [body(400), body(walk(s) - 40)], lambda s: flags(walk(s) - 40), both)
    assert counts[-1] == 2
    assert scene.run(3.0, lambda s: [body(400)], figure=lambda s: flags(400))[-1] == 1


@pytest.mark.parametrize("learned", [True, False])
def test_somebody_who_walks_faster_than_looks_can_follow_is_still_one(learned):
    scene = Scene(learned=learned)
    at = lambda s: 40.0 + 260.0 * s  # noqa: E731
    counts = scene.run(2.4, lambda s: [body(at(s))], lambda s: flags(at(s)), lambda s: flags(at(s)))
    assert max(counts) == 1


def test_one_body_seen_twice_in_a_look_is_one():
    scene = Scene()
    walker(scene)
    upside_down = Body(0.9, 400.0, 245.0, 0.0, 148.0)
    counts = scene.run(5.0, lambda s: [body(400), upside_down], lambda s: flags(400), lambda s: flags(400))
    assert set(counts) == {1}


def test_a_picture_on_the_wall_is_nobody_even_when_somebody_walks_by():
    """It scores as high as a person, never moves, and was there when the room was learned."""
    scene = Scene()
    picture = body(300, 160, 0.95, 60)
    assert set(scene.run(30.0, lambda s: [picture])) == {0}
    scene.empty = False
    counts = scene.run(
        5.0, lambda s: [body(walk(s)), picture], lambda s: flags(walk(s)), lambda s: flags(walk(s))
    )
    assert max(counts) == 1
    counts = scene.run(20.0, lambda s: [picture])
    assert set(counts[10:]) == {0} and scene.people.doubted(scene.now_s) == 0


def test_before_the_room_is_known_a_picture_is_a_suspect_for_ten_minutes():
    scene = Scene(learned=False, empty=False)
    picture = body(300, 160, 0.95, 60)
    assert set(scene.run(590.0, lambda s: [picture], every_s=10.0)) == {0}
    assert scene.people.doubted(scene.now_s) > 0.7
    scene.run(20.0, lambda s: [picture], every_s=10.0)
    assert scene.people.doubted(scene.now_s) == 0


@pytest.mark.parametrize(("score", "doubt"), [(0.5, 0.1), (0.63, 0.16), (0.75, 0.4), (0.95, 0.8)])
def test_before_the_room_is_known_a_suspect_weighs_as_much_as_one_look_says(score, doubt):
    """Corners and screens score 0.5 to 0.63: a keeper unsure for them cannot say for minutes that nobody is there."""
    scene = Scene(learned=False, empty=False)
    scene.run(30.0, lambda s: [body(500, 300, score)], every_s=10.0)
    assert scene.people.doubted(scene.now_s) == pytest.approx(doubt)


def test_a_television_in_an_empty_room_is_nobody():
    """People on it score high, move, differ from the dark screen that was learned, come and go; all in one place."""
    scene = Scene()
    random = np.random.default_rng(3)
    screen = np.zeros((ROWS, COLS), bool)
    screen[15:30, 30:54] = True
    cells = screen.reshape(-1)

    def on_screen(since: float) -> list[Body]:
        return [body(290 + random.integers(0, 90), 180, 0.9, 50)] if random.random() < 0.7 else []

    counts = scene.run(
        600.0, on_screen, lambda s: cells & (random.random(ROWS * COLS) < 0.5), lambda s: cells
    )
    assert set(counts) == {0}


def test_a_coat_on_a_stand_outlives_whoever_brought_it_only_as_something_that_differs():
    """Somebody hangs it up and leaves; the model fires on it now and then; it neither moves nor breathes."""
    scene = Scene()
    walker(scene)
    coat = lambda s: flags(430, 230, 90)  # noqa: E731
    scene.run(3.0, lambda s: [body(400)], lambda s: flags(400), lambda s: flags(400) | coat(s))
    out = lambda s: 400.0 - 150.0 * s  # noqa: E731
    scene.run(3.0, lambda s: [body(out(s))], lambda s: flags(out(s)), lambda s: flags(out(s)) | coat(s))
    counts = scene.run(30.0, lambda s: [], figure=coat)
    assert counts[-1] == 0
    scene.empty = True
    fires = lambda s: [body(430, 230, 0.6, 90)] if int(s) % 30 == 0 else []  # noqa: E731
    assert set(scene.run(300.0, fires, figure=coat, every_s=10.0)) == {0}


def test_a_dog_that_walks_about_is_nobody():
    """It moves, differs, comes in by the door; the model gives it 0.66 in every other look, landmarks find no body."""
    scene = Scene(present=0.2)
    at = lambda s: 320.0 + 280.0 * np.sin(s / 3)  # noqa: E731
    shape = lambda s: flags(at(s), 380, 70)  # noqa: E731
    fires = lambda s: [body(at(s), 380, 0.66, 70)] if int(s) % 2 else []  # noqa: E731
    assert set(scene.run(120.0, fires, shape, shape)) == {0}


def test_an_empty_corner_that_scores_half_is_nobody_and_no_suspect_for_long():
    scene = Scene()
    corner = lambda s: [body(500, 300, 0.5)] if int(s) % 20 == 0 else []  # noqa: E731
    assert set(scene.run(300.0, corner, every_s=10.0)) == {0}
    assert scene.people.doubted(scene.now_s) == 0


def test_time_that_jumped_leaves_nobody():
    scene = Scene()
    walker(scene)
    scene.people.restart()
    assert scene.people.believed == [] and scene.people.looked_s is None


def test_who_sits_up_and_lies_down_between_two_looks_is_one():
    """From the edge of the bed to its middle in a second: more than a length of his body, less than two."""
    scene = Scene(learned=False, empty=False)
    moved = lambda s: flags(450.0, 300.0, 100.0) | flags(330.0, 300.0, 100.0)  # noqa: E731
    places = lambda s: [body(450.0 if s < 3.0 else 310.0, 300.0, radius=100.0)]  # noqa: E731
    assert set(scene.run(8.0, places, moved)[10:]) == {1}


def test_a_body_around_somebody_who_came_down_is_he_and_no_second_one():
    """On the way he was last found small, and elsewhere than he lies: too far and too different for the same body.

    Whether or not cells have shown that he came down (light was dim), if nobody else is there. Later it is another.
    """
    lying = Body(0.8, 370.0, 330.0, 30.0, 120.0)
    for down_ns, later_s, count in ((1, 0.0, 1), (None, 0.0, 1), (None, 3.0, 2)):
        scene = Scene(learned=False, empty=False)
        scene.run(5.0, lambda s: [body(400.0, 220.0, radius=40.0)], lambda s: flags(400.0, 220.0, 40.0))
        scene.one.down_ns = down_ns
        scene.run(later_s, every_s=100.0)
        scene.run(1.0, lambda s: [lying], lambda s: flags(370.0, 330.0, 120.0))
        assert len(scene.people._tracks) == count


def came_down(scene: Scene) -> Track:
    """He stood, and all that moved around him came down to the lower half of where he was, and is still."""
    scene.run(5.0, lambda s: [body(400.0, 240.0)], lambda s: flags(400.0, 240.0))

    class Falls(Falling):
        def of(self, box: Box | None) -> Descent:
            return Descent(0.19, 0.81, 0.6, True, Box(0.55, 0.6, 0.75, 0.9), 0.4)

    scene.people.sink(Falls((ROWS, COLS)), round((scene.now_s - 0.2) * 1e9))
    assert scene.one.down_ns is not None
    return scene.one


@pytest.mark.parametrize("gets_up", [False, True])
def test_who_came_down_is_not_above_where_he_did_until_something_moves_there(gets_up):
    """He lies with his head to the camera, and a body is as long to its far end as to the near one."""
    scene = Scene(learned=False, empty=False)
    track = came_down(scene)
    lying = Body(0.98, 420.0, 330.0, 40.0, 220.0)
    rises = flags(420.0, 220.0, 200.0)
    scene.run(3.0, lambda s: [lying], lambda s: rises if gets_up else flags(420.0, 380.0, 60.0), every_s=0.4)
    assert track.body == lying
    assert track.box.y0 < 0.3 if gets_up else track.box.y0 == 0.6


def test_a_corner_beside_somebody_who_lies_down_is_no_sight_of_him():
    """No look finds him on his way into bed, and a corner scores half: he is who lies there, and no second one."""
    scene = Scene(learned=False, empty=False)
    scene.run(5.0, lambda s: [body(400.0, 240.0)], lambda s: flags(400.0, 240.0))
    corner, lying = body(520.0, 180.0, 0.51, 90.0), Body(0.9, 250.0, 300.0, -140.0, -10.0)
    scene.one.sank_ns = round(scene.now_s * 1e9)
    found_s = scene.one.seen_s
    scene.run(2.0, lambda s: [corner], lambda s: flags(400.0 - 100.0 * s, 270.0) if s < 1.4 else NOTHING)
    assert scene.one.seen_s == found_s
    scene.run(2.0, lambda s: [lying, corner])
    assert scene.one.body == lying


def test_a_cat_on_the_bed_of_a_sleeper_is_nobody_though_landmarks_were_sure_of_it_once():
    """Less than half as large, and no look scores high; a visitor who sits there is found so, or is as large."""
    cats = [(body(320.0, 330.0, score, 45.0), 1) for score in (0.66, 0.72)]
    for other, count in (*cats, (body(320.0, 330.0, 0.85, 45.0), 2), (body(320.0, 330.0, 0.72, 85.0), 2)):
        scene = Scene(learned=False, empty=False)
        bodies = [Body(0.97, 300.0, 320.0, -150.0, 0.0)]
        looked = lambda s: bodies  # noqa: E731, B023
        moved = lambda s: flags(300.0, 320.0, 150.0)  # noqa: E731
        scene.run(5.0, looked, moved)
        bodies.append(other)
        scene.run(20.0, looked, moved)
        assert len(scene.people.believed) == count


def test_who_is_not_found_and_walks_on_from_his_place_is_not_gone_though_that_looks_empty_at_once():
    """He sat unfound for a while, gets up, and looks miss him on his way too; who has stopped moving there is gone."""
    for walks, count in ((True, 1), (False, 0)):
        scene = Scene()
        walker(scene)
        scene.run(2.0, lambda s: [body(walk(4.0))], figure=lambda s: flags(walk(4.0)))
        scene.run(5.0, figure=lambda s: flags(walk(4.0)))
        away = lambda s: flags(walk(4.0 + s))  # noqa: E731
        scene.run(0.6, lambda s: [], away, away)
        goes_on = lambda s: away(0.6 + s) if walks else NOTHING  # noqa: E731, B023
        assert scene.run(1.2, lambda s: [], goes_on, goes_on)[-1] == count


def test_who_slows_down_and_sits_down_unfound_is_where_little_moves_of_him():
    """A chair behind a bed: of who lowers himself into it a few columns move at a time, and there he still shows."""
    scene = Scene()
    walker(scene)
    sits = lambda s: flags(310.0, 220.0, 120.0)  # noqa: E731
    slow = sits(0.0).reshape(ROWS, COLS).copy()
    slow[:, :40] = False
    scene.run(0.4, lambda s: [body(400.0)], lambda s: flags(400.0), lambda s: flags(400.0))
    counts = scene.run(6.0, lambda s: [], lambda s: slow.reshape(-1) if s < 1.0 else NOTHING, sits)
    assert counts[-1] == 1 and scene.one.box.x1 < 0.6
    assert scene.run(2.0, lambda s: [])[-1] == 0, "nothing shows there any more"


@pytest.mark.parametrize(("shows", "count"), [(True, 1), (False, 0)])
def test_who_has_come_to_rest_unfound_before_his_place_is_known_to_be_vacant_is_where_he_moved_last(
    shows, count
):
    """He got up and stopped within half a second; where the known room shows there, it was a shadow."""
    scene = Scene()
    walker(scene)
    scene.run(0.4, lambda s: [body(400.0)], lambda s: flags(400.0), lambda s: flags(400.0))
    there = lambda s: flags(300.0) if shows else NOTHING  # noqa: E731
    counts = scene.run(1.0, lambda s: [], lambda s: flags(300.0) if s < 0.2 else NOTHING, there)
    assert counts[-1] == count
    assert not shows or scene.one.box.x1 < 0.6


def test_who_has_walked_so_far_that_only_his_edge_is_met_is_where_all_of_him_moves():
    """Nobody is a hand wide because he was two widths away when he was looked for."""
    scene = Scene()
    walker(scene)
    scene.run(0.4, lambda s: [body(400.0)], lambda s: flags(400.0), lambda s: flags(400.0))
    far = lambda s: flags(120.0)  # noqa: E731
    scene.run(0.8, lambda s: [], far, far)
    assert scene.one.box.x0 < 0.15 and scene.one.box.x1 > 0.2


@pytest.mark.parametrize(("shows", "count"), [(True, 1), (False, 0)])
def test_who_is_found_further_on_by_a_look_that_does_not_place_him_was_not_seen_where_he_was(shows, count):
    """He sits down on his way: until a second look says so he is not put there, and he has left all the same."""
    scene = Scene()
    walker(scene)
    scene.run(0.2, lambda s: [body(400.0)], figure=lambda s: flags(400.0))
    scene.one.sank_ns = 0
    there = lambda s: flags(300.0)  # noqa: E731
    scene.run(0.2, lambda s: [body(400.0)], lambda s: flags(400.0) | flags(300.0), there)
    scene.run(0.4, lambda s: [], there, there)
    scene.run(0.2, lambda s: [body(300.0, score=0.66)], there, there)
    after = there if shows else lambda s: NOTHING
    assert scene.run(2.0, lambda s: [], after, after)[-1] == count
    assert not shows or scene.one.box.x1 < 0.6


@pytest.mark.parametrize(("stirs", "count"), [(False, 1), (True, 2)])
def test_who_is_found_where_he_was_after_another_stirred_below_him_has_not_come_down(stirs, count):
    """A sleeper turns over in front of who has just sat down behind the bed; later it is who came to stand there."""
    scene = Scene(learned=False, empty=False)
    track = came_down(scene)
    scene.run(0.2, moving=lambda s: flags(400.0, 240.0) if stirs else NOTHING)
    track.stirred_s = np.full((ROWS, COLS), -1e9, np.float32)  # all that was others
    scene.run(0.2, lambda s: [body(400.0, 240.0)])
    assert len(scene.people._tracks) == count


def test_who_came_down_into_bed_is_where_two_weak_looks_have_found_him():
    """One look may take something else for who has just sunk; what two find, and cells agree with, is he."""
    scene = Scene(learned=False, empty=False)
    scene.run(5.0, lambda s: [body(300.0, 220.0)], lambda s: flags(300.0, 220.0))
    lying = Body(0.65, 360.0, 320.0, -140.0, 0.0)
    track = scene.one
    for is_there in (False, True):
        track.sank_ns = 0
        scene.run(1.0, lambda s: [lying], lambda s: flags(360.0, 320.0))
        assert (track.body == lying) == is_there


def test_who_is_found_turned_round_is_asked_and_lies_where_he_was_found():
    """A fall that no look and no cell noticed: his box is about where he stood, and its axis is not."""
    scene = Scene(learned=False, empty=False)
    scene.run(5.0, lambda s: [body(400.0, 240.0, radius=150.0)], lambda s: flags(400.0, 240.0))
    scene.run(3.0, lambda s: [body(400.0, 240.0, radius=150.0)])
    assert scene.people.wants_posture() is None, "he stands there"
    lying = Body(0.8, 395.0, 300.0, 20.0, 150.0)
    scene.people.looked([lying], WHOLE, scene.now_s, empty=False)
    assert scene.one.body != lying and scene.people.wants_posture() == lying
    scene.one.still = True
    scene.people.held(Held(0.97, "lying", None), lying.square(), scene.now_s, round(scene.now_s * 1e9))
    assert scene.one.posture == "lying" and scene.one.body == lying


def test_who_lies_and_is_found_sitting_up_is_not_asked_in_the_middle_of_it_and_lies_nowhere_else():
    """An answer that cannot say how he is held must not carry his lying to where he sits."""
    scene = Scene(learned=False, empty=False)
    scene.run(5.0, lambda s: [Body(0.9, 300.0, 300.0, 150.0, 10.0)], lambda s: flags(300.0, 300.0))
    scene.one.posture, scene.one.held_ns = "lying", 5_000_000_000
    scene.people.looked([Body(0.9, 310.0, 280.0, 5.0, -150.0)], WHOLE, scene.now_s, empty=False)
    assert not scene.one.asks
    before = scene.one.box
    scene.one.postured = Body(0.9, 310.0, 280.0, 5.0, -150.0)
    scene.people.held(Held(0.97, "unsure", None), scene.one.postured.square(), scene.now_s, 6_000_000_000)
    assert scene.one.posture == "lying" and scene.one.box == before


@pytest.mark.parametrize("x", [330.0, 265.0], ids=["a length away", "on the bed's edge"])
def test_who_lay_and_is_found_up_elsewhere_does_not_lie_there_until_he_is_seen_to(x):
    """Looks that cannot say how he is held would carry his lying from the bed onto the floor."""
    scene = Scene(learned=False, empty=False)
    scene.run(5.0, lambda s: [Body(0.9, 200.0, 300.0, 90.0, 10.0)], lambda s: flags(200.0, 300.0))
    scene.one.posture, scene.one.held_ns = "lying", 5_000_000_000
    up = Body(0.9, x, 280.0, 5.0, -90.0)
    scene.run(0.4, lambda s: [], lambda s: flags(x, 280.0) | flags(200.0, 300.0), every_s=9.0)
    scene.people.looked([up], WHOLE, scene.now_s, empty=False)
    assert scene.one.body == up and scene.one.posture == "unsure" and scene.people.wants_posture() == up


@pytest.mark.parametrize("said", [False, True], ids=["half way up", "said to lie half way up"])
def test_who_sits_up_by_way_of_a_slant_does_not_lie_where_he_sits(said):
    """Each look finds him turned a little; from when he was said to lie he has turned by more than that."""
    scene = Scene(learned=False, empty=False)
    scene.run(5.0, lambda s: [Body(0.9, 200.0, 300.0, -90.0, -5.0)], lambda s: flags(200.0, 300.0))
    lies, slants, sits = scene.one.body, (-55.0, -75.0), Body(0.9, 290.0, 300.0, 12.0, -80.0)
    for _ in range(2):
        scene.people.held(Held(0.97, "lying", None), scene.one.postured.square(), scene.now_s, 5_000_000_000)
    scene.run(5.0, lambda s: [lies])
    assert scene.one.posture == "lying" and scene.one.lay == lies
    moves = lambda s: flags(250.0, 290.0, 120.0) | flags(200.0, 300.0)  # noqa: E731
    for found in (Body(0.97, 205.0, 300.0, *slants), sits):
        scene.run(0.4, lambda s: [], moves, every_s=9.0)
        scene.people.looked([found], WHOLE, scene.now_s, empty=False)
        if found is not sits and said:
            assert scene.people.wants_posture() == found
            scene.people.held(Held(0.97, "lying", None), found.square(), scene.now_s, 6_000_000_000)
    assert scene.one.body == sits and scene.one.posture == "unsure" and scene.people.wants_posture() == sits


def test_who_lay_at_a_slant_and_is_found_sitting_half_a_length_away_does_not_lie_there():
    """He has turned by less than two thirds of a right angle; but nobody moves so far and lies as he lay."""
    scene = Scene(learned=False, empty=False)
    scene.run(5.0, lambda s: [Body(0.9, 200.0, 300.0, -54.0, -76.0)], lambda s: flags(200.0, 300.0))
    scene.one.posture = "lying"
    moves = lambda s: flags(240.0, 290.0, 100.0) | flags(200.0, 300.0)  # noqa: E731
    scene.run(0.4, lambda s: [], moves, every_s=9.0)
    sits = Body(0.9, 270.0, 300.0, 9.0, -55.0)
    scene.people.looked([sits], WHOLE, scene.now_s, empty=False)
    assert scene.one.body == sits and scene.one.posture == "unsure" and scene.people.wants_posture() == sits


@pytest.mark.parametrize(("score", "his"), [(0.95, True), (0.7, False)], ids=["he", "a cat, perhaps"])
def test_who_lay_across_the_picture_and_is_found_sitting_is_a_third_as_large(score, his):
    """His legs point at the camera; what scores no more than a cat may be one."""
    scene = Scene(learned=False, empty=False)
    scene.run(5.0, lambda s: [Body(0.97, 200.0, 300.0, -160.0, -5.0)], lambda s: flags(200.0, 300.0))
    scene.one.posture = "lying"
    scene.run(0.4, lambda s: [], lambda s: flags(250.0, 290.0, 100.0) | flags(200.0, 300.0), every_s=9.0)
    sits = Body(score, 280.0, 300.0, 10.0, -55.0)
    assert max(scene.run(2.0, lambda s: [sits], lambda s: flags(280.0, 300.0, 60.0))) == 1
    assert (scene.one.body == sits) is his


def test_who_lies_because_a_look_could_not_tell_is_asked_again_when_he_is_found():
    """He came down, and may sit: no look has said that he lies."""
    scene = Scene(learned=False, empty=False)
    scene.run(5.0, lambda s: [body(300.0)], lambda s: flags(300.0))
    scene.run(5.0, lambda s: [body(300.0)])
    assert scene.people.wants_posture() is None, "the control"
    scene.one.down_ns = 0
    scene.people.held(Held(0.56, "unsure", None), scene.one.postured.square(), scene.now_s, 5_000_000_000)
    assert scene.one.posture == "lying"
    scene.people.looked([scene.one.body], WHOLE, scene.now_s, empty=False)
    assert scene.people.wants_posture() is not None


def test_who_may_lie_is_asked_again_though_no_look_finds_him():
    """Of two squares one shows him and the other does not; what one look said must not stand until he moves."""
    scene = Scene(learned=False, empty=False)
    scene.run(5.0, lambda s: [body(300.0)], lambda s: flags(300.0))
    scene.one.may_lie, asked = True, scene.one.postured
    scene.people.looked([], WHOLE, scene.now_s, empty=False)
    assert scene.one.misses == 1 and scene.people.undecided and scene.people.wants_posture() == asked
    scene.one.may_lie, scene.one.posture = False, "lying"
    assert not scene.people.undecided and scene.people.wants_posture() is None


def test_a_sleeper_is_found_as_himself_before_somebody_who_came_in_is_taken_for_him():
    """After half a minute of stillness, the better score of the two is that of who came in."""
    scene = Scene(learned=False, empty=False)
    scene.run(4.0, lambda s: [body(200.0, score=0.9)], lambda s: flags(200.0))
    scene.run(30.0, lambda s: [body(200.0, score=0.9)], every_s=10.0)
    both = lambda s: [body(420.0, score=0.97), body(190.0, score=0.6)]  # noqa: E731
    assert scene.run(4.0, both, lambda s: flags(420.0))[-1] == 2
    assert sorted(track.body.x_px for track in scene.people.believed)[0] < 250.0


def test_who_comes_in_while_the_sleeper_is_not_found_is_not_the_sleeper():
    """A visitor beside the bed, whose movement is his own: the sleeper's place is still, so he has not left it."""
    scene = Scene(learned=False, empty=False)
    scene.run(4.0, lambda s: [body(200.0)], lambda s: flags(200.0))
    scene.run(20.0, lambda s: [body(200.0)], every_s=10.0)
    assert scene.run(2.0, lambda s: [body(420.0)], lambda s: flags(420.0))[-1] == 2


def test_who_walks_on_between_two_looks_is_one_and_not_gone():
    """The same distance, and he moved where he was: one body, at the new place."""
    scene = Scene(learned=False, empty=False)
    scene.run(4.0, lambda s: [body(200.0)], lambda s: flags(200.0))
    moved = lambda s: flags(200.0 + 220.0 * min(s, 1.0))  # noqa: E731
    assert set(scene.run(4.0, lambda s: [body(200.0 + 220.0 * min(s, 1.0))], moved)[8:]) == {1}
    assert scene.people.believed[0].body.x_px > 380.0


def two_beside_one_another() -> Scene:
    scene = Scene(empty=False)
    shown = lambda s: flags(300.0) | flags(370.0)  # noqa: E731
    assert scene.run(6.0, lambda s: [body(300.0), body(370.0)], shown, shown)[-1] == 2
    return scene


def test_who_left_behind_another_is_not_held_by_what_the_other_shows():
    """Two beside one another; one goes by the picture's side, and half of his place is where the other still stands."""
    scene = two_beside_one_another()
    out = lambda s: flags(300.0 - 300.0 * s) | flags(370.0)  # noqa: E731
    still = lambda s: flags(300.0 - 300.0 * s) if s < 1.2 else NOTHING  # noqa: E731
    assert scene.run(8.0, lambda s: [body(370.0)], still, out)[-1] == 1


def test_who_goes_behind_another_is_two_with_him_until_he_is_found_or_somebody_leaves():
    """No look finds more than one of them, and what moved last was where the other stands, not at a way out."""
    scene = two_beside_one_another()
    one = lambda s: flags(370.0)  # noqa: E731
    behind = lambda s: flags(300.0 + 70.0 * s) if s < 1.4 else NOTHING  # noqa: E731
    assert set(scene.run(8.0, lambda s: [body(370.0)], behind, one)) == {2}
    apart = lambda s: flags(370.0) | flags(560.0)  # noqa: E731
    assert set(scene.run(5.0, lambda s: [body(370.0), body(560.0)], lambda s: flags(560.0), apart)) == {2}
    assert {round(track.body.x_px, -1) for track in scene.people.believed} == {370.0, 560.0}


def test_who_came_in_and_is_lost_before_the_one_who_stands_there_is_two_with_him():
    """One look found both, the newcomer not surely enough to be believed; then his place is vacant and one is found."""
    door = Agreement((ROWS, COLS), flags(270.0))
    scene = Scene(empty=False, present=0.6, agreement=door)
    stands = lambda s: flags(420.0)  # noqa: E731
    scene.run(6.0, lambda s: [body(420.0)], stands, stands)
    came = lambda s: flags(270.0 + 125.0 * s) if s < 1.2 else NOTHING  # noqa: E731
    both = lambda s: [body(420.0), body(270.0, score=0.78)] if s == 0 else [body(420.0)]  # noqa: E731
    counts = scene.run(6.0, both, came, lambda s: stands(s) | came(s))
    assert counts[0] == 1 and counts[-1] == 2


def test_who_is_found_lying_across_a_sleeper_who_was_placed_wrongly_is_the_sleeper():
    """Nothing has moved there for long, so nobody has come to lie there; where something has, it is another."""
    lies = Body(0.9, 200.0, 250.0, -150.0, 0.0)
    for moved, count in ((NOTHING, 1), (flags(100.0), 2)):
        scene = Scene(learned=False, empty=False, breathing=Box(0.2, 0.45, 0.25, 0.55))
        scene.run(4.0, lambda s: [body(200.0)], lambda s: flags(200.0))
        scene.run(20.0, lambda s: [body(200.0)], every_s=30.0)
        scene.run(0.4, lambda s: [body(200.0)], lambda s, moved=moved: moved)
        assert max(scene.run(2.0, lambda s: [lies])) == count


def test_who_has_lain_down_as_he_was_drawn_sitting_and_moves_no_more_is_he_who_is_found_lying():
    """He moved there before he was last found, lying down; who comes in and stands there since is another."""
    lies, stands = Body(0.98, 200.0, 250.0, -150.0, 0.0), body(200.0, 230.0, radius=90.0)
    for placed, found, count in ((body(200.0), lies, 1), (lies, stands, 2)):
        scene = Scene(empty=False)
        shown = lambda s: flags(200.0) | flags(100.0)  # noqa: E731
        scene.run(4.0, lambda s, placed=placed: [placed], shown, shown)
        scene.run(2.0, lambda s, placed=placed: [placed], figure=shown)
        assert scene.run(3.0, lambda s, found=found: [found], figure=shown)[-1] == count


@pytest.mark.parametrize(("moves", "count"), [(False, 1), (True, 2)])
def test_who_is_found_whole_where_nothing_moved_is_he_of_whom_a_part_was_found(moves, count):
    """A third as large: his head, or a cat before him. Where something moved since, somebody else has come."""
    scene = Scene(learned=False, empty=False)
    part = body(300.0, 320.0, 0.97, 48.0)
    scene.run(4.0, lambda s: [part], lambda s: flags(300.0, 320.0, 150.0))
    scene.run(11.0, every_s=100.0)
    whole = Body(0.82, 180.0, 300.0, -135.0, 0.0)
    lies = flags(180.0, 300.0, 135.0) if moves else NOTHING
    scene.breathing = None if moves else Box(0.1, 0.55, 0.3, 0.7)
    assert max(scene.run(4.0, lambda s: [whole], lambda s: lies)) == count


def rests_where_something_was_suspected(posture: Posture) -> tuple[Scene, Body]:
    """Somebody larger than what looks found there before, with which nothing agreed; and that."""
    scene, suspected = Scene(learned=False, empty=False), Body(0.9, 200.0, 250.0, -100.0, 0.0)
    scene.run(4.0, lambda s: [suspected])
    assert not scene.people.believed
    scene.run(5.0, lambda s: [Body(0.97, 205.0, 250.0, -150.0, 0.0)], lambda s: flags(205.0, 250.0))
    scene.one.posture = posture
    return scene, suspected


def test_who_lies_still_is_found_as_well_in_a_way_that_was_suspected_before_he_was_believed():
    """Under a blanket nothing agreed with what looks had found of him."""
    scene, small = rests_where_something_was_suspected("lying")
    scene.run(12.0, every_s=30.0)
    hand = flags(200.0, 250.0, 30.0)
    assert max(scene.run(3.0, lambda s: [small], lambda s: hand)) == 1


def test_a_corner_beside_who_lies_that_hardly_looks_like_somebody_is_not_he():
    """Its middle is where he lies, by the box around him; it was found there before he was, again and again."""
    scene = Scene(learned=False, empty=False)
    corner = Body(0.52, 300.0, 200.0, 0.0, -60.0)
    scene.run(6.0, lambda s: [corner])
    lies = Body(0.97, 220.0, 230.0, -100.0, 0.0)
    scene.run(5.0, lambda s: [lies], lambda s: flags(220.0, 230.0))
    scene.one.posture = "lying"
    assert within(box_in(corner, WIDTH, HEIGHT), scene.one.box)
    scene.run(12.0, every_s=30.0)
    glow = flags(180.0, 230.0, 40.0)
    scene.run(4.0, lambda s: [corner], lambda s: glow)
    assert scene.one.body == lies


@pytest.mark.parametrize("posture", ["lying", "unsure"])
def test_who_turns_over_is_found_as_well_in_a_way_that_was_suspected_before_he_was_believed(posture):
    """He moved a moment ago, and nothing moved on from there; the next look finds him as nothing agreed with before."""
    scene, suspected = rests_where_something_was_suspected(posture)
    scene.run(12.0, every_s=30.0)
    lies = flags(140.0, 250.0, 60.0) | flags(250.0, 250.0, 60.0)
    scene.run(1.0, moving=lambda s: lies, every_s=30.0)
    assert max(scene.run(3.0, lambda s: [suspected])) == 1


@pytest.mark.parametrize("posture", ["lying", "unsure"])
def test_who_lay_and_went_is_not_kept_by_what_was_suspected_where_he_lay(posture):
    scene, thing = rests_where_something_was_suspected(posture)
    rises, goes = flags(205.0, 250.0), flags(600.0, 250.0, 40.0)
    scene.run(4.0, moving=lambda s: rises if s < 0.8 else goes if s < 1.6 else NOTHING, every_s=30.0)
    assert scene.run(9.0, lambda s: [thing])[-1] == 0


@pytest.mark.parametrize(("posture", "kept"), [("lying", 1), ("unsure", 0)])
def test_who_does_not_lie_is_not_kept_by_what_was_suspected_there_while_nothing_moves(posture, kept):
    """It may be a picture on the wall behind where he stood."""
    scene = Scene(learned=False, empty=False)
    suspected = Body(0.9, 200.0, 250.0, -100.0, 0.0)
    scene.run(4.0, lambda s: [suspected])
    scene.run(5.0, lambda s: [Body(0.97, 205.0, 250.0, -150.0, 0.0)], lambda s: flags(205.0, 250.0))
    scene.run(12.0, lambda s: [Body(0.97, 205.0, 250.0, -150.0, 0.0)], every_s=30.0)
    scene.one.posture = posture
    assert scene.run(9.0, lambda s: [suspected])[-1] == kept


CORNER = body(300.0, 160.0, 0.52, 60.0)
"""Of an empty room, that hardly looks like somebody."""
HE = body(290.0, 200.0, 0.97, 90.0)


@pytest.mark.parametrize(("times", "there"), [(1, True), (4, False)])
def test_who_stood_before_a_corner_is_not_there_for_it_while_his_breath_is_still_told(times, there):
    """Looks fired on it before he came, more than once; a rhythm is of some seconds, and outlasts who has gone."""
    scene = Scene(learned=False, empty=False)
    scene.run(float(times), lambda s: [CORNER])
    stands = flags(290.0, 200.0, 90.0)
    scene.run(5.0, lambda s: [HE], lambda s: stands)
    scene.breathing = Box(0.42, 0.3, 0.5, 0.4)
    scene.run(2.0, lambda s: [HE], lambda s: stands if s < 1 else NOTHING)
    scene.run(3.0, lambda s: [CORNER])
    scene.breathing = None
    assert bool(scene.run(8.0, lambda s: [CORNER])[-1]) == there


@pytest.mark.parametrize(("corner", "follows"), [(CORNER, False), (body(300.0, 160.0, 0.62, 60.0), True)])
def test_a_corner_found_alike_while_light_moves_over_it_is_not_somebody_who_comes_by(corner, follows):
    """It hardly looks like anybody, and is found before anything moves. What looks more like somebody may be he."""
    scene = Scene(learned=False, empty=False)
    flicker = lambda s: flags(300.0, 160.0, 60.0)  # noqa: E731
    scene.run(1.0, lambda s: [corner])
    scene.run(3.0, lambda s: [corner], flicker)
    scene.run(3.0, lambda s: [HE], lambda s: flags(290.0, 200.0, 90.0))
    scene.run(1.0, lambda s: [corner], flicker)
    assert (scene.one.body is corner) == follows


def test_who_passes_before_a_sleeper_whom_no_look_finds_does_not_become_him():
    """Both are one figure on the known room: larger than the sleeper can be."""
    scene = Scene(empty=False)
    lies = np.zeros((ROWS, COLS), bool)
    lies[34:46, 8:40] = True
    bed = lies.reshape(-1)
    sleeper = Body(0.9, 190.0, 320.0, -130.0, 0.0)
    scene.run(6.0, lambda s: [sleeper], lambda s: bed, lambda s: bed)
    place = scene.people.believed[0].box
    passing = lambda s: flags(240.0, 250.0, 150.0)  # noqa: E731
    scene.run(3.0, lambda s: [], passing, lambda s: bed | passing(s))
    assert scene.people.believed[0].box == place


def test_who_was_never_found_beside_another_is_not_kept_behind_him():
    """A second track of one body (a look that found him beside himself) goes when its place is vacant."""
    scene = Scene(empty=False)
    shown = lambda s: flags(300.0)  # noqa: E731
    scene.run(4.0, lambda s: [body(300.0)], shown, shown)
    moved = lambda s: flags(370.0)  # noqa: E731
    assert scene.run(8.0, lambda s: [body(370.0)], moved, moved)[-1] == 1


def test_one_look_that_finds_a_still_body_elsewhere_does_not_move_it_and_two_do():
    scene = Scene(learned=False, empty=False)
    scene.run(4.0, lambda s: [body(300.0)], lambda s: flags(300.0))
    scene.run(5.0, lambda s: [body(300.0)])
    other = lambda s: [body(430.0, score=0.9)]  # noqa: E731
    scene.run(1.0, other)
    assert scene.people.believed[0].body.x_px == 300.0
    scene.run(1.0, other)
    assert scene.people.believed[0].body.x_px == 430.0


def in_bed(scene: Scene) -> Track:
    """Somebody lies at 200 px, is not found any more, settles, and is still."""
    scene.run(4.0, lambda s: [body(200.0)], lambda s: flags(200.0))
    scene.one.posture = "lying"
    scene.run(2.0, moving=lambda s: flags(200.0))
    scene.run(20.0, every_s=10.0)
    return scene.one


def with_a_door(x: float) -> Agreement:
    return Agreement((ROWS, COLS), flags(x))


def test_who_settled_long_ago_has_not_left_for_that_and_a_visitor_is_somebody_else():
    """What moved in his bed after he was last found was he, lying down; nobody moved there when the visitor came."""
    scene = Scene(learned=False, empty=False)
    sleeper = in_bed(scene)
    counts = scene.run(2.0, lambda s: [body(420.0)], lambda s: flags(420.0))
    assert counts[-1] == 2 and sleeper in scene.people.believed and sleeper.body.x_px == 200.0


def test_who_passes_before_a_sleeper_takes_neither_his_place_nor_him_along():
    """The visitor's way leads along the bed, and some looks find neither of the two."""
    scene = Scene(learned=False, empty=False, agreement=with_a_door(600.0))
    bed = np.zeros((ROWS, COLS), bool)
    bed[32:44, 8:42] = True
    scene.run(4.0, lambda s: [Body(0.97, 200.0, 300.0, -130.0, 0.0)], lambda s: bed.reshape(-1))
    scene.one.posture = "lying"
    scene.run(20.0, every_s=10.0)
    sleeper, body_before = scene.one, scene.one.body
    scene.run(2.0, lambda s: [body(500.0)], lambda s: flags(500.0))
    way = lambda s: 500.0 - 190.0 * min(s, 1.0)  # noqa: E731
    scene.run(2.0, lambda s: [body(way(s))] if s < 1.5 else [], lambda s: flags(way(s)))
    back = lambda s: 310.0 + 160.0 * s  # noqa: E731
    scene.run(1.6, lambda s: [body(back(s))] if s >= 1.0 else [], lambda s: flags(back(s)))
    assert sleeper in scene.people.believed and sleeper.body == body_before


@pytest.mark.parametrize("said", ["lying", "sitting"])
def test_who_has_come_to_stand_before_a_sleeper_is_who_walked_there(said):
    """The look that finds him there does not find the sleeper, whose place he has just moved across.

    No look may have said since he lay down that he lies: he was found across the picture all the same.
    """
    scene = Scene(empty=False)
    bed = np.zeros((ROWS, COLS), bool)
    bed[32:44, 8:36] = True
    lies = lambda s: bed.reshape(-1)  # noqa: E731
    scene.run(4.0, lambda s: [Body(0.97, 200.0, 300.0, -130.0, 0.0)], lies, lies)
    sleeper = scene.one
    sleeper.posture = said
    scene.run(20.0, figure=lies, every_s=10.0)
    way = lambda s: max(130.0, 580.0 - 250.0 * s)  # noqa: E731
    shown = lambda s: flags(way(s), 220.0, 100.0)  # noqa: E731
    looks = lambda s: [body(way(s), 220.0, radius=100.0)]  # noqa: E731
    scene.run(3.0, looks, lambda s: shown(s) if s < 2.0 else NOTHING, lambda s: bed.reshape(-1) | shown(s))
    assert sleeper.posture == said and sleeper.body.up_x_px == -130.0
    assert len(scene.people.believed) == 2


@pytest.mark.parametrize("walks", [True, False])
def test_who_comes_to_stand_by_a_sleeper_drawn_as_he_sat_is_who_moved_though_the_other_is_nearer(walks):
    """No look has found the sleeper since he lay down. Where nothing moved, nobody has come: it is the sleeper."""
    scene = Scene(empty=False)
    sits, lain = Body(0.97, 210.0, 300.0, -60.0, -150.0), np.zeros((ROWS, COLS), bool)
    lain[32:44, 8:36] = True
    bed = lain.reshape(-1)
    scene.run(4.0, lambda s: [sits], lambda s: bed, lambda s: bed)
    sleeper = scene.one
    scene.run(20.0, figure=lambda s: bed, every_s=10.0)
    stands = lambda s: flags(480.0, 220.0, 130.0)  # noqa: E731
    scene.run(3.0, lambda s: [body(480.0, 220.0, radius=130.0)], stands, lambda s: bed | stands(s))
    assert len(scene.people.believed) == 2
    way = lambda s: 480.0 - 170.0 * min(s / 0.6, 1.0)  # noqa: E731
    shown = lambda s: flags(way(s), 220.0, 130.0)  # noqa: E731
    moves = lambda s: shown(s) if walks else NOTHING  # noqa: E731
    scene.run(
        0.8, lambda s: [body(way(s), 220.0, radius=130.0)], moves, lambda s: bed | shown(s), every_s=0.6
    )
    assert len(scene.people.believed) == 2 and (sleeper.misses == 0) != walks


def test_who_lies_down_while_another_walks_by_unfound_is_not_the_one_who_walked():
    """Who walked upright a moment ago is found upright."""
    scene = Scene(empty=False)
    both = lambda s: flags(200.0) | flags(420.0)  # noqa: E731
    scene.run(5.0, lambda s: [body(200.0), body(420.0)], both, both)
    sits, walks = sorted(scene.people.believed, key=lambda track: track.body.x_px)
    walks.walks = True
    down = Body(0.97, 260.0, 300.0, -150.0, 0.0)
    after = lambda s: flags(200.0, 300.0, 100.0) | flags(560.0)  # noqa: E731
    scene.run(0.2, lambda s: [down], lambda s: both(s) | flags(560.0), after)
    assert sits.body == down and walks.body != down


@pytest.mark.parametrize(("before", "count"), [(True, 2), (False, 1)])
def test_who_goes_behind_a_sleeper_unfound_moves_above_him_only_and_is_there(before, count):
    """A look drew him down to his feet, which the bed hides from there on; less of somebody alone is no walker."""
    scene = Scene(empty=False)
    bed = np.zeros((ROWS, COLS), bool)
    bed[34:46, 4:50] = True
    if not before:
        bed = np.roll(bed, -30, axis=0)
    lies, y = bed.reshape(-1), 320.0 if before else 80.0
    sleeper = Body(0.97, 216.0, y, -170.0, 0.0)
    stands, seen = (lambda s: flags(480.0)), body(480.0)
    scene.run(5.0, lambda s: [sleeper, seen], lambda s: stands(s) | lies, lambda s: stands(s) | lies)
    assert len(scene.people.believed) == 2
    scene.run(20.0, lambda s: [sleeper, seen], figure=lambda s: stands(s) | lies)
    behind = flags(280.0, 200.0, 75.0)
    scene.run(1.4, lambda s: [], lambda s: stands(s) if s < 0.2 else behind, lambda s: behind | lies)
    assert len(scene.people.believed) == count


def test_a_corner_that_was_fired_on_before_does_not_take_the_place_of_who_walks_by():
    """Nothing agreed with it until he came; what moves there now only passes, and he has gone on."""
    scene = Scene(learned=False)
    corner = body(250.0, 250.0, 0.51, 100.0)
    scene.run(25.0, lambda s: [corner], every_s=10.0)
    scene.empty = False
    both = lambda s: [body(walk(s)), corner] if s < 2.0 else [corner]  # noqa: E731
    counts = scene.run(4.0, both, lambda s: flags(walk(s)))
    assert max(counts) == 1
    assert all(track.body != corner for track in scene.people.believed)


def test_who_is_found_clearly_beside_a_corner_that_was_taken_for_him_is_he_and_the_corner_nobody():
    """Before anything is known of the room one look misses who walks by, and finds the corner that he passes."""
    scene = Scene(learned=False)
    corner = body(150.0, 250.0, 0.5, 130.0)
    seen = lambda s: [corner] if 1.0 <= s < 2.0 else [body(walk(min(s, 3.0))), corner]  # noqa: E731
    scene.run(2.0, seen, lambda s: flags(walk(s)))
    scene.empty = False
    counts = scene.run(30.0, lambda s: seen(2.0 + s), lambda s: flags(walk(2.0 + s)) if s < 1.0 else NOTHING)
    assert counts[-1] == 1 and scene.one.body.x_px == walk(3.0)


def test_a_sleeper_who_is_placed_in_two_ways_by_looks_of_two_sizes_is_one():
    """Nothing agrees with either until he is found to breathe."""
    scene = Scene(learned=False, empty=False)
    wide, close = Body(0.83, 400.0, 300.0, -150.0, 0.0), Body(0.77, 390.0, 320.0, -105.0, 0.0)
    placed = lambda s: [close] if int(s / 10) % 2 else [wide]  # noqa: E731
    scene.run(60.0, placed, every_s=10.0)
    assert not scene.people.believed
    scene.breathing = Box(0.6, 0.6, 0.7, 0.7)
    assert max(scene.run(60.0, placed, every_s=10.0)) == 1


@pytest.mark.parametrize(("end", "count"), [(380.0, 1), (600.0, 0)])
def test_who_came_to_rest_is_there_though_not_found_and_who_went_to_the_door_is_not(end, count):
    """A visitor sits down where the model takes him and the sleeper for one; the room was never seen empty."""
    scene = Scene(learned=False, empty=False, agreement=with_a_door(600.0))
    scene.run(4.0, lambda s: [body(300.0)], lambda s: flags(300.0))
    way = lambda s: 300.0 + (end - 300.0) * min(s, 1.0)  # noqa: E731
    scene.run(1.0, moving=lambda s: flags(way(s)))
    assert scene.run(20.0)[-1] == count
    assert scene.run(100.0, every_s=10.0)[-1] == 0, "in the end nobody sits without stirring"


def sinks_to(box: Box) -> Falling:
    class Sinks(Falling):
        def of(self, _: Box | None) -> Descent:
            return Descent(0.1, 0.9, 0.6, True, box, 0.4)

    return Sinks((ROWS, COLS))


def test_what_comes_down_beside_a_sleeper_does_not_carry_him_there():
    """A curtain that swings: he lay down hours ago, and has not moved since."""
    scene = Scene(learned=False, empty=False)
    sleeper = in_bed(scene)
    sleeper.down_ns, box = 1, sleeper.box
    scene.people.sink(sinks_to(Box(0.1, 0.3, 0.3, 0.5)), round(scene.now_s * 1e9))
    assert sleeper.box == box


def across_the_bed(right_px: float = 350.0) -> np.ndarray:
    """Cells of a shape that lies from 60 px on."""
    found = np.zeros((ROWS, COLS), bool)
    found[32:44, 8 : round(right_px / 8)] = True
    return found.reshape(-1)


@pytest.mark.parametrize(
    ("what", "left_px", "radius", "falls"),
    [
        ("a cat jumps off", 350.0, 35.0, False),
        ("a blanket stays, as large as he", 350.0, 110.0, True),
        ("a blanket stays, and the bed hides half of him", 350.0, 80.0, True),
        ("next to nothing stays, and the bed hides most of him", 110.0, 40.0, True),
    ],
)
def test_what_comes_down_off_a_bed_is_the_sleeper_only_where_it_is_as_large_as_he(
    what, left_px, radius, falls
):
    scene, floor = Scene(empty=False), Box(0.55, 0.55, 0.75, 1.0)
    lain = lambda s: across_the_bed()  # noqa: E731
    scene.run(4.0, lambda s: [Body(0.97, 200.0, 300.0, -130.0, 0.0)], lain, lain)
    scene.one.posture = "lying"
    scene.run(20.0, figure=lain, every_s=100.0)
    after = across_the_bed(left_px) | flags(420.0, 370.0, radius)
    scene.run(0.2, moving=lain, figure=lambda s: after, every_s=100.0)
    scene.people.sink(sinks_to(floor), round(scene.now_s * 1e9))
    assert (scene.one.box == floor) == falls, what


@pytest.mark.parametrize(("top", "his"), [(0.05, False), (0.55, True)])
def test_nobody_comes_down_to_above_where_he_lies(top, his):
    """A curtain that swings over somebody who has just come down into bed, in a room that is not known yet."""
    scene = Scene(learned=False, empty=False)
    scene.run(4.0, lambda s: [Body(0.97, 200.0, 300.0, -130.0, 0.0)], lambda s: across_the_bed())
    moves = Box(0.2, top, 0.5, top + 0.3)
    scene.one.down_ns = round(scene.now_s * 1e9)
    scene.people.sink(sinks_to(moves), round(scene.now_s * 1e9))
    assert (scene.one.box == moves) == his


def test_who_breathes_under_a_blanket_is_sure_though_no_look_finds_him():
    scene = Scene(learned=False, empty=False)
    sleeper = in_bed(scene)
    before = sleeper.certainty(scene.now_s)
    sleeper.breathed_s = scene.now_s - 30.0
    assert before < 0.9 < sleeper.certainty(scene.now_s)


@pytest.mark.parametrize("stands", [True, False])
def test_who_bends_down_before_the_known_room_has_not_come_down(stands):
    """Only his hands move, at a bed: above them he still hides what is behind him."""
    scene = Scene()
    walker(scene)
    bent = flags(400.0, 290.0, 110.0) if stands else flags(400.0, 360.0, 40.0)
    scene.run(0.4, lambda s: [body(400.0)], lambda s: flags(400.0), lambda s: bent)
    scene.people.sink(sinks_to(Box(0.55, 0.66, 0.7, 0.83)), round(scene.now_s * 1e9))
    assert (scene.one.down_ns is None) == stands


def test_who_is_hidden_by_another_is_not_gone_where_the_rest_of_the_room_is_empty():
    """A nurse bends over a sleeper: nothing of her place is left beside his, so nothing of it is known."""
    scene = Scene()
    walker(scene)
    box = scene.one.box
    assert scene.agreement.like_the_room(Box(0.0, 0.1, 0.1, 0.9))
    assert not scene.agreement.like_the_room(box, [box])


def test_light_that_is_switched_moves_nobody():
    """All cells change at once, and a visitor who comes to the bed ten seconds later is not the sleeper."""
    scene = Scene(learned=False, empty=False, agreement=with_a_door(600.0))
    sleeper = in_bed(scene)
    scene.run(0.2, moving=lambda s: np.ones(ROWS * COLS, bool))
    counts = scene.run(2.0, lambda s: [body(420.0)], lambda s: flags(420.0))
    assert counts[-1] == 2 and sleeper.body.x_px == 200.0
