"""What a view shows: squares of a picture, a figure over the room as it was when all had left, nothing of anybody."""

import numpy as np
import pytest

from stillroom.config import Zones
from stillroom.eye.empty_picture import CHUNK_FIFTHS, LEVELS, EmptyPicture
from stillroom.eye.figure import FILL, draw
from stillroom.eye.papers import Look
from stillroom.eye.view import View, average
from stillroom.keeper.figures import Seen, seen_by
from stillroom.keys import BoxKey, SigningKey
from stillroom.link import Drawn, ViewAsked
from stillroom.observation import Box, Observation, Person, Reading
from stillroom.view_forms import BLOCKS, GREYS, HEIGHT_PX, WIDTH_PX
from stillroom.view_wire import open_frame, sign, view_id

SHAPE = (60, 80)
UNIT, SESSION = SigningKey.generate(), BoxKey.generate()
BED = ((0.05, 0.5), (0.6, 0.5), (0.6, 0.9), (0.05, 0.9))


def asked(number: int = 0, **more: object) -> ViewAsked:
    plain = {"left_ms": 5_000, "blank": "shown", "figures": ()} | more
    return ViewAsked(view_id(SESSION.public.raw), UNIT.verify_key.id, number, **plain)


def view_of(level: str = "figure", block: int = 1) -> View:
    """As the papers allow it."""
    session = SESSION.public.raw
    return View(Look(view_id(session), session, level, block, 100, 2**53), UNIT.verify_key.id, 640, 480)


def learned(level: float = 100.0) -> EmptyPicture:
    empty = EmptyPicture(SHAPE)
    for fifth in range(2 * CHUNK_FIFTHS + 1):
        empty.feed(np.full(SHAPE[0] * SHAPE[1], level, np.float32), True, fifth)
    return empty


def shown(view: View, of: ViewAsked, empty: EmptyPicture, served: bool = True):
    frame = view.frame(of, empty, served)
    assert frame.number == of.number
    _, found = open_frame(sign(frame.sealed, UNIT), UNIT.verify_key, of.view, SESSION)
    return np.frombuffer(found.luma, np.uint8).reshape(HEIGHT_PX, WIDTH_PX), found


def fed(empty: EmptyPicture, level: float, nobody: bool, first: int, last: int) -> EmptyPicture:
    """Fifths from the first to the last, the last left out."""
    for fifth in range(first, last):
        empty.feed(np.full(SHAPE[0] * SHAPE[1], level, np.float32), nobody, fifth)
    return empty


def test_a_room_is_learned_only_after_as_long_a_time_without_doubt_again():
    empty = fed(EmptyPicture(SHAPE), 90.0, True, 0, 150)
    fed(empty, 90.0, False, 150, 151)
    fed(empty, 90.0, True, 151, 400)
    assert not empty.known, "doubt begins it anew"
    fed(empty, 90.0, True, 400, 401)
    assert empty.known


def test_who_left_a_moment_sooner_leaves_the_same_room():
    rng = np.random.default_rng(3)
    room = [(100 + rng.normal(0, 1.5, SHAPE[0] * SHAPE[1])).astype(np.float32) for _ in range(400)]
    pictures = []
    for left in (37, 52):
        empty = EmptyPicture(SHAPE)
        for fifth, luma in enumerate(room):
            empty.feed(luma, fifth >= left, fifth)
        assert empty.known
        pictures.append(empty.luma(HEIGHT_PX, WIDTH_PX).tobytes())
    assert pictures[0] == pictures[1]


def test_the_last_half_minute_before_somebody_shows_is_never_in_it():
    empty = fed(EmptyPicture(SHAPE), 90.0, True, 0, 201)
    fed(empty, 180.0, True, 201, 350)
    fed(empty, 180.0, False, 350, 500)
    assert set(np.unique(empty.luma(HEIGHT_PX, WIDTH_PX))) == {(90 // 16 * 16 + 8)}


def test_a_learned_room_has_few_levels_so_that_noise_does_not_show():
    rng = np.random.default_rng(1)
    pictures = []
    for _ in range(2):
        empty = EmptyPicture(SHAPE)
        room = np.tile(np.linspace(10, 240, 80).astype(np.float32), 60)
        room = np.floor(room / 16) * 16 + 8
        for fifth in range(2 * CHUNK_FIFTHS + 1):
            empty.feed(room + rng.normal(0, 1.5, room.size).astype(np.float32), True, fifth)
        pictures.append(empty.luma(HEIGHT_PX, WIDTH_PX))
    assert (pictures[0] == pictures[1]).all() and len(np.unique(pictures[0])) <= LEVELS


def test_a_figure_is_blank_until_a_room_is_known_and_then_drawn():
    view = view_of()
    luma, found = shown(view, asked(0), EmptyPicture(SHAPE))
    assert found.blank == "no-background" and not luma.any()
    figure = Drawn("upright", 500, 900, 600)
    luma, found = shown(view, asked(1, figures=(figure,)), learned())
    assert found.blank == "shown" and (luma == FILL).sum() > 300
    assert luma[2, 2] == 104, "the room beside"


@pytest.mark.parametrize("posture", ["upright", "sitting", "lying", "unsure"])
def test_each_posture_is_a_shape_of_its_own_and_stays_in_the_picture(posture):
    shapes = {}
    for each in ("upright", "sitting", "lying", "unsure"):
        picture = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
        draw(picture, (Drawn(each, 500, 500, 500, 90),))
        shapes[each] = picture.tobytes()
        draw(picture, (Drawn(each, -500, 1500, 500),))
    assert len(set(shapes.values())) == 4 and posture in shapes


@pytest.mark.parametrize("block", BLOCKS)
def test_a_picture_of_squares_is_their_means_and_nothing_finer(block):
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 256, (HEIGHT_PX, WIDTH_PX)).astype(np.uint8)
    exact = pixels.reshape(HEIGHT_PX // block, block, WIDTH_PX // block, block).mean(axis=(1, 3))
    average(pixels, block)
    squares = pixels.reshape(HEIGHT_PX // block, block, WIDTH_PX // block, block)
    assert (squares == squares[:, :1, :, :1]).all()
    found = squares[:, 0, :, 0]
    if block == 1:
        assert (found == exact).all()
        return
    assert len(np.unique(found)) <= GREYS and not average_of(0).any() and (average_of(255) == 255).all()
    low = (found.astype(int) * (GREYS - 1) / 255).round() * 256 / GREYS
    assert (exact >= low - 0.5).all() and (exact < low + 256 / GREYS).all(), "in the step that is told"


def average_of(level: int) -> np.ndarray:
    """What is black stays black, as private zones are, and what is white white."""
    pixels = np.full((HEIGHT_PX, WIDTH_PX), level, np.uint8)
    average(pixels, 4)
    return pixels


def test_pixels_are_wiped_once_they_are_sealed():
    view = view_of("picture", 4)
    (order,) = view.order(0)
    order.destination[:] = 77
    luma, _ = shown(view, asked(), EmptyPicture(SHAPE))
    assert (luma == 72).all() and not order.destination.any()


def test_what_may_not_be_shown_has_no_pixel_sealed_whatever_was_written():
    view = view_of("picture", 4)
    (order,) = view.order(0)
    order.destination[:] = 77
    luma, found = shown(view, asked(0, blank="dark"), learned())
    assert found.blank == "dark" and not luma.any()
    order.destination[:] = 77
    luma, found = shown(view, asked(1), learned(), served=False)
    assert found.blank == "starting" and not luma.any()


def observation(*persons: Person, people: int | None = None, **more: object) -> Observation:
    plain = {
        "frame_ns": 0, "captured_mono_ns": 0, "luma_mean": 90.0, "clipped": 0.0, "dark": False, "light_changed": False,
        "background": "learned", "motion": 0.0, "motion_box": None, "blobs": (), "breathing_box": None,
        "breathing": Reading(), "pulse": Reading(), "frames_per_s": 30.0, "frames_dropped": 0, "model": "blazepose",
        "people": len(persons) if people is None else people, "people_certainty": 0.95, "persons": persons,
    } | more  # fmt: skip
    return Observation(**plain)


def test_figures_know_a_zone_or_a_lattice_and_nothing_of_the_body():
    zones = Zones(bed=BED)
    small = Person(Box(0.1, 0.55, 0.4, 0.75), "lying", 0.9)
    large = Person(Box(0.08, 0.52, 0.55, 0.88), "lying", 0.7)
    assert seen_by(observation(small), "in-bed", zones) == seen_by(observation(large), "in-bed", zones)
    thin = Person(Box(0.71, 0.2, 0.74, 0.91), "upright", 0.9)
    broad = Person(Box(0.64, 0.12, 0.81, 0.93), "upright", 0.8)
    assert seen_by(observation(thin), "occupied", zones) == seen_by(observation(broad), "occupied", zones)


@pytest.mark.parametrize(
    ("given", "state", "blank"),
    [
        (None, "unknown", "starting"),
        (observation(), "unknown", "unsure"),
        (observation(people_certainty=0.5), "occupied", "unsure"),
        (observation(model="none"), "occupied", "no-model"),
        (observation(dark=True), "in-bed", "dark"),
        (observation(health="covered"), "in-bed", "dark"),
        (observation(), "occupied", "unsure"),
        (observation(), "empty", "shown"),
        (observation(), "in-bed", "shown"),
    ],
)
def test_where_it_is_not_sure_a_figure_is_blank(given, state, blank):
    found = seen_by(given, state, Zones(bed=BED))
    assert found.blank == blank
    assert isinstance(found, Seen) and (blank == "shown" or not found.figures)
    assert found.blank_at("picture") == ("dark" if blank == "dark" else "shown")
