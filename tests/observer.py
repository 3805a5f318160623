"""Somebody at the broker who wants to know whether a room was busy: boosted stumps on sizes, times, topics and QoS.

Learns on the first half of two captures and is judged on the second, by the area under the ROC curve (0.5: knows
nothing) with a bootstrap over blocks, since neighbouring windows share messages.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tests.traffic import Seen

WINDOW = 8
BLOCK = 40
ROUNDS = 40
CUTS = 24
SAMPLES = 1000

Array = NDArray[np.float64]


def features(seen: Sequence[Seen], period_ns: int) -> Array:
    """(windows, features): of each message with the seven before it."""
    at = np.array([s.at_ns - seen[0].at_ns for s in seen])
    place = (at + period_ns // 2) % period_ns
    rows = {
        "interval": np.diff(at, prepend=at[0] - period_ns),
        "place": np.abs(place - np.median(place)),  # one capture's own phase says nothing of the room
        "size": np.array([s.size for s in seen]),
        "qos": np.array([s.qos + 4 * s.retain for s in seen]),
        "topic": np.array([len(s.topic) + sum(s.topic.encode()) for s in seen]),
    }
    told = []
    for values in rows.values():
        windows = np.lib.stride_tricks.sliding_window_view(values.astype(float), WINDOW)
        told += [f(windows, axis=1) for f in (np.min, np.max, np.mean, np.std)] + [windows[:, -1]]
    return np.stack(told, axis=1)


def auc(scores: Array, busy: NDArray[np.bool_]) -> float:
    """Mann and Whitney: how often a busy window scores above a quiet one; ties count half."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n_busy, n_quiet = busy.sum(), (~busy).sum()
    return float((ranks[busy].sum() - n_busy * (n_busy + 1) / 2) / (n_busy * n_quiet))


def tells_apart(quiet: Array, busy: Array) -> tuple[float, float, float]:
    """(AUC, lower, upper bound of the 95 % bootstrap interval) of telling the two, on what was not learned from."""
    half = min(len(quiet), len(busy)) // 2
    learned = np.concatenate([quiet[: half - WINDOW], busy[: half - WINDOW]])
    labels = np.arange(len(learned)) >= half - WINDOW
    stumps = learn(learned, labels)
    scores = [score(stumps, part[half : 2 * half]) for part in (quiet, busy)]
    rng = np.random.default_rng(1)
    spread = [compare(*(blocks(rng, part) for part in scores)) for _ in range(SAMPLES)]
    low, high = np.quantile(spread, [0.025, 0.975])
    return compare(*scores), float(low), float(high)


def compare(quiet: Array, busy: Array) -> float:
    return auc(np.concatenate([quiet, busy]), np.arange(len(quiet) + len(busy)) >= len(quiet))


def blocks(rng: np.random.Generator, scores: Array) -> Array:
    """As many whole blocks as there are, drawn with replacement."""
    whole = scores[: len(scores) // BLOCK * BLOCK].reshape(-1, BLOCK)
    return whole[rng.integers(len(whole), size=len(whole))].ravel()


Stump = tuple[int, float, float, float]


def learn(data: Array, busy: NDArray[np.bool_]) -> list[Stump]:
    """Logit boosting of single cuts (Friedman, Hastie and Tibshirani 2000)."""
    logit = np.zeros(len(data))
    stumps: list[Stump] = []
    for _ in range(ROUNDS):
        likely = 1 / (1 + np.exp(-2 * logit))
        weight = np.maximum(likely * (1 - likely), 1e-6)
        stump = best_cut(data, (busy - likely) / weight, weight)
        if stump is None:
            break
        stumps.append(stump)
        logit += 0.25 * answer(stump, data)
    return stumps


def best_cut(data: Array, target: Array, weight: Array) -> Stump | None:
    best, found = 0.0, None
    for column in range(data.shape[1]):
        for cut in np.unique(np.quantile(data[:, column], np.linspace(0, 1, CUTS)))[:-1]:
            above = data[:, column] > cut
            sums = [(weight * target)[side].sum() for side in (~above, above)]
            totals = [weight[side].sum() for side in (~above, above)]
            gain = sum(s * s / t for s, t in zip(sums, totals, strict=True) if t > 0)
            if gain > best and min(totals) > 0:
                low, high = (s / t for s, t in zip(sums, totals, strict=True))
                best, found = gain, (column, float(cut), float(low), float(high))
    return found


def answer(stump: Stump, data: Array) -> Array:
    column, cut, low, high = stump
    return np.where(data[:, column] > cut, high, low)


def score(stumps: list[Stump], data: Array) -> Array:
    return sum((answer(stump, data) for stump in stumps), np.zeros(len(data)))
