"""Two mean colours over time, whatever they come from, to a pulse once a second: what cells and traces share."""

import numpy as np

from stillroom.eye.pulse import SEGMENT_S, Pulse, rgb
from stillroom.eye.spectrum import Real
from stillroom.eye.traces import FAST_PLACES, Ring
from stillroom.observation import Reading

LEAST_HZ = 8.0
"""Rows a second below which the pulse is not read: 3 Hz needs six, and some for the slope of the camera."""
COLUMNS = 8
"""Y of the two sets, U of the two, V of the two (units of the fast ring); stir; light of the rest of the picture."""


class PulseReader:
    """Make, push rows, read once a second, restart."""

    def __init__(self) -> None:
        self._rows = Ring(FAST_PLACES, COLUMNS, np.float32)
        self._pulse = Pulse()

    def restart(self) -> None:
        self._rows.clear()
        self._pulse.restart()

    def refill(self) -> None:
        """Rows of other cells follow; what was read of those before still stands."""
        self._rows.clear()

    def push(self, time_s: float, row: Real) -> None:
        """row: (COLUMNS,). A rest of the picture of 0: there is none."""
        self._rows.push(time_s, row)

    @property
    def newest_time_s(self) -> float:
        return self._rows.newest_time_s()

    def warming_up(self, rate_hz: float) -> Reading | None:
        """The reason as long as there is not one segment, else None."""
        span_s = self._rows.span_s()
        if span_s >= SEGMENT_S - 0.5 / rate_hz:
            return None
        return Reading(withheld="warming-up", window_s=round(span_s, 1))

    def read(self, rate_hz: float) -> Reading:
        """The pulse, or why not, at `rate_hz` rows a second."""
        reading = self.warming_up(rate_hz)
        if reading is not None:
            return reading
        times, rows = self._rows.window(SEGMENT_S + 0.2, slice(None))
        outside = rows[:, 7] if float(rows[:, 7].min()) > 0 else None
        self._pulse.feed(times, rgb(rows[:, :6].reshape(-1, 3, 2)), rows[:, 6], rate_hz, outside)
        return self._pulse.read()
