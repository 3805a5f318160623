"""What the three models say of a cut-out square: where people may be, how one holds himself, where a face may be.

They fire on drawings, chairs, dogs and television: nothing here is believed before `people.py` has found that the
cells agree. Sources: BlazePose (Bazarevsky et al., 2020, arXiv:2006.10204); BlazeFace full range, sparse.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stillroom.eye import weights
from stillroom.eye.boxes import anchors, decode
from stillroom.eye.interpreter import Net
from stillroom.eye.posture import head_of, on_legs, posture_of
from stillroom.observation import Posture

Picture = NDArray[np.uint8]
Kind = Literal["people", "landmarks", "face"]

LEAST_PERSON = 0.5
LEAST_FACE = 0.6
PEOPLE_SIDE_PX, LANDMARKS_SIDE_PX, FACE_SIDE_PX = 224, 256, 192
SIDE_PX: dict[Kind, int] = {
    "people": PEOPLE_SIDE_PX,
    "landmarks": LANDMARKS_SIDE_PX,
    "face": FACE_SIDE_PX,
}
_PEOPLE_LAYERS = ((8, 2), (16, 2), (32, 6))
_FACE_LAYERS = ((4, 1),)
AROUND = 1.25
"""Of twice the distance from hips to the end of the body: the square for landmarks, as mediapipe cuts it."""


@dataclass(frozen=True, slots=True)
class Square:
    """A square of the frame, perhaps turned: middle and side in pixels, `turn` in radians clockwise."""

    x_px: float
    y_px: float
    side_px: float
    turn: float = 0.0

    def affine(self, pixels: int) -> tuple[float, float, float, float, float, float]:
        """As an Order takes it, for a destination of so many pixels a side."""
        step = self.side_px / pixels
        a, d = step * math.cos(self.turn), step * math.sin(self.turn)
        if self.turn == 0.0:
            a, d = step, 0.0
        x = self.x_px - (a - d) * pixels / 2
        y = self.y_px - (d + a) * pixels / 2
        return (a, -d, x, d, a, y)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A point of the square (shares of its sides) in pixels of the frame."""
        a, b, c, d, e, f = self.affine(1)
        return a * x + b * y + c, d * x + e * y + f


@dataclass(frozen=True, slots=True)
class Body:
    """Somebody, or something like it, in pixels of the frame: middle of the hips, from there to the end of the body."""

    score: float
    x_px: float
    y_px: float
    up_x_px: float
    up_y_px: float

    @property
    def radius_px(self) -> float:
        return math.hypot(self.up_x_px, self.up_y_px)

    def square(self) -> Square:
        """Where landmarks are looked for: turned so that the body stands upright in it."""
        turn = math.atan2(self.up_x_px, -self.up_y_px)
        side = max(2 * AROUND * self.radius_px, 16.0)
        return Square(self.x_px, self.y_px, side, 0.0 if abs(turn) < 0.1 else turn)

    def box_px(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 around head, hips and feet, about a third as wide as long."""
        thick = 0.35 * self.radius_px
        xs = (self.x_px - self.up_x_px, self.x_px + self.up_x_px)
        ys = (self.y_px - self.up_y_px, self.y_px + self.up_y_px)
        along_x, along_y = abs(self.up_y_px), abs(self.up_x_px)
        total = max(along_x + along_y, 1e-6)
        wide, high = thick * along_x / total, thick * along_y / total
        return min(xs) - wide, min(ys) - high, max(xs) + wide, max(ys) + high


@dataclass(frozen=True, slots=True)
class Held:
    """How somebody holds himself. present: the model's own probability that there is a body in the square."""

    present: float
    posture: Posture
    box_px: tuple[float, float, float, float] | None
    """Around what is shown of him."""
    on_legs: bool = False
    head_px: float | None = None
    """How high his head or shoulders reach, y of the frame."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face in pixels of the frame."""

    score: float
    box_px: tuple[float, float, float, float]


class Detector:
    """The three models. People and face are loaded at once, landmarks when first asked for.

    Raises InputError, SetupError: see `weights.load`.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._people = weights.load(place, weights.PEOPLE)
        self._face = weights.load(place, weights.FACE)
        self._landmarks: Net | None = None
        self._people_at = anchors(PEOPLE_SIDE_PX, _PEOPLE_LAYERS)
        self._face_at = anchors(FACE_SIDE_PX, _FACE_LAYERS)

    def people(self, picture: Picture, square: Square) -> list[Body]:
        """picture: (224, 224, 3) RGB of the square. Best first; perhaps nobody."""
        raw, scores = self._people.run(picture, -1.0)
        found = []
        for each in decode(raw, scores, self._people_at, PEOPLE_SIDE_PX, LEAST_PERSON):
            x, y = square.place(*map(float, each.points[0]))
            end_x, end_y = square.place(*map(float, each.points[1]))
            found.append(Body(each.score, x, y, end_x - x, end_y - y))
        return found

    def landmarks(self, picture: Picture, square: Square) -> Held:
        """picture: (256, 256, 3) RGB of the square."""
        if self._landmarks is None:
            self._landmarks = weights.load(self._place, weights.LANDMARKS)
        raw, present = self._landmarks.run(picture, 0.0)
        points = raw.reshape(39, 5)[:33]
        share = points[:, :2] / np.float32(LANDMARKS_SIDE_PX)
        placed = np.array([square.place(float(x), float(y)) for x, y in share], np.float32)
        seen = (1.0 / (1.0 + np.exp(-np.clip(points[:, 3], -30, 30)))).astype(np.float32)
        shown = placed[seen > 0.5]
        box = None
        if len(shown) >= 4:
            (x0, y0), (x1, y1) = shown.min(axis=0), shown.max(axis=0)
            box = (float(x0), float(y0), float(x1), float(y1))
        return Held(
            float(present[0]), posture_of(placed, seen), box, on_legs(placed, seen), head_of(placed, seen)
        )

    def face(self, picture: Picture, square: Square) -> Face | None:
        """picture: (192, 192, 3) RGB of the square. The best face, or None."""
        raw, scores = self._face.run(picture, -1.0)
        found = decode(raw, scores, self._face_at, FACE_SIDE_PX, LEAST_FACE)
        if not found:
            return None
        x0, y0 = square.place(*found[0].box[:2])
        x1, y1 = square.place(*found[0].box[2:])
        return Face(found[0].score, (x0, y0, x1, y1))

    def blank(self) -> None:
        """Nothing of the last pictures stays where it was put."""
        for net in (self._people, self._face, self._landmarks):
            if net is not None:
                net.blank()
