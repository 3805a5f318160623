"""What an audit chain says, gathered: who looked, when the camera was open, who paused it, what was refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from stillroom.clock import MS_PER_S
from stillroom.document_forms import to_ms
from stillroom_tools.site.audit_file import Link, missing
from stillroom_tools.site.audit_open import FOREVER_MS, Period, open_periods

IN_THE_ROOM = "somebody in the room"


GRANTED = "granted"


@dataclass(frozen=True)
class Look:
    """Somebody asked to look. `answer`: `granted`, or why he was refused."""

    at_ms: int
    by: str
    level: str
    reason: str
    seconds: int
    answer: str


@dataclass(frozen=True)
class Pause:
    """`until_ms`: as it was asked for. `ended_ms`: somebody ended it earlier."""

    at_ms: int
    by: str
    until_ms: int
    ended_ms: int | None = None
    id: str = ""


@dataclass(frozen=True)
class Halt:
    """The facility halted the camera; `lifted_ms` is None where it stands."""

    at_ms: int
    id: str
    lifted_ms: int | None = None


@dataclass(frozen=True)
class Recording:
    """A file that was recorded under a release. `ended_ms`: None where no link says when."""

    at_ms: int
    release: str
    file: int
    by: str
    level: str
    seconds: int = 0
    ended_ms: int | None = None
    how: str = ""


@dataclass
class Facts:
    """In the order in which they happened; all of one time."""

    looks: list[Look] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    open_periods: list[Period] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    halts: list[Halt] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    """Documents that were not accepted: when, and why (a code)."""
    known: tuple[int, int] | None = None
    """From the first link to the last, as far as that lies in the time; None where nothing is known of it."""
    erased: int = 0
    """Links of that time whose words were erased."""
    missing: int = 0
    """Links of that time that a damaged card may have cost."""
    outside: int = 0
    """Links that do not follow from those that verify, whenever they are from."""
    end_unknown: bool = False
    """Somewhere in the time it is not known whether a camera that had been open still was."""

    @property
    def unknown(self) -> int:
        """Links of which nobody knows what they said, or whether there were any."""
        return self.erased + self.missing + self.outside

    @property
    def sensed_s(self) -> int:
        """How long the camera was open, as far as that is proven."""
        return sum(period.until_ms - period.from_ms for period in self.open_periods) // MS_PER_S

    @property
    def at_least(self) -> bool:
        """It may have been longer."""
        return bool(self.unknown or self.end_unknown)


def gather(links: Sequence[Link], from_ms: int = 0, until_ms: int = FOREVER_MS, outside: int = 0) -> Facts:
    """What happened from `from_ms` (included) to `until_ms` (not); a camera that was open then is cut at both ends.

    links: a chain that verifies. outside: how many others there are.
    """
    facts = Facts(known=_known(links, from_ms, until_ms), outside=outside)
    for link in links:
        if from_ms <= link.at_ms < until_ms:
            facts.erased += link.erased
        if link.at_ms < until_ms:
            _note(facts, link.at_ms, link.said())
    facts.missing = _missing(links, from_ms, until_ms)
    periods = [p for p in open_periods(links) if p.from_ms < until_ms]
    facts.end_unknown = any(
        not p.certain and p.until_ms < until_ms and p.latest_ms > from_ms and p.until_ms < p.latest_ms
        for p in periods
    )
    facts.open_periods = [p.within(from_ms, until_ms) for p in periods if p.until_ms >= from_ms]
    facts.looks = [one for one in facts.looks if one.at_ms >= from_ms]
    facts.recordings = [one for one in facts.recordings if one.ended_ms is None or one.ended_ms >= from_ms]
    facts.refused = [one for one in facts.refused if one[0] >= from_ms]
    facts.pauses = [one for one in facts.pauses if (one.ended_ms or one.until_ms) >= from_ms]
    facts.halts = [one for one in facts.halts if one.lifted_ms is None or one.lifted_ms >= from_ms]
    return facts


def _known(links: Sequence[Link], from_ms: int, until_ms: int) -> tuple[int, int] | None:
    """A unit writes nothing while nothing happens: between two links all is known that was to be told."""
    if not links:
        return None
    start, end = max(from_ms, links[0].at_ms), min(until_ms, max(link.at_ms for link in links))
    return (start, end) if start <= end else None


def _missing(links: Sequence[Link], from_ms: int, until_ms: int) -> int:
    """Of the links that may be missing, those that would lie between two of which one is not outside the time."""
    at_ms = {link.index: link.at_ms for link in links}
    return sum(
        last - first + 1
        for first, last in missing(links)
        if at_ms.get(first - 1, 0) < until_ms and at_ms[last + 1] >= from_ms
    )


def _note(facts: Facts, at_ms: int, said: dict[str, Any]) -> None:
    what, by = str(said.get("what")), str(said.get("by", ""))
    if what in ("view-refused", "view-granted"):
        level, reason = (str(said.get(key, "")) for key in ("level", "reason"))
        why = str(said.get("why", "")) if what == "view-refused" else GRANTED
        facts.looks.append(Look(at_ms, by, level, reason, _number(said.get("seconds")), why))
    elif what == "paused-by-button":
        until_ms = at_ms + _number(said.get("seconds")) * MS_PER_S
        facts.pauses.append(Pause(at_ms, IN_THE_ROOM, until_ms))
    elif what == "paused-by-command":
        facts.pauses.append(Pause(at_ms, by, time_of(said.get("until"), at_ms), id=str(said.get("pause"))))
    elif what == "resumed-by-button":
        _resume(facts, at_ms, IN_THE_ROOM, "")
    elif what == "resumed-by-command":
        _resume(facts, at_ms, by, str(said.get("pause")))
    elif what == "halt-seen":
        facts.halts.append(Halt(at_ms, str(said.get("halt"))))
    elif what == "lift-seen":
        _lift(facts, at_ms, str(said.get("halt")))
    elif what in ("release-started", "release-ended"):
        _record(facts, at_ms, said)
    elif what == "document-refused":
        facts.refused.append((at_ms, str(said.get("reason", ""))))


def _resume(facts: Facts, at_ms: int, by: str, name: str) -> None:
    """The newest pause of his, where it still runs."""
    for place, one in reversed(list(enumerate(facts.pauses))):
        if (one.by, one.id) == (by, name):
            if one.ended_ms is None and at_ms < one.until_ms:
                facts.pauses[place] = Pause(one.at_ms, one.by, one.until_ms, at_ms, one.id)
            return


def _record(facts: Facts, at_ms: int, said: dict[str, Any]) -> None:
    release, file = str(said.get("release", "")), _number(said.get("file"))
    if said.get("what") == "release-started":
        by, level = str(said.get("by", "")), str(said.get("level", ""))
        facts.recordings.append(Recording(at_ms, release, file, by, level))
        return
    for place, one in enumerate(facts.recordings):
        if (one.release, one.file, one.ended_ms) == (release, file, None):
            seconds, how = _number(said.get("chunks")), str(said.get("how", ""))
            facts.recordings[place] = replace(one, seconds=seconds, ended_ms=at_ms, how=how)


def _lift(facts: Facts, at_ms: int, name: str) -> None:
    for place, one in enumerate(facts.halts):
        if one.id == name and one.lifted_ms is None:
            facts.halts[place] = Halt(one.at_ms, name, at_ms)


def time_of(text: object, otherwise: int) -> int:
    """The milliseconds of `2026-11-25T17:39:41Z`, as bodies have it."""
    try:
        return to_ms(datetime.fromisoformat(str(text)))
    except (ValueError, OverflowError):
        return otherwise


def _number(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value <= FOREVER_MS else 0
