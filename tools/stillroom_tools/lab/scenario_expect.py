"""What a scenario says of the unit that looks at its room: what it must tell, when, and what it must not.

A kind is a condition's code (`on-floor`, `camera-covered`) or `state:` and the name of a state.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from stillroom.config import Zones
from stillroom.config_conditions import ConditionsConfig, faults
from stillroom.keeper.camera import OF_HEALTH
from stillroom.keeper.conditions import KINDS, needing
from stillroom.keeper.states import ALL

STATE = "state:"
OF_PERSONS: tuple[str, ...] = tuple(kind.code for kind in KINDS)
TECHNICAL: tuple[str, ...] = (*OF_HEALTH.values(), "model-missing")
"""Those that follow from what the eye says; the others are of cards, clocks and networks, which are not simulated."""
Seconds = Annotated[float, Meta(ge=0.0, le=86_400.0)]
Level = Literal["high", "medium", "low", "technical"]


class Expected(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that must be told, from `at_s` on and not more than `within_s` later."""

    kind: str
    at_s: Seconds
    within_s: Annotated[float, Meta(ge=0.2, le=86_400.0)] = 5.0
    level: Level | None = None
    """Of a condition alone; any where it is not said."""
    ends: bool = False
    """The condition ends then, and does not begin."""

    def holds(self, kind: str, level: str | None, ends: bool, at_s: float) -> bool:
        """Whether this was told."""
        same = kind == self.kind and ends == self.ends and self.level in (None, level)
        return same and self.at_s <= at_s <= self.at_s + self.within_s


class Never(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that must not be told, from `from_s` to `until_s` (the end where it is not said).

    A state must not be believed then, whenever it began; a condition must not begin.
    """

    kind: str
    from_s: Seconds = 0.0
    until_s: Seconds | None = None
    level: Level | None = None


def expect_faults(
    expects: Sequence[Expected],
    never: Sequence[Never],
    conditions: ConditionsConfig,
    zones: Zones,
    lasts_s: float,
) -> Iterator[str]:
    """`'KEY' = VALUE: what is allowed`, for each thing that is wrong."""
    for key, wrong in faults(conditions):
        yield f"'conditions.{key}'{' ' if wrong.startswith('=') else ': '}{wrong}"
    named = [(f"expects.{index}", row.kind, row.level) for index, row in enumerate(expects)]
    named += [(f"never.{index}", row.kind, row.level) for index, row in enumerate(never)]
    for where, kind, level in named:
        for key, wrong in _of_kind(kind, level):
            yield f"'{where}.{key}' = {wrong}"
    for index, row in enumerate(expects):
        for key, wrong in _of_expected(row, conditions, zones, lasts_s):
            yield f"'expects.{index}.{key}' = {wrong}"
    for index, each in enumerate(never):
        if each.until_s is not None and each.until_s <= each.from_s:
            yield f"'never.{index}.until_s' = {each.until_s:g}: must be later than from_s = {each.from_s:g}"


def _of_kind(kind: str, level: str | None) -> Iterator[tuple[str, str]]:
    if kind.startswith(STATE):
        if kind.removeprefix(STATE) not in ALL:
            yield "kind", f"'{kind}': no such state; allowed: {', '.join(STATE + name for name in ALL)}"
        elif level is not None:
            yield "level", f"'{level}': a state has none; leave it out"
    elif kind not in (*OF_PERSONS, *TECHNICAL):
        allowed = ", ".join((*OF_PERSONS, *TECHNICAL))
        yield "kind", f"'{kind}': no such condition; allowed: {allowed}, or state:NAME"
    elif level is not None and (level == "technical") != (kind in TECHNICAL):
        allowed = "technical" if kind in TECHNICAL else "high, medium, low"
        yield "level", f"'{level}': of {kind} allowed: {allowed}"


def _of_expected(
    row: Expected, conditions: ConditionsConfig, zones: Zones, lasts_s: float
) -> Iterator[tuple[str, str]]:
    if row.at_s >= lasts_s:
        yield "at_s", f"{row.at_s:g}: must be before the end, lasts_s = {lasts_s:g}"
    if row.ends and row.kind.startswith(STATE):
        yield "ends", "true: a state ends when another begins; expect that one"
    if row.kind not in OF_PERSONS:
        return
    asked = {each.level for each in getattr(conditions, row.kind.replace("-", "_"))}
    if not asked or row.level not in (None, *asked):
        levels = ", ".join(sorted(asked)) or "none"
        yield "kind", f"'{row.kind}': cannot come about: levels asked for in 'conditions': {levels}"
    elif needed := needing(conditions, zones, models=True).get(row.kind):
        yield "kind", f"'{row.kind}': cannot come about without the zone; add '{needed}'"
