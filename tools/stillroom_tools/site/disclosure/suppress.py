"""Which numbers of a table are let out, and how: small ones not, others rounded, and none that gives a small one away.

1. **Small.** A number below `LEAST`, 0 too, is left out; so is a cell in which all rooms but `NEARLY_ALL` or fewer are.
2. **Rounded.** What is let out is rounded to the nearest multiple of `BASE`, each number by itself, margins too.
3. **Derivable.** For each number left out, what can be known of it is computed as its exact interval (`table.Network`)
   from all that is let out, how many rooms there are, and the rules themselves. While one is narrower than `WIDTH`, one
   more is left out: the smallest number that is let out in its row or column, of equals the first; where there is none,
   the smaller margin of the two, then the grand total. Each step leaves out one number more, and intervals only become
   wider, so it ends; what was wide stays wide.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillroom_tools.site.disclosure.table import Bounds, Grid, Network

LEAST = 8
BASE = 5
WIDTH = 8
"""Of the interval of what was left out, most - least: a small one may be any of 0 to 7, for all that is known."""
NEARLY_ALL = 2
FEWEST_ROOMS = 2 * LEAST
Mask = NDArray[np.bool_]
Place = tuple[int, int]


@dataclass(frozen=True)
class Protected:
    """shown: what is let out, -1 where nothing is. small: left out by the first rule, the others by the third."""

    shown: Grid
    small: Mask
    rooms: int
    base: int = BASE

    @property
    def left_out(self) -> Mask:
        return self.shown < 0


def protect(truth: Grid, rooms: int, base: int = BASE) -> Protected:
    """truth: with margins; rooms: how many there are, which everybody knows. base: odd; 1 rounds nothing."""
    small = truth < LEAST
    small[:-1, :-1] |= truth[:-1, :-1] > rooms - 1 - NEARLY_ALL
    shown = np.where(small, -1, rounded(truth, base))
    network = Network(truth, told(shown, rooms, base))
    waiting = [(int(i), int(j)) for i, j in np.argwhere(small)]
    while waiting:
        place = waiting[0]
        low, high = network.interval(place, WIDTH)
        if high - low >= WIDTH:
            waiting.pop(0)
            continue
        more = next(_more(truth, shown, place), None)
        if more is None:
            break  # nothing is left that could widen it: the caller is told by `narrowest`
        shown[more] = -1
        network.tell(more, 0, _most(more, truth.shape, rooms))
        waiting.append(more)
    return Protected(shown, small, rooms, base)


def told(shown: Grid, rooms: int, base: int = BASE) -> Bounds:
    """What whoever reads the file and these rules can say of each number at once, its margins not yet asked."""
    most = np.array(
        [[_most((i, j), shown.shape, rooms) for j in range(shown.shape[1])] for i in range(shown.shape[0])]
    )
    half = base // 2
    low = np.where(shown < 0, 0, np.maximum(shown - half, LEAST))
    cells = shown[:-1, :-1]
    high = np.where(shown < 0, most, np.minimum(shown + half, most))
    high[:-1, :-1] = np.where(cells < 0, most[:-1, :-1], np.minimum(high[:-1, :-1], rooms - 1 - NEARLY_ALL))
    return Bounds(low, high)


def rounded(truth: Grid, base: int) -> Grid:
    """To the nearest multiple, which is one: the base is odd."""
    return base * ((truth + base // 2) // base)


def narrowest(truth: Grid, made: Protected) -> int:
    """Width of the narrowest interval of what was left out; none at all: as wide as can be."""
    network = Network(truth, told(made.shown, made.rooms, made.base))
    found = (network.interval((int(i), int(j))) for i, j in np.argwhere(made.left_out))
    return min((high - low for low, high in found), default=truth.size * made.rooms)


def _most(place: Place, shape: tuple[int, ...], rooms: int) -> int:
    """A room counts once in a cell."""
    rows, columns = shape[0] - 1, shape[1] - 1
    return rooms * (columns if place[1] == columns else 1) * (rows if place[0] == rows else 1)


def _more(truth: Grid, shown: Grid, place: Place) -> Iterator[Place]:
    """What may be left out next for this one, the best first."""
    i, j = place
    rows, columns = truth.shape[0] - 1, truth.shape[1] - 1
    line = [(i, k) for k in range(columns)] if i < rows else []
    line += [(k, j) for k in range(rows)] if j < columns else []
    if i == rows and j == columns:
        line = []
    for group in (line, [(i, columns), (rows, j)], [(rows, columns)]):
        yield from sorted(
            (each for each in group if shown[each] >= 0 and each != place),
            key=lambda each: (int(truth[each]), each),
        )
