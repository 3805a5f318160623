"""How hot the board is, as the kernel shows it: `thermal_zone*/temp` in thousandths of a degree. Nobody shows in it."""

from pathlib import Path

from stillroom.clock import NS_PER_S
from stillroom.config_technical import TechnicalConfig
from stillroom.keeper.faults import Faults

EVERY_S = 10
"""A board of some hundred grams takes longer than that to warm by a degree or two."""
SANE_C = (-40.0, 150.0)
"""What lies outside is a sensor that is not there, or broken."""


def hottest(folder: str) -> tuple[float, str] | None:
    """Degrees Celsius and the sensor's name; None where there is no sensor that can be read. folder: empty: none."""
    found = [_read(zone) for zone in Path(folder).glob("thermal_zone*")] if folder else []
    return max((each for each in found if each), default=None)


def _read(zone: Path) -> tuple[float, str] | None:
    try:
        degrees_c = int((zone / "temp").read_text(encoding="ascii")) / 1000
        name = (zone / "type").read_text(encoding="ascii", errors="replace").strip()[:32]
    except (OSError, ValueError):
        return None
    return (degrees_c, name) if SANE_C[0] <= degrees_c <= SANE_C[1] else None


class HeatWatch:
    """`hot` from one limit on, until it is below another."""

    def __init__(self, faults: Faults, config: TechnicalConfig) -> None:
        self._faults, self._config = faults, config
        self._next_ns = 0
        self.hottest_c: float | None = None
        """As it was read last; None: nobody knows."""

    def look(self, now_ns: int) -> None:
        """Reads the sensors, not more often than every ten seconds. What cannot be read changes nothing."""
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + EVERY_S * NS_PER_S
        found = hottest(self._config.hot_sensors)
        self.hottest_c = found[0] if found else None
        if found is None:
            return
        degrees_c, name = found
        limits = f"{self._config.hot_c:g}, over below {self._config.hot_ends_c:g}"
        least = self._config.hot_ends_c if self._faults.stands("hot") else self._config.hot_c
        self._faults.say("hot", degrees_c >= least, f"{degrees_c:.1f} C at {name}; limit {limits}")
