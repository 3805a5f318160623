"""From what a method thinks of its own reading to a probability: pulse within 3, breathing within 1.5 a minute.

One threshold on it, for each of the two, decides whether a reading is given. The tables were fitted on simulated people
by `stillroom evaluate --suite --fit`, which looks at readings below the threshold too (and prints the tables anew, and
how they do on seeds and families that they were not fitted on). They are not calibrated on people.
"""

from typing import Literal

import numpy as np

Kind = Literal["pulse", "breathing"]
Knots = tuple[tuple[float, float], ...]
"""(a method's own estimate, share of readings near the truth), both rising; straight lines between."""

LEAST: dict[Kind, float] = {"pulse": 0.65, "breathing": 0.8}
"""From which a reading is given. More in a room looks like breath than like blood: curtains, fans, screens."""
KNOTS: dict[Kind, Knots] = {
    "pulse": ((0.03, 0.1584), (0.365, 0.439), (0.916, 0.9444), (0.975, 0.961), (1.0, 0.9986)),
    "breathing": ((0.216, 0.4821), (0.39, 0.7167), (0.604, 0.9592), (0.828, 0.9954)),
}


def probability(kind: Kind, own: float) -> float:
    """What a method's own estimate, 0 to 1, is worth."""
    at, share = zip(*KNOTS[kind], strict=True)
    return float(np.interp(own, at, share))


def quality(kind: Kind, own: float) -> float | None:
    """The quality of a reading, or None where it is not to be given."""
    found = probability(kind, own)
    return round(found, 3) if found >= LEAST[kind] else None


def logistic(score: float) -> float:
    """From any number to a share."""
    return float(1.0 / (1.0 + np.exp(-np.clip(score, -30.0, 30.0))))
