"""What the attacks found, in words and as JSON: the file is let out, or refused with why."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from stillroom_tools.site.disclosure.attacks import Result
from stillroom_tools.site.disclosure.counts import Counted
from stillroom_tools.site.disclosure.settings import Column
from stillroom_tools.site.disclosure.suppress import BASE, LEAST, WIDTH, Protected

MEANING = {
    "singling out": "of how many times and things that he names as of exactly one room it is true",
    "linkage": "of how many records he names by the roster who was on watch",
    "inference": "of how many rooms and times of which he knows that something was told he says what",
}


class Found(Struct, frozen=True):
    """Of one attack; rates are shares of 1, low and high hold 95 % of the rate."""

    attack: str
    claims: int
    rate: float
    low: float
    high: float
    chance: float
    risk: float
    certain: int


class Verdict(Struct, frozen=True):
    """control: the same attacks on a naive export of the same records, which they have to break."""

    purpose: str
    columns: tuple[Column, ...]
    start: str
    until: str
    rooms: int
    numbers: int
    left_out_small: int
    left_out_derivable: int
    narrowest: int
    roster: str
    most_risk: float
    found: tuple[Found, ...]
    control: tuple[Found, ...]
    refused: tuple[str, ...]


class Early(Struct, frozen=True):
    """Refused before a table was made: the rules speak against any."""

    purpose: str
    columns: tuple[Column, ...]
    start: str
    until: str
    refused: tuple[str, ...]


def found(results: Sequence[Result]) -> tuple[Found, ...]:
    return tuple(
        Found(
            r.attack, r.claims, round(r.rate, 4), round(r.interval[0], 4), round(r.interval[1], 4),
            round(r.chance, 4), round(r.risk, 4), r.certain,
        )
        for r in results
    )  # fmt: skip


def why_refused(
    results: Sequence[Result], control: Sequence[Result], narrow: int, made: Protected, most: float
) -> list[str]:
    """Empty where nothing speaks against it."""
    said = [
        f"{r.attack}: right in {r.rate:.0%} where chance gives {r.chance:.0%}: a risk of {r.risk:.2f}, above {most:g}"
        for r in results
        if r.risk > most
    ]
    said += [
        f"{r.attack}: {r.certain} small numbers can be computed for certain" for r in results if r.certain
    ]
    if narrow < WIDTH:
        said.append(f"a number that was left out lies within {narrow}, narrower than {WIDTH}")
    if bool(made.left_out.all()):
        said.append(f"nothing is left: every number is below {LEAST}, or gives one away that is")
    if not any(r.risk > most or r.certain for r in control):
        said.append("the attacks do not even break a naive export of these records: they prove nothing here")
    return said


def shown(counted: Counted, made: Protected) -> dict[str, Any]:
    """What of the table was left out."""
    small = int(np.count_nonzero(made.small))
    return {
        "numbers": int(made.shown.size),
        "left_out_small": small,
        "left_out_derivable": int(np.count_nonzero(made.left_out)) - small,
        "rooms": counted.rooms,
    }


def text(verdict: Verdict | Early) -> str:
    """A page for whoever decides."""
    lines = [
        f"Re-identification report: purpose {verdict.purpose}, {verdict.start} to {verdict.until}",
        "",
        f"Verdict: {'REFUSED' if verdict.refused else 'may be let out'}",
        *(f"  because {why}" for why in verdict.refused),
        "",
        *(_no_attack(verdict) if isinstance(verdict, Early) else _attacks(verdict)),
    ]
    return "\n".join(lines) + "\n"


def _no_attack(verdict: Early) -> list[str]:
    return [
        f"Columns: {', '.join(verdict.columns)}.",
        "No table was made and no attack was run: the rules alone speak against it.",
    ]


def _attacks(verdict: Verdict) -> list[str]:
    return [
        f"Columns: {', '.join(verdict.columns)}. Each number counts rooms, of {verdict.rooms}, rounded to {BASE}.",
        f"Of {verdict.numbers} numbers, margins too, {verdict.left_out_small} are left out as they are below {LEAST}",
        f"or of nearly all rooms, {verdict.left_out_derivable} more since one of these could be computed from them.",
        f"The narrowest interval of what was left out is {verdict.narrowest} wide; {WIDTH} are needed.",
        "",
        f"Attacks, really run on the file; refused above a risk of {verdict.most_risk:g}. The attacker knows the",
        "rules, how many rooms there are, how common each thing is at all, and has",
        f"{verdict.roster}.",
        *_table(verdict.found),
        "",
        "Positive control: the same attacks on the same records by the hour, exact and whole. They have to break it.",
        *_table(verdict.control),
        "",
        *(f"{name}: {means}." for name, means in MEANING.items()),
        "Risk: (rate - chance) / (1 - chance).",
        "Not tried: somebody who knows all rooms but one, and what was let out elsewhere.",
    ]


def _table(rows: Sequence[Found]) -> list[str]:
    head = f"  {'attack':<14}{'claims':>8}{'right':>8}{'95 %':>14}{'chance':>8}{'risk':>7}{'certain':>9}"
    return [head] + [
        f"  {r.attack:<14}{r.claims:>8}{r.rate:>8.1%}{f'{r.low:.1%}-{r.high:.1%}':>14}{r.chance:>8.1%}{r.risk:>7.2f}"
        f"{r.certain:>9}"
        for r in rows
    ]
