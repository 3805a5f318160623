"""What a gateway or watch has to say beside entries and rooms: alarms, presence, what was refused. A line each.

In words on standard error; with `--json` also as a line of JSON on standard output, told from other lines by its key
`notice`. A notice is about now: it is not kept, and not said again after a restart.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from stillroom.clock import NS_PER_S, Clock
from stillroom_tools.site.retired import Retired

REPORT_S = 10.0


class Notice(msgspec.Struct, frozen=True):
    """One line of `--json`."""

    notice: Literal["alarm", "presence", "refused", "retention", "store"]
    at_ms: int
    unit: str
    """Empty where nobody can tell which."""
    what: str
    """alarm: `cloned`, `rolled-back`, `stale`, `broken-chain`, `withheld`, `key-revoked`, `key-rotated`, `key-gone`,
    `software-behind`, `configuration-differs`;
    presence: `waiting` (known from before the start, not heard since), `live`, `late`, `silent`, and of units or keys
    taken out of the site `revoked`, `rotated`, `gone`; refused: why; retention: which class went; store: `away`,
    `back`."""
    count: int
    """Of the records (or entries) that it is about, since this process began; presence: 0."""
    text: str


Tell = Callable[[Notice], None]


def retirement(retired: Retired, now_ms: int) -> Notice:
    """A unit that was taken out of the site, or a key of it that counts no longer."""
    paper = retired.paper
    words = {
        "gone": "is gone: it was decommissioned, and its receipt is kept",
        "revoked": f"is revoked ({paper.reason}): what it says is refused from now on",
        "rotated": "has new keys: what its old ones sign is refused from now on",
    }
    text = f"unit {paper.unit} {words[paper.why]}; key {retired.key.fingerprint}"
    return Notice("presence", now_ms, paper.unit, paper.why, 0, text)


class Refused:
    """Tells what was refused: a new kind at once, higher counts now and then. `of` names it: records, entries."""

    def __init__(self, clock: Clock, tell: Tell) -> None:
        self._clock, self._tell = clock, tell
        self._entries: Counter[tuple[str, str]] = Counter()
        self._told: dict[tuple[str, str], int] = {}
        self._told_ns = 0

    def count(self, counts: Mapping[str, int]) -> None:
        """Of entries in records that were true: `duplicate`, `scattered`, `rewritten`."""
        self._entries.update({("", f"entries-{why}"): n for why, n in counts.items() if why != "new"})

    def tell(self, records: Mapping[tuple[str, str], int], dropped: int = 0, *, now: bool = False) -> None:
        """A notice for each kind that is new or has grown. `records`: (unit, reason) to count. `now`: no waiting."""
        seen = {**records, **self._entries} | ({("", "dropped-for-want-of-time"): dropped} if dropped else {})
        due = now or self._clock.mono_ns() - self._told_ns >= REPORT_S * NS_PER_S
        if seen.keys() == self._told.keys() and not (due and seen != self._told):
            return
        for (unit, why), n in sorted(seen.items()):
            if self._told.get((unit, why)) != n:
                of = f" (unit {unit})" if unit else ""
                text = f"not taken so far: {why}{of} {n}"
                self._tell(Notice("refused", self._clock.utc_ms(), unit, why, n, text))
        self._told, self._told_ns = seen, self._clock.mono_ns()
