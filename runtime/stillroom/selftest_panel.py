"""The light and the button: what the machine can see of them, and what only somebody who stands there can."""

import sys
import time
from collections.abc import Callable

from stillroom.clock import SystemClock
from stillroom.config import NO_LINE, PanelConfig
from stillroom.keeper.indicator import Indicator
from stillroom.selftest_forms import Check
from stillroom.selftest_judge import is_so, not_tested

BLINKS = 3
HALF_S = 0.3
LOOK_S = 0.05

Ask = Callable[[str], bool]
"""Puts a question to whoever stands beside the unit; True for yes."""


def ask_there(question: str) -> bool:
    """On standard error, answered on standard input."""
    print(f"{question} [y/n] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


class Why:
    """Hears why a light is dead."""

    def __init__(self) -> None:
        self.words = ""

    def say(self, _: str, active: bool, why: str) -> None:
        self.words = why if active else self.words


def light(indicator: Indicator, why: Why, panel: PanelConfig, ask: Ask | None) -> Check:
    """On and off. Whether a lamp without a feedback line shines, only somebody who stands there knows."""
    works = True
    clock = SystemClock()
    for _ in range(BLINKS if ask else 1):
        for pattern in ("steady", "off"):
            works = works and indicator.show("steady" if pattern == "steady" else "off", clock.mono_ns())
            if ask:
                time.sleep(HALF_S)
    if not works:
        return is_so("indicator", "dead", "shines when it must", False, why.words)
    if panel.kind == "file" or panel.feedback_line != NO_LINE:
        return is_so("indicator", "seen by the machine", "shines when it must", True)
    if ask is None:
        return not_tested("indicator", "it has no feedback line: only somebody there can see it: --ask")
    seen = ask(f"Did the light blink {BLINKS} times?")
    return is_so(
        "indicator", "seen by somebody" if seen else "not seen", "shines when it must", seen, "nobody saw it"
    )


def button(indicator: Indicator, panel: PanelConfig, within_s: float, ask: Ask | None) -> Check:
    """Pressed when somebody is asked to."""
    if panel.kind != "gpio" or panel.button_line == NO_LINE:
        return not_tested("button", "this unit has no button at a pin")
    if ask is None:
        return not_tested("button", "nobody was asked to press it: --ask")
    indicator.pressed()
    print(f"Press the unit's button, within {within_s:g} s.", file=sys.stderr, flush=True)
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        if indicator.pressed():
            return is_so("button", "pressed", "noticed when pressed", True)
        time.sleep(LOOK_S)
    return is_so(
        "button", "nothing", "noticed when pressed", False, f"no press was noticed in {within_s:g} s"
    )
