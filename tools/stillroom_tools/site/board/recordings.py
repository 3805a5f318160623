"""Is a room recorded now, and under whose release? As its unit signed it, in links that the gateway has.

None is verified here. What the words of an older link said is not known once they were erased, and is not guessed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stillroom_tools.site.audit_file import link_of
from stillroom_tools.site.gateway.erased import Chained


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
