"""Connected parts against a flood fill."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stillroom.eye.blobs import parts


def flood(mask: np.ndarray) -> np.ndarray:
    labels = np.zeros(mask.shape, int)
    count = 0
    for start in zip(*np.nonzero(mask), strict=True):
        if labels[start]:
            continue
        count += 1
        todo = [start]
        while todo:
            row, col = todo.pop()
            inside = 0 <= row < mask.shape[0] and 0 <= col < mask.shape[1]
            if not inside or not mask[row, col] or labels[row, col]:
                continue
            labels[row, col] = count
            todo += [(row + i, col + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return labels


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 14), st.integers(1, 14), st.floats(0, 1), st.integers(0, 10_000))
def test_parts_are_those_of_a_flood_fill(rows: int, cols: int, share: float, seed: int) -> None:
    mask = np.random.default_rng(seed).random((rows, cols)) < share
    expected = flood(mask)
    counts = np.random.default_rng(seed).integers(0, 5, mask.shape).astype(np.uint8)
    found = parts(mask)
    assert len(found) == expected.max(initial=0)
    for part in found:
        label = expected[part.runs[0][:2]]
        there = expected == label
        row, col = np.nonzero(there)
        assert part.size == there.sum() == sum(last - first for _, first, last in part.runs)
        assert all(there[row, first:last].all() for row, first, last in part.runs)
        assert (part.y0, part.y1, part.x0, part.x1) == (row.min(), row.max() + 1, col.min(), col.max() + 1)
        assert part.total(counts) == counts[there].sum()


def test_an_empty_mask_has_no_parts() -> None:
    assert parts(np.zeros((5, 7), bool)) == []
