"""Connected parts of a small mask, in NumPy and one short loop over its runs."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Run = tuple[int, int, int]
"""Row, first column, and the column after the last."""


@dataclass(slots=True)
class Part:
    """x0 <= column < x1, y0 <= row < y1; size in places."""

    runs: list[Run] = field(default_factory=list)
    size: int = 0
    x0: int = 1 << 30
    x1: int = 0

    @property
    def y0(self) -> int:
        return self.runs[0][0]

    @property
    def y1(self) -> int:
        return self.runs[-1][0] + 1

    def total(self, counts: NDArray[np.uint8]) -> int:
        """The sum over its places. counts: (rows, cols)."""
        flat, cols = counts.tobytes(), counts.shape[1]
        return sum(sum(flat[row * cols + first : row * cols + last]) for row, first, last in self.runs)


def parts(mask: Flags) -> list[Part]:
    """The connected parts (eight neighbours) of a (rows, cols) mask, in the order in which they end.

    Runs of each row are joined with the runs they touch in the row above (union-find), as in two-pass labelling.
    """
    rows, cols = mask.shape
    edges = np.zeros((rows, cols + 2), np.bool_)
    edges[:, 1:-1] = mask
    # Where a run begins or ends, in turns: a run of one row ends before that of the next begins.
    ends = np.flatnonzero(edges[:, 1:] != edges[:, :-1]).tolist()
    runs = list[Run]()
    for begin, end in zip(ends[::2], ends[1::2], strict=True):
        row, first = divmod(begin, cols + 1)
        runs.append((row, first, first + end - begin))
    found: dict[int, Part] = {}
    for run, root in zip(runs, _join(runs), strict=True):
        part = found.get(root)
        if part is None:
            part = found[root] = Part()
        part.runs.append(run)
        part.size += run[2] - run[1]
        part.x0, part.x1 = min(part.x0, run[1]), max(part.x1, run[2])
    return [found[root] for root in sorted(found)]


def _join(runs: list[Run]) -> list[int]:
    """Of each run the one that stands for its part."""
    parent = list(range(len(runs)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    above = 0
    for index, (row, first, last) in enumerate(runs):
        over = row - 1
        while runs[above][0] < over or (runs[above][0] == over and runs[above][2] < first):
            above += 1
        other = above
        while runs[other][0] == over and runs[other][1] <= last:
            parent[root(other)] = index
            other += 1
    return [root(run) for run in range(len(runs))]
