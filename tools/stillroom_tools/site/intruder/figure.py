"""The attack on `figure`: the same faces, and builds, through keeper and eye to sealed bytes, and opened by
the viewer.

A frame with a face in it goes through the eye's own pass while a figure is asked for; what a model would have
said of the body
is words and a box, from the height and breadth of whoever it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stillroom.config import Zones
from stillroom.eye.cells import CELL_PX
from stillroom.eye.distil import Grid, distil
from stillroom.eye.empty_picture import CHUNK_FIFTHS, EmptyPicture
from stillroom.eye.papers import Look
from stillroom.eye.view import View
from stillroom.keeper.figures import seen_by
from stillroom.keys import BoxKey, SigningKey
from stillroom.link import ViewAsked
from stillroom.observation import Box, Observation, Person, Reading
from stillroom.view_forms import HEIGHT_PX, WIDTH_PX
from stillroom.view_seal import view_id
from stillroom.view_wire import open_frame, sign
from stillroom_tools.site.intruder.attack import Effort, Scene, Tell
from stillroom_tools.site.intruder.faces import Days, Floats
from stillroom_tools.site.intruder.found import Row
from stillroom_tools.site.intruder.match import Score
from stillroom_tools.site.intruder.optics import CAMERA_PX, px_per_m
from stillroom_tools.site.intruder.shots import Luma

HEIGHTS_M, BREADTHS_M = (1.5, 1.95), (0.4, 0.6)
HEAD_M = 0.12
"""From a face's middle up to the top of the head."""
UNSURE_PX = 2.0
"""Standard deviation of each edge of a model's box, in a view's pixels (assumed)."""
LEAK = 0.1
"""Share of the clear picture in the figure of the control."""


@dataclass(frozen=True)
class Builds:
    """Height and breadth of each face's owner, m."""

    tall: Floats
    broad: Floats

    @classmethod
    def drawn(cls, people: int, seed: int) -> "Builds":
        random = np.random.default_rng(seed)
        return cls(random.uniform(*HEIGHTS_M, people), random.uniform(*BREADTHS_M, people))


class Figures:
    """A unit that shows figures, and the viewer whom they are sealed to."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self._scene, self._random = scene, np.random.default_rng(seed)
        self.builds = Builds.drawn(len(scene.gallery.photographs), seed)
        self._grid = Grid(CAMERA_PX[1], CAMERA_PX[0])
        self._unit, self._session = SigningKey.generate(), BoxKey.generate()
        self._number = 0
        self._empty = self._learned()
        session = self._session.public.raw
        look = Look(view_id(session), session, "figure", 1, 2**16, 2**53)
        self._view = View(look, self._unit.verify_key.id, CAMERA_PX[1], CAMERA_PX[0])

    def _learned(self) -> EmptyPicture:
        """The wall, from frames of it."""
        empty = EmptyPicture((CAMERA_PX[0] // CELL_PX, CAMERA_PX[1] // CELL_PX))
        nobody = np.zeros_like(self._scene.gallery.photographs[0])
        for fifth in range(2 * CHUNK_FIFTHS + 1):
            distil(self._scene.shots.frame(nobody, 0), None, None, self._grid)
            empty.feed((self._grid.y / CELL_PX**2).astype(np.float32).ravel(), True, fifth)
        return empty

    def shown(self, face: Floats, who: int, place: int, unsure_px: float = UNSURE_PX) -> Luma:
        """(HEIGHT_PX, WIDTH_PX) as the viewer opens it."""
        asked = self._asked(unsure_px, who, place)
        frame = self._scene.shots.frame(face, place)
        distil(frame, None, None, self._grid, self._view.order(0))
        sealed = self._view.frame(asked, self._empty, False).sealed
        _, shown = open_frame(sign(sealed, self._unit), self._unit.verify_key, asked.view, self._session)
        return np.frombuffer(shown.luma, np.uint8).reshape(HEIGHT_PX, WIDTH_PX)

    def _asked(self, unsure_px: float, who: int, place: int) -> ViewAsked:
        seen = seen_by(self._observation(unsure_px, who, place), "occupied", Zones())
        self._number += 1
        return ViewAsked(
            self._view.look.view,
            self._unit.verify_key.id,
            self._number,
            5_000,
            seen.blank_at("figure"),
            seen.figures,
        )

    def _observation(self, unsure_px: float, who: int, place: int) -> Observation:
        scale = px_per_m(self._scene.optics.lens, self._scene.optics.distance_m)
        down, across = self._scene.optics.places[place]
        tall, broad = self.builds.tall[who] * scale, self.builds.broad[who] * scale
        top = down - HEAD_M * scale
        x0, y0, x1, y1 = (across - broad / 2, top, across + broad / 2, top + tall) + self._random.normal(
            0, unsure_px, 4
        )
        x0, x1 = (float(np.clip(x / WIDTH_PX, 0, 1)) for x in sorted((x0, x1)))
        y0, y1 = (float(np.clip(y / HEIGHT_PX, 0, 1)) for y in sorted((y0, y1)))
        person = Person(Box(x0, y0, x1, y1), "upright", 0.9)
        return Observation(
            frame_ns=0, captured_mono_ns=0, luma_mean=90.0, clipped=0.0, dark=False, light_changed=False,
            background="learned", motion=0.1, motion_box=None, blobs=(), breathing_box=None,
            breathing=Reading(), pulse=Reading(), frames_per_s=30.0, frames_dropped=0, model="blazepose",
            people=1, people_certainty=0.95, persons=(person,),
        )  # fmt: skip


def attack_figure(scene: Scene, effort: Effort, seed: int, tell: Tell) -> list[Row]:
    """A row for one frame and one for many (their mean over a path is matched with the gallery's mean)."""
    figures, days = Figures(scene, seed), Days(seed)
    rows = []
    for frames, probes in ((1, effort.singles), (effort.figures, effort.series)):
        tell(f"figure, {frames} frames, {probes} probes")
        paths = _paths(frames, probes, effort.spots)
        scores = (_score(scene, figures, days, places, share) for places, share in paths)
        rows.append(_row(scene, frames, sum(scores, Score(0, 0))))
    return rows


def _score(scene: Scene, figures: Figures, days: Days, places: range, probes: int) -> Score:
    known, faces = scene.gallery.faces, scene.gallery.photographs
    album = Album([_mean(figures, face, each, places, 0.0) for each, face in enumerate(known)])
    who = days.who(len(known), probes)
    seen = (_mean(figures, days.of(faces[each]), int(each), places) for each in who)
    hits = sum(album.nearest(one, days) == each for one, each in zip(seen, who, strict=True))
    return Score(int(hits), probes)


def _paths(frames: int, probes: int, spots: int) -> Iterator[tuple[range, int]]:
    """One frame: at many places, some probes at each. Many: all on one path."""
    if frames > 1:
        yield range(frames), probes
        return
    for spot in range(spots):
        yield range(spot, spot + 1), probes // spots


def _mean(figures: Figures, face: Floats, who: int, places: range, unsure_px: float = UNSURE_PX) -> Floats:
    total = np.zeros((HEIGHT_PX, WIDTH_PX))
    for place in places:
        total += figures.shown(face, who, place, unsure_px)
    return total / len(places)


class Album:
    """The gallery's pictures at one place or path. Most are one and the same, and are compared with once."""

    def __init__(self, pictures: list[Floats]) -> None:
        different: dict[bytes, list[int]] = {}
        for who, picture in enumerate(pictures):
            different.setdefault(picture.tobytes(), []).append(who)
        self._whose = list(different.values())
        self._pictures = np.array([pictures[whose[0]] for whose in self._whose])

    def nearest(self, seen: Floats, days: Days) -> int:
        """Whose it is. Of those who look alike one is chosen blindly, as an attacker would have to."""
        apart = ((self._pictures - seen) ** 2).sum(axis=(1, 2))
        whose = self._whose[int(apart.argmin())]
        return whose[days.blindly(len(whose))]


def leaky(figures: Figures, scene: Scene, face: Floats, who: int, place: int) -> Floats:
    """The control: a figure through which a tenth of the picture shows."""
    clear = scene.shots.clear(face, place).astype(np.float64)
    return np.rint((1 - LEAK) * figures.shown(face, who, place, 0.0) + LEAK * clear)


def _row(scene: Scene, frames: int, score: Score) -> Row:
    return Row(
        level="figure",
        block=1,
        steps=0,
        distance_m=round(scene.optics.distance_m, 2),
        face_squares=0.0,
        frames=frames,
        probes=score.probes,
        way="picture against picture",
        rank1=score.rank1,
        most=score.most,
        ways={"picture against picture": score.rank1},
    )
