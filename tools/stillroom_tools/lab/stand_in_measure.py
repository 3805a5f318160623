"""How the real models err on simulated people, and on recordings: what the stand-in's constants were read from.

    python -m stillroom_tools.lab.stand_in_measure [--rooms N] [--recordings DIR]

Prints one row for each posture and size of a body in the square that is looked at: how often it is found, with which
scores, how it is said to be held, and how much two looks at the same posture, one after another, agree with one another
beyond chance: in whether it is found, whether landmarks are sure, and how they say it is held.
"""

import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean, pstdev
from typing import TYPE_CHECKING

from stillroom.eye.detect import SIDE_PX, Body, Detector, Kind, Picture, Square
from stillroom.eye.fallen import SURE_PRESENT
from stillroom.options import Parser
from stillroom_tools.lab.scene_random import unit

if TYPE_CHECKING:
    from stillroom.eye.frame import Frame
    from stillroom_tools.lab.scenario import Scenario

WIDTH, HEIGHT = 640, 480
EVERY_S = 1.3
ACTS = (("enter", 0.5), ("lie-down", 9.0), ("turn", 30.0), ("sit-up", 42.0), ("fall", 50.0), ("get-up", 62.0))
ENDS_S = 74.0
NEAR = 0.8
"""Of a body's size: what is found farther from its hips is somebody else."""


@dataclass(frozen=True, slots=True)
class Look:
    """One body looked at once. kind: posture and cover; size: from hips to the farthest joint, of the square's side."""

    kind: str
    look: str
    size: float
    room: int
    found: bool
    score: float = 0.0
    present: float = 0.0
    posture: str = ""
    long: float = 0.0
    """Of the body as it was found, over its true size."""
    strangers: int = 0

    @property
    def sure(self) -> bool:
        """Its landmarks are certain of a body."""
        return self.present >= SURE_PRESENT


def main(arguments: list[str] | None = None) -> None:
    """Look, and print."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    parser = Parser(prog="stand_in_measure", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--models", type=Path, default=Path(".cache/models"))
    parser.add_argument(
        "--rooms", type=int, default=40, help="simulated rooms, each with other looks and light"
    )
    options = parser.parse_args(arguments)
    eyes = Eyes(options.models)
    print_table(look for number in range(options.rooms) for look in looks_at(room(number), number, eyes))


def print_table(looks: Iterable[Look]) -> None:
    """One row a posture, kind of look and size."""
    rows: dict[tuple[str, str, str], list[Look]] = defaultdict(list)
    for look in looks:
        rows[look.kind, look.look, f"{math.floor(look.size * 20) / 20:.2f}"].append(look)
        rows[look.kind, look.look, "all"].append(look)
    counted = f"{'n':>5}{'found':>7}{'score':>12}{'sure':>7}{'long':>6}"
    print(f"{'who':<22}{'look':<7}{'size':<6}{counted}{'agree':>7}{'sure':>6}{'held':>6}  held")
    for (kind, name, size), found in sorted(rows.items()):
        print(f"{kind:<22}{name:<7}{size:<6}{_row(found)}")


def _row(looks: list[Look]) -> str:
    seen = [look for look in looks if look.found]
    held = Counter(look.posture for look in seen)
    said = " ".join(f"{name} {count / len(seen):.2f}" for name, count in held.most_common()) if seen else ""
    scores = [look.score for look in seen] or [0.0]
    pairs = [(a, b) for a, b in pairwise(looks) if a.room == b.room]
    agree = f"{_sticks([(a.found, b.found) for a, b in pairs]):>7}"
    pairs = [(a, b) for a, b in pairs if a.found and b.found]
    agree += f"{_sticks([(a.sure, b.sure) for a, b in pairs]):>6}"
    agree += f"{_sticks([(a.posture, b.posture) for a, b in pairs if a.sure and b.sure]):>6}"
    strangers = sum(look.strangers for look in looks)
    more = f" strangers {strangers}" if strangers else ""
    there = fmean(look.sure for look in seen) if seen else 0.0
    long = fmean(look.long for look in seen) if seen else 0.0
    spread = f"{fmean(scores):.2f} +- {pstdev(scores):.2f}"
    return f"{len(looks):>5}{len(seen) / len(looks):>7.2f}{spread:>12}{there:>7.2f}{long:>6.2f}{agree}  {said}{more}"


def _sticks(pairs: Sequence[tuple[object, object]]) -> str:
    """How much more two looks in a row agree than by chance: 1 where an error stays, 0 where each look is another's."""
    if not pairs:
        return "-"
    counts = Counter(each for pair in pairs for each in pair)
    chance = sum((count / (2 * len(pairs))) ** 2 for count in counts.values())
    alike = fmean(a == b for a, b in pairs)
    return "-" if chance > 0.98 else f"{(alike - chance) / (1.0 - chance):.2f}"


class Eyes:
    """The real models, shown squares of frames as the eye's kernel cuts them."""

    def __init__(self, place: Path) -> None:
        from stillroom.eye.distil import Grid
        from stillroom.eye.worker import Buffers

        self.detector = Detector(place)
        self._buffers, self._grids = Buffers(), dict[tuple[int, int], Grid]()

    def people(self, frame: "Frame", square: Square) -> list[Body]:
        """Whom the model finds there."""
        picture = self._cut(frame, square, "people")
        found = self.detector.people(picture, square)
        self._buffers.give_back(picture)
        return found

    def held(self, frame: "Frame", body: Body) -> tuple[float, str]:
        """How sure the landmarks are, and of which posture."""
        square = body.square()
        picture = self._cut(frame, square, "landmarks")
        held = self.detector.landmarks(picture, square)
        self._buffers.give_back(picture)
        return held.present, held.posture

    def _cut(self, frame: "Frame", square: Square, kind: Kind) -> Picture:
        from stillroom.eye.distil import Grid, Order, distil

        size = frame.width, frame.height
        if size not in self._grids:
            self._grids[size] = Grid(*size)
        picture = self._buffers.borrow(kind)
        assert picture is not None
        distil(
            frame,
            None,
            None,
            self._grids[size],
            (Order(square.affine(SIDE_PX[kind]), picture, frame.frame_ns),),
        )
        return picture


def room(number: int) -> "Scenario":
    """A room and somebody in it, by number."""
    from stillroom_tools.lab.scenario import Act, Lens, Light, Looks, Scenario

    def pick(part: int, *of: object) -> object:
        return of[int(unit(number, part) * len(of))]

    shirt = tuple(int(40 + 170 * unit(number, 20 + k)) for k in range(3))
    lens = {"distance_scale": pick(1, 0.8, 1.0, 1.3, 1.6, 2.0), "height_m": pick(2, 2.0, 2.2, 2.6)}
    looks = {
        "skin": pick(3, "light", "medium", "dark", "very-dark"),
        "blanket": pick(4, "hip", "chest", "neck"),
    }
    return Scenario(
        title="measure",
        acts=tuple(Act(at_s=at_s, do=do) for do, at_s in ACTS),  # type: ignore[arg-type]
        lens=Lens(pitch_deg=pick(5, 24.0, 28.0, 34.0), **lens),  # type: ignore[arg-type]
        looks=Looks(shirt_rgb=shirt, **looks),  # type: ignore[arg-type]
        light=Light(lux=pick(6, 10.0, 40.0, 120.0, 250.0)),  # type: ignore[arg-type]
    )


def looks_at(scenario: "Scenario", number: int, eyes: Eyes) -> Iterator[Look]:
    """Looks at the whole picture, at it with a margin, and close at the body."""
    import numpy as np

    from stillroom_tools.lab.scene import pinhole
    from stillroom_tools.lab.simulated import SimulatedCamera

    camera = SimulatedCamera(scenario, width_px=WIDTH, height_px=HEIGHT, frames_per_s=10.0, seed=number)
    pin = pinhole(scenario.lens, WIDTH, HEIGHT)
    for step in range(1, int(ENDS_S / EVERY_S)):
        index = round(step * EVERY_S * 10)
        frame, now = camera.frame(index), camera.scene(index / 10).now.resident
        if now.pose is None or now.in_doorway:
            continue
        seen = pin.project(now.pose)[:, :2]
        hips, away = seen[0], np.hypot(*(seen - seen[0]).T)
        kind = _kind(now.place, now.moving, scenario.looks.blanket if now.blanket > 0.5 else "")
        inside = seen.clip((0, 0), (WIDTH, HEIGHT))
        (x0, y0), (x1, y1) = inside.min(axis=0), inside.max(axis=0)
        side = max(2.0 * max(x1 - x0, y1 - y0), 0.4 * WIDTH)
        squares = {
            "whole": Square(WIDTH / 2, HEIGHT / 2, WIDTH),
            "wide": Square(WIDTH / 2, HEIGHT / 2, 1.5 * WIDTH),
            "close": Square(float(x0 + x1) / 2, float(y0 + y1) / 2, float(side)),
        }
        for name, square in squares.items():
            yield _look(
                eyes, frame, square, (kind, name, number), (float(hips[0]), float(hips[1]), float(away.max()))
            )


def _kind(place: str, moving: bool, blanket: str) -> str:
    if place == "bed":
        return f"lying, to the {blanket}"
    names = {
        "bed-end": "sitting",
        "bed-upright": "sitting in bed",
        "kneeling": "kneeling",
        "fallen": "fallen",
    }
    return names.get(place, "walking" if moving else "standing") + (
        ", moving" if moving and place in names else ""
    )


def _look(
    eyes: Eyes, frame: "Frame", square: Square, named: tuple[str, str, int], true: tuple[float, float, float]
) -> Look:
    x, y, size = true
    found = eyes.people(frame, square)
    near = [body for body in found if math.hypot(body.x_px - x, body.y_px - y) < NEAR * max(size, 30.0)]
    kind, name, number = named
    if not near:
        return Look(kind, name, size / square.side_px, number, False, strangers=len(found))
    body = near[0]
    present, posture = eyes.held(frame, body)
    long = body.radius_px / size
    more = len(found) - 1
    return Look(kind, name, size / square.side_px, number, True, body.score, present, posture, long, more)


if __name__ == "__main__":
    main()
