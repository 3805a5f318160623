"""Three attacks on a file that is to be let out, really run, each against what chance gives whoever has no file.

The attacker knows the rules, how many rooms there are, and how common each thing is at all; he reads the file and works
out what each number can be, as exactly as `table.Network` can. Those who hold the records judge whether he was right.

- **Singling out**: he names times and things of which he thinks that they are of exactly one room.
- **Linkage**: he has the roster of staff, and names on whose watch a record was, by the time that the file gives.
- **Inference**: he knows that something was told of a room at a time, and says what it was.

A rate is the share of right answers; the risk is what it gains of what chance leaves to be gained,
(rate - chance) / (1 - chance), as in Giomi et al. 2023 (Anonymeter, PoPETs), with Wilson's interval at 95 %.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from stillroom_tools.site.disclosure.counts import Released
from stillroom_tools.site.disclosure.records import Key, Record
from stillroom_tools.site.disclosure.roster import Roster
from stillroom_tools.site.disclosure.table import Grid, Network

CLAIMS = 100
"""Of singling out at least, where there are so many: the surest, and all that are as sure."""
_Z = 1.96
WhenOf = Callable[[int], Key]


@dataclass(frozen=True)
class Result:
    """chance: of the same answers by whoever has no file. low, high: 95 % of the rate."""

    attack: str
    claims: int
    right: float
    chance: float
    certain: int = 0
    """Numbers that the file gives away for certain, though they are small."""

    @property
    def rate(self) -> float:
        return self.right / self.claims if self.claims else 0.0

    @property
    def risk(self) -> float:
        if not self.claims:
            return 0.0
        return max(self.rate - self.chance, 0.0) / (1 - self.chance) if self.chance < 1 else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's; 0 to 1 where nothing was tried."""
        n, p = self.claims, self.rate
        if not n:
            return 0.0, 1.0
        middle, half = p + _Z**2 / (2 * n), _Z * sqrt(p * (1 - p) / n + _Z**2 / (4 * n * n))
        return max(middle - half, 0) / (1 + _Z**2 / n), min(middle + half, 1 + _Z**2 / n) / (1 + _Z**2 / n)


@dataclass(frozen=True)
class Known:
    """What judges him: the records, and the true counts in the file's own rows and columns."""

    records: Sequence[Record]
    truth: Grid
    when: WhenOf
    what: Callable[[Record], Key]


def intervals(released: Released, truth: Grid) -> tuple[Grid, Grid]:
    """The least and the most of each cell, from all that the file says."""
    network = Network(truth, released.bounds)
    low, high = truth[:-1, :-1].copy(), truth[:-1, :-1].copy()
    for place in np.ndindex(low.shape):
        low[place], high[place] = network.interval((int(place[0]), int(place[1])))
    return low, high


def singling_out(low: Grid, high: Grid, truth: Grid) -> Result:
    """He names the cells that may be 1 and of which he knows most."""
    cells = truth[:-1, :-1]
    may_be = (low <= 1) & (high >= 1)
    width = np.where(may_be, high - low, -1)
    named = np.zeros_like(may_be)
    for each in sorted(set(width[may_be].tolist())):
        named |= width == each
        if named.sum() >= CLAIMS:
            break
    # How rare each thing is at all, he knows without the file.
    rare = (cells == 1).mean(0)
    chance = float(np.broadcast_to(rare, cells.shape)[named].mean()) if named.any() else 0.0
    certain = int(((high == low) & (cells > 0) & (cells < 8)).sum())
    return Result("singling out", int(named.sum()), float((cells[named] == 1).sum()), chance, certain)


def linkage(known: Known, roster: Roster) -> Result:
    """By the file's time of a record he names who had most to do then; without it, who has most to do at all."""
    on_watch = [(record, roster.on_watch(record.room, record.at_ms)) for record in known.records]
    watched = [(known.when(record.at_ms), names) for record, names in on_watch if names]
    if not watched:
        return Result("linkage", 0, 0.0, 0.0)
    busiest = roster.busiest(known.when)
    at_all = roster.busiest(lambda _: ())[()]
    right = sum(busiest.get(when, at_all) in names for when, names in watched)
    chance = sum(at_all in names for _, names in watched) / len(watched)
    return Result("linkage", len(watched), float(right), chance)


def inference(released: Released, low: Grid, high: Grid, known: Known) -> Result:
    """He says what the file has most of at that time; without it, what is commonest but for the one he asks about."""
    middle = (low + high) / 2
    row_of = {key: n for n, key in enumerate(released.rows)}
    said = {key: released.columns[int(middle[n].argmax())] for key, n in row_of.items()}
    told: dict[tuple[str, Key], Counter[Key]] = defaultdict(Counter)
    overall: Counter[Key] = Counter()
    for record in known.records:
        told[record.room, known.when(record.at_ms)][known.what(record)] += 1
        overall[known.what(record)] += 1
    right = chance = 0.0
    for (_, when), kinds in told.items():
        commonest = max(released.columns, key=lambda what: overall[what] - kinds[what])
        right += kinds[said[when]] / kinds.total()
        chance += kinds[commonest] / kinds.total()
    return Result("inference", len(told), right, chance / len(told) if told else 0.0)


def attack(released: Released, known: Known, roster: Roster) -> list[Result]:
    """All of them."""
    low, high = intervals(released, known.truth)
    return [
        singling_out(low, high, known.truth),
        linkage(known, roster),
        inference(released, low, high, known),
    ]
