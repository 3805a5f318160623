"""A phantom: something in front of a camera, or recorded, of which it is known how it moves, blinks and looks.

Its description is a TOML file: `pulse_bpm`, `breaths_per_min` (0: nothing is to be read), and of a test stand also
where its chart shows one straight slanted edge, and whether the stand is dark but for the unit's infrared light.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from stillroom.config import convert, read_toml
from stillroom.errors import ConfigError

NEAR = {"pulse_bpm": 3.0, "breaths_per_min": 1.5}
"""What a reading's quality is the probability of."""
LIMITS = {"pulse_bpm": (20.0, 300.0), "breaths_per_min": (2.0, 100.0)}
MOST_OFF = 0.05
MOST_IN_NOTHING = 0.01

Place = Annotated[float, Meta(ge=0.0, le=1.0)]
Edge = Annotated[
    tuple[Place, Place, Place, Place],
    Meta(
        description="[left, top, right, bottom], each 0 to 1 of the picture, around one straight slanted edge"
    ),
]


class Phantom(Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of it; None: nothing is."""

    pulse_bpm: float | None = None
    breaths_per_min: float | None = None
    edge: Edge | None = None
    """Dark on one side and bright on the other, 2 to 40 degrees from upright or from level, nothing else in it."""
    infrared: bool = False
    """There is no light but the unit's own infrared."""

    @property
    def rates(self) -> dict[str, float]:
        """Quantity to rate, of those that are known."""
        return {name: getattr(self, name) for name in NEAR if getattr(self, name) is not None}


def load_phantom(path: Path) -> Phantom:
    """Read and check a description. Raises ConfigError: file, key, value, what is allowed."""
    raw = read_toml(path)
    phantom = convert(path, raw, Phantom)
    if not raw:
        raise ConfigError(f"{path}: empty: may hold {', '.join(Phantom.__struct_fields__)}")
    for name, rate in phantom.rates.items():
        check_rate(f"{path}: key", name, rate)
    if phantom.edge is not None and not (
        phantom.edge[0] + 0.02 <= phantom.edge[2] and phantom.edge[1] + 0.02 <= phantom.edge[3]
    ):
        raise ConfigError(
            f"{path}: key 'edge' = {list(phantom.edge)}: left < right and top < bottom, by 0.02 at least"
        )
    return phantom


def check_rate(where: str, name: str, rate: float) -> float:
    """Raises ConfigError: not a rate that anything living or built has."""
    low, high = LIMITS[name]
    if not (rate == 0 or low <= rate <= high):
        raise ConfigError(
            f"{where} '{name}' = {rate:g}: from {low:g} to {high:g}, or 0 for nothing to be read"
        )
    return rate


@dataclass(frozen=True, slots=True)
class Judged:
    """Readings beside what is true. read: their median; off: how many were not near."""

    read: float | None
    readings: int
    off: int
    passed: bool
    why: str


def judged(name: str, expected: float, values: Sequence[float | None], withheld: str = "") -> Judged:
    """Of one quantity at one known rate; None: no reading. withheld: the last reason why there was none.

    Nearly all readings must be near what is true, and there must be one; where nothing is to be read, nearly none.
    """
    found = sorted(value for value in values if value is not None)
    median = found[len(found) // 2] if found else None
    if expected == 0:
        passed = len(found) <= MOST_IN_NOTHING * len(values)
        return Judged(median, len(found), len(found), passed, "" if passed else "read in nothing")
    return near(name, [abs(value - expected) for value in found], median, withheld)


def near(name: str, errors: Sequence[float], median: float | None, withheld: str) -> Judged:
    """The same of errors, where the truth changes."""
    off = sum(error > NEAR[name] for error in errors)
    if not errors:
        return Judged(median, 0, 0, False, f"withheld: {withheld or 'nothing known where it was read'}")
    passed = off <= MOST_OFF * len(errors)
    return Judged(median, len(errors), off, passed, "" if passed else "not the known rate")
