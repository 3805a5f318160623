"""Whose face is it? A gallery of known faces, and ways to match with it; how often the first guess is right,
and at most.

Each way is told the level and where the face stands. Faces are enrolled clear, and through the same level ("alike").
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillroom_tools.site.intruder.faces import WALL, Days, Floats, enrolled
from stillroom_tools.site.intruder.shots import Luma
from stillroom_tools.site.intruder.sight import VALUES, Sight, richardson_lucy, wiener

Guesses = NDArray[np.intp]
TURNS = 20
"""Of Richardson and Lucy's iteration: more made noise of it, and found fewer faces."""
DAYS = 24
"""On which the attacker has looked at each face of his gallery, to learn how one face varies."""
DAYS_IN_SERIES = 8
"""Of these, to compare many frames with: they take much memory."""


@dataclass(frozen=True)
class Score:
    """How often the first guess was right."""

    hits: int
    probes: int

    @property
    def rank1(self) -> float:
        return self.hits / self.probes

    @property
    def most(self) -> float:
        """The upper bound of rank1 at 95 % (Clopper and Pearson, 1934, one-sided)."""
        from scipy.stats import beta

        return (
            1.0 if self.hits == self.probes else float(beta.ppf(0.95, self.hits + 1, self.probes - self.hits))
        )

    @property
    def least(self) -> float:
        """The lower bound, likewise."""
        from scipy.stats import beta

        return float(beta.ppf(0.05, self.hits, self.probes - self.hits + 1)) if self.hits else 0.0

    def __add__(self, other: "Score") -> "Score":
        return Score(self.hits + other.hits, self.probes + other.probes)


def most_hits(probes: int, bound: float) -> int:
    """With more right guesses the upper bound of so many probes is above `bound`; -1: even with none."""
    hits = -1
    while hits + 1 < probes and Score(hits + 1, probes).most <= bound:
        hits += 1
    return hits


class Gallery:
    """The attacker's: faces, and how they vary from day to day."""

    def __init__(self, faces: Floats, seed: int, days_each: int = DAYS) -> None:
        """faces: as `load_faces` gives them."""
        self.photographs, self.faces = faces, enrolled(faces)
        self.flat = self.faces.reshape(len(faces), VALUES)
        days = Days(seed)
        self.varied = np.array([days.of(face) for _ in range(days_each) for face in faces])
        """(days_each x faces, SIDE, SIDE): all faces of one day after those of another."""
        apart = (self.varied - np.tile(self.faces, (days_each, 1, 1))).reshape(-1, VALUES)
        self.mean = apart.mean(axis=0)
        self.sharp = np.linalg.inv(np.cov(apart.T) + np.eye(VALUES))


class Attacker:
    """One gallery against one sight: made once, `guesses` for any number of probes."""

    def __init__(self, gallery: Gallery, sight: Sight, every_way: bool) -> None:
        """every_way: the costly ones too."""
        self._gallery, self._sight, self._every_way = gallery, sight, every_way
        gram, flat = sight.gram, gallery.flat
        left = np.eye(VALUES) - gram @ np.linalg.inv(gallery.sharp + gram)
        part = left @ gram
        self._beside = np.einsum("ij,jk,ik->i", flat, part, flat) + 2 * flat @ left @ gram @ gallery.mean
        self._toward = (flat @ left).T
        self._filter = wiener(sight)
        self._filtered = flat @ gram @ self._filter
        self._known = self._templates() if every_way else None

    def guesses(self, told: Luma, lucy: bool) -> Iterator[tuple[str, Guesses]]:
        """By each way, whose face each probe is. told: (probes, places, rows, columns)."""
        gathered = self._sight.gather(told)
        yield "likelihood", self._likeliest(gathered)
        seen = gathered @ self._filter
        yield "Wiener", _nearest(seen, self._gallery.flat)
        yield "Wiener, alike", _nearest(seen, self._filtered)
        if self._known is not None:
            yield "squares, alike", self._alike(told, self._known)
        if self._every_way and lucy:
            yield "Richardson-Lucy", _nearest(richardson_lucy(self._sight, told, TURNS), self._gallery.flat)

    def _likeliest(self, gathered: Floats) -> Guesses:
        """By the likelihood of what was gathered, faces varying as they do (normal): for fine greys the strongest way
        there is."""
        return np.asarray((self._beside - 2 * gathered @ self._toward).argmin(axis=1))

    def _templates(self) -> Floats:
        """(days x faces, values): what each face is told as on some days, enrolled through the same level."""
        few = len(self._gallery.faces) * (DAYS if len(self._sight.places) == 1 else DAYS_IN_SERIES)
        faces = self._gallery.varied[:few]
        parts = [
            faces[at : at + len(self._gallery.faces)] for at in range(0, len(faces), len(self._gallery.faces))
        ]
        return np.concatenate([_steps(self._sight.expected(part) + WALL, self._sight) for part in parts])

    def _alike(self, told: Luma, known: Floats) -> Guesses:
        """Squares against squares: the least difference wins."""
        seen = _steps(self._sight.read(told) + WALL, self._sight)
        apart = (known * known).sum(axis=1) - 2 * seen @ known.T
        return np.asarray(apart.argmin(axis=1) % len(self._gallery.faces))


def _steps(luma: Floats, sight: Sight) -> Floats:
    """(any, values): which grey each is told in."""
    step = 256 // sight.level.steps
    told = np.clip(np.rint(luma), 0, 255) // step
    return told.reshape(len(luma), -1).astype(np.float32)


def _nearest(seen: Floats, known: Floats) -> Guesses:
    """By correlation, so that neither brightness nor contrast counts."""
    first, second = (each - each.mean(axis=1, keepdims=True) for each in (seen, known))
    second = second / np.linalg.norm(second, axis=1, keepdims=True)
    return np.asarray((first @ second.T).argmax(axis=1))
