"""The models in a thread of their own: one order at work, one waiting, and the later of two waiting ones wins.

`Inline` does the same at once, in the caller's thread: a replay then gives the same answers. Pictures lie in locked
memory and are zeros again as soon as they have been looked at, or given up.
"""

import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from stillroom.clock import NS_PER_MS
from stillroom.errors import StillroomError
from stillroom.eye.detect import LANDMARKS_SIDE_PX, SIDE_PX, Body, Detector, Face, Held, Kind, Picture, Square
from stillroom.eye.weights import MODEL, find
from stillroom.locked import locked_arrays, wipe

BUFFERS = 2
LOOK_FOR_WEIGHTS_S = 5.0
"""They may be fetched while the eye runs."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A picture to look at: what for, of which square of the frame, and on which frame that was decided."""

    kind: Kind
    square: Square
    picture: Picture
    decided_ns: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a model said of a job. One of the three is set, by kind."""

    kind: Kind
    square: Square
    decided_ns: int
    bodies: tuple[Body, ...] = ()
    held: Held | None = None
    face: Face | None = None


LONGEST_LOOK_MS = 60_000.0
"""What takes longer is told as this."""


@runtime_checkable
class TellsTime(Protocol):
    """Models that measure how long a look takes. Not those of a replay, which must say the same each time."""

    look_ms: float | None


class Models(Protocol):
    """Somebody who looks at pictures."""

    @property
    def name(self) -> str:
        """`none` while nobody can look."""
        ...

    def borrow(self, kind: Kind) -> Picture | None:
        """A picture to be filled for a job; None while there is nobody to look at it. Takes back a waiting one."""
        ...

    def submit(self, job: Job) -> None: ...

    def give_up(self, picture: Picture) -> None:
        """It will not be filled, or not be looked at."""
        ...

    def take(self) -> Result | None:
        """The oldest result not yet taken."""
        ...


def examine(detector: Detector, job: Job) -> Result:
    """Look at one picture, and wipe it."""
    try:
        if job.kind == "people":
            bodies = tuple(detector.people(job.picture, job.square))
            return Result(job.kind, job.square, job.decided_ns, bodies=bodies)
        if job.kind == "landmarks":
            held = detector.landmarks(job.picture, job.square)
            return Result(job.kind, job.square, job.decided_ns, held=held)
        face = detector.face(job.picture, job.square)
        return Result(job.kind, job.square, job.decided_ns, face=face)
    finally:
        wipe(job.picture)


class Nobody:
    """No models: motion and breathing alone."""

    name = "none"

    def borrow(self, kind: Kind) -> Picture | None:
        return None

    def submit(self, job: Job) -> None:
        raise AssertionError("nothing was borrowed")

    def give_up(self, picture: Picture) -> None:
        raise AssertionError("nothing was borrowed")

    def take(self) -> Result | None:
        return None


class Buffers:
    """Locked memory for a few pictures, one after another. Raises SetupError where it cannot be had."""

    def __init__(self, count: int = BUFFERS) -> None:
        size = LANDMARKS_SIDE_PX * LANDMARKS_SIDE_PX * 3
        self._blocks = locked_arrays([((size,), np.uint8)] * count)
        self._free = list(range(count))
        self._lent: dict[int, int] = {}

    def borrow(self, kind: Kind) -> Picture | None:
        if not self._free:
            return None
        place = self._free.pop()
        side = SIDE_PX[kind]
        picture = self._blocks[place][: side * side * 3].reshape(side, side, 3)
        self._lent[picture.__array_interface__["data"][0]] = place
        return picture

    def give_back(self, picture: Picture) -> None:
        wipe(picture)
        self._free.append(self._lent.pop(picture.__array_interface__["data"][0]))


class Inline:
    """Looks at once, in the caller's thread: for replays and tests."""

    name = MODEL

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._buffers = Buffers()
        self._results: list[Result] = []

    def borrow(self, kind: Kind) -> Picture | None:
        return self._buffers.borrow(kind)

    def submit(self, job: Job) -> None:
        self._results.append(examine(self._detector, job))
        self._buffers.give_back(job.picture)

    def give_up(self, picture: Picture) -> None:
        self._buffers.give_back(picture)

    def take(self) -> Result | None:
        return self._results.pop(0) if self._results else None


class Worker:
    """A thread that finds and loads the weights, looks, and ends with a blank look. `close` waits for it."""

    def __init__(self, folder: Path | None) -> None:
        """folder: the unit's own folder of weights; the user's cache is tried after it.

        Weights that are there are loaded before this returns: the library holds the interpreter's lock meanwhile, on a
        slow board for longer than an eye may go without a lease.
        """
        self._folder = folder
        self._wake = threading.Condition()
        self._waiting: Job | None = None
        self._results: list[Result] = []
        self._ended = False
        self._name = "none"
        self._refused = False
        self.look_ms: float | None = None
        """How long the last look took."""
        self._detector = self._load()
        self._thread = threading.Thread(target=self._run, name="models", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        return self._name

    def borrow(self, kind: Kind) -> Picture | None:
        with self._wake:
            if self._name == "none":
                return None
            picture = self._buffers.borrow(kind)
            if picture is None and self._waiting is not None:
                self._buffers.give_back(self._waiting.picture)
                self._waiting = None
                picture = self._buffers.borrow(kind)
            return picture

    def submit(self, job: Job) -> None:
        with self._wake:
            if self._waiting is not None:
                self._buffers.give_back(self._waiting.picture)
            self._waiting = job
            self._wake.notify()

    def give_up(self, picture: Picture) -> None:
        with self._wake:
            self._buffers.give_back(picture)

    def take(self) -> Result | None:
        with self._wake:
            return self._results.pop(0) if self._results else None

    def close(self) -> None:
        """Have it look at nothing once more, and end. May be called twice."""
        with self._wake:
            self._ended = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        detector = self._found()
        if detector is None:
            return
        try:
            self._buffers = Buffers()
            self._name = MODEL
            while (job := self._next()) is not None:
                self._do(detector, job)
            detector.blank()
        except (
            StillroomError
        ) as error:  # no locked memory; or landmarks, which are loaded when first asked for
            _say(error)
        finally:
            self._name = "none"

    def _do(self, detector: Detector, job: Job) -> None:
        began_ns = time.perf_counter_ns()
        try:
            result = examine(detector, job)
        finally:
            self.look_ms = min((time.perf_counter_ns() - began_ns) / NS_PER_MS, LONGEST_LOOK_MS)
            with self._wake:
                self._buffers.give_back(job.picture)
        with self._wake:
            self._results = [*self._results[-3:], result]

    def _next(self) -> Job | None:
        with self._wake:
            self._wake.wait_for(lambda: self._ended or self._waiting is not None)
            job, self._waiting = self._waiting, None
            if self._ended and job is not None:
                self._buffers.give_back(job.picture)
            return None if self._ended else job

    def _found(self) -> Detector | None:
        """The models, as soon as they are there; None: ended before, or what is there cannot be used."""
        while self._detector is None and not self._ended and not self._refused:
            with self._wake:
                self._wake.wait_for(lambda: self._ended, LOOK_FOR_WEIGHTS_S)
            if not self._ended:
                self._detector = self._load()
        return self._detector

    def _load(self) -> Detector | None:
        place = find(self._folder)
        if place is None:
            return None
        try:
            return Detector(place)
        except StillroomError as error:
            self._refused = True
            _say(error)
            return None


def _say(error: StillroomError) -> None:
    print(f"eye: going on without models: {error}", file=sys.stderr, flush=True)
