"""Single-shot detections out of raw outputs: anchors, decoding and weighted non-maximum suppression, in NumPy.

Source: BlazeFace (Bazarevsky et al., 2019, arXiv:1907.05047) and its form in mediapipe's calculators: anchors at cell
centres, all of size 1, so that a box is centre + raw / side; overlapping boxes are blended by score, not dropped.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

OVERLAP = 0.3
MOST = 8
LARGEST_LOGIT = 80.0


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """score: 0 to 1. box: x0, y0, x1, y1. points: (n, 2). In shares of the square picture."""

    score: float
    box: tuple[float, float, float, float]
    points: Floats


def anchors(side_px: int, layers: tuple[tuple[int, int], ...]) -> Floats:
    """(n, 2) centres x, y, row by row. layers: (stride in px, anchors at each place)."""
    every = []
    for stride, count in layers:
        steps = (np.arange(side_px // stride, dtype=np.float32) + 0.5) * np.float32(stride / side_px)
        y, x = np.meshgrid(steps, steps, indexing="ij")
        every.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), count, axis=0))
    return np.concatenate(every).astype(np.float32)


def decode(raw: Floats, logits: Floats, centres: Floats, side_px: int, least: float) -> list[Found]:
    """raw: (n, 4 + 2 k); logits: (n, 1). What scores `least` or more, best first, overlaps blended; at most eight."""
    clipped = np.clip(logits[:, 0], -LARGEST_LOGIT, LARGEST_LOGIT)
    scores: Floats = (1.0 / (1.0 + np.exp(-clipped))).astype(np.float32)
    order = np.flatnonzero(scores >= least)
    order = order[np.argsort(-scores[order], kind="stable")]
    scaled = raw[order] / np.float32(side_px)
    centre = scaled[:, :2] + centres[order]
    half = np.abs(scaled[:, 2:4]) / 2
    points = scaled[:, 4:].reshape(len(order), (raw.shape[1] - 4) // 2, 2) + centres[order][:, None]
    return _blended(scores[order], np.concatenate([centre - half, centre + half], axis=1), points)


def _blended(scores: Floats, boxes: Floats, points: Floats) -> list[Found]:
    found: list[Found] = []
    left = np.arange(len(scores))
    while len(left) and len(found) < MOST:
        same = overlap(boxes[left[0]], boxes[left]) >= OVERLAP
        same[0] = True
        group, left = left[same], left[~same]
        weight = scores[group] / scores[group].sum()
        x0, y0, x1, y1 = (float(value) for value in weight @ boxes[group])
        middle = np.tensordot(weight, points[group], axes=1).astype(np.float32)
        found.append(Found(float(scores[group[0]]), (x0, y0, x1, y1), middle))
    return found


def overlap(box: Floats, others: Floats) -> Floats:
    """Intersection over union of one box with each of (n, 4); 0 for boxes without area."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1) + np.prod(box[2:] - box[:2]) - common
    share: Floats = np.where(areas > 0, common / np.maximum(areas, 1e-12), 0).astype(np.float32)
    return share
