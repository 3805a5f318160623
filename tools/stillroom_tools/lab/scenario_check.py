"""What no single key of a scenario can tell: acts out of order, names that nobody has, a room that lacks things."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stillroom.errors import ConfigError
from stillroom_tools.lab.scenario_expect import expect_faults
from stillroom_tools.lab.scenario_verbs import BODY, NEEDS, NOBODYS, OF_A_THING, PLACED, RESIDENT

if TYPE_CHECKING:
    from stillroom_tools.lab.scenario import Act, Scenario

HEADROOM_M = 1.7
"""From somebody's face in bed to the ceiling."""


def check(path: Path, scenario: "Scenario") -> None:
    """Raises ConfigError: file, key, value, what is allowed."""
    for fault in _faults(scenario):
        raise ConfigError(f"{path}: key {fault}")


def _faults(scenario: "Scenario") -> Iterator[str]:
    told = scenario.expects, scenario.never
    yield from expect_faults(*told, scenario.conditions, scenario.zones, scenario.seconds)
    lens = scenario.lens
    if lens.aim != "room" and lens.distance_m * math.sin(math.radians(lens.pitch_deg)) > HEADROOM_M:
        yield (
            f"'lens.distance_m' = {lens.distance_m}: with pitch_deg = {lens.pitch_deg} the lens would be "
            "above the ceiling; make either smaller"
        )
    if scenario.television is not None and _has(scenario, "bathroom"):
        yield "'room.bathroom' = true: its door is where the television hangs; leave one of the two out"
    yield from _of_names(scenario)
    before_s = 0.0
    for index, act in enumerate(scenario.acts):
        if act.do == "drop-curtain" and scenario.curtain is None:
            yield f"'acts.{index}.do' = 'drop-curtain': the room has none; add a table 'curtain'"
        for fault in (*_of_time(scenario, act, before_s), *_of_who(scenario, act), *_of_what(act)):
            yield f"'acts.{index}.{fault}"
        before_s = act.at_s


def _of_names(scenario: "Scenario") -> Iterator[str]:
    known = {RESIDENT}
    names = [(f"people.{index}", one.name) for index, one in enumerate(scenario.people)]
    names += [(f"things.{index}", thing.name) for index, thing in enumerate(scenario.things)]
    for key, name in names:
        if name in known:
            yield f"'{key}.name' = '{name}': there already; each needs a name of its own"
        known.add(name)
    begun = [("begins", scenario.begins)]
    begun += [(f"people.{index}.begins", one.begins) for index, one in enumerate(scenario.people)]
    for key, begins in begun:
        if begins in ("chair", "bathroom") and not _has(scenario, begins):
            yield f"'{key}' = '{begins}': the room has none; add 'room.{begins} = true'"


def _of_time(scenario: "Scenario", act: "Act", before_s: float) -> Iterator[str]:
    if act.at_s < before_s:
        yield f"at_s' = {act.at_s}: acts must be in order of time (before it: {before_s})"
    if scenario.repeat_s and act.at_s >= scenario.repeat_s:
        yield f"at_s' = {act.at_s}: must be below repeat_s = {scenario.repeat_s}"


def _of_who(scenario: "Scenario", act: "Act") -> Iterator[str]:
    kinds = {RESIDENT: "person"} | {one.name: "person" for one in scenario.people}
    kinds |= {thing.name: thing.kind for thing in scenario.things}
    ours = act.do in NOBODYS
    if ours and act.who is not None:
        yield f"who' = '{act.who}': '{act.do}' is nobody's act; leave it out"
    elif not ours and (kind := kinds.get(act.who or RESIDENT)) is None:
        yield f"who' = '{act.who}': nobody of that name; allowed: {', '.join(kinds)}"
    elif not ours and act.do not in (allowed := OF_A_THING.get(kind or "", BODY)):
        yield f"do' = '{act.do}': a {kind} does not do that; allowed: {', '.join(allowed)}"
    elif act.do in NEEDS and not _has(scenario, NEEDS[act.do]):
        yield f"do' = '{act.do}': the room has none; add 'room.{NEEDS[act.do]} = true'"


def _of_what(act: "Act") -> Iterator[str]:
    if (act.do == "light") != (act.lux is not None):
        yield f"lux': needed by 'light', and allowed there alone (here: '{act.do}')"
    if act.over_s and act.do != "light":
        yield f"over_s' = {act.over_s}: allowed with 'light' alone (here: '{act.do}')"
    if act.turn_deg is not None and act.do != "knock":
        yield f"turn_deg': allowed with 'knock' alone (here: '{act.do}')"
    if act.where is not None and act.do not in PLACED:
        yield f"where' = '{act.where}': allowed with {', '.join(PLACED)} (here: '{act.do}')"
    elif act.where is not None and act.where not in PLACED[act.do]:
        yield f"where' = '{act.where}': of '{act.do}' allowed: {', '.join(PLACED[act.do])}"


def _has(scenario: "Scenario", what: str) -> bool:
    return scenario.room is not None and bool(getattr(scenario.room, what))
