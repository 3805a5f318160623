"""What happens when: the acts of a scenario, repeated and moved by the seed, and turns in bed that no act says."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from stillroom_tools.lab.scenario import Act, Movement, Scenario
from stillroom_tools.lab.scene_random import unit

KEPT_S = 600.0
"""What is older is let go, so that a simulated year takes no more memory than ten minutes."""
_HOUR_S = 3600.0


def script(scenario: Scenario, seed: int) -> Iterator[Act]:
    """The acts in order of time, again and again where the scenario repeats."""
    before_s = 0.0
    for turn in itertools.count() if scenario.repeat_s and scenario.acts else range(1):
        for index, act in enumerate(scenario.acts):
            at_s = act.at_s + turn * scenario.repeat_s
            if act.jitter_s:
                at_s += act.jitter_s * (2.0 * unit(seed, turn, index, 31) - 1.0)
            before_s = at_s = max(at_s, before_s)
            yield msgspec.structs.replace(act, at_s=at_s)


@dataclass
class Turns:
    """When somebody turns over by himself: one at most in each slot, so that any time can be had at once."""

    movement: Movement
    seed: tuple[int, ...]

    @property
    def _slot_s(self) -> float:
        """Half of the mean time between turns: a chance of a half each, at a time by the seed."""
        return _HOUR_S / self.movement.turns_per_h / 2.0 if self.movement.turns_per_h else math.inf

    def after(self, at_s: float) -> float:
        """The next one later than `at_s`; infinity where there is none."""
        slot_s = self._slot_s
        if slot_s == math.inf:
            return math.inf
        for slot in itertools.count(max(int(at_s // slot_s), 0)):
            when_s = (slot + unit(*self.seed, slot, 32)) * slot_s
            if when_s > at_s and unit(*self.seed, slot, 33) < 0.5:
                return when_s
        raise AssertionError
