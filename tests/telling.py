"""What units of a ward told in some weeks, made up: rooms that differ, and some things that are rare."""

from datetime import UTC, date

import numpy as np

from stillroom_tools.site.disclosure.records import Record, Weeks

WEEKS = Weeks(date(2026, 9, 7), date(2026, 10, 5), UTC, 20 * 60, 8 * 60)
RATES = {
    "left-bed": 4.0,
    "not-back": 0.3,
    "on-floor": 0.1,
    "entered": 3.0,
    "left-room": 3.0,
    "no-movement": 0.05,
}


def told_of(rooms: int, seed: int = 1) -> list[Record]:
    """Conditions of rooms that differ, some rare."""
    random = np.random.default_rng(seed)
    weeks = (WEEKS.until - WEEKS.first).days / 7
    return [
        Record(f"room-{room}", int(at_ms), kind, "high" if kind == "on-floor" else "low")
        for room in range(rooms)
        for kind, rate in RATES.items()
        for at_ms in random.integers(
            WEEKS.from_ms, WEEKS.until_ms, random.poisson(rate * weeks * random.gamma(1))
        )
    ]
