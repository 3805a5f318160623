"""A chain that does not verify as a whole: how much of it does, and where it forks.

A card that is put back from a copy, and a key that was copied, make a unit sign other links under numbers that it has
used. Each of these chains is the unit's own; which of them tells what happened no arithmetic can say. So what is before
the fork counts, and each branch is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from stillroom.chain import FIRST_HEAD, follow_on
from stillroom.keys import VerifyKey
from stillroom_tools.site.audit_file import Link

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


def part_that_verifies(links: Sequence[Link], key: VerifyKey) -> Part:
    """Of links in the order of their numbers, or in any."""
    known: dict[int, dict[str, Link]] = {}
    for link in links:
        known.setdefault(link.index, {})[link.head] = link
    heads: Heads = {0: FIRST_HEAD}
    trunk = _walk(heads, known, key)
    branches = []
    for first in _next(heads, known, key):
        behind = dict(heads)
        follow_on(behind, first.proof(), key, first.begins_after)
        branches.append([first, *_walk(behind, known, key)])
    return Part(trunk, branches, len(links) - len(trunk) - sum(map(len, branches)))


def _walk(heads: Heads, known: dict[int, dict[str, Link]], key: VerifyKey) -> list[Link]:
    """While exactly one link follows; `heads` grows by theirs."""
    walked = []
    while len(after := _next(heads, known, key)) == 1:
        follow_on(heads, after[0].proof(), key, after[0].begins_after)
        walked += after
    return walked


def _next(heads: Heads, known: dict[int, dict[str, Link]], key: VerifyKey) -> list[Link]:
    """What follows from the last of `heads`: the next number, or, where there is none, what a damaged card left."""
    index = next(reversed(heads))
    direct = [link for link in known.get(index + 1, {}).values() if _follows(heads, link, key)]
    if direct or index + 1 in known:
        return direct
    later = sorted(number for number in known if number > index)
    anew = (link for number in later for link in known[number].values() if link.says_damaged)
    return [link for link in anew if _follows(heads, link, key)][:1]


def _follows(heads: Heads, link: Link, key: VerifyKey) -> bool:
    try:
        follow_on(heads, link.proof(), key, link.begins_after)
    except ValueError:
        return False
    heads.popitem()
    return True
