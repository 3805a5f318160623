"""Is a room recorded now, and under whose release? As its unit signed it, in links that the gateway has.

None is verified here. What the words of an older link said is not known once they were erased, and is not guessed.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from stillroom.errors import StillroomError
from stillroom_tools.site.audit_file import link_of
from stillroom_tools.site.gateway.erased import Chained, Told, decode
from stillroom_tools.site.gateway.reader import Reader

LOOK_S = 3.0
ENOUGH = 200, 10_000
"""Newest links of a unit in which its last start, or its last word of a recording, is looked for."""
AT_ONCE = 2_000
AUDIT = ("audit",)


@dataclass(frozen=True)
class Recording:
    """One that began and has not ended. Empty words: the link that would say it is not kept."""

    release: str
    since_ms: int
    by: tuple[str, ...]
    """Who has signed the release: the two names of the roster."""
    level: str
    """Width x height / frames a second."""
    purpose: str = ""
    custodian: str = ""
    until: str = ""
    """UTC, as in 2026-11-26T09:00:00Z."""


def running(links: Iterable[Chained]) -> Recording | None:
    """The one that the chain has left open. A start of the unit ends it: nothing is gone on with over one."""
    terms: dict[str, dict[str, Any]] = {}
    found: Recording | None = None
    for one in links:
        said = link_of(one).said()
        what, release = said.get("what"), str(said.get("release", ""))
        if what == "release-seen":
            terms[release] = {name: str(said.get(name, "")) for name in ("purpose", "custodian", "until")}
        elif what == "release-started":
            by = tuple(str(said.get("by", "")).split())
            found = Recording(release, one.at_ms, by, str(said.get("level", "")), **terms.get(release, {}))
        elif what in ("release-ended", "start"):
            found = None
    return found


@dataclass(frozen=True)
class _Word:
    """What a link says of recording. index: of the link."""

    index: int
    records: bool
    is_start: bool


class Recorded:
    """Which units record now, for the page of all rooms: followed by what comes in to the gateway's store."""

    def __init__(self) -> None:
        self._place: int | None = None
        self._units: dict[str, _Word] = {}

    def look(self, reader: Reader, units: Iterable[str]) -> frozenset[str]:
        """Raises StorageError; what was found before then still counts."""
        if self._place is None:
            self._place = reader.newest_place()
        for unit in sorted(set(units) - self._units.keys()):
            self._units[unit] = _newest(reader, unit)
        while found := reader.following(self._place, AUDIT, AT_ONCE):
            for self._place, one in found:
                word, before = _word(decode(one.event)), self._units.get(one.unit, _NOTHING)
                # What comes late tells of before; a start on another card begins at the first link again.
                if word is not None and (word.is_start or word.index > before.index):
                    self._units[one.unit] = word
        return frozenset(unit for unit, word in self._units.items() if word.records)


_NOTHING = _Word(0, False, False)


def _newest(reader: Reader, unit: str) -> _Word:
    for limit in ENOUGH:
        words = (_word(decode(one.event)) for one in reader.newest(unit, *AUDIT, limit))
        found = next((word for word in words if word is not None), None)
        if found is not None:
            return found
    return _NOTHING


def _word(link: Told) -> _Word | None:
    """None where it says nothing of that."""
    if not isinstance(link, Chained):
        return None
    what = link_of(link).said().get("what")
    if what not in ("release-started", "release-ended", "start"):
        return None
    return _Word(link.index, what == "release-started", what == "start")


class Follower:
    """Looks now and then in a thread of its own. A store that cannot be read takes nothing back: a page says that."""

    def __init__(
        self, ask: Callable[[Callable[[Reader], Any]], Any], units: Callable[[], Iterable[str]],
        tell: Callable[[frozenset[str]], None],
    ) -> None:  # fmt: skip
        self._ask, self._units, self._tell, self._recorded = ask, units, tell, Recorded()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5.0)

    def look(self) -> None:
        try:
            self._tell(self._ask(lambda reader: self._recorded.look(reader, self._units())))
        except StillroomError:
            return

    def _run(self) -> None:
        self.look()
        while not self._stop.wait(LOOK_S):
            self.look()
