"""Which of a unit's entries the gateway has: every number up to `contiguous`, and ranges beyond it.

This is what the unit deletes by, so a number is in here only once its entry is on the gateway's disk, or once
the unit itself has said, signed, that the entry is lost.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

RANGES_TOLD = 32
"""As many as `events.DownBody` can hold."""
RANGES_WITH_COMMAND = 8
"""As many as surely fit beside the largest part of a command."""

MAX_RANGES = 4_096
"""Bounds memory and the row on disk. A unit that is more scattered than this sends some entries twice."""

Range = tuple[int, int]


@dataclass(frozen=True)
class Cursor:
    """`ranges`: (first, last), both included, sorted, apart from each other and from `contiguous`."""

    contiguous: int = 0
    ranges: tuple[Range, ...] = ()

    def __post_init__(self) -> None:
        floor = self.contiguous
        for first, last in self.ranges:
            if not floor + 1 < first <= last:
                raise ValueError("ranges must be sorted and apart")
            floor = last

    def has(self, number: int) -> bool:
        """Whether this number is covered."""
        if number <= self.contiguous:
            return True
        index = bisect_left(self.ranges, (number + 1,)) - 1
        return index >= 0 and number <= self.ranges[index][1]

    def add(self, first: int, last: int | None = None) -> "Cursor":
        """With `first` to `last` (default: `first` alone) covered as well."""
        last = first if last is None else last
        if first > last:
            raise ValueError("a range must not end before it begins")
        return self if self._covers(first, last) else _joined(self.contiguous, [*self.ranges, (first, last)])

    @property
    def is_full(self) -> bool:
        """No room for one more separate range."""
        return len(self.ranges) >= MAX_RANGES

    def told(self, turn: int, most: int = RANGES_TOLD) -> tuple[Range, ...]:
        """At most `most` of the ranges. Others each turn, so that the unit learns of all of them in time."""
        if len(self.ranges) <= most:
            return self.ranges
        start = turn * most % len(self.ranges)
        return tuple(sorted((self.ranges + self.ranges)[start : start + most]))

    def _covers(self, first: int, last: int) -> bool:
        if last <= self.contiguous:
            return True
        index = bisect_left(self.ranges, (first + 1,)) - 1
        return index >= 0 and last <= self.ranges[index][1]


def _joined(contiguous: int, ranges: Iterable[Range]) -> Cursor:
    """Touching and overlapping ranges made one; what touches `contiguous` moves it."""
    apart: list[Range] = []
    for first, last in sorted(ranges):
        if first <= contiguous + 1:
            contiguous = max(contiguous, last)
        elif apart and first <= apart[-1][1] + 1:
            apart[-1] = (apart[-1][0], max(apart[-1][1], last))
        else:
            apart.append((first, last))
    return Cursor(contiguous, tuple(apart))
