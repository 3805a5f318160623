"""Connected parts of a small mask, in NumPy and one short loop over its runs."""

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]


def label(mask: Flags) -> tuple[NDArray[np.int32], int]:
    """Numbers 1..n of the connected parts (eight neighbours) of a (rows, cols) mask, 0 elsewhere; and n.

    Runs of each row are joined with the runs they touch in the row above (union-find), as in two-pass labelling.
    """
    rows, cols = mask.shape
    edges = np.zeros((rows, cols + 2), np.int8)
    edges[:, 1:-1] = mask
    steps = np.diff(edges, axis=1)
    row, first = np.nonzero(steps == 1)
    last = np.nonzero(steps == -1)[1]
    parent = _join(row.tolist(), first.tolist(), last.tolist())
    numbers = {root: number for number, root in enumerate(sorted(set(parent)), 1)}
    labels = np.zeros((rows, cols), np.int32)
    labels[mask] = np.repeat([numbers[root] for root in parent], last - first)
    return labels, len(numbers)


def _join(row: list[int], first: list[int], last: list[int]) -> list[int]:
    parent = list(range(len(row)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    above = 0
    for run in range(len(row)):
        while row[above] < row[run] - 1 or (row[above] == row[run] - 1 and last[above] < first[run]):
            above += 1
        other = above
        while row[other] == row[run] - 1 and first[other] <= last[run]:
            parent[root(other)] = root(run)
            other += 1
    return [root(run) for run in range(len(row))]
