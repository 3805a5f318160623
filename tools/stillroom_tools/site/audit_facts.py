"""What an audit chain says, gathered: who looked, when the camera was open, who paused it, what was refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stillroom_tools.site.audit_file import Link


@dataclass(frozen=True)
class Look:
    """Somebody asked to look. `answer`: why he was refused."""

    at_ms: int
    by: str
    level: str
    reason: str
    seconds: int
    answer: str


@dataclass(frozen=True)
class Pause:
    """`how_long`: as it was asked for."""

    at_ms: int
    by: str
    how_long: str


@dataclass(frozen=True)
class Period:
    """The camera was open. `certain` is False where the unit went off without a word: until its last word, then."""

    from_ms: int
    until_ms: int
    certain: bool = True


@dataclass
class Facts:
    """In the order in which they happened."""

    looks: list[Look] = field(default_factory=list)
    open_periods: list[Period] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    """Documents that were not accepted: when, and why (a code)."""


def gather(links: Sequence[Link], from_ms: int = 0, until_ms: int = 2**53) -> Facts:
    """What happened from `from_ms` (included) to `until_ms` (not); a camera that was open then is cut at both ends."""
    facts = Facts()
    opened: int | None = None
    before = 0
    for link in links:
        said = link.said()
        what = str(said.get("what"))
        if what == "camera-opened":
            opened = link.at_ms if opened is None else opened
        elif what in {"camera-closed", "start"} and opened is not None:
            ended = what == "camera-closed"
            facts.open_periods.append(Period(opened, link.at_ms if ended else before, ended))
            opened = None
        elif from_ms <= link.at_ms < until_ms:
            _note(facts, link.at_ms, said)
        before = max(before, link.at_ms)
    if opened is not None:
        facts.open_periods.append(Period(opened, before, certain=False))
    facts.open_periods = [
        Period(max(p.from_ms, from_ms), min(p.until_ms, until_ms), p.certain)
        for p in facts.open_periods
        if p.from_ms < until_ms and p.until_ms >= from_ms
    ]
    return facts


def _note(facts: Facts, at_ms: int, said: dict[str, Any]) -> None:
    what, by = str(said.get("what")), str(said.get("by", ""))
    if what == "view-refused":
        level, reason, why = (str(said.get(key, "")) for key in ("level", "reason", "why"))
        facts.looks.append(Look(at_ms, by, level, reason, _number(said.get("seconds")), why))
    elif what == "paused-by-button":
        facts.pauses.append(
            Pause(at_ms, "somebody in the room", f"{_number(said.get('seconds')) // 60} minutes")
        )
    elif what == "paused-by-command":
        facts.pauses.append(Pause(at_ms, by, f"until {said.get('until')}"))
    elif what == "document-refused":
        facts.refused.append((at_ms, str(said.get("reason", ""))))


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
