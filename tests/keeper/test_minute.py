"""A minute's summary says why it has no rate: the commonest reason, and none where there is nothing to explain."""

from datetime import timedelta

import msgspec
import pytest
from parties import HandClock
from tests.rig import SOMEWHERE, observation

from stillroom.config import UnitConfig
from stillroom.events import Event, Summary
from stillroom.keeper.room import Room
from stillroom.observation import Reading

PERIOD = timedelta(seconds=0.2)
GIVEN = Reading(15.0, 0.9, None, "cells", 30.0)


class Watched:
    """A room that is told of readings, five a second; `summaries` is what it said of them."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.summaries: list[Summary] = []
        self.room = Room(UnitConfig("s", "u-1"), self._told, self.clock.utc_ms())

    def _told(self, _at_ms: int, event: Event) -> None:
        if isinstance(event, Summary):
            self.summaries.append(event)

    def see(self, breathing: Reading, seconds: int) -> None:
        for _ in range(seconds * 5):
            self.clock.pass_time(PERIOD)
            seen = msgspec.structs.replace(observation(self.clock, SOMEWHERE, 0.02), breathing=breathing)
            self.room.observe(seen, self.clock.mono_ns(), self.clock.utc_ms())
            self.room.pass_time(self.clock.utc_ms())

    def dark(self, seconds: int) -> None:
        self.clock.pass_time(timedelta(seconds=seconds))
        self.room.pass_time(self.clock.utc_ms())


@pytest.mark.parametrize(
    ("said", "rate", "reason"),
    [
        ([("motion", 25), ("dark", 20), ("motion", 15)], None, "motion"),
        ([("warming-up", 5), ("low-signal", 55)], None, "low-signal"),
        ([("motion", 59), (None, 1)], 15.0, None),
        ([(None, 60)], 15.0, None),
    ],
)
def test_why_there_is_no_rate(
    said: list[tuple[str | None, int]], rate: float | None, reason: str | None
) -> None:
    watched = Watched()
    for why, seconds in said:
        watched.see(Reading(withheld=why) if why else GIVEN, seconds)
    (summary,) = watched.summaries
    assert (summary.breaths_per_min, summary.breathing_withheld) == (rate, reason)
    assert summary.pulse_bpm == 60.0 and summary.pulse_withheld is None


def test_a_closed_camera_gives_no_reason_and_the_minute_before_none_either() -> None:
    watched = Watched()
    watched.see(Reading(withheld="dark"), 60)
    watched.dark(60)
    before, closed = watched.summaries
    assert before.breathing_withheld == "dark"
    assert closed.sensed == 0.0
    assert closed.breaths_per_min is closed.breathing_withheld is closed.pulse_withheld is None
