"""When to look, and where: cells trigger, models confirm.

At most once a second while something moves, and once in ten in a still room; where somebody comes down, five times in
two seconds and as often once he is down, and where it is not known how he is held, every other second for a while. A
look is decided on one frame and cut out of the next. Landmarks only where a posture may have changed; the face once in
ten seconds, of somebody believed.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from stillroom.eye.agreement import Agreement, Cells
from stillroom.eye.detect import SIDE_PX, Kind, Square
from stillroom.eye.falling import Descent, Falling
from stillroom.eye.order import Order, OrderError, Served
from stillroom.eye.people import People
from stillroom.eye.squares import LEAST_MOVING, Squares
from stillroom.eye.worker import Job, Models, Result, TellsTime
from stillroom.observation import Box, Person

MOVING_EVERY_S = 1.0
STILL_EVERY_S = 10.0
UNDECIDED_EVERY_S, UNDECIDED_FOR_S = 2.0, 20.0
"""After the last movement, while it is not known how somebody is held: he may lie on the floor."""
MOVING_FOR_S = 2.5
"""After the last movement: a look at whoever has just come to rest, or left."""
POSTURE_EVERY_S = 1.0
HURRIED_EVERY_S, HURRY_S, HURRY_AGAIN_S = 0.4, 2.0, 6.0
"""After somebody began to come down, and once he is down; and from one such time to the next: who jumps is no reason to
look more.
"""
FACE_EVERY_S = 10.0
FACE_FOR_S = 15.0
ANSWER_WITHIN_S = 2.0


class Seen(Struct, frozen=True):
    """What is believed after a fifth of a second. people: None while nobody has looked (or can look).

    restless: (cells,) what moves much of the time, where nobody is believed; None where it is not to be left out.
    """

    people: int | None
    certainty: float | None
    persons: tuple[Person, ...]
    face: Box | None
    restless: NDArray[np.bool_] | None = None


class Looking:
    """Make for a picture's size; `orders` before each frame, `served` after it, `feed` each fifth of a second."""

    def __init__(
        self,
        width_px: int,
        height_px: int,
        shape: tuple[int, int],
        models: Models,
        door: NDArray[np.bool_] | None = None,
    ) -> None:
        self._models, self._shape = models, shape
        self._timed = models if isinstance(models, TellsTime) else None
        self._width, self._height = width_px, height_px
        self._agreement = Agreement(shape, door)
        self._people = People(width_px, height_px, self._agreement)
        self._job: Job | None = None
        self._cells: Cells | None = None
        self._asked_s = dict.fromkeys(SIDE_PX, -1e9)
        self._waiting: set[Kind] = set()
        self._moved_s = -1e9
        self._falling = Falling(shape)
        self._descent: Descent | None = None
        self._hurry_s = self._hurry_until_s = -1e9
        self._share_before = 0.0
        self._squares = Squares(width_px, height_px, shape)
        self._face: tuple[float, Box] | None = None
        self._empty = False
        self.looks = dict.fromkeys(SIDE_PX, 0)
        """How often each model has been asked."""

    @property
    def look_ms(self) -> float | None:
        """How long the last look took, where somebody measures."""
        return None if self._timed is None else self._timed.look_ms

    @property
    def model(self) -> str:
        """Who looks; `none` while nobody can."""
        return self._models.name

    def restart(self) -> None:
        """Time jumped."""
        self._drop()
        self._people.restart()
        self._falling.restart()
        self._hurry_s = self._hurry_until_s = -1e9
        self._asked_s = dict.fromkeys(SIDE_PX, -1e9)
        self._moved_s, self._face = -1e9, None

    def stirs(self, now_s: float) -> bool:
        """Something moved within a second, or somebody is believed or suspected: not a time to learn the empty room."""
        return now_s - self._moved_s < 1.0 or bool(self._people.believed) or self._people.doubted(now_s) > 0.2

    def finds_nobody(self, now_s: float) -> bool:
        """A model has looked within its time, and there is nobody."""
        seen = self._seen(now_s)
        return seen.people == 0 and seen.certainty is not None and seen.certainty >= 0.8

    def orders(self) -> tuple[Order, ...]:
        """What is wanted of the next frame. In a hurry landmarks follow as soon as somebody was found: he moves."""
        if self._job is None and self._cells is not None and self._hurries(self._cells.time_s):
            self._take_all(self._cells.time_s)
            self._posture(self._cells, HURRIED_EVERY_S)
        job = self._job
        if job is None:
            return ()
        try:
            return (Order(job.square.affine(SIDE_PX[job.kind]), job.picture, job.decided_ns),)
        except OrderError:
            self._drop()
            return ()

    def served(self, outcomes: tuple[Served, ...]) -> None:
        """What became of it."""
        job, self._job = self._job, None
        if job is None:
            return
        if outcomes == ("served",):
            self._waiting.add(job.kind)
            self.looks[job.kind] += 1
            self._models.submit(job)
        else:
            self._models.give_up(job.picture)

    def feed(self, cells: Cells) -> Seen:
        """Take in what the models have said, look at the cells, decide the next look."""
        now_s = cells.time_s
        self._agreement.feed(cells)
        self._empty = cells.empty is True
        self._cells = cells
        self._take_all(now_s)
        self._people.feed(now_s)
        share = self._agreement.moves / cells.moving.size
        if min(share, self._share_before) >= LEAST_MOVING:  # a key frame of a recording is one fifth alone
            self._moved_s = now_s
        self._share_before = share
        self._watch_for_falls(cells)
        if self._job is None:
            self._decide(cells)
        return self._seen(now_s)

    def _watch_for_falls(self, cells: Cells) -> None:
        """Looks in a hurry where somebody begins to come down, and one at once where he is down."""
        self._falling.feed(cells.time_s, self._agreement.moving if self._agreement.moves else None)
        was_down = self._descent is not None and self._descent.down
        self._descent = self._people.sink(self._falling, cells.frame_ns)
        if self._descent is None:
            return
        if cells.time_s - self._hurry_s >= HURRY_AGAIN_S:
            self._hurry_s, self._hurry_until_s = cells.time_s, cells.time_s + HURRY_S
        elif self._descent.down and not was_down and self._hurries(cells.time_s):
            # Who sits down on the floor is found there before a look that erred has been believed for long enough.
            self._hurry_until_s = min(cells.time_s, self._hurry_s + HURRY_S) + HURRY_S
            self._asked_s["people"] = self._asked_s["landmarks"] = -1e9

    def _hurries(self, now_s: float) -> bool:
        return now_s < self._hurry_until_s

    def _take_all(self, now_s: float) -> None:
        while (result := self._models.take()) is not None:
            self._take(result, now_s)

    def _take(self, result: Result, now_s: float) -> None:
        self._waiting.discard(result.kind)
        if result.kind == "people":
            at = result.decided_ns
            self._people.looked(result.bodies, result.square, now_s, empty=self._empty, decided_ns=at)
        elif result.held is not None:
            self._people.held(result.held, result.square, now_s, result.decided_ns)
        elif result.face is not None:
            self._face = now_s, self._box(result.face.box_px)

    def _decide(self, cells: Cells) -> None:
        now_s = cells.time_s
        moving, hurries = now_s - self._moved_s < MOVING_FOR_S, self._hurries(now_s)
        every_s = self._still_s(now_s) if not moving else HURRIED_EVERY_S if hurries else MOVING_EVERY_S
        posture_s = HURRIED_EVERY_S if hurries else POSTURE_EVERY_S
        if self._due("people", every_s, now_s):
            known = [track.box for track in self._people.believed]
            square = self._squares.next(cells, self._descent, moving=moving, known=known)
            self._order("people", square, cells)
        elif (
            not self._posture(cells, posture_s)
            and self._people.believed
            and self._due("face", FACE_EVERY_S, now_s)
        ):
            track = self._people.believed[0]
            square = Square(track.body.x_px, track.body.y_px, max(32.0, 2.5 * track.body.radius_px))
            self._order("face", square, cells)

    def _still_s(self, now_s: float) -> float:
        """From one look to the next while nothing moves."""
        undecided = self._people.undecided and now_s - self._moved_s < UNDECIDED_FOR_S
        return UNDECIDED_EVERY_S if undecided else STILL_EVERY_S

    def _posture(self, cells: Cells, every_s: float) -> bool:
        """Ask how somebody is held, where that is due and may have changed."""
        body = self._people.wants_posture() if self._due("landmarks", every_s, cells.time_s) else None
        if body is not None:
            self._order("landmarks", body.square(), cells)
        return body is not None

    def _due(self, kind: Kind, every_s: float, now_s: float) -> bool:
        since_s = now_s - self._asked_s[kind]
        return since_s >= every_s - 0.05 and (kind not in self._waiting or since_s > ANSWER_WITHIN_S)

    def _order(self, kind: Kind, square: Square, cells: Cells) -> None:
        picture = self._models.borrow(kind) if self._squares.shows(square) else None
        self._asked_s[kind] = cells.time_s
        if picture is not None:
            self._job = Job(kind, square, picture, cells.frame_ns)

    def _seen(self, now_s: float) -> Seen:
        looked_s = self._people.looked_s
        if self.model == "none" or looked_s is None or now_s - looked_s > 2 * STILL_EVERY_S:
            return Seen(None, None, (), None)
        believed = self._people.believed
        persons = tuple(
            Person(track.box, track.posture, round(track.certainty(now_s), 3)) for track in believed
        )
        certainty = 1.0 - self._people.doubted(now_s)
        for person in persons:
            certainty *= person.certainty
        face = self._face
        return Seen(
            len(persons),
            round(certainty, 3),
            persons,
            face[1] if face and persons and now_s - face[0] < FACE_FOR_S else None,
            self._agreement.restless if self._agreement.any_restless and not persons else None,
        )

    def _box(self, box_px: tuple[float, float, float, float]) -> Box:
        x0, y0, x1, y1 = box_px
        return Box(
            min(max(x0 / self._width, 0.0), 1.0),
            min(max(y0 / self._height, 0.0), 1.0),
            min(max(x1 / self._width, 0.0), 1.0),
            min(max(y1 / self._height, 0.0), 1.0),
        )

    def _drop(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            self._models.give_up(job.picture)
