"""From what a method thinks of its own reading to a probability: pulse within 3, breathing within 1.5 a minute.

One threshold on it decides whether a reading is given. The tables were fitted on simulated people by `stillroom
evaluate --suite --fit`, which looks at readings below the threshold too (and prints the tables anew, and how they do on
seeds and families that they were not fitted on). They are not calibrated on people.
"""

from typing import Literal

import numpy as np

Kind = Literal["pulse", "breathing"]
Knots = tuple[tuple[float, float], ...]
"""(a method's own estimate, share of readings near the truth), both rising; straight lines between."""

LEAST = 0.6
"""A reading is given where it is likelier near the truth than not, by some margin."""
KNOTS: dict[Kind, Knots] = {
    "pulse": ((0.0, 0.0), (1.0, 1.0)),
    "breathing": ((0.0, 0.0), (1.0, 1.0)),
}


def probability(kind: Kind, own: float) -> float:
    """What a method's own estimate, 0 to 1, is worth."""
    at, share = zip(*KNOTS[kind], strict=True)
    return float(np.interp(own, at, share))


def quality(kind: Kind, own: float) -> float | None:
    """The quality of a reading, or None where it is not to be given."""
    found = probability(kind, own)
    return round(found, 3) if found >= LEAST else None


def logistic(score: float) -> float:
    """From any number to a share."""
    return float(1.0 / (1.0 + np.exp(-np.clip(score, -30.0, 30.0))))
