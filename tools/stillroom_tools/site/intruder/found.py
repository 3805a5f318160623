"""What an attack found, as it is reported: rows that stand by themselves, and what follows for the policy's floor."""

from msgspec import Struct

from stillroom.view_forms import BLOCKS
from stillroom_tools.site.intruder.match import Score

TIMES_CHANCE = 2.0
"""The bound of the first guess that a floor must keep, in times of blind guessing."""


class Row(Struct, frozen=True):
    """One level at one distance, given so many frames at known places."""

    level: str
    block: int
    steps: int
    distance_m: float
    face_squares: float
    """Squares across a face."""
    frames: int
    probes: int
    way: str
    """The best of the attacker's ways here."""
    rank1: float
    most: float
    """Upper bound at 95 %."""
    ways: dict[str, float]
    """The share of right first guesses by each way."""


class Gain(Struct, frozen=True):
    """How much better the restored face is from many frames than from one."""

    level: str
    distance_m: float
    frames: int
    one_db: float
    many_db: float
    one_pairs: float
    """Line pairs across a face that come back from one frame; 0: none."""
    many_pairs: float

    @property
    def gain_db(self) -> float:
        return self.many_db - self.one_db


class Control(Struct, frozen=True):
    """What the attacks must break, or they prove nothing."""

    name: str
    needed: str
    measured: str
    broken: bool


class Found(Struct, frozen=True):
    """All of one run."""

    full: bool
    faces: int
    nearest_m: float
    rows: tuple[Row, ...]
    figure: tuple[Row, ...]
    gains: tuple[Gain, ...]
    controls: tuple[Control, ...]

    @property
    def chance(self) -> float:
        return 1.0 / self.faces

    @property
    def most_allowed(self) -> float:
        return TIMES_CHANCE * self.chance

    @property
    def proves(self) -> bool:
        """Every control was broken."""
        return all(control.broken for control in self.controls)

    def row(self, distance_m: float, block: int, frames: int) -> Row | None:
        """Of the squares as the eye makes them."""
        wanted = (f"squares of {block}", distance_m, frames)
        return next((row for row in self.rows if (row.level, row.distance_m, row.frames) == wanted), None)

    def floor(self, distance_m: float, frames: int) -> int | None:
        """The least block from which on every block keeps the bound; None: not even the largest does."""
        kept = None
        for block in reversed(BLOCKS):
            row = self.row(distance_m, block, frames)
            if row is None or row.most > self.most_allowed:
                break
            kept = block
        return kept

    @property
    def distances(self) -> list[float]:
        return sorted({row.distance_m for row in self.rows})

    @property
    def frames(self) -> list[int]:
        return sorted({row.frames for row in self.rows})


def best(scores: dict[str, Score]) -> tuple[str, Score]:
    """The way that surely found most, and its score: one that was tried on fewer probes does not win by luck."""
    way = max(scores, key=lambda each: (scores[each].least, scores[each].rank1))
    return way, scores[way]
