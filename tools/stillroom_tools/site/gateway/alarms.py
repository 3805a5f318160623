"""What a site must hear about a unit that no entry can tell it: a copied key, a card put back, records that never came,
an audit chain that is not whole.

Refused records are counted elsewhere; these are more than a count. They stand until the process ends, but
for missing records, which an outage explains: these stand for ten minutes after the last one.
"""

from collections import Counter
from dataclasses import dataclass, field

from stillroom.clock import NS_PER_S, Clock
from stillroom.receiver import Opened
from stillroom.replay import REORDERED
from stillroom_tools.site.gateway.notices import Notice

REPEAT_S = 10.0
"""At most one line in so long for each unit and alarm."""
WITHHELD_STANDS_S = 600.0
STALE_AFTER = 3
"""So many records of a newer start are opened, one a slot, before those of the start before it are an alarm."""

_WORDS = {
    "cloned": "{n} records of a second start under one number: its key was copied, or its card was put back: "
    "take the unit off the wall, and make it new keys",
    "rolled-back": "{n} records of an earlier start that nobody heard of: its card was put back from a copy, or its "
    "key was copied: take the unit off the wall, and make it new keys",
    "stale": "{n} records of an earlier start, long after a newer one began: its key was copied, and what it says is "
    "refused, or somebody holds its records back: look which one hangs there, and make it new keys",
    "broken-chain": "{n} heads of its audit chain to which the links here do not lead: links were changed or taken out "
    "here, the database was put back from a copy, or another unit has its key: what this gateway exports is not whole",
    "key-revoked": "{n} records signed with keys that were revoked, and refused: somebody has the unit or its card",
    "key-rotated": "{n} records signed with its keys before the last rotation, and refused: give it the new papers; "
    "where it has them, its card was copied before",
    "key-gone": "{n} records of a unit that was decommissioned, and refused: its card was not erased, or was copied",
    "withheld": "{n} records never came: lost on the way, or withheld by somebody; its entries come again",
}
ANOTHER_START = ("cloned", "rolled-back", "stale")
"""Whoever speaks there may know nothing of what the unit was told since its card was copied."""


@dataclass
class _Known:
    counts: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    told_ns: dict[str, int] = field(default_factory=dict)
    boot: int = 0
    of_boot: int = 0
    """How many records of the newest start were opened."""
    missed_ns: int = 0
    excused: bool = False
    excused_until: tuple[int, int] | None = None


class Alarms:
    """Feed with `opened` and `refused`; `news` once a second or so."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._units: dict[str, _Known] = {}

    def opened(self, record: Opened) -> None:
        """A record that is true; what went missing before it."""
        known = self._units.setdefault(record.unit, _Known())
        known.of_boot = known.of_boot + 1 if record.boot == known.boot else 1
        known.boot = record.boot
        if not self._is_excused(known, record) and record.given_up:
            known.counts["withheld"] = max(known.counts["withheld"] + record.given_up, 0)
            known.missed_ns = self._clock.mono_ns()

    def refused(self, unit: str, reason: str) -> None:
        """A record that was refused."""
        if reason in _WORDS:
            known = self._units.setdefault(unit, _Known())
            if reason != "stale" or known.of_boot > STALE_AFTER:
                known.counts[reason] += 1

    def broken_chain(self, unit: str) -> None:
        """Its links do not lead to the head that it tells."""
        self._units.setdefault(unit, _Known()).counts["broken-chain"] += 1

    def excuse(self) -> None:
        """We did not listen for a while: what is missing from that time is not held against anybody."""
        for known in self._units.values():
            known.excused, known.excused_until = True, None

    def of(self, unit: str) -> dict[str, int]:
        """The alarms that stand, and how many records each is about."""
        known = self._units.get(unit, _Known())
        old = self._clock.mono_ns() - known.missed_ns > WITHHELD_STANDS_S * NS_PER_S
        return {alarm: n for alarm, n in known.counts.items() if n and not (alarm == "withheld" and old)}

    def news(self) -> list[Notice]:
        """One for each alarm that is new, or has grown since it was told."""
        return [
            Notice("alarm", self._clock.utc_ms(), unit, alarm, n, _text(unit, alarm, n))
            for unit, known in self._units.items()
            for alarm, n in sorted(known.counts.items())
            if self._is_news(known, alarm, n)
        ]

    def _is_news(self, known: _Known, alarm: str, count: int) -> bool:
        now_ns = self._clock.mono_ns()
        recently = now_ns - known.told_ns.get(alarm, now_ns - 10**18) < REPEAT_S * NS_PER_S
        if count <= known.told[alarm] or recently:
            return False
        known.told[alarm], known.told_ns[alarm] = count, now_ns
        return True

    def _is_excused(self, known: _Known, record: Opened) -> bool:
        """From the first record after `excuse` on, until what could be missing before it has been given up."""
        at = (record.boot, record.sequence)
        if known.excused:
            known.excused, known.excused_until = False, (record.boot, record.sequence + REORDERED)
        return known.excused_until is not None and at <= known.excused_until


def _text(unit: str, alarm: str, count: int) -> str:
    return f"ALARM: unit {unit}: {alarm}: {_WORDS[alarm].format(n=count)}"
