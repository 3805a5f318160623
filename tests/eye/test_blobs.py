"""Connected parts against a flood fill."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stillroom.eye.blobs import label


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
def test_labels_are_the_parts_of_a_flood_fill(rows: int, cols: int, share: float, seed: int) -> None:
    mask = np.random.default_rng(seed).random((rows, cols)) < share
    labels, count = label(mask)
    expected = flood(mask)
    assert count == expected.max(initial=0)
    assert ((labels > 0) == mask).all()
    pairs = {(int(a), int(b)) for a, b in zip(labels[mask], expected[mask], strict=True)}
    assert len(pairs) == count


def test_an_empty_mask_has_no_parts() -> None:
    labels, count = label(np.zeros((5, 7), bool))
    assert count == 0
    assert not labels.any()
