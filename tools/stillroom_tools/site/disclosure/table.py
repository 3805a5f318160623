"""A table of counts and its margins, and what can be known of each number in it.

A table has a row for each time and a column for each thing told; a cell counts the rooms of which that was told then,
each once. Margins are sums of cells. Somebody who is given bounds for some of these numbers (a rounded count, its
margin, how many rooms there are) can bound the others: the table is a flow through a network, source - rows - columns -
sink - source, an arc for each cell, row total, column total and the grand total, and the most and the least that an
arc can carry are what a maximum flow finds (Cox 1995, network models for controlled rounding; Ford and Fulkerson 1956).
Whole numbers go in, whole numbers come out: the bounds are exact, as an exhaustive search would find them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.int64]
"""(rows + 1, columns + 1): the last row holds column totals, the last column row totals, the corner the grand total."""
FAR = 1 << 30


def with_margins(cells: Any) -> Grid:
    """cells: (rows, columns) of whole numbers >= 0."""
    body = np.asarray(cells, dtype=np.int64)
    grid = np.zeros((body.shape[0] + 1, body.shape[1] + 1), dtype=np.int64)
    grid[:-1, :-1] = body
    grid[:-1, -1], grid[-1, :-1], grid[-1, -1] = body.sum(1), body.sum(0), body.sum()
    return grid


@dataclass
class Bounds:
    """What somebody is told: low <= number <= high, for each number of a grid."""

    low: Grid
    high: Grid

    def copy(self) -> "Bounds":
        return Bounds(self.low.copy(), self.high.copy())


class Network:
    """A true table within bounds: how far each number could be from the truth, and all be as told.

    The table itself is where the search starts; what it finds is the same from wherever it starts.
    """

    def __init__(self, truth: Grid, bounds: Bounds) -> None:
        """truth: with its margins, within the bounds."""
        rows, columns = truth.shape[0] - 1, truth.shape[1] - 1
        self._rows, self._columns = rows, columns
        source, sink = rows + columns, rows + columns + 1
        self._left: Grid = np.zeros((sink + 1, sink + 1), dtype=np.int64)
        self._ends = {
            (i, j): self._arc(i, j, source, sink) for i in range(rows + 1) for j in range(columns + 1)
        }
        self.truth = truth
        for place in self._ends:
            self.tell(place, int(bounds.low[place]), int(bounds.high[place]))

    def tell(self, place: tuple[int, int], low: int, high: int) -> None:
        """Another bound for one number."""
        tail, head = self._ends[place]
        self._left[tail, head] = high - self.truth[place]
        self._left[head, tail] = self.truth[place] - low

    def interval(self, place: tuple[int, int], most: int = FAR) -> tuple[int, int]:
        """The least and the most that it can be; no further from the truth than `most`, to be quick."""
        tail, head = self._ends[place]
        up, down = int(self._left[tail, head]), int(self._left[head, tail])
        if not up and not down:
            return int(self.truth[place]), int(self.truth[place])
        left = self._left.copy()
        left[tail, head] = left[head, tail] = 0
        more = _flow(left.copy(), head, tail, min(up, most))
        less = _flow(left, tail, head, min(down, most))
        return int(self.truth[place]) - less, int(self.truth[place]) + more

    def _arc(self, i: int, j: int, source: int, sink: int) -> tuple[int, int]:
        row = source if i == self._rows else i
        column = sink if j == self._columns else self._rows + j
        if i == self._rows and j == self._columns:
            return sink, source
        if i == self._rows:
            return column, sink
        return (source, row) if j == self._columns else (row, column)


def _flow(left: Grid, start: int, end: int, most: int) -> int:
    """As much as can go from start to end, `most` at most, by shortest ways; `left` is used up."""
    total = 0
    while total < most:
        way = _way(left, start, end)
        if way is None:
            break
        step = min(most - total, min(int(left[a, b]) for a, b in way))
        for a, b in way:
            left[a, b] -= step
            left[b, a] += step
        total += step
    return total


def _way(left: Grid, start: int, end: int) -> Sequence[tuple[int, int]] | None:
    before = np.full(left.shape[0], -1)
    before[start] = start
    edge = [start]
    while edge and before[end] < 0:
        further: list[int] = []
        for node in edge:
            new = np.flatnonzero((left[node] > 0) & (before < 0))
            before[new] = node
            further += new.tolist()
        edge = further
    if before[end] < 0:
        return None
    way, node = [], end
    while node != start:
        way.append((int(before[node]), node))
        node = int(before[node])
    return way
