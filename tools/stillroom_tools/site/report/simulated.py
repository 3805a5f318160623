"""Missed and false, as `stillroom simulate --json` has judged them: of a real room nobody knows what happened in it.

Simulated people are no evidence about real ones: these figures stand beside those of a site, and never among them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from stillroom.errors import InputError
from stillroom_tools.given_file import read_given
from stillroom_tools.site.report.words import plain

MAX_BYTES = 64 * 1024 * 1024
MAX_SEEDS = 20
"""Named in a line of words; the file names all."""

Count = Annotated[int, Meta(ge=0, le=2**53)]
Text = Annotated[str, Meta(min_length=1, max_length=120)]


class Judged(Struct, frozen=True):
    """Of one kind of condition: how often it was due, was missed, and was told without cause."""

    due: Count
    missed: Count
    false: Count


class Wrong(Struct, frozen=True):
    """A night that went wrong, by which it can be seen again: `stillroom simulate SCENARIO --first SEED`."""

    scenario: Text
    seed: Count
    kind: Text
    missed: Count
    false: Count


class Simulated(Struct, frozen=True):
    """Of all nights of a run of `simulate`; other keys of its JSON are passed over."""

    scenarios: tuple[Text, ...]
    seeds: tuple[Count, ...]
    nights: Count
    hours: Annotated[float, Meta(ge=0)]
    conditions: dict[str, Judged]
    wrong: tuple[Wrong, ...]


def read(path: Path) -> Simulated:
    """Raises InputError: absent, too large, not what `simulate --json` writes."""
    data = read_given(path, MAX_BYTES, "no such file")
    try:
        return msgspec.json.decode(data, type=Simulated)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not what `stillroom simulate --json` writes: {error}") from None


def sentences(found: Simulated) -> Iterator[str]:
    """A sentence for all, and one for each kind that was due or told."""
    yield (
        f"Simulated nights, which are no evidence about real people: {found.nights} runs of {len(found.scenarios)} "
        f"scenarios, {found.hours:.1f} h."
    )
    for kind, judged in sorted(found.conditions.items()):
        yield f"{plain(kind)}: due {judged.due}, missed {judged.missed}, false {judged.false}{_seeds(found, kind)}."


def _seeds(found: Simulated, kind: str) -> str:
    """` (missed: falls 41; false: falls 7, 9)`"""
    parts = []
    for what in ("missed", "false"):
        nights = [
            f"{each.scenario} {each.seed}"
            for each in found.wrong
            if each.kind == kind and getattr(each, what)
        ]
        more = f" and {len(nights) - MAX_SEEDS} more" if len(nights) > MAX_SEEDS else ""
        parts += [f"{what}, by scenario and seed: {', '.join(nights[:MAX_SEEDS])}{more}"] if nights else []
    return f" ({'; '.join(parts)})" if parts else ""
