"""A chain that does not verify as a whole: how much of it does, and where it forks.

A card that is put back from a copy, and a key that was copied, make a unit sign other links under numbers that it has
used. Each of these chains is the unit's own; which of them tells what happened no arithmetic can say. So what is before
the fork counts, and each branch is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from stillroom.chain import FIRST_HEAD, follow_on
from stillroom_tools.site.audit_file import Link
from stillroom_tools.site.audit_keys import Keys

Heads = dict[int, bytes]


@dataclass(frozen=True)
class Part:
    """links: from the first on, each follows from the one before. branches: at a fork, each as far as it verifies.

    rest: how many links follow from none of these.
    """

    links: list[Link]
    branches: list[list[Link]] = field(default_factory=list)
    rest: int = 0

    @property
    def outside(self) -> int:
        """Links that do not count."""
        return sum(map(len, self.branches)) + self.rest


def part_that_verifies(links: Sequence[Link], keys: Keys) -> Part:
    """Of links in the order of their numbers, or in any."""
    known: dict[int, dict[str, Link]] = {}
    for link in links:
        known.setdefault(link.index, {})[link.head] = link
    heads: Heads = {0: FIRST_HEAD}
    trunk = _walk(heads, known, keys)
    branches = []
    for first in _next(heads, known, keys):
        behind = dict(heads)
        follow_on(behind, first.proof(), keys.at(first.index), first.begins_after)
        branches.append([first, *_walk(behind, known, keys)])
    return Part(trunk, branches, len(links) - len(trunk) - sum(map(len, branches)))


def _walk(heads: Heads, known: dict[int, dict[str, Link]], keys: Keys) -> list[Link]:
    """While exactly one link follows; `heads` grows by theirs."""
    walked = []
    while len(after := _next(heads, known, keys)) == 1:
        follow_on(heads, after[0].proof(), keys.at(after[0].index), after[0].begins_after)
        walked += after
    return walked


def _next(heads: Heads, known: dict[int, dict[str, Link]], keys: Keys) -> list[Link]:
    """What follows from the last of `heads`: the next number, or, where there is none, what a damaged card left."""
    index = next(reversed(heads))
    direct = [link for link in known.get(index + 1, {}).values() if _follows(heads, link, keys)]
    if direct or index + 1 in known:
        return direct
    later = sorted(number for number in known if number > index)
    anew = (link for number in later for link in known[number].values() if link.says_damaged)
    return [link for link in anew if _follows(heads, link, keys)][:1]


def _follows(heads: Heads, link: Link, keys: Keys) -> bool:
    try:
        follow_on(heads, link.proof(), keys.at(link.index), link.begins_after)
    except ValueError:
        return False
    heads.popitem()
    return True
